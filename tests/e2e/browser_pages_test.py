"""More of the inbox in real Chromium: its loads, long lists, notices, paper, and what it says without a server. The steps are browser/*.mjs."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from browser_test import Keyturn, of_script, walked  # noqa: E402


class Crowded:
    """A Keyturn in which one agent may have very many requests wait."""
    script = ""

    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(config="limits: {pending_per_agent: 20000, requests_per_second: 10000}\n")
        cls.addClassCleanup(cls.k.close)
        cls.results, cls.notes = walked(cls.script, {"url": cls.k.url, "link": cls.k.enrol_link("bob"), "agent": cls.k.tokens["bot"]})


FirstLoad = of_script("first_load.mjs")
Many = of_script("many.mjs", Crowded)

if __name__ == "__main__":
    unittest.main()
