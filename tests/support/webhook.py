"""Sends what npm's standardwebhooks signs (tests/peers/webhooks). Needs Node.js; installs the packages of its lock where they are missing."""
import base64
import json
import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parents[1] / "peers/webhooks"
DEADLINE = 60


def secret(text):
    """A webhook's secret; of the same text the same one."""
    return "whsec_" + base64.b64encode(text.encode().ljust(32, b".")).decode()


class Sender:
    def __init__(self):
        if not (HERE / "node_modules/standardwebhooks").is_dir():
            subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=HERE, check=True, timeout=300)
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
