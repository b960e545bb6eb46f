"""Go's sumdb verifier accepts every log that Keyturn writes, and rejects every tampered one.

Needs: KEYTURN_LEDGER_FIXTURE (the fixture program), KEYTURN_GO_CACHE (a directory for Go's build cache), go, and Debian's
golang-golang-x-mod-dev.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
FIXTURE = os.environ["KEYTURN_LEDGER_FIXTURE"]
SIZES = (1, 2, 255, 256, 257, 1000)


def old_size(size):
    return max(1, size * 2 // 3)


class GoVerify(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="keyturn-go-verify-")
        cls.root = pathlib.Path(cls.temporary.name)
        cls.program = cls.root / "go-verify"
        environment = dict(
            os.environ,
            GO111MODULE="off",
            GOPATH="/usr/share/gocode",
            GOFLAGS="",
            CGO_ENABLED="0",
            GOCACHE=os.environ.get("KEYTURN_GO_CACHE", str(cls.root / "cache")),
        )
        subprocess.run(
            ["go", "build", "-o", str(cls.program), str(HERE / "go-verify" / "main.go")],
            check=True,
            env=environment,
        )
        for size in SIZES:
            cls.write_log(cls.root / str(size), size)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    @classmethod
    def write_log(cls, directory, size):
        subprocess.run([FIXTURE, str(directory), str(size), str(old_size(size))], check=True)

    def verify(self, directory, old="old-checkpoint"):
        arguments = [str(self.program), str(directory)]
        if old:
            arguments.append(str(directory / old))
        done = subprocess.run(arguments, capture_output=True, text=True)
        return done.returncode, done.stderr

    def assert_accepted(self, directory, **more):
        code, why = self.verify(directory, **more)
        self.assertEqual(code, 0, why)

    def assert_rejected(self, directory, because, **more):
        code, why = self.verify(directory, **more)
        self.assertEqual(code, 1, "accepted what was tampered with")
        self.assertIn(because, why)

    def changed(self, size, path, change):
        """A copy of a log in which one file's bytes went through `change`."""
        directory = pathlib.Path(tempfile.mkdtemp(dir=self.root)) / "log"
        shutil.copytree(self.root / str(size), directory)
        file = directory / path
        content = bytearray(file.read_bytes())
        change(content)
        file.write_bytes(content)
        return directory

    def test_every_log_is_accepted(self):
        for size in SIZES:
            with self.subTest(size=size):
                self.assert_accepted(self.root / str(size))
                self.assert_accepted(self.root / str(size), old=None)

    def test_one_flipped_bit_in_any_resource_is_rejected(self):
        def flip(at):
            def change(content):
                content[at] ^= 1

            return change

        for size in SIZES:
            directory = self.root / str(size)
            for file in sorted((directory / "tile").rglob("*")):
                if not file.is_file():
                    continue
                path = file.relative_to(directory)
                length = file.stat().st_size
                for at in (0, 5, length // 2, length - 1):
                    with self.subTest(size=size, path=str(path), at=at):
                        self.assert_rejected(self.changed(size, path, flip(at)), "rejected")

    def test_a_changed_checkpoint_is_rejected(self):
        for size in SIZES:
            note = (self.root / str(size) / "checkpoint").read_text()
            body, signature = note.split("\n\n")
            origin, count, root = body.split("\n")
            altered = {
                "size": f"{origin}\n{int(count) - 1}\n{root}\n\n{signature}",
                "root": f"{origin}\n{count}\n{root[:5]}{'A' if root[5] != 'A' else 'B'}{root[6:]}\n\n{signature}",
                "origin": f"{origin}x\n{count}\n{root}\n\n{signature}",
                "signature": f"{body}\n\n{signature[:-20]}{'A' if signature[-20] != 'A' else 'B'}{signature[-19:]}",
            }
            for what, text in altered.items():
                with self.subTest(size=size, what=what):

                    def replace(content, text=text):
                        content[:] = text.encode()

                    self.assert_rejected(
                        self.changed(size, "checkpoint", replace), "invalid signature"
                    )

    def test_another_key_or_origin_is_rejected(self):
        for size in SIZES:
            directory = self.root / str(size)
            other_key = (directory / "other-vkey").read_bytes()
            other_origin = (directory / "other-origin").read_bytes()
            with self.subTest(size=size):
                self.assert_rejected(
                    self.changed(size, "vkey", lambda c, k=other_key: c.__setitem__(slice(None), k)),
                    "no verifiable signatures",
                )
                self.assert_rejected(
                    self.changed(
                        size, "checkpoint", lambda c, o=other_origin: c.__setitem__(slice(None), o)
                    ),
                    "origin is not",
                )

    def test_a_log_that_forgot_or_rewrote_its_past_is_rejected(self):
        forgotten = pathlib.Path(tempfile.mkdtemp(dir=self.root)) / "log"
        shutil.copytree(self.root / "256", forgotten)
        shutil.copy(self.root / "257" / "checkpoint", forgotten / "newer")
        self.assert_rejected(forgotten, "rejected", old="newer")
        for size in SIZES:
            with self.subTest(size=size):
                self.assert_rejected(self.root / str(size), "rejected", old="other-history")

    def test_proofs_of_keyturn_are_not_accepted_when_changed(self):
        for name in ("inclusion", "consistency"):

            def change(content):
                at = content.rindex(b"\n", 0, len(content) // 2) - 1
                content[at] = ord("0") if content[at] != ord("0") else ord("1")

            with self.subTest(name=name):
                self.assert_rejected(self.changed(257, name, change), name)


if __name__ == "__main__":
    unittest.main()
