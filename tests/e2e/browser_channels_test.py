"""The ways to people, in real Chromium: what a channel gave up, and trying it again; linking a chat account. The steps are browser/*.mjs."""
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
from support.keyturn import DEADLINE  # noqa: E402
from support.slacked import USERS, Slacked  # noqa: E402


class Receiver:
    """Answers webhooks with one status until the script wants another: POST /status/N. GET / says which actions it took. POST /hold: not before /go."""

    def __init__(self):
        status, taken, may_answer = [400], [], threading.Event()
        may_answer.set()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                if self.path.startswith("/status/"):
                    status[0] = int(self.path.rsplit("/", 1)[1])
                    return self.say(200, {})
                if self.path in ("/hold", "/go"):
                    (may_answer.clear if self.path == "/hold" else may_answer.set)()
                    return self.say(200, {})
                may_answer.wait(DEADLINE)
                if status[0] < 300:
                    taken.append(json.loads(body)["data"]["action"])
                self.say(status[0], {})

            def do_GET(self):
                self.say(200, {"taken": taken})

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


class InSlack:
    """A Slack of our own, in which people say codes and press buttons when the script wants it: POST /ORDER with a JSON object."""
    script = ""

    @classmethod
    def setUpClass(cls):
        s = Slacked(linked=())
        cls.addClassCleanup(s.close)
        asked = {}  # the last question to each

        def said(who, code):
            asked[who] = s.say_code(who, code)
            return {"shown": s.shown(asked[who])}

        orders = {
            "/said": said,
            "/pressed": lambda who, button: s.slack.click(USERS[who], asked[who], button),
            "/clicked": lambda who, action: s.slack.click(USERS[who], s.card(who, {"id": action}), "approve"),
            "/renamed": lambda who, name: s.slack.change_user(USERS[who], real_name=name),
        }

        class Control(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                told = json.loads(self.rfile.read(int(self.headers["content-length"])))
                try:
                    status, body = 200, orders[self.path](**told) or {}
                except Exception as error:  # the script says it
                    status, body = 500, {"error": repr(error)}
                body = json.dumps(body, default=str).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        control = http.server.HTTPServer(("127.0.0.1", 0), Control)
        cls.addClassCleanup(control.server_close)
        cls.addClassCleanup(control.shutdown)
        threading.Thread(target=control.serve_forever, daemon=True).start()
        cls.results, cls.notes = walked(cls.script, {
            "url": s.k.url, "agent": s.k.tokens["bot"], "slack": f"http://127.0.0.1:{control.server_port}",
            **{f"link_{name}": s.k.enrol_link(name) for name in ("ada", "bob")}})


Channels = of_script("channels.mjs", Refused)
ChatLink = of_script("chat_link.mjs", InSlack)

if __name__ == "__main__":
    unittest.main()
