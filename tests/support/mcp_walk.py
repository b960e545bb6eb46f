"""Everything that an MCP client can do with a fixture server, step by step: the same walk without Keyturn (peers) and through it (e2e)."""
import itertools
import json

from .keyturn import until
from .mcp import Refused

ANSWERS = {"elicitation": {"action": "accept", "content": {"colour": "red"}}, "sampling": "a poem", "roots": [{"uri": "file:///tmp"}]}


_numbers = itertools.count(1)


class Walk:
    """Mixed into a test case. `client` is connected with ANSWERS."""

    def walk(self, client, folder, has_session=True, is_stdio=False):
        self.lists_and_reads(client)
        self.calls(client, is_stdio)
        if has_session:  # without one a legacy server over HTTP cannot ask, tell of changes, or hear that a call is cancelled
            self.asks(client)
            self.cancels(client, folder)

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

    def calls(self, client, is_stdio):
        self.assertEqual(client.call("add", a=1, b=2)["structuredContent"], {"sum": 3})
        self.assertEqual(client.text("steps", {"progress": True}, count=3), "3 steps")
        seen = [line["progress"] for line in client.said if line.get("event") == "progress"]
        # Over stdio the SDKs' clients drop what comes in one piece with the result.
        self.assertEqual(seen, [1, 2, 3][:len(seen)] if is_stdio else [1, 2, 3])
        self.assertTrue(client.call("test_error_handling")["isError"])
        with self.assertRaises(Refused) as refused:
            client.call("nothing")
        self.assertEqual(refused.exception.error["code"], -32602)

    def asks(self, client):
        self.assertEqual(client.text("ask"), 'answer: accept {"colour":"red"}')
        self.assertEqual(client.text("sample", prompt="p"), "sampled: a poem")

    def cancels(self, client, folder):
        log = folder / f"cancelled-{next(_numbers)}"  # another call each time
        number = client.begin("call", name="slow", arguments={"until": str(folder / "never"), "log": str(log)})
        until(lambda: log.exists() and "began" in log.read_text(), "the tool did not begin")
        client.do("cancel", of=number, reason="enough")
        with self.assertRaises(Refused):
            client.end(number)
        until(lambda: "cancelled" in log.read_text(), "the tool was not told")

    def hears_of_changes(self, client, name):
        """By the tool `redefine`: its text is what `changing` is then."""
        before, told = len(client.catch_up()), []

        def heard():  # a stream to hear it on may be open a moment later than the first change
            told.append(f"Definition {len(told)}, for {name}.")
            client.call("redefine", description=told[-1])
            return any(line.get("event") == "changed" for line in client.catch_up()[before:])
        until(heard, "the client heard of no change")
        return told[-1]
