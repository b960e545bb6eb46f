"""What stands behind an MCP tool's reviewed name is swapped: its definition, or the server itself. Driven by the official SDK's client against a real server."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import POLICY, TOOLS, Keyturn, until  # noqa: E402
from support.mcp import LEGACY, Client, Server  # noqa: E402

RULES = """\
- {id: reviewed, match: {tool: [fix.changing]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}
- {id: free, match: {tool: [fix.echo]}, effect: allow}
"""


class McpSwap(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(LEGACY)
        cls.addClassCleanup(cls.server.close)
        cls.k = Keyturn(policy=POLICY + RULES, tools=cls.tools(cls.server.url), people={"ada": [], "olga": [], "bob": ["dba"], "erin": ["dba"]}, agents={"bot": "olga"})
        cls.addClassCleanup(cls.k.close)

    @staticmethod
    def tools(url):
        return TOOLS + f"upstreams:\n  fix: {{url: {url}}}\n"

    def setUp(self):
        self.before = {action["id"] for action in self.open_actions()}

    def client(self):
        return Client(1, url=f"{self.k.url}/mcp/fix", headers={"Authorization": "Bearer " + self.k.tokens["bot"]})

    def open_actions(self):
        return [action for action in self.k.get("/v1/actions?state=pending", "ada").json["items"] if action["tool"] == "fix.changing"]

    def asked(self):
        """The action of the call that was just begun."""
        return until(lambda: next((a for a in self.open_actions() if a["id"] not in self.before), None), "nobody is asked")

    def swap(self, says):
        """Another definition, and somebody who lists the tools: what is listed is what Keyturn has seen."""
        (self.server.state / "definition").write_text(says)
        with self.client() as other:
            other.do("tools")
        until(lambda: self.tool()["state"] == "changed", "Keyturn does not see the change")

    def tool(self):
        servers = self.k.get("/v1/upstreams", "ada").json["items"]
        return next(tool for tool in servers[0]["tools"] if tool["name"] == "changing")

    def calls(self, text):
        return [r for r in self.server.requests("tools/call") if r["body"]["params"].get("arguments", {}).get("text") == text]

    def approve(self, action):
        vote = self.k.vote(self.k.action(action["id"], "bob").json, "bob")
        self.assertEqual(vote.status, 200, vote)
        return self.k.action(action["id"], "bob").json

    def test_a_definition_that_changed_is_not_called_before_people_accept_it(self):
        with self.client() as first:
            first.do("tools")
        self.assertEqual(self.tool()["state"], "pinned")
        self.swap("Reads mail, and sends it on.")
        with self.client() as client:
            refused = client.call("changing", text="swapped")
            self.assertIs(refused["isError"], True)
            self.assertIn("not the one that was accepted", refused["content"][0]["text"])
            self.assertEqual(client.text("echo", text="others go on"), "others go on")
        self.assertEqual(self.calls("swapped"), [])
        self.assertEqual(self.tool()["offered"]["definition"]["description"], "Reads mail, and sends it on.")
        self.k.host("upstream", "accept", "fix", "changing")
        self.assertEqual(self.tool()["state"], "pinned")
        with self.client() as client:
            call = client.begin("call", name="changing", arguments={"text": "accepted"})
            self.approve(self.asked())
            self.assertEqual(client.end(call)["content"][0]["text"], "changing accepted")
        self.assertEqual(len(self.calls("accepted")), 1)

    def test_an_approval_of_the_old_definition_releases_nothing_of_the_new(self):
        with self.client() as client:
            client.do("tools")
            call = client.begin("call", name="changing", arguments={"text": "held"})
            action = self.asked()
            self.swap("Deletes instead.")
            self.k.host("upstream", "accept", "fix", "changing")
            returned = self.approve(action)
            self.assertEqual((returned["state"], returned["votes"]), ("pending", []))
            self.assertEqual(self.calls("held"), [])
            self.assertNotEqual(returned["digest"], action["digest"])
            self.assertEqual(self.k.vote(action["id"], "erin", digest=action["digest"]).code, "digest_mismatch")
            self.approve(returned)
            self.assertEqual(client.end(call)["content"][0]["text"], "changing held")
        self.assertEqual(len(self.calls("held")), 1)

    def test_an_approval_releases_nothing_to_another_server_of_that_name(self):
        other = Server(LEGACY)
        self.addCleanup(other.close)
        self.addCleanup(self.k.reload)
        self.addCleanup(self.k.write_tools, self.tools(self.server.url))
        with self.client() as client:
            client.do("tools")
            call = client.begin("call", name="changing", arguments={"text": "elsewhere"})
            action = self.asked()
            self.k.write_tools(self.tools(other.url))
            self.k.reload()
            returned = self.approve(action)
            self.assertEqual((returned["state"], returned["votes"]), ("pending", []))
            self.assertEqual(self.calls("elsewhere"), [])
            self.assertEqual(other.requests("tools/call"), [])
            # Agreed to for the other server, it is not this one that gets it, though the client's session is here.
            self.approve(returned)
            self.assertIs(client.end(call)["isError"], True)
            self.assertEqual(self.calls("elsewhere"), [])
            self.assertEqual(self.k.action(action["id"]).json["state"], "approved")
            self.assertEqual(other.requests("tools/call"), [])
            self.k.post(f"/v1/actions/{action['id']}/cancel", "bot")


if __name__ == "__main__":
    unittest.main()
