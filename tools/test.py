#!/usr/bin/env python3
"""Runs every suite, prints one line each, and closes with `N passed, N failed`.

Two suites run at once, since most of them wait for programs more than they compute; `--lanes=1` runs them one after the other. Each has its own
folders, ports and processes; what they share (packages of npm, dist/ folders) is made under a lock."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / "build/release/bin"
OUT = ROOT / "build/test-output"
SUITE_SECONDS_MAX = 600
SECOND_TRIES_MAX = 5  # suites; where more fail, something is broken
LANES = 2
LONG = ["e2e-mcp_long_wait", "e2e-browser_pages", "e2e-browser", "unit-runs"]  # begun first, so that none is left over at the end
ALONE = ["clang-tidy"]  # last, by itself: it has processes enough

# How a suite's output tells its counts: (passed, failed) from the last match.
COUNTERS = {
    "doctest": re.compile(r"test cases:\s+\d+ \|\s+(?P<passed>\d+) passed \|\s+(?P<failed>\d+) failed"),
    # Every expression counts; trees that skip.json gives a reason for do not, and an unexpected one fails the whole run.
    "cel": re.compile(r"^(?:values total|as @bufbuild/cel)\s+(?P<passed>\d+)/(?P<total>\d+)", re.M),
    "vitest": re.compile(r"Tests\s+(?:(?P<failed>\d+) failed \| )?(?P<passed>\d+) passed"),
}


def unittest_counts(text):
    ran = re.search(r"^Ran (\d+) tests?", text, re.M)
    if not ran:
        return None
    bad = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", text))
    skipped = sum(int(n) for n in re.findall(r"skipped=(\d+)", text))
    return max(0, int(ran[1]) - bad - skipped), bad  # one test may fail several times, by its subtests


def counts(kind, text):
    if kind == "one":
        return None
    if kind == "unittest":
        return unittest_counts(text)
    if kind == "cel":
        found = list(COUNTERS["cel"].finditer(text))
        passed = sum(int(f["passed"]) for f in found)
        return (passed, sum(int(f["total"]) for f in found) - passed) if found else None
    matches = list(COUNTERS[kind].finditer(re.sub(r"\x1b\[[0-9;]*m", "", text)))
    if not matches:
        return None
    return int(matches[-1]["passed"] or 0), int(matches[-1]["failed"] or 0)


def suites():
    yield "tidy", "one", ["python3", "tools/tidy.py"]
    yield "format", "one", ["python3", "tools/format.py", "--check"]
    for path in sorted(BIN.glob("keyturn_*_test")):
        yield "unit-" + path.name[len("keyturn_"):-len("_test")], "doctest", [str(path)]
    yield "web-types", "one", ["npm", "--prefix", "web", "run", "--silent", "check"]
    yield "web-unit", "vitest", ["npm", "--prefix", "web", "test", "--silent"]
    for folder in ("peers", "conformance", "immunity", "e2e", "faults"):
        for path in sorted((ROOT / "tests" / folder).rglob("*_test.py")):
            name = folder + "-" + path.stem[:-len("_test")]
            yield name, "unittest", ["python3", "-B", str(path.relative_to(ROOT)), "-v"]
    if (ROOT / "tests/conformance/cel/run.mjs").exists():
        yield "conformance-cel", "cel", ["bash", "tests/conformance/cel/run.sh"]
    yield "clang-tidy", "one", ["python3", "tools/lint.py"]


def run(name, kind, command):
    OUT.mkdir(parents=True, exist_ok=True)
    log = OUT / f"{name}.log"
    started = time.monotonic()
    environment = dict(os.environ, KEYTURN_BIN=str(BIN / "keyturn"), KEYTURN_BUILD=str(BIN.parent),
                       KEYTURN_LEDGER_FIXTURE=str(BIN / "keyturn_ledger_fixture"),
                       KEYTURN_GO_CACHE=str(BIN.parent / "go-cache"))
    try:
        with log.open("wb") as out:
            code = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out,
                                  stderr=subprocess.STDOUT, env=environment, timeout=SUITE_SECONDS_MAX).returncode
    except subprocess.TimeoutExpired:
        code = "timeout"
    except FileNotFoundError as missing:
        log.write_text(str(missing))
        code = "missing"
    text = log.read_text(errors="replace")
    found = counts(kind, text)
    passed, failed = found if found else (1 if code == 0 else 0, 0 if code == 0 else 1)
    if kind != "one" and code == 0 and (not found or passed == 0):
        failed += 1  # a suite that ran nothing has not passed
    if code != 0 and failed == 0:
        failed = 1
    lines = [f"{'ok  ' if failed == 0 else 'FAIL'} {name:24} {passed:6} passed {failed:3} failed {time.monotonic() - started:7.1f} s",
             *("    " + line for line in text.splitlines()[-60:] if failed)]
    print("\n".join(lines) + "\n", end="", flush=True)  # in one piece: another one may run beside it
    return passed, failed


def untracked():
    """What a commit of everything would add."""
    listed = subprocess.run(["git", "ls-files", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    return set(listed.stdout.splitlines())


def main():
    words = [w for w in sys.argv[1:] if not w.startswith("-")]
    chosen = [s for s in suites() if not words or any(w in s[0] for w in words)]
    if "--list" in sys.argv:
        print("\n".join(s[0] for s in chosen))
        return 0
    lanes = next((int(w.partition("=")[2]) for w in sys.argv[1:] if w.startswith("--lanes=")), LANES)
    was_there = untracked()
    totals = {}
    for part in ([s for s in chosen if s[0] not in ALONE], [s for s in chosen if s[0] in ALONE]):
        part.sort(key=lambda suite: LONG.index(suite[0]) if suite[0] in LONG else len(LONG))
        # The first one of LONG does nothing but wait: it has a lane of its own.
        with concurrent.futures.ThreadPoolExecutor(max_workers=lanes + (lanes > 1 and any(s[0] == LONG[0] for s in part))) as pool:
            totals |= dict(zip([s[0] for s in part], pool.map(lambda suite: run(*suite), part)))
    raced = again(chosen, totals)
    passed, failed = sum(t[0] for t in totals.values()), sum(t[1] for t in totals.values())
    if left := sorted(untracked() - was_there):
        failed += 1
        print("FAIL: left in the source tree, where a commit would take them along: " + ", ".join(left[:20]))
    if raced:
        print("passed only at the second try, which is a fault of the test or of Keyturn: " + ", ".join(raced))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def again(chosen, totals):
    """Runs suites that start processes once more when few of them failed: a machine that was busy for a moment is no
    verdict. What they said the first time stays printed above, and which they were is said at the end."""
    failed = [suite for suite in chosen if totals[suite[0]][1] and suite[1] == "unittest"]
    if not failed or len(failed) > SECOND_TRIES_MAX or any(t[1] for n, t in totals.items() if n not in {f[0] for f in failed}):
        return []
    print("once more, by themselves:", flush=True)
    raced = []
    for suite in failed:
        totals[suite[0]] = run(*suite)
        if not totals[suite[0]][1]:
            raced.append(suite[0])
    return raced


if __name__ == "__main__":
    sys.exit(main())
