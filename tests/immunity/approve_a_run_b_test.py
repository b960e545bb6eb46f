"""Approve A, run B: whatever is changed between the look and the act, what runs is what was reviewed, or nothing."""
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import POLICY, TOOLS, Keyturn  # noqa: E402
from support.postgres import Postgres, installed  # noqa: E402

OWN = """\
  job: {exec: [@WORK@/job.sh], resource: {kind: host, name: here, env: prod}, sandbox: none}
  named: {exec: [/bin/sh, @WORK@/named.sh], resource: {kind: host, name: here, env: prod}, sandbox: none}
  linked: {exec: [@WORK@/current], resource: {kind: host, name: here, env: prod}, sandbox: none}
  binary: {exec: [@WORK@/tool, "{{text}}"], params: {text: {type: string}}, resource: {kind: host, name: here, env: prod}, sandbox: none}
  by-env: {exec: [@WORK@/by-env], resource: {kind: host, name: here, env: prod}, sandbox: none}
"""
RULE = "- {id: own, match: {tool: [job, named, linked, binary, by-env]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}\n"


class ApproveARunB(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(policy=POLICY + RULE, tools=TOOLS + OWN, start=False)
        cls.addClassCleanup(cls.k.close)
        cls.k.start()

    def setUp(self):
        self.k.write_policy(POLICY + RULE)
        self.k.write_tools(TOOLS + OWN)
        if self.k.get("/v1/policy", "bob").json["text"] != POLICY + RULE or self.k.get("/v1/policy", "bob").json["tools"]["text"] != self.k.tools_file.read_text():
            self.k.reload()
        for name in ("job.sh", "named.sh", "v1.sh"):
            self.script(name, "reviewed")
        self.link("v1.sh")
        (self.k.work / "tool").unlink(missing_ok=True)
        shutil.copy("/usr/bin/echo", self.k.work / "tool")
        (self.k.work / "tool").chmod(0o755)
        self.script("by-env", "reviewed", "#!/usr/bin/env sh")

    def script(self, name, says, shebang="#!/bin/sh"):
        path = self.k.work / name
        path.write_text(f"{shebang}\necho {says} | tee -a {self.k.lines_file}\n")
        path.chmod(0o755)

    def link(self, target):
        path = self.k.work / "current"
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    def ask(self, tool, args=None):
        answer = self.k.request(tool, args)
        self.assertEqual(answer.status, 202, answer)
        return answer.json

    def assertReturned(self, action):
        """An approval of what has changed: back to review, without votes, under another digest, and nothing ran."""
        before = self.k.lines()
        vote = self.k.vote(action, "bob")
        after = self.k.action(action["id"], "bob").json
        self.assertIn(after["state"], ("pending", "denied"), (vote, after))
        self.assertEqual(self.k.lines(), before, "it ran")
        self.assertIsNone(after["outcome"])
        if after["state"] == "pending":
            self.assertEqual(after["votes"], [])
            self.assertNotEqual(after["digest"], action["digest"])
            stale = self.k.vote(action, "erin", digest=action["digest"])
            self.assertEqual((stale.status, stale.code), (409, "digest_mismatch"), stale)
        return after

    def test_script_rewritten(self):
        action = self.ask("job")
        self.script("job.sh", "evil")
        again = self.assertReturned(action)
        self.assertEqual(self.k.vote(again, "erin").status, 200)  # having looked at the new one
        self.assertEqual(self.k.settled(action["id"])["outcome"]["stdout"], "evil\n")

    def test_script_rewritten_that_argv_names(self):
        action = self.ask("named")
        self.script("named.sh", "evil")
        self.assertReturned(action)

    def test_script_rewritten_and_put_back_is_the_reviewed_one(self):
        action = self.ask("job")
        self.script("job.sh", "evil")
        self.script("job.sh", "reviewed")
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        self.assertEqual(self.k.settled(action["id"])["outcome"]["stdout"], "reviewed\n")

    def test_script_deleted(self):
        action = self.ask("job")
        (self.k.work / "job.sh").unlink()
        self.k.vote(action, "bob")
        self.assertIn(self.k.action(action["id"]).json["state"], ("pending", "denied", "failed"))

    def test_binary_swapped(self):
        action = self.ask("binary", {"text": "hello"})
        (self.k.work / "tool").unlink()
        shutil.copy("/usr/bin/env", self.k.work / "tool")
        self.assertReturned(action)

    def test_binary_swapped_behind_a_link(self):
        action = self.ask("linked")
        self.script("v2.sh", "evil")
        self.link("v2.sh")
        self.assertReturned(action)

    def test_binary_swapped_on_path(self):
        """PATH is Keyturn's own, and what `env` would find is resolved, sealed and digested when it is described."""
        import os
        evil = self.k.folder / "evil"
        evil.mkdir(exist_ok=True)
        (evil / "sh").write_text(f"#!/bin/sh\necho evil >> {self.k.lines_file}\n")
        (evil / "sh").chmod(0o755)
        action = self.ask("by-env")
        self.k.restart(env={"PATH": f"{evil}:{os.environ['PATH']}"})
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        self.assertEqual(self.k.settled(action["id"])["outcome"]["stdout"], "reviewed\n")
        self.assertNotIn("evil", self.k.lines())

    def reconfigured(self, old, new):
        self.k.write_tools((TOOLS + OWN).replace(old, new))
        self.assertIn("reloaded", self.k.reload())

    def test_argv_changed(self):
        action = self.ask("binary", {"text": "hello"})
        self.reconfigured('[@WORK@/tool, "{{text}}"]', '[@WORK@/tool, --all, "{{text}}"]')
        self.assertReturned(action)

    def test_cwd_changed(self):
        action = self.ask("job")
        self.reconfigured("exec: [@WORK@/job.sh],", "exec: [@WORK@/job.sh], cwd: /tmp,")
        self.assertReturned(action)

    def test_env_changed(self):
        action = self.ask("job")
        self.reconfigured("exec: [@WORK@/job.sh],", "exec: [@WORK@/job.sh], env: {TARGET: prod},")
        self.assertReturned(action)

    def test_sandbox_changed(self):
        action = self.ask("job")
        self.reconfigured("exec: [@WORK@/job.sh], resource: {kind: host, name: here, env: prod}, sandbox: none", "exec: [@WORK@/job.sh], resource: {kind: host, name: here, env: prod}, sandbox: {network: true}")
        self.assertReturned(action)

    def test_config_swapped(self):
        """Another tool behind the reviewed name."""
        action = self.ask("job")
        self.reconfigured("job: {exec: [@WORK@/job.sh]", "job: {exec: [/usr/bin/touch, @WORK@/out/swapped]")
        self.assertReturned(action)
        self.assertFalse((self.k.out / "swapped").exists())

    def test_config_removed(self):
        action = self.ask("job")
        self.k.write_tools(TOOLS + OWN.replace("  job: {", "  other-job: {"))
        self.k.write_policy(POLICY + RULE.replace("[job,", "[other-job,"))
        self.k.reload()
        self.k.vote(action, "bob")
        self.assertEqual(self.k.action(action["id"]).json["state"], "denied")

    def test_args_edited(self):
        """The same id with other arguments is never the same action: there is only a new one, decided anew."""
        first = self.k.request("binary", {"text": "good"}, idempotency_key="edit").json
        edited = self.k.request("binary", {"text": "evil"}, idempotency_key="edit")
        self.assertEqual((edited.status, edited.code), (409, "idempotency_mismatch"))
        for method in ("PUT", "PATCH", "POST"):
            self.assertIn(self.k.http(method, f"/v1/actions/{first['id']}", "bot", {"args": {"text": "evil"}}).status, (404, 405))
        amended = self.k.post(f"/v1/actions/{first['id']}/amend", "bob", {"args": {"text": "amended"}}).json
        self.assertNotEqual((amended["id"], amended["digest"]), (first["id"], first["digest"]))
        self.assertEqual(self.k.vote(first, "erin", digest=first["digest"]).code, "closed")
        self.assertEqual(self.k.vote(amended, "erin", digest=first["digest"]).code, "digest_mismatch")
        self.assertEqual(self.k.vote(amended, "bob").code, "related_to_requester", "who edits does not approve")

    def test_who_only_reads_it_or_may_use_its_grant_edits_nothing(self):
        action = self.ask("binary", {"text": "mine"})
        granted = self.k.request("deploy-reviewed", {"ref": "v1"}).json
        for target, who, args, refusals in ((action, "ada", {"text": "theirs"}, (403,)), (action, "carol", {"text": "theirs"}, (404,)), (action, "bot2", {"text": "theirs"}, (404,)),
                                            (granted, "deployer", {"ref": "theirs"}, (403, 404)), (granted, "bob", {"ref": "theirs"}, (404,))):
            with self.subTest(who=who):
                answer = self.k.post(f"/v1/actions/{target['id']}/amend", who, {"args": args})
                self.assertIn(answer.status, refusals, answer)
        for target in (action, granted):
            now = self.k.action(target["id"]).json
            self.assertEqual((now["state"], now["digest"], now["amended_by"]), ("pending", target["digest"], None))

    def test_most_recent_match(self):
        """Two identical calls wait; the approval of one releases that one."""
        one, two = self.ask("binary", {"text": "same"}), self.ask("binary", {"text": "same"})
        self.assertNotEqual(one["digest"], two["digest"])
        self.assertEqual(self.k.vote(two, "bob", digest=one["digest"]).code, "digest_mismatch")
        self.assertEqual(self.k.vote(one, "bob").status, 200)
        self.assertEqual(self.k.settled(one["id"])["state"], "succeeded")
        self.assertEqual(self.k.action(two["id"]).json["state"], "pending")

    def test_id_reuse(self):
        first = self.k.request("binary", {"text": "a"}, idempotency_key="reuse").json
        self.k.vote(first, "bob")
        self.k.settled(first["id"])
        for change in ({"args": {"text": "b"}}, {"tool": "job", "args": {}}, {"args": {"text": "a"}, "reason": "another"}, {"args": {"text": "a"}, "operation": "execute"},
                       {"args": {"text": "a"}, "resource": {"kind": "host", "name": "here"}}):
            answer = self.k.post("/v1/actions", "bot", {"tool": "binary", "idempotency_key": "reuse", **change})
            self.assertEqual((answer.status, answer.code), (409, "idempotency_mismatch"), answer)
        same = self.k.request("binary", {"text": "a"}, idempotency_key="reuse")
        self.assertEqual((same.json["id"], same.json["state"]), (first["id"], "succeeded"))

    def changed_policy(self, old, new):
        self.k.write_policy((POLICY + RULE).replace(old, new))
        self.assertIn("reloaded", self.k.reload())

    def test_policy_changed_to_more_people(self):
        action = self.ask("job")
        self.changed_policy("binary, by-env]}, effect: require, require: {quorum: {dba: 1}", "binary, by-env]}, effect: require, require: {quorum: {dba: 2}")
        self.k.vote(action, "bob")
        after = self.k.action(action["id"], "bob").json
        self.assertEqual(after["state"], "pending", after)
        self.assertEqual(self.k.vote(after, "erin").status, 200)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")

    def test_a_vote_on_an_earlier_round_is_refused(self):
        """A decision counts for the version of the case that it was made on, and for no other."""
        action = self.ask("job")
        self.changed_policy("binary, by-env]}, effect: require, require: {quorum: {dba: 1}", "binary, by-env]}, effect: require, require: {quorum: {dba: 2}")
        self.assertEqual(self.k.vote(action, "bob", digest=action["digest"]).status, 200)
        second = self.k.action(action["id"], "erin").json
        self.assertNotEqual(second["digest"], action["digest"])
        for decision in ("approve", "deny"):
            stale = self.k.vote(second, "erin", decision, digest=action["digest"])
            self.assertEqual((stale.status, stale.code), (409, "digest_mismatch"), stale)
        before = self.k.lines()
        self.script("job.sh", "evil")
        self.k.vote(second, "erin", digest=second["digest"])
        third = self.k.action(action["id"], "erin").json
        self.assertEqual((third["state"], third["votes"], self.k.lines()), ("pending", [], before))
        self.assertEqual(len({action["digest"], second["digest"], third["digest"]}), 3)
        for digest in (action["digest"], second["digest"], "sha256:" + "0" * 64):
            for who in ("bob", "erin", "dave"):
                stale = self.k.vote(third, who, digest=digest)
                self.assertEqual((stale.status, stale.code), (409, "digest_mismatch"), stale)
        self.assertEqual(self.k.action(action["id"], "erin").json["votes"], [])

    def test_policy_changed_to_modify_the_arguments(self):
        action = self.ask("binary", {"text": "mine"})
        self.changed_policy("rules:\n", 'rules:\n- {id: theirs, match: {tool: [binary]}, effect: modify, modify: {set: {args.text: "theirs"}}}\n')
        again = self.assertReturned(action)
        self.assertEqual(again["args"], {"text": "theirs"})
        self.assertEqual(self.k.vote(again, "erin").status, 200)
        self.assertEqual(self.k.settled(action["id"])["outcome"]["stdout"], "theirs\n")

    def granted(self):
        action = self.k.request("deploy-reviewed", {"ref": "v1"}).json
        self.assertEqual(self.k.vote(action, "carol").status, 200)
        return self.k.action(action["id"]).json

    def consume(self, action):
        return self.k.post("/v1/grants/consume", "deployer", {"grant": action["grant"], "digest": action["digest"]})

    def test_policy_or_tool_changed_between_the_approval_and_the_use_of_the_grant(self):
        rule = "tool: [deploy-reviewed]}, effect: require, require: {quorum: {sre: 1}"
        for old, new in ((rule, rule.replace("[deploy-reviewed]", "[deploy-nothing]")), (rule, rule.replace("sre: 1", "sre: 2"))):
            action = self.granted()
            self.changed_policy(old, new)
            used = self.consume(action)
            self.assertEqual((used.status, used.code), (409, "digest_mismatch"), used)
            self.assertEqual(self.k.action(action["id"]).json["state"], "approved", "it was not used up")
            self.k.write_policy(POLICY + RULE)
            self.k.reload()
        self.assertEqual(self.consume(action).status, 200, "the policy that it was approved under is back")
        action = self.granted()
        self.reconfigured("  deploy-reviewed:\n    params: {ref: {type: string}}\n    resource: {kind: service, name: web", "  deploy-reviewed:\n    params: {ref: {type: string}}\n    resource: {kind: service, name: db")
        used = self.consume(action)
        self.assertEqual((used.status, used.code), (409, "digest_mismatch"), used)

    def test_policy_changed_to_denied(self):
        action = self.ask("job")
        before = self.k.lines()
        self.changed_policy("tool: [forbidden]}", "tool: [forbidden, job]}")
        self.k.vote(action, "bob")
        self.assertEqual(self.k.action(action["id"]).json["state"], "denied")
        self.assertEqual(self.k.lines(), before)

    def test_policy_changed_to_allowed_still_wants_the_people_that_were_asked(self):
        action = self.ask("job")
        before = self.k.lines()
        self.changed_policy("- {id: echo-ok, match: {tool: [echo,", "- {id: echo-ok, match: {tool: [job, echo,")
        self.assertEqual(self.k.action(action["id"]).json["state"], "pending")
        self.assertEqual(self.k.lines(), before)


SQL = """\
  retire:
    sql: {dsn: "host=127.0.0.1 port=@PORT@ dbname=orders user=keyturn", password: {secret: "file:@PASSWORD@"}, statement: "UPDATE orders SET old = true WHERE id = {{id}}"}
    params: {id: {type: integer}}
    resource: {kind: database, name: orders, env: prod}
    rows_max: 5
    timeout: 20s
"""


@unittest.skipUnless(installed(), "PostgreSQL is not installed")
class ApproveThisStatementRunThat(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pg = Postgres()
        cls.addClassCleanup(cls.pg.close)
        cls.pg.psql("SET ROLE keyturn; CREATE TABLE orders AS SELECT n AS id, false AS old FROM generate_series(1, 9) n")
        cls.pg.psql("CREATE DATABASE other OWNER keyturn", database="postgres")
        cls.pg.psql("SET ROLE keyturn; CREATE TABLE orders AS SELECT n AS id, false AS old FROM generate_series(1, 9) n", database="other")
        cls.sql = SQL.replace("@PORT@", str(cls.pg.port)).replace("@PASSWORD@", str(cls.pg.password_file))
        cls.k = Keyturn(policy=POLICY + RULE.replace("by-env]", "by-env, retire]"), tools=TOOLS + OWN + cls.sql)
        cls.addClassCleanup(cls.k.close)

    def setUp(self):
        self.pg.psql("UPDATE orders SET old = false")
        self.tools(self.sql)

    def tools(self, sql):
        self.k.write_tools(TOOLS + OWN + sql)
        self.k.reload()

    def retired(self, database="orders"):
        return self.pg.psql("SELECT string_agg(id::text, ',' ORDER BY id) FROM orders WHERE old", database=database)

    def ask(self):
        answer = self.k.request("retire", {"id": 3})
        self.assertEqual(answer.status, 202, answer)
        return answer.json

    def assertReturned(self, action):
        self.k.vote(action, "bob")
        after = self.k.action(action["id"], "bob").json
        self.assertEqual((after["state"], after["votes"], after["outcome"]), ("pending", [], None), after)
        self.assertNotEqual(after["digest"], action["digest"])
        self.assertEqual(self.k.vote(action, "erin", digest=action["digest"]).code, "digest_mismatch")
        self.assertEqual((self.retired(), self.retired("other")), ("", ""), "it ran")

    def test_the_statement_that_was_reviewed_runs(self):
        action = self.ask()
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        self.assertEqual((self.retired(), self.retired("other")), ("3", ""))

    def test_statement_changed(self):
        for new in ("id >= {{id}}", "id = {{id}} OR true", "id = {{id}} "):
            with self.subTest(new=new):
                action = self.ask()
                self.tools(self.sql.replace("id = {{id}}", new))
                self.assertReturned(action)
                self.tools(self.sql)

    def test_server_changed(self):
        action = self.ask()
        self.tools(self.sql.replace("dbname=orders", "dbname=other"))
        self.assertReturned(action)

    def test_limits_changed(self):
        for old, new in (("rows_max: 5", "rows_max: 500"), ("timeout: 20s", "timeout: 50s")):
            with self.subTest(new=new):
                action = self.ask()
                self.tools(self.sql.replace(old, new))
                self.assertReturned(action)
                self.tools(self.sql)


if __name__ == "__main__":
    unittest.main()
