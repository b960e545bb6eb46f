"""The inbox in real Chromium with real passkeys (a virtual authenticator). The steps are browser/inbox.mjs."""
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

SCRIPT = pathlib.Path(__file__).resolve().parent / "browser/inbox.mjs"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
STEPS = re.findall(r'^step\("([^"]+)"', SCRIPT.read_text(), re.M)
SECONDS_MAX = 300


@unittest.skipUnless(shutil.which("node") and os.path.exists(CHROMIUM) and (ROOT / "web/node_modules/playwright-core").exists(),
                     "needs node, chromium and web/node_modules (npm ci)")
class Browser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn()
        cls.addClassCleanup(cls.k.close)
        setting = {"url": cls.k.url, "link": cls.k.enrol_link("bob"), "agent": cls.k.tokens["bot"], "carol": cls.k.tokens["carol"]}
        done = subprocess.run(["node", str(SCRIPT)], capture_output=True, text=True, timeout=SECONDS_MAX,
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


for step in STEPS:
    setattr(Browser, "test_" + re.sub(r"\W+", "_", step), test_of(step))

if __name__ == "__main__":
    unittest.main()
