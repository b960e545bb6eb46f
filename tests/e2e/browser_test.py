"""The inbox in real Chromium with real passkeys (a virtual authenticator). The steps are browser/*.mjs."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import emergencies_test  # noqa: E402
from support import simplewebauthn  # noqa: E402
from support.demo import Demo  # noqa: E402
from support.keyturn import ROOT, Keyturn, free_port  # noqa: E402
from support.oidc import OidcProvider  # noqa: E402
from support.postgres import installed  # noqa: E402

SCRIPTS = pathlib.Path(__file__).resolve().parent / "browser"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SECONDS_MAX = 400
LIMITS = "limits: {pending_per_agent: 2000, requests_per_second: 10000}\n"


def walked(script, setting):
    """What the steps of a script came to: name -> {"ok", "why"}, and what it wrote beside."""
    done = subprocess.run(["node", str(SCRIPTS / script)], capture_output=True, text=True, timeout=SECONDS_MAX,
                          env=dict(os.environ, KEYTURN_BROWSER=json.dumps(setting), CHROMIUM=CHROMIUM))
    sys.stderr.write(done.stderr)
    return {said["name"]: said for said in map(json.loads, done.stdout.splitlines())}, done.stderr


class Browser:
    """One script against a Keyturn of its own; a test a step."""
    script = ""

    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(config=LIMITS)
        cls.addClassCleanup(cls.k.close)
        cls.results, cls.notes = walked(cls.script, {
            "url": cls.k.url, "link": cls.k.enrol_link("bob"), **{name: cls.k.tokens[name] for name in ("carol", "erin")}, "agent": cls.k.tokens["bot"]})


class Signed:
    """What Chromium's authenticator signed on the way is verified by a program that nobody here wrote."""
    signs = ""

    def test_zz_what_was_signed_is_verified_by_another_program(self):
        simplewebauthn.install()
        self.k.restart()  # signs the record's end
        self.k.cli("evidence", "--out", self.k.folder / "bundle", token="ada")
        done = simplewebauthn.verify(self.k.folder / "bundle", "--origin", self.k.url)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, self.signs)


class ThreeAdministrators:
    """The policy page, with three administrators who each have a browser and a passkey."""
    script = ""

    @classmethod
    def setUpClass(cls):
        people = {"ada": [], "ben": ["administrators"], "cleo": ["administrators"], "olga": [], "bob": ["dba"], "erin": ["dba"], "carol": ["sre"], "dave": ["sre"]}
        cls.k = Keyturn(config=LIMITS, people=people)
        cls.addClassCleanup(cls.k.close)
        for n in range(3):
            cls.k.request("echo", {"text": f"e{n}"})
        cls.k.request("forbidden", {})
        cls.results, cls.notes = walked(cls.script, {
            "url": cls.k.url, "agent": cls.k.tokens["bot"], **{name: cls.k.tokens[name] for name in ("ada", "bob")},
            **{f"link_{name}": cls.k.enrol_link(name) for name in ("ada", "ben", "cleo", "bob")}})


class DemoBrowser:
    """The demo's page against the demo itself."""
    script = ""

    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(demo := Demo())
        cls.results, cls.notes = walked(cls.script, {"url": demo.url, "link": demo.link})


class InAnEmergency:
    """Openers, whoever looks afterwards, and people who stand in for others."""
    script = ""

    @classmethod
    def setUpClass(cls):
        names = ("mia", "erin", "dan", "carol", "bob")
        cls.k = Keyturn(config=LIMITS, policy=emergencies_test.POLICY, people=emergencies_test.PEOPLE, tools=emergencies_test.TOOLS)
        cls.addClassCleanup(cls.k.close)
        cls.results, cls.notes = walked(cls.script, {
            "url": cls.k.url, "agent": cls.k.tokens["bot"], "carol": cls.k.tokens["carol"], **{f"link_{name}": cls.k.enrol_link(name) for name in names}})


class AtAProvider:
    """Single sign-on, with npm's oidc-provider."""
    script = ""

    @classmethod
    def setUpClass(cls):
        port = free_port()
        accounts = {"zoe": {"name": "Zoe Ray", "preferred_username": "zoe", "groups": ["DBA"]}, "yan": {"preferred_username": "yan"}, "xi": {"preferred_username": "xi"}}
        provider = OidcProvider(f"http://localhost:{port}", accounts)
        cls.addClassCleanup(provider.close)
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        identity = pathlib.Path(folder) / "identity.yaml"
        identity.write_text(f"""apiVersion: keyturn/v1
kind: Identity
providers:
  corp:
    kind: oidc
    issuer: {provider.issuer}
    client_id: keyturn
    client_secret: {{secret: "env:OIDC_TEST_SECRET"}}
    scopes: [openid, profile, email, groups]
    people: {{create: true}}
    groups: {{map: {{DBA: dba}}}}
""")
        os.environ["OIDC_TEST_SECRET"] = "a secret of the client"
        cls.k = Keyturn(config=LIMITS, port=port, arguments=("--identity", str(identity)))
        cls.addClassCleanup(cls.k.close)
        cls.results, cls.notes = walked(cls.script, {"url": cls.k.url, "link": cls.k.enrol_link("carol"), "provider": provider.issuer})


def test_of(name):
    def test(self):
        said = self.results.get(name)
        self.assertIsNotNone(said, f"the step did not run: {self.notes}")
        self.assertTrue(said["ok"], said.get("why"))
    test.__doc__ = name
    return test


def of_script(script, base=Browser):
    steps = re.findall(r'^step\("([^"]+)"', (SCRIPTS / script).read_text(), re.M)
    assert steps, script
    tests = {"test_" + re.sub(r"\W+", "_", step): test_of(step) for step in steps}
    suite = type("Browser_" + script.removesuffix(".mjs"), (base, unittest.TestCase), {"script": script, **tests})
    return unittest.skipUnless(shutil.which("node") and os.path.exists(CHROMIUM) and (ROOT / "web/node_modules/playwright-core").exists(),
                               "needs node, chromium and web/node_modules (npm ci)")(suite)


Inbox = of_script("inbox.mjs", type("SignedInbox", (Signed, Browser), {"signs": r"(?m)^good \d+ bob: approve of action/"}))
Lists = of_script("lists.mjs")
Policy = of_script("policy.mjs", ThreeAdministrators)
Emergencies = of_script("emergencies.mjs", type("SignedEmergencies", (Signed, InAnEmergency), {"signs": r"(?m)^good \d+ mia: broken glass for "}))
Providers = of_script("providers.mjs", AtAProvider)
DemoPage = unittest.skipUnless(installed(), "PostgreSQL is not installed")(of_script("demo.mjs", DemoBrowser))

if __name__ == "__main__":
    unittest.main()
