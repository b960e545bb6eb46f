"""The ways to people, in real Chromium: what a channel gave up, and trying it again. The steps are browser/*.mjs."""
import http.server
import json
import pathlib
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from browser_test import Keyturn, of_script, walked  # noqa: E402
from support import webhook  # noqa: E402


class Receiver:
    """Answers webhooks with one status until the script wants another: POST /status/N. GET / says which actions it took."""

    def __init__(self):
        status, taken, seen = [400], [], []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                if self.path.startswith("/status/"):
                    status[0] = int(self.path.rsplit("/", 1)[1])
                    return self.say(200, {})
                action = json.loads(body)["data"]["action"]
                seen.append(action)
                if status[0] < 300:
                    taken.append(action)
                self.say(status[0], {})

            def do_GET(self):
                self.say(200, {"taken": taken, "seen": seen})

            def say(self, code, what):
                body = json.dumps(what).encode()
                self.send_response(code)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Refused:
    """A webhook whose receiver refuses what it is told, and a pager that nobody has called yet."""
    script = ""

    @classmethod
    def setUpClass(cls):
        receiver = Receiver()
        cls.addClassCleanup(receiver.close)
        secret = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory())) / "secret"
        secret.write_text(webhook.secret("browser"))
        secret.chmod(0o600)
        config = f"""\
channels:
  webhooks:
  - {{name: ops, url: "{receiver.url}/hook", secret: {{secret: "file:{secret}"}}, always: true}}
  - {{name: calls, template: pagerduty, url: "{receiver.url}/page", secret: {{secret: "file:{secret}"}}}}
"""
        cls.k = k = Keyturn(config=config, people={"ada": [], "olga": [], "alan": ["auditors"], "dave": ["dba"]})
        cls.addClassCleanup(k.close)
        cls.results, cls.notes = walked(cls.script, {
            "url": k.url, "agent": k.tokens["bot"], "ada": k.tokens["ada"], "receiver": receiver.url,
            **{f"link_{name}": k.enrol_link(name) for name in ("ada", "alan", "dave")}})


Channels = of_script("channels.mjs", Refused)

if __name__ == "__main__":
    unittest.main()
