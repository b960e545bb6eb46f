"""Sticky grants: "approve similar for 30 minutes" must not be used for what only looks similar, by another, too often, too late, or at once."""
import concurrent.futures
import pathlib
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, Keyturn  # noqa: E402
from support.standing import PAID, PEOPLE, POLICY, TOOLS, agreed, approved, propose  # noqa: E402

BOUNDS = {"amount": {"min": 1, "max": 100}, "note": {"one_of": ["rent", "heat"]}}


class StickyGrant(unittest.TestCase):
    def setUp(self):
        self.k = Keyturn(policy=POLICY, tools=TOOLS, people=PEOPLE, config="limits: {requests_per_second: 1000}\n")
        self.addCleanup(self.k.close)
        self.model = approved(self.k)

    def state(self, who="bot", claims=None, tool="pay", **args):
        asked = self.k.request(tool, (PAID | args) if tool == "pay" else args, who=who, wait=20 if self.runs else 0, **({"claims": claims} if claims else {}))
        return asked.json.get("state", asked.code)

    runs = False  # whether it is expected to run

    def passes(self, **how):
        self.runs = True
        self.assertEqual(self.state(**how), "succeeded", how)
        self.runs = False

    def held(self, **how):
        before = len(self.k.lines())
        self.assertEqual(self.state(**how), "pending", how)
        self.assertEqual(len(self.k.lines()), before, how)

    def test_used_for_something_that_only_looks_similar(self):
        one = agreed(self.k, self.model, bounds=BOUNDS, uses=20)
        for args in ({}, {"amount": 100}, {"amount": 1}, {"note": "heat"}, {"amount": 99.5}):
            self.passes(**args)
        for args in ({"to": "acme "}, {"to": "Acme"}, {"to": "\u0430cme"}, {"to": "ac\u200bme"}, {"to": "acme:50:rent\nmallory"}, {"amount": 100.5}, {"amount": 0.99},
                     {"amount": -1}, {"amount": 500}, {"note": "rent "}, {"note": "other"}, {"note": ""}):
            self.held(**args)
        # Another spelling of a number is another argument to the program.
        for spelling in ("5e1", "50.0", "50.00"):
            body = '{"tool": "pay", "args": {"to": "acme", "amount": %s, "note": "rent"}}' % spelling
            answer = self.k.http("POST", "/v1/actions", "bot", raw_body=body, headers={"Content-Type": "application/json"})
            self.assertEqual(answer.json["state"], "pending", spelling)
        for bad in ({"amount": "50"}, {"amount": None}, {"amount": [50]}, {"extra": 1}, {"amount": True}):
            self.assertEqual(self.state(**bad), "invalid_args", bad)
        self.assertEqual(self.state(amount=5000), "denied", "never over a denial")
        self.assertEqual(self.state(tool="script", to="acme"), "pending")
        self.assertEqual(self.k.get("/v1/standing/" + one["id"], "bob").json["uses"], 5)

    def test_used_by_another_agent_or_after_another_owner(self):
        one = agreed(self.k, self.model)
        self.held(who="bot2")
        self.held(claims={"on_behalf_of": "erin"})
        self.held(claims={"on_behalf_of": ["Erin <ERIN+x@example.com>"]})
        self.passes(claims={"standing": "sa_of_mine", "on_behalf_of": "mia"})
        self.k.host("person", "groups", "erin", "--group", "sre")
        self.held()
        self.k.host("person", "groups", "erin", "--group", "dba")
        self.passes()
        self.assertEqual(self.k.get("/v1/standing/" + one["id"], "bob").json["uses"], 2)

    def test_an_agent_asks_for_one_or_names_one(self):
        one = agreed(self.k, approved(self.k, args=PAID | {"to": "other"}))
        for path in ("/v1/standing", f"/v1/standing/{one['id']}/revoke"):
            self.assertEqual(self.k.post(path, "bot", {"action": self.model["id"], "uses": 1, "lasts": "1h", "reason": "x"}).code, "people_only")
        until = "2099-01-01T00:00:00Z"
        self.assertEqual(self.k.request("keyturn.standing", {"action": self.model["id"], "uses": 1, "until": until}).code, "people_only")
        for claim in ({"standing": one["id"]}, {"standing_approval": one["id"]}, {"approved_by": ["bob", "erin"]}):
            self.held(claims=claim)

    def test_agreed_to_by_who_had_a_part_in_it(self):
        proposed = propose(self.k, self.model).json
        for who, code in {"pat": "own_request", "olga": "not_found", "mia": "not_found", "bot": "not_found"}.items():
            self.assertEqual(self.k.vote(proposed, who, digest=proposed["digest"]).code, code, who)
        self.k.host("person", "groups", "olga", "--group", "dba", "--group", "administrators")  # who may read it may not agree either
        self.assertEqual(self.k.vote(proposed, "olga").code, "related_to_requester")
        action = self.k.request("pay", PAID | {"to": "landlord"}, claims={"on_behalf_of": "cleo"}).json
        for who in ("bob", "erin"):
            self.assertEqual(self.k.vote(action, who).status, 200)
        self.k.settled(action["id"])
        proposed = propose(self.k, action).json
        self.assertEqual(self.k.vote(proposed, "cleo", digest=proposed["digest"]).code, "not_found", "the model was asked for on her behalf")
        self.assertEqual(self.k.vote(proposed, "bob").status, 200)
        self.assertEqual([n["have"] for n in self.k.action(proposed["id"], "bob").json["needed"]], [1])

    def test_the_script_the_tool_or_the_policy_is_swapped_under_it(self):
        agreed(self.k, self.model, bounds=BOUNDS)
        script = self.k.work / "append.sh"
        before = script.read_text()
        script.write_text(before.replace("append", "append") + "# more\n")
        self.held()
        script.write_text(before)
        self.passes()
        for tools, policy in ((TOOLS.replace("sensitivity: pci", "sensitivity: none"), POLICY), (TOOLS.replace('"{{to}}:', '"--to={{to}}:'), POLICY),
                              (TOOLS, POLICY.replace("{dba: 2}, assurance: token", "{dba: 2}, assurance: session")), (TOOLS, POLICY.replace("{dba: 2}", "{dba: 3}")),
                              (TOOLS, POLICY.replace("bounds: [args.amount, args.note]", "bounds: [args.amount]")), (TOOLS, POLICY.replace("env: [prod]}, lasts", "env: [dev]}, lasts"))):
            self.k.write_tools(tools)
            self.k.write_policy(policy)
            self.k.reload()
            self.held()
        self.k.write_tools(TOOLS)
        self.k.write_policy(POLICY)
        self.k.reload()
        self.passes()

    def test_many_at_once_take_the_last_uses_once_each(self):
        one = agreed(self.k, self.model, uses=5)
        barrier = threading.Barrier(20)

        def ask():
            barrier.wait(DEADLINE)
            return self.k.request("pay", PAID)
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = [future.result() for future in [pool.submit(ask) for _ in range(20)]]
        self.assertEqual({a.status for a in answers} - {200, 202}, set(), answers)
        pending = [a for a in answers if a.json["state"] == "pending"]
        self.assertEqual(len(pending), 15)
        for answer in answers:
            if answer.json["state"] != "pending":
                self.k.settled(answer.json["id"])
        self.assertEqual(len(self.k.lines()), 6)
        self.assertEqual(self.k.get("/v1/standing/" + one["id"], "bob").json["uses"], 5)

    def test_killed_in_the_middle_no_use_is_lost_or_taken_twice(self):
        one = agreed(self.k, self.model, uses=20)
        asked = [self.k.later(self.k.request, "pay", PAID) for _ in range(8)]
        asked[0].result()
        self.k.kill9()
        for one_asked in asked:
            one_asked.exception()
        self.k.start()
        used = [a["id"] for a in self.k.get("/v1/actions?tool=pay&limit=200", "ada").json["items"] if self.k.action(a["id"], "ada").json.get("standing") == one["id"]]
        self.assertEqual(self.k.get("/v1/standing/" + one["id"], "bob").json["uses"], len(used))
        self.assertGreater(len(used), 0)

    def test_a_grant_of_before_the_revocation_is_used_after_it(self):
        model = approved(self.k, "deploy", {"ref": "v1"}, ("bob",), wait=0)
        one = agreed(self.k, model, voters=("bob",))
        grants = [self.k.request("deploy", {"ref": "v1"}).json for _ in range(2)]
        self.assertTrue(all(g["state"] == "approved" and g["grant"] for g in grants), grants)

        def consume(action):
            return self.k.post("/v1/grants/consume", "deployer", {"grant": action["grant"], "digest": action["digest"]})
        self.assertEqual(consume(grants[0]).status, 200)
        self.assertEqual(self.k.post(f"/v1/standing/{one['id']}/revoke", "bob", {"reason": "stop"}).status, 200)
        self.assertEqual(consume(grants[1]).code, "closed")
        self.assertEqual(self.k.request("deploy", {"ref": "v1"}).json["state"], "pending")


if __name__ == "__main__":
    unittest.main()
