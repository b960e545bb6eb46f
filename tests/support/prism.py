"""Keyturn behind `prism proxy`: what is said over HTTP is held against docs/openapi.json, both ways.

Two proxies stand before one server. The first (`--errors`) answers by itself where a request or an answer is not as the document has it. What it
refuses of a request is sent again through the second, which lets it pass and says what it saw: then the server must refuse it, too, in the words of the
document. So nothing that is taken, and nothing that is answered, differs from the document.

Not through a proxy goes what is no exchange that a description of an API covers: streams that are read while they last, bytes that are no HTTP,
other Host headers, bodies that are no JSON, and HEAD."""
import atexit
import http.client
import json
import os
import pathlib
import re
import subprocess
import tempfile
import threading

from .keyturn import DEADLINE, ROOT, Answer, Failed, Keyturn, free_port
from .npm import install

FOLDER = ROOT / "tests/peers/openapi"
DOCUMENT = ROOT / "docs/openapi.json"
# Of a request that the document refuses, Prism's own word; of an answer that it refuses, VIOLATIONS.
OF_THE_REQUEST = {"UNPROCESSABLE_ENTITY", "UNAUTHORIZED", "INVALID_CONTENT_TYPE", "NOT_ACCEPTABLE", "NO_PATH_MATCHED_ERROR", "NO_METHOD_MATCHED_ERROR"}


def close(schema):
    """An object that lists its properties has no others: what is answered and stands nowhere shall be seen."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            close(part)
    elif isinstance(schema, list):
        for part in schema:
            close(part)


class Prism:
    """One proxy before http://localhost:PORT."""

    def __init__(self, port, document, *arguments):
        self.port = free_port()
        command = [str(FOLDER / "node_modules/.bin/prism"), "proxy", *arguments, "-h", "127.0.0.1", "-p", str(self.port), str(document), f"http://localhost:{port}"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        env={k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")})
        self.said, self.asked, self._listens = [], [], threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.said = [*self.said[-50:], line]
            if (asked := re.search(r"\[HTTP SERVER\] (\w+) (/\S*) .*Request received", line)):
                self.asked.append(f"{asked[1]} {asked[2]}")
            if "is listening on" in line:
                self._listens.set()
        self._listens.set()

    def wait(self):
        """The port, once it listens there."""
        if not self._listens.wait(DEADLINE) or self.process.poll() is not None:
            raise Failed("prism does not listen: " + "".join(self.said))
        return self.port

    def http(self, method, path, headers, body, timeout):
        connection = http.client.HTTPConnection("127.0.0.1", self.wait(), timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self._reader.join(DEADLINE)
        self.process.stdout.close()


def own_word(answer):
    """The last part of the type of what Prism itself says; "" of what it passes on."""
    if "problem+json" not in answer.headers.get("content-type", "") or b"stoplight.io/prism/errors#" not in answer.body:
        return ""
    return answer.json["type"].partition("#")[2]


def violations(answer):
    """What Prism saw and let pass: a list of {location: […], severity, message}."""
    said = answer.headers.get("sl-violations", "[]")
    if not said.startswith("["):  # too many of them for a header
        return [{"location": ["response"], "message": said}]
    return json.loads(said)


class Pair:
    """A port for a server, and what stands before it."""

    made, free = [], []  # used by one server after the other
    lock = threading.Lock()

    def __init__(self):
        install(FOLDER)
        document = json.loads(DOCUMENT.read_text())
        close(document)
        self.port, self._folder = free_port(), tempfile.TemporaryDirectory(prefix="keyturn-prism-")
        path = pathlib.Path(self._folder.name) / "openapi.json"
        path.write_text(json.dumps(document))
        self.strict, self.lenient = Prism(self.port, path, "--errors"), Prism(self.port, path)

    @classmethod
    def take(cls):
        with cls.lock:
            if cls.free:
                return cls.free.pop()
            cls.made.append(cls())
            return cls.made[-1]

    def stop(self):
        self.strict.stop()
        self.lenient.stop()
        self._folder.cleanup()


@atexit.register
def _stop_all():
    for pair in Pair.made:
        pair.stop()


class Conforming(Keyturn):
    """A Keyturn whose http() fails where an exchange is not as docs/openapi.json has it. `counted` says how many there were of which kind."""

    counted = {"conform": 0, "refused": 0, "aside": 0}

    def __init__(self, *arguments, **named):
        self._pair = None
        self._pair = Pair.take()
        super().__init__(*arguments, **{**named, "port": self._pair.port})

    @property
    def front(self):
        """The address of the proxy that lets nothing else pass, for whoever speaks to it by other means than http()."""
        return f"http://127.0.0.1:{self._pair.strict.wait()}"

    def asked(self):
        """"METHOD /path" of what came to that proxy."""
        return list(self._pair.strict.asked)

    def close(self):
        try:
            super().close()
        finally:
            pair, self._pair = self._pair, None
            if pair is not None:
                with Pair.lock:
                    Pair.free.append(pair)

    def http(self, method, path, who=None, body=None, headers=None, raw_body=None, timeout=DEADLINE, host=None):
        if method == "HEAD" or raw_body or host:
            self.counted["aside"] += 1
            return super().http(method, path, who, body, headers, raw_body, timeout, host)
        given = {"Authorization": "Bearer " + self.tokens.get(who, who)} if who is not None else {}
        if body is not None:
            given["Content-Type"] = "application/json"
        given.update(headers or {})
        payload = json.dumps(body).encode() if body is not None else b"" if method in ("POST", "PUT") else None
        what = f"{method} {path}"
        answer = self._pair.strict.http(method, path, given, payload, timeout)
        word = own_word(answer)
        if not word:
            if violations(answer):  # of little weight to Prism, as a status that nobody described
                raise Failed(f"{what} ({answer.status}): {json.dumps(violations(answer))}")
            self.counted["conform"] += 1
            return answer
        if word not in OF_THE_REQUEST:
            raise Failed(f"{what}: {word}: {answer.body.decode()}")
        said = answer.json
        answer = self._pair.lenient.http(method, path, given, payload, timeout)
        if own_word(answer).startswith("NO_"):  # no such path: Prism passes nothing on
            answer = super().http(method, path, who, body, headers, raw_body, timeout, host)
        bad = [one for one in violations(answer) if one["location"][0] == "response"]
        if bad or own_word(answer):
            raise Failed(f"{what}: the answer to what the document refuses: {bad or answer}")
        if not 400 <= answer.status < 500:
            raise Failed(f"{what}: taken ({answer.status}), and the document refuses it: {json.dumps(said)}")
        self.counted["refused"] += 1
        return answer
