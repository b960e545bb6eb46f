"""More of the inbox in real Chromium: its loads, long lists, notices, paper, and what it says without a server. The steps are browser/*.mjs."""
import http.server
import pathlib
import shutil
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from browser_test import LIMITS, Keyturn, of_script, walked  # noqa: E402
from support.keyturn import DEADLINE, TOOLS  # noqa: E402
from support.mcp import LEGACY, Client, Server  # noqa: E402


class Crowded:
    """A Keyturn in which one agent may have very many requests wait."""
    script = ""

    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(config="limits: {pending_per_agent: 20000, requests_per_second: 10000}\n")
        cls.addClassCleanup(cls.k.close)
        cls.results, cls.notes = walked(cls.script, {"url": cls.k.url, "link": cls.k.enrol_link("bob"), "agent": cls.k.tokens["bot"]})


class Ordered:
    """A Keyturn that the script stops, starts and rolls back."""
    script = ""

    @classmethod
    def setUpClass(cls):
        cls.k = k = Keyturn(config=LIMITS)
        cls.addClassCleanup(k.close)

        def roll_back():
            k.back_up()
            last = k.request("echo", {"text": "after the backup"}, wait=20).json["ledger"]["index"]
            deadline = time.monotonic() + DEADLINE
            while k.get("/v1/ledger", "ada").json["size"] <= last:  # until that is signed: else nothing was rolled back
                assert time.monotonic() < deadline, "no checkpoint"
                time.sleep(0.05)
            k.restore()
            k.start()

        orders = {"/stop": k.stop, "/start": k.start, "/roll_back": roll_back}

        class Control(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                orders[self.path]()
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        control = http.server.HTTPServer(("127.0.0.1", 0), Control)
        cls.addClassCleanup(control.server_close)
        cls.addClassCleanup(control.shutdown)
        threading.Thread(target=control.serve_forever, daemon=True).start()
        cls.results, cls.notes = walked(cls.script, {"url": k.url, "link": k.enrol_link("bob"), "agent": k.tokens["bot"],
                                                     "control": f"http://127.0.0.1:{control.server_port}"})


class Administered:
    """An administrator, and those whom they look at."""
    script = ""

    @classmethod
    def setUpClass(cls):
        server = Server(LEGACY)
        cls.addClassCleanup(server.close)
        cls.k = k = Keyturn(config=LIMITS, tools=TOOLS + f"upstreams:\n  fix: {{url: {server.url}}}\n", people={"ada": [], "ben": ["administrators"], "cleo": ["administrators"], "olga": [],
                                                   "bob": ["dba"], "carol": ["sre"], "erin": ["dba"], "dave": ["dba"]})
        cls.addClassCleanup(k.close)
        for says in ("Says something.", "Says something else."):  # an agent lists its tools, before and after one of them has changed
            (server.state / "definition").write_text(says)
            with Client(1, url=f"{k.url}/mcp/fix", headers={"Authorization": "Bearer " + k.tokens["bot"]}) as client:
                client.do("tools")
        cls.results, cls.notes = walked(cls.script, {
            "url": k.url, "agent": k.tokens["bot"], "deployer": k.tokens["deployer"], "erin": k.tokens["erin"], "dave": k.tokens["dave"],
            **{f"link_{name}": k.enrol_link(name) for name in ("ada", "bob")}})


FirstLoad = of_script("first_load.mjs")
Many = of_script("many.mjs", Crowded)
Notices = of_script("notices.mjs")
Paper = unittest.skipUnless(shutil.which("pdftoppm"), "needs poppler-utils")(of_script("paper.mjs"))
Without = of_script("without.mjs", Ordered)
Insights = of_script("insights.mjs")
Administration = of_script("admin.mjs", Administered)

if __name__ == "__main__":
    unittest.main()
