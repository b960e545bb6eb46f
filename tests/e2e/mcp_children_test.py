"""MCP servers that Keyturn runs itself, as its children: the SDKs' own, server-filesystem and server-memory."""
import json
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import until  # noqa: E402
from support.mcp import LEGACY, MCP, MODERN, stdio_server  # noqa: E402
from support.mcp_proxy import GATED, OPERATIONS, Proxy, child  # noqa: E402
from support.mcp_walk import ANSWERS, Walk  # noqa: E402

SECRET = "hunter2-of-the-forge"
READS = {"read_*": "read", "list_*": "read", "open_*": "read", "search_*": "read", "*": "write"}


def package(name, *arguments):
    return ["node", str(MCP / f"node_modules/@modelcontextprotocol/{name}/dist/index.js"), *arguments]


class Children(Walk, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name).resolve()
        cls.folder.chmod(0o777)
        (cls.folder / "known").write_text("what was there")
        free = {**OPERATIONS, "slow": "read"}
        cls.k = Proxy({
            "legacy": child(stdio_server(LEGACY, cls.folder), operations=free), "modern": child(stdio_server(MODERN, cls.folder), operations=free),
            "gated": child(stdio_server(LEGACY, cls.folder), env={"FORGE_TOKEN": {"secret": "env:FORGE_TOKEN"}}),
            "files": child(package("server-filesystem", str(cls.folder)), operations=READS),
            "memory": child(package("server-memory"), operations=READS, env={"MEMORY_FILE_PATH": str(cls.folder / "memory.jsonl")}),
        }, policy=GATED, start=False)
        cls.addClassCleanup(cls.k.close)
        cls.k.start(env={"FORGE_TOKEN": SECRET})

    def test_everything_passes(self):
        for upstream in ("legacy", "modern"):
            for version in (1, 2):
                with self.subTest(upstream=upstream, version=version), self.k.client(version, upstream, answers=ANSWERS) as client:
                    self.walk(client, self.folder)

    def test_a_write_waits_and_runs_once(self):
        lines = self.folder / "lines"
        with self.k.client(1, "gated") as client:
            number = client.begin("call", name="append", arguments={"file": str(lines), "text": "x"})
            action = self.k.wait_asked("gated.append")["id"]
            self.assertFalse(lines.exists())
            self.k.vote(action, "bob")
            self.assertEqual(client.end(number)["content"], [{"type": "text", "text": "appended x"}])
            self.assertEqual(lines.read_text(), "x\n")

    def test_its_secret_is_its_own(self):
        with self.k.client(1, "gated") as client:
            environment = json.loads(client.text("whoami"))["environment"]
        self.assertIn("[redacted", environment["FORGE_TOKEN"])
        self.assertNotIn("KEYTURN_TOKEN", environment)

    def test_the_server_dies_under_a_call(self):
        log = self.folder / "slow"
        with self.k.client(1, "gated") as client:
            number = client.begin("call", name="slow", arguments={"until": str(self.folder / "never"), "log": str(log)})
            action = self.k.wait_asked("gated.slow")["id"]
            self.k.vote(action, "bob")
            until(log.exists, "it did not begin")
            for process in pathlib.Path("/proc").iterdir():
                words = words_of(process)
                if str(self.folder).encode() in words and b"--stdio" in words and words[0].endswith(b"node"):
                    os.kill(int(process.name), 9)
            self.assertTrue(client.end(number)["isError"])
            until(lambda: self.k.action(action).json["state"] == "unknown", "whether it took effect is known")

    def test_server_filesystem(self):
        path = self.folder / "written"
        with self.k.client(1, "files") as client:
            client.do("tools")
            self.assertIn("what was there", client.text("read_text_file", path=str(self.folder / "known")))
            number = client.begin("call", name="write_file", arguments={"path": str(path), "content": "agreed"})
            action = self.k.wait_asked("files.write_file")["id"]
            self.assertFalse(path.exists())
            self.k.vote(action, "bob")
            self.assertFalse(client.end(number).get("isError"))
            self.assertEqual(path.read_text(), "agreed")

    def test_server_memory(self):
        entity = {"name": "Keyturn", "entityType": "gate", "observations": ["asks people"]}
        with self.k.client(2, "memory") as client:
            client.do("tools")
            number = client.begin("call", name="create_entities", arguments={"entities": [entity]})
            action = self.k.wait_asked("memory.create_entities")["id"]
            self.assertNotIn("asks people", json.dumps(client.call("read_graph")))
            self.k.vote(action, "bob")
            client.end(number)
            self.assertIn("asks people", json.dumps(client.call("read_graph")))


def words_of(process):
    """The command line of an entry of /proc; what has ended has none."""
    try:
        return (process / "cmdline").read_bytes().split(b"\0") if process.name.isdigit() else [b""]
    except OSError:
        return [b""]


if __name__ == "__main__":
    unittest.main()
