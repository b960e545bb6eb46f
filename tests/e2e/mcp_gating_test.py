"""Tool calls of MCP clients wait for people: what was approved runs once, what was not never, whatever client, server or Keyturn do meanwhile."""
import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import contains, until  # noqa: E402
from support.mcp import LEGACY, MODERN, Refused, Server  # noqa: E402
from support.mcp_proxy import GATED, OPERATIONS, Proxy, at  # noqa: E402

SECRET = "hunter2-of-the-forge"


class Gating(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name)
        cls.folder.chmod(0o755)
        cls.legacy, cls.modern = Server(LEGACY), Server(MODERN)
        for server in (cls.legacy, cls.modern):
            cls.addClassCleanup(server.close)
        secret = {"Authorization": {"secret": "env:FORGE_TOKEN", "prefix": "Bearer "}}
        cls.k = Proxy({
            "legacy": at(cls.legacy, headers=secret),
            "modern": at(cls.modern, headers=secret),
            "hasty": at(cls.legacy, leg="1s", hold="1s"),
            "legs": at(cls.modern, leg="1s", hold="30s"),
            "few": at(cls.legacy, agents={"bot": ["e*", "add"], "*": ["add"]}),
            "shaped": at(cls.legacy, operations={"add": "write", **OPERATIONS}, leg="1s", hold="1s"),
            "guarded": at(cls.legacy, gates=["resources/read"], operations=OPERATIONS),
        }, policy=GATED.replace("rules:", "rules:\n- {id: pages, match: {tool: [guarded.resources/read]}, effect: deny, description: no pages}"), start=False)
        cls.addClassCleanup(cls.k.close)
        cls.k.start(env={"FORGE_TOKEN": SECRET})
        cls.count = 0

    def setUp(self):
        type(self).count += 1
        self.file = self.folder / f"lines-{self.count}"

    def lines(self):
        return self.file.read_text().splitlines() if self.file.exists() else []

    def append(self, client, text="x", **options):
        return client.begin("call", name="append", arguments={"file": str(self.file), "text": text}, **({"options": options} if options else {}))

    def pending(self, tool, text="x"):
        """The one action that waits with these arguments."""
        found = until(lambda: [one for one in self.k.asked(tool) if one["args"] == {"file": str(self.file), "text": text}], f"no {tool} waits")
        self.assertEqual(len(found), 1)
        self.assertEqual(self.lines(), [])
        return found[0]["id"]

    def settled(self, action, state):
        until(lambda: self.k.action(action).json["state"] == state, f"{action} is not {state}")

    def clients(self):
        yield "v1, http", "legacy.append", self.k.client(1, "legacy")
        yield "v2, http", "modern.append", self.k.client(2, "modern")
        yield "v2, falls back", "legacy.append", self.k.client(2, "legacy")
        yield "v1, stdio", "legacy.append", self.k.wrapped(1, "--upstream", "legacy")

    def test_a_write_waits_and_runs_once(self):
        for name, tool, made in self.clients():
            with self.subTest(name), made as client:
                self.file.unlink(missing_ok=True)
                number = self.append(client, name)
                action = self.pending(tool, name)
                self.assertEqual(self.k.vote(action, "bob").status, 200)
                self.assertEqual(client.end(number)["content"], [{"type": "text", "text": f"appended {name}"}])
                self.assertEqual(self.lines(), [name])
                self.settled(action, "succeeded")

    def test_what_people_deny_never_runs(self):
        for name, tool, made in self.clients():
            with self.subTest(name), made as client:
                number = self.append(client, name)
                action = self.pending(tool, name)
                self.assertEqual(self.k.vote(action, "bob", "deny", note="not on a Friday").status, 200)
                result = client.end(number)
                self.assertTrue(result["isError"])
                self.assertIn("bob denied it: not on a Friday.", result["content"][0]["text"])
                self.assertEqual(result["_meta"]["keyturn/action"], action)
                self.assertEqual(self.lines(), [])

    def test_what_policy_denies_says_why(self):
        for upstream, version in (("legacy", 1), ("modern", 2)):
            with self.subTest(upstream), self.k.client(version, upstream) as client:
                result = client.call("crash")
                self.assertTrue(result["isError"])
                self.assertIn("Policy denied it: ", result["content"][0]["text"])
                self.assertIn("crashing servers is nobody's work", result["content"][0]["text"])
                self.assertEqual(client.text("echo", text="still there"), "still there")

    def test_an_agent_sees_and_uses_what_it_may(self):
        for who, names in (("bot", {"echo", "add"}), ("bot2", {"add"})):
            with self.subTest(who), self.k.client(1, "few", who) as client:
                self.assertEqual({tool["name"] for tool in client.do("tools")["tools"]}, names)
                self.assertEqual(client.call("add", a=1, b=2)["structuredContent"], {"sum": 3})
                for tool in ("append", "whoami", "nothing"):
                    with self.assertRaises(Refused) as refused:
                        client.call(tool)
                    self.assertEqual(refused.exception.error["code"], -32602)
                    self.assertIn(f"Unknown tool: {tool}", refused.exception.error["message"])

    def test_credentials_reach_the_server_and_nobody_else(self):
        with self.k.client(1, "legacy") as client:
            told = client.text("whoami")
        self.assertEqual(self.legacy.requests("tools/call")[-1]["headers"]["authorization"], f"Bearer {SECRET}")
        self.assertNotIn(SECRET, told)
        self.assertIn("[redacted", told)
        with self.k.client(2, "modern") as client:
            self.assertNotIn(SECRET, client.text("whoami"))
        self.assertEqual(self.modern.requests("tools/call")[-1]["headers"]["authorization"], f"Bearer {SECRET}")
        for server in (self.legacy, self.modern):
            self.assertNotIn(self.k.tokens["bot"], json.dumps(server.requests()))
        self.assertEqual(contains(self.k.data, [SECRET]), [])

    def test_a_session_is_its_agents(self):
        with self.k.client(1, "legacy") as client:
            headers = {"Mcp-Session-Id": client.about["session"], "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": LEGACY}
            ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
            self.assertEqual(self.k.post("/mcp/legacy", "bot", ping, headers=headers).status, 200)
            for who, upstream, status in (("bot2", "legacy", 404), ("bot", "guarded", 404), (None, "legacy", 401), ("bot", "nothing", 404)):
                self.assertEqual(self.k.post(f"/mcp/{upstream}", who, ping, headers=headers).status, status, (who, upstream))

    def test_where_it_is_asked_from_counts(self):
        body = {"jsonrpc": "2.0", "id": 1, "method": "initialize",
                "params": {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}}
        accept = {"Accept": "application/json, text/event-stream"}
        self.assertEqual(self.k.post("/mcp/legacy", "bot", body, headers={**accept, "Origin": "https://evil.example"}).status, 403)
        self.assertEqual(self.k.post("/mcp/legacy", "bot", body, headers={**accept, "Origin": self.k.url}).status, 200)
        self.assertEqual(self.k.post("/mcp/legacy", "bot", body, headers=accept, host="evil.example").status, 421)

    # ------------------------------------------------------------ the ladder
    def test_an_impatient_client_is_told_and_comes_back(self):
        with self.k.client(1, "hasty") as client:
            told = client.end(self.append(client))
            self.assertFalse(told.get("isError"))
            action = self.pending("hasty.append")
            self.assertEqual(told["_meta"], {"keyturn/action": action, "keyturn/state": "pending", "keyturn/review_url": f"{self.k.url}/a/{action}"})
            self.assertIn("pending", told["content"][0]["text"])
            self.assertIn(f"{self.k.url}/a/{action}", told["content"][0]["text"])
            self.k.vote(action, "bob")
            until(lambda: self.k.action(action).json["state"] == "approved", "approved, and nobody is there for it")
            self.assertEqual(self.lines(), [])
            self.assertEqual(client.end(self.append(client))["content"][0]["text"], "appended x")
            self.assertEqual(self.lines(), ["x"])
            self.settled(action, "succeeded")
            self.assertEqual(self.k.asked("hasty.append"), [])

    def test_a_client_that_shows_progress_is_held_longer(self):
        with self.k.client(1, "legacy") as client:
            number = self.append(client, progress=True)
            action = self.pending("legacy.append")
            self.k.vote(action, "bob")
            self.assertEqual(client.end(number)["content"][0]["text"], "appended x")
            self.assertEqual(self.lines(), ["x"])

    def test_a_modern_client_comes_back_by_itself(self):
        with self.k.client(2, "legs", trace=True) as client:
            number = self.append(client)
            action = self.pending("legs.append")
            client.event("http", lambda line: "requestState" in line["request"].get("body", {}).get("params", {}))
            self.k.vote(action, "bob")
            self.assertEqual(client.end(number)["content"][0]["text"], "appended x")
            self.assertEqual(self.lines(), ["x"])
            self.assertEqual([one for one in self.modern.requests("tools/call") if "requestState" in one["body"]["params"]], [], "Keyturn's state is not the server's")

    def test_pending_where_the_result_has_a_shape(self):
        """SDK clients throw away a successful result that is not of the tool's outputSchema."""
        for version in (1, 2):
            with self.subTest(version), self.k.client(version, "shaped", **({"era": "legacy"} if version == 2 else {})) as client:
                client.do("tools")
                told = client.call("add", a=version, b=2)
                self.assertIn("pending", told["content"][0]["text"])
                self.assertIn("/a/", told["content"][0]["text"])

    def test_who_leaves_can_come_back(self):
        """A client that ends, one that times out: the review stays, and the same call is the same action."""
        gone = self.k.client(1, "legacy").__enter__()
        self.append(gone)
        action = self.pending("legacy.append")
        gone.stop()
        with self.k.client(1, "legacy", trace=True) as client:
            with self.assertRaises(Refused):
                client.end(self.append(client, timeout=1000))
            client.event("http", lambda line: line["request"].get("body", {}).get("method") == "notifications/cancelled")  # Keyturn has heard of it
            self.assertEqual(self.pending("legacy.append"), action)
            number = self.append(client)
            self.k.vote(action, "bob")
            self.assertEqual(client.end(number)["content"][0]["text"], "appended x")
        self.assertEqual(self.lines(), ["x"])

    def test_what_is_cancelled_never_runs(self):
        with self.k.client(1, "legacy") as client:
            number = self.append(client)
            action = self.pending("legacy.append")
            client.do("cancel", of=number, reason="changed my mind")
            with self.assertRaises(Refused):
                client.end(number)
            self.settled(action, "cancelled")
            self.assertIn(self.k.vote(action, "bob").status, (404, 409))
        with self.k.client(2, "modern") as client:
            number = self.append(client)
            action = self.pending("modern.append")
            client.do("cancel", of=number, reason="changed my mind")
            with self.assertRaises(Refused):
                client.end(number)
            client.text("echo", text="after it closed its connection")
            self.k.vote(action, "bob")  # closed, no more: the review stays
            until(lambda: self.k.action(action).json["state"] == "approved", "approved, and nobody is there for it")
        self.assertEqual(self.lines(), [])

    def test_two_of_the_same_are_two(self):
        """Only a call that nobody waits for any more is taken up."""
        with self.k.client(1, "legacy") as client:
            numbers = [self.append(client), self.append(client)]
            waiting = until(lambda: (found := [one for one in self.k.asked("legacy.append") if one["args"]["file"] == str(self.file)]) and len(found) == 2 and found, "not two")
            for one in waiting:
                self.k.vote(one["id"], "bob")
            for number in numbers:
                client.end(number)
        self.assertEqual(self.lines(), ["x", "x"])

    def test_a_call_as_a_task_is_gated_too(self):
        with self.k.client(1, "legacy") as client:
            number = self.append(client, task={"ttl": 60_000})
            action = self.pending("legacy.append")
            self.k.vote(action, "bob")
            self.assertEqual(client.end(number)["content"][0]["text"], "appended x")
        self.assertEqual(self.lines(), ["x"])

    # ------------------------------------------------------------ crashes
    def test_keyturn_dies_while_a_call_is_held(self):
        with self.k.wrapped(1, "--upstream", "legacy") as client:
            number = self.append(client)
            action = self.pending("legacy.append")
            self.k.kill9()
            self.k.start(env={"FORGE_TOKEN": SECRET})
            self.assertEqual(self.pending("legacy.append"), action)
            self.k.vote(action, "bob")
            self.assertEqual(client.end(number)["content"][0]["text"], "appended x")
        self.assertEqual(self.lines(), ["x"])

    # ------------------------------------------------------------ definitions, other methods
    def test_a_changed_definition_is_nobodys_tool(self):
        with self.k.client(1, "legacy") as client:
            self.assertEqual(client.text("changing", text="a"), "changing a")
            client.call("redefine", description="Now it deletes everything.")
            refused = until(lambda: (result := client.call("changing", text="b")).get("isError") and result, "the changed tool still runs")
            self.assertIn("definition", refused["content"][0]["text"])
            self.assertEqual(client.text("echo", text="others go"), "others go")
            client.call("redefine", description="A tool whose definition can change.")
            until(lambda: client.text("changing", text="c") == "changing c", "it is again what was accepted")

    def test_resources_where_policy_says(self):
        with self.k.client(1, "guarded") as client:
            self.assertEqual(len(client.do("resources")["resources"]), 4)
            try:
                told = json.dumps(client.do("read", uri="test://static-text"))
            except Refused as refused:
                told = str(refused)
            self.assertNotIn("content of the static text", told)
            self.assertIn("denied", told)
        with self.k.client(1, "legacy") as client:
            self.assertIn("content of the static text", json.dumps(client.do("read", uri="test://static-text")))


if __name__ == "__main__":
    unittest.main()
