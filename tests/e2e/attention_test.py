"""What keeps reviewers awake: exercises, another reviewer, requests that come again; the numbers of it; and what administrators act on."""
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import Keyturn, until  # noqa: E402
from support.passkey import Browser  # noqa: E402

POLICY = """apiVersion: keyturn/v1
kind: Policy
metadata: {name: attention, revision: 1}
defaults: {effect: deny, onError: deny}
rules:
- {id: free, match: {tool: [echo]}, effect: allow}
- {id: asked, match: {tool: [append]}, effect: require, require: {quorum: {sre: 1}, expires: 1h}}
- {id: fresh, match: {tool: [deploy]}, effect: require, require: {quorum: {sre: 1}, another: 1h, expires: 1h}}
"""
TOOLS = "tools:\n" + "".join(
    f'  {name}: {{exec: [/bin/echo, "{{{{text}}}}"], params: {{text: {{type: string}}}}, resource: {{kind: host, name: here, env: prod}}, sandbox: none}}\n'
    for name in ("echo", "append", "deploy"))
PEOPLE = {"ada": [], "olga": [], "bob": ["sre"], "carol": ["sre"], "erin": ["sre", "dba"], "mia": ["dba"]}


class Attention(unittest.TestCase):
    def setUp(self):
        self.k = Keyturn(policy=POLICY, tools=TOOLS, people=PEOPLE)
        self.addCleanup(self.k.close)
        self.browsers = {who: Browser(self.k, who) for who in ("ada", "bob", "carol", "erin")}

    def vote(self, who, action, decision="approve"):
        return self.browsers[who].post(f"/v1/actions/{action['id']}/votes", {"decision": decision, "digest": action["digest"]})

    def plant(self, **fields):
        return self.browsers["ada"].post("/v1/canaries", {"agent": "bot", "tool": "append", "args": {"text": "rm -rf /"}, "reason": "tidy up"} | fields)

    def test_an_exercise_looks_like_any_other_request_until_it_is_decided_and_never_runs(self):
        planted = self.plant()
        self.assertEqual((planted.status, planted.json["state"], planted.json["canary"]), (201, "pending", {"by": "ada", "result": None}), planted)
        real = self.k.request("append", {"text": "ls"}).json
        seen = self.browsers["bob"].get("/v1/actions/" + planted.json["id"]).json
        other = self.browsers["bob"].get("/v1/actions/" + real["id"]).json
        self.assertEqual(set(seen), set(other), "nothing of it says what it is")
        self.assertEqual((seen["requester"], seen["reason"]), (other["requester"], "tidy up"))
        self.assertEqual(self.k.get("/v1/actions/" + planted.json["id"], "bot").status, 404)
        self.assertNotIn(planted.json["id"], [one["id"] for one in self.k.get("/v1/actions", "bot").json["items"]])
        self.k.restart()
        done = self.vote("bob", seen).json
        self.assertEqual((done["state"], done["canary"], done["outcome"]), ("cancelled", {"by": "ada", "result": "missed"}, None), done)
        caught = self.plant().json
        self.assertEqual(self.vote("carol", caught, "deny").json["canary"], {"by": "ada", "result": "caught"})
        self.assertEqual(self.vote("bob", other).status, 200, "the real one runs as ever")
        self.assertEqual(self.k.settled(real["id"])["state"], "succeeded")
        until(lambda: self.browsers["bob"].get("/v1/insights").json["canaries"]["caught"], "the numbers")
        canaries = self.browsers["bob"].get("/v1/insights").json["canaries"]
        self.assertEqual((canaries["caught"], canaries["missed"], canaries["by_group"]), (1, 1, [{"group": "sre", "caught": 1, "missed": 1}]))
        # The record of it holds, and an auditor's script agrees.
        bundle = self.k.folder / "bundle"
        self.k.cli("evidence", "--out", bundle, token="ada")
        self.k.cli("verify", bundle, "--key", self.k.vkey)
        script = subprocess.run([sys.executable, "-I", "-B", str(bundle / "verify.py"), "--key", self.k.vkey], capture_output=True, text=True)
        self.assertEqual(script.returncode, 0, script.stdout)

    def test_an_exercise_leaves_no_gap_in_anybody_s_list(self):
        real = [self.k.request("append", {"text": str(i)}).json["id"] for i in range(3)]
        for _ in range(4):
            self.assertEqual(self.plant().status, 201)
        self.k.request("append", {"text": "last"})
        for who in ("bot", "olga"):
            seen, after = [], ""
            while True:
                page = self.k.get(f"/v1/actions?limit=1{after and '&after=' + after}", who).json
                self.assertEqual(len(page["items"]), 1, who)
                seen += [one["id"] for one in page["items"]]
                if page["next"] is None:
                    break
                after = page["next"]
            self.assertEqual((len(seen), seen[1:]), (4, real[::-1]), who)

    def test_exercises_are_planted_by_who_may_and_only_where_people_are_asked(self):
        self.assertEqual(self.plant(tool="echo").code, "canary_not_asked")
        self.assertEqual(self.plant(agent="nobody").code, "unknown_agent")
        self.assertEqual(self.plant(tool="nothing").code, "canary_not_asked")
        self.assertEqual(self.plant(args={"text": 1}).code, "invalid_args")
        body = {"agent": "bot", "tool": "append", "args": {"text": "x"}, "reason": "y"}
        self.assertEqual(self.browsers["bob"].post("/v1/canaries", body).code, "not_allowed")
        self.assertEqual(self.k.post("/v1/canaries", "ada", body).code, "assurance_too_low")
        self.assertEqual(self.k.post("/v1/canaries", "bot", body).code, "people_only")

    def test_somebody_else_than_who_agreed_of_late(self):
        first, second = (self.k.request("deploy", {"text": text}).json for text in "ab")
        self.assertEqual(self.vote("bob", first).status, 200)
        refused = self.vote("bob", second)
        self.assertEqual((refused.status, refused.code), (403, "another_reviewer"))
        self.assertIn(first["id"], refused.json["detail"])
        self.k.restart()
        until(lambda: "not known yet" not in self.vote("bob", second).json["detail"], "the past is loaded")
        self.assertIn(first["id"], self.vote("bob", second).json["detail"], "it is known after a restart")
        self.assertEqual(self.vote("carol", second).status, 200)

    def test_what_was_denied_and_comes_again_is_linked_and_counted(self):
        asked = [self.k.request("append", {"text": "drop"}).json]
        for who in ("bob", "carol"):
            self.assertEqual(self.vote(who, asked[-1], "deny").json["state"], "denied")
            asked.append(self.k.request("append", {"text": "drop"}).json)
        self.assertEqual(self.browsers["bob"].get("/v1/actions/" + asked[2]["id"]).json["repeats"], {"of": asked[1]["id"], "times": 2})
        self.assertNotIn("repeats", asked[2], "an agent is not told")
        self.k.restart()
        again = self.k.request("append", {"text": "drop"}).json
        self.assertEqual(self.browsers["bob"].get("/v1/actions/" + again["id"]).json["repeats"], {"of": asked[1]["id"], "times": 2})
        repeats = self.browsers["bob"].get("/v1/insights").json["repeats"]
        self.assertEqual(repeats, [{"agent": "bot", "tool": "append", "times": 2, "last": asked[1]["id"]}])
        self.assertEqual(self.k.get("/v1/insights", "mia").json["repeats"], [], "who may not read the action is not told of it")

    def test_the_numbers_name_groups_and_hours_and_nobody(self):
        for i in range(4):
            self.k.request("echo", {"text": str(i)}, wait=5)
        asked = [self.k.request("append", {"text": str(i)}).json for i in range(3)]
        self.browsers["bob"].get("/v1/actions/" + asked[0]["id"])
        self.vote("bob", asked[0])
        self.vote("carol", asked[1], "deny")
        self.k.request("nothing", {}, wait=5)
        until(lambda: self.browsers["erin"].get("/v1/insights").json["total"] == 7, "the numbers")
        seen = self.browsers["erin"].get("/v1/insights")
        told = seen.json
        today = told["by_day"][-1]
        self.assertEqual({key: today[key] for key in ("allowed", "denied", "approved", "refused", "expired", "cancelled")},
                         {"allowed": 4, "denied": 1, "approved": 1, "refused": 1, "expired": 0, "cancelled": 0})
        self.assertEqual(len(told["by_day"]), 30)
        self.assertEqual(told["time_to_decision"]["count"], 2)
        [sre] = told["groups"]
        self.assertEqual((sre["group"], sre["members"], sre["asked"], sre["answered"], sre["approved"]), ("sre", 3, 3, 2, 1))
        self.assertEqual(sum(one["asked"] for one in told["by_hour"]), 3)
        for name in ("bob", "carol", "erin"):
            self.assertNotIn(name, str(told))
        self.assertEqual(self.browsers["erin"].get("/v1/insights?from=2026-01-01T00:00:00Z&to=2025-01-01T00:00:00Z").code, "invalid_parameter")
        self.assertEqual(self.browsers["erin"].get("/v1/insights?from=2020-01-01T00:00:00Z").code, "invalid_parameter")
        self.assertEqual(self.k.get("/v1/insights", "bot").code, "people_only")


class Administration(unittest.TestCase):
    def setUp(self):
        self.k = Keyturn(policy=POLICY, tools=TOOLS, people=PEOPLE)
        self.addCleanup(self.k.close)
        self.ada, self.bob = Browser(self.k, "ada"), Browser(self.k, "bob")

    def test_what_administrators_see_and_others_do_not(self):
        groups = {one["name"]: one for one in self.ada.get("/v1/admin/groups").json["items"]}
        self.assertEqual([member["id"] for member in groups["sre"]["members"]], ["bob", "carol", "erin"])
        self.assertEqual(groups["sre"]["members"][0]["sources"], ["here"])
        self.assertEqual((groups["sre"]["asked_by_policy"], groups["dba"]["asked_by_policy"]), (True, False))
        self.k.get("/v1/me", "bot")
        tokens = self.ada.get("/v1/admin/tokens").json["items"]
        bot = next(one for one in tokens if one["holder"] == "bot")
        self.assertEqual(bot["kind"], "agent")
        self.assertIsNotNone(bot["last_used_at"])
        self.assertNotIn("kt_", str(tokens))
        sessions = self.ada.get("/v1/admin/sessions").json["items"]
        self.assertEqual([(one["person"], one["how"], one["current"]) for one in sorted(sessions, key=lambda one: one["person"])],
                         [("ada", "passkey", True), ("bob", "passkey", False)])
        self.assertEqual([(one["name"], one["state"]) for one in self.ada.get("/v1/admin/channels").json["items"]], [("web", "ok")])
        for path in ("groups", "tokens", "sessions", "channels"):
            self.assertEqual(self.bob.get("/v1/admin/" + path).code, "not_allowed", path)
            self.assertEqual(self.k.get("/v1/admin/" + path, "bot").code, "people_only", path)

    def test_the_group_auditors_makes_auditors_who_look_and_change_nothing(self):
        self.assertEqual(self.bob.get("/v1/admin/tokens").code, "not_allowed")
        self.k.host("person", "groups", "bob", "--group", "auditors")
        self.assertTrue(self.bob.get("/v1/me").json["auditor"])
        tokens = self.bob.get("/v1/admin/tokens").json["items"]
        self.assertEqual(self.bob.send("DELETE", "/v1/tokens/" + next(one["id"] for one in tokens if one["holder"] == "ada")).code, "not_found")
        session = next(one["id"] for one in self.bob.get("/v1/admin/sessions").json["items"] if one["person"] == "ada")
        self.assertEqual(self.bob.send("DELETE", "/v1/admin/sessions/" + session).code, "not_found")
        self.assertEqual(self.bob.post("/v1/people/carol/deactivate", {"reason": "x"}).code, "not_allowed")
        self.k.host("person", "groups", "bob", "--group", "sre")
        self.assertFalse(self.bob.get("/v1/me").json["auditor"])
        self.assertEqual(self.bob.get("/v1/admin/tokens").code, "not_allowed")

    def test_a_session_is_ended_by_its_person_or_an_administrator(self):
        sessions = {one["person"]: one["id"] for one in self.ada.get("/v1/admin/sessions").json["items"]}
        self.assertEqual(self.bob.send("DELETE", "/v1/admin/sessions/" + sessions["ada"]).code, "not_found")
        self.assertEqual(self.ada.send("DELETE", "/v1/admin/sessions/" + sessions["bob"]).status, 200)
        self.assertEqual(self.bob.get("/v1/me").status, 401)

    def test_shutting_somebody_out_is_at_once_and_with_a_reason(self):
        self.assertEqual(self.ada.post("/v1/people/bob/deactivate", {}).code, "empty_text")
        self.assertEqual(self.ada.post("/v1/people/ada/deactivate", {"reason": "x"}).code, "own_account")
        self.assertEqual(self.ada.post("/v1/people/nobody/deactivate", {"reason": "x"}).code, "unknown_person")
        self.assertEqual(self.bob.post("/v1/people/ada/deactivate", {"reason": "x"}).code, "not_allowed")
        self.assertEqual(self.k.post("/v1/people/bob/deactivate", "ada", {"reason": "x"}).code, "assurance_too_low")
        self.assertEqual(self.ada.post("/v1/people/bob/deactivate", {"reason": "left the company"}).json, {"id": "bob", "active": False})
        self.assertEqual(self.bob.get("/v1/me").status, 401)
        self.assertEqual(self.ada.post("/v1/people/bob/activate", {}).json, {"id": "bob", "active": True})
        self.assertEqual(self.bob.get("/v1/me").status, 401, "what was ended stays ended")

    def test_two_administrators_who_shut_out_others_at_once_leave_two(self):
        for who in ("carol", "erin"):
            self.k.host("person", "groups", who, "--group", "administrators")
        browsers = {who: Browser(self.k, who) for who in ("carol", "erin")}
        self.k.host("seal")
        both = [self.k.later(self.ada.post, "/v1/people/carol/deactivate", {"reason": "x"}),
                self.k.later(browsers["erin"].post, "/v1/people/ada/deactivate", {"reason": "x"})]
        statuses = sorted(call.result().status for call in both)
        active = [one["id"] for one in browsers["erin"].get("/v1/people").json["items"] if one["active"] and one["admin"]]
        self.assertEqual((statuses[0], len(active)), (200, 2), statuses)
        self.assertIn(statuses[1], (401, 409), statuses)

    def test_why_somebody_was_shut_out_is_private_and_holds_no_credential(self):
        self.assertEqual(self.ada.post("/v1/people/bob/deactivate", {"reason": "has ghp_" + "a" * 36}).code, "literal_credential")
        self.assertEqual(self.ada.post("/v1/people/bob/deactivate", {"reason": "took the family silver"}).status, 200)
        self.assertNotIn("silver", str(self.ada.get("/v1/ledger/entries?from=0&limit=100").json))

    def test_a_sealed_configuration_keeps_two_administrators_and_lets_nobody_in(self):
        self.k.host("person", "groups", "carol", "--group", "administrators", "--group", "sre")
        carol = Browser(self.k, "carol")
        self.k.host("seal")
        self.assertEqual(self.ada.post("/v1/people/carol/deactivate", {"reason": "x"}).code, "too_few_administrators")
        self.assertEqual(carol.post("/v1/people/bob/deactivate", {"reason": "x"}).status, 200)
        self.assertEqual(carol.post("/v1/people/bob/activate", {}).code, "sealed")


if __name__ == "__main__":
    unittest.main()
