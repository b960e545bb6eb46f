"""keyturn evidence: what an auditor gets is complete, verifies offline by two programs, and every figure of it is counted again here."""
import base64
import collections
import copy
import csv
import datetime
import hashlib
import html.parser
import importlib.util
import io
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time
import unittest
import warnings
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, POLICY, Keyturn  # noqa: E402
from support.passkey import Browser  # noqa: E402

BUCKETS = [("< 10 s", 10_000), ("< 1 min", 60_000), ("< 5 min", 300_000), ("< 15 min", 900_000), ("< 1 h", 3_600_000),
           ("< 4 h", 14_400_000), ("< 24 h", 86_400_000), ("24 h +", None)]


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def ms(start, end):
    return round((when(end) - when(start)) / datetime.timedelta(milliseconds=1))


def most_first(counter):
    return [{"name": name, "count": count} for name, count in sorted(counter.items(), key=lambda item: (-item[1], item[0]))]


def by_name(counter):
    return [{"name": name, "count": counter[name]} for name in sorted(counter)]


def nearest_rank(values, percent):
    return values[max(1, -(-len(values) * percent // 100)) - 1] if values else None


def counted_again(leaves):
    """Every figure, from the leaves and from nothing else."""
    streams = collections.defaultdict(list)
    for leaf in leaves:
        if leaf["stream"].startswith("action/"):
            streams[leaf["stream"]].append(leaf)
    population = [events for events in streams.values() if events[0]["position"] == 1]
    c = collections.defaultdict(collections.Counter)
    f = collections.Counter()
    waits = []
    for events in population:
        first = events[0]
        verdict = first["policy"]["verdict"]
        state = ""
        for e in events:
            if e["type"] == "review.closed" and e["review"]["result"] == "approved":
                state = "approved"
            state = e.get("state", state)
        c["effects"][verdict["effect"]] += 1
        c["outcomes"][state] += 1
        c["tools"][first["action"]["tool"]] += 1
        c["agents"][first["agent"]["id"]] += 1
        c["owners"][first["agent"]["owner"]] += 1
        c["models"][first["claims"].get("model") or "(none claimed)"] += 1
        for rule in verdict["rules"]:
            c["rules"][rule] += 1
        for hit in verdict["hits"]:
            for exception in hit.get("exceptions", []):
                c["exceptions"][hit["rule"] + ": " + exception] += 1
        c["days"][first["time"][:10]] += 1
        withdrawn = set()
        lineage = {first["lineage"]["requester"], *(p["id"] for p in first["lineage"]["parties"])}
        for e in reversed(events):
            if e["type"] == "review.vote_withdrawn":
                withdrawn.add(e["vote"]["reviewer"])
            if e["type"] == "review.voted" and e["vote"]["reviewer"] not in withdrawn:
                vote = e["vote"]
                f["votes"] += 1
                f["assertions"] += "assertion" in vote
                f["votes_of_lineage"] += vote["decision"] == "approve" and vote["reviewer"] in lineage
                c["reviewers"][vote["reviewer"]] += 1
                c["assurances"][vote["assurance"]] += 1
        results = [e["review"]["result"] for e in events if e["type"] == "review.closed"]
        if any(e["type"] == "execution.intended" for e in events):
            f["executions"] += 1
            f["required_executions"] += verdict["effect"] == "require"
            f["unapproved_executions"] += verdict["effect"] == "require" and results[-1:] != ["approved"]
        if results and results[-1] in ("approved", "denied"):
            f["approved"] += results[-1] == "approved"
            f["denied_by_people"] += results[-1] == "denied"
            waits.append(ms(next(e["time"] for e in events if e["type"] == "review.opened"), [e["time"] for e in events if e["type"] == "review.closed"][-1]))
    waits.sort()
    days, day, last = [], when(leaves[0]["time"]).date(), when(leaves[-1]["time"]).date()
    while day <= last:
        days.append({"name": str(day), "count": c["days"][str(day)]})
        day += datetime.timedelta(days=1)
    histogram = [{"name": name, "count": 0} for name, _ in BUCKETS]
    for wait in waits:
        histogram[next(i for i, (_, below) in enumerate(BUCKETS) if below is None or wait < below)]["count"] += 1
    return {"entries": len(leaves), "actions": len(population), "carried": len(streams) - len(population),
            "types": by_name(collections.Counter(leaf["type"] for leaf in leaves)), "days": days,
            **{key: most_first(c[key]) for key in ("effects", "outcomes", "tools", "agents", "owners", "models", "rules", "exceptions", "reviewers")},
            "assurances": by_name(c["assurances"]), "reviews": len(waits), "approved": f["approved"], "denied_by_people": f["denied_by_people"],
            "decision_p50_ms": nearest_rank(waits, 50), "decision_p95_ms": nearest_rank(waits, 95), "decision_max_ms": nearest_rank(waits, 100),
            "decision_histogram": histogram,
            **{key: f[key] for key in ("votes", "assertions", "votes_of_lineage", "executions", "required_executions", "unapproved_executions")}}


class Html(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.ids, self.links, self.text = set(), set(), [], []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.add(value)
            if name in ("href", "src", "action", "xlink:href"):
                self.links.append(value)
            assert not name.startswith("on"), "a script in an attribute"

    def handle_data(self, data):
        self.text.append(data)


class Evidence(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(config="limits: {requests_per_second: 1000, pending_per_agent: 1000}\n")
        cls.addClassCleanup(cls.k.close)
        cls.before = cls.k.request("append", {"text": "begun before"}).json
        cls.k.write_policy(POLICY.replace("id: never,", "id: never-again,"))
        cls.k.reload()
        signed = cls.k.request("append-passkey", {"text": "signed"}).json
        assert Browser(cls.k, "bob").signed_vote(signed).status == 200
        cls.k.settled(signed["id"])
        cls.settle_before = cls.k.request("echo", {"text": "x"}, wait=20).json["ledger"]["last_index"] + 1
        cls.k.write_policy(POLICY.replace("revision: 1", "revision: 2").replace("id: never,", "id: never-ever,"))
        cls.k.reload()
        for n in range(24):
            claims = {"model": ["model-a", "модель-ж", "=cmd|' /C calc'!A0"][n % 3], "on_behalf_of": "alice@example.com", "session": f"s{n}"}
            action = cls.k.request("append", {"text": f"private words {n}"}, reason="a private reason", claims=claims).json
            cls.k.vote(action, "bob", note="a private note")
            if n % 6 == 0:
                cls.k.delete(f"/v1/actions/{action['id']}/votes", "bob")
                cls.k.vote(action, "erin")
            if n % 5:
                cls.k.vote(action, "carol", "approve" if n % 4 else "deny")
        for n in range(30):
            cls.k.request("echo", {"text": f"read {n}"}, who="bot2" if n % 3 else "bot", wait=20).json
        for n in range(4):
            cls.k.request("forbidden", wait=20).json
        cls.k.vote(cls.before, "bob")
        cls.k.vote(cls.before, "carol")
        cls.last = cls.k.settled(cls.before["id"])["ledger"]["last_index"]
        deadline = time.monotonic() + DEADLINE
        while int(cls.k.get("/checkpoint").body.decode().splitlines()[1]) <= cls.last:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        cls.out = cls.k.folder / "whole"
        cls.k.cli("evidence", "--out", cls.out, token="ada")
        cls.part = cls.k.folder / "part"
        cls.k.cli("evidence", "--from", cls.settle_before, "--to", cls.last + 1, "--sample", "7", "--seed", "the auditor's own",
                  "--out", cls.part, token="ada")
        cls.shown = cls.k.folder / "shown.zip"
        cls.k.host("evidence", "--from", cls.settle_before, "--reveal", "--out", cls.shown)

    def leaves(self, folder):
        bundle = json.loads((folder / "bundle.json").read_text())
        return bundle, [json.loads(e if isinstance(e, str) else base64.b64decode(e["base64"])) for e in bundle["entries"]]

    def keyturn(self, path, key=None):
        return self.k.cli("verify", path, "--key", key or self.k.vkey, check=False)

    def script(self, folder, key=None):
        return subprocess.run([sys.executable, "-I", "-B", str(folder / "verify.py"), "--key", key or self.k.vkey], capture_output=True, text=True)

    def assert_both(self, folder, codes, words=""):
        ours, theirs = self.keyturn(folder), self.script(folder)
        self.assertIn(ours.code, codes, ours.out + ours.err)
        self.assertIn(theirs.returncode, codes, theirs.stdout + theirs.stderr)
        self.assertRegex(theirs.stdout, words or ".")

    def changed(self, change, source=None):
        folder = self.k.folder / "changed"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(source or self.part, folder)
        change(folder)
        return folder

    def test_each_file_that_is_changed_by_one_byte_is_found_by_both(self):
        names = sorted(p.relative_to(self.part).as_posix() for p in self.part.rglob("*") if p.is_file())
        self.assertGreater(len(names), 13)
        for name in names:
            content = (self.part / name).read_bytes()
            for at in (0, len(content) // 2, len(content) - 1):
                with self.subTest(name, at=at):
                    def flip(folder, name=name, content=content, at=at):
                        (folder / name).write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1:])
                    changed = self.changed(flip)
                    self.assertIn(self.keyturn(changed).code, (1, 3) if name in ("bundle.json", "checkpoint", "manifest.json") or "proofs/" in name else (1,))
                    if name != "verify.py":  # the script that says INTACT of itself is nobody's proof; keyturn verify looks at it
                        self.assertIn(self.script(changed).returncode, (1, 3))
                    elif at == len(content) // 2:
                        self.assertIn("this script itself", self.script(self.part).stdout)
            with self.subTest(name, gone=True):
                self.assertIn(self.keyturn(self.changed(lambda folder: (folder / name).unlink())).code, (1, 3))

    def forge(self, folder, name, content):
        """As somebody who knows the format: with the digest."""
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["files"][name] = hashlib.sha256(content).hexdigest()
        manifest["files"] = dict(sorted(manifest["files"].items()))
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")

    def test_a_file_that_is_changed_together_with_its_digest_is_found_or_said_to_be_unchecked(self):
        said = " ".join(self.script(self.part).stdout.split())
        for name in ("actions.csv", "figures.json", "controls.json", "passkeys.json", "report.html", "README.txt", "verify.py", "report.pdf", "notes.txt"):
            with self.subTest(name):
                content = (self.part / name).read_bytes() if name != "notes.txt" else b""
                forged = self.changed(lambda folder: self.forge(folder, name, content + b"\n"))
                ours, theirs = self.keyturn(forged), self.script(forged)
                if name == "report.pdf":
                    self.assertEqual(ours.code, 0, ours.out)
                    self.assertRegex(ours.out, "not checked  report.pdf: ")
                    told = json.loads(self.k.cli("verify", forged, "--key", self.k.vkey, "--json").out)["not_checked"]
                    self.assertTrue([t for t in told if t.startswith("report.pdf: ")], told)
                else:
                    self.assertEqual(ours.code, 1, ours.out)
                    self.assertIn(name, ours.out)
                if name in ("passkeys.json", "notes.txt"):
                    self.assertEqual(theirs.returncode, 1 if name == "notes.txt" else 0, theirs.stdout)
                elif name == "actions.csv":
                    self.assertIn("nor the other columns of actions.csv", said)
                elif name != "verify.py":
                    self.assertRegex(said, rf"not checked: that [^:]*{re.escape(name)}")
        forged = self.changed(lambda folder: self.forge(folder, "passkeys.json", b'{"credentials_added": [], "votes": [{}]}'))
        self.assertEqual((self.keyturn(forged).code, self.script(forged).returncode), (1, 1))
        text = (self.part / "actions.csv").read_bytes()
        forged = self.changed(lambda folder: self.forge(folder, "actions.csv", text.replace(b",yes\r\n", b",\r\n", 1)))
        self.assertEqual((self.keyturn(forged).code, self.script(forged).returncode), (1, 1), "another sample")

    def test_fields_of_the_manifest_are_those_of_the_record(self):
        manifest = json.loads((self.part / "manifest.json").read_text())
        for field, other in {"format": "keyturn/evidence/v9", "origin": "log.example", "root": "00" * 32, "size": manifest["size"] + 1, "from": 0, "to": 0,
                             "seed": "another", "sample": manifest["sample"] + 1, "revealed": 1}.items():
            with self.subTest(field):
                changed = self.changed(lambda folder: (folder / "manifest.json").write_text(json.dumps({**manifest, field: other}, indent=2) + "\n"))
                self.assert_both(changed, (1,) if field != "format" else (1, 3))
        twice = (self.part / "manifest.json").read_text().replace('"seed": ', '"seed": "x",\n  "seed": ', 1)
        self.assert_both(self.changed(lambda folder: (folder / "manifest.json").write_text(twice)), (1, 3))
        for field, other in {"asked": "all of it", "made_at": "2020-01-01T00:00:00.000Z", "controls": "AU-10", "erased": 3, "pdf_missing": "no"}.items():
            with self.subTest(field):
                changed = self.changed(lambda folder: (folder / "manifest.json").write_text(json.dumps({**manifest, field: other}, indent=2) + "\n"))
                self.assertEqual(self.keyturn(changed).code, 1)
                self.assertRegex(self.script(changed).stdout, rf"not checked: this script itself; .*\b{field}\b")

    def loaded(self):
        """verify.py as a module."""
        specification = importlib.util.spec_from_file_location("carried", self.out / "verify.py")
        module = importlib.util.module_from_spec(specification)
        written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        try:
            specification.loader.exec_module(module)
        finally:
            sys.dont_write_bytecode = written
        return module

    def test_the_script_verifies_votes_by_passkey(self):
        self.assertIn("1 votes by passkey", self.script(self.out).stdout)
        self.assertIn("1 votes by passkey verified", self.keyturn(self.out).out)
        script = self.loaded()

        def wrong(leaf):
            return script.passkey_wrong(leaf, *script.SIGNED["review.voted"][::3])

        _, leaves = self.leaves(self.out)
        vote = next(leaf for leaf in leaves if leaf["type"] == "review.voted" and "assertion" in leaf["vote"])
        self.assertIsNone(wrong(vote))

        def changed(field, value):
            other = copy.deepcopy(vote)
            other["vote"]["assertion"][field] = value
            return other
        assertion = vote["vote"]["assertion"]
        for field in ("authenticator_data", "signature", "public_key"):
            raw = bytearray(base64.urlsafe_b64decode(assertion[field] + "=="))
            raw[-1] ^= 1
            self.assertIn("signature does not verify", wrong(changed(field, base64.urlsafe_b64encode(raw).decode().rstrip("="))), field)
        raw = bytearray(base64.urlsafe_b64decode(assertion["authenticator_data"] + "=="))
        raw[32] &= ~4
        self.assertIn("nobody was verified", wrong(changed("authenticator_data", base64.urlsafe_b64encode(raw).decode().rstrip("="))))
        self.assertIn("another challenge", wrong(changed("signed", assertion["signed"].replace("{", "{ ", 1))))
        self.assertIn("another vote", wrong({**vote, "stream": "action/act_other"}))
        self.assertIn("signature does not verify", wrong(changed("algorithm", -8)))

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
    def test_the_script_verifies_what_openssl_signs(self):
        script, message = self.loaded(), b"what an authenticator signs"
        file = self.k.folder / "signed.txt"
        file.write_bytes(message)

        def openssl(*words):
            return subprocess.run(["openssl", *map(str, words)], capture_output=True, check=True, cwd=self.k.folder).stdout
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "rsa.pem")
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "ec.pem")
        modulus = bytes.fromhex(openssl("rsa", "-in", "rsa.pem", "-noout", "-modulus").decode().strip().partition("=")[2])
        point = openssl("pkey", "-in", "ec.pem", "-pubout", "-outform", "DER")[-64:]
        for verify, key, pem in ((script.rs256_verify, modulus + b"\1\0\1", "rsa.pem"), (script.es256_verify, point, "ec.pem")):
            for _ in range(8):
                signature = openssl("dgst", "-sha256", "-sign", pem, file)
                self.assertTrue(verify(key, message, signature), signature.hex())
                self.assertFalse(verify(key, message + b".", signature))
                self.assertFalse(verify(key, message, signature[:-1] + bytes([signature[-1] ^ 1])))
                self.assertFalse(verify(key, message, signature[:-1]))
                self.assertFalse(verify(key, message, b""))

    def test_a_seed_that_is_not_the_root_is_remarked(self):
        for folder, remarked in ((self.out, False), (self.part, True)):
            self.assertEqual("the auditor's own\", is not the checkpoint's root" in self.keyturn(folder).out, remarked)
            self.assertEqual("and not the checkpoint's root" in self.script(folder).stdout, remarked)

    def test_what_does_not_belong_into_a_bundle_is_refused(self):
        def add(name):
            def change(folder):
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_text("believe me")
            return change
        for name in ("notes.txt", "policy/notes.json", "proofs/more.tlog-proof", "more/bundle.json", "Checkpoint"):
            with self.subTest(name):
                self.assert_both(self.changed(add(name)), (1, 3))
        with self.subTest("a link"):
            self.assert_both(self.changed(lambda folder: (folder / "link").symlink_to("/etc/hostname")), (3,))

    def test_an_archive_that_can_be_read_in_two_ways_is_refused(self):
        files = {p.relative_to(self.part).as_posix(): p.read_bytes() for p in self.part.rglob("*") if p.is_file()}
        script = str(self.part / "verify.py")
        for name, more, code in (("good", [], 0), ("twice", [("bundle.json", b"{}")], 3), ("up", [("../evil", b"x")], 3), ("absolute", [("/evil", b"x")], 3),
                                 ("extra", [("notes.txt", b"x")], 1)):
            path = self.k.folder / f"{name}.zip"
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the name that is there twice
                for item in [*files.items(), *more]:
                    archive.writestr(*item)
            with self.subTest(name):
                self.assertEqual(self.keyturn(path).code, code)
                theirs = subprocess.run([sys.executable, "-I", script, "--key", self.k.vkey, str(path)], capture_output=True, text=True)
                self.assertIn(theirs.returncode, (code,) if code == 0 else (1, 3), theirs.stdout)

    def test_it_verifies_offline_by_keyturn_and_by_the_script_it_carries(self):
        for folder in (self.out, self.part):
            self.assert_both(folder, (0,), "INTACT")
        self.assertEqual(self.keyturn(self.shown).code, 0, self.keyturn(self.shown).out)
        with zipfile.ZipFile(self.shown) as archive:
            self.assertIsNone(archive.testzip())
            archive.extractall(self.k.folder / "unpacked")
        self.assert_both(self.k.folder / "unpacked", (0,), "[1-9][0-9]* private parts shown")
        text = (self.out / "verify.py").read_text()
        self.assertEqual(set(re.findall(r"^import (\w+)", text, re.M)) - sys.stdlib_module_names, set())
        self.assertNotRegex(text, r"\b(urllib|socket|http|subprocess|eval|exec)\b")

    def test_every_figure_is_what_the_leaves_say(self):
        for folder in (self.out, self.part):
            _, leaves = self.leaves(folder)
            self.maxDiff = None
            self.assertEqual(json.loads((folder / "figures.json").read_text()), counted_again(leaves))
        figures = json.loads((self.part / "figures.json").read_text())
        self.assertEqual((figures["carried"], figures["actions"]), (1, 58))
        self.assertGreater(figures["reviews"], 5)
        self.assertEqual((figures["unapproved_executions"], figures["votes_of_lineage"]), (0, 0))

    def test_the_population_is_complete_and_the_sample_can_be_drawn_again(self):
        for folder, size, seed in ((self.out, 25, None), (self.part, 7, "the auditor's own")):
            bundle, leaves = self.leaves(folder)
            seed = seed or base64.b64decode(bundle["checkpoint"].splitlines()[2]).hex()
            population = {e["action"]["id"]: bundle["from"] + i for i, e in enumerate(leaves) if e["type"] == "action.decided" and e["position"] == 1}
            rows = list(csv.DictReader(io.StringIO((folder / "actions.csv").read_bytes().decode())))
            self.assertEqual({r["action"]: int(r["index"]) for r in rows}, population)
            drawn = sorted(population, key=lambda a: hashlib.sha256(f"{seed}:{a}".encode()).digest())[:size]
            self.assertEqual({r["action"] for r in rows if r["sampled"]}, set(drawn))
        row = next(r for r in rows if r["claimed_model"].startswith("'="))
        self.assertEqual(row["claimed_on_behalf_of"], "alice@example.com")
        succeeded = next(r for r in rows if r["tool"] == "append" and r["state"] == "succeeded")
        self.assertRegex(succeeded["approved_by"], r"^(bob|erin) \(token\), carol \(token\)$")
        for column in ("agent", "owner", "operation", "resource_name", "rules", "policy", "review_ms", "execution_ms", "exit_code"):
            self.assertTrue(succeeded[column], column)

    @unittest.skipUnless(shutil.which("pdftotext"), "poppler-utils is not installed")
    def test_the_pdf_says_the_figures_and_has_numbered_pages(self):
        path = self.part / "report.pdf"
        self.assertTrue(path.exists(), "no PDF: cairo and Pango are not installed")
        text = subprocess.run(["pdftotext", "-layout", str(path), "-"], capture_output=True, text=True, check=True).stdout
        f = json.loads((self.part / "figures.json").read_text())
        pages = text.split("\f")[:-1]
        for number, page in enumerate(pages, 1):
            self.assertRegex(page.rstrip().splitlines()[-1] + page.rstrip().splitlines()[-2], rf"\b{number}$|\b{number}\b", "a page number")
        flat = re.sub(r"[ \t]+", " ", text)
        for words in (f"Entries {f['entries']}", f"Actions requested (the population) {f['actions']}", f"Executions started {f['executions']}",
                      f"Reviews that people decided {f['reviews']}", f"Reviews approved {f['approved']}", f"Reviews denied {f['denied_by_people']}",
                      f"Votes that stand {f['votes']}", "Contents", "AC-3(2)", "CC8.1", "модель-ж", "the auditor's own", "How to verify"):
            self.assertIn(words, flat)
        for key in ("effects", "outcomes", "rules", "tools", "agents", "reviewers"):
            for item in f[key]:
                self.assertRegex(flat, rf"{re.escape(item['name'])} {item['count']}\b", key)
        for chapter in ("Summary", "Figures of the period", "Controls", "Sample", "Population", "Policy versions"):
            said = int(re.search(rf"^ *{chapter} +(\d+)$", pages[0], re.M)[1])
            self.assertRegex(pages[said - 1], rf"(?m)^ *{chapter}", f"{chapter} is on page {said}")
        information = subprocess.run(["pdffonts", str(path)], capture_output=True, text=True, check=True).stdout
        self.assertNotRegex(information, r"(?m)\bno +(yes|no) +(yes|no) +\d+ +0$", "every font is embedded")

    def test_the_html_needs_nothing_but_itself(self):
        page = Html()
        page.feed((self.part / "report.html").read_text())
        self.assertFalse(page.tags & {"script", "link", "img", "iframe", "object", "form"}, page.tags)
        for link in page.links:
            self.assertTrue(link.startswith("#") and link[1:] in page.ids, link)
        text = " ".join(page.text)
        f = json.loads((self.part / "figures.json").read_text())
        self.assertGreaterEqual(len([t for t in page.tags if t == "svg"]), 1)
        for words in ("модель-ж", "Time to decision", f"{f['actions']} actions requested", "NIST SP 800-53 AU-10", "SOC 2 CC8.1", "must be 0"):
            self.assertIn(words, text)
        rows = list(csv.DictReader(io.StringIO((self.part / "actions.csv").read_bytes().decode())))
        for row in rows:
            if row["sampled"]:
                self.assertIn("a-" + row["action"], page.ids)

    def test_policy_versions_are_bound_to_the_log(self):
        _, leaves = self.leaves(self.part)
        digest = next(leaf["policy"]["digest"] for leaf in leaves if leaf["type"] == "action.decided").removeprefix("sha256:")
        canonical = (self.part / f"policy/{digest}.json").read_bytes()
        self.assertEqual(hashlib.sha256(canonical).hexdigest(), digest)
        self.assertEqual(json.loads(canonical)["metadata"]["revision"], 2)
        self.assertIn("never-ever", (self.part / f"policy/{digest}.yaml").read_text())
        proofs = list((self.part / "proofs").iterdir())
        self.assertEqual(len(proofs), 1, "the version that was in force when the period began")
        self.assertEqual(self.keyturn(proofs[0]).code, 0)
        with zipfile.ZipFile(self.shown) as archive:
            documents = [n for n in archive.namelist() if n.startswith("policy/") and n.endswith(".json")]
        self.assertEqual(len(documents), 2, "the data folder has the text that was in force when the period began too, and none before it")

    def test_private_parts_are_shown_only_when_asked_for_and_only_on_the_host(self):
        for path in sorted(self.part.rglob("*")):
            if path.is_file():
                self.assertNotIn(b"private words", path.read_bytes(), path)
        with zipfile.ZipFile(self.shown) as archive:
            bundle = json.loads(archive.read("bundle.json"))
            self.assertIn("private words 3", str([r["payload"] for r in bundle["revealed"]]))
            self.assertNotIn(b"private words", archive.read("report.html"))
        denied = self.k.cli("evidence", "--reveal", "--out", self.k.folder / "no", token="ada", check=False)
        self.assertEqual(denied.code, 2)
        self.assertNotEqual(self.k.cli("evidence", "--out", self.k.folder / "no", token="bot", check=False).code, 0)
        self.assertFalse((self.k.folder / "no").exists())

    def test_periods_controls_and_mistakes(self):
        today = str(datetime.datetime.now(datetime.timezone.utc).date())
        _, leaves = self.leaves(self.out)
        days = {leaf["time"][:10] for leaf in leaves}
        for words, expect in ((["--from", min(days), "--to", max(days)], len(leaves)), (["--to", "2020-01-01"], 0), (["--from", "2099-01-01"], 0),
                              (["--from", leaves[30]["time"]], None), (["--from", "5", "--to", "9"], 4)):
            folder = self.k.folder / "period"
            shutil.rmtree(folder, ignore_errors=True)
            made = json.loads(self.k.cli("evidence", *words, "--control", "AU-10,CC8", "--json", "--out", folder, token="ada").out)
            bundle, some = self.leaves(folder)
            self.assertEqual((bundle["from"], len(some)), (made["from"], made["to"] - made["from"]))
            if expect is None:
                self.assertEqual(some, [leaf for leaf in leaves if leaf["time"] >= leaves[30]["time"]])
            else:
                self.assertEqual(len(some), expect, (words, today))
            self.assert_both(folder, (0,))
        controls = [c["control"] for c in json.loads((folder / "controls.json").read_text())]
        self.assertEqual(controls, ["AU-10", "CC8.1"])
        every = [c["control"] for c in json.loads((self.out / "controls.json").read_text())]
        for control in ("AU-2", "AU-3", "AU-9", "AU-10", "AU-11", "AU-12", "AC-3(2)", "AC-5", "AC-6(9)", "CM-5", "CC6.1", "CC7.2", "CC8.1"):
            self.assertIn(control, every)
        for words in (["--control", "XX-1"], ["--from", "yesterday"], ["--from", "9", "--to", "5"]):
            self.assertEqual(self.k.cli("evidence", *words, "--out", self.k.folder / "no", token="ada", check=False).code, 2, words)
        self.assertEqual(self.k.cli("evidence", "--out", self.out, token="ada", check=False).code, 5, "a folder that is not empty")

    def test_whatever_is_changed_is_found_by_both(self):
        def bundle(change):
            def apply(folder):
                content = json.loads((folder / "bundle.json").read_text())
                change(content)
                (folder / "bundle.json").write_text(json.dumps(content, ensure_ascii=False))
            return apply

        def entry(at, old, new):
            def change(b):
                assert old in b["entries"][at], b["entries"][at]
                b["entries"][at] = b["entries"][at].replace(old, new)
            return bundle(change)

        def text(name, old, new):
            def change(folder):
                content = (folder / name).read_bytes()
                assert old in content, name
                (folder / name).write_bytes(content.replace(old, new, 1))
            return change

        def without(key):
            return bundle(lambda b: b[key].pop())

        def swap(b):
            b["entries"][3], b["entries"][4] = b["entries"][4], b["entries"][3]

        def move(b):
            b["from"] += 1
        first = next(r for r in csv.DictReader(io.StringIO((self.part / "actions.csv").read_bytes().decode())))
        policy = next((self.part / "policy").glob("*.json")).name
        proof = next((self.part / "proofs").iterdir()).name
        cases = {
            "an entry": entry(5, '"v":1', '"v":2'), "one entry less": without("entries"), "swapped": bundle(swap), "moved": bundle(move),
            "the rest of the tree": without("before"), "an entry too many": bundle(lambda b: b["entries"].append(b["entries"][-1])),
            "the checkpoint's size": bundle(lambda b: b.update(checkpoint=re.sub(r"\n(\d+)\n", lambda m: f"\n{int(m[1]) + 1}\n", b["checkpoint"], count=1))),
            "a row of the list": text("actions.csv", first["action"].encode(), b"act_other"),
            "a policy document": text("policy/" + policy, b"keyturn/v1", b"keyturn/v2"),
            "a proof": text("proofs/" + proof, b"index ", b"index 1"),
        }
        for name, change in cases.items():
            with self.subTest(name):
                self.assert_both(self.changed(change), (1, 3))
        with self.subTest("a figure"):
            self.assert_both(self.changed(text("figures.json", b'"votes": ', b'"votes": 1')), (1,))
        with self.subTest("a private part that is shown"):
            with zipfile.ZipFile(self.shown) as archive:
                shutil.rmtree(self.k.folder / "unzipped", ignore_errors=True)
                archive.extractall(self.k.folder / "unzipped")
            self.assert_both(self.changed(bundle(lambda b: b["revealed"][0].update(payload="{}")), self.k.folder / "unzipped"), (1,))
        with self.subTest("a damaged archive"):
            content = bytearray(self.shown.read_bytes())
            content[len(content) // 2] ^= 1
            broken = self.k.folder / "broken.zip"
            broken.write_bytes(content)
            self.assertIn(self.keyturn(broken).code, (1, 3))
        with self.subTest("another key"):
            other = Keyturn(people={}, agents={}, start=False)
            try:
                self.assertEqual(self.keyturn(self.part, other.vkey).code, 3)
                self.assertEqual(self.script(self.part, other.vkey).returncode, 3)
            finally:
                other.close()


if __name__ == "__main__":
    unittest.main()
