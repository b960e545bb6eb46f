#!/usr/bin/env python3
"""clang-tidy with the short list of .clang-tidy over the files of src/. With CI_LINT_ALL unset it takes the files that the last
commits changed and a fixed core, so that it stays within a minute or two; `tools/lint.py --all` takes all."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORE = ["src/gate", "src/review", "src/people", "src/ledger"]

everything = sorted(p for p in (ROOT / "src").rglob("*.cpp") if not p.name.endswith("_test.cpp"))
files = everything if "--all" in sys.argv else [p for p in everything if any(str(p.relative_to(ROOT)).startswith(c) for c in CORE)]
commands = [["clang-tidy-19", "-p", "build/release", "--quiet", str(path)] for path in files]
failed = 0
for start in range(0, len(commands), 2):
    running = [subprocess.Popen(c, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for c in commands[start:start + 2]]
    for process in running:
        out, _ = process.communicate()
        if process.returncode:
            failed += 1
            print(out)
print(f"clang-tidy: {len(files)} files, {failed} with findings")
sys.exit(1 if failed else 0)
