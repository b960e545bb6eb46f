"""What clients of a server that may die at any moment were told, and whether the record still says the same afterwards.

Everything is verified here by code of its own: RFC 6962 hashes over the entries as they are served, RFC 9162 proofs.
"""
import base64
import hashlib
import http.client
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, Keyturn  # noqa: E402

GONE = (OSError, http.client.HTTPException)
AGENTS = {f"load{n}": "olga" for n in range(6)}
CONFIG = "limits: {pending_per_agent: 1000000, requests_per_second: 1000000}\n"
ED25519_SPKI = bytes.fromhex("302a300506032b6570032100")


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """RFC 6962: roots of every size."""

    def __init__(self):
        self.levels = [[]]  # complete subtrees of 1, 2, 4, ... leaves

    def __len__(self):
        return len(self.levels[0])

    def append(self, leaf_hash):
        self.levels[0].append(leaf_hash)
        level = 0
        while len(self.levels[level]) % 2 == 0:
            if level + 1 == len(self.levels):
                self.levels.append([])
            self.levels[level + 1].append(node(*self.levels[level][-2:]))
            level += 1

    def root(self, size):
        assert 0 < size <= len(self), (size, len(self))
        right, first = None, size
        for level in range(size.bit_length()):
            if size >> level & 1:  # from the right edge up: the smallest subtree first
                first -= 1 << level
                subtree = self.levels[level][first >> level]
                right = subtree if right is None else node(subtree, right)
        return right


def consistent(old_size, old_root, size, root, proof):
    """RFC 9162 2.1.4.2."""
    if old_size == size:
        return not proof and old_root == root
    proof = list(proof)
    if old_size & (old_size - 1) == 0:
        proof.insert(0, old_root)
    if not proof:
        return False
    fn, sn = old_size - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for hash_ in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(hash_, fr), node(hash_, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, hash_)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == root


def signed_by(vkey, note):
    """openssl's word on a checkpoint's signature."""
    text, lines = note.split("\n\n")
    key = base64.b64decode(vkey.split("+", 2)[2])[1:]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "key").write_bytes(ED25519_SPKI + key)
        (folder / "text").write_text(text + "\n")
        (folder / "signature").write_bytes(base64.b64decode(lines.split("\n")[0].split(" ")[2])[4:])
        return subprocess.run(["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", "key", "-sigfile", "signature", "-in", "text"],
                              cwd=folder, capture_output=True).returncode == 0


class Clients:
    """Agents and people at work, and somebody who reads the record meanwhile; they remember what they were told."""

    def __init__(self, server, name):
        self.k, self.name = server, name
        self.lock = threading.Lock()
        self.actions = {}      # id -> highest last_index that was acknowledged
        self.grants = {}       # grant id -> action id
        self.leaves = {}       # index -> leaf bytes
        self.notes = []        # checkpoints, in the order seen
        self.ids = {}          # text of an append -> action id
        self.answers = 0
        self.stop = threading.Event()
        self.enough = threading.Event()
        self.signed = threading.Event()  # a checkpoint was signed while they looked
        self.wanted = None     # sets `enough` after so many answers
        self.threads = []

    def told(self, answer, *statuses):
        assert answer.status in statuses, answer
        action = answer.json
        with self.lock:
            self.actions[action["id"]] = max(self.actions.get(action["id"], 0), action["ledger"]["last_index"])
            if action["grant"]:
                self.grants[action["grant"].split(".")[0]] = action["id"]
            self.answers += 1
            if self.wanted is not None and self.answers >= self.wanted:
                self.enough.set()
        return action

    def ask(self, worker, number):
        who, text = f"load{worker}", f"{self.name}-{worker}-{number}"
        if number % 3 == 0:
            self.told(self.k.request("echo", {"text": text}, who, wait=20), 200)
        elif number % 3 == 1:
            self.told(self.k.request("deploy", {"ref": text}, who), 200, 201, 202)
        else:
            action = self.told(self.k.request("append", {"text": text}, who), 202)
            with self.lock:
                self.ids[text] = action["id"]
            for voter in ("bob", "carol") if number % 2 else ("erin", "dave"):
                self.told(self.k.vote(action, voter), 200)

    def work(self, worker):
        number = 0
        try:
            while not self.stop.is_set():
                self.ask(worker, number)
                number += 1
        except GONE:
            pass

    def read_once(self):
        note = self.k.get("/checkpoint")
        assert note.status == 200, note
        with self.lock:
            if not self.notes or self.notes[-1] != note.body.decode():
                self.notes.append(note.body.decode())
                if len(self.notes) > 1:
                    self.signed.set()
            start = self.read_from
        for item in entries(self.k, start, 1):
            self.leaves[item[0]] = item[1]
            self.read_from = item[0] + 1

    def read(self):
        try:
            while not self.stop.is_set():
                self.read_once()
        except GONE:
            pass

    def start(self, read_from=0, workers=len(AGENTS)):
        self.read_from = read_from
        for call in [*([lambda n=n: self.work(n) for n in range(workers)]), self.read]:
            self.threads.append(self.k.later(call))
        return self

    def join(self):
        """An assertion of a worker is a failure of the test."""
        self.stop.set()
        for thread in self.threads:
            thread.result(DEADLINE * 2)


def entries(k, start, pages=None):
    """(index, leaf) of the committed entries, as they are served."""
    while pages is None or pages > 0:
        answer = k.get(f"/v1/ledger/entries?from={start}&limit=256", "ada")
        assert answer.status == 200, answer
        items = answer.json["items"]
        for item in items:
            leaf = base64.b64decode(item["leaf"])
            assert hashlib.sha256(b"\0" + leaf).hexdigest() == item["hash"], item
            yield item["index"], leaf
        if not items:
            return
        start = items[-1]["index"] + 1
        pages = pages - 1 if pages is not None else None


class Record:
    """What the record has said so far; each look at it must agree with all before."""

    def __init__(self, test, server):
        self.test, self.k = test, server
        self.tree, self.leaves = Tree(), []
        self.tools = {}                # action stream -> tool
        self.intended = set()          # action streams with an execution.intended
        self.granted = set()           # action streams with a grant.issued
        self.checkpoints = []          # (size, root) in the order seen, notes beside
        self.notes = {}                # size -> note
        self.acknowledged = 0

    def read_new(self):
        for index, leaf in entries(self.k, len(self.leaves)):
            assert index == len(self.leaves), (index, len(self.leaves))
            self.leaves.append(leaf)
            self.tree.append(hashlib.sha256(b"\0" + leaf).digest())
            said = json.loads(leaf)
            if said["type"].startswith("action.") and "tool" in said.get("action", {}):
                self.tools[said["stream"]] = said["action"]["tool"]
            if said["type"] == "execution.intended":
                self.intended.add(said["stream"])
            if said["type"] == "grant.issued":
                self.granted.add(said["stream"])

    def check_leaves(self, clients):
        for index, leaf in sorted(clients.leaves.items()):
            self.test.assertLess(index, len(self.leaves), "an entry that was served is gone")
            self.test.assertEqual(leaf, self.leaves[index], f"entry {index} is another")
        for action, last in clients.actions.items():
            self.test.assertLess(last, len(self.leaves), f"acknowledged and lost: {action} at {last}")
            self.test.assertEqual(json.loads(self.leaves[last])["stream"], f"action/{action}", f"entry {last} is another action's")
            self.acknowledged += 1

    def check_release(self, clients):
        """Nothing took effect that is not recorded before."""
        lines = self.k.lines()
        self.test.assertEqual(len(lines), len(set(lines)), "ran twice")
        ran = sum(1 for stream in self.intended if self.tools.get(stream) == "append")
        self.test.assertLessEqual(len(lines), ran, "something ran that the record does not know of")
        for text in set(lines) & set(clients.ids):
            self.test.assertIn(f"action/{clients.ids[text]}", self.intended, f"{text} ran and the record does not say so")
        for grant, action in clients.grants.items():
            self.test.assertIn(f"action/{action}", self.granted, f"{grant} was handed out and the record does not say so")

    def check_checkpoint(self, note):
        origin, size, root = note.split("\n")[:3]
        size, root = int(size), base64.b64decode(root)
        self.test.assertEqual(origin, self.k.vkey.split("+")[0])
        if size == 0:
            return
        if size in self.notes:
            self.test.assertEqual(self.notes[size], note, "two checkpoints of one size")
            return
        self.test.assertLessEqual(size, len(self.tree), "entries that were signed are gone")
        self.test.assertEqual(self.tree.root(size), root, f"the signed root of {size} entries is not theirs")
        if self.checkpoints:
            old_size, old_root = self.checkpoints[-1]
            self.test.assertGreater(size, old_size, "a checkpoint went back")
            answer = self.k.get(f"/v1/ledger/consistency?from={old_size}&to={size}", "ada")
            self.test.assertEqual(answer.status, 200, answer)
            proof = [bytes.fromhex(h) for h in answer.json["proof"]]
            self.test.assertTrue(consistent(old_size, old_root, size, root, proof), f"{size} does not continue {old_size}")
        self.checkpoints.append((size, root))
        self.notes[size] = note

    def check(self, clients):
        """The server runs again: everything that the clients were told stands, and nothing stands in two ways."""
        self.read_new()
        self.check_leaves(clients)
        self.check_release(clients)
        for note in clients.notes:
            self.check_checkpoint(note)
        self.check_checkpoint(self.k.get("/checkpoint").body.decode())

    def check_all(self, signatures=40):
        """The whole record once more from its first entry; the signatures of a sample of the checkpoints; our own verifier."""
        for index, leaf in entries(self.k, 0):
            if index >= len(self.leaves):
                break
            self.test.assertEqual(leaf, self.leaves[index], f"entry {index} is another")
        for size in random.sample(sorted(self.notes), min(signatures, len(self.notes))):
            self.test.assertTrue(signed_by(self.k.vkey, self.notes[size]), self.notes[size])
        done = self.k.cli("verify", self.k.url, "--key", self.k.vkey, token="ada", check=False, timeout=120)
        self.test.assertEqual(done.code, 0, done.out + done.err)


def server():
    return Keyturn(config=CONFIG, agents=AGENTS)
