"""keyturn fsck finds what was changed in the data folder, and where; and says so of nothing else."""
import json
import pathlib
import shutil
import sqlite3
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, Keyturn  # noqa: E402


class Fsck(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(config="limits: {requests_per_second: 1000, pending_per_agent: 1000}\n")
        cls.addClassCleanup(cls.k.close)
        for n in range(5):
            action = cls.k.request("append", {"text": f"reviewed {n}"}, idempotency_key=f"key-{n}").json
            cls.k.vote(action, "bob", note="a note")
            cls.k.vote(action, "carol")
            cls.k.settled(action["id"])
        for n in range(90):
            cls.k.request("echo", {"text": f"entry {n}"}, wait=20)
        cls.open = cls.k.request("append", {"text": "still waits"}).json
        deadline = time.monotonic() + DEADLINE  # what was signed covers all of it
        while int(cls.k.get("/checkpoint").body.decode().splitlines()[1]) <= cls.open["ledger"]["last_index"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        cls.beside = cls.fsck_of(cls.k.data)
        cls.k.stop()

    @classmethod
    def fsck_of(cls, data):
        done = cls.k.cli("fsck", "--data", data, "--json", check=False)
        return done.code, json.loads(done.out)

    def changed(self, *sql, file="journal.db"):
        folder = self.k.folder / "changed"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.k.data, folder, ignore=shutil.ignore_patterns("admin.sock", "*.sock"))
        with sqlite3.connect(folder / file) as database:
            database.execute("PRAGMA foreign_keys = OFF")
            for statement, *values in sql:
                self.assertGreater(database.execute(statement, values).rowcount, 0, statement)
        database.close()
        return folder

    def assert_damaged(self, folder, index, words):
        code, report = self.fsck_of(folder)
        said = " ".join(f["message"] for f in report["findings"])
        self.assertEqual((code, report["verdict"]), (1, "tampered"), said)
        if index is not None:
            self.assertEqual(report.get("first_bad_index"), index, report["findings"])
        self.assertRegex(said, words)

    def leaf(self, index):
        with sqlite3.connect(f"file:{self.k.data}/journal.db?mode=ro", uri=True) as database:
            return bytes(database.execute("SELECT leaf FROM event WHERE idx = ?", (index,)).fetchone()[0])

    def find(self, sql):
        with sqlite3.connect(f"file:{self.k.data}/journal.db?mode=ro", uri=True) as database:
            return database.execute(sql).fetchone()[0]

    def test_an_untouched_folder_is_intact_with_the_server_and_without_and_nothing_is_written(self):
        code, report = self.beside
        self.assertEqual(code, 0, report)
        before = {p.name: p.read_bytes() for p in self.k.data.iterdir() if p.is_file()}
        code, report = self.fsck_of(self.k.data)
        self.assertEqual(code, 0, report)
        self.assertEqual(report["entries"], self.find("SELECT count(*) FROM event"))
        self.assertEqual(report["private_parts"], self.find("SELECT count(*) FROM event WHERE sealed IS NOT NULL"))
        self.assertEqual(report["claims"], self.find("SELECT count(*) FROM claim"))
        self.assertGreaterEqual(report["tiles"], 2)
        self.assertGreater(report["entries"], 256)
        self.assertEqual(before, {p.name: p.read_bytes() for p in self.k.data.iterdir() if p.is_file() and p.name in before})
        text = self.k.cli("fsck", "--data", self.k.data).out
        self.assertIn("INTACT", text)

    def test_a_changed_leaf_is_named_in_a_full_tile_and_at_the_end(self):
        for index in (0, 30, 255, self.find("SELECT max(idx) - 12 FROM event"), self.find("SELECT max(idx) FROM event")):
            leaf = self.leaf(index)
            for name, changed in (("a letter", leaf.replace(b'"node":"', b'"node":"x', 1)), ("no JSON", b"\0" + leaf[1:])):
                with self.subTest(index=index, how=name):
                    self.assertNotEqual(leaf, changed)
                    self.assert_damaged(self.changed(("UPDATE event SET leaf = ? WHERE idx = ?", changed, index)), index,
                                        "changed|no leaf|follows|ends with")

    def test_entries_that_are_missing_or_were_added(self):
        top = self.find("SELECT max(idx) FROM event")
        self.assert_damaged(self.changed(("DELETE FROM event WHERE idx = 40",)), 40, "missing")
        self.assert_damaged(self.changed(("DELETE FROM event WHERE idx > ?", top - 20)), None, "rolled back or cut off")
        self.assert_damaged(self.changed(("INSERT INTO event SELECT idx + 1, stream, position + 1, leaf, sealed FROM event WHERE idx = ?", top)),
                            None, "position|ends with")

    def test_rewritten_history_does_not_hash_to_what_was_signed(self):
        # Its own stream's links and head, the tile: all of it made to fit, by somebody who has the database but not the past.
        import hashlib
        row = self.find("SELECT max(e.idx) FROM event e JOIN stream s ON s.id = e.stream WHERE e.idx < 200 AND e.position = s.version")
        leaf = self.leaf(row).replace(b'"node":"', b'"node":"x', 1)
        digest = hashlib.sha256(b"\0" + leaf).digest()
        stream = self.find(f"SELECT stream FROM event WHERE idx = {row}")
        tile = bytearray(self.find("SELECT hashes FROM tile WHERE id = 0"))
        tile[row * 32:row * 32 + 32] = digest
        folder = self.changed(("UPDATE event SET leaf = ? WHERE idx = ?", leaf, row), ("UPDATE stream SET head = ? WHERE id = ?", digest, stream),
                              ("UPDATE tile SET hashes = ? WHERE id = 0", bytes(tile)))
        self.assert_damaged(folder, None, "do not hash to the root that was signed")

    def test_tiles_heads_and_positions(self):
        tile = bytearray(self.find("SELECT hashes FROM tile WHERE id = 0"))
        tile[32 * 77] ^= 1
        self.assert_damaged(self.changed(("UPDATE tile SET hashes = ? WHERE id = 0", bytes(tile))), 77, "tile")
        self.assert_damaged(self.changed(("DELETE FROM tile WHERE id >= (1 << 56)",)), 0, "missing")
        self.assert_damaged(self.changed(("INSERT INTO tile VALUES(999, x'00')",)), None, "tiles are there that the log has not")
        last = self.find("SELECT max(idx) FROM event")
        stream = self.find(f"SELECT stream FROM event WHERE idx = {last}")
        self.assert_damaged(self.changed(("UPDATE stream SET head = zeroblob(32) WHERE id = ?", stream)), last, "ends with")
        self.assert_damaged(self.changed(("UPDATE stream SET version = version + 1 WHERE id = ?", stream)), last, "is the last that is there")
        self.assert_damaged(self.changed(("UPDATE stream SET name = 'x' WHERE id = 1",)), 0, "filed under")
        self.assert_damaged(self.changed(("UPDATE stream SET open = 1 - open WHERE id = ?", stream)), last, "is said to be")
        self.assert_damaged(self.changed(("UPDATE stream SET last_type = 'x' WHERE id = ?", stream)), last, "another type")
        self.assert_damaged(self.changed(("INSERT INTO stream VALUES(99999, 'action/more', 1, zeroblob(32), 'x', 0)",)), None, "no entries")

    def test_private_parts(self):
        index = self.find("SELECT min(idx) FROM event WHERE sealed IS NOT NULL AND idx > 20")
        sealed = bytearray(self.find(f"SELECT sealed FROM event WHERE idx = {index}"))
        sealed[-1] ^= 1
        self.assert_damaged(self.changed(("UPDATE event SET sealed = ? WHERE idx = ?", bytes(sealed), index)), index, "does not open")
        self.assert_damaged(self.changed(("UPDATE event SET sealed = NULL WHERE idx = ?", index)), index, "missing")
        other = self.find(f"SELECT min(idx) FROM event WHERE sealed IS NOT NULL AND idx > {index}")
        self.assert_damaged(self.changed(("UPDATE event SET sealed = (SELECT sealed FROM event WHERE idx = ?) WHERE idx = ?", other, index)), index, "does not open")
        code, report = self.fsck_of(self.changed(("UPDATE event SET sealed = zeroblob(length(sealed)) WHERE idx = ?", index)))
        self.assertEqual((code, report["verdict"]), (3, "incomplete"))
        self.assertGreater(report["erased"], 0)
        self.assertIn("no entry says why", str(report["findings"]))

    def test_claims_and_lists(self):
        self.assert_damaged(self.changed(("INSERT INTO claim VALUES('idem/bot/x', 'act_nothing')",)), None, "not there: action/act_nothing")
        self.assert_damaged(self.changed(("UPDATE cursor SET last_hash = zeroblob(32)",), file="read.db"), None, "read.db was built from another")
        self.assert_damaged(self.changed(("UPDATE cursor SET next = next + 5",), file="read.db"), None, "read.db was built from")

    def test_what_cannot_be_judged_is_3(self):
        folder = self.changed(("UPDATE stream SET open = open WHERE id = 1",))
        (folder / "keys/master.key").write_text("00" * 32 + "\n")
        code, report = self.fsck_of(folder)
        self.assertIn(code, (1, 3))
        self.assertIn("master.key is not this journal's", str(report["findings"]))
        folder = self.changed(("UPDATE stream SET open = open WHERE id = 1",))
        (folder / "journal.db").write_bytes(b"no database" * 1000)
        for side in ("journal.db-wal", "journal.db-shm"):
            (folder / side).unlink(missing_ok=True)
        self.assertEqual(self.fsck_of(folder)[0], 3)
        self.assertEqual(self.fsck_of(self.k.folder / "nowhere")[0], 3)
        self.assertEqual(self.k.cli("fsck", "--nonsense", check=False).code, 2)

    def test_a_restored_backup_is_found_by_what_was_signed_outside_it(self):
        folder = self.changed(("UPDATE stream SET open = open WHERE id = 1",))
        size, root = (self.k.data / "keys/last-signed").read_text().split()[:2]
        (folder / "keys/last-signed").write_text(f"{int(size) + 3} {root}\n")
        self.assert_damaged(folder, self.find("SELECT max(idx) + 1 FROM event"), "rolled back or cut off")
        (folder / "keys/last-signed").write_text(f"{int(size) - 1} {root}\n")
        self.assert_damaged(folder, None, "do not hash to the root")


if __name__ == "__main__":
    unittest.main()
