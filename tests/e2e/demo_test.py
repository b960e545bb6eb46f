"""`./run --demo` as a newcomer meets it: the demo's own start, its four scenarios, its simulated colleagues."""
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.demo import Demo as Running  # noqa: E402
from support.passkey import Browser  # noqa: E402
from support.postgres import installed  # noqa: E402


@unittest.skipUnless(installed(), "PostgreSQL is not installed")
class Demo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(running := Running())
        cls.k = running
        cls.you = Browser(running, "admin", enrol=False)
        cls.you.enrol(running.link)

    def run_scenario(self, name):
        answer = self.you.post("/demo/run", {"scenario": name})
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def settled(self, action_id):
        return self.you.get(f"/v1/actions/{action_id}", Prefer="wait=20").json

    def test_a_select_runs_at_once(self):
        action = self.settled(self.run_scenario("select")["id"])
        self.assertEqual((action["state"], action["operation"]), ("succeeded", "read"), action)
        self.assertTrue(action["outcome"]["rows"])

    def test_drop_table_needs_you_and_a_simulated_colleague(self):
        action = self.you.get(f"/v1/actions/{self.run_scenario('drop')['id']}").json
        self.assertEqual(action["state"], "pending")
        voted = self.you.vote(action)
        self.assertEqual((voted.status, voted.json["state"]), (200, "pending"), voted)
        colleagues = self.you.get("/demo/state").json["colleagues"]
        self.assertTrue(all(c["simulated"] for c in colleagues))
        asked = [c["id"] for c in colleagues if action["id"] in c["pending"]]
        self.assertTrue(asked, colleagues)
        self.assertEqual(self.you.post("/demo/vote", {"colleague": "admin", "action": action["id"], "decision": "approve"}).status, 403, "only the simulated vote there")
        given = self.you.post("/demo/vote", {"colleague": asked[0], "action": action["id"], "decision": "approve"})
        self.assertEqual(given.status, 200, given)
        after = self.settled(action["id"])
        self.assertEqual(after["state"], "succeeded", after)
        self.assertIn(True, [v.get("simulated") for v in after["votes"]], "marked as simulated")
        gone = self.you.get("/v1/actions?tool=orders-sql&limit=5")
        self.assertEqual(gone.status, 200)

    def test_delete_without_where_is_denied(self):
        action = self.settled(self.run_scenario("delete")["id"])
        self.assertEqual(action["state"], "denied")
        self.assertIn("whole-table", json.dumps(action["verdict"]))

    def test_the_lie_is_caught(self):
        caught = self.you.post("/demo/run", {"scenario": "lie"})
        self.assertEqual((caught.status, caught.code), (400, "operation_mismatch"), caught)

    def test_the_demo_page_needs_a_signed_in_browser(self):
        self.assertEqual(self.k.post("/demo/run", None, {"scenario": "select"}).status, 401)
        self.assertEqual(self.you.send("POST", "/demo/run", {"scenario": "select"}, drop=("X-Keyturn-CSRF",)).status, 403)


if __name__ == "__main__":
    unittest.main()
