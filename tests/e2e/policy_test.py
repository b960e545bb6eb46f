"""The policy page's side of the API: drafts explained, and proposals whose case shows what they change."""
import concurrent.futures
import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import POLICY, TOOLS, Keyturn  # noqa: E402

STRICT = POLICY.replace("revision: 1", "revision: 2").replace("tool: [echo, slow, sandboxed]}, effect: allow", "tool: [echo, slow, sandboxed]}, effect: deny")

# As in replay_test.py: each decision takes a second or two.
DIGITS = "[0,1,2,3,4,5,6,7,8,9]"
LOOPS = "".join(f"{DIGITS}.all({name}, " for name in "abcdefgh") + "size(action.tool) + a + h >= 0" + ")" * 8
SLOW = POLICY.replace("onError: deny}", "onError: deny, costLimit: 10000000}") + "".join(
    f"- {{id: slow{n}, match: {{tool: [forbidden]}}, when: '{LOOPS}', effect: deny}}\n" for n in range(20))


def words(section):
    runs = section.get("runs") or [run for field in section["fields"] for part in ("name", "value") for run in field[part] + [{"t": "\n"}]]
    return "".join(run["t"] for run in runs)


class Policy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn()
        cls.addClassCleanup(cls.k.close)
        for n in range(3):
            cls.k.request("echo", {"text": f"e{n}"})

    def explain(self, **more):
        return self.k.post("/v1/policy/explain", "bob", {"agent": "bot", "tool": "echo", "args": {"text": "x"}, **more})

    def test_a_draft_is_explained_before_it_is_in_force(self):
        self.assertEqual(self.explain().json["verdict"]["effect"], "allow")
        drafted = self.explain(policy=STRICT)
        self.assertEqual((drafted.status, drafted.json["ok"], drafted.json["verdict"]["effect"]), (200, True, "deny"), drafted)
        self.assertEqual(self.explain(policy=STRICT, tools=TOOLS.replace("@WORK@", str(self.k.work))).json["verdict"]["effect"], "deny")
        self.assertIn(self.k.request("echo", {"text": "still"}).json["state"], ("executing", "succeeded"), "nothing came into force")

    def test_a_draft_that_does_not_load_has_the_diagnostics_of_a_check(self):
        wrong = POLICY.replace("effect: deny}\n", "effect: dney}\n", 1)
        answer = self.explain(policy=wrong)
        self.assertEqual((answer.status, answer.json["ok"]), (200, False))
        self.assertEqual(answer.json["diagnostics"], self.k.post("/v1/policy/check", "bob", {"policy": wrong}).json["diagnostics"])
        self.assertNotIn("verdict", answer.json)

    def test_nothing_is_described_by_a_tool_that_nobody_agreed_to(self):
        here = TOOLS.replace("@WORK@", str(self.k.work))
        for draft in (here.replace("/usr/bin/echo, \"{{text}}\"", "/usr/bin/printf, \"{{text}}\"", 1), here.replace("  echo:\n", "  echo2:\n", 1)):
            answer = self.explain(tools=draft)
            self.assertEqual((answer.status, answer.code, answer.json.get("pointer")), (400, "invalid_args", "/tool"), answer)
        unknown = self.explain(policy=STRICT, tool="nobody-has-it")
        self.assertEqual((unknown.status, unknown.json["verdict"]["decided_by"]), (200, "unknown-tool"), unknown)

    def test_a_check_says_rule_by_rule_what_differs_from_what_is_in_force(self):
        checked = self.k.post("/v1/policy/check", "bob", {"policy": STRICT}).json
        self.assertEqual(checked["changes"], [{"of": "metadata revision", "is": "1 -> 2"}, {"of": "rules echo-ok", "is": "effect: allow -> deny"}])
        self.assertEqual(self.k.post("/v1/policy/check", "bob", {"policy": POLICY}).json["changes"], [])
        self.assertEqual(self.k.post("/v1/policy/check", "bob", {"policy": "a: [" + POLICY}).json["changes"], [])

    def test_the_tools_in_force_are_named_with_their_parameters(self):
        known = {tool["name"]: tool for tool in self.k.get("/v1/policy", "bob").json["tools"]["known"]}
        self.assertEqual(known["echo"]["operation"], "read")
        self.assertEqual([(p["name"], p["required"], p["secret"], p["schema"]["type"]) for p in known["echo"]["params"]], [("text", True, False, "string")])

    def test_reviewers_see_the_difference_and_the_replay_wherever_they_look(self):
        proposed = self.k.post("/v1/policy/proposals", "ada", {"policy": STRICT, "reason": "stricter"})
        self.assertEqual(proposed.status, 201, proposed)
        action = self.k.get("/v1/actions/" + proposed.json["id"], "ada").json
        self.assertTrue(action["display_complete"])
        sections = {section["title"]: section for section in action["display"]}
        change = sections["Change of policy.yaml"]
        self.assertEqual(change["kind"], "diff")
        self.assertRegex(words(change), r"(?m)^- metadata: \{name: tests, revision: 1\}\n\+ metadata: \{name: tests, revision: 2\}")
        self.assertIn("effect: \"allow\" -> \"deny\"".replace('"', ""), words(sections["What that changes"]))
        figures = words(sections["Recorded decisions, taken again by the proposed policy"])
        self.assertRegex(figures, r"stricter, allow -> deny\n[3-9] decisions")
        self.assertRegex(figures, r"act_\w+ echo by bot: allow by echo-ok -> deny by echo-ok")
        shown = self.k.cli("show", proposed.json["id"], token="ada").out
        for there in (r"- metadata: \{name: tests, revision: 1\}", r"stricter, allow -> deny", r"looked at: \d+ decisions, the newest first", r"act_\w+ echo by bot: allow by echo-ok"):
            self.assertRegex(shown, re.compile(there))

    def test_a_person_who_sees_not_all_gets_figures_without_examples(self):
        proposed = self.k.post("/v1/policy/proposals", "bob", {"policy": STRICT, "reason": "me too"})
        self.assertEqual(proposed.status, 201, proposed)
        sections = {section["title"]: words(section) for section in self.k.get("/v1/actions/" + proposed.json["id"], "bob").json["display"]}
        figures = sections["Recorded decisions, taken again by the proposed policy"]
        self.assertRegex(figures, r"stricter, allow -> deny\n\d+ decisions")
        self.assertNotIn("act_", figures)
        self.assertIn("left out", figures)


class Coverage(unittest.TestCase):
    def test_a_check_says_what_the_documents_own_tests_reach(self):
        k = Keyturn()
        self.addCleanup(k.close)
        draft = POLICY + "tests:\n- {name: echo runs, set: {action.tool: echo}, expect: {effect: allow}}\n"
        said = k.post("/v1/policy/check", "erin", {"policy": draft, "coverage": True}).json
        self.assertTrue(said["ok"], said)
        self.assertEqual([(test["name"], test["passed"]) for test in said["tests"]], [("echo runs", True)])
        self.assertEqual(said["coverage"]["reached"], 1)
        self.assertIn("never", [gap["rule"] for gap in said["coverage"]["gaps"]])
        self.assertNotIn("coverage", k.post("/v1/policy/check", "erin", {"policy": draft}).json)


class Oracle(unittest.TestCase):
    def test_nobody_learns_from_an_explanation_what_was_asked_for(self):
        k = Keyturn()
        self.addCleanup(k.close)
        k.request("forbidden", {})
        draft = POLICY + "- {id: again, match: {tool: [forbidden]}, when: request.repeats_of_denied > 0 || !history.first_time, effect: deny}\n"
        ask = lambda who: next(rule for rule in k.post("/v1/policy/explain", who, {"tool": "forbidden", "agent": "bot", "policy": draft}).json["rules"]
                               if rule.get("rule", rule.get("id")) == "again")
        said = {who: json.dumps(ask(who)) for who in ("ada", "olga", "erin")}
        self.assertEqual(said["ada"], said["olga"], "administrators and the agent's owner see its past")
        self.assertNotEqual(said["ada"], said["erin"], "nobody else does")


class SlowPolicy(unittest.TestCase):
    def test_a_draft_whose_tests_take_long_delays_nobody_else(self):
        k = Keyturn(config="limits: {requests_per_second: 100000}\n")
        self.addCleanup(k.close)

        def draft(tests: int) -> str:
            lines = "".join(f"- {{name: t{n}, set: {{action.tool: forbidden}}, expect: {{effect: deny}}}}\n" for n in range(tests))
            return SLOW.rstrip("\n") + "\ntests:\n" + lines

        asked = {"agent": "ops-bot", "tool": "echo", "args": {"text": "x"}}
        for path, person, tests, body, status, said in (
            ("/v1/policy/check", "erin", 1, {}, 200, '"ok": true'),
            ("/v1/policy/check", "erin", 300, {}, 200, "tests_take_too_long"),
            ("/v1/policy/explain", "ada", 300, asked, 200, "tests_take_too_long"),
            ("/v1/policy/proposals", "ada", 300, {"reason": "slow"}, 400, "take too long"),
        ):
            with self.subTest(path=path, tests=tests), concurrent.futures.ThreadPoolExecutor(1) as other:
                checking = other.submit(k.post, path, person, {"policy": draft(tests)} | body)
                served = 0
                while not checking.done():
                    self.assertEqual(k.get("/healthz").status, 200)
                    served += 1
                answer = checking.result()
                self.assertEqual(answer.status, status, answer)
                self.assertIn(said, json.dumps(answer.json))
                self.assertGreater(served, 10, "the others were served meanwhile")

    def test_a_policy_that_takes_long_delays_its_proposal_only_and_the_case_says_how_far_it_came(self):
        k = Keyturn(config="limits: {requests_per_second: 100000}\n")
        self.addCleanup(k.close)
        for _ in range(60):
            k.request("forbidden", {})
        with concurrent.futures.ThreadPoolExecutor(1) as other:
            proposing = other.submit(k.post, "/v1/policy/proposals", "ada", {"policy": SLOW, "reason": "slow"})
            served = 0
            while not proposing.done():
                self.assertEqual(k.request("echo", {"text": "meanwhile"}).status // 100, 2)
                served += 1
            proposed = proposing.result()
        self.assertEqual(proposed.status, 201, proposed)
        self.assertGreater(served, 10, "the others were served meanwhile")
        figures = [words(section) for section in k.get("/v1/actions/" + proposed.json["id"], "ada").json["display"] if section["title"].startswith("Recorded decisions")]
        self.assertIn("the time was up", figures[0])


if __name__ == "__main__":
    unittest.main()
