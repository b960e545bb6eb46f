"""Races and disconnections: one approval releases one execution, whatever arrives at the same moment. (Crashes: tests/e2e/crash_test.py.)"""
import collections
import concurrent.futures
import http.client
import json
import pathlib
import socket
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, Keyturn  # noqa: E402

ROUNDS = 15


class Races(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(config="limits: {requests_per_second: 5000, pending_per_agent: 5000}\n")
        cls.addClassCleanup(cls.k.close)

    def together(self, *calls):
        """All at one moment; their answers."""
        barrier = threading.Barrier(len(calls))

        def run(call):
            barrier.wait(DEADLINE)
            return call()
        with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(run, calls))

    def ask(self, text, tool="append-one"):
        answer = self.k.request(tool, {"text": text})
        self.assertEqual(answer.status, 202, answer)
        return answer.json

    def vote(self, action, who, decision="approve"):
        return lambda: self.k.vote(action, who, decision, digest=action["digest"])

    def test_two_approvals_at_once_release_once(self):
        for n in range(ROUNDS):
            action = self.ask(f"two-{n}")
            answers = self.together(*(self.vote(action, who) for who in ("bob", "erin", "dave")))
            self.assertEqual(sorted(a.status for a in answers), [200, 409, 409], answers)
            self.assertEqual({a.code for a in answers}, {"", "closed"})
            self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
            self.assertEqual(self.k.lines().count(f"two-{n}"), 1)

    def test_approve_and_deny_at_once_are_one_of_both(self):
        for n in range(ROUNDS):
            action = self.ask(f"both-{n}")
            self.together(self.vote(action, "bob"), self.vote(action, "erin", "deny"))
            after = self.k.settled(action["id"])
            self.assertIn(after["state"], ("succeeded", "denied"))
            self.assertEqual(self.k.lines().count(f"both-{n}"), 1 if after["state"] == "succeeded" else 0)
            decisions = [v["decision"] for v in after["votes"]]
            self.assertEqual(decisions, ["approve"] if after["state"] == "succeeded" else ["deny"])

    def test_cancel_and_approve_at_once_are_one_of_both(self):
        for n in range(ROUNDS):
            action = self.ask(f"cancel-{n}")
            self.together(self.vote(action, "bob"), lambda: self.k.post(f"/v1/actions/{action['id']}/cancel", "bot"))
            after = self.k.settled(action["id"])
            self.assertIn(after["state"], ("succeeded", "cancelled"))
            self.assertEqual(self.k.lines().count(f"cancel-{n}"), 1 if after["state"] == "succeeded" else 0)

    def test_amend_and_approve_at_once_are_one_of_both(self):
        for n in range(ROUNDS):
            action = self.ask(f"amend-{n}")
            answers = self.together(self.vote(action, "bob"), lambda: self.k.post(f"/v1/actions/{action['id']}/amend", "dave", {"args": {"text": f"amended-{n}"}}))
            after = self.k.settled(action["id"])
            self.assertIn(after["state"], ("succeeded", "cancelled"), answers)
            self.assertEqual(self.k.lines().count(f"amend-{n}"), 1 if after["state"] == "succeeded" else 0)
            self.assertEqual(self.k.lines().count(f"amended-{n}"), 0)

    def test_expire_and_approve_at_once_are_one_of_both(self):
        actions = [self.ask(f"expire-{n}", "append-soon") for n in range(ROUNDS)]
        seen = collections.Counter()
        for n, action in enumerate(actions):
            stop = threading.Event()

            def hammer():
                while not stop.is_set():  # a wrong digest until the end is near, then the right one
                    answer = self.k.vote(action, "bob", digest="sha256:" + "0" * 64)
                    if answer.code == "closed":
                        return answer
            hammering = self.k.later(hammer)
            racing = self.k.later(self.k.action, action["id"], "bot", 5)
            if n % 2:
                self.k.vote(action, "erin", digest=action["digest"])
            after = racing.result(DEADLINE).json
            stop.set()
            hammering.result(DEADLINE)
            seen[after["state"]] += 1
            self.assertIn(after["state"], ("expired", "succeeded"))
            self.assertEqual(self.k.lines().count(f"expire-{n}"), 1 if after["state"] == "succeeded" else 0)
        self.assertTrue(seen["expired"], seen)

    def test_deactivation_and_approval_at_once(self):
        for n in range(5):
            who = f"kim{n}"
            self.k.add_person(who, ["dba"])
            action = self.ask(f"deactivate-{n}")
            self.together(self.vote(action, who), lambda: self.k.host("person", "deactivate", who))
            after = self.k.action(action["id"]).json
            ran = self.k.lines().count(f"deactivate-{n}")
            if after["state"] == "pending":
                self.assertEqual(ran, 0)
            else:
                self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")

    def test_fifty_parallel_identical_requests_are_one_action(self):
        answers = self.together(*([lambda: self.k.request("append-one", {"text": "fifty"}, idempotency_key="fifty")] * 50))
        self.assertEqual({a.status for a in answers}, {202}, answers)
        self.assertEqual(len({a.json["id"] for a in answers}), 1)
        self.k.vote(answers[0].json, "bob")
        self.k.settled(answers[0].json["id"])
        answers = self.together(*([lambda: self.k.request("append-one", {"text": "fifty"}, idempotency_key="fifty", wait=20)] * 50))
        self.assertEqual({(a.status, a.json["state"]) for a in answers}, {(200, "succeeded")})
        self.assertEqual(self.k.lines().count("fifty"), 1)

    def test_a_grant_consumed_many_times_at_once(self):
        action = self.k.request("deploy", {"ref": "v1"}).json
        answers = self.together(*([lambda: self.k.post("/v1/grants/consume", "deployer", {"grant": action["grant"], "digest": action["digest"]})] * 20))
        self.assertEqual(sorted(a.status for a in answers), [200] + [409] * 19)
        reports = self.together(*([lambda: self.k.post(f"/v1/actions/{action['id']}/outcome", "deployer", {"outcome": "succeeded"})] * 10))
        self.assertEqual(sorted(a.status for a in reports), [200] + [409] * 9)

    def disconnect(self, text, key):
        """Asks, waits, and goes away without reading the answer."""
        body = json.dumps({"tool": "append-one", "args": {"text": text}, "idempotency_key": key})
        with socket.create_connection(("127.0.0.1", self.k.port), timeout=DEADLINE) as connection:
            connection.sendall((f"POST /v1/actions HTTP/1.1\r\nHost: localhost:{self.k.port}\r\nAuthorization: Bearer {self.k.tokens['bot']}\r\nPrefer: wait=30\r\n"
                                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode())

    def test_the_agent_disconnects_and_retries_while_pending(self):
        for n in range(5):
            self.disconnect("gone", "gone-key")
        first = self.k.request("append-one", {"text": "gone"}, idempotency_key="gone-key")
        self.assertEqual(first.status, 202)
        waiting = [self.k.later(self.k.request, "append-one", {"text": "gone"}, "bot", 25, idempotency_key="gone-key") for _ in range(3)]
        self.assertEqual(self.k.vote(first.json, "bob").status, 200)
        self.assertEqual({w.result(DEADLINE).json["id"] for w in waiting}, {first.json["id"]})
        self.assertEqual(self.k.lines().count("gone"), 1)

    def test_a_disconnected_agents_review_goes_on(self):
        self.disconnect("left", "left-key")
        again = self.k.request("append-one", {"text": "left"}, idempotency_key="left-key").json
        self.k.vote(again, "bob")
        self.assertEqual(self.k.settled(again["id"])["state"], "succeeded", "over HTTP the release needs nobody waiting")

    def test_a_wait_ends_when_it_said_and_is_no_refusal(self):
        answer = self.k.request("append-one", {"text": "patience"}, wait=1)
        self.assertEqual((answer.status, answer.json["state"]), (202, "pending"))
        self.assertEqual(self.k.action(answer.json["id"], wait=0).json["state"], "pending")

    def test_a_stopping_server_answers_those_who_wait(self):
        action = self.ask("stopping")
        waiting = self.k.later(self.k.action, action["id"], "bot", 60)
        probe = self.k.events(f"/v1/actions/{action['id']}/stream", "bot")
        next(iter(probe))
        self.assertEqual(self.k.stop(), 0)
        try:
            answer = waiting.result(DEADLINE)
            self.assertIn(answer.status, (200, 202, 503))
            if answer.status != 503:
                self.assertEqual(answer.json["state"], "pending")
        except (OSError, http.client.HTTPException):
            pass  # it had not arrived yet
        self.k.start()
        self.assertEqual(self.k.action(action["id"]).json["state"], "pending")


if __name__ == "__main__":
    unittest.main()
