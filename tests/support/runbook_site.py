"""A machine on which examples/runbooks runs as it stands: only paths, ports and the words of the site are others. What is asked of people is answered
in browsers of theirs."""
import http.server
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import threading

from .keyturn import DEADLINE, ROOT, Keyturn, free_port, until
from .passkey import Browser

EXAMPLES = ROOT / "examples/runbooks"
PEOPLE = {"ada": [], "olga": [], "bob": ["dba"], "carol": ["sre"], "paul": ["privacy"]}
NIGHT = ("variables.night", "true")  # whenever the test runs


def kind_of(path):
    found = re.search(r"^kind: (\w+)", path.read_text(), re.M)
    return found[1] if found else "Tools"


def runbooks():
    return sorted(path for path in EXAMPLES.glob("*.yaml") if kind_of(path) == "Runbook")


def tool_user():
    """As whom tools run."""
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid())
    try:
        return pwd.getpwnam("keyturn-exec")
    except KeyError:
        return pwd.getpwnam("nobody")


class Channel:
    """The team's channel: an incoming webhook. `broken`: it answers 500."""

    def __init__(self):
        self.said, self.broken = [], False
        channel = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not channel.broken:
                    channel.said.append(json.loads(body)["text"])
                self.send_response(500 if channel.broken else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hooks/T0/B0/secret"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Service:
    """A web server under runit's supervision. Its files: `starts` has a line for each process; with `ill` it answers 503; with `slow`, one that is asked to
    end says so in `stopping` and waits until that file is gone."""

    PROGRAM = """\
import http.server, os, signal, sys, threading, time
folder, port = sys.argv[1:]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if os.path.exists(folder + "/ill") or self.path != "/healthz" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_): pass
def end(*_):
    if os.path.exists(folder + "/slow"):
        open(folder + "/stopping", "w").close()
        while os.path.exists(folder + "/stopping"): time.sleep(0.02)
    os._exit(0)
signal.signal(signal.SIGTERM, end)
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
print(os.getpid(), file=open(folder + "/starts", "a"))
server.serve_forever()
"""

    def __init__(self, svdir, name):
        self.folder, self.port = svdir / name, free_port()
        self.folder.mkdir(mode=0o755)
        (self.folder / "program.py").write_text(self.PROGRAM)
        run = self.folder / "run"
        run.write_text(f"#!/bin/sh\nexec /usr/bin/python3 -I {self.folder}/program.py {self.folder} {self.port} 2>/dev/null\n")
        run.chmod(0o755)
        (self.folder / "health").write_text(f"http://127.0.0.1:{self.port}/healthz\n")
        self.supervisor = subprocess.Popen(["runsv", str(self.folder)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        until(lambda: (self.folder / "supervise/ok").exists() and self.pids(), "runsv did not start it")
        self.open_to_tools()

    def open_to_tools(self):
        """As README.md says it."""
        script = re.search(r"^    (chmod 755 .*)$", (EXAMPLES / "README.md").read_text(), re.M)[1]
        user = tool_user()
        script = script.replace("/etc/service/prod-shop", str(self.folder)).replace("keyturn-exec", str(user.pw_uid))
        subprocess.run(["/bin/sh", "-euc", script], check=True)

    def pids(self):
        starts = self.folder / "starts"
        return starts.read_text().split() if starts.exists() else []

    def now(self):
        said = subprocess.run(["sv", "status", str(self.folder)], capture_output=True, text=True, check=True).stdout
        return re.search(r"\(pid (\d+)\)", said)[1]

    def mark(self, word, there=True):
        (self.folder / word).touch() if there else (self.folder / word).unlink(missing_ok=True)

    def close(self):
        (self.folder / "slow").unlink(missing_ok=True)
        (self.folder / "stopping").unlink(missing_ok=True)
        subprocess.run(["sv", "-w", "10", "force-shutdown", str(self.folder)], stdout=subprocess.DEVNULL)
        try:
            self.supervisor.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            os.killpg(self.supervisor.pid, signal.SIGKILL)
            self.supervisor.wait()
            raise


class Site:
    """Folders as /srv and /etc have them, and a Keyturn with all examples. `more`: what else of the files is this site's."""

    def __init__(self, more=(), people=PEOPLE):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keyturn-site-"))
        self.folder.chmod(0o755)
        self.channel = Channel()
        self.srv, self.etc = self.folder / "srv", self.folder / "etc"
        user = tool_user()
        for name in ("secrets/shop_app", "backups", "exports", "images", "packages", "migrations"):
            (self.srv / name).mkdir(parents=True)
        for name in ("secrets/shop_app", "backups", "exports", "images"):
            os.chown(self.srv / name, user.pw_uid, user.pw_gid)
            (self.srv / name).chmod(0o700 if name != "secrets/shop_app" else 0o750)
        (self.srv / "keyturn").mkdir()
        shutil.copytree(EXAMPLES / "bin", self.srv / "keyturn/bin")
        (self.etc / "keyturn").mkdir(parents=True)
        (self.etc / "service").mkdir()
        self.secret("tell.url", self.channel.url)
        self.words = [*more, ('WAIT_SECONDS: "15"', 'WAIT_SECONDS: "5"'), ("/srv/", f"{self.srv}/"), ("/etc/keyturn/", f"{self.etc}/keyturn/"), ("/etc/service", f"{self.etc}/service")]
        self.k = None
        try:
            self.k = Keyturn(policy=self.here(EXAMPLES / "policy.yaml", NIGHT).partition("\ntests:")[0] + "\n", tools=self.here(EXAMPLES / "tools.yaml"), people=people,
                             start=False, arguments=["--credentials", str(self.etc / "keyturn/credentials.yaml"), "--runbooks", str(self.etc / "keyturn/runbooks")])
            (self.etc / "keyturn/runbooks").mkdir()
            for path in runbooks():
                (self.etc / "keyturn/runbooks" / path.name).write_text(self.here(path))
            (self.etc / "keyturn/credentials.yaml").write_text(self.here(EXAMPLES / "credentials.yaml"))
            self.k.start()
            self.browsers = {name: Browser(self.k, name) for name in people if name != "ada"}
        except BaseException:
            self.close()
            raise

    def secret(self, name, text):
        file = self.etc / "keyturn" / name
        file.write_text(text + "\n")
        file.chmod(0o600)

    def here(self, path, *words):
        text = path.read_text()
        for written, instead in (*words, *self.words):
            text = text.replace(written, instead)
        return text

    # ------------------------------------------------------------ runs
    def start(self, runbook, inputs, who="bot", **fields):
        answer = self.k.request(f"runbook.{runbook}", inputs, who, **fields)
        assert answer.status in (200, 202), answer
        return answer.json

    def run_of(self, run_id):
        """{} until it has begun."""
        answer = self.k.get(f"/v1/runs/{run_id}", "olga")
        return answer.json if answer.status == 200 else {}

    def at(self, run_id, state, within=DEADLINE):
        """The run, as soon as it is there (seconds); another end is a failure with its reason."""
        def there():
            run = self.run_of(run_id)
            if run.get("state") == state:
                return run
            if run.get("state") in ("succeeded", "failed", "cancelled", "stopped"):
                outcomes = "\n".join(f"{one['path']}: {self.outcome(one['action'])}" for one in run["steps"] if one.get("action"))
                raise AssertionError(f"{run['state']}, not {state}: {run.get('reason')}\n{outcomes}")
        return until(there, f"{run_id} is never {state}: {self.run_of(run_id)}", within)

    def step(self, run, path):
        found = [one for one in run["steps"] if one["path"] == path]
        assert len(found) == 1, (path, [one["path"] for one in run["steps"]])
        return found[0]

    def held(self, run_id, path):
        """The action of the hold, as its reviewers read it."""
        run = self.at(run_id, "held")
        assert run["waits"] == [path], run
        return self.step(run, path)["action"]

    def vote(self, action_id, who, decision="approve"):
        browser = self.browsers[who]
        seen = browser.get(f"/v1/actions/{action_id}")
        assert seen.status == 200, seen
        answer = browser.vote(seen.json, decision)
        assert answer.status == 200, answer
        return seen.json

    def outcome(self, action_id):
        return self.k.action(action_id, "ada").json["outcome"]

    def paths(self, run):
        return [(one["path"], one["state"]) for one in run["steps"]]

    def close(self):
        try:
            if self.k:
                self.k.close()
        finally:
            self.channel.close()
            shutil.rmtree(self.folder, ignore_errors=True)
