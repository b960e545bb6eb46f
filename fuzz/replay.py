#!/usr/bin/env python3
"""Runs every fuzz target of a build over its corpus and over seeded changes to it, the same each time: fuzz/replay.py BUILD [RUNS]"""
import pathlib
import subprocess
import sys
import tempfile

FUZZ = pathlib.Path(__file__).resolve().parent


def replay(program, runs):
    """What the target said when it found something, else None."""
    corpus = FUZZ / "corpus" / program.name.removeprefix("fuzz_")
    if not any(corpus.iterdir()):
        return f"{corpus} is empty"
    with tempfile.TemporaryDirectory() as found:  # new inputs go to the first folder
        done = subprocess.run([program, f"-runs={runs}", "-seed=1", "-max_len=4096", "-timeout=60", "-detect_leaks=1", f"-artifact_prefix={found}/", found, corpus],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        if done.returncode == 0:
            return None
        inputs = [repr(path.read_bytes()[:2000]) for path in pathlib.Path(found).glob("*-*")]
        return "\n".join([*done.stdout.splitlines()[-40:], f"exit {done.returncode}; the input:", *inputs])


def main():
    build, runs = pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    programs = sorted((build / "bin").glob("fuzz_*"))
    findings = {program.name: replay(program, runs) for program in programs}
    for name, finding in findings.items():
        print(f"{'ok  ' if finding is None else 'FAIL'} {name}")
    print("\n".join(f"{name}: {finding}" for name, finding in findings.items() if finding))
    sources = len(list(FUZZ.glob("*.cpp")))
    if len(programs) != sources:
        print(f"{len(programs)} programs for {sources} targets")
    return 0 if len(programs) == sources and not any(findings.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
