#!/usr/bin/env python3
"""Verifies this bundle with nothing but Python's standard library and no network.

    python3 verify.py --key 'NAME+HASH+KEY' [--witness 'NAME+HASH+KEY'] [FOLDER or ARCHIVE]

The keys are the verifier keys of the log and of a witness. Have them from somebody you trust (the auditor's own file, a second channel),
never from this folder. Exit code 0: intact. 1: something contradicts what the key signed. 3: something is missing, or the key did not sign it.
It reads bundle.json (the entries, the signed checkpoint, the hashes of the rest of the tree) and proves, in this order: the checkpoint's
signature, and those of the witnesses that were given; that the entries are exactly what the log holds in their range; that each continues
its stream; that private parts and documents that are shown are what entries name, and what was destroyed was destroyed by an entry; that
votes by passkey are signed by it; that the list names every action of the range and nothing else, with the sample; that no file was changed
since the manifest was written, and none was added. What it does not check it says.
"""
import argparse
import base64
import csv
import hashlib
import io
import json
import pathlib
import re
import sys
import zipfile


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


# ---- What passkeys sign with: ECDSA on P-256 (FIPS 186-4 section 6.4) and RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2.2), both with SHA-256
Q = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296, 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)


def p256_add(a, b):  # affine; None is the point at infinity
    if a is None or b is None:
        return b if a is None else a
    if a[0] == b[0] and (a[1] + b[1]) % Q == 0:
        return None
    slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, Q) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, Q)
    x = (slope * slope - a[0] - b[0]) % Q
    return x, (slope * (a[0] - x) - a[1]) % Q


def p256_times(n, point):
    result = None
    while n:
        if n & 1:
            result = p256_add(result, point)
        point, n = p256_add(point, point), n >> 1
    return result


def es256_verify(key, message, signature):  # the signature in DER: SEQUENCE of two INTEGERs
    x, y = int.from_bytes(key[:32], "big"), int.from_bytes(key[32:], "big")
    r_size = signature[3] if len(signature) > 8 else 0
    r_end = 4 + r_size
    if len(key) != 64 or (y * y - x**3 + 3 * x - B) % Q or len(signature) < r_end + 2 or signature[0] != 0x30 or signature[2] != 2 \
            or signature[1] != len(signature) - 2 or signature[r_end] != 2 or signature[r_end + 1] != len(signature) - r_end - 2:
        return False
    r, s = int.from_bytes(signature[4:r_end], "big"), int.from_bytes(signature[r_end + 2:], "big")
    if not (0 < r < N and 0 < s < N):
        return False
    w = pow(s, -1, N)
    point = p256_add(p256_times(int.from_bytes(hashlib.sha256(message).digest(), "big") * w % N, G), p256_times(r * w % N, (x, y)))
    return point is not None and point[0] % N == r


def rs256_verify(key, message, signature):  # the key: modulus, then three bytes of exponent
    n, e, size = int.from_bytes(key[:-3], "big"), int.from_bytes(key[-3:], "big"), len(key) - 3
    digest = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(message).digest()
    padded = b"\0\1" + b"\xff" * (size - len(digest) - 3) + b"\0" + digest
    return size >= 256 and len(signature) == size and pow(int.from_bytes(signature, "big"), e, n).to_bytes(size, "big") == padded


VERIFY = {-7: es256_verify, -8: ed25519_verify, -257: rs256_verify}  # COSE algorithms (RFC 9053, RFC 8812)


# ---- The log: C2SP signed notes and checkpoints, the Merkle tree of RFC 6962
def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def read_key(vkey, kind):  # 1: a log's Ed25519 key; 4: a witness's (C2SP tlog-cosignature v1)
    name, key_hash, key = vkey.strip().split("+", 2)
    key = base64.b64decode(key)
    if sha256(name.encode(), b"\n", key)[:4].hex() != key_hash or key[0] != kind or len(key) != 33:
        raise Missing("the key is not written as NAME+HASH+KEY of " + ("a log" if kind == 1 else "a witness"))
    return name, bytes.fromhex(key_hash), key[1:]


def signatures(note):  # (name, id of the key, signature)
    for line in note.partition("\n\n")[2].splitlines():
        who, _, signature = line.removeprefix("\u2014 ").rpartition(" ")
        signature = base64.b64decode(signature)
        yield who, signature[:4], signature[4:]


def open_checkpoint(note, vkey):
    name, key_id, key = read_key(vkey, 1)
    text = note.partition("\n\n")[0] + "\n"
    for who, signed_by, signature in signatures(note):
        if (who, signed_by) == (name, key_id):
            if not ed25519_verify(key, text.encode(), signature):
                raise Bad("the checkpoint's signature does not verify")
            origin, size, root = text.splitlines()[:3]
            if origin != name:
                raise Missing("the checkpoint is of another log")
            return int(size), base64.b64decode(root)
    raise Missing("the checkpoint is not signed by this key")


def check_cosignature(note, vkey):
    name, key_id, key = read_key(vkey, 4)
    for who, signed_by, signature in signatures(note):
        if (who, signed_by) == (name, key_id):
            seconds = int.from_bytes(signature[:8], "big")
            if not ed25519_verify(key, f"cosignature/v1\ntime {seconds}\n".encode() + note.partition("\n\n")[0].encode() + b"\n", signature[8:]):
                raise Bad(f"the cosignature of {name} does not verify")
            return name
    raise Missing(f"the checkpoint is not cosigned by {name}")


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


def parsed(text):  # JSON; what says one thing twice can be read in two ways
    def unique(pairs):
        if len(pairs) != len(dict(pairs)):
            raise Missing("a member of a JSON object is there twice")
        return dict(pairs)
    return json.loads(text, object_pairs_hook=unique)


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
        event = parsed(leaf)
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
        if not 0 <= at < len(leaves) or parsed(leaves[at]).get("private") != commitment:
            raise Bad(f"the private part shown for entry {shown['index']} is not what it committed to")
    return len(bundle.get("revealed", []))


def check_erased(bundle, leaves, size, root):
    for erased in bundle.get("erased", []):
        by, at = erased["authorised_by"], erased["authorised_by"] - bundle["from"]
        leaf = leaves[at] if 0 <= at < len(leaves) else bytes_of(erased.get("entry", ""))
        if not 0 <= at < len(leaves) and not included(leaf, by, size, [bytes.fromhex(h) for h in erased.get("proof", [])], root):
            raise Missing(f"entry {by}, which is said to authorise an erasure, is not in the log that was signed")
        event = parsed(leaf)
        if event["type"] != "payload.erased" or not any(first <= erased["index"] <= last < by for first, last in event["erased"]["entries"]):
            raise Missing(f"entry {by} does not authorise that the private part of entry {erased['index']} was destroyed")
    return len(bundle.get("erased", []))


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def passkey_wrong(event, part, domain):  # WebAuthn Level 2 section 7.2, without the relying party's name
    entry, assertion = event[part], event[part]["assertion"]
    said = parsed(assertion["signed"])
    data, client, signature, key = (unpadded(assertion[part]) for part in ("authenticator_data", "client_data_json", "signature", "public_key"))
    asked = parsed(client)
    if part == "vote":
        same = ("action/" + said["action"], said["digest"], said["decision"], said["reviewer"]) == (event["stream"], entry["digest"], entry["decision"], entry["reviewer"])
    else:
        same = (said["statement"]["kind"], said["statement"]["agents"], said["person"]) == ("breakglass", entry["agents"], entry["opener"])
    if not same:
        return f"the passkey signed another {'vote' if part == 'vote' else 'statement'} than this entry says"
    if asked["type"] != "webauthn.get" or unpadded(asked["challenge"]) != sha256(domain, b"\n", assertion["signed"].encode()):
        return "the passkey signed another challenge than that of this entry"
    if len(data) < 37 or data[32] & 5 != 5:
        return "nobody was verified at the authenticator"
    verify_with = VERIFY.get(assertion["algorithm"])
    if verify_with is None or not verify_with(key, data + sha256(client), signature):
        return "the passkey's signature does not verify"
    return None


SIGNED = {"review.voted": ("vote", "reviewer", "votes", b"keyturn/v1/vote"),
          "breakglass.opened": ("emergency", "opener", "broken_glass", b"keyturn/v1/statement")}


def check_passkeys(files, leaves, start):
    registered, shown = {}, {"credentials_added": [], "votes": [], "broken_glass": []}
    for index, leaf in enumerate(leaves, start):
        if b'"identity.credential_' not in leaf and b'"assertion":' not in leaf:
            continue
        event = parsed(leaf)
        if event["type"] == "identity.credential_added":
            credential = event["credential"]
            registered[credential["id"]] = credential["person"], credential["public_key"]
            shown["credentials_added"].append({"index": index, "credential": credential})
        elif event["type"] == "identity.credential_removed":
            registered[event["stream"].split("/", 1)[1]] = None
        elif event["type"] in SIGNED:
            part, person, list_of, domain = SIGNED[event["type"]]
            if "assertion" not in event[part]:
                continue
            assertion, wrong = event[part]["assertion"], passkey_wrong(event, part, domain)
            if assertion["credential"] not in registered:
                wrong = wrong or ("nobody registered its passkey before" if start == 0 else None)
            elif registered[assertion["credential"]] != (event[part][person], assertion["public_key"]):
                wrong = wrong or "its passkey was removed before, or registered for another person or with another key"
            if wrong:
                raise Bad(f"entry {index}, signed with a passkey: {wrong}")
            shown[list_of].append({"index": index, part: event[part]})
    if parsed(files["passkeys.json"]) != shown:
        raise Bad("passkeys.json is not what the entries say")
    return len(shown["votes"])


def check_list(files, leaves, start, seed, count):
    population = {}
    for index, leaf in enumerate(leaves, start):
        event = parsed(leaf)
        if event["type"] == "action.decided" and event["position"] == 1:
            population[event["action"]["id"]] = index
    rows = list(csv.DictReader(io.StringIO(files["actions.csv"].decode(), newline="")))
    listed = {row["action"]: int(row["index"]) for row in rows}
    for action in sorted(population.keys() ^ listed.keys()):
        raise Bad(f"{action} is " + ("in the log and not in" if action in population else "not in the log and in") + " actions.csv")
    if population != listed or len(rows) != len(listed):
        raise Bad("actions.csv names an action twice, or at another index than the log")
    drawn = sorted(population, key=lambda action: sha256(f"{seed}:{action}".encode()))[:count]
    if {row["action"] for row in rows if row["sampled"] == "yes"} != set(drawn):
        raise Bad("actions.csv marks another sample than the seed draws")
    return len(population)


def check_documents(files, leaves, vkey):
    named = b"".join(leaves)
    for name in sorted(name for name in files if name.startswith("proofs/")):
        head, _, note = files[name].decode().partition("\n\n")
        lines = head.splitlines()
        entry, index = base64.b64decode(lines[1].removeprefix("extra ")), int(lines[2].removeprefix("index "))
        size, root = open_checkpoint(note, vkey)
        if name != f"proofs/policy-{index}.tlog-proof" or not included(entry, index, size, [base64.b64decode(h) for h in lines[3:]], root):
            raise Bad(f"{name}: this entry is not in the log that was signed")
        named += entry
    for name in sorted(name for name in files if name.startswith("policy/") and name.endswith(".json")):
        digest = hashlib.sha256(files[name]).hexdigest()
        if name != f"policy/{digest}.json" or digest.encode() not in named:
            raise Bad(f"{name} is no document that an entry names")


DRAWN = ["report.html", "report.pdf", "figures.json", "controls.json", "README.txt"]
KNOWN = re.compile("|".join(map(re.escape, DRAWN)) + r"|bundle\.json|checkpoint|actions\.csv|passkeys\.json|verify\.py"
                   r"|policy/[0-9a-f]{64}\.(json|yaml)|proofs/policy-[0-9]+\.tlog-proof")


def check_manifest(files, manifest, bundle, expected):
    for name, digest in manifest["files"].items():
        if name not in files:
            raise Missing(f"{name} is not there, and manifest.json names it")
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise Bad(f"{name} is not the file that manifest.json names: it was changed")
    for name in sorted(files.keys() - {"manifest.json"}):
        if name not in manifest["files"] or not KNOWN.fullmatch(name):
            raise Bad(f"{name} does not belong into this bundle")
    for field, value in expected.items():
        if manifest.get(field) != value:
            raise Bad(f"manifest.json: {field} is {manifest.get(field)!r}, and the record says {value!r}")
    if files["checkpoint"] != bundle["checkpoint"].encode():
        raise Bad("checkpoint is another one than that of bundle.json")


def load(path):  # every file: {name: bytes}
    if path.is_dir():
        if any(item.is_symlink() or not (item.is_dir() or item.is_file()) for item in path.rglob("*")):
            raise Missing("there is something in the folder that is neither a file nor a folder")
        return {item.relative_to(path).as_posix(): item.read_bytes() for item in path.rglob("*") if item.is_file()}
    with zipfile.ZipFile(path) as archive:
        names = [item.filename for item in archive.infolist() if not item.is_dir()]
        if len(names) != len(set(names)):
            raise Missing("a name is in the archive twice")
        if sum(item.file_size for item in archive.infolist()) > 1 << 30:
            raise Missing("the archive unpacks to more than 1 GiB")
        return {name: archive.read(name) for name in names}


def not_checked(files, manifest, bundle, witnesses, root):
    yield "that " + ", ".join(name for name in DRAWN if name in files) + " say what the entries say, nor the other columns of actions.csv (keyturn verify makes them again)"
    yield "this script itself; what the maker says in manifest.json (asked, made_at, keyturn, sample, controls, erased, pdf_missing)"
    if any(name.endswith(".yaml") for name in files):
        yield "that policy/*.yaml are the texts of their documents (keyturn verify does)"
    for who, _, _ in signatures(bundle["checkpoint"]):
        if who not in (manifest["origin"], *witnesses):
            yield f"the cosignature of {who}: no --witness gave its key"
    for consistency in bundle.get("consistency", []):
        yield f"the proof from the older size {consistency['size']} (keyturn verify --since does)"
    if manifest["seed"] != root.hex():
        yield f"why the sample's seed is {manifest['seed']!r}, and not the checkpoint's root: whoever chose it could choose the sample by it"


def verify(path, vkey, witness_keys):
    files = load(path)
    bundle = parsed(files["bundle.json"])
    leaves, start = [bytes_of(entry) for entry in bundle["entries"]], bundle["from"]
    size, root = open_checkpoint(bundle["checkpoint"], vkey)
    witnesses = [check_cosignature(bundle["checkpoint"], key) for key in witness_keys]
    check_tree(bundle, leaves, size, root)
    streams = check_streams(leaves, start)
    shown, erased = check_shown(bundle, leaves), check_erased(bundle, leaves, size, root)
    manifest = parsed(files["manifest.json"])
    check_manifest(files, manifest, bundle, {"format": "keyturn/evidence/v1", "origin": vkey.partition("+")[0], "size": size, "root": root.hex(),
                                             "from": start, "to": start + len(leaves), "revealed": shown})
    check_documents(files, leaves, vkey)
    votes = check_passkeys(files, leaves, start)
    actions = check_list(files, leaves, start, manifest["seed"], manifest["sample"])
    print(f"INTACT: entries {start} to {start + len(leaves)} (the last not included) of a log of {size}, {streams} streams, {actions} actions, "
          f"{shown} private parts shown, {erased} ERASED, {votes} votes by passkey" + "".join(f", cosigned by {name}" for name in witnesses))
    for words in not_checked(files, manifest, bundle, witnesses, root):
        print("not checked: " + words)
    print("This does not prove that what an entry says was true, nor that every action passed through Keyturn, nor that a person understood "
          "what they approved.")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--key", required=True, help="the log's verifier key, or a file that holds it")
    arguments.add_argument("--witness", action="append", default=[], help="the key of a witness that must have cosigned, or a file that holds it")
    arguments.add_argument("bundle", nargs="?", default=str(pathlib.Path(__file__).resolve().parent), help="a folder or a ZIP archive (default: where this script is)")
    given = arguments.parse_args()

    def text_of(key):
        return pathlib.Path(key).read_text() if pathlib.Path(key).is_file() else key
    try:
        verify(pathlib.Path(given.bundle), text_of(given.key).strip(), [text_of(key) for key in given.witness])
    except (Bad, Missing) as problem:
        print(("TAMPERED: " if problem.code == 1 else "INCOMPLETE OR UNTRUSTED: ") + str(problem))
        sys.exit(problem.code)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, zipfile.BadZipFile) as problem:
        print(f"INCOMPLETE OR UNTRUSTED: the bundle cannot be read: {problem!r}")
        sys.exit(3)


if __name__ == "__main__":
    main()
