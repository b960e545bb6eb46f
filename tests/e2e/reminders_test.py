"""Reviews that nobody answers: people are reminded, others are told, and policy says whether those may decide."""
import datetime
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import Keyturn  # noqa: E402
from support.passkey import Browser  # noqa: E402

POLICY = """apiVersion: keyturn/v1
kind: Policy
metadata: {name: reminders, revision: 1}
defaults: {effect: deny, onError: deny}
rules:
- {id: open, match: {tool: [restart]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h, remind: 1s, escalate: {after: 2s, to: leads, instead_of: [dba]}}}
- {id: told, match: {tool: [vacuum]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h, escalate: {after: 1s, to: leads}}}
"""
TOOLS = "tools:\n" + "".join(
    f'  {name}: {{exec: [/bin/echo, "{{{{text}}}}"], params: {{text: {{type: string}}}}, resource: {{kind: host, name: here, env: prod}}, sandbox: none}}\n'
    for name in ("restart", "vacuum"))
PEOPLE = {"ada": [], "olga": ["leads"], "bob": ["dba"], "erin": ["dba"], "mia": ["leads"], "dan": []}


class Reminders(unittest.TestCase):
    def setUp(self):
        self.k = Keyturn(policy=POLICY, tools=TOOLS, people=PEOPLE)
        self.addCleanup(self.k.close)

    def stream(self, who):
        events = self.k.events("/v1/inbox/stream", who)
        self.addCleanup(events.close)
        self.assertEqual(events.until("waiting")[-1]["data"], '{"total":0}')
        return events

    def inbox(self, who):
        return {one["id"]: one for one in self.k.get("/v1/actions?for=me&state=pending", who).json["items"]}

    def timeline(self, action):
        return [(one["type"], one["text"]) for one in self.k.get(f"/v1/actions/{action['id']}/timeline", "ada").json["items"]]

    def test_reminded_and_escalated(self):
        until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.assertEqual(Browser(self.k, "erin").send("PUT", "/v1/me/away", {"until": until}).status, 200)
        streams = {who: self.stream(who) for who in ("bob", "erin", "mia")}
        action = self.k.request("restart", {"text": "x"}).json
        self.assertEqual(self.k.action(action["id"], "mia").status, 404)
        reminded = json.loads(streams["bob"].until("reminder")[-1]["data"])
        self.assertEqual((reminded["id"], reminded["reminders"], reminded["waits_for_you"]), (action["id"], 1, True))
        told = json.loads(streams["mia"].until("escalation")[-1]["data"])
        self.assertEqual((told["id"], told["escalated"], told["escalated_to"], told["waits_for_you"]), (action["id"], True, "leads", True))
        self.assertEqual([(one["group"], one["have"]) for one in told["needed"]], [("dba", 0)])
        self.assertTrue(self.inbox("mia")[action["id"]]["escalated"])
        self.assertNotIn(action["id"], self.inbox("olga"))  # the agent is hers
        self.assertEqual(self.k.vote(action, "mia").status, 200)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        lines = self.timeline(action)
        self.assertIn(("review.reminded", "reminded (1): waits for dba"), lines)
        self.assertIn(("review.escalated", "escalated to leads, who may fill the places of dba"), lines)
        seen = []  # erin is out of office: she sees that it changed, and was not reminded
        for event in streams["erin"]:
            seen.append(event["event"])
            if event["event"] == "action" and json.loads(event["data"])["state"] != "pending":
                break
        self.assertNotIn("reminder", seen)

    def test_told_is_not_asked(self):
        stream = self.stream("mia")
        action = self.k.request("vacuum", {"text": "x"}).json
        told = json.loads(stream.until("escalation")[-1]["data"])
        self.assertEqual((told["escalated"], told["waits_for_you"]), (True, False))
        self.assertTrue(self.inbox("mia")[action["id"]]["escalated"])
        self.assertEqual(self.k.post(f"/v1/actions/{action['id']}/comments", "mia", {"text": "is nobody there?"}).status, 200)
        refused = self.k.vote(action, "mia")
        self.assertEqual((refused.status, refused.code), (403, "not_a_reviewer"), refused)
        self.assertEqual(self.k.action(action["id"], "dan").status, 404)
        self.k.restart()  # the escalation is in the record
        self.assertTrue(self.inbox("mia")[action["id"]]["escalated"])
        self.assertEqual([kind for kind, _ in self.timeline(action)].count("review.escalated"), 1)
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        self.assertEqual(self.inbox("mia"), {})


if __name__ == "__main__":
    unittest.main(verbosity=2)
