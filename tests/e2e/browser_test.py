"""The inbox in real Chromium with real passkeys (a virtual authenticator). The steps are browser/*.mjs."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import ROOT, Keyturn  # noqa: E402

SCRIPTS = pathlib.Path(__file__).resolve().parent / "browser"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SECONDS_MAX = 400
LIMITS = "limits: {pending_per_agent: 2000, requests_per_second: 10000}\n"


class Browser:
    """One script against a Keyturn of its own; a test a step."""
    script = ""

    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(config=LIMITS)
        cls.addClassCleanup(cls.k.close)
        setting = {"url": cls.k.url, "link": cls.k.enrol_link("bob"), **{name: cls.k.tokens[name] for name in ("carol", "erin")}, "agent": cls.k.tokens["bot"]}
        done = subprocess.run(["node", str(SCRIPTS / cls.script)], capture_output=True, text=True, timeout=SECONDS_MAX,
                              env=dict(os.environ, KEYTURN_BROWSER=json.dumps(setting), CHROMIUM=CHROMIUM))
        cls.notes = done.stderr
        sys.stderr.write(done.stderr)
        cls.results = {said["name"]: said for said in map(json.loads, done.stdout.splitlines())}


def test_of(name):
    def test(self):
        said = self.results.get(name)
        self.assertIsNotNone(said, f"the step did not run: {self.notes}")
        self.assertTrue(said["ok"], said.get("why"))
    test.__doc__ = name
    return test


def of_script(script):
    steps = re.findall(r'^step\("([^"]+)"', (SCRIPTS / script).read_text(), re.M)
    assert steps, script
    tests = {"test_" + re.sub(r"\W+", "_", step): test_of(step) for step in steps}
    suite = type("Browser_" + script.removesuffix(".mjs"), (Browser, unittest.TestCase), {"script": script, **tests})
    return unittest.skipUnless(shutil.which("node") and os.path.exists(CHROMIUM) and (ROOT / "web/node_modules/playwright-core").exists(),
                               "needs node, chromium and web/node_modules (npm ci)")(suite)


Inbox = of_script("inbox.mjs")
Lists = of_script("lists.mjs")

if __name__ == "__main__":
    unittest.main()
