"""A server whose tools come, go and change: people see it, nobody uses what they have not accepted, and it does not fill the record."""
import base64
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import until  # noqa: E402
from support.mcp_odd import ByHand, OddServer, text  # noqa: E402
from support.mcp_proxy import GATED, Proxy  # noqa: E402
from support.passkey import Browser  # noqa: E402


class Definitions(unittest.TestCase):
    def setUp(self):
        self.server = OddServer("read_one", "read_two", "write_one")
        self.addCleanup(self.server.close)
        operations = {"read_*": "read", "*": "write"}
        self.k = Proxy({"odd": {"url": self.server.url, "operations": operations}}, policy=GATED,
                       people={"ada": ["administrators"], "olga": [], "bob": ["dba"], "erin": ["administrators"], "gil": ["administrators"]}, agents={"bot": "olga", "bot2": "olga"})
        self.addCleanup(self.k.close)

    def tool(self, name, who="ada"):
        (server,) = self.k.get("/v1/upstreams", who).json["items"]
        return next((tool for tool in server["tools"] if tool["name"] == name), None)

    def define(self, name, description):
        self.server.tools = [{**tool, "description": description} if tool["name"] == name else tool for tool in self.server.tools]

    def entries(self):
        """Of the server's stream, all that are recorded by now."""
        last = self.k.request("nothing").json["ledger"]["last_index"]  # a denial is an entry, too
        until(lambda: self.k.get("/v1/ledger", "ada").json["size"] > last, "it is not published")
        page = self.k.get(f"/v1/ledger/entries?from=0&limit={last + 1}", "ada").json["items"]
        self.assertEqual(len(page), last + 1)
        leaves = [json.loads(base64.b64decode(one["leaf"])) for one in page]
        return [leaf for leaf in leaves if leaf["stream"] == "upstream/odd"]

    def test_a_change_is_accepted_by_two_and_runs_as_it_is_now(self):
        client = ByHand(self.k, "odd")
        self.assertEqual(client.call("read_one").message["result"], text("done"))
        self.define("read_one", "Reads, and sends it on.")
        refused = ByHand(self.k, "odd").call("read_one", {"of": "changed"}).message["result"]
        self.assertTrue(refused["isError"])
        self.assertIn("not the one that was accepted", refused["content"][0]["text"])
        seen = self.tool("read_one")
        self.assertEqual((seen["state"], seen["offered"]["definition"]["description"]), ("changed", "Reads, and sends it on."))
        self.assertNotIn("offered", self.tool("read_one", "bot"))
        # An agent proposes nothing; a digest that the server does not offer is nobody's to accept.
        tools, reason = {"read_one": seen["offered"]["digest"]}, "the new version mails, which is wanted"
        self.assertEqual(self.k.post("/v1/upstreams/odd/accept", "bot", {"tools": tools, "reason": reason}).status, 403)
        self.assertGreaterEqual(self.k.post("/v1/upstreams/odd/accept", "ada", {"tools": {"read_one": "sha256:" + "0" * 64}, "reason": reason}).status, 400)
        proposed = self.k.post("/v1/upstreams/odd/accept", "ada", {"tools": tools, "reason": reason})
        self.assertEqual(proposed.status, 201, proposed)
        case = str(self.k.action(proposed.json["id"], "erin").json["display"])
        self.assertIn("Reads, and sends it on.", case)
        self.assertIn("Does read_one.", case)
        for who in ("erin", "gil"):
            self.assertEqual(self.tool("read_one")["state"], "changed")
            self.assertEqual(Browser(self.k, who).vote(self.k.action(proposed.json["id"], who).json).status, 200)
        until(lambda: self.tool("read_one")["state"] == "pinned", "it is not accepted")
        self.assertEqual(self.tool("read_one")["definition"]["description"], "Reads, and sends it on.")
        self.assertEqual(client.call("read_one", {"of": "changed"}).message["result"], text("done"))
        self.assertEqual(self.server.calls("read_one"), [{"name": "read_one", "arguments": {}}, {"name": "read_one", "arguments": {"of": "changed"}}])
        # Accepted was that definition; not the tool.
        self.define("read_one", "Reads, and deletes it.")
        self.assertTrue(ByHand(self.k, "odd").call("read_one", {"of": "changed again"}).message["result"]["isError"])
        self.assertEqual(len(self.server.calls("read_one")), 2)

    def test_a_tool_that_is_gone_is_seen_to_be(self):
        ByHand(self.k, "odd").do("tools/list")
        until(lambda: self.tool("read_two"), "nothing is pinned")
        gone, self.server.tools = self.server.tools[1], [self.server.tools[0], self.server.tools[2]]
        client = ByHand(self.k, "odd")
        self.assertIn("Unknown tool", client.call("read_two").message["error"]["message"])
        self.assertEqual(self.tool("read_two")["state"], "gone")
        self.assertEqual(self.tool("read_one")["state"], "pinned")
        self.server.tools.append(gone)
        self.assertEqual(ByHand(self.k, "odd").call("read_two").message["result"], text("done"))
        self.assertEqual(self.tool("read_two")["state"], "pinned")
        # People accept that it is gone: then it is new again, should it come back.
        self.server.tools.pop()
        ByHand(self.k, "odd").call("read_two")
        self.k.host("upstream", "accept", "odd", "read_two")
        self.assertIsNone(self.tool("read_two"))

    def test_a_definition_that_is_another_each_time_does_not_fill_the_record(self):
        client = ByHand(self.k, "odd")
        client.call("read_one")
        before = len(self.entries())
        for number in range(40):
            self.define("read_one", f"Version {number}.")
            self.assertTrue(ByHand(self.k, "odd").call("read_one", {"of": number}).message["result"]["isError"])
            self.server.tools = [tool for tool in self.server.tools if tool["name"] != "read_two"] if number % 2 else [*self.server.tools, {**self.server.tools[0], "name": "read_two"}]
        self.assertLess(len(self.entries()) - before, 20)
        self.assertEqual(len(self.server.calls("read_one")), 1)
        # Another tool is seen as before, and what was accepted is used as before.
        self.define("write_one", "Another one.")
        self.define("read_one", "Does read_one.")
        self.assertEqual(ByHand(self.k, "odd").call("read_one", {"of": "as accepted"}).message["result"], text("done"))
        self.assertEqual(self.tool("write_one")["state"], "changed")

    def test_names_that_are_new_each_time_have_an_end(self):
        plain = self.server.tools
        for page in range(3):
            self.server.tools = plain + [{"name": f"t{page}-{number}", "inputSchema": {"type": "object"}} for number in range(4_500)]
            ByHand(self.k, "odd").call("nothing")
        (server,) = self.k.get("/v1/upstreams", "ada").json["items"]
        self.assertLessEqual(len(server["tools"]), 10_000)
        self.assertEqual(ByHand(self.k, "odd").call("read_one").message["result"], text("done"))


if __name__ == "__main__":
    unittest.main()
