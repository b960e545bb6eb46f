#!/usr/bin/env python3
"""Holds the source tree against docs/architecture.md: arrows, cycles, stale arrows, what CMake is told, sizes, forbidden words.

Exit 0 when everything holds; else one line a finding, `path:line: message`, and exit 1.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
GROUND_FLOOR = ["base", "doc", "crypto", "model"]
STORE_READERS = {"gate", "admin", "audit", "server", "store"}
FILE_LINES_MAX = 700
# Every exception needs a reason; one that is no longer needed is itself a finding.
LONG_FILES: dict[str, str] = {}
FORBIDDEN = [  # in file contents: paths and names that belong to one machine
    (re.compile(r"\.\./shared|/work/(main|shared|\.library)"), "names a path of one machine"),
]
SECRET_FILES = re.compile(r"(^|/)keyturn-(data|demo)/|\.(key|db|db-wal|db-shm)$")  # what a server or a test made; some are keys
BEAST = re.compile(r"#include <boost/beast")


def rooms():
    text = (ROOT / "docs/architecture.md").read_text()
    block = re.search(r"```rooms\n(.*?)```", text, re.S).group(1)
    arrows = {}
    for line in block.splitlines():
        match = re.match(r"(\w+)/\s.*->\s*(.*)$", line)
        if match:
            arrows[match[1]] = [] if match[2].strip() == "(std)" else match[2].split()
    for room, to in arrows.items():
        if to == ["all"]:
            arrows[room] = [r for r in arrows if r not in (room, "cli")]
    return arrows


def find_cycle(arrows):
    done, path = set(), []

    def visit(room):
        if room in path:
            return path[path.index(room):] + [room]
        if room in done:
            return None
        path.append(room)
        for to in arrows.get(room, []):
            found = visit(to)
            if found:
                return found
        path.pop()
        done.add(room)
        return None

    for room in arrows:
        found = visit(room)
        if found:
            return found
    return None


def tracked():
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [p for p in out.stdout.splitlines() if (ROOT / p).is_file()]


def check_file(path, arrows, used, findings):
    try:
        text = (ROOT / path).read_text()
    except UnicodeDecodeError:
        return
    if path != "tools/tidy.py":
        for pattern, why in FORBIDDEN:
            for number, line in enumerate(text.splitlines(), 1):
                if pattern.search(line):
                    findings.append(f"{path}:{number}: {why}")
    parts = pathlib.PurePosixPath(path).parts
    if parts[0] != "src" or not path.endswith((".h", ".cpp")):
        return
    room = parts[1]
    lines = text.splitlines()
    if len(lines) > FILE_LINES_MAX and path not in LONG_FILES:
        findings.append(f"{path}:1: {len(lines)} lines; split it (at most {FILE_LINES_MAX})")
    if path in LONG_FILES and len(lines) <= FILE_LINES_MAX:
        findings.append(f"{path}:1: stale exception in tools/tidy.py: the file is short again")
    if room not in arrows:
        findings.append(f"{path}:1: room {room}/ is not in docs/architecture.md")
        return
    is_test = path.endswith("_test.cpp")
    for number, line in enumerate(lines, 1):
        if re.match(r"\s*rc::check\(", line):
            findings.append(f"{path}:{number}: what rc::check answers must count: CHECK(rc::check(…))")
        if BEAST.search(line) and room != "net":
            findings.append(f"{path}:{number}: Beast outside net/")
        match = re.match(r'#include "([^"]+)"', line)
        if not match:
            continue
        target = match[1].split("/")[0]
        if target == room:
            continue
        if target not in arrows:
            if not is_test:
                findings.append(f'{path}:{number}: includes "{match[1]}", which is no room')
            continue
        if is_test:
            continue
        used.add((room, target))
        if target == "store" and room not in STORE_READERS:
            findings.append(f"{path}:{number}: only {sorted(STORE_READERS)} include store/")
        lower = target in GROUND_FLOOR and room not in GROUND_FLOOR
        if not lower and target not in arrows[room]:
            findings.append(f"{path}:{number}: {room}/ may not include {target}/ (docs/architecture.md)")


def declared(room):
    """(line, DEPS) of the room's library as its CMakeLists.txt has it; None without one."""
    path = ROOT / "src" / room / "CMakeLists.txt"
    text = path.read_text() if path.is_file() else ""
    match = re.search(r"keyturn_room\(\s*" + room + r"\b([^)]*)\)", text)
    if not match:
        return None
    words = re.split(r"\b(DEPS|LIBS|TEST_LIBS)\b", match[1])
    deps = [word for keyword, part in zip(words[1::2], words[2::2]) if keyword == "DEPS" for word in part.split()]
    return text[:match.start()].count("\n") + 1, deps


def check_deps(arrows, used, findings):
    """DEPS name exactly the rooms that are included; the ground floor may come with a room that is named."""
    told = {room: declared(room) for room in arrows}

    def reached(room, seen):
        for to in told[room][1] if told.get(room) else []:
            if to not in seen:
                seen.add(to)
                reached(to, seen)
        return seen

    for room, found in told.items():
        if not (ROOT / "src" / room).is_dir():
            continue
        place = f"src/{room}/CMakeLists.txt"
        if found is None:
            findings.append(f"{place}:1: no keyturn_room({room} …)")
            continue
        line, deps = found
        includes = {to for user, to in used if user == room}
        for to in sorted(includes - set(deps)):
            if to not in GROUND_FLOOR or to not in reached(room, set()):
                findings.append(f"{place}:{line}: {room}/ includes {to}/, which is not in its DEPS")
        for to in deps:
            if to not in includes:
                findings.append(f"{place}:{line}: DEPS names {to}, which {room}/ does not include")


def main():
    arrows = rooms()
    findings, used = [], set()
    cycle = find_cycle(arrows)
    if cycle:
        findings.append("docs/architecture.md:1: cycle " + " -> ".join(cycle))
    for path in tracked():
        if SECRET_FILES.search(path):
            findings.append(f"{path}:1: what a server or a test made belongs in no commit: `git rm --cached` it")
        check_file(path, arrows, used, findings)
    check_deps(arrows, used, findings)
    for room, targets in arrows.items():
        if not (ROOT / "src" / room).is_dir():
            findings.append(f"docs/architecture.md:1: room {room}/ does not exist")
            continue
        if room == "server":
            continue
        for target in targets:
            if target not in GROUND_FLOOR and (room, target) not in used:
                findings.append(f"docs/architecture.md:1: stale arrow {room}/ -> {target}/: nobody uses it")
    print("\n".join(findings) if findings else "tidy: every arrow holds")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
