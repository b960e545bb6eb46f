"""One entry, proven offline: by keyturn verify, by Go's own verifier, and refused once anything of it is changed."""
import base64
import contextlib
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import ROOT, Keyturn  # noqa: E402

GO_SOURCE = pathlib.Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog")


class Prove(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn()
        cls.addClassCleanup(cls.k.close)
        action = cls.k.request("append", {"text": "secret words"}).json
        cls.k.vote(action, "bob")
        cls.k.vote(action, "carol")
        cls.action = cls.k.settled(action["id"])
        cls.file = cls.k.folder / "entry.tlog-proof"
        cls.k.cli("prove", cls.action["id"], "--out", cls.file, token="ada")

    def verify(self, path, *more, key=None):
        return self.k.cli("verify", path, "--key", key or self.k.vkey, *more, check=False)

    def entry_of(self, path):
        return json.loads(base64.b64decode(path.read_text().splitlines()[1].removeprefix("extra ")))

    def test_it_is_the_actions_last_entry_unless_another_is_asked_for(self):
        last = self.entry_of(self.file)
        self.assertEqual((last["type"], last["stream"]), ("execution.finished", "action/" + self.action["id"]))
        first = self.k.folder / "first.tlog-proof"
        self.k.cli("prove", self.action["id"], "--position", "1", "--out", first, token="ada")
        self.assertEqual(self.entry_of(first)["type"], "action.decided")
        self.assertEqual(first.read_text().splitlines()[2], f"index {self.action['ledger']['index']}")
        self.assertEqual(self.k.cli("prove", self.action["id"], "--position", "99", token="ada", check=False).code, 2)
        self.assertNotIn("secret words", self.file.read_text())

    def test_it_verifies_offline_and_says_what_it_does_not_prove(self):
        done = self.verify(self.file)
        self.assertEqual(done.code, 0, done.out + done.err)
        self.assertIn("INTACT", done.out)
        self.assertIn("does not prove", done.out)
        report = json.loads(self.verify(self.file, "--json").out)
        self.assertEqual((report["verdict"], report["to"] - report["from"]), ("intact", 1))

    def test_a_data_folder_that_is_not_what_was_signed_proves_nothing(self):
        copy = self.k.folder / "copy"
        shutil.copytree(self.k.data, copy, ignore=shutil.ignore_patterns("*.sock", "journal.db*"))
        with contextlib.closing(sqlite3.connect(self.k.data / "journal.db")) as now, contextlib.closing(sqlite3.connect(copy / "journal.db")) as then:
            now.backup(then)
            self.assertEqual(self.k.cli("prove", "0", "--data", copy, check=False).code, 0)
            self.assertEqual(then.execute("UPDATE signed SET root = zeroblob(32)").rowcount, 1)
            then.commit()
        for words in (("prove", "0"), ("evidence", "--out", self.k.folder / "none")):
            refused = self.k.cli(*words, "--data", copy, check=False)
            self.assertNotEqual(refused.code, 0, words)
            self.assertIn("are not those that were signed", refused.err)

    def test_an_index_is_enough_and_who_may_not_read_gets_nothing(self):
        got = self.k.cli("prove", "0", token="ada")
        path = self.k.folder / "zero.tlog-proof"
        path.write_text(got.out)
        self.assertEqual(self.verify(path).code, 0)
        self.assertEqual(self.k.cli("prove", "0", token="bot", check=False).code, 5)
        self.assertEqual(self.k.cli("prove", "0", check=False).code, 5)
        self.assertNotEqual(self.k.cli("prove", "act_nothing", token="ada", check=False).code, 0)

    def test_the_data_folder_gives_the_same_proof_with_the_server_and_without(self):
        index = self.action["ledger"]["last_index"]
        beside = self.k.folder / "host.tlog-proof"
        self.k.host("prove", index, "--out", beside)
        self.assertEqual(self.verify(beside).code, 0)
        by_id = self.k.folder / "host-id.tlog-proof"
        self.k.host("prove", self.action["id"], "--out", by_id)
        self.assertEqual(self.entry_of(by_id), self.entry_of(self.file))
        self.k.stop()
        try:
            before = {p.name: p.read_bytes() for p in self.k.data.iterdir() if p.is_file()}
            again = self.k.folder / "stopped.tlog-proof"
            self.k.host("prove", index, "--out", again)
            self.assertEqual(self.verify(again).code, 0)
            after = {p.name: p.read_bytes() for p in self.k.data.iterdir() if p.is_file() and p.name in before}
            self.assertEqual(before, after, "nothing is written")
        finally:
            self.k.start()

    def test_whatever_is_changed_is_found(self):
        lines = self.file.read_text().split("\n")
        self.assertTrue(lines[1].startswith("extra "))
        entry = base64.b64decode(lines[1][6:])
        index = int(lines[2].split()[1])

        def flipped(text):
            return ("B" if text[0] != "B" else "C") + text[1:]
        cases = {
            "the entry": (1, "extra " + base64.b64encode(entry.replace(b"succeeded", b"succeedez")).decode(), 1),
            "the index": (2, f"index {index - 1}", 1),
            "a hash": (3, flipped(lines[3]), 1),
            "no entry": (1, None, 3),
        }
        root_at = lines.index("") + 3
        cases["the root"] = (root_at, flipped(lines[root_at]), 1)
        for name, (at, line, code) in cases.items():
            with self.subTest(name):
                changed = list(lines)
                changed[at:at + 1] = [line] if line is not None else []
                path = self.k.folder / "changed.tlog-proof"
                path.write_text("\n".join(changed))
                done = self.verify(path)
                self.assertEqual(done.code, code, done.out + done.err)
        other = Keyturn(people={}, agents={}, start=False)
        try:
            self.assertEqual(self.verify(self.file, key=other.vkey).code, 3, "another key")
        finally:
            other.close()

    @unittest.skipUnless(shutil.which("go") and GO_SOURCE.exists(), "Go and golang-golang-x-mod-dev are not installed")
    def test_gos_own_verifier_accepts_it_and_refuses_what_was_changed(self):
        program = self.k.folder / "go-proof"
        environment = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode", GOFLAGS="", CGO_ENABLED="0",
                           GOCACHE=os.environ.get("KEYTURN_GO_CACHE", str(self.k.folder / "go-cache")))
        subprocess.run(["go", "build", "-o", str(program), str(ROOT / "tests/peers/go-proof/main.go")], check=True, env=environment)

        def go(path):
            return subprocess.run([str(program), self.k.vkey, str(path)], capture_output=True, text=True)
        done = go(self.file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout), self.entry_of(self.file))
        whole = bytearray(self.file.read_bytes())
        path = self.k.folder / "go-changed.tlog-proof"
        refused = 0
        ends = whole.index(b"\n\n")  # what the proof proves; a checkpoint's own lines follow
        for at in range(len("c2sp.org/tlog-proof@v1\n"), ends, 7):
            changed = bytearray(whole)
            changed[at] ^= 1
            path.write_bytes(changed)
            done = go(path)
            self.assertEqual(done.returncode, 1, f"byte {at}: {bytes(whole[at-5:at+5])!r}")
            refused += 1
        self.assertGreater(refused, 50)


if __name__ == "__main__":
    unittest.main()
