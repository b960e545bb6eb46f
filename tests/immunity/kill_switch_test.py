"""The kill switch of one agent: nothing of it that has not started does, whatever stage it has reached, until somebody resumes it."""
import concurrent.futures
import pathlib
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, POLICY, Keyturn  # noqa: E402

LATER = """\
- {id: later, match: {tool: [append-soon]}, when: 'request.time < timestamp("2126-01-01T00:00:00Z")', effect: defer, defer: {until: 'timestamp("2126-01-01T00:00:00Z")', latest: 876000h}}
"""


class KillSwitch(unittest.TestCase):
    def setUp(self):
        self.k = Keyturn(policy=POLICY.replace("rules:\n", "rules:\n" + LATER, 1))
        self.addCleanup(self.k.close)

    def suspend(self, who="olga"):
        answer = self.k.post("/v1/agents/bot/suspend", who)
        self.assertEqual(answer.status, 200, answer)

    def resume(self):
        self.assertEqual(self.k.post("/v1/agents/bot/resume", "olga").status, 200)

    def assertStopped(self, pending, granted, keyed):
        """Every way to get something of bot's going."""
        self.assertIn(self.k.request("echo", {"text": "new"}).status, (401, 403), "a new action")
        again = self.k.request("append-one", {"text": "keyed"}, idempotency_key="keyed")
        self.assertIn(again.status, (401, 403), "the same request again")
        vote = self.k.vote(pending, "bob", digest=pending["digest"])
        self.assertEqual((vote.status, vote.code), (403, "suspended"), vote)
        for who in ("olga", "bob"):
            amended = self.k.post(f"/v1/actions/{pending['id']}/amend", who, {"args": {"text": "amended"}})
            self.assertEqual((amended.status, amended.code), (403, "suspended"), amended)
        used = self.k.post("/v1/grants/consume", "deployer", {"grant": granted["grant"], "digest": granted["digest"]})
        self.assertEqual((used.status, used.code), (409, "closed"), used)
        self.assertIn(self.k.get("/v1/me", "bot").status, (401, 403))
        states = [self.k.action(action["id"], "ada").json["state"] for action in (pending, granted, keyed)]
        self.assertEqual(states, ["pending", "approved", "pending"])
        self.assertEqual(self.k.lines(), [])
        self.assertEqual(self.k.request("echo", {"text": "another agent"}, "bot2", wait=20).json["state"], "succeeded", "others go on")

    def test_pending_approved_and_new_actions_are_stopped_over_restarts_and_crashes_until_it_is_resumed(self):
        pending = self.k.request("append-one", {"text": "pending"}).json
        keyed = self.k.request("append-one", {"text": "keyed"}, idempotency_key="keyed").json
        granted = self.k.request("deploy-reviewed", {"ref": "v1"}).json
        self.assertEqual(self.k.vote(granted, "carol").status, 200)
        granted = self.k.action(granted["id"]).json
        self.assertEqual(granted["state"], "approved")
        self.suspend()
        self.assertStopped(pending, granted, keyed)
        self.k.restart()
        self.assertStopped(pending, granted, keyed)
        self.k.kill9()
        self.k.start()
        self.assertStopped(pending, granted, keyed)
        self.resume()
        self.assertEqual(self.k.vote(pending, "bob").status, 200)
        self.assertEqual(self.k.settled(pending["id"])["state"], "succeeded")
        used = self.k.post("/v1/grants/consume", "deployer", {"grant": granted["grant"], "digest": granted["digest"]})
        self.assertEqual(used.status, 200, used)
        self.assertEqual(self.k.lines(), ["pending"])

    def test_a_grant_that_policy_allowed_is_stopped_too(self):
        granted = self.k.request("deploy", {"ref": "v1"}).json
        self.assertEqual(granted["state"], "approved")
        self.suspend("ada")
        used = self.k.post("/v1/grants/consume", "deployer", {"grant": granted["grant"], "digest": granted["digest"]})
        self.assertEqual((used.status, used.code), (409, "closed"), used)

    def test_a_deferred_action_cannot_be_changed_into_one_that_runs(self):
        deferred = self.k.request("append-soon", {"text": "later"}).json
        self.assertEqual(deferred["state"], "deferred")
        self.suspend()
        amended = self.k.post(f"/v1/actions/{deferred['id']}/amend", "olga", {"args": {"text": "now"}})
        self.assertEqual((amended.status, amended.code), (403, "suspended"), amended)
        self.assertEqual(self.k.lines(), [])

    def test_only_its_owner_an_administrator_and_the_host_use_it(self):
        for who in ("bob", "carol", "bot", "bot2", "deployer"):
            self.assertIn(self.k.post("/v1/agents/bot/suspend", who).status, (403, 404), who)
        self.suspend()
        for who in ("bob", "bot", "bot2"):
            self.assertIn(self.k.post("/v1/agents/bot/resume", who).status, (401, 403, 404), who)
        self.assertIn(self.k.request("echo", {"text": "x"}).status, (401, 403))
        self.k.host("agent", "resume", "bot")
        self.k.host("agent", "suspend", "bot")
        self.assertIn(self.k.request("echo", {"text": "x"}).status, (401, 403))

    def test_what_listens_for_the_agent_hears_no_more(self):
        action = self.k.request("append-one", {"text": "heard"}).json
        stream = self.k.events(f"/v1/actions/{action['id']}/stream", "bot")
        self.addCleanup(stream.close)
        heard = iter(stream)
        self.assertIn("pending", next(heard)["data"])
        waiting = self.k.later(self.k.action, action["id"], "bot", 25)
        self.suspend()
        self.k.post(f"/v1/actions/{action['id']}/comments", "bob", {"text": "for people only"})
        self.assertNotIn("for people only", "".join(event.get("data", "") for event in heard))
        self.assertNotIn("for people only", waiting.result(DEADLINE).body.decode())

    def test_suspended_and_approved_at_once_it_runs_or_it_waits_and_never_starts_afterwards(self):
        for n in range(15):
            action = self.k.request("append-one", {"text": f"race-{n}"}).json
            barrier = threading.Barrier(2)

            def at_once(call, barrier=barrier):
                barrier.wait(DEADLINE)
                return call()
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                vote = pool.submit(at_once, lambda action=action: self.k.vote(action, "bob", digest=action["digest"]))
                pool.submit(at_once, self.suspend).result(DEADLINE)
                vote = vote.result(DEADLINE)
            if vote.status == 200:  # it was released before
                self.assertEqual(self.k.action(action["id"], "ada", wait=20).json["state"], "succeeded")
                self.assertEqual(self.k.lines().count(f"race-{n}"), 1)
            else:
                self.assertEqual((vote.status, vote.code), (403, "suspended"), vote)
                self.assertEqual(self.k.action(action["id"], "ada").json["state"], "pending")
                self.assertNotIn(f"race-{n}", self.k.lines())
            self.resume()


if __name__ == "__main__":
    unittest.main()
