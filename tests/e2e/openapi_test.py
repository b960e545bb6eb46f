"""docs/openapi.json: it is a good description (Redocly), and what the server takes and answers is as it says (Prism, before the whole API suite)."""
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import api_test  # noqa: E402
from support.keyturn import Keyturn  # noqa: E402
from support.npm import install  # noqa: E402
from support.prism import DOCUMENT, FOLDER, Conforming  # noqa: E402

api_test.Keyturn = Conforming
# A token that is good for a second may be used up on its way through two more processes.
del api_test.Credentials.test_an_expired_token_is_no_token
EXCHANGES_MIN = 300  # of the suite; fewer, and it did not go through


def load_tests(loader, mine, _):
    """The suite's classes between ours."""
    suite = unittest.TestSuite([loader.loadTestsFromTestCase(Description), loader.loadTestsFromTestCase(Access)])
    suite.addTests(loader.loadTestsFromModule(api_test))
    suite.addTests(loader.loadTestsFromTestCase(Exchanges))
    return suite


class Description(unittest.TestCase):
    def test_redocly_has_nothing_to_say(self):
        install(FOLDER)
        done = subprocess.run([str(FOLDER / "node_modules/.bin/redocly"), "lint", "--format=json", str(DOCUMENT)], cwd=FOLDER, capture_output=True, text=True, timeout=120,
                              env=dict(os.environ, REDOCLY_TELEMETRY="off", REDOCLY_SUPPRESS_UPDATE_NOTICE="true"))
        found = json.loads(done.stdout)
        self.assertEqual([f"{p['location'][0].get('pointer')}: {p['ruleId']}: {p['message']}" for p in found["problems"]], [], done.stderr)
        self.assertEqual(done.returncode, 0)

    def test_a_browser_shows_its_csrf_token_where_it_may_change_something_and_only_there(self):
        for path, item in json.loads(DOCUMENT.read_text())["paths"].items():
            for method, operation in item.items():
                for one in operation.get("security", []) if method != "parameters" else []:
                    if "session" in one:
                        self.assertEqual("csrf" in one, method != "get", f"{method} {path}")


class Access(unittest.TestCase):
    """Who may call what, as the description has it."""

    def setUp(self):
        self.k = Keyturn()
        self.addCleanup(self.k.close)
        document = json.loads(DOCUMENT.read_text())
        self.operations = [(method.upper(), re.sub(r"{\w+}", "x", path), [set(one) for one in operation["security"]]) for path, item in document["paths"].items()
                           for method, operation in item.items() if method != "parameters" and not path.startswith(("/demo/", "/scim/"))]  # those are there in a demo, and with a provider

    def test_nobody_comes_in_without_a_credential_where_one_is_said_to_be_needed(self):
        for method, path, security in self.operations:
            with self.subTest(f"{method} {path}"):
                answer = self.k.http(method, path, None)
                if security:
                    self.assertEqual(answer.status, 401, answer)
                else:
                    self.assertNotEqual((answer.status, answer.code), (401, "unauthenticated"), answer)

    def test_a_token_does_not_do_what_is_said_to_take_a_browser(self):
        browsers = [(method, path) for method, path, security in self.operations if security and not any({"bearer"} <= one or {"scim"} <= one for one in security)]
        self.assertGreater(len(browsers), 5)
        for method, path in browsers:
            with self.subTest(f"{method} {path}"):
                self.assertIn(self.k.http(method, path, "bob", None if method == "DELETE" else {}).status // 100, (4,))


class Exchanges(unittest.TestCase):
    def test_the_suite_went_through(self):
        self.assertGreater(Conforming.counted["conform"], EXCHANGES_MIN, Conforming.counted)


if __name__ == "__main__":
    unittest.main()
