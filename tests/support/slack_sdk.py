"""The official Slack SDKs in a process of their own (tests/peers/slack/sdk.mjs), and what the suites that hold the loopback against them have in common."""
import contextlib
import http.client
import http.server
import itertools
import json
import os
import subprocess
import threading
import unittest
import urllib.parse

from .keyturn import DEADLINE
from .slack import HERE, Slack

ADA, BOB, OPS = "U0KTADA0000", "U0KTBOB0000", "C0KTOPS0000"


def plain(text):
    return {"type": "plain_text", "text": text}


def mrkdwn(text):
    return {"type": "mrkdwn", "text": text}


def button(action_id, text="Yes", **more):
    return {"type": "button", "action_id": action_id, "text": plain(text), **more}


def card(*names):
    return [
        {"type": "section", "block_id": "said", "text": mrkdwn("*drop table*")},
        {"type": "actions", "block_id": "votes", "elements": [button(name, value=f"v-{name}") for name in names]},
    ]


class Sdk:
    """slack/sdk.mjs: the official packages in a process of their own."""

    def __init__(self, slack):
        self.slack, self.count = slack, itertools.count(1)
        app = slack.app
        self.process = subprocess.Popen(
            ["node", "sdk.mjs", slack.api, app["bot_token"], app["app_token"], app["signing_secret"]],
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")},
        )
        self.said, self.arrived = {}, threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            told = json.loads(line)
            with self.arrived:
                self.said[told.pop("n")] = told
                self.arrived.notify_all()

    def begin(self, what, **given):
        n = next(self.count)
        self.process.stdin.write(json.dumps({"n": n, "do": what, **given}) + "\n")
        self.process.stdin.flush()
        return n

    def end(self, n):
        with self.arrived:
            if not self.arrived.wait_for(lambda: n in self.said, DEADLINE):
                raise AssertionError("the SDK did not answer")
            said = self.said.pop(n)
        if "thrown" in said:
            raise AssertionError(said["thrown"])
        return said

    def do(self, what, **given):
        return self.end(self.begin(what, **given))

    def web(self, method, token=None, retries=0, **arguments):
        return self.do("web", method=method, arguments=arguments, retries=retries, **({"token": token} if token else {}))

    def seen(self, **like):
        return [one for one in self.do("seen")["seen"] if all(one.get(k) == v for k, v in like.items())]

    def events(self, kind):
        return [one for one in self.seen(type="event_callback") if one["event"]["type"] == kind]

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(DEADLINE)
        self.process.stdout.close()


class WithSlack(unittest.TestCase):
    SETTINGS, APP = {}, {}

    @classmethod
    def setUpClass(cls):
        cls.slack = Slack(cls.SETTINGS, **cls.APP)
        cls.addClassCleanup(cls.slack.close)
        cls.slack.user(ADA, email="ada@example.com", name="ada", real_name="Ada L")
        cls.slack.user(BOB, email="bob@example.com", name="bob")
        cls.slack.channel(OPS, name="ops", members=[ADA, BOB])
        cls.sdk = Sdk(cls.slack)
        cls.addClassCleanup(cls.sdk.close)
        cls.begin()

    @classmethod
    def begin(cls):
        pass

    def post(self, blocks=None, channel=OPS, text="a card", **more):
        posted = self.sdk.web("chat.postMessage", channel=channel, text=text, blocks=blocks or card("approve", "why"), **more)
        self.assertTrue(posted["ok"], posted)
        return self.slack.message(posted["channel"], posted["ts"])


class Ear:
    """A listener that gives these answers, the last one for ever: a status, (status, type, body), or None for not at all."""

    def __init__(self, answers):
        self.heard, self.bodies, ear = [], [], self
        self.released = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                ear.heard.append({k.lower(): v for k, v in self.headers.items()})
                ear.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                answer = answers[min(len(ear.heard), len(answers)) - 1]
                if answer is None:
                    ear.released.wait(DEADLINE)
                    return
                status, kind, body = answer if isinstance(answer, tuple) else (answer, "text/plain", "")
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


def post_json(url, said):
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=DEADLINE)
    with contextlib.closing(connection):
        connection.request("POST", parts.path, body=json.dumps(said), headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def upgrade(url):
    """The status that a WebSocket's handshake gets."""
    connection = http.client.HTTPConnection("127.0.0.1", url.port, timeout=DEADLINE)
    with contextlib.closing(connection):
        connection.request(
            "GET",
            f"{url.path}?{url.query}",
            headers={"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="},
        )
        return connection.getresponse().status
