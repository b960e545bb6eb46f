"""Whatever a plan may ask is enforced by the server that runs: channels, look, retype, stages, alternatives, vetoes, deferral, modification."""
import datetime
import json
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, POLICY, Keyturn  # noqa: E402
from support.passkey import Browser  # noqa: E402

PLANS = {
    "in-web": "quorum: {dba: 1}, assurance: token, channels: [web]",
    "in-cli": "quorum: {dba: 1}, assurance: token, channels: [cli]",
    "look": "quorum: {dba: 1}, assurance: token, look: 1s",
    "retype": "quorum: {dba: 1}, assurance: token, retype: resource.name",
    "stages": "stages: [{dba: 1}, {sre: 1}], assurance: token",
    "any": "any: [{sre: 1}, {dba: 2}], assurance: token",
    "veto": "quorum: {dba: 1}, veto: [sre], assurance: token",
    "cosigned": "quorum: {dba: 1}, assurance: token, evidence: cosigned",
    "two-rules": "quorum: {dba: 1}, assurance: token",
}
RULES = "".join(f"- {{id: {name}, match: {{tool: [{name}]}}, effect: require, require: {{{plan}, expires: 1h}}}}\n" for name, plan in PLANS.items()) + """\
- {id: two-rules-more, match: {tool: [two-rules]}, effect: require, require: {quorum: {sre: 1}, assurance: session, expires: 30m}}
- {id: later, match: {tool: [later]}, when: 'request.time < timestamp("@UNTIL@")', effect: defer, defer: {until: 'timestamp("@UNTIL@")', latest: 1h}}
- {id: later-ok, match: {tool: [later]}, effect: allow}
- {id: capped, match: {tool: [capped]}, effect: modify, modify: {set: {args.text: "harmless"}}}
- {id: capped-then, match: {tool: [capped]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}
- id: tiers
  match: {tool: [tiered]}
  effect: require
  tiers:
  - {when: size(action.args.text) > 10, require: {quorum: {dba: 2}, assurance: token, expires: 1h}}
  - {when: size(action.args.text) > 5, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}
  - {when: "true", effect: allow}
- {id: allow-and-deny, match: {tool: [both]}, effect: allow}
- {id: deny-wins, match: {tool: [both]}, effect: deny}
"""
TOOLS = "tools:\n" + "".join(
    f'  {name}: {{exec: [@WORK@/append.sh, "{{{{text}}}}"], params: {{text: {{type: string}}}}, resource: {{kind: file, name: lines, env: prod}}, sandbox: none}}\n'
    for name in [*PLANS, "later", "capped", "tiered", "both"])
HEAD = POLICY.split("rules:")[0] + "rules:\n"


def now():
    return datetime.datetime.now(datetime.timezone.utc)


class Plans(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(policy=(HEAD + RULES).replace("@UNTIL@", "2020-01-01T00:00:00Z"), tools=TOOLS)
        cls.addClassCleanup(cls.k.close)

    def ask(self, tool, text="x", state="pending"):
        answer = self.k.request(tool, {"text": text})
        self.assertEqual(answer.json.get("state"), state, answer)
        return answer.json

    def refused(self, answer, code):
        self.assertEqual(answer.code, code, answer)

    def succeeded(self, action):
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")

    def test_channels(self):
        action = self.ask("in-web")
        for channel in (None, "cli", "web", "slack"):
            self.refused(self.k.post(f"/v1/actions/{action['id']}/votes", "bob", {"decision": "approve", "digest": action["digest"]}, headers={"X-Keyturn-Channel": channel} if channel else {}), "wrong_channel")
        self.assertEqual(Browser(self.k, "bob").vote(action).status, 200)
        self.succeeded(action)
        action = self.ask("in-cli")
        self.refused(self.k.vote(action, "bob"), "wrong_channel")
        self.k.cli("approve", action["id"], "--yes", "--digest", action["digest"], token="bob")
        self.succeeded(action)

    def test_a_minimum_look_is_measured_by_the_server(self):
        action = self.ask("look")
        self.refused(self.k.vote(action, "bob", digest=action["digest"]), "look_too_short")
        self.assertEqual(self.k.action(action["id"], "bob").status, 200)  # now it lies before bob's eyes
        self.refused(self.k.vote(action, "bob", digest=action["digest"]), "look_too_short")
        self.refused(self.k.vote(action, "erin", digest=action["digest"]), "look_too_short")
        deadline = time.monotonic() + DEADLINE
        while (vote := self.k.vote(action, "bob", digest=action["digest"])).status != 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(vote.status, 200, vote)
        self.assertEqual(self.k.vote(self.ask("look"), "bob", "deny").status, 200, "a denial needs no look")

    def test_a_retyped_name(self):
        action = self.ask("retype")
        for wrong in ({}, {"retype": ""}, {"retype": "line"}, {"retype": "LINES"}):
            self.refused(self.k.vote(action, "bob", **wrong), "retype_mismatch")
        self.assertEqual(self.k.vote(action, "bob", retype="lines").status, 200)
        self.succeeded(action)

    def test_stages_come_in_order(self):
        action = self.ask("stages")
        self.refused(self.k.vote(action, "carol", digest=action["digest"]), "not_a_reviewer")
        self.assertEqual(self.k.vote(action, "bob").json["state"], "pending")
        self.assertEqual(self.k.vote(action, "carol").status, 200)
        self.succeeded(action)

    def test_alternatives(self):
        action = self.ask("any")
        self.assertEqual(self.k.vote(action, "carol").status, 200)
        self.succeeded(action)
        action = self.ask("any")
        self.assertEqual(self.k.vote(action, "bob").json["state"], "pending")
        self.assertEqual(self.k.vote(action, "erin").status, 200)
        self.succeeded(action)

    def test_only_the_groups_named_have_a_veto(self):
        action = self.ask("veto")
        denied = self.k.vote(action, "bob", "deny")
        self.assertEqual((denied.status, denied.json["state"]), (200, "pending"), denied)
        self.assertEqual(self.k.vote(action, "carol", "deny").json["state"], "denied")
        action = self.ask("veto")
        self.k.vote(action, "bob", "deny")
        self.k.vote(action, "erin")
        self.succeeded(action)

    def test_evidence_that_cannot_be_had_releases_nothing(self):
        answer = self.k.request("cosigned", {"text": "cosigned"})
        if answer.json["state"] == "pending":
            self.k.vote(answer.json, "bob")
        self.assertNotIn(self.k.action(answer.json["id"]).json["state"], ("succeeded", "executing", "failed", "unknown"))
        self.assertNotIn("cosigned", self.k.lines())

    def test_requirements_of_two_rules_add_up_to_the_strictest(self):
        action = self.ask("two-rules")
        self.assertEqual({n["group"]: n["count"] for n in action["needed"]}, {"dba": 1, "sre": 1})
        self.refused(self.k.vote(action, "bob"), "assurance_too_low")
        plan = self.k.action(action["id"], "bob").json["verdict"]["plan"]
        self.assertEqual(plan["assurance"], "session")
        self.assertEqual(plan["expires"], "30m")

    def test_a_modification_shows_both_forms_and_runs_the_modified(self):
        action = self.ask("capped", "dangerous")
        shown = self.k.action(action["id"], "bob").json
        self.assertEqual(shown["args"], {"text": "harmless"})
        self.assertIn("dangerous", json.dumps(shown["display"]))
        self.k.vote(action, "bob")
        self.succeeded(action)
        self.assertIn("harmless", self.k.lines())
        self.assertNotIn("dangerous", self.k.lines())

    def test_tiers(self):
        self.assertEqual(self.k.request("tiered", {"text": "tiny"}, wait=20).json["state"], "succeeded")
        self.assertEqual(self.ask("tiered", "medium")["needed"][0]["count"], 1)
        self.assertEqual(self.ask("tiered", "large enough")["needed"][0]["count"], 2)

    def test_a_denial_wins(self):
        self.assertEqual(self.ask("both", state="denied")["state"], "denied")


class Deferring(unittest.TestCase):
    """`later` waits until a time some seconds ahead, then is decided again from the beginning."""

    def start(self, seconds):
        k = Keyturn(policy=HEAD + RULES.replace("@UNTIL@", "2999-01-01T00:00:00Z"), tools=TOOLS, people={"ada": [], "olga": [], "bob": ["dba"], "carol": ["sre"]},
                    agents={"bot": "olga", "sleeper": "olga"})
        self.addCleanup(k.close)
        until = (now() + datetime.timedelta(seconds=seconds)).replace(microsecond=0)
        k.write_policy((HEAD + RULES).replace("@UNTIL@", until.strftime("%Y-%m-%dT%H:%M:%SZ")))
        k.reload()
        return k, until

    def waits(self, state, until, why):
        """Whether it waits; a machine too slow to be asked in time says nothing about that."""
        if state == "deferred" or now() < until:
            self.assertEqual(state, "deferred", why)
            return True
        return False

    def waits_across_a_restart(self, seconds):
        k, until = self.start(seconds)
        one, other = k.request("later", {"text": "one"}).json, k.request("later", {"text": "other"}, "sleeper").json
        if not (self.waits(one["state"], until, "its time has not come") and self.waits(other["state"], until, "its time has not come")):
            return False
        k.host("agent", "suspend", "sleeper")
        k.restart()
        if not self.waits(k.action(one["id"]).json["state"], until, "it waits across a restart"):
            return False
        self.assertEqual(k.settled(one["id"])["state"], "succeeded")
        self.assertGreaterEqual(now(), until)
        self.assertEqual(k.settled(other["id"], "ada")["state"], "denied", "the kill switch covers what was deferred")
        self.assertEqual(k.lines(), ["one"])
        return True

    def test_a_deferred_action_is_decided_again_when_its_time_comes(self):
        self.assertTrue(any(self.waits_across_a_restart(seconds) for seconds in (5, 10, 20)), "this machine cannot restart a server in 20 seconds")


if __name__ == "__main__":
    unittest.main()
