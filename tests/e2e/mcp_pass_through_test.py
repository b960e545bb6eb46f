"""An MCP client through Keyturn can do what it can do without it: both eras, servers over HTTP and beside the agent, clients over HTTP and stdio."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.mcp import LEGACY, MODERN, Server, stdio_server  # noqa: E402
from support.mcp_proxy import ALLOW, Proxy, at  # noqa: E402
from support.mcp_walk import ANSWERS, Walk  # noqa: E402


class PassThrough(Walk, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name)
        cls.legacy, cls.modern = Server(LEGACY), Server(MODERN)
        for server in (cls.legacy, cls.modern):
            cls.addClassCleanup(server.close)
        cls.k = Proxy({"legacy": at(cls.legacy), "modern": at(cls.modern), "local": {"attached": True}, "local-modern": {"attached": True}}, policy=ALLOW)
        cls.addClassCleanup(cls.k.close)

    def check(self, name, made, **more):
        with self.subTest(name), made as client:
            self.walk(client, self.folder, **more)
            if more.get("has_session", True):
                self.hears_of_changes(client, name)

    def test_servers_over_http(self):
        self.check("v1, legacy", self.k.client(1, "legacy", answers=ANSWERS))
        self.check("v2, modern", self.k.client(2, "modern", answers=ANSWERS))
        self.check("v2 falls back, legacy", self.k.client(2, "legacy", answers=ANSWERS))
        self.check("v1, a modern server without sessions", self.k.client(1, "modern", answers=ANSWERS), has_session=False)

    def test_clients_over_stdio(self):
        self.check("v1, legacy", self.k.wrapped(1, "--upstream", "legacy", answers=ANSWERS), is_stdio=True)
        self.check("v2, modern", self.k.wrapped(2, "--upstream", "modern", answers=ANSWERS), is_stdio=True)

    def test_servers_beside_the_agent(self):
        for version, era, upstream in ((1, LEGACY, "local"), (2, MODERN, "local-modern")):  # a definition is one server's
            self.check(f"v{version}, {era}", self.k.wrapped(version, "--upstream", upstream, "--", *stdio_server(era, self.folder), answers=ANSWERS), is_stdio=True)

    def test_a_stream_that_was_cut_goes_on(self):
        with self.k.client(1, "legacy") as client:
            self.assertEqual(client.text("test_reconnection"), "reconnected")

    def test_what_is_asked_of_the_server_is_what_the_client_asked(self):
        """Byte for byte where it can be seen: the parameters, and the version headers."""
        for version, era, server, upstream in ((1, LEGACY, self.legacy, "legacy"), (2, MODERN, self.modern, "modern")):
            with self.subTest(upstream), self.k.client(version, upstream) as client:
                client.call("echo", text=f"for {era} \u00e4\u202e\U0001f511")
                request = [one for one in server.requests("tools/call") if one["body"]["params"]["name"] == "echo"][-1]
                self.assertEqual(request["body"]["params"]["arguments"], {"text": f"for {era} \u00e4\u202e\U0001f511"})
                self.assertEqual(request["headers"]["mcp-protocol-version"], era)
                self.assertNotIn(self.k.tokens["bot"], str(server.requests()), "the agent's token is Keyturn's alone")

    def test_a_large_result_comes_whole(self):
        with self.k.client(1, "legacy") as client:
            self.assertEqual(len(client.text("large", bytes=3_000_000)), 3_000_000)


if __name__ == "__main__":
    unittest.main()
