"""Credentials that are issued for one action: a real PostgreSQL, a real sshd, and servers that verify what they are asked with."""
import base64
import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import issuers, sshd  # noqa: E402
from support.keyturn import Keyturn, contains, until  # noqa: E402
from support.postgres import Postgres, installed  # noqa: E402

POLICY = """\
apiVersion: keyturn/v1
kind: Policy
metadata: {name: credentials, revision: 1}
defaults: {effect: deny, onError: deny}
rules:
- {id: all, match: {tool: ["*"]}, effect: allow}
"""
TOOLS = """\
tools:
  orders:
    sql: {dsn: "host=127.0.0.1 port=@PG@ dbname=orders", credential: orders-write, statement: "{{sql}}"}
    params: {sql: {type: string, bytes_max: 65536}}
    resource: {kind: database, name: orders, env: prod}
    timeout: 30s
  wrong-grant:
    sql: {dsn: "host=127.0.0.1 port=@PG@ dbname=orders", credential: wrong-grant, statement: "SELECT 1"}
    resource: {kind: database, name: orders, env: prod}
  hold:
    exec: [@WORK@/slow.sh]
    env: {PGUSER: {credential: orders-write, field: user}}
    resource: {kind: host, name: here, env: prod}
    sandbox: none
    timeout: 60s
  restart-web:
    exec: [/bin/sh, -c, 'umask 077; cat "$KEY" >/tmp/k; cat "$CERT" >/tmp/k-cert.pub; exec ssh -F none -i /tmp/k -o IdentitiesOnly=yes -o UserKnownHostsFile=@SSH@/known_hosts -p @SSHPORT@ @USER@@127.0.0.1 whoami 2>&1']
    env:
      KEY: {credential: restart-web, field: private_key, as: file}
      CERT: {credential: restart-web, field: certificate, as: file}
    resource: {kind: host, name: web, env: prod}
    sandbox: {network: true, read_only: [@SSH@/known_hosts]}
""" + "".join(f"""\
  {name}:
    exec: [/bin/sh, -c, 'printf "%s" "$TOKEN" | sha256sum; printf "Authorization: Bearer %s" "$TOKEN" | /usr/bin/curl -s -m 20 -H @- @URL@/whoami; echo; echo "$TOKEN"']
    env: {{TOKEN: {{credential: {name}, field: {field}}}}}
    resource: {{kind: service, name: {name}, env: prod}}
    sandbox: {{network: true}}
""" for name, field in (("crm", "token"), ("crm-body", "token"), ("behalf", "token"), ("scaler", "token"), ("scaler-bound", "token"), ("bucket", "session_token"), ("leased", "password"), ("kept", "value")))

CREDENTIALS = """\
apiVersion: keyturn/v1
kind: Credentials
credentials:
  orders-write:
    lifetime: 5m
    postgres_role:
      dsn: "host=127.0.0.1 port=@PG@ dbname=orders user=maker"
      password: {secret: "file:@PASSWORD@"}
      grants: ["GRANT SELECT, INSERT ON orders TO {{role}}", "GRANT CREATE, USAGE ON SCHEMA public TO {{role}}"]
      owner: keeper
  wrong-grant:
    postgres_role:
      dsn: "host=127.0.0.1 port=@PG@ dbname=orders user=maker"
      password: {secret: "file:@PASSWORD@"}
      grants: ["GRANT SELECT ON nowhere TO {{role}}"]
  restart-web:
    lifetime: 2m
    ssh_certificate: {ca_key: {secret: "file:@SSH@/ca"}, principals: ["@USER@"], force_command: "echo restarted; echo for $SSH_ORIGINAL_COMMAND", source_address: [127.0.0.0/8]}
  crm: {oauth_client_credentials: {token_url: "@URL@/token", revocation_url: "@URL@/revoke", client_id: keyturn, client_secret: {secret: "env:CS"}, scope: "crm:write"}}
  crm-body: {oauth_client_credentials: {token_url: "@URL@/token", client_id: keyturn, client_secret: {secret: "env:CS"}, client_authentication: body}}
  behalf: {token_exchange: {token_url: "@URL@/token", client_id: keyturn, client_secret: {secret: "env:CS"}, subject_token: {secret: "env:SUBJECT"}, audience: crm}}
  scaler: {kubernetes_token: {server: "@URL@", token: {secret: "env:K8S"}, namespace: web, service_account: scaler, audiences: [web]}}
  scaler-bound: {kubernetes_token: {server: "@URL@", token: {secret: "env:K8S"}, namespace: web, service_account: scaler, revocable: true}}
  bucket:
    aws_sts:
      endpoint: "@URL@/sts/"
      region: eu-central-1
      access_key_id: {secret: "env:AWS_ID"}
      secret_access_key: {secret: "env:AWS_KEY"}
      role_arn: arn:aws:iam::123456789012:role/ops
      external_id: "a b"
      policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::reports/*"}]}
  leased: {vault: {address: "@URL@", token: {secret: "env:VAULT"}, path: database/creds/readonly}}
  kept: {http_header: {header: Authorization, prefix: "Bearer ", value: {secret: "env:CS"}}}
"""
ENVIRONMENT = {"CS": issuers.CLIENT_SECRET, "SUBJECT": issuers.SUBJECT, "K8S": issuers.KUBERNETES, "VAULT": issuers.VAULT,
               "AWS_ID": issuers.AWS_ID, "AWS_KEY": issuers.AWS_KEY}


@unittest.skipUnless(installed() and sshd.installed(), "PostgreSQL or OpenSSH is not installed")
class Credentials(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pg = Postgres()
        cls.addClassCleanup(cls.pg.close)
        cls.pg.psql(f"""CREATE TABLE orders (id int); INSERT INTO orders VALUES (1), (2);
            CREATE ROLE maker LOGIN CREATEROLE PASSWORD '{cls.pg.password}'; CREATE ROLE keeper NOLOGIN; GRANT keeper TO maker; GRANT CREATE ON SCHEMA public TO keeper;
            GRANT ALL ON orders TO maker WITH GRANT OPTION; GRANT CREATE, USAGE ON SCHEMA public TO maker WITH GRANT OPTION""")
        cls.ssh = sshd.Sshd()
        cls.addClassCleanup(cls.ssh.close)
        cls.issuers = issuers.Issuers()
        cls.addClassCleanup(cls.issuers.close)
        cls.k = Keyturn(policy=POLICY, tools=cls.filled(TOOLS + "---\n" + CREDENTIALS), start=False)
        cls.addClassCleanup(cls.k.close)
        cls.k.start(env=ENVIRONMENT)

    @classmethod
    def filled(cls, text):
        for name, value in {"PG": cls.pg.port, "PASSWORD": cls.pg.password_file, "SSH": cls.ssh.folder, "SSHPORT": cls.ssh.port, "USER": cls.ssh.user, "URL": cls.issuers.url}.items():
            text = text.replace(f"@{name}@", str(value))
        return text

    def run_tool(self, tool, state="succeeded", **args):
        action = self.k.request(tool, args, wait=25).json
        self.assertEqual(action.get("state"), state, action)
        return action

    def events(self, action):
        """The types of the action's entries in the ledger, and the credentials of those that have one."""
        entries, at = [], 0
        while items := self.k.get(f"/v1/ledger/entries?from={at}&limit=256", "ada").json["items"]:
            entries += [json.loads(base64.b64decode(one["leaf"])) for one in items]
            at += len(items)
        mine = [one for one in entries if action["id"] in one["stream"]]
        return [one["type"] for one in mine], [one["credential"] for one in mine if "credential" in one]

    def roles(self):
        return self.pg.psql("SELECT rolname FROM pg_roles WHERE starts_with(rolname, 'keyturn_')")

    def secret_free(self):
        """Nothing that was issued, and nothing that it was issued with, is in the data folder or the log."""
        needles = [*issuers.SECRETS, *self.issuers.issued, self.pg.password]
        self.assertEqual(contains(self.k.data, needles), [])
        self.assertEqual([needle for needle in needles if needle in self.k.stderr()], [])

    def test_a_statement_runs_as_a_role_that_is_gone_afterwards(self):
        action = self.run_tool("orders", sql="SELECT current_user AS who, count(*) AS n FROM orders GROUP BY 1")
        who = action["outcome"]["rows"][0]["who"]
        self.assertIn(action["id"].removeprefix("act_"), who)
        self.assertEqual(self.roles(), "")
        types, credentials = self.events(action)
        order = ["execution.intended", "credential.issued", "credential.revoked", "execution.finished"]
        self.assertEqual([one for one in types if one in order], order)
        issued, revoked = credentials
        self.assertEqual((issued["name"], issued["provider"], issued["shown"], issued["revocable"]), ("orders-write", "postgres_role", {"role": who}, True))
        self.assertEqual(revoked["id"], issued["id"])
        self.assertTrue(issued["id"].startswith("crd_"))

    def test_a_role_can_do_what_was_granted_and_nothing_else(self):
        self.run_tool("orders", sql="INSERT INTO orders VALUES (3)")
        for statement in ("DELETE FROM orders", "DROP TABLE orders", "CREATE ROLE more", "SELECT rolpassword FROM pg_authid"):
            failed = self.run_tool("orders", "failed", sql=statement)
            self.assertRegex(failed["outcome"]["reason"], "permission denied|must be owner", statement)
        self.assertEqual(self.roles(), "")

    def test_one_that_cannot_be_issued_is_not_used(self):
        action = self.run_tool("wrong-grant", "failed")
        self.assertIn("grants[0]", json.dumps(action["outcome"]))
        types, credentials = self.events(action)
        self.assertEqual(credentials, [])
        self.assertEqual(self.roles(), "")

    def test_a_certificate_of_our_ca_runs_its_command_on_a_real_server(self):
        action = self.run_tool("restart-web")
        self.assertEqual(action["outcome"]["stdout"].splitlines(), ["restarted", "for whoami"], action)
        issued, = self.events(action)[1]
        self.assertEqual((issued["shown"]["principals"], issued["revocable"]), ([self.ssh.user], False))
        self.assertIn(issued["shown"]["key_id"], self.ssh.log())
        self.assertIn(issued["shown"]["serial"], self.ssh.log())

    def check_token(self, name, kind):
        """It works while the tool runs; what the tool says of it is taken out. What the record says of it."""
        before = len(self.issuers.issued)
        outcome = self.run_tool(name)
        said = outcome["outcome"]["stdout"].splitlines()
        self.assertEqual(json.loads(said[1]), {"kind": kind})
        self.assertEqual(said[2], "[redacted:TOKEN]")
        self.assertGreater(len(self.issuers.issued), before)
        self.secret_free()
        return self.events(outcome)[1]

    def test_a_client_gets_a_token_for_the_action_and_it_is_revoked(self):
        issued, revoked = self.check_token("crm", "client")
        self.assertEqual((issued["shown"]["scope"], revoked["id"]), ("crm:write", issued["id"]))
        self.assertNotIn("client", self.issuers.good.values())
        issued, = self.check_token("crm-body", "client")
        self.assertFalse(issued["revocable"])

    def test_a_token_is_exchanged(self):
        issued, = self.check_token("behalf", "exchanged")
        form = self.issuers.calls("/token")[-1][2] if self.issuers.calls("/token")[-1][2]["grant_type"] == issuers.EXCHANGE else None
        self.assertEqual((form["audience"], form["subject_token_type"]), ("crm", "urn:ietf:params:oauth:token-type:access_token"))
        self.assertEqual(issued["shown"]["audience"], "crm")

    def test_a_service_account_gets_a_token_and_a_bound_one_is_revoked(self):
        issued, = self.check_token("scaler", "kubernetes")
        self.assertEqual(issued["shown"], {"service_account": "web/scaler"})
        issued, revoked = self.check_token("scaler-bound", "kubernetes")
        self.assertEqual(revoked["id"], issued["id"])
        self.assertNotIn(issued["shown"]["bound_to"], self.issuers.objects)

    def test_a_role_of_aws_is_assumed_with_a_session_policy_and_a_signature_that_verifies(self):
        issued, = self.check_token("bucket", "session")
        form = self.issuers.calls("/sts/")[-1][2]
        self.assertEqual((form["RoleSessionName"], form["ExternalId"]), (issued["shown"]["session_name"], "a b"))
        self.assertEqual(json.loads(form["Policy"])["Statement"][0]["Action"], "s3:GetObject")
        self.assertLessEqual(int(form["DurationSeconds"]), 900)

    def test_a_dynamic_secret_is_leased_and_its_lease_revoked(self):
        issued, revoked = self.check_token("leased", "leased")
        self.assertEqual(revoked["id"], issued["id"])
        self.assertEqual(self.issuers.calls("/v1/sys/leases/revoke")[-1][2]["lease_id"], issued["shown"]["lease_id"])

    def test_a_secret_that_is_kept_elsewhere_is_named_in_the_record(self):
        action = self.run_tool("kept")
        issued, = self.events(action)[1]
        self.assertEqual(issued["shown"], {"secret": "env:CS", "header": "Authorization"})
        self.secret_free()

    def test_what_an_issuer_refuses_fails_the_action_with_its_word_and_nothing_of_its_body(self):
        self.issuers.refuse.add("/token")
        try:
            action = self.run_tool("crm", "failed")
        finally:
            self.issuers.refuse.clear()
        self.assertIn("answered 403 (access_denied)", json.dumps(action["outcome"]))
        self.assertEqual(self.events(action)[1], [])
        self.secret_free()

    def test_what_an_issuer_says_of_a_secret_where_it_is_public_is_not_repeated(self):
        def token():
            text = self.issuers.issue("client")
            return 200, {"access_token": text, "token_type": "Bearer", "expires_in": 300, "scope": "crm " + text}

        def lease():
            text = self.issuers.issue("leased")
            self.issuers.objects["database/creds/" + text] = text
            return 200, {"lease_id": "database/creds/" + text, "lease_duration": 3600, "data": {"username": "v-keyturn", "password": text}}
        self.issuers.says.update({"/token": token, "/v1/database/creds/readonly": lease})
        self.addCleanup(self.issuers.says.clear)
        action = self.run_tool("crm")
        self.assertEqual(self.events(action)[1][0]["shown"]["scope"], "crm [redacted:token]")
        action = self.run_tool("leased")
        self.assertEqual(self.events(action)[1][0]["shown"]["lease_id"], "database/creds/[redacted:password]")
        self.assertNotIn("leased", self.issuers.good.values())  # and the lease was ended all the same
        # A word that no standard has is not repeated: it may be what was sent.
        self.issuers.says["/token"] = 403, {"error": "correcthorsebatterystaple"}
        action = self.run_tool("crm", "failed")
        self.assertTrue(action["outcome"]["reason"].endswith("the token server answered 403"), action["outcome"])
        self.secret_free()

    def test_when_the_server_stops_no_role_is_left(self):
        action = self.k.request("orders", {"sql": "SELECT pg_sleep(100)"}).json
        role = until(self.roles, "no role was made")
        until(lambda: self.pg.psql(f"SELECT 1 FROM pg_stat_activity WHERE usename = '{role}' AND query LIKE '%pg_sleep%'"), "the statement does not run")
        self.k.stop()
        self.assertEqual(self.roles(), "")
        self.k.start(env=ENVIRONMENT)
        self.assertEqual(self.k.settled(action["id"])["state"], "failed")

    def test_what_cannot_be_revoked_is_said(self):
        self.issuers.refuse.add("/revoke")
        try:
            action = self.run_tool("crm")
        finally:
            self.issuers.refuse.clear()
        types, credentials = self.events(action)
        self.assertIn("credential.not_revoked", types)
        self.assertNotIn("credential.revoked", types)
        self.k.wait_stderr(credentials[0]["id"])
        self.secret_free()

    def test_what_a_crash_leaves_is_swept_up(self):
        self.k.request("orders", {"sql": "SELECT pg_sleep(100)"})
        role = until(self.roles, "no role was made")
        until(lambda: self.pg.psql(f"SELECT 1 FROM pg_stat_activity WHERE usename = '{role}' AND query LIKE '%pg_sleep%'"), "the statement does not run")
        self.k.kill9()
        self.assertEqual(self.roles(), role)
        self.k.start(env=ENVIRONMENT)
        until(lambda: self.roles() == "", "the role of the crashed run is there still")

    def test_what_a_program_goes_on_with_after_a_crash_stays_until_it_ended(self):
        action = self.k.request("hold").json
        self.k.wait_started()
        self.k.kill9()
        role = self.roles()
        self.assertNotEqual(role, "")
        before = self.k.stderr_file.stat().st_size
        self.k.start(env=ENVIRONMENT)
        self.run_tool("orders", sql="SELECT 1")  # issued and ended meanwhile
        self.assertEqual(self.roles(), role)
        self.k.let_go()
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        until(lambda: self.roles() == "", "the role is there still")
        self.k.wait_stderr("of an earlier run is ended", before)

    def test_a_tool_cannot_name_what_is_not_there(self):
        for right, wrong, said in (("credential: orders-write, statement", "credential: nobody, statement", '"nobody" is not in credentials.yaml'),
                                   ("field: user", "field: nothing", 'has no field "nothing", but password, user')):
            tools = self.k.folder / "wrong.yaml"
            tools.write_text(self.filled(TOOLS.replace(right, wrong, 1) + "---\n" + CREDENTIALS).replace("@WORK@", str(self.k.work)))
            done = self.k.cli("serve", "--check", "--policy", self.k.policy_file, "--tools", tools, check=False)
            self.assertNotEqual(done.code, 0, done.out)
            self.assertRegex(done.out + done.err, r"wrong\.yaml:\d+:\d+: .*" + re.escape(said))


if __name__ == "__main__":
    unittest.main()
