"""The real MCP software that Keyturn's proxy is judged with, without Keyturn between: what fails here is no fault of the proxy."""
import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.claude_code import ClaudeCode  # noqa: E402
from support.keyturn import until  # noqa: E402
from support.mcp import LEGACY, MODERN, Client, Refused, Server, conformance, failing, inspector, stdio_server  # noqa: E402

ANSWERS = {"elicitation": {"action": "accept", "content": {"colour": "red"}}, "sampling": "a poem", "roots": [{"uri": "file:///tmp"}]}
TASKS = ["tasks-capability-negotiation", "tasks-dispatch-and-envelope", "tasks-lifecycle", "tasks-mrtr-composition", "tasks-mrtr-input", "tasks-request-headers",
         "tasks-request-state-removal", "tasks-required-task-error", "tasks-wire-fields"]


class Direct(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = {era: Server(era) for era in (LEGACY, MODERN)}
        for server in cls.servers.values():
            cls.addClassCleanup(server.close)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def pairs(self):
        """Every client with every server that it can talk to, over both transports: (name, client)."""
        kinds = [("v1", 1, LEGACY, {}), ("v1, stateless", 1, MODERN, {}), ("v2", 2, MODERN, {}), ("v2, falls back", 2, LEGACY, {}), ("v2, legacy", 2, LEGACY, {"era": "legacy"})]
        for name, version, era, more in kinds:
            yield f"{name}, http", Client(version, url=self.servers[era].url, answers=ANSWERS, **more)
            yield f"{name}, stdio", Client(version, command=stdio_server(era, self.folder), answers=ANSWERS, **more)

    def test_every_client_can_do_what_there_is(self):
        for name, made in self.pairs():
            with self.subTest(name), made as client:
                self.lists_and_reads(client)
                self.calls(client, name)
                if "stateless, http" not in name:  # without sessions a legacy server cannot ask, tell of changes, or hear that a call is cancelled
                    self.asks(client)
                    self.cancels(client)
                    self.hears_of_changes(client, name)

    def lists_and_reads(self, client):
        tools = {tool["name"]: tool for tool in client.do("tools")["tools"]}
        self.assertEqual(tools["add"]["outputSchema"]["required"], ["sum"])
        pages = [client.do("resources")]
        while pages[-1].get("nextCursor"):
            pages.append(client.do("resources", cursor=pages[-1]["nextCursor"]))
        self.assertEqual(len({resource["uri"] for page in pages for resource in page["resources"]}), 6)
        self.assertEqual(client.do("read", uri="test://template/7/data")["contents"][0]["uri"], "test://template/7/data")
        self.assertIn("arg1='x'", json.dumps(client.do("prompt", name="test_prompt_with_arguments", arguments={"arg1": "x", "arg2": "y"})))
        completion = client.do("complete", ref={"type": "ref/prompt", "name": "test_prompt_with_arguments"}, argument={"name": "arg1", "value": "par"})
        self.assertEqual(completion["completion"]["values"], ["paris", "park", "party"])

    def calls(self, client, name):
        self.assertEqual(client.call("add", a=1, b=2)["structuredContent"], {"sum": 3})
        self.assertEqual(client.text("steps", {"progress": True}, count=3), "3 steps")
        seen = [line["progress"] for line in client.said if line.get("event") == "progress"]
        # Over stdio the SDKs' clients drop what comes in one piece with the result.
        self.assertEqual(seen, [1, 2, 3] if "http" in name else [1, 2, 3][:len(seen)])
        with self.assertRaises(Refused) as refused:
            client.call("nothing")
        self.assertEqual(refused.exception.error["code"], -32602)

    def asks(self, client):
        self.assertEqual(client.text("ask"), 'answer: accept {"colour":"red"}')
        self.assertEqual(client.text("sample", prompt="p"), "sampled: a poem")

    def cancels(self, client):
        log = self.folder / "cancelled"
        log.unlink(missing_ok=True)
        number = client.begin("call", name="slow", arguments={"until": str(self.folder / "never"), "log": str(log)})
        until(lambda: log.exists() and "began" in log.read_text(), "the tool did not begin")
        client.do("cancel", of=number, reason="enough")
        with self.assertRaises(Refused):
            client.end(number)
        until(lambda: "cancelled" in log.read_text(), "the tool was not told")

    def hears_of_changes(self, client, name):
        before, told = len(client.catch_up()), []

        def heard():  # a stream to hear it on may be open a moment later than the first change
            told.append(f"Definition {len(told)}, for {name}.")
            client.call("redefine", description=told[-1])
            return any(line.get("event") == "changed" for line in client.catch_up()[before:])
        until(heard, "the client heard of no change")
        until(lambda: told[-1] in [tool["description"] for tool in client.do("tools")["tools"]], "the client does not see what it is now")

    def test_a_legacy_call_as_a_task(self):
        lines = self.folder / "lines"
        with Client(1, url=self.servers[LEGACY].url) as client:
            self.assertEqual(client.text("append", {"task": {"ttl": 60_000}}, file=str(lines), text="once"), "appended once")
            client.event("task", lambda line: line["task"]["status"] == "completed")
        self.assertEqual(lines.read_text(), "once\n")

    def test_a_stream_that_was_cut_goes_on(self):
        with Client(1, url=self.servers[LEGACY].url) as client:
            self.assertEqual(client.text("test_reconnection"), "reconnected")
        self.assertTrue(any("last-event-id" in request["headers"] for request in self.servers[LEGACY].requests()))

    def test_conformance(self):
        legacy = conformance(self.servers[LEGACY].url, LEGACY, {"X-More": "given"})
        self.assertEqual((len(legacy), failing(legacy)), (33, []))
        modern = conformance(self.servers[MODERN].url, MODERN)
        self.assertEqual((len(modern), failing(modern)), (50, TASKS), "the server's SDK has no tasks")
        posts = [request for request in self.servers[LEGACY].requests() if request["headers"].get("x-more") == "given"]
        self.assertGreater(len(posts), 100, "headers for a proxy's token reach every request")

    def test_the_inspector(self):
        for era in (LEGACY, MODERN):
            for target in ([self.servers[era].url, "--header", "X-More: given"], stdio_server(era, self.folder)):
                with self.subTest(era=era, target=target[0]):
                    told = inspector(*target, "--method", "tools/call", "--tool-name", "add", "--tool-arg", "a=1", "b=2")
                    self.assertEqual(told["structuredContent"], {"sum": 3})

    def test_claude_code(self):
        claude = ClaudeCode()
        self.addCleanup(claude.close)
        node, *words = stdio_server(MODERN, self.folder)
        servers = {"legacy": {"type": "http", "url": self.servers[LEGACY].url}, "modern": {"type": "http", "url": self.servers[MODERN].url},
                   "stdio": {"command": node, "args": words}}
        outcome = claude.run([{"tool": f"mcp__{name}__echo", "input": {"text": name}} for name in servers], servers=servers)
        self.assertEqual([block["content"] for block in outcome.results], [[{"type": "text", "text": name}] for name in servers], outcome)
        self.assertEqual(outcome.result, "stdio")


if __name__ == "__main__":
    unittest.main()
