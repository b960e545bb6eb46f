"""Go's sumdb/tlog and sumdb/note accept every log that Keyturn writes, and reject every tampered one.

Needs go and Debian's golang-golang-x-mod-dev. Env: KEYTURN_LEDGER_FIXTURE, KEYTURN_GO_CACHE (a directory for Go's build cache).
"""
import os
import subprocess
import sys
import pathlib
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import logs  # noqa: E402
from logs import flipped, flips, resigned, split_bundle, swapped  # noqa: E402

OLD_SIZE = {1: 1, 2: 1, 255: 170, 256: 170, 257: 171, 65536: 43690, 70000: 65536}
SMALL = [size for size in OLD_SIZE if size < 1000]
ORIGIN, WITNESS = "log.example/fixture", "witness.example/w1"


def sampled(paths, most):
    """Some of a long list, the first and the last among them."""
    if len(paths) <= most:
        return paths
    return sorted({paths[i * (len(paths) - 1) // (most - 1)] for i in range(most)})


class GoVerify(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.logs = logs.Logs(OLD_SIZE)
        cls.addClassCleanup(cls.logs.close)
        cls.program = cls.logs.root / "go-verify"
        environment = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode", GOFLAGS="", CGO_ENABLED="0",
                           GOCACHE=os.environ.get("KEYTURN_GO_CACHE", str(cls.logs.root / "cache")))
        subprocess.run(["go", "build", "-o", str(cls.program), str(logs.HERE / "go-verify/main.go")], check=True, env=environment)

    def verify(self, directory, old="old-checkpoint"):
        done = subprocess.run([str(self.program), str(directory), *([str(directory / old)] if old else [])], capture_output=True, text=True)
        return done.returncode, done.stderr

    def assertAccepted(self, directory, **more):
        code, why = self.verify(directory, **more)
        self.assertEqual(code, 0, why)

    def assertRejected(self, size, changes, because="rejected", **more):
        code, why = self.verify(self.logs.changed(size, changes), **more)
        self.assertEqual(code, 1, "accepted what was tampered with")
        self.assertIn(because, why)

    def resources(self, size):
        """Every tile and bundle of a small log; of a large one each kind, its ends and what lies between."""
        kinds = {}
        for path in self.logs.resources(size):
            kinds.setdefault(path.split("/")[1], []).append(path)
        return [path for paths in kinds.values() for path in sampled(paths, 4)]

    def test_every_log_is_accepted_also_as_the_continuation_of_its_past(self):
        for size in OLD_SIZE:
            with self.subTest(size=size):
                self.assertAccepted(self.logs.folder(size))
                self.assertAccepted(self.logs.folder(size), old=None)

    def test_each_log_continues_every_shorter_one(self):
        for size in OLD_SIZE:
            for shorter in (s for s in OLD_SIZE if s <= size):
                with self.subTest(size=size, shorter=shorter):
                    earlier = self.logs.read(shorter, "checkpoint")
                    self.assertAccepted(self.logs.changed(size, {"old-checkpoint": earlier}))

    def test_one_flipped_bit_in_any_resource_is_rejected(self):
        for size in OLD_SIZE:
            for path in self.resources(size):
                content = self.logs.read(size, path)
                for at in (0, 5, len(content) // 2, len(content) - 1) if size in SMALL else (len(content) // 3,):
                    with self.subTest(size=size, path=path, at=at):
                        self.assertRejected(size, {path: flipped(content, at, at % 8)})

    def test_cut_lengthened_emptied_and_missing_resources_are_rejected(self):
        for size in OLD_SIZE:
            for path in self.resources(size) if size in SMALL else sampled(self.logs.resources(size), 2):
                content = self.logs.read(size, path)
                for what, other in {"cut": content[:-1], "longer": content + b"\0", "empty": b"", "gone": None}.items():
                    with self.subTest(size=size, path=path, what=what):
                        self.assertRejected(size, {path: other})

    def test_reordered_entries_hashes_and_tiles_are_rejected(self):
        for size in OLD_SIZE:
            for path in self.resources(size):
                content = self.logs.read(size, path)
                parts = split_bundle(content) if "entries" in path else [content[i:i + 32] for i in range(0, len(content), 32)]
                if len(parts) > 1:
                    with self.subTest(size=size, path=path):
                        self.assertRejected(size, {path: swapped(parts, 0, len(parts) - 1)})
        for kind in ("tile/0", "tile/entries"):
            with self.subTest(kind=kind):
                one, other = f"{kind}/000", f"{kind}/101"
                self.assertRejected(70000, {one: self.logs.read(70000, other), other: self.logs.read(70000, one)})

    def test_every_changed_byte_of_a_checkpoint_is_rejected(self):
        for size in OLD_SIZE:
            note = self.logs.read(size, "checkpoint")
            for what, other in flips(note, 1 if size in (1, 257, 70000) else 11):
                with self.subTest(size=size, what=what):
                    self.assertRejected(size, {"checkpoint": other})

    def test_a_rewritten_cut_or_unsigned_checkpoint_is_rejected(self):
        for size in OLD_SIZE:
            note = self.logs.read(size, "checkpoint").decode()
            body, signature = note.split("\n\n")
            origin, count, root = body.split("\n")
            cases = {
                "smaller": (f"{origin}\n{int(count) - 1}\n{root}\n\n{signature}", "invalid signature"),
                "larger": (f"{origin}\n{int(count) + 1}\n{root}\n\n{signature}", "invalid signature"),
                "a line more": (f"{origin}\n{count}\n{root}\nmore\n\n{signature}", "invalid signature"),
                "no root": (f"{origin}\n{count}\n\n{signature}", "invalid signature"),
                "another origin": (f"{origin}x\n{count}\n{root}\n\n{signature}", "invalid signature"),
                "the signature of another size": (body + "\n\n" + self.logs.read(255 if size != 255 else 256, "checkpoint").decode().split("\n\n")[1], "invalid signature"),
                "no signature": (body + "\n\n", "rejected"),
                "cut": (note[:-9], "rejected"),
                "empty": ("", "rejected"),
            }
            for what, (text, because) in cases.items():
                with self.subTest(size=size, what=what):
                    self.assertRejected(size, {"checkpoint": text.encode()}, because)

    def test_another_key_or_origin_is_rejected(self):
        for size in OLD_SIZE:
            with self.subTest(size=size):
                self.assertRejected(size, {"vkey": self.logs.read(size, "other-vkey")}, "no verifiable signatures")
                self.assertRejected(size, {"checkpoint": self.logs.read(size, "other-origin"), "witness-vkey": None}, "origin is not")

    def test_cosignatures_are_accepted_in_any_order_and_every_change_of_one_is_rejected(self):
        for size in OLD_SIZE:
            note = self.logs.read(size, "cosigned")
            text, lines = note.decode().split("\n\n")
            log_line, witness_line = lines.splitlines()
            with self.subTest(size=size):
                self.assertAccepted(self.logs.changed(size, {"cosigned": f"{text}\n\n{witness_line}\n{log_line}\n".encode()}))
            another_time = {f"byte {at} of the time": resigned(note, WITNESS, lambda s, at=at: flipped(s, at)) for at in range(8)}
            an_hour_later = resigned(note, WITNESS, lambda s: (int.from_bytes(s[:8], "big") + 3600).to_bytes(8, "big") + s[8:])
            cases = {
                **another_time,
                "an hour later": an_hour_later,
                "the witness signs without a time": resigned(note, WITNESS, lambda s: s[8:]),
                "only the log": f"{text}\n\n{log_line}\n".encode(),
                "only the witness": f"{text}\n\n{witness_line}\n".encode(),
                "of another tree": self.logs.read(2 if size != 2 else 1, "cosigned"),
                "the log's signature in the witness's name": f"{text}\n\n{log_line}\n{log_line.replace(ORIGIN, WITNESS)}\n".encode(),
            }
            for what, other in cases.items():
                with self.subTest(size=size, what=what):
                    self.assertRejected(size, {"cosigned": other})
            for what, other in flips(note, 1 if size == 257 else 23):
                with self.subTest(size=size, what=what):
                    self.assertRejected(size, {"cosigned": other})
            with self.subTest(size=size, what="another witness"):
                self.assertRejected(size, {"witness-vkey": self.logs.read(size, "other-witness")}, "1 signatures of 2")

    def test_a_log_that_forgot_or_rewrote_its_past_is_rejected(self):
        for size, longer in zip(OLD_SIZE, list(OLD_SIZE)[1:]):
            with self.subTest(size=size, longer=longer):
                self.assertRejected(size, {"old-checkpoint": self.logs.read(longer, "checkpoint")})
        for size in OLD_SIZE:
            with self.subTest(size=size):
                self.assertRejected(size, {"old-checkpoint": self.logs.read(size, "other-history")})

    def test_proofs_of_keyturn_are_not_accepted_when_changed(self):
        for size in (s for s in OLD_SIZE if s > 2):
            for name in ("inclusion", "consistency"):
                content = self.logs.read(size, name)
                lines = content.splitlines(keepends=True)
                middle = next(i for i in range(len(lines) // 2, 0, -1) if len(lines[i].split()) > 2)
                number, *hashes = lines[middle].split()
                cases = {
                    "a digit": [hashes[0][:-1] + (b"0" if hashes[0][-1:] != b"0" else b"1"), *hashes[1:]],
                    "one hash too few": hashes[:-1],
                    "one hash too many": [*hashes, hashes[0]],
                    "reordered": [hashes[-1], *hashes[1:-1], hashes[0]],
                }
                for what, proof in cases.items():
                    with self.subTest(size=size, name=name, what=what):
                        lines[middle] = b" ".join([number, *proof]) + b"\n"
                        self.assertRejected(size, {name: b"".join(lines)}, name)


if __name__ == "__main__":
    unittest.main()
