"""policy.yaml and tools.yaml on disk: watched, signed, and never half-loaded."""
import base64
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import POLICY, Keyturn  # noqa: E402
from support.passkey import Browser  # noqa: E402

STRICTER = POLICY.replace("revision: 1", "revision: 2").replace("- {id: echo-ok, match: {tool: [echo, slow, sandboxed]}, effect: allow}\n", "")


class Watched(unittest.TestCase):
    def setUp(self):
        self.k = Keyturn(config="watch: true\n")
        self.addCleanup(self.k.close)

    def echo(self):
        return self.k.request("echo", {"text": "x"}, wait=20).json["state"]

    def refused(self):
        entries = self.k.get("/v1/ledger/entries?from=0&limit=256", "ada").json["items"]
        leaves = [json.loads(base64.b64decode(entry["leaf"])) for entry in entries]
        return [leaf["refusal"]["code"] for leaf in leaves if leaf["type"] == "request.refused"]

    def test_a_changed_file_takes_effect_by_itself_written_or_replaced(self):
        self.assertEqual(self.echo(), "succeeded")
        self.k.write_policy(STRICTER)
        self.k.wait_stderr(r"reloaded: the new configuration is in force")
        self.assertEqual(self.echo(), "denied")
        at = len(self.k.stderr())
        other = self.k.folder / "next"  # as git and editors do it
        other.write_text(POLICY)
        other.rename(self.k.policy_file)
        self.k.wait_stderr(r"reloaded: the new configuration is in force", at)
        self.assertEqual(self.echo(), "succeeded")

    def test_a_checkout_of_a_git_repository_is_a_change_like_any_other(self):
        git = ["git", "-C", str(self.k.folder), "-c", "user.name=t", "-c", "user.email=t@example.com"]
        subprocess.run([*git, "init", "-q"], check=True)
        for text, tag in ((STRICTER, "strict"), (POLICY, "open")):
            self.k.write_policy(text)
            subprocess.run([*git, "add", "policy.yaml"], check=True)
            subprocess.run([*git, "commit", "-q", "-m", tag], check=True)
            subprocess.run([*git, "tag", tag], check=True)
        for tag, state in (("strict", "denied"), ("open", "succeeded")):
            at = len(self.k.stderr())
            subprocess.run([*git, "checkout", "-q", tag], check=True)
            self.k.wait_stderr(r"reloaded: the new configuration is in force", at)
            self.assertEqual(self.echo(), state)

    def test_a_file_with_errors_leaves_the_old_one_in_force_and_says_so_loudly(self):
        self.k.write_policy(POLICY.replace("effect: allow", "effect: permit"))
        text = self.k.wait_stderr(r"reload refused, the configuration in force stays")
        self.assertRegex(text, r"policy\.yaml:6:\d+: ")
        self.assertEqual(self.echo(), "succeeded")
        self.assertEqual(self.refused(), ["invalid_configuration"])


class SealedAndWatched(unittest.TestCase):
    def setUp(self):
        people = {"ada": [], "ben": ["administrators"], "olga": [], "bob": ["dba"], "erin": ["dba"], "carol": ["sre"], "dave": ["sre"]}
        self.k = Keyturn(config="watch: true\n", people=people)
        self.addCleanup(self.k.close)
        self.ada = [Browser(self.k, who) for who in ("ada", "ben")][0]
        self.k.host("seal")

    def differ(self):
        return self.ada.get("/v1/me").json["files_differ"]

    def told(self):
        entries = self.ada.get("/v1/ledger/entries?from=0&limit=256").json["items"]
        leaves = [json.loads(base64.b64decode(entry["leaf"])) for entry in entries]
        return [leaf["policy"]["digest"] for leaf in leaves if leaf["type"] == "files.not_in_force"]

    def change(self, text, expected):
        at = len(self.k.stderr())
        self.k.write_policy(text)
        return self.k.wait_stderr(expected, at)

    def test_a_file_that_changes_is_not_applied_and_everybody_is_told_what_to_do(self):
        self.assertIs(self.differ(), False)
        said = self.change(STRICTER, r"reload refused")
        self.assertRegex(said, r"policy\.yaml differ from the sealed configuration, which stays in force.*propose")
        self.assertEqual(self.k.request("echo", {"text": "x"}, wait=20).json["state"], "succeeded")
        self.assertIs(self.differ(), True)
        self.assertEqual(len(self.told()), 1)
        self.change(STRICTER + "# the same, once more\n", r"reload refused")
        self.assertEqual(len(self.told()), 1, "once for each content")
        self.change(STRICTER.replace("revision: 2", "revision: 3"), r"reload refused")
        self.assertEqual(len(set(self.told())), 2)
        self.change(POLICY, r"reloaded: nothing has changed")
        self.assertIs(self.differ(), False)

    def test_a_sealed_server_starts_with_what_it_is_sealed_with_whatever_lies_on_the_disk(self):
        self.k.stop()
        for broken in (STRICTER, "rules: nonsense"):
            self.k.write_policy(broken)
            self.k.start()
            self.k.wait_stderr(r"the sealed configuration stays in force")
            self.ada.sign_in()
            self.assertIs(self.differ(), True)
            self.assertEqual(self.k.request("echo", {"text": "x"}, wait=20).json["state"], "succeeded")
            self.k.stop()


class Signed(unittest.TestCase):
    def setUp(self):
        self.k = Keyturn(start=False)
        self.addCleanup(self.k.close)
        self.keys = {}
        for name in ("ada.example", "bob.example", "eve.example"):
            self.keys[name] = self.k.cli("policy", "key", name, "--out", self.k.folder / name).last
        self.k.config_file.write_text(f"signers: {{keys: ['{self.keys['ada.example']}', '{self.keys['bob.example']}'], at_least: 2}}\n")

    def sign(self, name, file=None, kind="policy"):
        self.k.cli("policy", "sign", file or self.k.policy_file, "--key", self.k.folder / name, "--as", kind)

    def starts(self):
        done = subprocess.run([*self.k.command, "--check"], cwd=self.k.folder, capture_output=True, text=True, timeout=30)
        return done.returncode, done.stderr

    def test_nothing_starts_without_enough_signatures_of_trusted_keys_over_exactly_these_files(self):
        self.assertIn("policy.yaml.sig", self.starts()[1])
        for name in ("ada.example", "bob.example"):
            self.sign(name, self.k.tools_file, "tools")
        self.sign("ada.example")
        self.assertRegex(self.starts()[1], r"1 of 2")
        self.sign("eve.example")
        self.assertRegex(self.starts()[1], r"1 of 2")
        self.sign("bob.example")
        self.assertEqual(self.starts(), (0, ""))
        signature = pathlib.Path(f"{self.k.policy_file}.sig").read_text()
        self.k.write_policy(POLICY + "# one byte more\n")
        code, said = self.starts()
        self.assertEqual(code, 1)
        self.assertIn("another document", said)
        pathlib.Path(f"{self.k.policy_file}.sig").write_text(signature.replace("\npolicy\n", "\ntools\n"))
        self.assertEqual(self.starts()[0], 1)

    def test_a_running_server_keeps_what_was_signed(self):
        for name in ("ada.example", "bob.example"):
            self.sign(name)
            self.sign(name, self.k.tools_file, "tools")
        self.k.start()
        self.k.write_policy(STRICTER)
        self.assertIn("another document", self.k.reload())
        for name in ("ada.example", "bob.example"):
            self.sign(name)
        self.assertIn("the new configuration is in force", self.k.reload())


if __name__ == "__main__":
    unittest.main()
