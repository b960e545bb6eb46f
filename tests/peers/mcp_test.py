"""The real MCP software that Keyturn's proxy is judged with, without Keyturn between: what fails here is no fault of the proxy."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.claude_code import ClaudeCode  # noqa: E402
from support.keyturn import until  # noqa: E402
from support.mcp import LEGACY, MODERN, Client, Server, conformance, failing, inspector, stdio_server  # noqa: E402
from support.mcp_walk import ANSWERS, Walk  # noqa: E402

TASKS = ["tasks-capability-negotiation", "tasks-dispatch-and-envelope", "tasks-lifecycle", "tasks-mrtr-composition", "tasks-mrtr-input", "tasks-request-headers",
         "tasks-request-state-removal", "tasks-required-task-error", "tasks-wire-fields"]


class Direct(Walk, unittest.TestCase):
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
                self.walk(client, self.folder, has_session="stateless, http" not in name, is_stdio="stdio" in name)
                if "stateless, http" not in name:
                    told = self.hears_of_changes(client, name)
                    until(lambda: told in [tool["description"] for tool in client.do("tools")["tools"]], "the client does not see what it is now")

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
