"""More of the inbox in real Chromium: its loads, long lists, notices, paper, and what it says without a server. The steps are browser/*.mjs."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import browser_test  # noqa: E402
from browser_test import of_script  # noqa: E402

FirstLoad = of_script("first_load.mjs")

if __name__ == "__main__":
    unittest.main()
