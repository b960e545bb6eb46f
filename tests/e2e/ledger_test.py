"""The record as it is served: verified by programs that we did not write, and by our own; any change of it is found."""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, ROOT, Keyturn  # noqa: E402

GO_SOURCE = pathlib.Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog")


def tile_paths(size):
    """C2SP tlog-tiles: every tile that a log of this size serves."""
    level, count = 0, size
    while count:
        for n in range((count + 255) // 256):
            width = min(256, count - 256 * n)
            yield f"tile/{level}/{tile_number(n)}" + (f".p/{width}" if width < 256 else ""), level, width
            if level == 0:
                yield f"tile/entries/{tile_number(n)}" + (f".p/{width}" if width < 256 else ""), -1, width
        level, count = level + 1, count // 256


def tile_number(n):
    parts = [f"{n % 1000:03d}"]
    while n >= 1000:
        n //= 1000
        parts.insert(0, f"x{n % 1000:03d}")
    return "/".join(parts)


class Ledger(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(config="limits: {requests_per_second: 1000, pending_per_agent: 1000}\n")
        cls.addClassCleanup(cls.k.close)
        for n in range(20):
            action = cls.k.request("append", {"text": f"reviewed {n}"}).json
            cls.k.vote(action, "bob")
            cls.k.vote(action, "carol" if n % 2 else "dave", "approve" if n % 3 else "deny")
            cls.k.settled(action["id"])
        for n in range(70):
            last = cls.k.request("echo", {"text": f"entry {n}"}, wait=20).json
        cls.old = cls.copy("old", cls.signed_past(last["ledger"]["index"]))
        for n in range(40):
            last = cls.k.request("echo", {"text": f"later {n}"}, wait=20).json
        cls.log = cls.copy("log", cls.signed_past(last["ledger"].get("last_index", last["ledger"]["index"])))

    @classmethod
    def signed_past(cls, index):
        """The checkpoint, once it covers this entry (it is signed at most a second later)."""
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            note = cls.k.get("/checkpoint").body.decode()
            if int(note.splitlines()[1]) > index:
                return note
            time.sleep(0.05)
        raise AssertionError("no checkpoint covers " + str(index))

    @classmethod
    def copy(cls, name, note):
        """A folder of the log as it is served, of the size that the checkpoint says."""
        folder = cls.k.folder / name
        folder.mkdir()
        (folder / "checkpoint").write_text(note)
        (folder / "vkey").write_text(cls.k.vkey + "\n")
        for path, level, width in tile_paths(int(note.splitlines()[1])):
            answer = cls.k.get("/" + path, "ada" if level < 0 else None)
            assert answer.status == 200, (path, answer)
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(answer.body)
        return folder

    def verify(self, what, *more, key=None, **how):
        return self.k.cli("verify", what, "--key", key or self.k.vkey, *more, check=False, **how)

    def tampered(self, path, change):
        folder = self.k.folder / "tampered"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.log, folder)
        content = bytearray((folder / path).read_bytes())
        change(content)
        (folder / path).write_bytes(content)
        return folder

    def test_caching_and_sizes_are_those_of_the_standard(self):
        full = self.k.get("/tile/0/000")
        self.assertIn("immutable", full.headers["cache-control"])
        self.assertEqual(len(full.body), 256 * 32)
        self.assertIn(self.k.get("/checkpoint").headers["cache-control"], ("no-cache", "no-store"))
        note = (self.log / "checkpoint").read_text()
        origin, size, root, blank, *signatures = note.splitlines()
        self.assertEqual(self.k.vkey.split("+")[0], origin)
        self.assertEqual((blank, len(base64.b64decode(root))), ("", 32))
        self.assertTrue(signatures[0].startswith(f"\u2014 {origin} "))
        self.assertGreater(int(size), 256)
        self.assertIn(self.k.get("/tile/entries/000").status, (401, 403), "entries are for people")
        self.assertEqual(self.k.get("/tile/entries/000", "bot").status, 403)

    def test_keyturn_verify(self):
        online = self.verify(self.k.url, token="ada")
        self.assertEqual(online.code, 0, online.out + online.err)
        self.assertEqual(self.verify(self.log).code, 0)
        since = self.verify(self.log, "--since", self.old / "checkpoint")
        self.assertEqual(since.code, 0, since.out + since.err)
        report = json.loads(self.verify(self.log, "--json").out)
        self.assertIsInstance(report, dict)

    def test_every_kind_of_tampering_is_exit_1_and_names_the_place(self):
        entries = (self.log / "tile/entries/000").read_bytes()

        def flip(at):
            def change(content):
                content[at] ^= 1
            return change

        def swap(content):  # two entries of equal length change places
            parts, at = [], 0
            while at < len(content):
                length = int.from_bytes(content[at:at + 2], "big")
                parts.append(bytes(content[at:at + 2 + length]))
                at += 2 + length
            for i in range(len(parts)):
                for j in range(i + 1, len(parts)):
                    if len(parts[i]) == len(parts[j]) and parts[i] != parts[j]:
                        parts[i], parts[j] = parts[j], parts[i]
                        content[:] = b"".join(parts)
                        return
            self.fail("no two entries of one length")

        voted = entries.index(b'"decision":"deny"') + len(b'"decision":"')
        cases = {"one bit": flip(100), "the last byte": flip(len(entries) - 1), "swapped": swap,
                 "deny becomes good": lambda c: c.__setitem__(slice(voted, voted + 4), b"good")}
        for name, change in cases.items():
            with self.subTest(name):
                done = self.verify(self.tampered("tile/entries/000", change))
                self.assertEqual(done.code, 1, done.out + done.err)
                self.assertRegex(done.out + done.err, r"\d+")
        done = self.verify(self.tampered("tile/0/000", flip(40)))
        self.assertEqual(done.code, 1, done.out + done.err)

    def test_truncated_resigned_and_foreign_logs(self):
        note = (self.log / "checkpoint").read_text()
        size = int(note.splitlines()[1])
        shorter = self.tampered("checkpoint", lambda c: c.__setitem__(slice(None), note.replace(f"\n{size}\n", f"\n{size - 1}\n").encode()))
        self.assertIn(self.verify(shorter).code, (1, 3))
        missing = self.tampered("checkpoint", lambda c: None)
        (missing / "tile/entries/000").unlink()
        self.assertIn(self.verify(missing).code, (1, 3))
        rolled = self.verify(self.old, "--since", self.log / "checkpoint")
        self.assertEqual(rolled.code, 1, "an older log does not continue a newer checkpoint: " + rolled.out)
        other = Keyturn(people={}, agents={}, start=False)
        try:
            self.assertIn(self.verify(self.log, key=other.vkey).code, (1, 3), "another key")
        finally:
            other.close()
        self.assertEqual(self.verify(self.log, key="nonsense").code, 2)

    def test_the_proofs_of_the_api_hash_to_the_signed_root(self):
        size = int((self.log / "checkpoint").read_text().splitlines()[1])
        for index in (0, 1, 255, 256, size - 1):
            proof = self.k.get(f"/v1/ledger/proof?index={index}&size={size}", "ada").json
            entry = self.k.get(f"/v1/ledger/entries?from={index}&limit=1", "ada").json["items"][0]
            node = hashlib.sha256(b"\0" + base64.b64decode(entry["leaf"])).digest()
            self.assertEqual(node.hex(), proof["leaf_hash"])
            # RFC 9162 2.1.3.2
            fn, sn = index, size - 1
            for p in map(bytes.fromhex, proof["proof"]):
                self.assertGreater(sn, 0)
                if fn & 1 or fn == sn:
                    node = hashlib.sha256(b"\1" + p + node).digest()
                    while not fn & 1 and fn:
                        fn, sn = fn >> 1, sn >> 1
                else:
                    node = hashlib.sha256(b"\1" + node + p).digest()
                fn, sn = fn >> 1, sn >> 1
            self.assertEqual(sn, 0)
            self.assertEqual(node.hex(), proof["root"])
            self.assertEqual(base64.b64encode(node).decode(), (self.log / "checkpoint").read_text().splitlines()[2])

    def test_leaves_tell_the_story_and_hold_nothing_private(self):
        entries = b"".join(p.read_bytes() for p in sorted((self.log / "tile/entries").rglob("*")) if p.is_file())
        for word in (b"entry 1", b"reviewed 1"):
            self.assertFalse(word in entries, "arguments are private")
        for word in (b'"type":"action.decided"', b'"type":"review.voted"', b'"reviewer":"bob"', b'"type":"execution.intended"', b'"type":"execution.finished"'):
            self.assertTrue(word in entries, word)
        at, streams = 0, {}
        while at < len(entries):
            length = int.from_bytes(entries[at:at + 2], "big")
            raw = entries[at + 2:at + 2 + length]
            leaf = json.loads(raw)
            self.assertEqual(raw, json.dumps(leaf, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(), "canonical JSON")
            streams.setdefault(leaf["stream"], []).append(leaf["type"])
            at += 2 + length
        for stream, types in streams.items():
            if stream.startswith("action/") and "execution.finished" in types:
                self.assertLess(types.index("execution.intended"), types.index("execution.finished"), stream)

    @unittest.skipUnless(shutil.which("go") and GO_SOURCE.exists(), "Go and golang-golang-x-mod-dev are not installed")
    def test_gos_own_verifier_accepts_what_is_served_and_refuses_what_was_changed(self):
        program = self.k.folder / "go-verify"
        environment = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode", GOFLAGS="", CGO_ENABLED="0",
                           GOCACHE=os.environ.get("KEYTURN_GO_CACHE", str(self.k.folder / "go-cache")))
        subprocess.run(["go", "build", "-o", str(program), str(ROOT / "tests/peers/go-verify/main.go")], check=True, env=environment)
        done = subprocess.run([str(program), str(self.log), str(self.old / "checkpoint")], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        for path in sorted(str(p.relative_to(self.log)) for p in self.log.rglob("*") if p.is_file() and p.name != "vkey"):
            def flip(content):
                content[len(content) // 2] ^= 1
            done = subprocess.run([str(program), str(self.tampered(path, flip))], capture_output=True, text=True)
            self.assertEqual(done.returncode, 1, f"{path}: accepted what was tampered with")


if __name__ == "__main__":
    unittest.main()
