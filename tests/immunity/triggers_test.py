"""Triggers: whoever can call a webhook, or waits for a schedule, must get no more than the agent that it names may, and no way around people."""
import base64
import hashlib
import hmac
import json
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import POLICY, TOOLS, Keyturn, until  # noqa: E402

SECRET, OTHER = "a secret that nobody guesses", "another that nobody guesses"
RUNBOOK = """\
---
apiVersion: keyturn/v1
kind: Runbook
metadata: {name: @NAME@}
inputs: {text: {type: string, required: false}}
triggers: [{webhook: @NAME@, kind: generic, secret: {secret: env:HOOK_SECRET}, as: @AGENT@, inputs: {text: "{{ event.text }}"}}]
steps: [{id: one, tool: @TOOL@, args: {text: "{{ inputs.text }}"}}]
"""
BOOKS = "".join(RUNBOOK.replace("@NAME@", name).replace("@AGENT@", agent).replace("@TOOL@", tool) for name, agent, tool in (
    ("denied", "bot", "append-one"), ("reviewed", "bot", "append-one"), ("inner", "bot", "append-one"), ("nobody", "ghost", "append-one"), ("literal", "bot", "append-one")))
SHARED = """\
---
apiVersion: keyturn/v1
kind: Runbook
metadata: {name: @NAME@}
triggers: [{webhook: @HOOK@, kind: alertmanager, secret: {secret: env:@SECRET@}, as: bot}]
steps: [{id: one, pass: true}]
"""
BOOKS += "".join(SHARED.replace("@NAME@", name).replace("@HOOK@", hook).replace("@SECRET@", secret)
                 for name, hook, secret in (("first", "shared", "HOOK_SECRET"), ("second", "shared", "OTHER_SECRET"), ("unset", "unset", "NOT_SET_HERE")))
RULES = POLICY + """\
- {id: by-people, match: {tool: [runbook.reviewed]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}
- {id: free, match: {tool: [runbook.inner, runbook.nobody, runbook.literal, runbook.first, runbook.second, keyturn.pass]}, effect: allow}
- {id: by-hand-only, match: {tool: [runbook.literal]}, when: 'request.channel == "webhook"', effect: deny}
"""


class Triggers(unittest.TestCase):
    def setUp(self):
        self.k = Keyturn(policy=RULES, tools=TOOLS + BOOKS, people={"ada": [], "olga": ["dba"], "bob": ["dba"]}, start=False)
        self.addCleanup(self.k.close)
        self.k.start(env={"HOOK_SECRET": SECRET, "OTHER_SECRET": OTHER})

    def deliver(self, hook, **event):
        t, body = str(int(time.time())), json.dumps(event)
        sign = hmac.new(SECRET.encode(), f"{t}.{body}".encode(), hashlib.sha256).hexdigest()
        answer = self.k.http("POST", f"/v1/hooks/{hook}", raw_body=body, headers={"Content-Type": "application/json", "Keyturn-Signature": f"t={t},v1={sign}"})
        self.assertEqual(answer.status, 202, answer)
        return until(lambda: [leaf for leaf in self.leaves("hook.settled") if leaf["hook"]["name"] == hook], "it is settled")[-1]

    def leaves(self, kind):
        entries = self.k.get("/v1/ledger/entries?from=0&limit=256", "ada").json["items"]
        return [leaf for leaf in (json.loads(base64.b64decode(entry["leaf"])) for entry in entries) if leaf["type"] == kind]

    def test_a_webhook_starts_nothing_that_its_agent_may_not(self):
        action = self.deliver("denied", text="x")["started"][0]["action"]
        self.assertEqual(self.k.action(action).json["state"], "denied")
        action = self.deliver("literal", text="x")["started"][0]["action"]
        self.assertEqual(self.k.action(action).json["state"], "denied", "policy sees that a webhook asks")
        self.assertEqual(self.k.lines(), [])

    def test_the_agents_owner_approves_neither_the_run_nor_a_step(self):
        action = self.deliver("reviewed", text="x")["started"][0]["action"]
        asked = self.k.action(action).json
        self.assertEqual(asked["state"], "pending")
        self.assertEqual(self.k.vote(asked, "olga").status, 403)
        self.assertEqual(self.k.vote(asked, "bob").status, 200)
        self.deliver("inner", text="y")
        steps = until(lambda: len(found := self.k.get("/v1/actions?state=pending&tool=append-one", "bob").json["items"]) == 2 and found, "both steps ask")
        for step in steps:
            self.assertEqual(self.k.vote(step, "olga").status, 403)
        self.assertEqual(self.k.lines(), [])

    def test_a_suspended_agent_and_one_that_is_not_there_start_nothing(self):
        self.assertEqual(self.deliver("nobody", text="x")["refused"], [{"runbook": "nobody", "code": "inactive"}])
        self.assertEqual(self.k.post("/v1/agents/bot/suspend", "ada").status, 200)
        self.assertEqual(self.deliver("inner", text="x")["refused"], [{"runbook": "inner", "code": "suspended"}])
        self.assertEqual((self.k.lines(), [leaf for leaf in self.leaves("action.decided") if "trigger" in leaf]), ([], []))

    def test_what_an_event_says_is_a_value_and_never_an_expression(self):
        action = self.deliver("reviewed", text="{{ run.id }} $(id) ';--")["started"][0]["action"]
        self.assertEqual(self.k.action(action, "bob").json["args"], {"text": "{{ run.id }} $(id) ';--"})
        self.assertEqual(self.deliver("inner", text=["not", "a", "text"])["refused"], [{"runbook": "inner", "code": "invalid_args"}])

    def test_by_one_secret_nothing_is_taken_that_comes_by_another(self):
        alert = {"groupKey": "g", "alerts": [{"status": "firing", "fingerprint": "f", "startsAt": "2026-11-22T10:00:00Z", "labels": {}}]}

        def post(secret):
            return self.k.http("POST", "/v1/hooks/shared", raw_body=json.dumps(alert), headers={"Content-Type": "application/json", "Authorization": f"Bearer {secret}"})
        self.assertEqual([post(secret).json for secret in (SECRET, SECRET, OTHER, OTHER)], [{"taken": 1}, {"taken": 0}, {"taken": 1}, {"taken": 0}])
        settled = until(lambda: len(found := self.leaves("hook.settled")) == 2 and found, "both are settled")
        self.assertEqual(sorted(one["started"][0]["runbook"] for one in settled), ["first", "second"])

    def test_a_short_delivery_makes_no_long_record(self):
        alerts = [{"status": "firing", "fingerprint": str(i), "startsAt": "2026-11-22T10:00:00Z", "labels": {}} for i in range(300)]
        body = json.dumps({"groupKey": "g", "commonAnnotations": {"x": "y" * 400000}, "alerts": alerts})
        answer = self.k.http("POST", "/v1/hooks/shared", raw_body=body, headers={"Content-Type": "application/json", "Authorization": f"Bearer {SECRET}"})
        self.assertEqual((answer.status, answer.code), (413, "too_large"))
        self.assertEqual(self.leaves("hook.received"), [])

    def test_what_proves_nothing_is_said_once(self):
        line = "webhook unset of runbook unset takes nothing"
        self.k.wait_stderr(line)  # when it starts
        began = time.time()
        for _ in range(50):
            self.assertEqual(self.k.http("POST", "/v1/hooks/unset", raw_body="{}").status, 401)
        self.assertLessEqual(self.k.stderr().count(line), 2 + (time.time() - began) / 10)

    def test_an_agent_takes_no_trigger_away_by_a_key_that_it_guessed(self):
        first = self.deliver("inner", text="one")
        claim = [leaf["trigger"] for leaf in self.leaves("action.decided") if "trigger" in leaf][-1]
        for key in (claim, "trigger/" + claim):
            mine = self.k.request("echo", {"text": "x"}, idempotency_key=key)
            self.assertIn(mine.status, (200, 202), mine)
            self.assertNotEqual(mine.json["id"], first["started"][0]["action"])
        leaves = [leaf for leaf in self.leaves("action.decided") if leaf["action"]["tool"] == "echo"]
        self.assertEqual([leaf.get("trigger") for leaf in leaves], [None, None])


if __name__ == "__main__":
    unittest.main()
