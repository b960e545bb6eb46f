"""Not really two people: a quorum is distinct, active, authorised, unrelated humans, counted when a vote is cast and again at release."""
import base64
import concurrent.futures
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import POLICY, TOOLS, Keyturn  # noqa: E402
from support.passkey import Browser  # noqa: E402

RULES = """\
- {id: three, match: {tool: [three]}, effect: require, require: {quorum: {dba: 2, sre: 1}, assurance: token, expires: 1h}}
- {id: of-nobody, match: {tool: [nobody]}, effect: require, require: {quorum: {ghosts: 1}, assurance: token, expires: 1h}}
"""
OWN = """\
  three: {exec: [@WORK@/append.sh, "{{text}}"], params: {text: {type: string}}, resource: {kind: host, name: here, env: prod}, sandbox: none}
  nobody: {exec: [@WORK@/append.sh, "{{text}}"], params: {text: {type: string}}, resource: {kind: host, name: here, env: prod}, sandbox: none}
"""
PEOPLE = {"ada": ["dba", "sre"], "olga": ["dba", "sre"], "bob": ["dba"], "carol": ["sre"], "dave": ["dba", "sre"], "erin": ["dba"]}


class TwoPeople(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(policy=POLICY + RULES, tools=TOOLS + OWN, people=PEOPLE)
        cls.addClassCleanup(cls.k.close)

    def ask(self, text, tool="append", who="bot", **fields):
        answer = self.k.request(tool, {"text": text}, who, **fields)
        self.assertEqual((answer.status, answer.json.get("state")), (202, "pending"), answer)
        return answer.json

    def refused(self, action, who, code, **fields):
        answer = self.k.vote(action, who, digest=action["digest"], **fields)
        self.assertEqual((answer.status, answer.code), (403, code), answer)

    def state(self, action):
        return self.k.action(action["id"], "ada").json["state"]

    def test_requester_approves(self):
        action = self.ask("bob asks", who="bob")
        self.refused(action, "bob", "own_request")
        self.k.vote(action, "erin")
        self.assertEqual(self.state(action), "pending")

    def test_requester_approves_with_the_agents_token(self):
        action = self.ask("agent votes")
        self.refused(action, "bot", "own_request")
        self.assertEqual(self.k.vote(action, "bot2", digest=action["digest"]).status, 404)

    def test_owner_of_the_agent_approves(self):
        action = self.ask("olga's agent")
        self.refused(action, "olga", "related_to_requester")
        self.refused(action, "olga", "related_to_requester", decision="deny")

    def test_second_account_of_one_human(self):
        """Two accounts that share an identifier cannot be made."""
        for words in (("bob-2", "--email", "bob@example.com"), ("bob-3", "--email", "BOB+work@example.com"), ("bob-4", "--email", "x@example.com", "--alias", "bob"),
                      ("bob-5", "--alias", "Bob <bob@example.com>"), ("bob@example.com",), ("BOB",)):
            done = self.k.host("person", "add", *words, "--group", "sre", check=False)
            self.assertNotEqual(done.code, 0, f"{words}: {done.out}{done.err}")

    def test_on_behalf_of_excludes_however_it_is_written(self):
        self.k.host("person", "add", "gina", "--email", "gina@example.com", "--alias", "gg@corp.example", "--group", "dba")
        self.k.new_token("gina", person="gina")
        for claim in ("gina", "gina@example.com", "GINA@Example.com", "gina+x@example.com", "Gina <gina@example.com>", "gg@corp.example", ["x", "gina"]):
            with self.subTest(claim=claim):
                action = self.ask("on behalf", "append-one", claims={"on_behalf_of": claim})
                self.assertIn(self.k.vote(action, "gina", digest=action["digest"]).code, ("related_to_requester", "not_found"), "no reader of it either")
                self.assertEqual(self.state(action), "pending")
        action = self.ask("on ada's behalf", claims={"on_behalf_of": "ada@example.com"})
        self.refused(action, "ada", "related_to_requester")

    def test_admin_exemption(self):
        action = self.ask("ada asks", who="ada")
        self.refused(action, "ada", "own_request")
        self.k.add_agent("ada-bot", "ada")
        action = self.ask("ada's agent", who="ada-bot")
        self.refused(action, "ada", "related_to_requester")

    def test_one_person_in_many_groups_fills_one_place(self):
        action = self.ask("dave in both")
        self.assertEqual(self.k.vote(action, "dave").status, 200)
        self.assertEqual(self.state(action), "pending")
        browser = Browser(self.k, "dave")
        again = browser.vote(action)
        self.assertEqual((again.status, again.code), (409, "already_voted"), "the same person, by another channel")
        self.assertEqual(self.state(action), "pending")

    def test_a_vote_under_an_alias_is_the_same_persons_vote(self):
        """Whatever name somebody signs in with, they are one person with one vote."""
        self.k.host("person", "add", "nora", "--email", "nora@example.com", "--alias", "nn@corp.example", "--group", "dba", "--group", "sre")
        names = ["nora"]
        for n, alias in enumerate(("nn@corp.example", "nora@example.com", "NORA", "Nora+x@Example.com")):
            made = self.k.host("token", "create", "--person", alias, check=False)
            if made.code == 0:
                names.append(f"nora-{n}")
                self.k.tokens[f"nora-{n}"] = made.last
        self.k.new_token("nora", person="nora")
        self.k.new_token("nora-again", person="nora")
        action = self.ask("an alias votes")
        self.assertEqual(self.k.vote(action, names[-1], digest=action["digest"]).status, 200)
        for name in [*names, "nora-again"]:
            again = self.k.vote(action, name, digest=action["digest"])
            self.assertEqual((again.status, again.code), (409, "already_voted"), again)
        after = self.k.action(action["id"], "nora").json
        self.assertEqual((after["state"], [v["reviewer"] for v in after["votes"]], sum(n["have"] for n in after["needed"])), ("pending", ["nora"], 1))
        self.assertEqual(self.k.delete(f"/v1/actions/{action['id']}/votes", "nora-again").status, 200)
        self.assertEqual(self.k.action(action["id"], "nora").json["votes"], [])

    def test_votes_twice_in_the_same_millisecond(self):
        action = self.ask("dave many times")
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: self.k.vote(action, "dave", digest=action["digest"]), range(20)))
        self.assertEqual(sorted(a.status for a in answers), [200] + [409] * 19)
        self.assertEqual(self.state(action), "pending")
        self.assertEqual(len(self.k.action(action["id"]).json["votes"]), 1)

    def test_required_groups_are_enforced_and_close(self):
        action = self.ask("three of three", "three")
        for who, state in (("bob", "pending"), ("carol", "pending"), ("erin", None)):
            self.assertEqual(self.k.vote(action, who).status, 200)
            if state:
                self.assertEqual(self.state(action), state)
                self.assertNotIn("three of three", self.k.lines())
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")

    def test_a_person_of_both_groups_fills_the_place_that_is_left(self):
        """More groups than the minimum must be able to close, whatever the order."""
        for order in (("dave", "bob"), ("dave", "carol"), ("bob", "dave"), ("carol", "dave")):
            action = self.ask("order " + " ".join(order))
            for who in order:
                self.assertEqual(self.k.vote(action, who).status, 200)
            self.assertEqual(self.k.settled(action["id"])["state"], "succeeded", order)

    def test_unknown_reviewer_is_nobody(self):
        action = self.ask("strangers")
        self.assertEqual(self.k.vote(action, "kt_" + "x" * 43, digest=action["digest"]).status, 401)
        self.k.add_person("stranger")
        self.refused(action, "stranger", "not_a_reviewer") if self.k.action(action["id"], "stranger").status == 200 else self.assertEqual(
            self.k.vote(action, "stranger", digest=action["digest"]).status, 404)
        nobody = self.k.request("nobody", {"text": "ghosts"})
        self.assertIn(nobody.json.get("state"), ("pending", "denied"), "a group that nobody is in approves nothing")
        if nobody.json["state"] == "pending":
            for who in ("ada", "bob", "carol"):
                self.assertIn(self.k.vote(nobody.json, who, digest=nobody.json["digest"]).status, (403, 404))

    def test_removed_from_the_group_between_vote_and_release(self):
        self.k.add_person("hal", ["dba"])
        action = self.ask("hal leaves dba")
        self.assertEqual(self.k.vote(action, "hal").status, 200)
        self.k.host("person", "groups", "hal", "--group", "interns")
        self.assertEqual([n["have"] for n in self.k.action(action["id"]).json["needed"]], [0, 0], "shown at once")
        self.assertEqual(self.k.vote(action, "carol").status, 200)
        self.assertEqual(self.state(action), "pending")
        self.assertNotIn("hal leaves dba", self.k.lines())
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")

    def test_disabled_between_vote_and_release(self):
        self.k.add_person("ivy", ["dba"])
        action = self.ask("ivy is fired")
        self.assertEqual(self.k.vote(action, "ivy").status, 200)
        self.k.host("person", "deactivate", "ivy")
        self.assertIn(self.k.get("/v1/me", "ivy").status, (401, 403), "the token ends at once")
        self.assertEqual(self.k.vote(action, "carol").status, 200)
        self.assertEqual(self.state(action), "pending")
        self.assertNotIn("ivy is fired", self.k.lines())

    def test_disabled_between_approval_and_the_use_of_the_grant(self):
        self.k.add_person("jon", ["sre"])
        action = self.k.request("deploy-reviewed", {"ref": "v1"}).json
        self.k.vote(action, "jon")
        approved = self.k.action(action["id"]).json
        self.k.host("person", "deactivate", "jon")
        used = self.k.post("/v1/grants/consume", "deployer", {"grant": approved["grant"], "digest": approved["digest"]})
        self.assertEqual(used.status, 409, used)
        self.assertNotEqual(self.state(action), "executing")

    def test_a_simulated_colleague_does_not_vote_over_the_network(self):
        self.k.host("person", "add", "sim", "--group", "dba", "--simulated")
        token = self.k.host("token", "create", "--person", "sim", check=False)
        link = self.k.host("person", "enrol", "sim", check=False)
        self.assertNotEqual((token.code, link.code), (0, 0))
        self.assertNotEqual(token.code, 0, "a token for somebody who does not exist")
        self.assertNotEqual(link.code, 0)


class Simulated(unittest.TestCase):
    """A demo's colleagues count in the demo, and nowhere else: not after it, not in a sealed configuration."""

    def setUp(self):
        self.k = Keyturn(arguments=["--demo"])
        self.addCleanup(self.k.close)
        self.k.host("person", "add", "sim", "--group", "dba", "--simulated")
        self.ada = Browser(self.k, "ada")

    def sim_votes(self, action):
        return self.ada.post("/demo/vote", {"colleague": "sim", "action": action["id"], "decision": "approve"})

    def is_active(self, person):
        return {p["id"]: p["active"] for p in self.k.get("/v1/people", "ada").json["items"]}[person]

    def test_a_simulated_colleagues_vote_does_not_count_after_the_demo(self):
        action = self.k.request("append", {"text": "demo"}).json
        self.assertEqual(self.sim_votes(action).json["state"], "pending")
        self.assertEqual(self.k.action(action["id"]).json["needed"], [{"group": "dba", "count": 1, "have": 1}, {"group": "sre", "count": 1, "have": 0}])
        self.k.stop()
        self.k.arguments = []
        self.k.start()
        self.assertIn("sim", self.k.wait_line("simulated people do not count"))
        self.assertIs(self.is_active("sim"), False)
        self.assertEqual(self.k.vote(action, "carol").json["state"], "pending", "with the demo's vote it would be released now")
        self.assertEqual(self.k.action(action["id"]).json["needed"][0], {"group": "dba", "count": 1, "have": 0})
        self.assertEqual(self.k.lines(), [])
        self.k.vote(action, "bob")
        self.assertEqual(self.k.settled(action["id"], "ada")["state"], "succeeded")

    def test_no_simulated_colleague_counts_once_sealed_whatever_the_server_is_started_with(self):
        self.k.add_person("ben", ["administrators"], token=False)
        Browser(self.k, "ben")
        self.assertIs(self.is_active("sim"), True)
        self.k.host("seal")
        action = self.k.request("append", {"text": "sealed"}).json
        self.assertEqual(self.sim_votes(action).code, "inactive")
        self.k.restart()
        self.assertIn("sealed", self.k.wait_line("simulated people do not count"))
        self.ada.sign_in()
        self.assertEqual(self.sim_votes(action).code, "inactive")


class TheSeal(unittest.TestCase):
    """What whoever holds the host could prepare before it, to act for others after it."""

    def setUp(self):
        self.k = Keyturn(people={"ada": [], "ben": ["administrators"], "olga": [], "bob": ["dba"], "erin": ["dba"], "carol": ["sre"], "dave": ["sre"]})
        self.addCleanup(self.k.close)

    def test_it_needs_two_administrators_who_each_have_a_passkey(self):
        for person, lacking in ((None, "ada, ben"), ("ada", "ben")):
            if person:
                Browser(self.k, person)
            done = self.k.host("seal", check=False)
            self.assertNotEqual(done.code, 0)
            self.assertIn(f"none is enrolled for {lacking}", done.err)
            self.assertIn("keyturn person enrol", done.err)
        self.k.stop()
        self.assertIn("none is enrolled for ben", self.k.host("seal", check=False).err, "nor with the server stopped")
        self.k.start()
        Browser(self.k, "ben")
        self.k.host("seal")
        self.assertTrue(self.k.get("/v1/me", "bot").json["sealed"])

    def test_it_ends_the_enrolment_links_that_the_host_made_for_those_who_have_a_passkey(self):
        """A second passkey for an administrator, minted before the seal and used after it, would be a second person's vote."""
        for who in ("ada", "ben"):
            Browser(self.k, who)
        links = [self.k.enrol_link("ada"), self.k.enrol_link("ben")]
        self.k.host("seal")
        for _ in range(2):
            for link in links:
                began = Browser(self.k, "ada", enrol=False).anonymous("/auth/enrol/begin", {"token": link.split("#")[1]})
                self.assertEqual(began.status, 401, began)
            self.k.restart()

    def test_it_ends_the_tokens_that_the_host_made_for_people(self):
        ada, _, bob = (Browser(self.k, who) for who in ("ada", "ben", "bob"))
        own = bob.post("/v1/tokens", {}).json["token"]
        stream = self.k.events("/v1/inbox/stream", "carol")
        self.addCleanup(stream.close)
        stream.until("ping")
        action = self.k.request("append-one", {"text": "before"}).json
        self.k.host("seal")
        for who in ("ada", "bob", "erin", "carol"):
            self.assertEqual(self.k.get("/v1/me", who).status, 401, who)
        self.assertEqual(self.k.vote(action, "erin", digest=action["digest"]).status, 401)
        self.assertEqual(self.k.action(action["id"]).json["state"], "pending")
        self.assertEqual(self.k.get("/v1/me", own).json["id"], "bob", "one's own goes on")
        self.assertEqual(self.k.request("echo", {"text": "x"}, wait=20).json["state"], "succeeded", "and so do agents")
        self.k.request("append-one", {"text": "wakes who listens"})
        self.assertEqual([e for e in stream if e.get("event") == "action"], [], "a stream that was open ends, too")
        entries = ada.get("/v1/ledger/entries?from=0&limit=256").json["items"]
        leaves = [json.loads(base64.b64decode(entry["leaf"])) for entry in entries]
        ended = [leaf["stream"] for leaf in leaves if leaf["type"] == "identity.token_revoked"]
        made = [leaf["stream"] for leaf in leaves if leaf["type"] == "identity.token_created" and leaf.get("host") and "person" in leaf["token"]]
        self.assertEqual((sorted(ended), len(made)), (sorted(made), 7), "and the ledger says which")
        self.k.restart()
        self.assertEqual(self.k.get("/v1/me", "erin").status, 401)
        self.assertEqual(self.k.get("/v1/me", own).status, 200)


class Sealed(unittest.TestCase):
    """Promise sealed-config: files only propose, and two unrelated administrators decide."""

    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(people={"ada": [], "ben": ["administrators"], "cleo": ["administrators"], "olga": [], "bob": ["dba"], "erin": ["dba"], "carol": ["sre"], "dave": ["sre"]})
        cls.addClassCleanup(cls.k.close)
        cls.browsers = {who: Browser(cls.k, who) for who in ("ada", "ben", "cleo", "bob")}
        cls.k.host("seal")
        for who, browser in cls.browsers.items():
            cls.k.tokens[who] = browser.post("/v1/tokens", {}).json["token"]

    def test_host_commands_and_files_only_propose(self):
        for words in (("person", "add", "eve", "--group", "dba"), ("token", "create", "--person", "ada"), ("person", "groups", "bob", "--group", "administrators"),
                      ("person", "enrol", "ada"), ("seal",)):
            done = self.k.host(*words, check=False)
            self.assertNotEqual(done.code, 0, words)
        self.k.write_policy(POLICY.replace("- {id: never, match: {tool: [forbidden]}, effect: deny}", "- {id: never, match: {tool: [forbidden]}, effect: allow}"))
        self.k.reload()
        self.assertEqual(self.k.request("forbidden").json["state"], "denied")
        self.k.restart()
        self.assertEqual(self.k.request("forbidden").json["state"], "denied", "nor by a restart")
        self.k.write_policy(POLICY)
        self.assertIs(self.k.get("/v1/me", "bob").json["sealed"], True)

    def test_a_change_needs_two_administrators_who_did_not_propose_it(self):
        wanted = POLICY.replace("revision: 1", "revision: 2")
        proposed = self.browsers["ada"].post("/v1/policy/proposals", {"policy": wanted, "reason": "next"})
        self.assertEqual((proposed.status, proposed.json["state"]), (201, "pending"), proposed)
        action = proposed.json
        self.assertEqual(self.browsers["ada"].vote(action).code, "own_request")
        self.assertIn(self.browsers["bob"].vote(action).status, (403, 404))
        self.assertEqual(self.k.vote(action, "ben", digest=action["digest"]).code, "assurance_too_low", "not by a token")
        self.assertEqual(self.browsers["ben"].vote(action).status, 200)
        self.assertNotEqual(self.k.get("/v1/policy", "bob").json["revision"], 2)
        self.assertEqual(self.browsers["cleo"].vote(action).status, 200)
        self.assertEqual(self.k.settled(action["id"], "ada")["state"], "succeeded")
        self.assertEqual(self.k.get("/v1/policy", "bob").json["revision"], 2)

    def test_no_document_lowers_the_floor(self):
        lowered = POLICY + "- {id: easy, match: {tool: [keyturn.configuration]}, effect: allow}\n"
        proposed = self.browsers["ada"].post("/v1/policy/proposals", {"policy": lowered})
        if proposed.status == 201:
            for who in ("ben", "cleo"):
                self.assertEqual(self.browsers[who].vote(proposed.json).status, 200)
            self.k.settled(proposed.json["id"], "ada")
        action = self.browsers["ada"].post("/v1/policy/proposals", {"policy": POLICY.replace("revision: 1", "revision: 9")})
        self.assertEqual(action.json["state"], "pending", action)
        self.assertEqual(sum(n["count"] for n in action.json["needed"]), 2)

    def test_nobody_can_propose_the_administrators_away(self):
        for people, code in (([{"id": "ben", "groups": []}, {"id": "cleo", "groups": []}], "too_few_administrators"),
                             ([{"id": "ben", "groups": []}, {"id": "cleo", "groups": []}, {"id": "erin", "groups": ["dba", "administrators"]}], "administrators_without_passkey")):
            proposed = self.browsers["ada"].post("/v1/policy/proposals", {"people": people})
            self.assertEqual((proposed.status, proposed.code), (409, code), proposed)

    def test_a_proposal_of_people_and_policy_is_made_whole_or_not_at_all(self):
        asked = "- {id: by-sec, match: {tool: [forbidden]}, effect: require, require: {quorum: {sec: 1}, expires: 1h}}"
        wanted = self.k.get("/v1/policy", "bob").json["text"] + asked + "\n"
        whole = {"people": [{"id": "hal", "groups": ["sec"]}, {"id": "ida", "groups": ["sec"]}], "policy": wanted}
        self.assertEqual(self.browsers["ada"].post("/v1/policy/proposals", {"policy": wanted}).code, "invalid_configuration", "nobody is in sec")
        proposed = self.browsers["ada"].post("/v1/policy/proposals", whole)
        self.assertEqual(proposed.status, 201, proposed)
        # Meanwhile somebody gets one of the names: the people cannot be added any more.
        other = self.browsers["ada"].post("/v1/policy/proposals", {"people": [{"id": "hal-2", "email": "hal", "groups": []}]})
        for action in (other.json, proposed.json):
            for who in ("ben", "cleo"):
                self.assertEqual(self.browsers[who].vote(action).status, 200)
        self.assertEqual(self.k.settled(other.json["id"], "ada")["state"], "succeeded")
        after = self.k.settled(proposed.json["id"], "ada")
        self.assertEqual(after["state"], "failed", after)
        self.assertIn("nothing was changed", json.dumps(after["outcome"]))
        self.assertNotIn("by-sec", self.k.get("/v1/policy", "bob").json["text"])
        self.assertNotIn("ida", [p["id"] for p in self.k.get("/v1/people", "bob").json["items"]])

    def test_agents_propose_nothing(self):
        self.assertEqual(self.k.post("/v1/policy/proposals", "bot", {"policy": POLICY}).status, 403)
        direct = self.k.request("keyturn.configuration", {"policy": POLICY})
        self.assertEqual((direct.status, direct.code), (403, "people_only"), direct)

    def test_zz_the_seal_is_broken_only_offline_and_marks_the_ledger(self):
        self.assertNotEqual(self.k.host("seal", "--break", "--reason", "x", check=False).code, 0, "not while it runs")
        self.assertIs(self.k.get("/v1/me", "bob").json["sealed"], True)


if __name__ == "__main__":
    unittest.main()
