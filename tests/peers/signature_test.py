"""openssl and OpenBSD's signify verify the signatures of checkpoints and cosignatures, and refuse every change.

Needs openssl 3 and Debian's signify-openbsd.
"""
import base64
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import logs  # noqa: E402

OLD_SIZE = {1: 1, 257: 171, 1000: 666}
ORIGIN, WITNESS = "log.example/fixture", "witness.example/w1"
ED25519_SPKI = bytes.fromhex("302a300506032b6570032100")  # RFC 8410: what stands before the 32 bytes of the key


def openssl(folder, key, signature, message):
    pem = base64.encodebytes(ED25519_SPKI + key).decode()
    (folder / "key.pem").write_text(f"-----BEGIN PUBLIC KEY-----\n{pem}-----END PUBLIC KEY-----\n")
    (folder / "signature").write_bytes(signature)
    (folder / "message").write_bytes(message)
    done = subprocess.run(["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "key.pem", "-sigfile", "signature", "-in", "message"],
                          cwd=folder, capture_output=True, text=True)
    if done.returncode == 0:
        assert "Verified Successfully" in done.stdout, done
    return done.returncode == 0


def signify(folder, key, signature, message):
    number = b"keyturn!"  # signify only compares it
    for name, content in {"key.pub": key, "signature.sig": signature}.items():
        text = base64.b64encode(b"Ed" + number + content).decode()
        (folder / name).write_text(f"untrusted comment: of a test\n{text}\n")
    (folder / "message").write_bytes(message)
    done = subprocess.run(["signify-openbsd", "-V", "-p", "key.pub", "-x", "signature.sig", "-m", "message"],
                          cwd=folder, capture_output=True, text=True)
    if done.returncode == 0:
        assert "Signature Verified" in done.stdout, done
    return done.returncode == 0


VERIFIERS = {"openssl": openssl, "signify": signify}


class Signatures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.logs = logs.Logs(OLD_SIZE)
        cls.addClassCleanup(cls.logs.close)
        temporary = tempfile.TemporaryDirectory(prefix="keyturn-signature-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name)

    def signed(self, size):
        """(what, key, another key, signature, message) of the log's signature and of the witness's."""
        note = self.logs.read(size, "cosigned")
        text = logs.text_of(note)
        keys = {name: logs.parse_vkey(self.logs.read(size, name).decode())[3] for name in ("vkey", "other-vkey", "witness-vkey", "other-witness")}
        yield "checkpoint", keys["vkey"], keys["other-vkey"], logs.signature_of(note, ORIGIN), text
        cosignature = logs.signature_of(note, WITNESS)
        time = int.from_bytes(cosignature[:8], "big")
        yield "cosignature", keys["witness-vkey"], keys["other-witness"], cosignature[8:], f"cosignature/v1\ntime {time}\n".encode() + text

    def each(self, sizes=OLD_SIZE):
        for size in sizes:
            for what, *rest in self.signed(size):
                for program, verify in VERIFIERS.items():
                    with self.subTest(size=size, what=what, program=program):
                        yield (lambda *given, verify=verify: verify(self.folder, *given)), *rest

    def test_what_keyturn_signed_is_accepted(self):
        for verify, key, _, signature, message in self.each():
            self.assertTrue(verify(key, signature, message))

    def test_every_changed_byte_of_the_text_is_refused(self):
        for verify, key, _, signature, message in self.each(sizes=(257,)):
            for at in range(len(message)):
                self.assertFalse(verify(key, signature, logs.flipped(message, at, at % 8)), at)

    def test_every_changed_byte_of_the_signature_is_refused(self):
        for verify, key, _, signature, message in self.each(sizes=(257,)):
            for at in range(len(signature)):
                self.assertFalse(verify(key, logs.flipped(signature, at, at % 8), message), at)

    def test_another_key_tree_origin_time_or_length_is_refused(self):
        others = {size: {what: rest for what, *rest in self.signed(size)} for size in OLD_SIZE}
        for size, verify, key, other_key, signature, message in ((s, *rest) for s in OLD_SIZE for rest in self.each(sizes=(s,))):
            another = others[1 if size != 1 else 257]
            self.assertFalse(verify(other_key, signature, message), "another key")
            for _, _, foreign, their_message in another.values():
                self.assertFalse(verify(key, foreign, message), "the signature of another tree")
                self.assertFalse(verify(key, signature, their_message), "another tree")
            self.assertFalse(verify(key, signature, message.replace(b"log.example/", b"log.example.")), "another origin")
            self.assertFalse(verify(key, signature, message[:-1]), "cut")
            self.assertFalse(verify(key, signature, message + b"\n"), "longer")
            self.assertFalse(verify(key, signature[:-1], message), "a short signature")
            self.assertFalse(verify(key, signature[32:] + signature[:32], message), "halves that changed places")
            if message.startswith(b"cosignature"):
                self.assertFalse(verify(key, signature, message.replace(b"time 1", b"time 2")), "another time")


if __name__ == "__main__":
    unittest.main()
