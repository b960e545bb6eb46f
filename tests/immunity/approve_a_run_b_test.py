"""Approve A, run B: whatever is changed between the look and the act, what runs is what was reviewed, or nothing."""
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import POLICY, TOOLS, Keyturn  # noqa: E402

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
        for change in ({"args": {"text": "b"}}, {"tool": "job", "args": {}}):
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


if __name__ == "__main__":
    unittest.main()
