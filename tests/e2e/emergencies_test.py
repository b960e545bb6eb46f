"""Incidents, broken glass, the look afterwards; and people who stand in for others: as people and agents see them."""
import base64
import datetime
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import Keyturn  # noqa: E402
from support.passkey import Browser  # noqa: E402

POLICY = """apiVersion: keyturn/v1
kind: Policy
metadata: {name: emergencies, revision: 1}
defaults: {effect: deny, onError: deny}
emergencies:
  incident: {openers: [sre], lasts: 2h}
  break_glass: {openers: [lead], lasts: 30m, reviewers: [dba], review_within: 12h}
rules:
- {id: closed, match: {tool: [echo]}, when: 'request.time < timestamp("2090-01-01T00:00:00Z")', effect: deny, waivable: true}
- {id: glass, match: {tool: [echo]}, when: 'request.break_glass != ""', effect: allow, waives: [closed]}
- {id: asked, match: {tool: [append]}, unless: 'request.incident != ""', effect: require, require: {quorum: {dba: 2}, expires: 1h}}
- {id: asked-less, match: {tool: [append]}, when: 'request.incident != ""', effect: require, require: {quorum: {dba: 1}, expires: 1h}}
"""
PEOPLE = {"ada": [], "olga": [], "bob": ["dba"], "carol": ["sre"], "erin": ["dba"], "mia": ["lead"], "dan": []}
TOOLS = """tools:
  echo: {exec: [/bin/echo, "{{text}}"], params: {text: {type: string}}, resource: {kind: host, name: here, env: prod}, sandbox: none}
  append: {exec: [/bin/echo, "{{text}}"], params: {text: {type: string}}, resource: {kind: host, name: here, env: prod}, sandbox: none}
"""


def in_minutes(minutes):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Served(unittest.TestCase):
    def setUp(self):
        self.k = Keyturn(policy=POLICY, tools=TOOLS, people=PEOPLE, config="limits: {requests_per_second: 1000}\n")
        self.addCleanup(self.k.close)
        self.browsers = {who: Browser(self.k, who) for who in ("ada", "bob", "carol", "erin", "mia", "dan", "olga")}

    def break_glass(self, who="mia", agents=("bot",), reason="the site is down", **more):
        asked = {"agents": list(agents)} | more
        began = self.browsers[who].post("/v1/breakglass/challenge", asked)
        self.assertEqual(began.status, 200, began)
        signed = {"ceremony": began.json["ceremony"], "credential": self.browsers[who].passkey.use(began.json["options"])}
        return self.browsers[who].post("/v1/breakglass", asked | {"reason": reason, "assertion": signed})

    def leaves(self, kind):
        entries, after = [], 0
        while True:
            page = self.k.get(f"/v1/ledger/entries?from={after}&limit=100", "ada").json["items"]
            if not page:
                return entries
            entries += [leaf for leaf in (json.loads(base64.b64decode(one["leaf"])) for one in page) if leaf["type"] == kind]
            after = page[-1]["index"] + 1


class BreakGlass(Served):
    def test_broken_glass_from_the_signature_to_the_look_afterwards(self):
        self.assertEqual(self.k.request("echo", {"text": "a"}, wait=5).json["state"], "denied")
        opened = self.break_glass()
        self.assertEqual(opened.status, 201, opened)
        self.assertTrue(opened.json["in_force"])
        used = self.k.request("echo", {"text": "b"}, wait=20).json
        self.assertEqual(used["state"], "succeeded", used)
        self.assertNotIn("emergency", used, "an agent is not told what opened the door")
        # Loudly, to whom it concerns; and why.
        for who in ("bob", "erin", "ada", "olga"):
            self.assertEqual([one["reason"] for one in self.browsers[who].get("/v1/me").json["emergencies"]], ["the site is down"], who)
        self.assertEqual(self.browsers["dan"].get("/v1/me").json["emergencies"], [])
        self.assertNotIn("reason", self.browsers["dan"].get("/v1/breakglass").json["items"][0])
        # The look afterwards: open until it is done, by somebody else.
        waiting = self.browsers["erin"].get("/v1/actions?for=review").json
        self.assertEqual([one["id"] for one in waiting["items"]], [used["id"]])
        self.assertTrue(waiting["items"][0]["after_review"]["waits_for_you"])
        self.assertEqual(self.browsers["mia"].post(f"/v1/actions/{used['id']}/review", {"verdict": "justified", "note": "mine"}).code, "related_to_requester")
        self.assertEqual(self.browsers["dan"].post(f"/v1/actions/{used['id']}/review", {"verdict": "justified", "note": "x"}).code, "not_found")
        self.assertEqual(self.k.post(f"/v1/actions/{used['id']}/review", "bot", {"verdict": "justified", "note": "x"}).code, "people_only")
        self.assertEqual(self.browsers["erin"].post(f"/v1/actions/{used['id']}/review", {"verdict": "fine", "note": "x"}).code, "out_of_range")
        self.k.restart()
        done = self.browsers["erin"].post(f"/v1/actions/{used['id']}/review", {"verdict": "unjustified", "note": "there was no outage"})
        self.assertEqual((done.status, done.json["after_review"]["verdict"], done.json["after_review"]["by"]), (200, "unjustified", "erin"), done)
        self.assertEqual(self.browsers["erin"].get("/v1/actions?for=review").json["items"], [])
        closed = self.browsers["mia"].post(f"/v1/breakglass/{opened.json['id']}/close", {})
        self.assertEqual((closed.status, closed.json["in_force"], closed.json["uses"]), (200, False, 1), closed)
        self.assertEqual(self.k.request("echo", {"text": "c"}, wait=5).json["state"], "denied")
        self.assertEqual([one["used_by"]["action"] for one in self.leaves("breakglass.used")], [used["id"]])
        self.assertEqual([one["after_review"]["by"] for one in self.leaves("breakglass.reviewed")], ["erin"])
        self.assertNotIn("the site is down", str(self.leaves("breakglass.opened")))
        # An auditor verifies who broke it, offline.
        bundle = self.k.folder / "bundle"
        self.k.cli("evidence", "--out", bundle, token="ada")
        verified = self.k.cli("verify", bundle, "--key", self.k.vkey)
        self.assertIn("1 statements by passkey verified", verified.out)
        script = subprocess.run([sys.executable, "-I", "-B", str(bundle / "verify.py"), "--key", self.k.vkey], capture_output=True, text=True)
        self.assertEqual(script.returncode, 0, script.stdout)
        self.assertEqual([one["emergency"]["opener"] for one in json.loads((bundle / "passkeys.json").read_text())["broken_glass"]], ["mia"])

    def test_an_agent_gets_no_glass_by_saying_so(self):
        for claim in ({"break_glass": "bg_1"}, {"incident": "inc_1"}, {"emergency": {"break_glass": "bg_1"}}):
            self.assertEqual(self.k.request("echo", {"text": "a"}, claims=claim, wait=5).json["state"], "denied", claim)
        for path in ("/v1/breakglass", "/v1/breakglass/challenge", "/v1/incidents"):
            self.assertEqual(self.k.post(path, "bot", {"agents": ["bot"], "reason": "x"}).code, "people_only", path)

    def test_a_signature_is_for_exactly_what_is_opened(self):
        mia = self.browsers["mia"]

        def signed(asked):
            began = mia.post("/v1/breakglass/challenge", asked)
            return {"ceremony": began.json["ceremony"], "credential": mia.passkey.use(began.json["options"])}

        self.assertEqual(mia.post("/v1/breakglass", {"agents": ["bot"], "reason": "x"}).code, "passkey_required")
        more = {"agents": ["bot", "bot2"]}
        self.assertEqual(mia.post("/v1/breakglass", more | {"reason": "x", "assertion": signed({"agents": ["bot"]})}).code, "digest_mismatch")
        self.assertEqual(mia.post("/v1/breakglass", {"agents": ["bot"], "lasts": "20m", "reason": "x", "assertion": signed({"agents": ["bot"], "lasts": "10m"})}).code,
                         "digest_mismatch")
        # A vote's signature is none of this kind, nor is another person's.
        began = self.browsers["bob"].post("/v1/breakglass/challenge", {"agents": ["bot"]})
        theirs = {"ceremony": began.json["ceremony"], "credential": self.browsers["bob"].passkey.use(began.json["options"])}
        self.assertEqual(mia.post("/v1/breakglass", {"agents": ["bot"], "reason": "x", "assertion": theirs}).code, "digest_mismatch")
        once = signed({"agents": ["bot"]})
        self.assertEqual(mia.post("/v1/breakglass", {"agents": ["bot"], "reason": "x", "assertion": once}).status, 201)
        self.assertEqual(mia.post("/v1/breakglass", {"agents": ["bot"], "reason": "x", "assertion": once}).code, "invalid_ceremony")
        self.assertEqual(self.break_glass("bob").code, "not_an_opener")
        self.assertEqual(self.k.post("/v1/breakglass", "mia", {"agents": ["bot"], "reason": "x"}).code, "passkey_required", "a token of hers is not her")

    def test_a_page_learns_who_is_named(self):
        named = {who: tuple(self.browsers[who].get(path).json["may_open"] for path in ("/v1/incidents", "/v1/breakglass")) for who in ("mia", "carol", "ada")}
        self.assertEqual(named, {"mia": (False, True), "carol": (True, False), "ada": (False, False)})

    def test_one_person_uses_up_no_ceremonies_of_others(self):
        mia, asked = self.browsers["mia"], {"agents": ["bot"]}
        began = mia.post("/v1/breakglass/challenge", asked)
        theirs = [self.browsers["dan"].post("/v1/breakglass/challenge", asked) for _ in range(40)]
        signed = {"ceremony": theirs[0].json["ceremony"], "credential": self.browsers["dan"].passkey.use(theirs[0].json["options"])}
        self.assertEqual(self.browsers["dan"].post("/v1/breakglass", asked | {"reason": "x", "assertion": signed}).code, "invalid_ceremony")
        signed = {"ceremony": began.json["ceremony"], "credential": mia.passkey.use(began.json["options"])}
        self.assertEqual(mia.post("/v1/breakglass", asked | {"reason": "x", "assertion": signed}).status, 201)

    def test_those_who_prompted_it_are_few_and_short(self):
        for claimed in (["a"] * 33, "x" * 257, ["x" * 257]):
            answer = self.k.request("echo", {"text": "a"}, claims={"on_behalf_of": claimed})
            self.assertEqual((answer.code, answer.json["pointer"]), ("invalid_args", "/claims/on_behalf_of"))

    def test_an_incident_excepts_while_it_is_open(self):
        asked = {"reason": "disk full", "lasts": "1h"}
        self.assertEqual(self.browsers["bob"].post("/v1/incidents", asked).code, "not_an_opener")
        self.assertEqual(self.k.post("/v1/incidents", "carol", asked).code, "assurance_too_low")
        self.assertEqual(self.browsers["carol"].post("/v1/incidents", asked | {"lasts": "3h"}).code, "invalid_args")
        opened = self.browsers["carol"].post("/v1/incidents", asked)
        self.assertEqual(opened.status, 201, opened)
        action = self.k.request("append", {"text": "x"}).json
        seen = self.browsers["bob"].get("/v1/actions/" + action["id"]).json
        self.assertEqual(seen["emergency"]["incident"], opened.json["id"])
        self.assertEqual([one["count"] for one in seen["needed"]], [1])
        self.assertEqual(self.browsers["bob"].vote(seen).status, 200)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        self.assertEqual(self.browsers["carol"].post(f"/v1/incidents/{opened.json['id']}/close", {}).status, 200)
        self.assertEqual([one["count"] for one in self.k.request("append", {"text": "y"}).json["needed"]], [2])


class StandIn(Served):
    def test_somebody_stands_in_and_the_record_says_for_whom(self):
        self.assertEqual(self.k.post("/v1/delegations", "bob", {"to": "dan", "until": in_minutes(60)}).code, "assurance_too_low")
        self.assertEqual(self.browsers["bob"].post("/v1/delegations", {"to": "dan"}).code, "missing_field")
        self.assertEqual(self.browsers["bob"].post("/v1/delegations", {"to": "dan", "until": "tomorrow"}).code, "out_of_range")
        self.assertEqual(self.browsers["bob"].post("/v1/delegations", {"to": "bob", "until": in_minutes(60)}).code, "invalid_delegation")
        action = self.k.request("append", {"text": "x"}).json
        self.assertEqual(self.browsers["dan"].get("/v1/actions/" + action["id"]).status, 404)
        made = self.browsers["bob"].post("/v1/delegations", {"to": "dan", "groups": ["dba"], "until": in_minutes(60)})
        self.assertEqual((made.status, made.json["in_force"]), (201, True), made)
        seen = self.browsers["dan"].get("/v1/actions/" + action["id"]).json
        self.assertTrue(seen["waits_for_you"])
        self.assertEqual(len(self.browsers["dan"].get("/v1/actions?for=me").json["items"]), 1)
        voted = self.browsers["dan"].vote(seen)
        self.assertEqual((voted.status, voted.json["votes"][0]["instead_of"]), (200, "bob"), voted)
        self.assertEqual(self.browsers["bob"].vote(seen).code, "already_voted")
        self.assertEqual(self.browsers["erin"].vote(seen).status, 200)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        places = [one["review"]["places"] for one in self.leaves("review.closed")][-1]
        self.assertIn({"group": "dba", "reviewer": "dan", "instead_of": "bob"}, places)
        # Seen by those whom it is about; ended by any of them.
        self.assertEqual(len(self.browsers["dan"].get("/v1/delegations").json["items"]), 1)
        self.assertEqual(self.browsers["erin"].get("/v1/delegations").json["items"], [])
        self.assertEqual(self.browsers["erin"].send("DELETE", "/v1/delegations/" + made.json["id"]).code, "not_allowed")
        ended = self.browsers["dan"].send("DELETE", "/v1/delegations/" + made.json["id"])
        self.assertEqual((ended.status, ended.json["in_force"]), (200, False), ended)
        again = self.k.request("append", {"text": "y"}).json
        self.assertEqual(self.browsers["dan"].get("/v1/actions/" + again["id"]).status, 404)

    def test_whoever_stands_in_for_the_owner_is_excluded_like_the_owner(self):
        self.assertEqual(self.browsers["olga"].post("/v1/delegations", {"to": "erin", "until": in_minutes(60)}).status, 201)
        action = self.k.request("append", {"text": "x"}).json
        seen = self.browsers["ada"].get("/v1/actions/" + action["id"]).json
        self.assertIn(self.browsers["erin"].vote(seen).code, ("related_to_requester", "not_found"))
        self.assertEqual(self.browsers["bob"].vote(seen).status, 200)
        self.assertEqual(self.k.action(action["id"]).json["state"], "pending")

    def test_away_is_said_and_ends(self):
        self.assertEqual(self.browsers["bob"].send("PUT", "/v1/me/away", {"until": in_minutes(60)}).status, 200)
        self.assertIsNotNone(self.browsers["bob"].get("/v1/me").json["away_until"])
        self.assertEqual(self.browsers["bob"].send("PUT", "/v1/me/away", {"until": in_minutes(-60)}).code, "invalid_args")
        self.assertEqual(self.browsers["bob"].send("PUT", "/v1/me/away", {}).status, 200)
        self.assertIsNone(self.browsers["bob"].get("/v1/me").json["away_until"])


if __name__ == "__main__":
    unittest.main()
