"""The command line against a real server: outcomes as exit codes, waiting, voting in a terminal, policy documents, the seal."""
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import BIN, DEADLINE, POLICY, ROOT, Keyturn, end_helper  # noqa: E402
from support.passkey import Browser  # noqa: E402


class CommandLine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn()
        cls.addClassCleanup(cls.k.close)

    def pending(self, text, tool="append"):
        answer = self.k.request(tool, {"text": text})
        self.assertEqual(answer.status, 202, answer)
        return answer.json

    def background(self, *words, token):
        """A command that goes on; its lines come as it prints them."""
        import os
        process = subprocess.Popen([str(BIN), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.k.folder,
                                   env={"PATH": os.environ["PATH"], "KEYTURN_URL": self.k.url, "KEYTURN_TOKEN": self.k.tokens[token]})
        self.addCleanup(lambda: (process.poll() is None and process.kill(), process.wait(), process.stdout.close(), process.stderr.close()))
        return process

    def inbox(self, who, text):
        """The pending action with this text, as soon as it waits for `who`."""
        stream = self.k.events("/v1/inbox/stream", who)
        try:
            for _ in stream:
                for action in self.k.get("/v1/actions?state=pending&for=me&limit=200", who).json["items"]:
                    if action["args"].get("text") == text:
                        return action
        finally:
            stream.close()
        self.fail("the inbox stream ended")

    def test_request_exit_codes(self):
        done = self.k.cli("request", "echo", "--arg", "text=from the terminal", token="bot", check=False)
        self.assertEqual((done.code, done.out), (0, "from the terminal\n"), done.err)
        self.assertEqual(self.k.cli("request", "forbidden", token="bot", check=False).code, 1)
        self.assertEqual(self.k.cli("request", "--no-such-option", token="bot", check=False).code, 2)
        self.assertEqual(self.k.cli("request", "append-soon", "--arg", "text=late", token="bot", check=False).code, 3)
        nowhere = self.k.cli("request", "echo", "--arg", "text=x", token="bot", check=False, env={"KEYTURN_URL": "http://127.0.0.1:1"})
        self.assertEqual(nowhere.code, 7, nowhere.err)

    def test_request_waits_for_people_who_approve_in_their_terminals(self):
        waiting = self.k.later(self.k.cli, "request", "append", "--arg", "text=cli both", "--reason", "OPS-1", token="bot", check=False)
        action = self.inbox("bob", "cli both")
        self.assertIn(action["id"], self.k.cli("list", token="bob").out)
        shown = self.k.cli("show", action["id"], token="bob").out
        self.assertIn("cli both", shown)
        self.assertIn("OPS-1", shown)
        self.k.cli("approve", action["id"], "--yes", "--digest", action["digest"], token="bob")
        self.k.cli("approve", action["id"], "--yes", "--digest", action["digest"], token="carol")
        done = waiting.result(DEADLINE)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(self.k.lines().count("cli both"), 1)

    def test_deny_and_json(self):
        action = self.pending("cli denied")
        self.k.cli("deny", action["id"], "--yes", "--note", "no", token="bob")
        shown = self.k.cli("show", action["id"], "--json", token="bot").json
        self.assertEqual(shown["state"], "denied")

    def test_version_help_and_cel(self):
        self.assertRegex(self.k.cli("version").out, r"\d+\.\d+\.\d+")
        self.assertIn("serve", self.k.cli("--help").out)
        self.assertEqual(self.k.cli("cel", "1 + 2 * 3").out.strip(), "7")
        self.assertNotEqual(self.k.cli("cel", "1 +", check=False).code, 0)

    def test_the_other_exit_codes(self):
        failing = self.k.later(self.k.cli, "request", "slow", token="bot", check=False)
        self.k.wait_started()
        end_helper(self.k.data)
        self.assertEqual(failing.result(DEADLINE).code, 6, "unknown is its own code")
        waiting = self.k.later(self.k.cli, "request", "append", "--arg", "text=withdrawn", token="bot", check=False)
        action = self.inbox("bob", "withdrawn")
        self.k.cli("cancel", action["id"], token="bot")
        self.assertEqual(waiting.result(DEADLINE).code, 4)
        open_now = self.k.cli("request", "append", "--arg", "text=later", "--no-wait", token="bot", check=False)
        self.assertRegex(open_now.out, r"^act_\w+\n$")
        short = self.k.cli("request", "append", "--arg", "text=short", "--wait", "1s", token="bot", check=False)
        self.assertEqual(short.code, 8, short.err)
        self.assertEqual(self.k.cli("request", "append", "--arg", "txt=x", token="bot", check=False).code, 2, "what the schema refuses is wrong usage")
        self.assertEqual(self.k.cli("request", "echo", "--arg", "text=x", token="kt_" + "x" * 43, check=False).code, 5)
        self.assertNotEqual(self.k.cli("show", "act_none", token="bot", check=False).code, 0)

    def test_a_vote_names_the_case_that_was_seen(self):
        action = self.pending("seen")
        other = self.k.cli("approve", action["id"], "--yes", "--digest", "sha256:" + "0" * 64, token="bob", check=False)
        self.assertNotEqual(other.code, 0)
        self.assertEqual(self.k.action(action["id"]).json["votes"], [])
        unasked = self.k.cli("approve", action["id"], token="bob", check=False)
        self.assertNotEqual(unasked.code, 0, "without a terminal nobody was asked")
        self.k.cli("approve", action["id"], "--yes", token="bob")
        self.k.cli("take-back", action["id"], token="bob")
        self.assertEqual(self.k.action(action["id"]).json["votes"], [])

    def test_watch_follows_an_action_and_an_inbox(self):
        action = self.pending("watched")
        watch = self.background("watch", action["id"], token="bot")
        inbox = self.background("watch", token="carol")
        self.k.cli("comment", action["id"], "a word", token="bob")
        for who in ("bob", "carol"):
            self.k.cli("approve", action["id"], "--yes", token=who)
        self.assertEqual(watch.wait(DEADLINE), 0)
        self.assertIn("succeeded", watch.stderr.read().lower())
        later = self.pending("for carol")
        for line in inbox.stdout:
            if later["id"] in line:
                break
        else:
            self.fail("the inbox ended")

    def test_policy_check_test_and_explain(self):
        good = self.k.cli("policy", "check", ROOT / "examples/policy.yaml", "--tools", ROOT / "examples/tools.yaml", check=False)
        self.assertEqual(good.code, 0, good.out + good.err)
        self.assertEqual(self.k.cli("policy", "test", ROOT / "examples/policy.yaml", "--tools", ROOT / "examples/tools.yaml").code, 0)
        bad = self.k.folder / "bad.yaml"
        bad.write_text(POLICY.replace("tool: [forbidden]", "tol: [forbidden]"))
        said = self.k.cli("policy", "check", bad, check=False)
        self.assertNotEqual(said.code, 0)
        self.assertRegex(said.out + said.err, r"bad\.yaml:\d+:\d+: .*tol.*tool")
        bad.write_text(POLICY + "- {id: all, match: {}, effect: deny}\n")
        self.assertRegex(self.k.cli("policy", "check", bad).out, r"(?m)^\S*bad\.yaml:\d+:\d+: warning: rule \"all\": (?!.*warning)")
        here = self.k.cli("policy", "check", bad, "--json").json["diagnostics"]
        there = self.k.post("/v1/policy/check", "ada", {"policy": bad.read_text()}).json["diagnostics"]
        self.assertEqual([d["code"] for d in here], ["no_selector"])
        self.assertIn({**here[0], "file": "policy.yaml"}, there)
        bad.write_text(POLICY + "tests:\n- {name: wrong, set: {action.tool: echo}, expect: {effect: deny}}\n")
        failed = self.k.cli("policy", "test", bad, check=False)
        self.assertNotEqual(failed.code, 0)
        self.assertIn("wrong", failed.out + failed.err)
        why = self.k.cli("policy", "explain", "--agent", "bot", "--tool", "append", "--arg", "text=x", token="bob")
        self.assertIn("two-people", why.out)

    def test_coverage_names_the_branches_that_no_test_reaches(self):
        document = self.k.folder / "covered.yaml"
        document.write_text(POLICY + "- {id: big, match: {tool: [echo]}, when: size(action.args.text) > 9, effect: deny}\n"
                            "tests:\n- {name: short, set: {action.tool: echo, action.args.text: x}, expect: {effect: allow}}\n")
        said = self.k.cli("policy", "test", document, "--coverage").out
        self.assertRegex(said, r'covered\.yaml:\d+:\d+: rule "big": `when` is true in no test')
        self.assertRegex(said, r'rule "never": no test reaches it')
        self.assertRegex(said, r"the tests reach 3 of \d+ branches")
        big = [r for r in self.k.cli("policy", "test", document, "--coverage", "--json").json["coverage"]["rules"] if r["rule"] == "big"][0]
        self.assertEqual((big["selected"], big["when"]), (1, {"true": 0, "false": 1, "error": 0}))

    def test_lists_and_json(self):
        action = self.pending("listed")
        self.assertIn(action["id"], self.k.cli("list", "--state", "pending", "--limit", "5", token="bot").out)
        listed = self.k.cli("list", "--json", "--limit", "3", token="bot").json
        self.assertEqual(len(listed["items"]), 3)
        self.assertIn("bob", self.k.cli("person", "list", token="ada").out)
        self.assertIn("bot", self.k.cli("agent", "list", token="ada").out)

    def test_nothing_colours_a_pipe_and_every_shell_completes(self):
        self.assertNotIn("\x1b", self.k.cli("list", token="bob").out)
        for shell, ends in (("bash", ["bash", "-n"]), ("zsh", None), ("fish", None)):
            script = self.k.cli("completion", shell).out
            self.assertIn("keyturn", script)
            if ends:
                self.assertEqual(subprocess.run(ends, input=script, text=True).returncode, 0)

    def test_answers_of_a_hostile_server_do_not_reach_the_terminal_raw(self):
        import http.server
        import threading

        class Hostile(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps({"items": [{"id": "act_\x1b[2Kx", "state": "pending", "tool": "a\x1b]0;owned\x07", "requester": {"id": "b\u202e"}, "created_at": "x", "args": {}}], "next": None}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            done = self.k.cli("list", token="bob", env={"KEYTURN_URL": f"http://127.0.0.1:{server.server_port}"}, check=False)
            self.assertNotRegex(done.out + done.err, "[\x1b\x07\u202e]")
        finally:
            server.shutdown()
            server.server_close()

    def test_host_commands_work_with_the_server_stopped_and_say_what_is_wrong(self):
        self.k.stop()
        try:
            self.k.add_person("offline", ["dba"], token=False)
            for words, word in ((("person", "add", "offline"), "already"), (("agent", "add", "x", "--owner", "nobody"), "owner"), (("token", "create", "--agent", "nobody"), "nobody"),
                                (("person", "enrol", "nobody"), "nobody"), (("token", "create", "--agent", "bot", "--expires", "soon"), "expires")):
                done = self.k.host(*words, check=False)
                self.assertNotEqual(done.code, 0)
                self.assertIn(word, done.err)
            again = self.k.cli("init", "--data", self.k.data, check=False)
            self.assertNotEqual(again.code, 0, "an initialised folder stays as it is")
            nowhere = self.k.cli("person", "add", "x", "--data", self.k.folder / "nowhere", check=False)
            self.assertNotEqual(nowhere.code, 0)
            self.assertFalse((self.k.folder / "nowhere/keys").exists(), "a mistyped folder is not made")
        finally:
            self.k.start()
        self.assertIn("offline", json.dumps(self.k.get("/v1/people", "ada").json))


class Seal(unittest.TestCase):
    def test_the_seal_is_broken_offline_and_the_ledger_says_so(self):
        k = Keyturn(people={"ada": [], "ben": ["administrators"], "olga": [], "bob": ["dba"], "erin": ["dba"], "carol": ["sre"]}, agents={"bot": "olga"})
        self.addCleanup(k.close)
        browser = [Browser(k, who) for who in ("ada", "ben")][0]
        self.assertIn("Tokens that this host made for people have ended", k.host("seal").out)
        self.assertIs(browser.get("/v1/me").json["sealed"], True)
        self.assertNotEqual(k.host("person", "add", "eve", check=False).code, 0)
        k.stop()
        self.assertNotEqual(k.host("person", "add", "eve", check=False).code, 0, "nor with the server stopped")
        self.assertNotEqual(k.host("token", "create", "--person", "ada", check=False).code, 0)
        k.host("seal", "--break", "--reason", "both administrators left")
        k.start()
        browser.sign_in()
        self.assertIs(browser.get("/v1/me").json["sealed"], False)
        k.host("person", "add", "eve")
        self.assertEqual(k.request("echo", {"text": "x"}, wait=20).json["state"], "succeeded")
        leaves = json.dumps(browser.get("/v1/ledger/entries?from=0&limit=256").json)
        import base64
        types = [json.loads(base64.b64decode(i["leaf"]))["type"] for i in json.loads(leaves)["items"]]
        self.assertIn("seal.broken", types)


if __name__ == "__main__":
    unittest.main()
