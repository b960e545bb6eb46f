"""Keyturn's verdicts on JWTs against those of npm jose: the same, but where Keyturn is stricter, and says why."""
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import BIN  # noqa: E402
from support.npm import install  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent / "oidc"
VERDICTS = pathlib.Path(os.environ.get("KEYTURN_JWT_VERDICTS", BIN.parent / "keyturn_jwt_verdicts"))


class Verdicts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install(HERE)
        made = subprocess.run(["node", "tokens.mjs"], cwd=HERE, capture_output=True, text=True, timeout=120, check=True).stdout
        cls.lines = [json.loads(line) for line in made.splitlines()]
        said = subprocess.run([str(VERDICTS)], input=made, capture_output=True, text=True, timeout=120, check=True).stdout
        cls.ours = said.splitlines()

    def test_every_token_has_the_verdict_of_jose(self):
        self.assertEqual(len(self.lines), len(self.ours))
        self.assertGreater(len(self.lines), 100)
        for line, ours in zip(self.lines, self.ours):
            with self.subTest(line["name"]):
                if "stricter" in line:
                    self.assertEqual(line["jose"], "good", "then it is no exception")
                    self.assertNotEqual(ours, "good", line["stricter"])
                else:
                    self.assertEqual(ours == "good", line["jose"] == "good", f"jose: {line['jose']}; Keyturn: {ours}")

    def test_both_kinds_of_verdict_are_there_for_every_algorithm(self):
        for algorithm in ("RS256", "PS256", "ES256", "EdDSA"):
            verdicts = [ours == "good" for line, ours in zip(self.lines, self.ours) if line["name"].startswith(algorithm)]
            self.assertGreaterEqual(verdicts.count(True), 5)
            self.assertGreaterEqual(verdicts.count(False), 12)


if __name__ == "__main__":
    unittest.main()
