"""Clients and servers that people use, with Keyturn between: Claude Code, the inspector."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.claude_code import ClaudeCode  # noqa: E402
from support.keyturn import BIN, Failed, until  # noqa: E402
from support.mcp import LEGACY, MODERN, Server, inspector  # noqa: E402
from support.mcp_proxy import Proxy, at  # noqa: E402


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name).resolve()
        cls.folder.chmod(0o777)
        cls.legacy, cls.modern = Server(LEGACY), Server(MODERN)
        for server in (cls.legacy, cls.modern):
            cls.addClassCleanup(server.close)
        cls.k = Proxy({"legacy": at(cls.legacy), "modern": at(cls.modern)})
        cls.addClassCleanup(cls.k.close)

    def test_claude_code_waits_for_people(self):
        claude = ClaudeCode()
        self.addCleanup(claude.close)
        servers = {name: {"type": "http", "url": self.k.mcp(name), "headers": self.k.bearer()} for name in ("legacy", "modern")}
        servers["stdio"] = {"command": str(BIN), "args": ["mcp", "--upstream", "legacy"], "env": {"KEYTURN_URL": self.k.url, "KEYTURN_TOKEN": self.k.tokens["bot"]}}
        lines = self.folder / "claude"
        claude.begin([{"tool": f"mcp__{name}__append", "input": {"file": str(lines), "text": name}} for name in servers], servers=servers)
        for name in servers:
            tool = "legacy.append" if name == "stdio" else f"{name}.append"
            action = until(lambda: [one for one in self.k.asked(tool) if one["args"]["text"] == name], f"Claude Code did not ask for {tool}")[0]["id"]
            self.assertNotIn(name, lines.read_text() if lines.exists() else "")
            self.k.vote(action, "bob")
        outcome = claude.end()
        self.assertEqual([block["content"] for block in outcome.results], [[{"type": "text", "text": f"appended {name}"}] for name in servers], outcome)
        self.assertEqual(lines.read_text().splitlines(), list(servers))

    def test_claude_code_is_told_of_a_denial(self):
        claude = ClaudeCode()
        self.addCleanup(claude.close)
        outcome = claude.run([{"tool": "mcp__modern__crash"}], servers={"modern": {"type": "http", "url": self.k.mcp("modern"), "headers": self.k.bearer()}})
        self.assertIn("denied", outcome.result, outcome)

    def test_the_inspector(self):
        token = f"Authorization: {self.k.bearer()['Authorization']}"
        for upstream in ("legacy", "modern"):
            with self.subTest(upstream):
                told = inspector("--transport", "http", self.k.mcp(upstream), "--header", token, "--method", "tools/call", "--tool-name", "add", "--tool-arg", "a=1", "b=2")
                self.assertEqual(told["structuredContent"], {"sum": 3})
                with self.assertRaises(Failed) as refused:
                    inspector("--transport", "http", self.k.mcp(upstream), "--header", token, "--method", "tools/call", "--tool-name", "crash")
                self.assertIn("denied", str(refused.exception))


if __name__ == "__main__":
    unittest.main()
