"""`./run --demo` as a newcomer meets it: the demo's own start, its four scenarios, its simulated colleagues."""
import http.client
import json
import pathlib
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import BIN, DEADLINE, ROOT, Keyturn, end_helper, free_port  # noqa: E402
from support.passkey import Browser  # noqa: E402
from support.postgres import installed  # noqa: E402


class Running:
    """Enough of support.keyturn.Keyturn for a Browser."""
    tokens = {}

    def __init__(self, port):
        self.port, self.url = port, f"http://localhost:{port}"

    http, get, post = Keyturn.http, Keyturn.get, Keyturn.post


@unittest.skipUnless(installed(), "PostgreSQL is not installed")
class Demo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="keyturn-demo-test-"))
        cls.folder.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        port = free_port()
        cls.process = subprocess.Popen([sys.executable, str(ROOT / "examples/demo/start.py"), "--keyturn", str(BIN), "--data", str(cls.folder / "demo"), "--listen", f"127.0.0.1:{port}"],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        cls.addClassCleanup(cls.end)
        lines = queue.Queue()
        threading.Thread(target=lambda: [lines.put(line) for line in cls.process.stdout] and None, daemon=True).start()
        said, deadline = "", time.monotonic() + 2 * DEADLINE
        while "listening on" not in said:
            try:
                said += lines.get(timeout=max(0.1, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError("the demo did not start:\n" + said) from None
        cls.k = Running(port)
        while True:
            try:
                if cls.k.get("/healthz").status == 200:
                    break
            except (OSError, http.client.HTTPException):
                assert time.monotonic() < deadline, said
                time.sleep(0.02)
        link = subprocess.run([str(BIN), "person", "enrol", "admin", "--data", str(cls.folder / "demo/store")], capture_output=True, text=True, check=True).stdout
        cls.you = Browser(cls.k, "admin", enrol=False)
        cls.you.enrol(re.search(r"\S+#\S+", link)[0])

    @classmethod
    def end(cls):
        cls.process.terminate()
        try:
            cls.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            cls.process.kill()
            cls.process.wait()
        cls.process.stdout.close()
        end_helper(cls.folder / "demo/store")

    def run_scenario(self, name):
        answer = self.you.post("/demo/run", {"scenario": name})
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def settled(self, action_id):
        return self.you.get(f"/v1/actions/{action_id}", Prefer="wait=20").json

    def test_a_select_runs_at_once(self):
        action = self.settled(self.run_scenario("select")["id"])
        self.assertEqual((action["state"], action["operation"]), ("succeeded", "read"), action)
        self.assertTrue(action["outcome"]["rows"])

    def test_drop_table_needs_you_and_a_simulated_colleague(self):
        action = self.you.get(f"/v1/actions/{self.run_scenario('drop')['id']}").json
        self.assertEqual(action["state"], "pending")
        voted = self.you.vote(action)
        self.assertEqual((voted.status, voted.json["state"]), (200, "pending"), voted)
        colleagues = self.you.get("/demo/state").json["colleagues"]
        self.assertTrue(all(c["simulated"] for c in colleagues))
        asked = [c["id"] for c in colleagues if action["id"] in c["pending"]]
        self.assertTrue(asked, colleagues)
        self.assertEqual(self.you.post("/demo/vote", {"colleague": "admin", "action": action["id"], "decision": "approve"}).status, 403, "only the simulated vote there")
        given = self.you.post("/demo/vote", {"colleague": asked[0], "action": action["id"], "decision": "approve"})
        self.assertEqual(given.status, 200, given)
        after = self.settled(action["id"])
        self.assertEqual(after["state"], "succeeded", after)
        self.assertIn(True, [v.get("simulated") for v in after["votes"]], "marked as simulated")
        gone = self.you.get("/v1/actions?tool=orders-sql&limit=5")
        self.assertEqual(gone.status, 200)

    def test_delete_without_where_is_denied(self):
        action = self.settled(self.run_scenario("delete")["id"])
        self.assertEqual(action["state"], "denied")
        self.assertIn("whole-table", json.dumps(action["verdict"]))

    def test_the_lie_is_caught(self):
        caught = self.you.post("/demo/run", {"scenario": "lie"})
        self.assertEqual((caught.status, caught.code), (400, "operation_mismatch"), caught)

    def test_the_demo_page_needs_a_signed_in_browser(self):
        self.assertEqual(self.k.post("/demo/run", None, {"scenario": "select"}).status, 401)
        self.assertEqual(self.you.send("POST", "/demo/run", {"scenario": "select"}, drop=("X-Keyturn-CSRF",)).status, 403)


if __name__ == "__main__":
    unittest.main()
