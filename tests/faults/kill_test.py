"""kill -9 under concurrent load, again and again over one data folder: whatever was acknowledged is at its index, byte for byte.

    tests/faults/kill_test.py [--rounds N]     (default 40; also KEYTURN_KILL_ROUNDS)
"""
import copy
import os
import pathlib
import random
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from record import Clients, Record, server  # noqa: E402
from support.keyturn import DEADLINE, until  # noqa: E402

ROUNDS = int(os.environ.get("KEYTURN_KILL_ROUNDS", "40"))
if "--rounds" in sys.argv:
    at = sys.argv.index("--rounds")
    ROUNDS = int(sys.argv[at + 1])
    del sys.argv[at:at + 2]


class KillLoop(unittest.TestCase):
    def test_every_acknowledged_leaf_and_every_signed_root_survives_each_kill(self):
        seed = random.SystemRandom().randrange(1 << 32)
        random.seed(seed)
        k = server()
        self.addCleanup(k.close)
        record = Record(self, k)
        for number in range(ROUNDS):
            clients = Clients(k, f"r{number}")
            clients.wanted = random.randint(1, 60)
            clients.start(read_from=len(record.leaves))
            self.assertTrue(clients.enough.wait(DEADLINE), f"only {clients.answers} answers of {clients.wanted}")
            if number % 5 == 4:
                self.assertTrue(clients.signed.wait(DEADLINE), "no checkpoint was signed")
            k.kill9()
            clients.join()
            k.start()
            with self.subTest(round=number, seed=seed):
                record.check(clients)
        record.check_all()
        self.assertGreaterEqual(record.acknowledged, ROUNDS)
        print(f"{ROUNDS} kills, {len(record.leaves)} entries, {record.acknowledged} acknowledged actions, {len(record.notes)} checkpoints, seed {seed}", file=sys.stderr)


class WhatIsChecked(unittest.TestCase):
    def test_a_record_that_says_something_else_is_noticed(self):
        k = server()
        self.addCleanup(k.close)
        before = Clients(k, "before").start()
        self.assertTrue(before.signed.wait(DEADLINE))
        before.join()
        last = max(before.actions.values())
        some = next(iter(before.actions))
        stranger, never_ran = k.request("echo", {"text": "x"}, "load0", wait=20).json["id"], k.request("deploy", {"ref": "x"}, "load0").json["id"]
        until(k.lines, "the echo never ran")
        note = before.notes[-1]
        origin, size, root = note.split("\n")[:3]
        lies = {
            "another byte in an entry": lambda c: c.leaves.update({3: c.leaves[3][:-1] + b"]"}),
            "an entry that is gone": lambda c: c.leaves.update({last + 1000: b"{}"}),
            "an acknowledged action that is gone": lambda c: c.actions.update({some: last + 1000}),
            "an action at another's index": lambda c: c.actions.update({stranger: c.actions[some]}),
            "a grant that nobody recorded": lambda c: c.grants.update({"gr_x": stranger}),
            "a run that nobody recorded": lambda c: c.ids.update({k.lines()[0]: never_ran}),
            "another root": lambda c: c.notes.append(note.replace(root, "A" * 43 + "=")),
            "a root of another size": lambda c: c.notes.append(note.replace(f"\n{size}\n", f"\n{int(size) - 1}\n")),
            "another log": lambda c: c.notes.append(note.replace(origin, "elsewhere")),
        }
        Record(self, k).check(before)
        for what, lie in lies.items():
            with self.subTest(what):
                told = copy.copy(before)
                told.leaves, told.actions, told.grants, told.ids, told.notes = dict(before.leaves), dict(before.actions), dict(before.grants), dict(before.ids), list(before.notes)
                lie(told)
                with self.assertRaises(AssertionError):
                    Record(self, k).check(told)


if __name__ == "__main__":
    unittest.main()
