"""Sends what npm's standardwebhooks signs, and receives what it verifies (tests/peers/webhooks). Needs Node.js; installs the packages of its lock where they
are missing."""
import base64
import json
import os
import pathlib
import subprocess

from .keyturn import free_port
from .npm import install
from .peer import Peer

HERE = pathlib.Path(__file__).resolve().parents[1] / "peers/webhooks"
DEADLINE = 60


def secret(text):
    """A webhook's secret; of the same text the same one."""
    return "whsec_" + base64.b64encode(text.encode().ljust(32, b".")).decode()


class Sender:
    def __init__(self):
        install(HERE)
        self.process = subprocess.Popen(["node", "send.mjs"], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")})
        self.sent = 0

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def send(self, url, secret, body, **more):
        """{"status", "body", "headers"}."""
        self.sent += 1
        line = {"id": f"msg_{self.sent}", "url": url, "secret": secret, "body": body if isinstance(body, str) else json.dumps(body), **more}
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


class Receiver(Peer):
    """Says of each request whether it verifies."""

    def __init__(self, secret="", port=None):
        super().__init__("webhooks", "receive.mjs", str(port or free_port()), secret)

    def answer(self, *answers, otherwise=None):
        """What the next requests are answered: {"status", "headers", "hang"}; then `otherwise`, 204."""
        self.tell("ready", {"answers": answers, "otherwise": otherwise or {"status": 204}})

    def request(self, wanted=lambda request: True):
        found = self.until(lambda line: "path" in line and wanted(line))
        return found | {"json": json.loads(found["body"] or "null")}

    def requests(self):
        return [line | {"json": json.loads(line["body"] or "null")} for line in self.catch_up() if "path" in line]
