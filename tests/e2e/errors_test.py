"""docs/errors.md lists every code that the API knows, with its status; and nothing else."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Errors(unittest.TestCase):
    def test_the_document_and_the_table_are_the_same(self):
        table = re.findall(r'\{"([a-z_]+)", (\d+)(, true)?\}', (ROOT / "src/api/error_status.cpp").read_text())
        document = re.findall(r"^\| `([a-z_]+)`( \u2022)? \| (\d+) \| .+ \|$", (ROOT / "docs/errors.md").read_text(), re.M)
        self.assertGreater(len(table), 80)
        self.assertEqual(sorted((code, status, bool(security)) for code, status, security in table),
                         sorted((code, status, bool(security)) for code, security, status in document))


if __name__ == "__main__":
    unittest.main()
