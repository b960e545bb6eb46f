"""Recorded decisions taken again by another policy: over HTTP and on the command line, against a real server."""
import http.client
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, POLICY, Keyturn, until  # noqa: E402

# echo is denied, forbidden is allowed, append asks for less, deploy for people; the rest is as it was.
OTHER = (POLICY.replace("tool: [echo, slow, sandboxed]}, effect: allow", "tool: [echo, slow, sandboxed]}, effect: deny")
         .replace("{id: never, match: {tool: [forbidden]}, effect: deny}", "{id: never, match: {tool: [forbidden]}, effect: allow}")
         .replace("quorum: {dba: 1, sre: 1}", "quorum: {dba: 1}"))
STRICTER = POLICY.replace("quorum: {dba: 1, sre: 1}", "quorum: {dba: 2, sre: 1}")

# Twenty rules of which each costs as much as it may: a second or two a decision, so that sixty outlast every deadline here.
DIGITS = "[0,1,2,3,4,5,6,7,8,9]"
LOOPS = "".join(f"{DIGITS}.all({name}, " for name in "abcdefgh") + "size(action.tool) + a + h >= 0" + ")" * 8
SLOW = POLICY.replace("onError: deny}", "onError: deny, costLimit: 10000000}") + "".join(
    f"- {{id: slow{n}, match: {{tool: [forbidden]}}, when: '{LOOPS}', effect: deny}}\n" for n in range(20))


class Replay(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn()
        cls.addClassCleanup(cls.k.close)
        for n in range(3):
            cls.k.request("echo", {"text": f"e{n}"})
        cls.denied = cls.k.request("forbidden", {}).json
        cls.asked = cls.k.request("append", {"text": "a"}).json
        cls.k.request("no-such-tool", {})

    def replay(self, policy=OTHER, who="ada", **more):
        return self.k.post("/v1/policy/replay", who, {"policy": policy, **more})

    def report(self, *words, **more):
        answer = self.replay(*words, **more)
        self.assertEqual(answer.status, 200, answer)
        self.assertTrue(answer.json["ok"], answer)
        return answer.json["replay"]

    def test_what_turns_in_each_direction_with_counts_and_examples(self):
        report = self.report(limit=6, examples=2)
        self.assertEqual({key: report[key] for key in ("looked_at", "repeated", "unchanged", "stricter", "looser", "other", "not_repeatable")},
                         {"looked_at": 6, "repeated": 5, "unchanged": 0, "stricter": 3, "looser": 2, "other": 0, "not_repeatable": 1}, report)
        self.assertEqual(report["not_repeatable_because"], {"unknown_tool": 1})
        flips = {(flip["turn"], flip["from"], flip["to"]): flip for flip in report["flips"]}
        self.assertEqual({key: flip["count"] for key, flip in flips.items()},
                         {("looser", "deny", "allow"): 1, ("looser", "require", "require"): 1, ("stricter", "allow", "deny"): 3})
        self.assertEqual(report["flips"][0]["turn"], "looser")
        self.assertEqual(len(flips["stricter", "allow", "deny"]["examples"]), 2)
        example = flips["looser", "deny", "allow"]["examples"][0]
        self.assertEqual((example["id"], example["tool"], example["agent"]), (self.denied["id"], "forbidden", "bot"))
        self.assertEqual((example["before"]["effect"], example["before"]["decided_by"]), ("deny", "never"))
        self.assertEqual((example["after"]["effect"], example["after"]["reasons"]), ("allow", ["never allows"]))
        plans = flips["looser", "require", "require"]["examples"][0]
        self.assertEqual((plans["before"]["plan"]["quorum"], plans["after"]["plan"]["quorum"]), ({"dba": 1, "sre": 1}, {"dba": 1}))
        matched = {rule["rule"]: rule["matched"] for rule in report["rules"]}
        self.assertEqual((matched["echo-ok"], matched["never"], matched["two-people"], matched["signed"]), (3, 1, 1, 0))

    def test_the_policy_in_force_turns_nothing(self):
        for more in ({}, {"against": "active"}, {"against": "recorded"}, {"old": POLICY}):
            report = self.report(POLICY, limit=6, **more)
            self.assertEqual((report["unchanged"], report["flips"]), (5, []), more)

    def test_another_document_to_compare_with(self):
        self.assertEqual(self.report(POLICY, old=OTHER, limit=6)["looser"], 3)
        self.assertEqual(self.report(OTHER, old=OTHER, limit=6)["unchanged"], 5)

    def test_since_and_limit(self):
        self.assertEqual(self.report(since="2999-01-01T00:00:00Z")["looked_at"], 0)
        self.assertGreaterEqual(self.report(since="1h")["looked_at"], 6)
        one = self.report(limit=1)
        self.assertEqual((one["looked_at"], one["limited"]), (1, True), "the newest")
        self.assertEqual(self.replay(since="yesterday").status, 400)
        self.assertEqual(self.replay(old=POLICY, against="active").status, 400)
        self.assertEqual(self.replay(against="nothing").json["pointer"], "/against")

    def test_only_administrators_and_auditors(self):
        self.assertEqual((self.replay(who="bob").status, self.replay(who="bob").json["code"]), (403, "not_allowed"))
        self.assertEqual((self.replay(who="bot").status, self.replay(who="bot").json["code"]), (403, "people_only"))

    def test_a_document_with_mistakes_has_the_diagnostics_of_a_check(self):
        wrong = POLICY.replace("effect: deny}\n", "effect: dney}\n", 1).replace("match: {tool: [deploy]}", "match: {tol: [deploy]}")
        answer = self.replay(wrong)
        self.assertEqual(answer.status, 200)
        self.assertFalse(answer.json["ok"])
        self.assertNotIn("replay", answer.json)
        self.assertEqual(answer.json["diagnostics"], self.k.post("/v1/policy/check", "ada", {"policy": wrong}).json["diagnostics"])
        old = self.replay(POLICY, old=wrong).json
        self.assertEqual((old["ok"], {d["file"] for d in old["diagnostics"] if not d["warning"]}), (False, {"old.yaml"}))

    def test_the_command_line(self):
        new, old = self.k.folder / "new.yaml", self.k.folder / "old.yaml"
        new.write_text(OTHER)
        done = self.k.cli("policy", "replay", str(new), "--since", "7d", "--limit", "6", token="ada", check=False)
        self.assertEqual(done.code, 1, done.err)
        self.assertIn("3 stricter, 2 looser", done.out)
        self.assertRegex(done.out, r"looser +deny -> allow: 1\n.*" + self.denied["id"])
        self.assertIn("after:  allow by never; never allows", done.out)
        new.write_text(STRICTER)
        done = self.k.cli("policy", "replay", str(new), token="ada", check=False)
        self.assertEqual(done.code, 0, done.out)
        old.write_text(OTHER)
        done = self.k.cli("policy", "replay", str(new), "--old", str(old), "--json", token="ada", check=False)
        self.assertEqual((done.code, done.json["replay"]["looser"] > 0), (1, True), "echo was denied there")
        new.write_text(POLICY.replace("effect: allow", "effect: alow", 1))
        self.assertEqual(self.k.cli("policy", "replay", str(new), token="ada", check=False).code, 2)
        self.assertEqual(self.k.cli("policy", "replay", str(old), token="bob", check=False).code, 5)

    def test_differences_are_said_offline(self):
        new, old = self.k.folder / "diff-new.yaml", self.k.folder / "diff-old.yaml"
        old.write_text(POLICY)
        new.write_text(STRICTER.replace("revision: 1", "revision: 2") + "- {id: more, match: {tool: [x]}, effect: deny}\n")
        done = self.k.cli("policy", "diff", str(old), str(new), check=False)
        self.assertEqual(done.code, 1, done.err)
        self.assertEqual(done.out, "~ metadata revision\n    1 -> 2\n+ rules more: " + json.dumps({"id": "more", "match": {"tool": ["x"]}, "effect": "deny"}, separators=(",", ":")) + "\n~ rules two-people\n    require.quorum.dba: 1 -> 2\n")
        self.assertEqual(self.k.cli("policy", "diff", str(old), str(old), check=False).code, 0)
        self.assertEqual(self.k.cli("policy", "diff", str(old), "/no/such/file", check=False).code, 2)
        self.assertEqual([d["name"] for d in self.k.cli("policy", "diff", str(old), str(new), "--json", check=False).json["differences"]], ["revision", "more", "two-people"])


class OneAtATime(unittest.TestCase):
    def test_a_second_replay_waits_its_turn_and_one_whose_client_left_ends(self):
        k = Keyturn()
        self.addCleanup(k.close)
        for _ in range(60):
            self.assertIn(k.request("forbidden", {}).json["state"], ("denied",))
        first = http.client.HTTPConnection("127.0.0.1", int(k.url.rsplit(":", 1)[1]), timeout=DEADLINE)
        self.addCleanup(first.close)
        first.request("POST", "/v1/policy/replay", json.dumps({"policy": SLOW}),
                      {"Authorization": "Bearer " + k.tokens["ada"], "Content-Type": "application/json"})
        until(lambda: k.post("/v1/policy/replay", "ada", {"policy": POLICY}).status == 429, "never 429")
        second = k.post("/v1/policy/replay", "ada", {"policy": POLICY})
        self.assertEqual((second.status, second.json["code"]), (429, "replay_running"))
        self.assertEqual(k.get("/healthz", "ada").status, 200, "the others are served meanwhile")
        first.close()
        until(lambda: k.post("/v1/policy/replay", "ada", {"policy": POLICY}).status == 200, "never 200")


if __name__ == "__main__":
    unittest.main()
