"""npm's @simplewebauthn/server verifies the votes of an evidence bundle, in a script that shares nothing with Keyturn, and refuses every change of them.

Needs Node.js, npm and openssl; installs the packages of simplewebauthn/package-lock.json where they are missing.
"""
import copy
import hashlib
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import simplewebauthn  # noqa: E402
from support.keyturn import Keyturn, until  # noqa: E402
from support.passkey import Browser, b64, unb64  # noqa: E402

POLICY = """apiVersion: keyturn/v1
kind: Policy
metadata: {name: signed, revision: 1}
defaults: {effect: deny, onError: deny}
emergencies:
  break_glass: {openers: [lead], lasts: 30m, reviewers: [dba], review_within: 12h}
rules:
- {id: three, match: {tool: [append-passkey]}, effect: require, require: {quorum: {dba: 3}, assurance: passkey, expires: 1h}}
- {id: in-browser, match: {tool: [append-session]}, effect: require, require: {quorum: {dba: 1}, assurance: session, expires: 1h}}
"""
PEOPLE = {"ada": [], "olga": [], "bob": ["dba"], "erin": ["dba"], "carol": ["dba"], "mia": ["lead"]}


class OpensslKey:
    """A key of openssl's that signs as an authenticator with EdDSA or RS256 does; its COSE_Key is written by hand (RFC 9053, RFC 8230)."""

    def __init__(self, folder, algorithm):
        self.file, self.eddsa = folder / f"{algorithm}.pem", algorithm == "ed25519"
        subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", algorithm, "-out", self.file], check=True)

    def _openssl(self, *words, message=None):
        return subprocess.run(["openssl", *map(str, words)], input=message, capture_output=True, check=True).stdout

    def sign(self, message):
        if not self.eddsa:
            return self._openssl("dgst", "-sha256", "-sign", self.file, message=message)
        (text := self.file.with_suffix(".message")).write_bytes(message)
        return self._openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.file, "-in", text)

    def cose(self):
        if self.eddsa:
            return bytes.fromhex("a401010327200621 5820") + self._openssl("pkey", "-in", self.file, "-pubout", "-outform", "DER")[-32:]
        modulus = bytes.fromhex(self._openssl("rsa", "-in", self.file, "-noout", "-modulus").decode().strip().removeprefix("Modulus="))
        return bytes.fromhex("a4010303390100 20 590100") + modulus + bytes.fromhex("2143010001")


class SimpleWebAuthn(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        simplewebauthn.install()
        cls.k = Keyturn(policy=POLICY, people=PEOPLE, config="limits: {requests_per_second: 1000}\n")
        cls.addClassCleanup(cls.k.close)
        browsers = {who: Browser(cls.k, who, enrol=False) for who in PEOPLE}
        browsers["erin"].passkey.key = OpensslKey(cls.k.folder, "ed25519")
        browsers["carol"].passkey.key = OpensslKey(cls.k.folder, "rsa")
        cls.denied = cls.k.request("append-passkey", {"text": "no"}).json  # before anybody is enrolled: the later half has no registrations
        for who, browser in browsers.items():
            browser.enrol(cls.k.enrol_link(who))
        mia, asked = browsers["mia"], {"agents": ["bot", "bot2"], "lasts": "10m"}
        began = mia.post("/v1/breakglass/challenge", asked).json
        signed = {"ceremony": began["ceremony"], "credential": mia.passkey.use(began["options"])}
        opened = mia.post("/v1/breakglass", {**asked, "reason": "the site is down", "assertion": signed})
        assert opened.status == 201, opened
        unsigned = cls.k.request("append-session", {"text": "without a passkey"}).json
        assert browsers["bob"].vote(unsigned).status == 200
        cls.enrolled = cls.k.settled(unsigned["id"])["ledger"]["last_index"] + 1
        cls.approved = cls.k.request("append-passkey", {"text": "yes"}).json
        for who, action, decision in (("bob", cls.approved, "approve"), ("erin", cls.approved, "approve"), ("carol", cls.approved, "approve"),
                                      ("erin", cls.denied, "approve"), ("bob", cls.denied, "deny")):
            voted = browsers[who].signed_vote(action, decision)
            assert voted.status == 200, voted
        last = max(cls.k.settled(action["id"])["ledger"]["last_index"] for action in (cls.approved, cls.denied))
        until(lambda: int(cls.k.get("/checkpoint").body.decode().splitlines()[1]) > last, "the votes are not signed for")
        cls.out = cls.k.folder / "bundle"
        cls.k.cli("evidence", "--out", cls.out, token="ada")
        cls.bundle = json.loads((cls.out / "bundle.json").read_text())
        cls.leaves = [json.loads(entry) for entry in cls.bundle["entries"]]

    def run_over(self, bundle, *words):
        return simplewebauthn.verify(bundle, *(words or ("--origin", self.k.url)))

    def assert_good(self, bundle):
        for name, decision in (("approved", "approve"), ("denied", "deny")):
            self.assertRegex(bundle.stdout, rf"(?m)^good \d+ bob: {decision} of action/{getattr(self, name)['id']} sha256:[0-9a-f]{{64}}$")
        self.assertEqual(bundle.returncode, 0, bundle.stdout + bundle.stderr)

    def at(self, kind, **of):
        """Where the leaf of this kind is, whose vote or emergency has these members."""
        return next(i for i, leaf in enumerate(self.leaves) if leaf["type"] == kind
                    and of.items() <= (leaf.get("vote") or leaf.get("emergency") or leaf.get("credential") or leaf).items())

    def test_every_signature_of_every_algorithm_is_verified(self):
        done = self.run_over(self.out)
        self.assert_good(done)
        self.assertTrue(done.stdout.endswith("\n6 verified, 0 not\n"), done.stdout)
        self.assertRegex(done.stdout, r"(?m)^good \d+ mia: broken glass for bot,bot2$")
        self.assertEqual({leaf["vote"]["assertion"]["algorithm"] for leaf in self.leaves if "assertion" in leaf.get("vote", {})}, {-7, -8, -257})
        verified = self.k.cli("verify", self.out, "--key", self.k.vkey)
        self.assertIn("5 votes by passkey verified", verified.out)
        self.assertIn("1 statements by passkey verified", verified.out)

    def test_an_archive_and_the_document_alone_are_read_too(self):
        archive = self.k.folder / "bundle.zip"
        self.k.cli("evidence", "--out", archive, token="ada")
        for path in (archive, self.out / "bundle.json"):
            self.assert_good(self.run_over(path))
        self.assertNotEqual(self.run_over(self.out / "manifest.json").returncode, 0)
        self.assertIn("say which", self.run_over(self.out, "--rp-id", "localhost").stderr)

    def test_a_period_after_the_registrations_has_the_keys_of_its_votes(self):
        later = self.k.folder / "later"
        self.k.cli("evidence", "--from", self.enrolled, "--out", later, token="ada")
        done = self.run_over(later)
        self.assert_good(done)
        self.assertTrue(done.stdout.endswith("\n5 verified, 0 not\n"), done.stdout)

    def test_another_site_is_refused(self):
        for words, why in ((("--origin", "https://evil.example", "--rp-id", "localhost"), 'response origin "http://localhost'),
                           (("--origin", self.k.url, "--rp-id", "evil.example"), "RP ID")):
            done = self.run_over(self.out, *words)
            self.assertEqual((done.returncode, done.stdout.count(why), done.stdout.splitlines()[-1]), (1, 6, "0 verified, 6 not"), done.stdout)

    def refuse(self, name, at, why, change):
        """A copy whose leaf `at` was changed (of which the script looks at the signatures only) fails for that reason, and is no log of ours."""
        bundle, leaf = copy.deepcopy(self.bundle), copy.deepcopy(self.leaves[at])
        change(leaf)
        self.assertNotEqual(leaf, self.leaves[at])
        bundle["entries"][at] = json.dumps(leaf, sort_keys=True, separators=(",", ":"))
        path = self.k.folder / "changed.json"
        path.write_text(json.dumps(bundle))
        with self.subTest(name):
            done = self.run_over(path)
            bad = [line for line in done.stdout.splitlines() if line.startswith("BAD ")]
            self.assertTrue(bad, done.stdout + done.stderr)
            for line in bad:
                self.assertRegex(line, why)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(self.k.cli("verify", path, "--key", self.k.vkey, check=False).code, 1)

    @staticmethod
    def signed(part, **members):
        """Changes what is said to be signed, and the challenge with it: all but what takes the key."""
        assertion = part["assertion"]
        text = json.dumps({**json.loads(assertion["signed"]), **members}, sort_keys=True, separators=(",", ":"))
        domain = "vote" if "decision" in part else "statement"
        SimpleWebAuthn.client(part, challenge=b64(hashlib.sha256(f"keyturn/v1/{domain}\n{text}".encode()).digest()))
        assertion["signed"] = text

    @staticmethod
    def client(part, **members):
        assertion = part["assertion"]
        assertion["client_data_json"] = b64(json.dumps({**json.loads(unb64(assertion["client_data_json"])), **members}).encode())

    @staticmethod
    def flip(part, name, at, bit=1):
        data = bytearray(unb64(part["assertion"][name]))
        data[at] ^= bit
        part["assertion"][name] = b64(data)

    def test_a_changed_vote_is_refused_for_what_was_changed(self):
        at = self.at("review.voted", reviewer="bob", decision="deny")
        other = "sha256:" + "00" * 32
        erin = next(leaf["credential"] for leaf in self.leaves if leaf["type"] == "identity.credential_added" and leaf["credential"]["person"] == "erin")

        def vote(name, why, change):
            self.refuse(name, at, why, lambda leaf: change(leaf["vote"]))

        def all_but_the_signature(**members):
            def change(part):
                part.update(members)
                self.signed(part, **members)
            return change

        def reworded(name, value):
            return lambda part: part["assertion"].update(signed=json.dumps({**json.loads(part["assertion"]["signed"]), name: value}, sort_keys=True, separators=(",", ":")))

        vote("the decision", "another decision", lambda part: part.update(decision="approve"))
        vote("the digest", "another digest", lambda part: part.update(digest=other))
        vote("the reviewer", "another reviewer", lambda part: part.update(reviewer="erin"))
        vote("what is said to be signed", "another decision", reworded("decision", "approve"))
        vote("the policy that is said to be signed", "response challenge", reworded("policy", other))
        vote("the decision, and what is said to be signed", "response challenge",
             lambda part: (part.update(decision="approve"), reworded("decision", "approve")(part)))
        vote("the decision, all but its signature", "signature does not verify", all_but_the_signature(decision="approve"))
        vote("the digest, all but its signature", "another digest than was asked about", all_but_the_signature(digest=other))
        vote("the reviewer, all but the signature", "not registered for erin", all_but_the_signature(reviewer="erin"))
        vote("another reviewer's key", "not registered for bob", lambda part: part["assertion"].update(public_key=erin["public_key"], algorithm=erin["algorithm"]))
        vote("another reviewer's passkey", "not registered for bob",
             lambda part: part["assertion"].update(credential=erin["id"], public_key=erin["public_key"], algorithm=erin["algorithm"]))
        vote("the signature", "signature does not verify", lambda part: self.flip(part, "signature", -1))
        vote("nobody was verified", "User verification required", lambda part: self.flip(part, "authenticator_data", 32, 0x04))
        vote("nobody was there", "User not present", lambda part: self.flip(part, "authenticator_data", 32, 0x01))
        vote("the counter", "signature does not verify", lambda part: self.flip(part, "authenticator_data", 36, 0x40))
        vote("the site", "RP ID", lambda part: self.flip(part, "authenticator_data", 0))
        vote("the origin", "response origin", lambda part: self.client(part, origin="https://evil.example"))
        vote("another ceremony", "response type", lambda part: self.client(part, type="webauthn.create"))
        vote("an older ceremony", "had expired", lambda part: self.signed(part, expires_at="2020-01-01T00:00:00.000Z"))
        vote("the assertion is gone", "nothing is kept", lambda part: part.pop("assertion"))
        self.refuse("another action", at, "another action", lambda leaf: leaf.update(stream="action/" + self.approved["id"]))

    def test_what_the_vote_rests_on_is_refused_when_it_is_changed(self):
        bob = self.at("identity.credential_added", person="bob")
        opened = self.at("review.opened", stream="action/" + self.approved["id"])
        self.refuse("another case was asked about", opened, "another digest than was asked about", lambda leaf: leaf["review"].update(digest="sha256:" + "00" * 32))
        self.refuse("the passkey is another person's", bob, "not registered for bob", lambda leaf: leaf["credential"].update(person="erin"))
        self.refuse("its key is another", bob, "not registered for bob", lambda leaf: leaf["credential"].update(public_key=b64(bytes(64))))
        self.refuse("it was removed before", bob + 1, "not registered for bob", lambda leaf: leaf.update(
            type="identity.credential_removed", stream="credential/" + self.leaves[bob]["credential"]["id"]))

    def test_changed_broken_glass_is_refused_for_what_was_changed(self):
        at = self.at("breakglass.opened")

        def glass(name, why, change):
            self.refuse(name, at, why, lambda leaf: change(leaf["emergency"]))

        def all_but_the_signature(part):
            part["agents"] = ["bot"]
            self.signed(part, statement={**json.loads(part["assertion"]["signed"])["statement"], "agents": ["bot"]})

        glass("the agents", "another statement", lambda part: part.update(agents=["bot"]))
        glass("the opener", "another person", lambda part: part.update(opener="bob"))
        glass("the agents, all but the signature", "signature does not verify", all_but_the_signature)
        glass("the signature", "signature does not verify", lambda part: self.flip(part, "signature", -1))
        glass("the assertion is gone", "nothing is kept", lambda part: part.pop("assertion"))


if __name__ == "__main__":
    unittest.main()
