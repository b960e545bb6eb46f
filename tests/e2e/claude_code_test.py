"""integrations/claude-code with the real Claude Code, headless, whose model is a script on loopback: its hook and its permission prompt ask Keyturn."""
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.claude_code import ClaudeCode  # noqa: E402
from support.keyturn import DEADLINE, POLICY, ROOT, TOOLS, Keyturn, free_port, until  # noqa: E402

HERE = ROOT / "integrations/claude-code"
PROGRAM = HERE / "keyturn_claude_code.py"
SECRET = "0123456789abcdef-of-a-test"
# As they are shipped, but for who there is in tests.
MORE_TOOLS = TOOLS + (HERE / "tools.yaml").read_text().split("tools:\n", 1)[1].replace("enforcement_point: claude", "enforcement_point: bot")
MORE_POLICY = POLICY + (HERE / "policy.yaml").read_text().split("rules:\n", 1)[1].replace("expires: 1h", "assurance: token, expires: 1h")


class Bridge:
    def __init__(self, k, hold=DEADLINE, secret=SECRET, url=None):
        self._process = subprocess.Popen([sys.executable, "-B", str(PROGRAM), "bridge", "--port", "0", "--hold", str(hold)], stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, text=True, env=environment(k, KEYTURN_HOOK_SECRET=secret, **({"KEYTURN_URL": url} if url else {})))
        self.port = int(re.search(r":(\d+)/", self._process.stdout.readline())[1])

    def post(self, what, secret=SECRET, timeout=2 * DEADLINE):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("POST", "/", what if isinstance(what, bytes) else json.dumps(what), {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def ask(self, command, use="toolu_1", session="s-1", **more):
        status, said = self.post({"hook_event_name": "PreToolUse", "session_id": session, "cwd": "/w", "tool_name": "Bash", "tool_input": {"command": command, **more},
                                  "tool_use_id": use})
        assert status == 200, said
        return said["hookSpecificOutput"]

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


def environment(k, **more):
    return {"PATH": os.environ["PATH"], "KEYTURN_URL": k.url, "KEYTURN_TOKEN": k.tokens["bot"], **more}


def bash(command):
    return {"tool": "Bash", "input": {"command": command, "description": "of a test"}}


class Served(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(policy=MORE_POLICY, tools=MORE_TOOLS)
        cls.addClassCleanup(cls.k.close)

    def actions(self, text):
        return [a for a in self.k.get("/v1/actions?tool=claude-code&limit=200", "ada").json["items"] if text in json.dumps(a["args"])]

    def asked(self, text):
        """The action that waits, as soon as it does."""
        return until(lambda: next((a for a in self.actions(text) if a["state"] == "pending"), None), f"nobody asked for {text}")

    def ended(self, text):
        """Its action, once an outcome is there."""
        return until(lambda: next((a for a in self.actions(text) if a["outcome"]), None), f"no outcome of {text}")

    def bridge(self, **how):
        bridge = Bridge(self.k, **how)
        self.addCleanup(bridge.close)
        return bridge


class RealClaudeCode(Served):
    """One run a way of asking: what is approved, denied, read and fails comes one after the other."""

    def setUp(self):
        self.claude = ClaudeCode()
        self.addCleanup(self.claude.close)
        self.made = self.claude.work / "made"

    def settings(self, name, port=0):
        return json.loads((HERE / name).read_text().replace("127.0.0.1:7718", f"127.0.0.1:{port}"))

    def decide_all(self, name):
        """Of the script below: one person says yes to the first, no to the second, yes to the third."""
        first = self.asked(f"echo one {name}")
        self.assertFalse(self.made.exists())
        self.assertEqual(self.k.vote(first, "carol").status, 200)
        self.assertEqual(self.k.vote(self.asked(f"echo two {name}"), "carol", "deny", note="not in production").status, 200)
        self.assertEqual(self.k.vote(self.asked(f"exit 3 # {name}"), "carol").status, 200)

    def script(self, name):
        return [bash(f"echo one {name} >> made"), bash(f"echo two {name} >> made"), bash(f"exit 3 # {name}")]

    def check_all(self, name, outcome):
        self.assertEqual(self.made.read_text().splitlines(), [f"one {name}"], outcome)
        one, two, three = outcome.results[-3:]
        self.assertEqual([r.get("is_error", False) for r in (one, two, three)], [False, True, True], outcome)
        self.assertIn("carol: not in production", json.dumps(two["content"]))
        self.assertEqual(self.ended(f"echo one {name}")["state"], "succeeded")
        failed = self.ended(f"exit 3 # {name}")
        self.assertEqual(failed["state"], "failed")
        self.assertIn("3", failed["outcome"]["result"]["error"])
        self.assertEqual([len(self.actions(f"{text} {name}")) for text in ("echo one", "echo two", "exit 3 #")], [1, 1, 1])

    def test_the_hook(self):
        (self.claude.work / "notes").write_text("read without asking\n")
        script = [{"tool": "Read", "input": {"file_path": str(self.claude.work / "notes")}}, *self.script("hook")]
        self.claude.begin(script, allow=[], settings=self.settings("settings.json", self.bridge().port), env={"KEYTURN_HOOK_SECRET": SECRET})
        self.decide_all("hook")
        outcome = self.claude.end()
        self.assertIn("read without asking", json.dumps(outcome.results[0]["content"]))
        self.check_all("hook", outcome)
        shown = self.k.action(self.actions("echo one hook")[0]["id"], "carol").json
        self.assertEqual((shown["args"]["tool_name"], shown["args"]["command"], shown["args"]["cwd"], shown["reason"]),
                         ("Bash", "echo one hook >> made", str(self.claude.work), "of a test"))
        self.assertEqual(json.loads(shown["args"]["input"]), script[1]["input"])

    def test_the_permission_prompt(self):
        server = {"command": sys.executable, "args": ["-B", str(PROGRAM), "prompt", "--hold", str(DEADLINE)], "env": environment(self.k)}
        self.claude.begin(self.script("prompt"), allow=[], settings=self.settings("prompt.json"), servers={"keyturn": server},
                          words=["--permission-prompt-tool", "mcp__keyturn__approve"])
        self.decide_all("prompt")
        self.check_all("prompt", self.claude.end())

    def test_without_the_bridge_nothing_runs(self):
        for port, secret in ((free_port(), SECRET), (self.bridge().port, "another-secret-than-the-bridge")):
            outcome = self.claude.run([bash("echo three >> made")], settings=self.settings("settings.json", port), env={"KEYTURN_HOOK_SECRET": secret})
            self.assertTrue(outcome.results[0]["is_error"], outcome)
            self.assertEqual((self.made.exists(), self.actions("echo three")), (False, []))


class OfTheBridge(Served):
    def test_what_policy_allows_goes_on_and_is_reported_once(self):
        bridge = self.bridge()
        said = bridge.post({"hook_event_name": "PreToolUse", "session_id": "s", "cwd": "/w", "tool_name": "Read", "tool_input": {"file_path": "/allowed"}, "tool_use_id": "t-1"})[1]
        self.assertEqual((said["hookSpecificOutput"]["permissionDecision"], said["hookSpecificOutput"]["updatedInput"]), ("allow", {"file_path": "/allowed"}))
        self.assertEqual(self.actions("/allowed")[0]["state"], "executing")
        for _ in range(2):
            self.assertEqual(bridge.post({"hook_event_name": "PostToolUse", "tool_use_id": "t-1"}), (200, {}))
        self.assertEqual(self.ended("/allowed")["state"], "succeeded")
        self.assertEqual(bridge.post({"hook_event_name": "PostToolUse", "tool_use_id": "of nobody"}), (200, {}))

    def test_the_identical_retry_goes_on_waiting(self):
        bridge = self.bridge(hold=0.1)
        first = bridge.ask("retry me")
        self.assertEqual(first["permissionDecision"], "deny")
        action = self.asked("retry me")
        for word in (action["id"], action["review_url"], "waits for people"):
            self.assertIn(word, first["permissionDecisionReason"])
        self.assertEqual(bridge.ask("retry me", use="toolu_2")["permissionDecision"], "deny")
        self.k.vote(action, "carol")
        self.assertEqual(bridge.ask("retry me", session="s-2")["permissionDecision"], "deny", "another session's own")
        until(lambda: bridge.ask("retry me", use="toolu_3")["permissionDecision"] == "allow", "the approval is lost")
        self.assertEqual(len(self.actions("retry me")), 2)
        self.assertEqual(bridge.ask("retry me", use="toolu_4")["permissionDecision"], "deny", "used up: a third one")
        self.assertEqual(len(self.actions("retry me")), 3)

    def test_two_at_once_are_two(self):
        bridge = self.bridge()
        waiting = [self.k.later(bridge.ask, "twice", use=f"toolu_{n}") for n in range(2)]
        both = until(lambda: (found := self.actions("twice")) and len(found) == 2 and found, "not two")
        self.k.vote(both[0], "carol")
        self.k.vote(both[1], "carol", "deny")
        self.assertEqual(sorted(w.result(DEADLINE)["permissionDecision"] for w in waiting), ["allow", "deny"])

    def test_to_nobody_nothing_is_released(self):
        bridge = self.bridge(hold=2)
        body = {"hook_event_name": "PreToolUse", "session_id": "s-1", "cwd": "/w", "tool_name": "Bash", "tool_input": {"command": "gone"}, "tool_use_id": "t"}
        connection = http.client.HTTPConnection("127.0.0.1", bridge.port)
        connection.request("POST", "/", json.dumps(body), {"Authorization": f"Bearer {SECRET}"})
        action = self.asked("gone")
        connection.close()
        self.k.vote(action, "carol")
        # Had the bridge used the grant for who is gone, nobody could be allowed by it any more.
        until(lambda: bridge.ask("gone", use="t-2")["permissionDecision"] == "allow", "the approval is lost")
        self.assertEqual(self.k.action(action["id"]).json["state"], "executing")

    def test_what_cannot_be_asked_is_denied_in_words(self):
        lost = Bridge(self.k, hold=0.5, url=f"http://localhost:{free_port()}")
        self.addCleanup(lost.close)
        for bridge, command, words in ((lost, "x", "could not be asked"), (self.bridge(), "nul \0", "invalid_args"), (self.bridge(), "x" * 600000, "body_too_large")):
            said = bridge.ask(command)
            self.assertEqual(said["permissionDecision"], "deny")
            self.assertIn(words, said["permissionDecisionReason"])

    def test_who_and_what_is_refused(self):
        bridge = self.bridge()
        good = {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "refused"}, "tool_use_id": "t"}
        for secret, body, status in (("wrong", good, 401), ("", good, 401), ("é", good, 401), (SECRET, b"{", 400), (SECRET, b"[]", 400), (SECRET, {}, 400), (SECRET, {**good, "tool_input": []}, 400),
                                     (SECRET, {**good, "hook_event_name": "Stop"}, 400), (SECRET, b"x" * ((8 << 20) + 1), 413)):
            with self.subTest(status=status, body=str(body)[:60]):
                try:
                    self.assertEqual(bridge.post(body, secret)[0], status)
                except ConnectionError:
                    self.assertEqual(status, 413)  # it did not wait for all of it
        self.assertEqual(self.actions("refused"), [])

    def test_the_prompt_server_speaks_mcp(self):
        process = subprocess.Popen([sys.executable, "-B", str(PROGRAM), "prompt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(self.k))
        watchdog = threading.Timer(DEADLINE, process.kill)
        watchdog.start()
        try:
            def say(line):
                process.stdin.write((line if isinstance(line, str) else json.dumps({"jsonrpc": "2.0", **line})) + "\n")
                process.stdin.flush()

            def ask(method, **params):
                say({"id": 1, "method": method, "params": params})
                return json.loads(process.stdout.readline())
            self.assertEqual(ask("initialize", protocolVersion="2025-11-25")["result"]["protocolVersion"], "2025-11-25")
            say({"method": "notifications/initialized"})
            self.assertEqual([t["name"] for t in ask("tools/list")["result"]["tools"]], ["approve", "finished"])
            self.assertEqual(ask("server/discover")["error"]["code"], -32601)
            self.assertEqual(ask("tools/call", name="other")["error"]["code"], -32602)
            self.assertEqual(json.loads(ask("tools/call", name="approve", arguments={"tool_name": "Bash"})["result"]["content"][0]["text"])["behavior"], "deny")
            say("no json")
            self.assertEqual(json.loads(process.stdout.readline())["error"]["code"], -32700)
            say({"id": 7, "method": "tools/call", "params": {"name": "approve", "arguments": {"tool_name": "Bash", "input": {"command": "given up"}}}})
            action = self.asked("given up")
            say({"method": "notifications/cancelled", "params": {"requestId": 7}})
            self.assertEqual(ask("ping")["result"], {})
            self.k.vote(action, "carol")
            answer = json.loads(process.stdout.readline())
            self.assertEqual((answer["id"], json.loads(answer["result"]["content"][0]["text"])["behavior"], self.k.action(action["id"]).json["state"]), (7, "deny", "approved"))
        finally:
            watchdog.cancel()
            process.kill()
            process.communicate()


if __name__ == "__main__":
    unittest.main()
