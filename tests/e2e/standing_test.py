"""Standing approvals from the proposal to the last use, as people, agents, auditors and the terminal see them."""
import base64
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import Keyturn, until  # noqa: E402
from support.standing import PAID, PEOPLE, POLICY, TOOLS, agreed, approved, propose  # noqa: E402

BOUNDS = {"amount": {"min": 1, "max": 100}}


class Served(unittest.TestCase):
    def setUp(self):
        self.k = Keyturn(policy=POLICY, tools=TOOLS, people=PEOPLE, config="limits: {requests_per_second: 1000}\n")
        self.addCleanup(self.k.close)

    def leaves(self, kind):
        entries, after = [], 0
        while True:
            page = self.k.get(f"/v1/ledger/entries?from={after}&limit=100", "ada").json["items"]
            if not page:
                return entries
            entries += [leaf for leaf in (json.loads(base64.b64decode(one["leaf"])) for one in page) if leaf["type"] == kind]
            after = page[-1]["index"] + 1

    def pay(self, wait=20, **args):
        return self.k.request("pay", PAID | args, wait=wait)


class Life(Served):
    def test_from_the_proposal_to_the_last_use(self):
        k, model = self.k, approved(self.k)
        proposed = propose(k, model, bounds=BOUNDS, uses=2)
        self.assertEqual(proposed.status, 201, proposed)
        case = proposed.json
        self.assertEqual((case["tool"], case["state"], [(n["group"], n["count"]) for n in case["needed"]]), ("keyturn.standing", "pending", [("dba", 2)]))
        # The case says exactly what will stand, in every channel's words.
        shown = k.cli("show", case["id"], token="bob").out
        for words in ("agent: bot", "owner: olga", "tool: pay", "operation: write", "resource.name: main", "parameters.amount.min: 1",
                      "parameters.amount.max: 100", "parameters.to.exactly: acme", "parameters.note.exactly: rent", "uses: 2", "asks 2 of dba",
                      "like: " + model["id"]):
            self.assertRegex(shown, words.replace(".", r"\.").replace(": ", r"\W+"))
        self.assertTrue(k.action(case["id"], "bob").json["display_complete"])
        self.assertEqual(self.pay(wait=0).json["state"], "pending", "nothing stands before people agree")
        self.assertEqual(k.vote(case, "pat").code, "own_request")
        self.assertEqual(k.vote(case, "olga", digest=case["digest"]).code, "not_found")
        for who in ("bob", "erin"):
            self.assertEqual(k.vote(case, who).status, 200)
        self.assertIn("standing approval sa_", k.settled(case["id"], "pat")["outcome"]["stdout"])
        one = k.get("/v1/standing", "pat").json["items"][0]
        self.assertEqual((one["in_force"], one["uses"], one["uses_max"], one["bounds"], one["reason"]), (True, 0, 2, BOUNDS, "every month"))
        self.assertEqual([vote["reviewer"] for vote in one["approvals"]], ["bob", "erin"])

        # Each use has a case, a digest and a release of its own.
        used = [self.pay(amount=amount).json for amount in (99, 1)]
        self.assertEqual([u["state"] for u in used], ["succeeded"] * 2, used)
        self.assertEqual(len({u["digest"] for u in used} | {model["digest"]}), 3)
        self.assertEqual(k.lines(), ["acme:50:rent", "acme:99:rent", "acme:1:rent"])
        seen = k.action(used[0]["id"], "bob").json
        self.assertEqual(seen["standing"], one["id"])
        self.assertEqual((seen["verdict"]["effect"], seen["verdict"]["decided_by"]), ("allow", "standing:" + one["id"]))
        self.assertEqual([hit["exceptions"] for hit in seen["verdict"]["hits"]], [["standing:" + one["id"]]])
        self.assertIn("use 1 of 2", seen["verdict"]["reasons"][0])
        self.assertNotIn("standing", used[0], "an agent is not told what opened the door")
        self.assertEqual(k.get(f"/v1/actions/{used[0]['id']}/timeline", "bob").json["items"][0]["text"], "allowed by standing approval " + one["id"])
        self.assertIn(used[0]["id"], [a["id"] for a in k.get("/v1/actions?tool=pay", "cleo").json["items"]], "who would have been asked sees it")
        self.assertEqual(k.get(f"/v1/actions/{used[0]['id']}", "mia").status, 404)
        self.assertEqual(self.pay(wait=0).json["state"], "pending", "every use is taken")
        self.assertEqual(k.get("/v1/standing/" + one["id"], "bob").json["over"], "every use is taken")

        # The record: what stood is public, what it was for is not; the report counts the exceptions.
        self.assertEqual([leaf["standing"]["id"] for leaf in self.leaves("standing.granted")], [one["id"]])
        self.assertEqual([leaf["used_by"]["action"] for leaf in self.leaves("standing.used")], [u["id"] for u in used])
        self.assertNotIn("acme", str(self.leaves("standing.granted")))
        self.assertNotIn("every month", str(self.leaves("standing.granted")))
        last = k.action(used[1]["id"], "ada").json["ledger"]["last_index"]
        until(lambda: int(k.get("/checkpoint").body.decode().splitlines()[1]) > last, "no checkpoint covers the last use")
        bundle = k.folder / "bundle"
        k.cli("evidence", "--out", bundle, token="ada")
        k.cli("verify", bundle, "--key", k.vkey)
        script = subprocess.run([sys.executable, "-I", "-B", str(bundle / "verify.py"), "--key", k.vkey], capture_output=True, text=True)
        self.assertEqual(script.returncode, 0, script.stdout)
        figures = [json.loads(path.read_text()) for path in bundle.glob("*.json") if "exceptions" in path.read_text()]
        self.assertIn({"name": f"payments: standing:{one['id']}", "count": 2}, [count for f in figures for count in f.get("exceptions", [])], figures)

    def test_it_survives_a_restart_and_a_replay_compares_what_policy_said(self):
        k = self.k
        one = agreed(k, approved(k), uses=2)
        self.assertEqual(self.pay().json["state"], "succeeded")
        k.restart()
        self.assertEqual(k.get("/v1/standing/" + one["id"], "ada").json["uses"], 1)
        self.assertEqual(self.pay().json["state"], "succeeded")
        self.assertEqual(self.pay(wait=0).json["state"], "pending")
        replayed = k.post("/v1/policy/replay", "ada", {"policy": POLICY}).json["replay"]
        self.assertEqual((replayed["stricter"], replayed["looser"], replayed["other"]), (0, 0, 0), replayed)

    def test_who_sees_it(self):
        k = self.k
        one = agreed(k, approved(k))
        for who, status in {"pat": 200, "bob": 200, "cleo": 200, "olga": 200, "ada": 200, "mia": 404}.items():
            self.assertEqual(k.get("/v1/standing/" + one["id"], who).status, status, who)
            self.assertEqual(len(k.get("/v1/standing", who).json["items"]), 1 if status == 200 else 0, who)
        self.assertEqual(k.get("/v1/standing", "bot").code, "people_only")
        more = [agreed(k, approved(k, args=PAID | {"amount": n}))["id"] for n in (60, 61)]
        first = k.get("/v1/standing?limit=2", "bob").json
        self.assertEqual([i["id"] for i in first["items"]], more[::-1])
        rest = k.get("/v1/standing?limit=2&after=" + first["next"], "bob").json
        self.assertEqual(([i["id"] for i in rest["items"]], rest["next"]), ([one["id"]], None))
        self.assertEqual(k.get("/v1/standing?limit=0", "bob").code, "invalid_parameter")

    def test_explain_says_what_may_stand(self):
        said = self.k.post("/v1/policy/explain", "ada", {"agent": "bot", "tool": "pay", "args": PAID}).json
        self.assertEqual([(one["permission"], one["permits"], one["uses"]) for one in said["standing"][:1]], [("small-payments", True, 20)])
        self.assertEqual(said["standing"][1]["not_selected_by"], "tool")

    def test_the_private_parts_of_what_is_over_are_erased(self):
        k = self.k
        k.host("person", "groups", "pat", "--group", "dba", "--group", "administrators")
        k.host("person", "groups", "cleo", "--group", "dba", "--group", "administrators")
        model = approved(k)
        one = agreed(k, model, who="bob", voters=("erin", "cleo"), reason="the landlord insists")
        self.assertEqual(k.post("/v1/erasures", "ada", {"subject": {"action": model["id"]}, "reason": "asked to"}).code, "still_open")
        self.assertEqual(k.post(f"/v1/standing/{one['id']}/revoke", "bob", {"reason": "moved out"}).status, 200)
        proposed = k.post("/v1/erasures", "ada", {"subject": {"action": model["id"]}, "reason": "asked to"})
        self.assertEqual(proposed.status, 201, proposed)
        from support.passkey import Browser
        for who in ("pat", "cleo"):
            browser = Browser(k, who)
            self.assertEqual(browser.vote(browser.get("/v1/actions/" + proposed.json["id"]).json).status, 200)
        self.assertEqual(k.settled(proposed.json["id"], "ada")["state"], "succeeded")
        gone = k.get("/v1/standing/" + one["id"], "ada").json
        self.assertEqual((gone["params"], gone["reason"], gone["in_force"]), (None, "", False))
        k.restart()
        self.assertIsNone(k.get("/v1/standing/" + one["id"], "ada").json["params"])


class Ends(Served):
    def test_who_revokes_it_and_that_it_ends_at_once(self):
        k = self.k
        one = agreed(k, approved(k))
        self.assertEqual(k.post(f"/v1/standing/{one['id']}/revoke", "bob", {}).code, "missing_field")
        self.assertEqual(k.post(f"/v1/standing/{one['id']}/revoke", "mia", {"reason": "x"}).code, "not_found")
        self.assertEqual(k.post(f"/v1/standing/{one['id']}/revoke", "bot", {"reason": "x"}).code, "people_only")
        self.assertEqual(self.pay().json["state"], "succeeded")
        revoked = k.post(f"/v1/standing/{one['id']}/revoke", "olga", {"reason": "not my bot"})
        self.assertEqual((revoked.status, revoked.json["in_force"], revoked.json["over"]), (200, False, "revoked by olga"), revoked)
        self.assertEqual(self.pay(wait=0).json["state"], "pending")
        self.assertEqual(k.post(f"/v1/standing/{one['id']}/revoke", "bob", {"reason": "x"}).code, "closed")
        self.assertEqual([leaf["standing"]["by"] for leaf in self.leaves("standing.revoked")], ["olga"])
        self.assertNotIn("not my bot", str(self.leaves("standing.revoked")))

    def test_from_a_terminal_and_on_the_host(self):
        k, model = self.k, approved(self.k)
        said = k.cli("standing", "propose", model["id"], "--uses", "2", "--lasts", "1d", "--reason", "rent", "--bounds", json.dumps(BOUNDS), token="pat").out
        self.assertIn("Proposed.", said)
        case = next(a for a in k.get("/v1/actions?tool=keyturn.standing", "pat").json["items"])
        for who in ("bob", "erin"):
            self.assertEqual(k.vote(case, who).status, 200)
        k.settled(case["id"], "pat")
        listed = k.cli("standing", "list", token="bob").out
        one = k.cli("standing", "list", "--json", token="bob").json["items"][0]
        self.assertRegex(listed, one["id"] + r"\s+bot\s+pay\s+0/2\s+\S+\s+in force")
        self.assertEqual(k.cli("standing", "propose", model["id"], "--uses", "2", "--lasts", "1d", "--reason", "x", "--bounds", "{", token="pat", check=False).code, 2)
        k.host("standing", "revoke", one["id"], "--reason", "test")
        self.assertIn("revoked by host", k.cli("standing", "list", token="bob").out)
        self.assertEqual(k.cli("standing", "revoke", one["id"], "--reason", "x", token="bob", check=False).code, 5)


class Asked(Served):
    def test_what_cannot_be_asked_for(self):
        k = self.k
        model = approved(k)
        for more, code in (({"uses": 0}, "out_of_range"), ({"uses": 21}, "invalid_args"), ({"lasts": "8d"}, "invalid_args"), ({"lasts": "91d"}, "out_of_range"),
                           ({"bounds": {"to": {"one_of": ["acme"]}}}, "invalid_args"), ({"bounds": {"amount": {"min": 60, "max": 70}}}, "invalid_args"),
                           ({"bounds": {"amount": {"min": 0}}}, "invalid_args"), ({"bounds": {"nothing": {"min": 0, "max": 1}}}, "invalid_args"),
                           ({"bounds": {"amount": {"pattern": ".*"}}}, "invalid_args"), ({"reason": ""}, "missing_field"), ({"like": "x"}, "unknown_field")):
            self.assertEqual(propose(k, model, **more).code, code, more)
        self.assertEqual(propose(k, model, who="bot").code, "people_only")
        self.assertEqual(propose(k, model, who="mia").code, "not_found")
        self.assertEqual(propose(k, {"id": "act_nothing"}).code, "not_found")
        self.assertEqual(propose(k, self.pay(wait=0, amount=7).json).code, "cannot_stand", "nobody has approved it")
        self.assertEqual(propose(k, approved(k, "script", {"to": "a"})).code, "cannot_stand", "policy permits none")
        (k.work / "append.sh").write_text("#!/bin/sh\nexit 0\n")
        self.assertEqual(propose(k, model).code, "cannot_stand", "it would run another script")
        k.write_policy(POLICY.replace("amount > 1000", "amount > 10"))
        k.reload()
        self.assertEqual(propose(k, model).code, "cannot_stand", "policy denies it by now")

    def test_one_denial_is_enough_and_nothing_stands(self):
        proposed = propose(self.k, approved(self.k)).json
        self.assertEqual(self.k.vote(proposed, "bob", "deny").status, 200)
        self.assertEqual(self.k.get("/v1/standing", "pat").json["items"], [])

    def test_what_changed_before_people_agreed_is_shown_to_them_anew(self):
        k = self.k
        proposed = propose(k, approved(k)).json
        self.assertEqual(k.vote(proposed, "bob").status, 200)
        k.write_policy(POLICY.replace("quorum: {dba: 2}", "quorum: {dba: 2}, look: 0s, remind: 10m"))
        k.reload()
        k.write_policy(POLICY.replace("quorum: {dba: 2}", "quorum: {dba: 3}"))
        k.reload()
        self.assertEqual(k.vote(proposed, "erin").status, 200)
        again = k.action(proposed["id"], "pat").json
        self.assertEqual((again["state"], [n["count"] for n in again["needed"]], again["votes"]), ("pending", [3], []), again)
        self.assertEqual(k.get("/v1/standing", "pat").json["items"], [])


if __name__ == "__main__":
    unittest.main()
