"""npm's @sigstore/verify accepts our checkpoints and inclusion proofs, and refuses every change of them.

Needs Node.js and npm; installs the packages of sigstore/package-lock.json where they are missing.
"""
import base64
import json
import pathlib
import subprocess
import sys
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1])]
import logs  # noqa: E402
from logs import flipped, flips, split_bundle  # noqa: E402
from support.npm import install  # noqa: E402

OLD_SIZE = {1: 1, 2: 1, 255: 170, 256: 170, 257: 171, 70000: 65536}
ORIGIN = "log.example/fixture"
PEER = logs.HERE / "sigstore"


class Sigstore(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install(PEER)
        cls.logs = logs.Logs(OLD_SIZE)
        cls.addClassCleanup(cls.logs.close)

    def check(self, cases):
        """What the package says to each case, by its name."""
        lines = "".join(json.dumps({"name": name, **case}) + "\n" for name, case in cases.items())
        done = subprocess.run(["node", str(PEER / "verify.mjs")], input=lines, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        answers = {answer["name"]: answer for answer in map(json.loads, done.stdout.splitlines())}
        self.assertEqual(answers.keys(), cases.keys())
        return answers

    def entries(self, size):
        """A case for each proof that Keyturn made of this log."""
        folder = self.logs.folder(size)
        note, vkey = (folder / "checkpoint").read_text(), (folder / "vkey").read_text()
        bundles = [path for path in self.logs.resources(size) if path.startswith("tile/entries/")]
        leaves = {}
        for path in bundles:
            first = int(path.removeprefix("tile/entries/").split(".p/")[0].replace("x", "").replace("/", "")) * 256
            leaves.update((first + i, entry[2:]) for i, entry in enumerate(split_bundle((folder / path).read_bytes())))
        for line in (folder / "inclusion").read_text().splitlines():
            index, *proof = line.split()
            yield {"vkey": vkey, "note": note, "index": int(index), "leaf": base64.b64encode(leaves[int(index)]).decode(), "proof": proof}

    def test_checkpoints_and_inclusion_are_accepted(self):
        cases = {}
        for size in OLD_SIZE:
            for case in self.entries(size):
                cases[f"{size}: {case['index']}"] = case
            cases[f"{size}: cosigned"] = {**case, "note": self.logs.read(size, "cosigned").decode()}
        self.assertGreater(len(cases), 800)
        for name, answer in self.check(cases).items():
            with self.subTest(name):
                self.assertTrue(answer["accepted"], answer)
                self.assertEqual((answer["origin"], answer["size"]), (ORIGIN, int(name.split(":")[0])))

    def test_the_origin_is_told_to_the_caller_whose_question_it_is(self):
        cases = {str(size): {**next(self.entries(size)), "note": self.logs.read(size, "other-origin").decode()} for size in OLD_SIZE}
        for name, answer in self.check(cases).items():  # signed by the key that is trusted: the package looks no further
            with self.subTest(name):
                self.assertEqual((answer["accepted"], answer["origin"]), (True, "log.example/other"))

    def assertAllRefused(self, cases):
        for name, answer in self.check(cases).items():
            with self.subTest(name):
                self.assertFalse(answer["accepted"], answer)
                self.assertRegex(answer["why"], r"TLOG_INCLUSION_PROOF_ERROR|SyntaxError")

    def test_every_changed_byte_of_a_checkpoint_is_refused(self):
        for size in (1, 257, 70000):
            case = list(self.entries(size))[-1]
            self.assertAllRefused({what: {**case, "note": note.decode("latin-1")} for what, note in flips(case["note"].encode()) if self.counts(note, case["note"].encode())})

    @staticmethod
    def counts(changed, note):
        """Whether a reader of UTF-8 that does not look at what stands before the signature's dash sees another note."""
        try:
            changed.decode()
        except UnicodeDecodeError:
            return True
        return logs.says(changed) != logs.says(note)

    def test_a_changed_leaf_proof_place_key_or_tree_is_refused(self):
        cases = {}
        for size in OLD_SIZE:
            entries = list(self.entries(size))
            case, other = entries[len(entries) // 2], entries[0]
            leaf, proof = base64.b64decode(case["leaf"]), case["proof"]
            for at in (0, len(leaf) // 2, len(leaf) - 1):
                cases[f"{size}: leaf {at}"] = {**case, "leaf": base64.b64encode(flipped(leaf, at)).decode()}
            for i in range(len(proof)):
                turned = flipped(bytes.fromhex(proof[i]), i).hex()
                cases[f"{size}: hash {i}"] = {**case, "proof": [*proof[:i], turned, *proof[i + 1:]]}
                cases[f"{size}: without hash {i}"] = {**case, "proof": proof[:i] + proof[i + 1:]}
            cases[f"{size}: a hash too many"] = {**case, "proof": [*proof, "00" * 32]}
            if len(proof) > 1:
                cases[f"{size}: reordered"] = {**case, "proof": proof[::-1]}
            if size > 1:
                cases[f"{size}: at another place"] = {**case, "index": other["index"]}
                cases[f"{size}: another leaf"] = {**case, "leaf": other["leaf"]}
                cases[f"{size}: an older tree"] = {**case, "note": self.logs.read(size, "old-checkpoint").decode()}
            cases[f"{size}: beyond the tree"] = {**case, "index": size}
            cases[f"{size}: another key"] = {**case, "vkey": self.logs.read(size, "other-vkey").decode()}
            cases[f"{size}: another past"] = {**case, "note": self.logs.read(size, "other-history").decode()}
            cases[f"{size}: no signature"] = {**case, "note": case["note"].split("\n\n")[0] + "\n\n"}
            cases[f"{size}: cut"] = {**case, "note": case["note"][:-9]}
        self.assertAllRefused(cases)


if __name__ == "__main__":
    unittest.main()
