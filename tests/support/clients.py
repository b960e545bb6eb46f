"""The clients of integrations/, driven alike: Python's in this process, TypeScript's in one of Node.js."""
import concurrent.futures
import itertools
import json
import os
import socket
import subprocess
import sys
import threading

from .keyturn import DEADLINE, ROOT
from .npm import compiled

PYTHON = ROOT / "integrations/python"
TYPESCRIPT = ROOT / "integrations/typescript"
sys.path.insert(0, str(PYTHON))
sys.dont_write_bytecode = True
import keyturn  # noqa: E402


class Failure(Exception):
    """What a client raised: `kind` is the class's name."""

    def __init__(self, kind, message, **more):
        self.kind, self.message = kind, message
        self.code, self.status, self.pointer, self.action = (more.get(name) for name in ("code", "status", "pointer", "action"))
        super().__init__(f"{kind}: {message}")


def build_typescript():
    """dist/ of this source; what is missing for it is installed."""
    return compiled(TYPESCRIPT) / "dist/index.js"


class PythonClient:
    def __init__(self, url, token, patience=DEADLINE):
        self.options = {"url": url, "token": token, "patience_s": patience}
        self._client = keyturn.Client(**self.options)

    def do(self, call, **given):
        try:
            return getattr(self, "_" + call)(**given)
        except keyturn.KeyturnError as error:
            raise Failure(type(error).__name__, str(error), **vars(error)) from error

    def _how(self, wait=None, key=None, reason="", **more):
        return {"wait_s": wait, "idempotency_key": key, "reason": reason, **more}

    def _request(self, tool, args=None, **how):
        return self._client.request(tool, args, **self._how(**how))

    def _released(self, tool, args, append, throws=None, returns=None, enforcement=None, secret=(), guarded=False, **how):
        def run(**given):
            with open(append, "a") as out:
                out.write(json.dumps(given) + "\n")
            if throws:
                raise ValueError(throws)
            return returns
        more = {"enforcement": enforcement and enforcement._client, "secret": tuple(secret), **self._how(**how)}
        try:
            if guarded:
                names = ", ".join(args)
                scope = {"run": run}
                exec(f"def function({names}): return run({', '.join(f'{n}={n}' for n in args)})", scope)
                return self._client.guarded(tool, **more)(scope["function"])(**args)
            with self._client.released(tool, args, **more) as release:
                release.result = run(**release.args)
            return release.result
        except ValueError as error:
            raise Failure("Error", str(error)) from error

    def _wait(self, action, wait=None):
        return self._client.wait(action, wait)

    def _list(self, **options):
        return list(self._client.list(**{name + ("_" if name in ("for", "from", "to") else ""): value for name, value in options.items()}))

    def _stream(self, id):
        return [{"name": event.name, "version": event.version, "state": event.action["state"]} for event in self._client.stream(id)]

    def __getattr__(self, name):
        return getattr(self._client, name.removeprefix("_"))

    def close(self):
        pass


class Node:
    """One process for all clients of a suite."""

    def __init__(self):
        self._process = subprocess.Popen(["node", str(ROOT / "tests/e2e/fixtures/client.mjs"), str(build_typescript())], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True, env={k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")})
        self._count, self._lock, self._open = itertools.count(1), threading.Lock(), {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            said = json.loads(line)
            self._open.pop(said["n"]).set_result(said)

    def say(self, what):
        future = concurrent.futures.Future()
        with self._lock:
            n = next(self._count)
            self._open[n] = future
            self._process.stdin.write(json.dumps({"n": n, **what}) + "\n")
            self._process.stdin.flush()
        said = future.result(2 * DEADLINE)
        if "error" in said:
            error = said["error"]
            raise Failure(error.pop("kind"), error.pop("message"), **error)
        return said["value"]

    def close(self):
        self._process.stdin.close()
        self._process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        self._process.stdout.close()


class NodeClient:
    node = None

    def __init__(self, url, token, patience=DEADLINE):
        self.options = {"url": url, "token": token, "patienceMs": int(patience * 1000)}

    def do(self, call, **given):
        return self.node.say({"call": call, "client": self.options, **getattr(self, "_" + call, lambda **same: same)(**given)})

    def _how(self, wait=None, key=None, **more):
        return {**({} if wait is None else {"waitMs": wait * 1000}), **({} if key is None else {"idempotencyKey": key}), **more}

    def _request(self, tool, args=None, **how):
        return {"tool": tool, "args": args or {}, "options": self._how(**how)}

    def _released(self, tool, args, append, throws=None, returns=None, enforcement=None, guarded=False, **how):
        return {"tool": tool, "args": args, "append": str(append), "throws": throws, "returns": returns, "guarded": guarded,
                "enforcement": enforcement and enforcement.options, "options": self._how(**how)}

    def _wait(self, action, wait=None):
        return {"action": action, **({} if wait is None else {"waitMs": wait * 1000})}

    def _list(self, **options):
        return {"options": options}


class Relay:
    """Between a client and a server; loses connections when told."""

    def __init__(self, port):
        self._upstream, self._open, self._swallow, self._lock = port, set(), {}, threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.swallowed, self.taken = self._listener.getsockname()[1], [], []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://localhost:{self.port}"

    def swallow(self, beginning):
        """The answer to the next request that begins so is lost: the connection is cut when its first byte comes."""
        with self._lock:
            self._swallow[beginning] = self._swallow.get(beginning, 0) + 1

    def wait_taken(self, beginning, times=1):
        """Until so many requests that begin so were passed on."""
        with self._lock:
            if not self._lock.wait_for(lambda: sum(head.startswith(beginning) for head in self.taken) >= times, DEADLINE):
                raise AssertionError(f"no {beginning!r}: {self.taken}")

    def cut(self):
        """All that are open now."""
        with self._lock:
            for pair in list(self._open):
                for end in pair:
                    self._shut(end)

    @staticmethod
    def _shut(end):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self._upstream))
        except OSError:
            client.close()
            return
        pair = (client, server)
        with self._lock:
            self._open.add(pair)
        loses = threading.Event()
        back = threading.Thread(target=self._back, args=(server, client, loses), daemon=True)
        back.start()
        try:
            while data := client.recv(65536):
                head = data.split(b"\r\n", 1)[0].decode(errors="replace")
                with self._lock:
                    if head.endswith("HTTP/1.1"):
                        for beginning, times in self._swallow.items():
                            if times and head.startswith(beginning):
                                self._swallow[beginning] -= 1
                                self.swallowed.append(head)
                                loses.set()
                                break
                server.sendall(data)
                with self._lock:
                    if head.endswith("HTTP/1.1"):
                        self.taken.append(head)
                        self._lock.notify_all()
        except OSError:
            pass
        self._shut(server)
        back.join()
        with self._lock:
            self._open.discard(pair)
        client.close()
        server.close()

    def _back(self, server, client, loses):
        try:
            while data := server.recv(65536):
                if loses.is_set():
                    break
                client.sendall(data)
        except OSError:
            pass
        self._shut(client)

    def close(self):
        self._listener.close()
        self.cut()
