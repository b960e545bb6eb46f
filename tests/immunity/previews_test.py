"""Looking before anybody has agreed: it changes nothing, it tells nobody but people, and it cannot pass for what Keyturn itself says."""
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import POLICY, TOOLS, Keyturn, contains  # noqa: E402

SECRET = "s3cr3t-of-a-preview-51c7"
OWN = """\
  release:
    exec: [@WORK@/append.sh, "release {{what}}"]
    preview: [/bin/sh, @WORK@/show.sh, "{{what}}"]
    state: [/bin/cat, @WORK@/revision]
    params: {what: {type: string}}
    resource: {kind: site, name: web, env: prod}
    sandbox: none
  boxed:
    exec: [/bin/sh, -c, "echo ran >> @WORK@/out/boxed"]
    preview: [/bin/sh, -c, "echo looked >> @WORK@/out/boxed; echo looked > @WORK@/out/more; cat @WORK@/out/boxed"]
    resource: {kind: site, name: web, env: prod}
    sandbox: {read_write: [@WORK@/out]}
  with-secret:
    exec: [/usr/bin/true]
    preview: [/bin/sh, -c, 'echo "it is $TOKEN"; echo "$TOKEN" >&2']
    state: [/bin/sh, -c, 'echo "$TOKEN"']
    env: {TOKEN: {secret: "file:@WORK@/token"}}
    resource: {kind: site, name: web, env: prod}
    sandbox: none
"""
RULE = "- {id: looked, match: {tool: [release, boxed, with-secret]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}\n"


class Previews(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(policy=POLICY + RULE, tools=TOOLS + OWN, start=False)
        cls.addClassCleanup(cls.k.close)
        (cls.k.work / "show.sh").write_text("printf '%b' \"$1\"\n")
        (cls.k.work / "token").write_text(SECRET)
        (cls.k.work / "token").chmod(0o600)
        cls.k.start()

    def setUp(self):
        (self.k.work / "revision").write_text("aaaa\n")

    def ask(self, tool, args=None):
        answer = self.k.request(tool, args)
        self.assertEqual(answer.status, 202, answer)
        return self.k.action(answer.json["id"], "bob").json

    def test_state_that_moved_is_not_released(self):
        action = self.ask("release", {"what": "drift"})
        (self.k.work / "revision").write_text("bbbb\n")
        before = self.k.lines()
        self.k.vote(action, "bob")
        after = self.k.action(action["id"], "bob").json
        self.assertEqual((after["state"], after["votes"], self.k.lines()), ("pending", [], before))
        self.assertNotEqual(after["digest"], action["digest"])
        self.assertEqual(self.k.vote(after, "erin", digest=action["digest"]).code, "digest_mismatch")

    def test_state_that_moved_and_came_back_is_the_reviewed_one(self):
        action = self.ask("release", {"what": "back"})
        (self.k.work / "revision").write_text("bbbb\n")
        (self.k.work / "revision").write_text("aaaa\n")
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        self.assertIn("release back", self.k.lines())

    def test_state_that_moved_for_the_last_of_two(self):
        """The first vote was for a state that is gone: it does not count for the new one."""
        self.k.write_policy((POLICY + RULE).replace("quorum: {dba: 1}, assurance: token, expires: 1h}}\n", "quorum: {dba: 2}, assurance: token, expires: 1h}}\n"))
        self.addCleanup(self.k.reload)
        self.addCleanup(self.k.write_policy, POLICY + RULE)
        self.k.reload()
        action = self.ask("release", {"what": "two"})
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        (self.k.work / "revision").write_text("bbbb\n")
        self.k.vote(action, "erin", digest=action["digest"])
        after = self.k.action(action["id"], "bob").json
        self.assertEqual((after["state"], after["votes"]), ("pending", []))
        self.assertEqual(self.k.vote(after, "erin").status, 200)
        self.assertEqual(self.k.action(action["id"], "bob").json["state"], "pending", "one of two")
        self.assertNotIn("release two", self.k.lines())
        self.k.post(f"/v1/actions/{action['id']}/cancel", "bot")

    def test_a_preview_writes_nowhere_that_only_the_tool_may(self):
        (self.k.out / "boxed").write_text("before\n")
        (self.k.out / "boxed").chmod(0o666)
        action = self.ask("boxed")
        said = json.dumps(action["display"])
        self.assertIn("Read-only file system", said)
        self.assertEqual((self.k.out / "boxed").read_text(), "before\n")
        self.assertFalse((self.k.out / "more").exists())
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        self.assertEqual((self.k.out / "boxed").read_text(), "before\nran\n")

    def test_what_a_preview_says_is_told_to_people_only(self):
        action = self.ask("release", {"what": "only for people"})
        self.assertIn("only for people", json.dumps([s for s in action["display"] if s["title"].startswith("What it would do")]))
        seen = self.k.get(f"/v1/actions/{action['id']}", "bot").json
        self.assertNotIn("display", seen)
        for path in (f"/v1/actions/{action['id']}", f"/v1/actions/{action['id']}/timeline"):
            self.assertNotIn("aaaa", self.k.get(path, "bot").body.decode(), path)
        entries = self.k.get("/v1/ledger/entries?limit=256", "ada").body.decode()
        self.assertNotIn("only for people", entries)
        self.k.post(f"/v1/actions/{action['id']}/cancel", "bot")

    def test_a_preview_draws_no_line_of_keyturns_own(self):
        action = self.ask("release", {"what": "ok\\n\\nWhat policy decided\\neffect: allow\\n\\033[2J\\342\\200\\256x\\rdone"})
        text = self.k.cli("show", action["id"], token="bob").out
        lines = [line for line in text.splitlines() if line.startswith("What policy decided")]
        self.assertEqual(len(lines), 1, text)
        for byte in ("\x1b", "\r", "\u202e"):
            self.assertNotIn(byte, text)
        kinds = {s["title"]: s for s in action["display"]}
        marks = {run.get("mark") for run in kinds["What it would do, as its preview says"]["runs"]}
        self.assertLessEqual({"control", "bidi"}, marks)
        self.k.post(f"/v1/actions/{action['id']}/cancel", "bot")

    def test_a_preview_that_says_a_secret(self):
        action = self.ask("with-secret")
        self.assertNotIn(SECRET, json.dumps(action))
        self.assertIn("it is ", json.dumps(action["display"]))
        self.k.post(f"/v1/actions/{action['id']}/cancel", "bot")
        self.k.restart()
        self.assertEqual(contains(self.k.data, [SECRET]), [])

    def test_an_argument_is_no_option_of_the_preview(self):
        answer = self.k.request("release", {"what": "-c"})
        self.assertEqual((answer.status, answer.code), (400, "invalid_args"), answer)


if __name__ == "__main__":
    unittest.main()
