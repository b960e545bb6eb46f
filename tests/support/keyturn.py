"""A Keyturn of its own for a test: data folder, configuration, people, agents, server, client.

Env: KEYTURN_BIN (default build/release/bin/keyturn). Everything listens on 127.0.0.1, lives below one temporary folder and
is ended by process id. Nothing here sleeps to synchronise: what is waited for is a line, an answer or an event, with a deadline.
"""
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import queue
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("KEYTURN_BIN", ROOT / "build/release/bin/keyturn")).resolve()
DEADLINE = 30  # seconds; a failure, never a pace

# Who there is in most tests. The first person is the administrator.
PEOPLE = {"ada": [], "olga": [], "bob": ["dba"], "carol": ["sre"], "dave": ["dba", "sre"], "erin": ["dba"]}
AGENTS = {"bot": "olga", "bot2": "olga", "deployer": "olga"}

POLICY = """\
apiVersion: keyturn/v1
kind: Policy
metadata: {name: tests, revision: 1}
defaults: {effect: deny, onError: deny}
rules:
- {id: echo-ok, match: {tool: [echo, slow, sandboxed]}, effect: allow}
- {id: never, match: {tool: [forbidden]}, effect: deny}
- {id: two-people, match: {tool: [append]}, effect: require, require: {quorum: {dba: 1, sre: 1}, assurance: token, expires: 1h}}
- {id: one-person, match: {tool: [append-one, slow-one]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}
- {id: soon, match: {tool: [append-soon]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1s}}
- {id: in-browser, match: {tool: [append-session]}, effect: require, require: {quorum: {dba: 1}, expires: 1h}}
- {id: signed, match: {tool: [append-passkey]}, effect: require, require: {quorum: {dba: 1}, assurance: passkey, expires: 1h}}
- {id: typed, match: {tool: [append-retype]}, effect: require, require: {quorum: {dba: 1}, retype: resource.name, expires: 1h}}
- {id: deploy-ok, match: {tool: [deploy]}, effect: allow}
- {id: deploy-reviewed, match: {tool: [deploy-reviewed]}, effect: require, require: {quorum: {sre: 1}, assurance: token, expires: 1h}}
"""

_APPEND = """\
  @NAME@:
    exec: [@WORK@/append.sh, "{{text}}"]
    params: {text: {type: string, bytes_max: 20000}}
    operation: write
    resource: {kind: file, name: lines, env: prod}
    sandbox: none
"""

TOOLS = """\
tools:
  echo:
    exec: [/usr/bin/echo, "{{text}}"]
    params: {text: {type: string, bytes_max: 20000}}
    operation: read
    resource: {kind: host, name: here, env: dev}
    sandbox: none
  sandboxed:
    exec: [/usr/bin/id, -u]
    operation: read
    resource: {kind: host, name: here, env: dev}
  forbidden:
    exec: [/usr/bin/echo, never]
    resource: {kind: host, name: here, env: prod}
    sandbox: none
  slow:
    exec: [@WORK@/slow.sh]
    resource: {kind: host, name: here, env: dev}
    sandbox: none
    timeout: 60s
  slow-one:
    exec: [@WORK@/slow.sh]
    resource: {kind: host, name: here, env: prod}
    sandbox: none
    timeout: 60s
  deploy:
    params: {ref: {type: string}}
    resource: {kind: service, name: web, env: prod}
    operation: deploy
    mode: grant
    enforcement_point: deployer
  deploy-reviewed:
    params: {ref: {type: string}}
    resource: {kind: service, name: web, env: prod}
    operation: deploy
    mode: grant
    enforcement_point: deployer
""" + "".join(_APPEND.replace("@NAME@", name) for name in
              ("append", "append-one", "append-soon", "append-session", "append-passkey", "append-retype"))


class Answer:
    """An HTTP answer."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The stable word of a problem, else ""."""
        if "problem+json" not in self.headers.get("content-type", ""):
            return ""
        return self.json.get("code", "")

    def __repr__(self):
        return f"<{self.status} {self.body[:600]!r}>"


class Failed(Exception):
    """A command that should have worked."""


# What sanitizers say when KEYTURN_BIN is built with them. Their environment reaches every program that is tested.
_REPORT = re.compile(r"^.*(?:(?:ERROR|WARNING): \w+Sanitizer|: runtime error: ).*$", re.M)
_SANITIZER_OPTIONS = ("ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS")


def fail_on_report(name, stderr):
    found = _REPORT.search(stderr)
    if found:
        raise Failed(f"{name}: {stderr[found.start():][:20000]}")


class CommandResult:
    def __init__(self, done):
        fail_on_report(" ".join(done.args), done.stderr)
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def last(self):
        return self.out.strip().splitlines()[-1]

    @property
    def json(self):
        return json.loads(self.out)


def free_port():
    """A port that is free, and not among those that systems give to connections: still free when a server wants it, or wants it again."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port


class Keyturn:
    def __init__(self, policy=POLICY, tools=TOOLS, config="", people=PEOPLE, agents=AGENTS, start=True, tokens=True, arguments=(), port=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keyturn-test-"))
        self.folder.chmod(0o755)  # programs of tools run as another user and must reach `work`
        self.data, self.work = self.folder / "data", self.folder / "work"
        self.work.mkdir(mode=0o755)
        self.out = self.work / "out"
        self.out.mkdir()
        self.out.chmod(0o777)
        self.lines_file = self.out / "lines"
        self.fifo_started, self.fifo_go = self.out / "started", self.out / "go"
        self._write_programs()
        self.policy_file, self.tools_file, self.config_file = (self.folder / name for name in ("policy.yaml", "tools.yaml", "keyturn.yaml"))
        self.write_policy(policy)
        self.write_tools(tools)
        if config:
            self.config_file.write_text(config)
        self.arguments = list(arguments)
        self.port = port or free_port()
        self.process = None
        self.stdout_lines, self._lines = [], queue.Queue()
        self.stderr_file = self.folder / "server.err"
        self.tokens = {}
        self.token_secrets = []
        self.pool = concurrent.futures.ThreadPoolExecutor(max_workers=64)
        self._files = []
        try:
            self.vkey = self.cli("init", "--data", self.data).last
            for number, (name, groups) in enumerate(people.items()):
                if start and number == 1:  # a server without anybody would make its own first administrator
                    self.start()
                self.add_person(name, groups, token=tokens)
            if start and not self.running:
                self.start()
            for name, owner in agents.items():
                self.add_agent(name, owner, token=tokens)
        except BaseException:
            self.close()
            raise

    # ------------------------------------------------------------ configuration and programs
    def _write_programs(self):
        def program(name, text):
            path = self.work / name
            path.write_text(text)
            path.chmod(0o755)
        program("append.sh", f"#!/bin/sh\nprintf '%s\\n' \"$1\" >> {self.lines_file}\n")
        program("slow.sh", f"#!/bin/sh\necho started > {self.fifo_started}\nread x < {self.fifo_go}\necho ran >> {self.lines_file}\necho done\n")
        for path in (self.fifo_started, self.fifo_go):
            os.mkfifo(path)
            path.chmod(0o666)

    def write_policy(self, text):
        self.policy_file.write_text(text)

    def write_tools(self, text):
        if os.getuid() != 0:  # programs are of the server's own user there, and a tool must say that it knows
            text = re.sub(r"sandbox: none\b", "sandbox: {disabled: true, exposes_keyturn: true}", text)
        self.tools_file.write_text(text.replace("@WORK@", str(self.work)))

    def lines(self):
        """What tools appended so far."""
        return self.lines_file.read_text().splitlines() if self.lines_file.exists() else []

    def wait_started(self):
        """Until a `slow` tool says that it runs."""
        return read_fifo(self.fifo_started)

    def let_go(self):
        write_fifo(self.fifo_go, b"go\n")

    # ------------------------------------------------------------ the server
    @property
    def url(self):
        return f"http://localhost:{self.port}"

    @property
    def command(self):
        return [str(BIN), "serve", "--data", str(self.data), "--listen", f"127.0.0.1:{self.port}", "--policy", str(self.policy_file),
                "--tools", str(self.tools_file), *(["--config", str(self.config_file)] if self.config_file.exists() else []), *self.arguments]

    def start(self, wait=True, preexec_fn=None, env=None):
        assert self.process is None or self.process.poll() is not None, "it runs already"
        err = open(self.stderr_file, "ab")
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err, text=True, cwd=self.folder,
                                        preexec_fn=preexec_fn, env=dict(os.environ, **(env or {})), start_new_session=True)
        err.close()
        self._lines = queue.Queue()
        self._reader = threading.Thread(target=self._read_stdout, args=(self.process, self._lines), daemon=True)
        self._reader.start()
        if wait:
            self.wait_line(r"listening on")
            self.wait_ready()
        return self

    def _read_stdout(self, process, lines):
        for line in process.stdout:
            self.stdout_lines.append(line)
            lines.put(line)
        lines.put(None)

    def wait_line(self, pattern):
        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise Failed(f"the server did not say {pattern!r}:\n{''.join(self.stdout_lines)}{self.stderr()}") from None
            if line is None:
                raise Failed(f"the server ended ({self.process.wait()}):\n{''.join(self.stdout_lines)}{self.stderr()}")
            if re.search(pattern, line):
                return line

    def wait_ready(self):
        deadline = time.monotonic() + DEADLINE
        while True:
            with contextlib.suppress(OSError):
                if self.get("/healthz").status == 200:
                    return
            if self.process.poll() is not None:
                raise Failed(f"the server ended ({self.process.returncode}):\n{self.stderr()}")
            if time.monotonic() > deadline:
                raise Failed(f"not ready:\n{self.stderr()}")
            time.sleep(0.01)  # between looks at a port; the verdict is the look

    def stderr(self):
        return self.stderr_file.read_text(errors="replace") if self.stderr_file.exists() else ""

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        if self.running:
            self.process.terminate()
            try:
                self.process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise Failed("the server did not stop at SIGTERM") from None
            finally:
                self._reader.join(DEADLINE)
                self.process.stdout.close()
        return self.process.returncode if self.process else None

    def kill9(self):
        if self.running:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self._reader.join(DEADLINE)
            self.process.stdout.close()

    def back_up(self):
        """Stops, keeps a copy of the data folder, and starts."""
        self.stop()
        end_helper(self.data)
        shutil.copytree(self.data, self.folder / "backup", ignore=shutil.ignore_patterns("*.sock"))
        return self.start()

    def restore(self, databases=("journal.db",)):
        """Stops; these databases are the copy's again, or without any the whole folder is. Does not start."""
        self.stop()
        end_helper(self.data)
        if not databases:
            shutil.rmtree(self.data)
            shutil.copytree(self.folder / "backup", self.data)
        for name in (database + side for database in databases for side in ("", "-wal", "-shm")):
            (self.data / name).unlink(missing_ok=True)
            if (self.folder / "backup" / name).exists():
                shutil.copy(self.folder / "backup" / name, self.data / name)

    def restart(self, **how):
        self.stop()
        return self.start(**how)

    def reload(self):
        """SIGHUP, and wait for what came of it (a line on stderr)."""
        before = self.stderr_file.stat().st_size
        self.process.send_signal(signal.SIGHUP)
        return self.wait_stderr(r"reload", before)

    def wait_stderr(self, pattern, start=0):
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            text = self.stderr()[start:]
            for line in text.splitlines():
                if re.search(pattern, line):
                    return text
            time.sleep(0.01)
        raise Failed(f"stderr did not say {pattern!r}:\n{self.stderr()}")

    def close(self):
        was_running = self.running
        try:
            code = self.stop()
        finally:
            self.pool.shutdown(wait=False, cancel_futures=True)
            end_helper(self.data)
            said = self.stderr()
            shutil.rmtree(self.folder, ignore_errors=True)
        fail_on_report("the server", said)
        if was_running and code != 0:
            raise Failed(f"the server was asked to stop and ended with {code}:\n{said}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ------------------------------------------------------------ the command line
    def cli(self, *words, token=None, check=True, stdin=None, env=None, timeout=DEADLINE):
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder), "LANG": "C.UTF-8", "KEYTURN_URL": self.url if hasattr(self, "port") else "",
                       **({"KEYTURN_TOKEN": self.tokens.get(token, token)} if token else {}), **{k: os.environ[k] for k in _SANITIZER_OPTIONS if k in os.environ},
                       **(env or {})}
        done = subprocess.run([str(BIN), *map(str, words)], input=stdin, stdin=subprocess.DEVNULL if stdin is None else None, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=environment, cwd=self.folder, timeout=timeout)
        if check and done.returncode != 0:
            raise Failed(f"keyturn {' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return CommandResult(done)

    def host(self, *words, check=True):
        """A command of the server's own machine."""
        return self.cli(*words, "--data", self.data, check=check)

    def add_person(self, name, groups=(), token=True, email=None, more=()):
        self.host("person", "add", name, "--email", email or f"{name}@example.com", *(w for g in groups for w in ("--group", g)), *more)
        if token:
            self.new_token(name, person=name)

    def add_agent(self, name, owner, token=True):
        self.host("agent", "add", name, "--owner", owner)
        if token:
            self.new_token(name, agent=name)

    def new_token(self, remember_as=None, person=None, agent=None, expires=None):
        text = self.host("token", "create", *(("--agent", agent) if agent else ("--person", person)), *(("--expires", expires) if expires else ())).last
        self.token_secrets.append(text)
        if remember_as:
            self.tokens[remember_as] = text
        return text

    def enrol_link(self, person):
        out = self.host("person", "enrol", person).out
        found = re.search(r"\S+/enrol#(\S+)", out)
        if not found:
            raise Failed(f"no enrolment link in {out!r}")
        return found[0]

    # ------------------------------------------------------------ HTTP
    def http(self, method, path, who=None, body=None, headers=None, raw_body=None, timeout=DEADLINE, host=None):
        """`who`: a name of self.tokens, or a token itself. `body` is sent as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            given = {"Host": host or f"localhost:{self.port}"}
            if who is not None:
                given["Authorization"] = "Bearer " + self.tokens.get(who, who)
            payload = raw_body
            if body is not None:
                payload = json.dumps(body)
                given["Content-Type"] = "application/json"
            given.update(headers or {})
            if payload is None and method in ("POST", "PUT"):
                payload = b""
            connection.request(method, path, body=payload.encode() if isinstance(payload, str) else payload, headers=given)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path, who=None, **more):
        return self.http("GET", path, who, **more)

    def post(self, path, who=None, body=None, **more):
        return self.http("POST", path, who, {} if body is None and "raw_body" not in more else body, **more)

    def delete(self, path, who=None, **more):
        return self.http("DELETE", path, who, **more)

    def raw(self, data, timeout=DEADLINE):
        """Bytes out, bytes until the server closes or a whole answer is there."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            connection.sendall(data)
            got = b""
            while not re.match(rb"HTTP/1\.1 \d+.*?\r\n\r\n", got, re.S) or not _whole(got):
                piece = connection.recv(65536)
                if not piece:
                    break
                got += piece
            return got

    def later(self, call, *args, **more):
        return self.pool.submit(call, *args, **more)

    # ------------------------------------------------------------ actions
    def request(self, tool, args=None, who="bot", wait=None, **fields):
        headers = {"Prefer": f"wait={wait}"} if wait is not None else {}
        body = {"tool": tool, "args": args if args is not None else {}, **fields}
        return self.http("POST", "/v1/actions", who, body, headers=headers)

    def action(self, action_id, who="bot", wait=None, after_version=None):
        headers = {"Prefer": f"wait={wait}"} if wait is not None else {}
        query = f"?after_version={after_version}" if after_version is not None else ""
        return self.http("GET", f"/v1/actions/{action_id}{query}", who, headers=headers)

    def settled(self, action_id, who="bot"):
        got = self.action(action_id, who, wait=DEADLINE - 5).json
        assert got["state"] not in ("pending", "executing", "deferred"), got
        return got

    def vote(self, action, who, decision="approve", digest=None, **fields):
        action_id = action if isinstance(action, str) else action["id"]
        if digest is None:
            digest = action["digest"] if isinstance(action, dict) else self.action(action_id, who).json["digest"]
        return self.post(f"/v1/actions/{action_id}/votes", who, {"decision": decision, "digest": digest, **fields})

    def events(self, path, who, headers=None):
        return Events(self, path, who, headers or {})


class Events:
    """Server-sent events as they come."""

    def __init__(self, server, path, who, headers):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE)
        lines = [f"GET {path} HTTP/1.1", f"Host: localhost:{server.port}", "Accept: text/event-stream"]
        if who:
            lines.append("Authorization: Bearer " + server.tokens.get(who, who))
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.answer = http.client.HTTPResponse(self.socket)
        self.answer.begin()
        self.status = self.answer.status

    def __iter__(self):
        event = {}
        while True:
            line = self.answer.readline()
            if not line:
                return
            line = line.decode().rstrip("\r\n")
            if not line:
                if event:
                    yield event
                event = {}
                continue
            name, _, value = line.partition(":")
            if name:
                event[name] = value.removeprefix(" ")

    def until(self, name):
        """The events up to the first of this name, that one included."""
        seen = []
        for event in self:
            seen.append(event)
            if event.get("event") == name:
                return seen
        raise AssertionError(f"the stream ended without {name}: {seen}")

    def close(self):
        self.socket.close()


def _whole(got):
    head, _, body = got.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: *(\d+)", head, re.I)
    return length is not None and len(body) >= int(length[1])


def until(what, why, within=DEADLINE):
    """What `what()` gives as soon as that is true; fails with `why` after so many seconds."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.02)  # between looks; the verdict is the look
    raise AssertionError(why)


def read_fifo(path):
    """One line of a named pipe, with a deadline."""
    import select
    fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        if not select.select([fd], [], [], DEADLINE)[0]:
            raise Failed(f"nothing was written to {path}")
        return os.read(fd, 4096).decode()
    finally:
        os.close(fd)


def write_fifo(path, data):
    fd = os.open(path, os.O_RDWR)  # never blocks, and holds it open until the reader has it
    try:
        os.write(fd, data)
        deadline = time.monotonic() + DEADLINE
        import fcntl
        import termios
        while time.monotonic() < deadline:
            waiting = fcntl.ioctl(fd, termios.FIONREAD, b"\0\0\0\0")
            if int.from_bytes(waiting, "little") == 0:
                return
            time.sleep(0.002)
        raise Failed(f"nobody read {path}")
    finally:
        os.close(fd)


def end_helper(data):
    """Ends the exec helper of one data folder: it outlives its server on purpose."""
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if b"exec-helper" in words and str(data).encode() in words:
                os.kill(int(entry.name), signal.SIGKILL)


def contains(folder, needles):
    """Files below `folder` whose bytes hold one of the needles."""
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        found += [(str(path), needle) for needle in needles if needle.encode() in content]
    return found
