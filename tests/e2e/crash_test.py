"""kill -9 at random moments under load: what was acknowledged is there, nothing runs twice, open reviews go on."""
import collections
import concurrent.futures
import http.client
import os
import pathlib
import random
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, POLICY, TOOLS, Keyturn, read_fifo, write_fifo  # noqa: E402

ROUNDS = 20
FINAL = ("succeeded", "failed", "unknown", "denied", "expired", "cancelled")
GONE = (OSError, http.client.HTTPException)


class Load:
    """Agents and reviewers at work; remembers every answer that the server gave."""

    def __init__(self, server, round_number):
        self.k, self.round = server, round_number
        self.lock = threading.Lock()
        self.actions = {}                                # text -> last acknowledged answer
        self.votes = collections.defaultdict(set)        # text -> reviewers whose vote was acknowledged
        self.comments = collections.defaultdict(list)
        self.keys = {}
        self.acknowledged = 0
        self.enough = threading.Event()
        self.stop = threading.Event()
        self.wanted = random.randint(3, 60)

    def saw(self, text, action):
        with self.lock:
            if text not in self.actions or action["version"] >= self.actions[text]["version"]:
                self.actions[text] = action
            self.acknowledged += 1
            if self.acknowledged >= self.wanted:
                self.enough.set()

    def work(self, worker):
        number = 0
        while not self.stop.is_set():
            text = f"r{self.round}-w{worker}-{number}"
            number += 1
            try:
                self.one(text, worker, number)
            except GONE:
                return

    def one(self, text, worker, number):
        if number % 5 == 0:
            answer = self.k.request("echo", {"text": text}, f"load{worker}", wait=20)
            assert answer.status == 200, answer
            return self.saw(text, answer.json)
        key = f"key-{text}"
        answer = self.k.request("append", {"text": text}, f"load{worker}", idempotency_key=key)
        assert answer.status == 202, answer
        with self.lock:
            self.keys[text] = key
        self.saw(text, answer.json)
        if number % 5 == 1:
            return None  # stays open
        voters = ["bob", "carol"] if number % 2 else ["dave", "erin"]
        for who in voters[:1 if number % 5 == 2 else 2]:
            vote = self.k.vote(answer.json, who)
            assert vote.status == 200, vote
            with self.lock:
                self.votes[text].add(who)
            self.saw(text, vote.json)
        if number % 5 == 3:
            said = self.k.post(f"/v1/actions/{answer.json['id']}/comments", "bob", {"text": text})
            assert said.status == 200, said
            with self.lock:
                self.comments[text].append(text)
            self.saw(text, said.json)
        return None


class Crash(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.seed = random.SystemRandom().randrange(1 << 32)
        random.seed(cls.seed)
        cls.k = Keyturn(config="limits: {pending_per_agent: 100000, requests_per_second: 100000}\n", agents={f"load{n}": "olga" for n in range(6)})

    @classmethod
    def tearDownClass(cls):
        cls.k.close()

    def one_round(self, number):
        load = Load(self.k, number)
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            running = [pool.submit(load.work, n) for n in range(6)]
            deadline = time.monotonic() + DEADLINE
            while not load.enough.wait(0.05):
                if time.monotonic() > deadline or any(r.done() for r in running):
                    break
            time.sleep(random.random() * 0.02)  # a random moment: that is the attack
            self.k.kill9()
            load.stop.set()
            for r in running:
                r.result()  # an assertion of a worker is a failure of the test
        self.assertGreater(load.acknowledged, 0)
        return load

    def check(self, load):
        lines = collections.Counter(self.k.lines())
        for text, last in load.actions.items():
            now = self.k.action(last["id"], "ada")
            self.assertEqual(now.status, 200, f"acknowledged and lost: {last['id']} {now}")
            now = now.json
            self.assertGreaterEqual(now["version"], last["version"], "an acknowledged event is gone")
            self.assertEqual(now["digest"], last["digest"])
            if last["state"] in FINAL:
                self.assertEqual(now["state"], last["state"], "final is final")
            self.assertLessEqual(load.votes[text], {v["reviewer"] for v in now["votes"]}, "an acknowledged vote is gone")
            self.assertEqual([c["text"] for c in now["comments"]][:len(load.comments[text])], load.comments[text])
            if now["tool"] == "append":
                self.assertLessEqual(lines[text], 1, f"{text} ran more than once")
                if now["state"] == "pending":
                    self.assertEqual(lines[text], 0, f"{text} ran without approval")

    def settle(self, load):
        """Whatever was cut off comes to a true end."""
        for text, last in load.actions.items():
            now = self.k.action(last["id"], "ada", wait=20).json if last["state"] != "pending" or len(load.votes[text]) == 2 else self.k.action(last["id"], "ada").json
            if now["tool"] != "append" or now["state"] == "pending":
                continue
            if now["state"] == "executing":  # by a vote whose answer was cut off
                now = self.k.action(last["id"], "ada", wait=20).json
            ran = self.k.lines().count(text)
            self.assertIn(now["state"], ("succeeded", "failed", "unknown"), now)
            if now["state"] == "succeeded":
                self.assertEqual(ran, 1, now)
            if now["state"] == "failed":
                self.assertEqual(ran, 0, f"said to have failed, but it ran: {now}")
            self.assertLessEqual(ran, 1)

    def test_everything_acknowledged_survives_and_nothing_runs_twice(self):
        loads = []
        for number in range(ROUNDS):
            load = self.one_round(number)
            self.k.start()
            with self.subTest(round=number, seed=self.seed, acknowledged=load.acknowledged):
                self.check(load)
                self.settle(load)
            loads.append(load)
        open_now = []
        for load in loads:
            for text, last in load.actions.items():
                now = self.k.action(last["id"], "ada").json
                if now["state"] == "pending":
                    open_now.append((text, now, load))
        self.assertGreater(len(open_now), ROUNDS, "open reviews go on")
        again = random.sample(open_now, min(40, len(open_now)))
        for text, action, load in again:
            same = self.k.request("append", {"text": text}, text.replace("w", "load", 1).split("-")[1], idempotency_key=load.keys[text])
            self.assertEqual(same.json["id"], action["id"], "the same key attaches after the crash")
            standing = {v["reviewer"] for v in action["votes"]}
            for who in {"bob", "carol"} if not standing or standing <= {"bob", "carol"} else {"dave", "erin"}:
                if who not in standing:
                    vote = self.k.vote(action, who)
                    self.assertEqual(vote.status, 200, vote)
            self.assertEqual(self.k.settled(action["id"], "ada")["state"], "succeeded")
        lines = collections.Counter(self.k.lines())
        self.assertEqual([text for text, n in lines.items() if n > 1], [], "ran twice")
        for text, _, _ in again:
            self.assertEqual(lines[text], 1)
        verified = self.k.cli("verify", self.k.url, "--key", self.k.vkey, token="ada", check=False)
        self.assertEqual(verified.code, 0, verified.out + verified.err)

    def amend(self, worker, chains, stop):
        """Amends one request again and again; remembers every id that it was told."""
        chain = []
        try:
            action = self.k.request("append", {"text": f"amended-{worker}"}, f"load{worker}").json
            chains.append(chain)
            while not stop.is_set():
                chain.append(action["id"])
                answer = self.k.post(f"/v1/actions/{action['id']}/amend", f"load{worker}", {"args": {"text": f"amended-{worker}-{len(chain)}"}})
                self.assertEqual((answer.status, answer.json["amends"]), (201, action["id"]), answer)
                action = answer.json
        except GONE:
            pass

    def test_an_amendment_cut_off_by_a_crash_happened_or_did_not(self):
        for number in range(10):
            chains, stop = [], threading.Event()
            with concurrent.futures.ThreadPoolExecutor(6) as pool:
                running = [pool.submit(self.amend, worker, chains, stop) for worker in range(6)]
                deadline = time.monotonic() + DEADLINE
                while sum(len(chain) for chain in chains) < 30 and time.monotonic() < deadline and not any(r.done() for r in running):
                    time.sleep(0.001)
                time.sleep(random.random() * 0.02)  # a random moment: that is the attack
                self.k.kill9()
                stop.set()
                for r in running:
                    r.result()
            self.k.start()
            for chain in chains:
                with self.subTest(round=number, seed=self.seed):
                    for old, new in zip(chain, chain[1:]):
                        self.assertEqual(self.k.action(old, "ada").json["amended_by"], new, "acknowledged and lost")
                    now = self.k.action(chain[-1], "ada").json
                    if now["state"] == "cancelled":  # the last one was recorded, and nobody told
                        self.assertTrue(now["amended_by"])
                        after = self.k.action(now["amended_by"], "ada")
                        self.assertEqual(after.status, 200, "cancelled in favour of one that never was")
                        self.assertEqual(after.json["amends"], now["id"])
                        now = after.json
                    self.assertEqual(now["state"], "pending")
                    self.assertEqual(self.k.post(f"/v1/actions/{now['id']}/cancel", "ada").status, 200)

    def test_a_crash_between_intent_and_outcome_shows_the_doubt_or_the_truth(self):
        action = self.k.request("slow", who="load0").json
        self.assertEqual(action["state"], "executing")
        self.k.wait_started()
        self.k.kill9()
        self.k.start()
        waiting = self.k.later(self.k.action, action["id"], "load0", 25)
        self.k.let_go()
        after = waiting.result(DEADLINE).json
        self.assertIn(after["state"], ("succeeded", "unknown"), after)
        if after["state"] == "succeeded":
            self.assertEqual(after["outcome"]["stdout"], "done\n")


RUNNING = 6
PROGRAM = """\
  waits: {exec: [@WORK@/waits.sh, "{{n}}"], params: {n: {type: string, pattern: "^[0-9]$"}}, resource: {kind: host, name: here, env: dev}, sandbox: none}
"""


class AfterACrash(unittest.TestCase):
    def test_each_program_that_still_runs_is_known_when_it_ends_whatever_the_others_do(self):
        k = Keyturn(policy=POLICY.replace("[echo,", "[waits, echo,"), tools=TOOLS + PROGRAM, start=False)
        self.addCleanup(k.close)
        program = k.work / "waits.sh"
        program.write_text(f"#!/bin/sh\necho started > {k.out}/started$1\nread x < {k.out}/go$1\necho done $1\n")
        program.chmod(0o755)
        for name in [f"{word}{n}" for word in ("started", "go") for n in range(RUNNING)]:
            os.mkfifo(k.out / name)
            (k.out / name).chmod(0o666)
        k.start()
        actions = [k.request("waits", {"n": str(n)}).json for n in range(RUNNING)]
        for n in range(RUNNING):
            read_fifo(k.out / f"started{n}")
        k.kill9()
        k.start()
        self.assertEqual(k.settled(k.request("echo", {"text": "at once"}).json["id"])["state"], "succeeded")
        for n in (2, 5, 0, 3, 1, 4):
            self.assertEqual(k.action(actions[n]["id"]).json["state"], "executing")
            write_fifo(k.out / f"go{n}", b"go\n")
            after = k.settled(actions[n]["id"])
            self.assertEqual((after["state"], after["outcome"]["stdout"]), ("succeeded", f"done {n}\n"))


if __name__ == "__main__":
    unittest.main()
