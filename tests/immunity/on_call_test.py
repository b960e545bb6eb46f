"""Not really on call: whoever writes a schedule, or sends for its webhook, makes nobody a reviewer who could not be one."""
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import webhook  # noqa: E402
from support.keyturn import Keyturn, until  # noqa: E402

POLICY = """apiVersion: keyturn/v1
kind: Policy
metadata: {name: oncall, revision: 1}
defaults: {effect: deny, onError: deny}
rules:
- {id: primary, match: {tool: [restart]}, effect: require, require: {quorum: {sre-oncall: 1}, assurance: token, expires: 1h}}
- {id: database, match: {tool: [vacuum]}, effect: require, require: {quorum: {dba-oncall: 2}, assurance: token, expires: 1h}}
- {id: brief, match: {tool: [brief]}, effect: require, require: {quorum: {brief-oncall: 1}, assurance: token, expires: 1h}}
"""
TOOLS = "tools:\n" + "".join(
    f'  {name}: {{exec: [/bin/echo, "{{{{text}}}}"], params: {{text: {{type: string}}}}, resource: {{kind: host, name: here, env: prod}}, sandbox: none}}\n'
    for name in ("restart", "vacuum", "brief"))
IDENTITY = """apiVersion: keyturn/v1
kind: Identity
oncall:
  primary: {group: sre-oncall, of: sre, file: primary.yaml}
  database: {group: dba-oncall, of: dba, webhook: {secret: "file:@SECRET@"}}
  brief: {group: brief-oncall, of: dba, webhook: {secret: "file:@SECRET@"}, stale_after: 2s}
"""
PEOPLE = {"ada": [], "olga": ["sre"], "bob": ["dba"], "erin": ["dba"], "carol": ["sre"], "mia": []}
SECRET, OTHER = webhook.secret("of the schedules"), webhook.secret("of somebody else")
EVER = {"from": "2026-01-01T00:00:00Z", "until": "2090-01-01T00:00:00Z"}


def shifts(*people):
    return {"shifts": [{"person": person, **EVER} for person in people]}


class OnCall(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(policy=POLICY, tools=TOOLS, people=PEOPLE, start=False, tokens=False, agents={})
        cls.addClassCleanup(cls.k.close)
        secret = cls.k.folder / "secret"
        secret.write_text(SECRET)
        secret.chmod(0o600)
        cls.file = cls.k.folder / "primary.yaml"
        cls.file.write_text(json.dumps(shifts("mia", "carol", "olga")))
        identity = cls.k.folder / "identity.yaml"
        identity.write_text(IDENTITY.replace("@SECRET@", str(secret)))
        cls.k.arguments = ["--identity", str(identity)]
        cls.k.start()
        for name in PEOPLE:
            cls.k.new_token(name, person=name)
        cls.k.add_agent("bot", "olga")
        cls.sender = webhook.Sender()
        cls.addClassCleanup(cls.sender.close)

    def tell(self, body, name="database", secret=SECRET, **more):
        return self.sender.send(f"{self.k.url}/v1/oncall/{name}", secret, body, **more)

    def on_call(self, name):
        schedule = next(one for one in self.k.get("/v1/oncall", "ada").json["items"] if one["name"] == name)
        return [one["id"] for one in schedule["on_call"] if one["counts"]]

    def ask(self, tool):
        return self.k.request(tool, {"text": "x"}).json

    def refused(self, told, status, code):
        self.assertEqual((told["status"], told["body"]["code"]), (status, code), told)

    def test_schedule_names_an_outsider(self):
        """mia is no sre, whoever wrote the file; olga is, and owns the agent."""
        self.assertEqual(self.on_call("primary"), ["carol", "olga"])
        action = self.ask("restart")
        self.assertEqual(self.k.vote(action, "mia", digest=action["digest"]).status, 404)
        self.assertEqual(self.k.vote(action, "olga").code, "related_to_requester")
        self.assertEqual(self.tell(shifts("mia", "carol"))["status"], 200)
        self.assertEqual(self.on_call("database"), [])
        self.assertEqual(self.k.vote(action, "carol").status, 200)

    def test_forged_webhook(self):
        self.assertEqual(self.tell(shifts())["status"], 200)
        self.refused(self.tell(shifts("bob"), secret=OTHER), 403, "bad_signature")
        self.refused(self.tell(shifts(), forge=json.dumps(shifts("bob"))), 403, "bad_signature")
        for headers in ({}, {"webhook-id": "msg", "webhook-timestamp": "1", "webhook-signature": "v1,"}):
            answer = self.k.post("/v1/oncall/database", body=shifts("bob"), headers=headers)
            self.assertEqual((answer.status, answer.code), (403, "bad_signature"), answer)
        answer = self.k.post("/v1/oncall/database", "ada", shifts("bob"))  # nor does an administrator's token
        self.assertEqual((answer.status, answer.code), (403, "bad_signature"), answer)
        self.refused(self.tell(shifts("bob"), name="primary"), 404, "not_found")
        self.refused(self.tell(shifts("bob"), age=301), 403, "stale_message")
        self.refused(self.tell(shifts("bob"), age=-301), 403, "stale_message")
        self.assertEqual(self.on_call("database"), [])

    def test_replayed_webhook(self):
        first = self.tell(shifts("bob"), id="msg_replayed")
        self.assertEqual(first["status"], 200)
        again = self.k.http("POST", "/v1/oncall/database", raw_body=json.dumps(shifts("bob")), headers=first["headers"])
        self.assertEqual((again.status, again.code), (409, "already_used"), again)
        # What was held back does not undo what was said since; nor is it taken for another schedule.
        self.assertEqual(self.tell(shifts())["status"], 200)
        self.refused(self.tell(shifts("bob"), age=60), 403, "stale_message")
        self.k.restart()
        again = self.k.http("POST", "/v1/oncall/database", raw_body=json.dumps(shifts("bob")), headers=first["headers"])
        self.assertIn(again.code, ("already_used", "stale_message"))
        self.assertEqual(self.on_call("database"), [])

    def test_leaves_the_pool_mid_review(self):
        self.assertEqual(self.tell(shifts("bob", "erin"))["status"], 200)
        action = self.ask("vacuum")
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        self.k.host("person", "groups", "bob")
        self.assertEqual(self.on_call("database"), ["erin"])
        self.assertEqual(self.k.vote(action, "erin").status, 200)
        self.assertEqual(self.k.action(action["id"], "ada").json["state"], "pending")
        self.k.host("person", "groups", "bob", "--group", "dba")
        self.k.host("person", "deactivate", "bob")
        self.assertEqual(self.on_call("database"), ["erin"])
        self.assertEqual(self.k.action(action["id"], "ada").json["state"], "pending")
        self.k.host("person", "activate", "bob")

    def test_stale_schedule(self):
        """Nobody has said for too long who is on call: nobody is."""
        self.assertEqual(self.tell(shifts("erin"), name="brief")["status"], 200)
        action = self.ask("brief")
        until(lambda: self.on_call("brief") == [], "the schedule never went stale")
        answer = self.k.vote(action, "erin", digest=action["digest"])
        self.assertIn(answer.code, ("not_found", "not_a_reviewer"), answer)
        self.assertIn("oncall.brief", self.k.get("/readyz").json["troubled"])
        self.k.restart()
        self.assertEqual(self.on_call("brief"), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
