"""docs/security.md lists every test here by name, and names no test that does not exist."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs/security.md").read_text()


def tests_in(path):
    return set(re.findall(r"^    def (test_\w+)", path.read_text(), re.M))


def listed():
    """(file, test) of every row that says "tested": `FILE: TEST, TEST; FILE: TEST`."""
    for row in re.findall(r"^\|[^|]+\| tested \|([^|]+)\|$", DOCUMENT, re.M):
        for of_one in row.split(";"):
            name, _, tests = of_one.partition(":")
            name = name.strip()
            path = ROOT / (name + "_test.py" if "/" in name else f"tests/immunity/{name}_test.py")
            for test in tests.split(","):
                yield path, test.strip()


class Rows(unittest.TestCase):
    def test_every_test_that_is_listed_exists(self):
        rows = list(listed())
        self.assertGreater(len(rows), 60)
        for path, test in rows:
            self.assertTrue(path.exists() and test in tests_in(path), f"{path}: {test}")

    def test_every_test_here_is_listed(self):
        names = {(path, test) for path, test in listed()}
        for path in sorted((ROOT / "tests/immunity").glob("*_test.py")):
            if path.name == "rows_test.py":
                continue
            for test in tests_in(path):
                self.assertIn((path, test), names, "not in docs/security.md")

    def test_every_file_that_the_promises_name_exists(self):
        for word in re.findall(r"`((?:src|tests)/[^`]+)`", DOCUMENT):
            self.assertTrue(list(ROOT.glob(word.rstrip("/"))), word)


if __name__ == "__main__":
    unittest.main()
