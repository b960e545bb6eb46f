"""What was issued for one action, in the hands of somebody who kept it: a tool that hands everything out, a real PostgreSQL, a real sshd."""
import base64
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import issuers, sshd  # noqa: E402
from support.keyturn import DEADLINE, Keyturn, contains, until  # noqa: E402
from support.postgres import Postgres, installed  # noqa: E402

POLICY = """\
apiVersion: keyturn/v1
kind: Policy
metadata: {name: credentials, revision: 1}
defaults: {effect: deny, onError: deny}
rules:
- {id: all, match: {tool: ["*"]}, effect: allow}
"""
_LEAK = """\
  @NAME@:
    exec: [/bin/sh, -c, 'printf %s "$USER1" > @WORK@/out/@NAME@.user; printf %s "$SECRET" > @WORK@/out/@NAME@.secret; @THEN@']
    env: {USER1: {credential: @CREDENTIAL@, field: @USER@}, SECRET: {credential: @CREDENTIAL@, field: @SECRET@}}
    resource: {kind: host, name: here, env: prod}
    sandbox: none
    timeout: 60s
"""


def leak(name, credential, user, secret, then="true"):
    text = _LEAK
    for word, value in (("NAME", name), ("THEN", then), ("CREDENTIAL", credential), ("USER", user), ("SECRET", secret)):
        text = text.replace(f"@{word}@", value)
    return text


TOOLS = "tools:\n" + leak("hold-role", "brief-role", "user", "password", "exec @WORK@/slow.sh") + leak("leak-role", "role", "user", "password") + \
    leak("hold-key", "brief-key", "certificate", "private_key", "exec @WORK@/slow.sh") + leak("leak-token", "token", "token", "token") + \
    leak("tell", "role", "user", "password", 'echo "$SECRET"; printf %s "$SECRET" | base64 -w0; echo; printf %s "$SECRET" | od -An -tx1 | tr -d " \\n"; echo "$SECRET" >&2') + \
    leak("tell-key", "brief-key", "certificate", "private_key", 'echo "$SECRET"; exit 1')
CREDENTIALS = """\
apiVersion: keyturn/v1
kind: Credentials
credentials:
""" + "".join(f"""\
  {name}:
    lifetime: {lifetime}
    postgres_role: {{dsn: "host=127.0.0.1 port=@PG@ dbname=orders user=maker", password: {{secret: "file:@PASSWORD@"}}, grants: ["GRANT SELECT ON orders TO {{{{role}}}}"]}}
""" for name, lifetime in (("role", "5m"), ("brief-role", "10s"))) + """\
  brief-key:
    lifetime: 20s
    ssh_certificate: {ca_key: {secret: "file:@SSH@/ca"}, principals: ["@USER@"], force_command: "echo forced"}
  token: {oauth_client_credentials: {token_url: "@URL@/token", revocation_url: "@URL@/revoke", client_id: keyturn, client_secret: {secret: "env:CS"}}}
"""


@unittest.skipUnless(installed() and sshd.installed(), "PostgreSQL or OpenSSH is not installed")
class Kept(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pg = Postgres()
        cls.addClassCleanup(cls.pg.close)
        cls.pg.psql(f"""CREATE TABLE orders (id int); INSERT INTO orders VALUES (1);
            CREATE ROLE maker LOGIN CREATEROLE PASSWORD '{cls.pg.password}'; GRANT SELECT ON orders TO maker WITH GRANT OPTION""")
        cls.ssh = sshd.Sshd()
        cls.addClassCleanup(cls.ssh.close)
        cls.issuers = issuers.Issuers()
        cls.addClassCleanup(cls.issuers.close)
        text = TOOLS + "---\n" + CREDENTIALS
        for name, value in {"PG": cls.pg.port, "PASSWORD": cls.pg.password_file, "SSH": cls.ssh.folder, "USER": cls.ssh.user, "URL": cls.issuers.url}.items():
            text = text.replace(f"@{name}@", str(value))
        cls.k = Keyturn(policy=POLICY, tools=text, start=False)
        cls.addClassCleanup(cls.k.close)
        cls.k.start(env={"CS": issuers.CLIENT_SECRET})

    def kept(self, tool):
        return (self.k.out / f"{tool}.user").read_text(), (self.k.out / f"{tool}.secret").read_text()

    def run_tool(self, tool, state="succeeded"):
        action = self.k.request(tool, wait=25).json
        self.assertEqual(action.get("state"), state, action)
        return action

    def psql(self, user, password, sql):
        return ["psql", "-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-p", str(self.pg.port), "-U", user, "-d", "orders", "-c", sql], dict(os.environ, PGPASSWORD=password)

    def logs_in(self, user, password):
        command, env = self.psql(user, password, "SELECT count(*) FROM orders")
        return subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE).stdout.strip() == "1"

    def test_a_role_ends_at_its_end_in_the_middle_of_a_statement(self):
        action = self.k.request("hold-role").json
        self.k.wait_started()
        user, password = self.kept("hold-role")
        self.assertTrue(self.logs_in(user, password))
        command, env = self.psql(user, password, "SELECT pg_sleep(100)")
        session = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        _, said = session.communicate(timeout=DEADLINE)
        self.assertIn("terminating connection", said)
        self.assertFalse(self.logs_in(user, password))
        until(lambda: self.pg.psql(f"SELECT 1 FROM pg_roles WHERE rolname = '{user}'") == "", "the role is there still")
        self.assertEqual(self.k.action(action["id"]).json["state"], "executing")
        self.k.let_go()
        self.k.settled(action["id"])

    def test_what_was_kept_from_one_action_is_no_use_after_it(self):
        first, second = self.run_tool("leak-role"), None
        kept = self.kept("leak-role")
        self.assertFalse(self.logs_in(*kept))
        second = self.run_tool("leak-role")
        self.assertNotEqual(self.kept("leak-role"), kept)
        self.assertNotEqual(first["id"], second["id"])
        self.assertFalse(self.logs_in(*kept))
        self.run_tool("leak-token")
        self.assertIn(self.kept("leak-token")[1], self.issuers.issued)
        self.assertNotIn(self.kept("leak-token")[1], self.issuers.good)

    def test_a_certificate_runs_its_own_command_only_and_only_for_its_minutes(self):
        action = self.k.request("hold-key").json
        self.k.wait_started()
        certificate, key = self.kept("hold-key")
        folder = self.k.folder / "kept"
        folder.mkdir(mode=0o700)
        (folder / "k").write_text(key)
        (folder / "k").chmod(0o600)
        (folder / "k-cert.pub").write_text(certificate)
        options = ["-F", "none", "-i", str(folder / "k"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={self.ssh.known_hosts}"]

        def said(command, *more, user=self.ssh.user):
            done = subprocess.run(["ssh", *options, *more, "-p", str(self.ssh.port), f"{user}@127.0.0.1", command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE)
            return done.stdout, done.stderr

        self.assertEqual(said("cat /etc/passwd")[0], "forced\n")
        self.assertEqual(said("sftp", "-s")[0], "forced\n")
        self.assertIn("PTY allocation request failed", said("sh", "-tt")[1])
        self.assertIn("remote port forwarding failed", said("true", "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1")[1])
        self.assertIn("Permission denied", said("id", user="root" if self.ssh.user != "root" else "daemon")[1])
        kind, blob, *comment = certificate.split(" ")
        (folder / "k-cert.pub").write_text(" ".join([kind, blob[:-40] + "A" * 38 + blob[-2:], *comment]))  # another signature
        self.assertIn("Permission denied", said("id")[1])
        (folder / "k-cert.pub").write_text(certificate)
        until(lambda: "Permission denied" in said("id")[1], "the certificate works still")
        self.k.let_go()
        self.k.settled(action["id"])

    def test_nothing_of_what_was_issued_is_in_an_answer_the_record_or_the_log(self):
        answers = [json.dumps(self.run_tool("tell")), json.dumps(self.run_tool("tell-key", "failed"))]
        password, key = self.kept("tell")[1], self.kept("tell-key")[1]
        self.assertGreater(len(password), 30)
        at = 0
        while items := self.k.get(f"/v1/ledger/entries?from={at}&limit=256", "ada").json["items"]:
            answers += [base64.b64decode(one["leaf"]).decode() for one in items]
            at += len(items)
        for one in self.k.get("/v1/actions?limit=200", "ada").json["items"]:
            answers += [self.k.get(f"/v1/actions/{one['id']}{more}", "ada").body.decode() for more in ("", "/timeline", "/review")]
        needles = [password, base64.b64encode(password.encode()).decode().rstrip("="), password.encode().hex(), *(line for line in key.splitlines() if len(line) > 60), *self.issuers.issued,
                   issuers.CLIENT_SECRET, self.pg.password]
        everything = "\n".join(answers) + self.k.stderr()
        self.assertEqual([needle for needle in needles if needle in everything], [])
        self.assertIn("[redacted:SECRET]", answers[0])
        self.assertEqual(contains(self.k.data, needles), [])


if __name__ == "__main__":
    unittest.main()
