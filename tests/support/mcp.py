"""The real software of the Model Context Protocol (tests/peers/mcp): fixture servers and driven clients on the official SDKs, the conformance suite, the
inspector."""
import contextlib
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from .keyturn import DEADLINE, ROOT, Failed, until
from .npm import install
from .peer import Peer

MCP = ROOT / "tests/peers/mcp"
LEGACY, MODERN = "2025-11-25", "2026-07-28"
SERVERS = {LEGACY: "legacy_server.mjs", MODERN: "modern_server.mjs"}


class Server(Peer):
    """A fixture server over HTTP. It says every request that reaches it."""

    def __init__(self, era, *arguments):
        self.state = pathlib.Path(tempfile.mkdtemp(prefix="keyturn-mcp-"))
        super().__init__("mcp", SERVERS[era], "--state", str(self.state), *arguments)
        self.arguments = (*self.arguments, "--port", str(self.port))  # the same again after stop() and start()

    @property
    def url(self):
        return f"http://localhost:{self.port}/mcp"

    def order(self, word, **more):
        self.tell(word, {"do": word, **more})

    def requests(self, method=None):
        """What arrived so far: {method, headers, body}; only the JSON-RPC requests of a method when one is given."""
        seen = [line["request"] for line in list(self.catch_up()) if "request" in line]
        return seen if method is None else [request for request in seen if request.get("body", {}).get("method") == method]

    def wait_request(self, method, count=1):
        return until(lambda: len(self.requests(method)) >= count and self.requests(method)[count - 1], f"no {method} reached the server")

    def close(self):
        self.stop()
        shutil.rmtree(self.state, ignore_errors=True)


def stdio_server(era, state, log=None):
    """The command of a fixture server on stdin and stdout."""
    install(MCP)
    return ["node", str(MCP / SERVERS[era]), "--stdio", "--state", str(state), *(["--log", str(log)] if log else [])]


class Refused(Exception):
    """What a driven client threw: its `error` has name, code, message, data."""

    def __init__(self, error):
        super().__init__(json.dumps(error))
        self.error = error


class Client(Peer):
    """A driven client: version 1 is @modelcontextprotocol/sdk, 2 is @modelcontextprotocol/client."""

    def __init__(self, version, **connect):
        self._ids = itertools.count(1)
        super().__init__("mcp", f"client_v{version}.mjs")
        self.connect = connect

    def start(self):
        self.folder = MCP
        self.process = subprocess.Popen(["node", self.script], cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")})
        self.read(self.process)
        self.until(lambda line: "ready" in line)

    def begin(self, verb, **more):
        """Without waiting for its answer: gives its number."""
        number = next(self._ids)
        self.process.stdin.write(json.dumps({"id": number, "do": verb, **more}) + "\n")
        self.process.stdin.flush()
        return number

    def end(self, number, within=DEADLINE):
        line = self.seen(lambda line: line.get("id") == number, within)
        if "error" in line:
            raise Refused(line["error"])
        return line["result"]

    def do(self, verb, **more):
        return self.end(self.begin(verb, **more))

    def call(self, tool, options=None, **arguments):
        return self.do("call", name=tool, arguments=arguments, **({"options": options} if options else {}))

    def text(self, tool, options=None, **arguments):
        """The first text of what a tool gives."""
        return self.call(tool, options, **arguments)["content"][0]["text"]

    def event(self, name, wanted=lambda line: True):
        """The first event of the name that is wanted, from the beginning on."""
        return self.seen(lambda line: line.get("event") == name and wanted(line))

    def seen(self, wanted, within=DEADLINE):
        for line in self.said:
            if wanted(line):
                return line
        return self.until(wanted, within)

    def __enter__(self):
        self.about = self.do("connect", **self.connect)
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError, Failed, Refused):
            if self.process.poll() is None:
                self.do("close")
        self.stop()


def conformance(url, era, headers=None):
    """The official suite's verdicts: {scenario: [(check, status)…]}."""
    install(MCP)
    done = subprocess.run(["node", str(MCP / "conformance.mjs"), url, era, json.dumps(headers or {})], capture_output=True, text=True, timeout=280)
    if done.returncode:
        raise Failed(f"conformance: {done.stdout[-3000:]}{done.stderr[-3000:]}")
    return {line["scenario"]: sorted((f"{check['id']} {check['name']}", check["status"]) for check in line["checks"]) for line in map(json.loads, done.stdout.splitlines())}


def failing(verdicts):
    return sorted(name for name, checks in verdicts.items() if any(status == "FAILURE" for _, status in checks))


def inspector(*words, timeout=DEADLINE, env=None):
    """What `mcp-inspector --cli WORDS` prints, read as JSON."""
    install(MCP / "inspector")
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(["node", str(MCP / "inspector/run.mjs"), *words], capture_output=True, text=True, timeout=timeout,
                              env={"PATH": os.environ["PATH"], "HOME": home, **(env or {})}, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise Failed(f"inspector: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return json.loads(done.stdout)
