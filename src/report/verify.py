#!/usr/bin/env python3
"""Verifies this bundle with nothing but Python's standard library and no network.

    python3 verify.py --key 'NAME+HASH+KEY' [FOLDER]

The key is the log's verifier key. Have it from somebody you trust (the auditor's own file, a second channel), never from this folder.
Exit code 0: intact. 1: something contradicts what the key signed. 3: something is missing, or the key did not sign it.
It reads bundle.json (the entries, the signed checkpoint, the hashes of the rest of the tree) and proves, in this order: the checkpoint's
signature; that the entries are exactly what the log holds in their range; that each continues its stream; that private parts and documents
that are shown are what entries name; that the list of actions names every action of the range, and nothing else.
"""
import argparse
import base64
import csv
import hashlib
import json
import pathlib
import sys


class Bad(Exception):
    code = 1


class Missing(Exception):
    code = 3


# ---- Ed25519 verification (RFC 8032 section 5.1): points of the curve -x^2 + y^2 = 1 + d x^2 y^2 over the field of p elements
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(a, b):  # in extended coordinates (X, Y, Z, T): x = X/Z, y = Y/Z, xy = T/Z
    s, t = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    u, v = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = t - s, v - u, v + u, t + s
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(n, point):
    result = (0, 1, 1, 0)
    while n:
        if n & 1:
            result = add(result, point)
        point, n = add(point, point), n >> 1
    return result


def point_of(text):  # 32 bytes: y, and in the top bit the sign of x
    y = int.from_bytes(text, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        raise ValueError("no point")
    x2 = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - x2) % P or (x == 0 and sign):
        raise ValueError("no point")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def ed25519_verify(key, message, signature):
    try:
        a, r = point_of(key), point_of(signature[:32])
    except ValueError:
        return False
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    left, right = times(s, BASE), add(r, times(h, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# ---- The log: C2SP signed notes and checkpoints, the Merkle tree of RFC 6962
def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def open_checkpoint(note, vkey):
    name, key_hash, key = vkey.strip().split("+", 2)
    key = base64.b64decode(key)
    if sha256(name.encode(), b"\n", key)[:4].hex() != key_hash or key[0] != 1 or len(key) != 33:
        raise Missing("the key is not written as NAME+HASH+KEY of an Ed25519 key")
    text, _, lines = note.partition("\n\n")
    text += "\n"
    for line in lines.splitlines():
        who, _, signature = line.removeprefix("\u2014 ").rpartition(" ")
        signature = base64.b64decode(signature)
        if who == name and signature[:4].hex() == key_hash:
            if not ed25519_verify(key[1:], text.encode(), signature[4:]):
                raise Bad("the checkpoint's signature does not verify")
            origin, size, root = text.splitlines()[:3]
            if origin != name:
                raise Missing("the checkpoint is of another log")
            return int(size), base64.b64decode(root)
    raise Missing("the checkpoint is not signed by this key")


def cover(begin, end):  # levels of the fewest complete subtrees over [begin, end)
    while begin < end:
        level = 0
        while begin % (2 << level) == 0 and begin + (2 << level) <= end:
            level += 1
        yield level
        begin += 1 << level


def root_over(subtrees):  # [(level, hash)], left to right
    stack = []
    for level, node in subtrees:
        while stack and stack[-1][0] == level:
            node, level = sha256(b"\1", stack.pop()[1], node), level + 1
        stack.append((level, node))
    if not stack:
        return sha256()
    node = stack.pop()[1]
    while stack:
        node = sha256(b"\1", stack.pop()[1], node)
    return node


def included(leaf, index, size, proof, root):  # RFC 9162 section 2.1.3.2
    node, at, last = sha256(b"\0", leaf), index, size - 1
    for other in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            node = sha256(b"\1", other, node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = sha256(b"\1", node, other)
        at, last = at >> 1, last >> 1
    return last == 0 and node == root


def bytes_of(value):
    return value.encode() if isinstance(value, str) else base64.b64decode(value["base64"])


# ---- The bundle
def check_tree(bundle, leaves, size, root):
    start, end = bundle["from"], bundle["from"] + len(leaves)
    before, after = ([bytes.fromhex(h) for h in bundle[side]] for side in ("before", "after"))
    if end > size or len(before) != len(list(cover(0, start))) or len(after) != len(list(cover(end, size))):
        raise Missing("the hashes of the rest of the tree do not fit the range")
    subtrees = [*zip(cover(0, start), before), *((0, sha256(b"\0", leaf)) for leaf in leaves), *zip(cover(end, size), after)]
    if root_over(subtrees) != root:
        wrong = [start + i for i, leaf in enumerate(leaves) if sha256(b"\0", leaf).hex() != bundle["leaf_hashes"][i]]
        raise Bad(f"entry {wrong[0]} was changed" if wrong else "the entries do not hash to the root that was signed")


def check_streams(leaves, start):
    heads = {}
    for index, leaf in enumerate(leaves, start):
        event = json.loads(leaf)
        stream, position = event["stream"], event["position"]
        if stream in heads or start == 0 or position == 1:
            expected = heads.get(stream, (0, ""))
            if (position, event["prev"]) != (expected[0] + 1, expected[1]):
                raise Bad(f"entry {index} does not follow the entry of its stream before it")
        heads[stream] = (position, sha256(b"\0", leaf).hex())
    return len(heads)


def check_shown(bundle, leaves):
    for shown in bundle.get("revealed", []):
        at = shown["index"] - bundle["from"]
        commitment = sha256(b"keyturn/v1/payload", base64.b64decode(shown["nonce"]), shown["payload"].encode()).hex()
        if not 0 <= at < len(leaves) or json.loads(leaves[at]).get("private") != commitment:
            raise Bad(f"the private part shown for entry {shown['index']} is not what it committed to")
    return len(bundle.get("revealed", []))


def check_list(folder, leaves, start):
    population = {}
    for index, leaf in enumerate(leaves, start):
        event = json.loads(leaf)
        if event["type"] == "action.decided" and event["position"] == 1:
            population[event["action"]["id"]] = index
    path = folder / "actions.csv"
    if not path.exists():
        raise Missing("actions.csv is not there")
    with path.open(newline="", encoding="utf-8") as file:
        listed = {row["action"]: int(row["index"]) for row in csv.DictReader(file)}
    for action in sorted(population.keys() ^ listed.keys()):
        raise Bad(f"{action} is " + ("in the log and not in" if action in population else "not in the log and in") + " actions.csv")
    if population != listed:
        raise Bad("actions.csv names an action at another index than the log")
    return len(population)


def check_documents(folder, leaves, vkey):
    named = b"".join(leaves)
    for path in sorted((folder / "proofs").glob("*.tlog-proof")) if (folder / "proofs").exists() else []:
        head, _, note = path.read_text().partition("\n\n")
        lines = head.splitlines()
        entry, index = base64.b64decode(lines[1].removeprefix("extra ")), int(lines[2].removeprefix("index "))
        size, root = open_checkpoint(note, vkey)
        if not included(entry, index, size, [base64.b64decode(h) for h in lines[3:]], root):
            raise Bad(f"{path.name}: this entry is not in the log that was signed")
        named += entry
    for path in sorted((folder / "policy").glob("*.json")) if (folder / "policy").exists() else []:
        if hashlib.sha256(path.read_bytes()).hexdigest() != path.stem or path.stem.encode() not in named:
            raise Bad(f"{path.name} is no document that an entry names")


def verify(folder, vkey):
    bundle = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    leaves = [bytes_of(entry) for entry in bundle["entries"]]
    size, root = open_checkpoint(bundle["checkpoint"], vkey)
    check_tree(bundle, leaves, size, root)
    streams = check_streams(leaves, bundle["from"])
    shown = check_shown(bundle, leaves)
    check_documents(folder, leaves, vkey)
    actions = check_list(folder, leaves, bundle["from"])
    print(f"INTACT: entries {bundle['from']} to {bundle['from'] + len(leaves)} (the last not included) of a log of {size}, {streams} streams, "
          f"{actions} actions, {shown} private parts shown\nThis does not prove that what an entry says was true, nor that every action passed "
          "through Keyturn, nor that a person understood what they approved.")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--key", required=True, help="the log's verifier key, or a file that holds it")
    arguments.add_argument("folder", nargs="?", default=str(pathlib.Path(__file__).resolve().parent))
    given = arguments.parse_args()
    key = pathlib.Path(given.key).read_text() if pathlib.Path(given.key).is_file() else given.key
    try:
        verify(pathlib.Path(given.folder), key)
    except (Bad, Missing) as problem:
        print(("TAMPERED: " if problem.code == 1 else "INCOMPLETE OR UNTRUSTED: ") + str(problem))
        sys.exit(problem.code)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as problem:
        print(f"INCOMPLETE OR UNTRUSTED: the bundle cannot be read: {problem!r}")
        sys.exit(3)


if __name__ == "__main__":
    main()
