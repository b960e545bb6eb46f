"""A power loss at any moment: the journal's files as they would be on the disk, with nothing more than what was synced, or with torn pieces
of what came after. Whatever an answer had acknowledged by then is there, and no signed checkpoint is of entries that are not.
"""
import json
import pathlib
import random
import re
import shutil
import sqlite3
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import trace  # noqa: E402
from record import Clients, Record, entries, server  # noqa: E402
from support.keyturn import DEADLINE, Failed, Keyturn  # noqa: E402

FILES = ["journal.db", "journal.db-wal", "keys/last-signed"]
STARTS = 6      # states on which a server is started; all others are read with SQLite alone
TORN = 2        # torn states for each moment

ACKNOWLEDGED = re.compile(rb'"last_index": ?(\d+)')
CHECKPOINT = re.compile(rb"\r\n\r\n[^\n ]+\n(\d+)\n[A-Za-z0-9+/]{43}=\n\n")


class PowerLoss(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.seed = random.SystemRandom().randrange(1 << 32)
        random.seed(cls.seed)
        temporary = tempfile.TemporaryDirectory(prefix="keyturn-power-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name)
        cls.k = server()
        cls.addClassCleanup(cls.k.close)
        cls.k.stop()
        cls.disk = trace.Disk(cls.k.data, FILES)
        cls.lives = [cls.traced_life(n, crash=n == 0) for n in range(2)]  # the second one also folds the log of the first into the database
        cls.k.start()
        cls.leaves = [leaf for _, leaf in entries(cls.k, 0)]

    @classmethod
    def traced_life(cls, number, crash):
        """Runs the server under strace with all at work, ends it, and gives back the trace."""
        log = cls.folder / f"trace{number}"
        traced = ["strace", "-D", "-o", str(log), *trace.ARGUMENTS]
        whole = Keyturn.command.fget(cls.k)
        cls.k.__class__ = type("Traced", (Keyturn,), {"command": property(lambda _: [*traced, *whole])})
        try:
            cls.k.start()
        except Failed as why:
            raise AssertionError(f"the server does not start under strace (is ptrace forbidden here?): {why}") from None
        finally:
            cls.k.__class__ = Keyturn
        clients = Clients(cls.k, f"life{number}")
        clients.wanted = 60
        clients.start()
        assert clients.enough.wait(DEADLINE) and clients.signed.wait(DEADLINE)
        if crash:
            cls.k.kill9()
            clients.join()
        else:
            clients.join()
            cls.k.stop()
        return log

    def stored(self, folder):
        with sqlite3.connect(folder / "journal.db") as database:
            leaves = [leaf for _, leaf in database.execute("SELECT idx, leaf FROM event ORDER BY idx")]
        database.close()
        return leaves

    def assertHolds(self, folder, acknowledged, signed):
        leaves = self.stored(folder)
        self.assertEqual(leaves, self.leaves[:len(leaves)], "other entries")
        self.assertGreaterEqual(len(leaves), acknowledged, "acknowledged and lost")
        self.assertGreaterEqual(len(leaves), signed, "signed and lost")
        kept = (folder / "keys/last-signed").read_text().split()
        self.assertGreaterEqual(int(kept[0]), signed, "a checkpoint was given out, and would be signed again")
        self.assertLessEqual(int(kept[0]), len(leaves), "the note of what was signed is ahead of the log")

    def moments(self):
        """(acknowledged entries, signed entries, writes on their way) at each moment when something had just become durable; self.disk stands there."""
        acknowledged = signed = 0
        for log in self.lives:
            moment = False
            with log.open() as lines:
                for call, rest in trace.events(lines):
                    if call == "sendto":
                        said = trace.PLAIN.match(rest)
                        if said:
                            data = trace.plain(said["data"])
                            acknowledged = max([acknowledged, *(int(n) + 1 for n in ACKNOWLEDGED.findall(data))])
                            signed = max([signed, *map(int, CHECKPOINT.findall(data))])
                        continue
                    if call in ("fdatasync", "fsync") and moment:  # the moment is over: nothing more is promised on what it made durable
                        yield acknowledged, signed, [(name, *w) for name, writes in self.disk.pending.items() for w in writes]
                        moment = False
                    moment = self.disk.apply(call, rest) or moment
            if moment:
                yield acknowledged, signed, []

    def test_whatever_was_acknowledged_is_on_the_disk(self):
        seen, acknowledged, signed, sampled = 0, 0, 0, []
        for acknowledged, signed, pending in self.moments():
            states = [[], pending, *(trace.torn(pending, random.choice((0.2, 0.5, 0.9))) for _ in range(TORN))]
            for number, state in enumerate(states):
                folder = self.folder / "state"
                self.disk.write_to(folder, state)
                with self.subTest(moment=seen, state=number, seed=self.seed):
                    self.assertHolds(folder, acknowledged, signed)
            if random.random() < 0.15:
                copy = self.folder / f"start{seen}"
                self.disk.write_to(copy, states[-1])
                sampled.append((copy, acknowledged))
            seen += 1
        self.assertGreater(seen, 60)
        self.assertGreater(acknowledged, 150)
        self.assertGreater(signed, 100)
        print(f"{seen} moments, {acknowledged} entries acknowledged, {signed} signed, {len(self.leaves)} in all, seed {self.seed}", file=sys.stderr)
        for copy, had in random.sample(sampled, min(STARTS, len(sampled))):
            with self.subTest(start=copy.name, seed=self.seed):
                self.assertStarts(copy, had)

    def assertStarts(self, state, acknowledged):
        """A server starts from it, goes on, and its record verifies."""
        self.k.stop()
        for name in FILES + ["journal.db-shm", *(f"read.db{end}" for end in ("", "-wal", "-shm"))]:
            (self.k.data / name).unlink(missing_ok=True)
        for name in FILES:
            if (state / name).exists():
                shutil.copy(state / name, self.k.data / name)
        self.k.start()
        record = Record(self, self.k)
        record.read_new()
        self.assertGreaterEqual(len(record.leaves), acknowledged)
        self.assertEqual(record.leaves[:acknowledged], self.leaves[:acknowledged])
        self.assertEqual(self.k.request("echo", {"text": "goes on"}, "load0", wait=20).json["state"], "succeeded")
        self.assertEqual(json.loads(record.leaves[-1])["v"], 1)
        record.read_new()
        record.check_checkpoint(self.k.get("/checkpoint").body.decode())
        record.check_all()


if __name__ == "__main__":
    unittest.main()
