"""`keyturn mcp`: an MCP server on stdin and stdout, with Keyturn between; also when Keyturn, the server or the client goes away."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import BIN, DEADLINE, until  # noqa: E402
from support.mcp import LEGACY, MODERN, Client, Refused, Server, stdio_server  # noqa: E402
from support.mcp_proxy import OPERATIONS, Proxy, at  # noqa: E402

INITIALIZE = {"jsonrpc": "2.0", "id": 0, "method": "initialize",
              "params": {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}}


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Stdio(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name)
        cls.legacy = Server(LEGACY)
        cls.addClassCleanup(cls.legacy.close)
        cls.k = Proxy({"legacy": at(cls.legacy), "local": {"attached": True, "operations": OPERATIONS},
                       "local-modern": {"attached": True, "operations": OPERATIONS},
                       "theirs": {"attached": True, "agents": {"bot2": ["*"]}}})
        cls.addClassCleanup(cls.k.close)
        cls.count = 0

    def setUp(self):
        type(self).count += 1
        self.file, self.log = self.folder / f"lines-{self.count}", self.folder / f"log-{self.count}"

    def lines(self):
        return self.file.read_text().splitlines() if self.file.exists() else []

    def local(self, era=LEGACY, version=1, **connect):
        return self.k.wrapped(version, "--upstream", "local" if era == LEGACY else "local-modern", "--", *stdio_server(era, self.folder, self.log), **connect)

    def begun(self, word="initialize"):
        """How often the process beside the agent was told that."""
        return sum(f'"method":"{word}"' in line for line in self.log.read_text().splitlines())

    def append(self, client, text="x"):
        return client.begin("call", name="append", arguments={"file": str(self.file), "text": text})

    def waits(self, tool):
        """The action that waits for this test's file."""
        return until(lambda: [one for one in self.k.asked(tool) if str(self.file) in json.dumps(one["args"])], f"no {tool} waits")[0]["id"]

    def begin(self, *words, **env):
        process = subprocess.Popen([str(BIN), "mcp", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, "KEYTURN_URL": self.k.url, "KEYTURN_TOKEN": self.k.tokens["bot"], **env})
        too_late = threading.Timer(4 * DEADLINE, process.kill)
        too_late.start()
        self.addCleanup(too_late.cancel)
        return process

    def talk(self, *words, says="", answers=0, **env):
        """Its answers to these lines, what it said on stderr, and its exit code once the client has left."""
        process = self.begin(*words, **env)
        process.stdin.write(says)
        process.stdin.flush()
        lines = [process.stdout.readline() for _ in range(answers)]
        rest, stderr = process.communicate(timeout=2 * DEADLINE)
        self.assertEqual(rest, "")
        return [json.loads(line) for line in lines], stderr, process.returncode

    # ------------------------------------------------------------ beside the agent
    def test_a_call_beside_the_agent_waits_for_people(self):
        for era, version in ((LEGACY, 1), (LEGACY, 2), (MODERN, 2)):
            with self.subTest(f"v{version}, {era}"), self.local(era, version) as client:
                self.file.unlink(missing_ok=True)
                number = self.append(client, era)
                action = self.waits("local.append" if era == LEGACY else "local-modern.append")
                self.assertEqual(self.lines(), [])
                self.k.vote(action, "bob")
                self.assertEqual(client.end(number)["content"][0]["text"], f"appended {era}")
                self.assertEqual(self.lines(), [era])

    def test_two_beside_the_agent_are_two(self):
        with self.local() as one, self.local() as two:
            first, second = (json.loads(client.text("whoami"))["arguments"] for client in (one, two))
            self.assertEqual(first, second)
            number = self.append(one, "of one")
            self.assertEqual(two.text("echo", text="at once"), "at once")
            self.k.vote(self.waits("local.append"), "bob")
            self.assertEqual(one.end(number)["content"][0]["text"], "appended of one")
            self.assertEqual(self.begun(), 2)

    def test_a_process_does_not_get_the_token(self):
        with self.local() as client:
            environment = json.loads(client.text("whoami"))["environment"]
        self.assertNotIn("KEYTURN_TOKEN", environment)

    def test_keyturn_dies_and_the_process_stays_the_same(self):
        with self.local() as client:
            number = self.append(client)
            action = self.waits("local.append")
            self.k.kill9()
            self.k.start()
            self.assertEqual(self.waits("local.append"), action)
            self.k.vote(action, "bob")
            self.assertEqual(client.end(number)["content"][0]["text"], "appended x")
            self.assertEqual(client.text("echo", text="as before"), "as before")
        self.assertEqual(self.lines(), ["x"])
        self.assertEqual((self.begun(), self.begun("notifications/initialized")), (1, 1))

    def test_what_ran_when_keyturn_died_does_not_run_again(self):
        for name, made in (("legacy", lambda: self.k.wrapped(1, "--upstream", "legacy")), ("local", self.local)):
            self.setUp()
            with self.subTest(name), made() as client:
                go, log = self.folder / f"go-{self.count}", self.file
                number = client.begin("call", name="slow", arguments={"until": str(go), "log": str(log)})
                action = self.waits(f"{name}.slow")
                self.k.vote(action, "bob")
                until(lambda: self.lines() == ["began"], "it does not run")
                self.k.kill9()
                self.k.start()
                result = client.end(number)
                self.assertIn("not known", json.dumps(result))
                self.assertEqual(self.k.action(action).json["state"], "unknown")
                self.assertEqual(self.lines().count("began"), 1)
                go.touch()

    def test_the_end_of_the_process_is_the_end(self):
        done = self.begin("--", "sh", "-c", "read line; exit 3")
        done.stdin.write(json.dumps(INITIALIZE) + "\n")
        done.stdin.flush()
        answer = json.loads(done.stdout.readline())
        self.assertEqual((done.wait(DEADLINE), answer["id"]), (3, 0))
        self.assertIn("error", answer)
        self.assertIn("ended with exit code 3", done.stderr.read())
        for pipe in (done.stdin, done.stdout, done.stderr):
            pipe.close()

    def test_a_client_that_leaves_takes_the_process_with_it(self):
        script = f"echo $$ > {self.file}; sleep 1000 & trap '' TERM; cat > /dev/null; sleep 1000"
        for how in ("stdin", "signal"):
            with self.subTest(how):
                self.file.unlink(missing_ok=True)
                wrapper = subprocess.Popen([str(BIN), "mcp", "--", "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                           env={**os.environ, "KEYTURN_URL": self.k.url, "KEYTURN_TOKEN": self.k.tokens["bot"]})
                pid = int(until(lambda: self.lines(), "it does not start")[0])
                if how == "signal":
                    wrapper.send_signal(signal.SIGTERM)
                wrapper.stdin.close()
                self.assertEqual(wrapper.wait(DEADLINE), 0 if how == "stdin" else 128 + signal.SIGTERM)
                self.assertFalse(alive(pid))

    # ------------------------------------------------------------ words
    def refusal(self, *words, **env):
        answers, stderr, _ = self.talk(*words, says=json.dumps(INITIALIZE) + "\n", answers=1, **env)
        return answers[0]["error"], stderr

    def test_what_is_wrong_is_said_in_answer(self):
        for words, env, says in (
            (["--upstream", "legacy"], {"KEYTURN_TOKEN": ""}, "KEYTURN_TOKEN is not set"),
            (["--upstream", "legacy"], {"KEYTURN_TOKEN": "kt_wrong"}, "KEYTURN_TOKEN"),
            (["--upstream", "nothing"], {}, "no MCP server \\\"nothing\\\""),
            (["--upstream", "legacy"], {"KEYTURN_URL": "nowhere://here"}, "KEYTURN_URL"),
            (["--upstream", "nothing", "--", "cat"], {}, "attached: true"),
            (["--upstream", "theirs", "--", "cat"], {}, "attached: true"),
            (["--upstream", "legacy", "--", "cat"], {}, "attached: true"),
        ):
            with self.subTest(" ".join(words), **env):
                error, stderr = self.refusal(*words, **env)
                self.assertIn(says, json.dumps(error))
                self.assertTrue(stderr.startswith("keyturn: ") or not env.get("KEYTURN_TOKEN", "x"))

    def test_only_messages_are_on_stdout(self):
        answers, _, code = self.talk("--upstream", "legacy", says="nonsense\n\n[]\n" + json.dumps(INITIALIZE) + "\n", answers=3)
        self.assertEqual([answer.get("error", {}).get("code") for answer in answers], [-32700, -32600, None])
        self.assertEqual(code, 0)

    def test_what_cannot_be_run_says_so(self):
        for words, code, says in ((["--", "/no/such/program"], 127, "/no/such/program"), ([], 2, "--upstream NAME")):
            done = subprocess.run([str(BIN), "mcp", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE)
            self.assertEqual((done.returncode, done.stdout), (code, ""))
            self.assertIn(says, done.stderr)

    # ------------------------------------------------------------ while Keyturn is away
    def test_a_client_that_starts_first_waits_for_keyturn(self):
        self.k.stop()
        early = self.begin("--upstream", "legacy")
        early.stdin.write(json.dumps(INITIALIZE) + "\n")
        early.stdin.flush()
        self.assertIn("does not answer", early.stderr.readline())
        self.k.start()
        self.assertEqual(json.loads(early.stdout.readline())["result"]["serverInfo"]["name"], "legacy-fixture")
        early.communicate(timeout=DEADLINE)
        self.assertEqual(early.returncode, 0)

    # ------------------------------------------------------------ the routes
    def test_an_attachment_is_its_agents(self):
        made = self.k.post("/v1/mcp/attachments", "bot", {"upstream": "local"})
        self.assertEqual(made.status, 201)
        path = f"/v1/mcp/attachments/{made.json['id']}"

        def say(who, at, body):
            return self.k.http("POST", f"{path}/messages?at={at}", who, raw_body=body, headers={"Content-Type": "application/x-ndjson"})
        self.assertEqual(say("bot2", 0, b"x\n").status, 404)
        self.assertEqual(say("bot", 0, b"{}\n{").json, {"at": 4})
        self.assertEqual(say("bot", 0, b"{}\n{").json, {"at": 4})
        self.assertEqual(say("bot", 9, b"x").code, "out_of_step")
        self.assertEqual(self.k.get(f"{path}/stream", "bot2").status, 404)
        self.assertEqual(self.k.delete(path, "bot2").status, 404)
        self.assertEqual(self.k.delete(path, "bot").status, 204)
        self.assertEqual(self.k.delete(path, "bot").status, 404)
        self.assertEqual(self.k.post("/v1/mcp/attachments", "bot", {"upstream": "legacy"}).code, "not_attached")
        for name in ("nothing", "theirs"):
            self.assertEqual(self.k.post("/v1/mcp/attachments", "bot", {"upstream": name}).code, "unknown_upstream")
        self.assertEqual(self.k.post("/v1/mcp/attachments", None, {"upstream": "local"}).status, 401)

    def test_without_its_attachment_there_is_no_server(self):
        for client in (self.k.client(1, "local"), Client(2, url=self.k.mcp("local"), headers=self.k.bearer())):
            with self.assertRaises(Refused) as refused, client:
                pass
            client.stop()
            self.assertIn("beside", json.dumps(refused.exception.error))


if __name__ == "__main__":
    unittest.main()
