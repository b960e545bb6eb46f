"""What a tool's program gets at on a real server: not its data, its sockets, its environment; as root and as another user."""
import json
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import BIN, DEADLINE, Keyturn, end_helper, free_port  # noqa: E402

MARK = "leak-of-the-servers-environment-7351"
SPY = r"""
import errno, glob, json, os, socket, sys
data, pid, mark = sys.argv[1:4]
got = {}
def attempt(name, act):
    try:
        got[name] = act()
    except OSError as refused:
        got[name] = errno.errorcode[refused.errno]
def read(path):
    with open(path, "rb") as file:
        return "read" if mark.encode() not in file.read(1 << 20) else "read the mark"
for name in ("journal.db", "keys/ledger.key", "keys/master.key", "spool/exec/journal"):
    attempt(name, lambda: read(data + "/" + name))
attempt("data", lambda: "listed" if os.listdir(data) else "empty")
for name in ("admin.sock", "exec.sock"):
    attempt(name, lambda: socket.socket(socket.AF_UNIX).connect(data + "/" + name) or "connected")
attempt("write", lambda: open(data + "/new", "w") and "written")
for name in ("environ", "mem", "maps"):
    attempt("server " + name, lambda: read(f"/proc/{pid}/{name}"))
attempt("server root", lambda: "listed" if os.listdir(f"/proc/{pid}/root") else "empty")
attempt("kill", lambda: os.kill(int(pid), 0) or "signalled")
for path in glob.glob("/proc/[0-9]*/environ"):
    try:
        if read(path) != "read" and not path.startswith(f"/proc/{os.getpid()}/"):
            got["marked"] = path
    except OSError:
        pass
print(json.dumps(got))
"""
ONE = """  @NAME@:
    exec: [/usr/bin/python3, @WORK@/spy.py, @DATA@, "{{pid}}", "{{mark}}"]
    params: {pid: {type: integer}, mark: {type: string}}
    resource: {kind: host, name: here, env: dev}
    sandbox: @SANDBOX@
"""
POLICY = """apiVersion: keyturn/v1
kind: Policy
metadata: {name: sandbox, revision: 1}
defaults: {effect: deny, onError: deny}
rules:
- {id: all, match: {tool: [boxed, bound, bare, known]}, effect: allow}
"""


def tools(folder, **sandboxes):
    text = "tools:\n"
    for name, sandbox in sandboxes.items():
        text += ONE.replace("@NAME@", name).replace("@SANDBOX@", sandbox)
    return text.replace("@WORK@", str(folder)).replace("@DATA@", str(folder / "data"))


class AsItIs(unittest.TestCase):
    """The server as the tests run: as root in a container, as somebody else on a desk."""

    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(policy=POLICY, start=False, people={"olga": []}, agents={"bot": "olga"})
        cls.addClassCleanup(cls.k.close)
        (cls.k.folder / "spy.py").write_text(SPY)
        kinds = {"boxed": "{}", "bound": f"{{network: true, read_write: [{cls.k.folder}]}}"}
        if os.getuid() == 0:
            kinds["bare"] = "none"
        cls.k.write_tools(tools(cls.k.folder, **kinds))
        cls.k.start(env={"KEYTURN_TEST_MARK": MARK})

    def spy(self, tool):
        action = self.k.settled(self.k.request(tool, {"pid": self.k.process.pid, "mark": MARK}).json["id"])
        self.assertEqual(action["state"], "succeeded", action)
        return json.loads(action["outcome"]["stdout"])

    def check(self, tool):
        got = self.spy(tool)
        self.assertGreater(len(got), 10)
        self.assertNotIn("marked", got)
        for what, answer in got.items():
            self.assertIn(answer, {"ENOENT", "EACCES", "EPERM", "ESRCH", "EROFS"}, f"{tool}: {what}: {got}")

    def test_in_a_sandbox(self):
        self.check("boxed")

    def test_in_a_sandbox_that_may_write_around_the_data_and_has_the_network(self):
        self.check("bound")

    def test_without_a_sandbox_as_another_user(self):
        if os.getuid() == 0:
            self.check("bare")
        else:
            self.assertIn("exposes_keyturn", self.k.cli("serve", "--check", "--policy", self.k.policy_file, "--tools", self.bare_tools(), check=False).err)

    def bare_tools(self):
        path = self.k.folder / "bare.yaml"
        path.write_text(tools(self.k.folder, bare="none"))
        return path

    def test_the_log_says_how_programs_are_bounded(self):
        self.assertRegex(self.k.stderr(), r"(?m)^\S+Z memory (is limited for each process|and processes of each execution)")


@unittest.skipUnless(os.getuid() == 0, "only root can become another user")
class NotRoot(unittest.TestCase):
    """A server of a user of its own, as under systemd."""

    @classmethod
    def setUpClass(cls):
        cls.user = pwd.getpwnam("nobody")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="keyturn-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        os.chown(cls.folder, cls.user.pw_uid, cls.user.pw_gid)
        cls.folder.chmod(0o755)
        cls.bin = cls.folder / "keyturn"
        shutil.copy(BIN, cls.bin)
        (cls.folder / "spy.py").write_text(SPY)
        (cls.folder / "policy.yaml").write_text(POLICY)
        cls.data, cls.port = cls.folder / "data", free_port()
        cls.addClassCleanup(end_helper, cls.data)

    def files(self, **sandboxes):
        path = self.folder / "tools.yaml"
        path.write_text(tools(self.folder, **sandboxes))
        return ["--policy", str(self.folder / "policy.yaml"), "--tools", str(path)]

    def keyturn(self, *words, token=""):
        return subprocess.run([self.bin, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE, cwd=self.folder,
                              user=self.user.pw_uid, group=self.user.pw_gid, extra_groups=[],
                              env={"PATH": os.environ["PATH"], "KEYTURN_URL": f"http://localhost:{self.port}", "KEYTURN_TOKEN": token})

    def test_no_sandbox_is_warned_of_at_load_with_its_place_and_advice(self):
        for sandbox in ("none", "{disabled: true}"):
            done = self.keyturn("serve", "--check", *self.files(boxed="{}", bare=sandbox))
            self.assertEqual(done.returncode, 0)  # an error once sealed: catalog_test
            self.assertRegex(done.stderr, r"tools\.yaml:11:14: warning: .*keys and data.*exposes_keyturn: true")
        done = self.keyturn("serve", "--check", *self.files(boxed="{}", known="{disabled: true, exposes_keyturn: true}"))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_sandbox_hides_keyturn_from_its_own_user_and_who_goes_without_says_so(self):
        for words in (["init"], ["person", "add", "olga"], ["agent", "add", "bot", "--owner", "olga"]):
            done = self.keyturn(*words, "--data", str(self.data))
            self.assertEqual(done.returncode, 0, done.stderr)
        token = self.keyturn("token", "create", "--agent", "bot", "--data", str(self.data)).stdout.strip()
        files = self.files(boxed="{}", bound=f"{{network: true, read_write: [{self.folder}]}}", known="{disabled: true, exposes_keyturn: true}")
        server = subprocess.Popen([self.bin, "serve", "--data", str(self.data), "--listen", f"127.0.0.1:{self.port}", *files], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder, user=self.user.pw_uid, group=self.user.pw_gid, extra_groups=[],
                                  env={"PATH": os.environ["PATH"], "KEYTURN_TEST_MARK": MARK})
        said = []
        reader = threading.Thread(target=lambda: said.extend(server.stderr), daemon=True)
        reader.start()
        try:
            for line in server.stdout:
                if "listening on" in line:
                    break
            for tool in ("boxed", "bound"):
                done = self.keyturn("request", tool, "--arg", f"pid={server.pid}", "--arg", f"mark={MARK}", token=token)
                self.assertEqual(done.returncode, 0, done.stderr)
                got = json.loads(done.stdout)
                self.assertNotIn("marked", got)
                for what, answer in got.items():
                    self.assertIn(answer, {"ENOENT", "EACCES", "EPERM", "ESRCH", "EROFS"}, f"{tool}: {what}: {got}")
            done = self.keyturn("request", "known", "--arg", f"pid={server.pid}", "--arg", f"mark={MARK}", "--json", token=token)
            action = json.loads(done.stdout)
            got = json.loads(action["outcome"]["stdout"])
            self.assertEqual(got["keys/ledger.key"], "read", "what the acknowledgement is about")
            self.assertEqual({got["server environ"], got["server mem"]}, {"EACCES"}, "even so: what is in its memory and environment")
            olga = self.keyturn("token", "create", "--person", "olga", "--data", str(self.data)).stdout.strip()
            self.assertIn("it can read Keyturn's keys and data", self.keyturn("show", action["id"], token=olga).stdout)
        finally:
            server.terminate()
            server.wait(DEADLINE)
            reader.join(DEADLINE)
            server.stdout.close()
            server.stderr.close()
        self.assertRegex("".join(said), r"programs run as Keyturn's own user")


if __name__ == "__main__":
    unittest.main()
