"""identity.yaml as the third document: checked, watched, in force without a restart, in the digest, and sealed."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import Keyturn  # noqa: E402
from support.passkey import Browser  # noqa: E402

HEAD = "apiVersion: keyturn/v1\nkind: Identity\n"
OKTA = HEAD + "providers:\n  okta: {kind: okta, issuer: https://acme.okta.com, client_id: keyturn, client_secret: {secret: \"env:OKTA_SECRET\"}}\n"
OTHER = OKTA.replace("client_id: keyturn", "client_id: other")


class WithIdentity(unittest.TestCase):
    config = "watch: true\n"
    people = {"ada": [], "ben": ["administrators"], "cleo": ["administrators"], "olga": [], "bob": ["dba"], "erin": ["dba"], "carol": ["sre"], "dave": ["sre"]}

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "identity.yaml"
        self.file.write_text(OKTA)
        self.k = Keyturn(config=self.config, people=self.people, arguments=("--identity", str(self.file)))
        self.addCleanup(self.k.close)

    def policy(self, who="bob"):
        return self.k.get("/v1/policy", who).json

    def check(self):
        done = subprocess.run([*self.k.command, "--check"], cwd=self.k.folder, capture_output=True, text=True, timeout=30)
        return done.returncode, done.stderr


class Unsealed(WithIdentity):
    def test_it_is_in_force_and_in_the_digest_and_a_change_takes_effect_by_itself(self):
        before = self.policy()
        self.assertEqual(before["identity"]["text"], OKTA)
        self.file.write_text(OTHER)
        self.k.wait_stderr(r"reloaded: the new configuration is in force")
        after = self.policy()
        self.assertEqual(after["identity"]["text"], OTHER)
        self.assertNotEqual(after["configuration"], before["configuration"])
        self.assertNotEqual(after["identity"]["digest"], before["identity"]["digest"])
        self.assertEqual(after["digest"], before["digest"], "the policy is what it was")

    def test_it_stays_through_a_restart_and_goes_with_the_option(self):
        before = self.policy()
        self.k.restart()
        self.assertEqual(self.policy()["configuration"], before["configuration"])
        self.k.arguments = []
        self.k.restart()
        self.assertNotIn("okta", self.policy()["identity"]["text"])

    def test_mistakes_are_said_in_their_place_and_nothing_changes(self):
        self.assertEqual(self.check(), (0, ""))
        before = self.policy()["configuration"]
        for text, place, advice in (
                (OKTA.replace("client_id", "clientid"), "4:53", 'did you mean "client_id"'), (OKTA.replace("https://acme", "http://acme"), "4:30", "https://"),
                (OKTA.replace('{secret: "env:OKTA_SECRET"}', "hunter2hunter2"), "4:88", "never the secret itself"), ("", "1:1", "an object"),
                (HEAD + "agents: {ci: {issuer: https://a.example, audience: k, rules: [{claims: {sub: '*'}, agent: bot}]}}\n", "3:72", "every token")):
            self.file.write_text(text)
            code, said = self.check()
            self.assertEqual(code, 1, said)
            self.assertIn(f"identity.yaml:{place}: ", said)
            self.assertIn(advice, said)
            self.assertNotIn("hunter2", said)
            self.assertIn("reload refused", self.k.reload())
            self.assertEqual(self.policy()["configuration"], before)

    def test_a_draft_is_checked_and_an_agent_that_is_not_there_is_warned_of(self):
        rules = HEAD + "agents: {ci: {issuer: https://a.example, audience: k, rules: [{claims: {sub: x}, agent: nobody}]}}\n"
        answer = self.k.post("/v1/policy/check", "bob", {"identity": rules}).json
        self.assertIs(answer["ok"], True)
        self.assertEqual([(d["file"], d["code"], d["warning"]) for d in answer["diagnostics"]], [("identity.yaml", "unknown_agent", True)])


class Sealed(WithIdentity):
    def setUp(self):
        super().setUp()
        self.ada, self.ben, self.cleo = (Browser(self.k, who) for who in ("ada", "ben", "cleo"))
        self.k.host("seal")

    def policy(self, who=None):
        return self.ada.get("/v1/policy").json

    def test_only_a_proposal_that_two_agree_to_changes_it(self):
        before = self.policy()
        self.file.write_text(OTHER)
        said = self.k.wait_stderr(r"reload refused")
        self.assertRegex(said, r"identity\.yaml differ from the sealed configuration")
        self.assertEqual(self.policy()["configuration"], before["configuration"])
        proposed = self.ada.post("/v1/policy/proposals", {"identity": OTHER, "reason": "another client"})
        self.assertEqual(proposed.status, 201, proposed)
        shown = proposed.json["description"] if "description" in proposed.json else proposed.json
        self.assertIn("client_id: other", str(shown))
        self.assertEqual(self.policy()["configuration"], before["configuration"])
        self.assertEqual(self.ada.vote(proposed.json).code, "own_request")
        self.assertEqual(self.ben.vote(proposed.json).status, 200)
        self.assertEqual(self.policy()["configuration"], before["configuration"])
        self.assertEqual(self.cleo.vote(proposed.json).status, 200)
        self.assertEqual(self.ada.get(f"/v1/actions/{proposed.json['id']}", Prefer="wait=20").json["state"], "succeeded")
        self.assertEqual(self.policy()["identity"]["text"], OTHER)
        self.assertIn("reloaded: nothing has changed", self.k.reload())

    def test_a_proposal_with_a_mistake_is_refused(self):
        answer = self.ada.post("/v1/policy/proposals", {"identity": OTHER.replace("kind: okta", "kind: octa"), "reason": "x"})
        self.assertEqual((answer.status, answer.code), (400, "invalid_configuration"))
        self.assertIn("identity.yaml:4:16", answer.json["detail"])


if __name__ == "__main__":
    unittest.main()
