"""Logs that Keyturn's journal and audit wrote, and changed copies of them, for verifiers that others wrote.

Env: KEYTURN_LEDGER_FIXTURE, the program of ledger_fixture.cpp (default: that of build/release).
"""
import base64
import os
import pathlib
import shutil
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FIXTURE = os.environ.get("KEYTURN_LEDGER_FIXTURE", str(ROOT / "build/release/bin/keyturn_ledger_fixture"))


class Logs:
    """One folder a size, in a temporary folder."""

    def __init__(self, old_size_of):
        self.temporary = tempfile.TemporaryDirectory(prefix="keyturn-peers-")
        self.root = pathlib.Path(self.temporary.name)
        numbers = [str(n) for pair in sorted(old_size_of.items()) for n in pair]
        subprocess.run([FIXTURE, str(self.root / "logs"), *numbers], check=True)

    def close(self):
        self.temporary.cleanup()

    def folder(self, size):
        return self.root / "logs" / str(size)

    def changed(self, size, changes):
        """A copy in which files have other bytes ({path: bytes, or None where it is gone}); what is equal is linked."""
        copy = self.root / "changed"
        shutil.rmtree(copy, ignore_errors=True)
        if any(path.startswith("tile/") for path in changes):
            shutil.copytree(self.folder(size), copy, copy_function=os.link)
        else:
            copy.mkdir()
            for entry in self.folder(size).iterdir():
                (copy / entry.name).symlink_to(entry)
        for path, content in changes.items():
            (copy / path).unlink()
            if content is not None:
                (copy / path).write_bytes(content)
        return copy

    def read(self, size, path):
        return (self.folder(size) / path).read_bytes()

    def resources(self, size):
        folder = self.folder(size)
        return sorted(str(p.relative_to(folder)) for p in (folder / "tile").rglob("*") if p.is_file())


def flipped(content, at, bit=0):
    out = bytearray(content)
    out[at] ^= 1 << bit
    return bytes(out)


def says(note):
    """What a signed note says and who signed it, whichever way the base64 is spelt; None where it is no note."""
    try:
        text, signatures = note.decode().split("\n\n")
        lines = signatures.removesuffix("\n").split("\n")
        return text, [(line.split(" ")[:2], base64.b64decode(line.split(" ")[2])) for line in lines], note.endswith(b"\n")
    except (ValueError, IndexError):
        return None


def flips(note, step=1):
    """(what, note) with one bit of one byte turned, where that makes it another note."""
    for at in range(0, len(note), step):
        other = flipped(note, at, at % 7)
        if says(other) != says(note):
            yield f"bit {at % 7} of byte {at}", other


def resigned(note, name, change):
    """The note with the signature of `name` (the bytes after the key's id) put through `change`."""
    lines = note.decode().split("\n")
    for i, line in enumerate(lines):
        if line.startswith(f"\u2014 {name} "):
            raw = base64.b64decode(line.split(" ")[2])
            lines[i] = f"\u2014 {name} " + base64.b64encode(raw[:4] + change(raw[4:])).decode()
    return "\n".join(lines).encode()


def split_bundle(bundle):
    entries = []
    while bundle:
        length = 2 + int.from_bytes(bundle[:2], "big")
        entries.append(bundle[:length])
        bundle = bundle[length:]
    return entries


def swapped(pieces, i, j):
    pieces = list(pieces)
    pieces[i], pieces[j] = pieces[j], pieces[i]
    return b"".join(pieces)


def parse_vkey(text):
    """(name, key id, key type, public key) of a C2SP verifier key."""
    name, key_id, key = text.strip().split("+", 2)
    raw = base64.b64decode(key)
    return name, bytes.fromhex(key_id), raw[0], raw[1:]


def signature_of(note, name):
    """What follows the key's id in the line of `name`."""
    for line in note.decode().split("\n\n")[1].split("\n"):
        if line.startswith(f"\u2014 {name} "):
            return base64.b64decode(line.split(" ")[2])[4:]
    raise AssertionError(f"{name} has not signed this")


def text_of(note):
    return note[:note.index(b"\n\n") + 1]
