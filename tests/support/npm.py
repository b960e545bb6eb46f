"""Packages from npm, as a package-lock.json says, and what TypeScript compiles with them: made where missing, by one suite at a time."""
import contextlib
import fcntl
import json
import subprocess

from .keyturn import Failed


@contextlib.contextmanager
def _alone(folder):
    with open(folder / "package.json") as lock:  # suites and threads may want the same folder at the same time
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(folder):
    package = json.loads((folder / "package.json").read_text())
    wanted = {**package.get("dependencies", {}), **package.get("devDependencies", {})}
    modules = folder / "node_modules"
    if not modules.is_dir() or not all((modules / one).is_dir() for one in wanted):  # (one may want nothing but what is optional)
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True, timeout=300)


def install(folder):
    with _alone(folder):
        _install(folder)


def compiled(folder, *sources):
    """The folder, with dist/ of its TypeScript; made anew where something in it or in the other `sources` is newer. Another suite may be using dist/, so it
    is left alone while it is right."""
    with _alone(folder):
        _install(folder)
        stamp = folder / "dist/.made"
        files = [path for root in (folder, *sources) for path in root.rglob("*") if path.is_file() and not {"node_modules", "dist"} & set(path.relative_to(root).parts)]
        if not stamp.exists() or any(path.stat().st_mtime > stamp.stat().st_mtime for path in files):
            done = subprocess.run(["node_modules/.bin/tsc"], cwd=folder, capture_output=True, text=True, timeout=120)
            if done.returncode != 0:
                raise Failed(f"tsc in {folder}:\n{done.stdout}{done.stderr}")
            stamp.touch()
    return folder
