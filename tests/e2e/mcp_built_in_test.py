"""The MCP server `keyturn`: any client calls the tools of tools.yaml, asks, waits and looks, in both eras."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import Keyturn, until  # noqa: E402
from support.mcp import Client, Refused  # noqa: E402

# A client of each era: (version of the client, what it connects with).
CLIENTS = [(1, {}), (2, {"era": "modern"})]


class BuiltIn(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn()
        cls.addClassCleanup(cls.k.close)

    def client(self, version, how, who="bot"):
        headers = {"Authorization": f"Bearer {self.k.tokens[who]}"}
        client = Client(version, url=f"{self.k.url}/mcp/keyturn", headers=headers, **how)
        self.addCleanup(client.__exit__)
        return client.__enter__()

    def test_tools_of_tools_yaml_are_called_by_their_own_names(self):
        for version, how in CLIENTS:
            with self.subTest(version=version):
                client = self.client(version, how)
                tools = {tool["name"]: tool for tool in client.do("tools")["tools"]}
                self.assertLessEqual({"echo", "append-one", "deploy", "keyturn_request", "keyturn_wait", "keyturn_status"}, set(tools))
                self.assertEqual(tools["echo"]["inputSchema"]["required"], ["text"])
                self.assertNotIn("bytes_max", tools["echo"]["inputSchema"]["properties"]["text"])
                self.assertEqual(client.text("echo", text="hello"), "hello\n")
                refused = client.call("forbidden")
                self.assertTrue(refused["isError"])

    def test_a_call_that_people_agree_to_runs_once(self):
        for version, how in CLIENTS:
            with self.subTest(version=version):
                before, text = len(self.k.lines()), f"held {version}"
                client = self.client(version, how)
                calling = client.begin("call", name="append-one", arguments={"text": text}, options={"progress": True})
                waiting = until(lambda: [one for one in self.k.get("/v1/actions?state=pending", "ada").json["items"] if one["tool"] == "append-one"],
                                "nothing waits")
                self.assertEqual(self.k.vote(waiting[0]["id"], "bob").status, 200)
                self.assertFalse(client.end(calling).get("isError"))
                self.assertEqual(self.k.lines()[before:], [text])

    def test_a_request_goes_ahead_by_itself_and_is_waited_for(self):
        for version, how in CLIENTS:
            with self.subTest(version=version):
                before, text = len(self.k.lines()), f"asked {version}"
                client = self.client(version, how)
                asking = {"tool": "append-one", "args": {"text": text}, "reason": "to see it", "wait_s": 0}
                pending = client.do("call", name="keyturn_request", arguments=asking)
                self.assertIn("pending", pending["content"][0]["text"])
                action = pending["structuredContent"]["action"]
                self.assertEqual(pending["structuredContent"]["review_url"], f"{self.k.url}/a/{action}")
                # Nobody is asked twice, not even after Keyturn was away.
                self.assertEqual(client.do("call", name="keyturn_request", arguments=asking)["structuredContent"]["action"], action)
                self.k.restart()
                client = self.client(version, how)
                self.assertEqual(client.do("call", name="keyturn_request", arguments=asking)["structuredContent"]["action"], action)
                self.assertEqual(client.call("keyturn_status", action=action)["structuredContent"]["state"], "pending")
                waiting = client.begin("call", name="keyturn_wait", arguments={"action": action})
                self.assertEqual(self.k.vote(action, "bob").status, 200)
                self.assertEqual(client.end(waiting)["structuredContent"]["state"], "succeeded")
                self.assertEqual(self.k.lines()[before:], [text])

    def test_what_became_of_an_action_is_told_however_it_ended(self):
        """Asked for by any way; looked at, and waited for, by clients of both eras."""
        for version, how in CLIENTS:
            with self.subTest(version=version):
                client, other = self.client(version, how), self.client(version, how, who="bot2")

                def told(tool, id, by=client):
                    said = by.call(tool, action=id, **({"timeout_s": 20} if tool == "keyturn_wait" else {}))
                    return said["structuredContent"].get("state"), said.get("isError", False), said["content"][0]["text"]

                def waits(id):
                    """keyturn_wait, begun while the action is pending, and what it then says."""
                    self.assertEqual(told("keyturn_status", id)[:2], ("pending", False))
                    number = client.begin("call", name="keyturn_wait", arguments={"action": id, "timeout_s": 20})
                    return lambda: (said := client.end(number), (said["structuredContent"]["state"], said.get("isError", False), said["content"][0]["text"]))[1]
                ends = {}
                approved, denied, cancelled = (self.k.request("append-one", {"text": f"{what} {version}"}).json["id"] for what in ("approved", "denied", "cancelled"))
                ends[approved] = waits(approved)
                self.k.vote(approved, "bob")
                ends[denied] = waits(denied)
                self.k.vote(denied, "bob", "deny", note="not today")
                ends[cancelled] = waits(cancelled)
                self.k.post(f"/v1/actions/{cancelled}/cancel", "bot")
                expired = self.k.request("append-soon", {"text": f"too late {version}"}).json["id"]
                ends[expired] = lambda: told("keyturn_wait", expired)
                forbidden = self.k.request("forbidden").json["id"]
                ends[forbidden] = lambda: told("keyturn_wait", forbidden)
                expected = {approved: ("succeeded", False, ""), denied: ("denied", True, "bob denied it: not today."), cancelled: ("cancelled", True, "cancelled"),
                            expired: ("expired", True, "expired"), forbidden: ("denied", True, "Policy denied it: ")}
                for id, (state, is_error, words) in expected.items():
                    for said, bad in ((ends[id](), is_error), (told("keyturn_status", id), False)):  # having looked is no error
                        self.assertEqual(said[:2], (state, bad), said)
                        self.assertIn(words, said[2])
                    for tool in ("keyturn_status", "keyturn_wait"):
                        self.assertEqual(told(tool, id, other)[:2], (None, True))
                self.assertNotIn(f"too late {version}", self.k.lines())
                self.assertNotIn(f"denied {version}", self.k.lines())
                self.assertEqual(self.k.lines().count(f"approved {version}"), 1)

    def test_a_call_that_was_pending_is_told_of_by_keyturn_status(self):
        """Approved, nobody takes it: it says what to do; taken up by the same call, it is done."""
        for version, how in CLIENTS:
            with self.subTest(version=version):
                client = self.client(version, how)
                client.begin("call", name="append-one", arguments={"text": f"left {version}"})
                action = until(lambda: [one for one in self.k.get("/v1/actions?state=pending", "ada").json["items"] if one["tool"] == "append-one"], "nothing waits")[0]["id"]
                client.stop()
                later = self.client(version, how)
                self.assertEqual(later.call("keyturn_status", action=action)["structuredContent"]["state"], "pending")
                self.k.vote(action, "bob")
                until(lambda: later.call("keyturn_status", action=action)["structuredContent"]["state"] == "approved", "it is not approved")
                self.assertNotIn(f"left {version}", self.k.lines())
                self.assertFalse(later.call("append-one", text=f"left {version}").get("isError"))
                self.assertEqual(later.call("keyturn_status", action=action)["structuredContent"]["state"], "succeeded")
                self.assertEqual(self.k.lines().count(f"left {version}"), 1)

    def test_what_another_agent_asked_for_is_not_there(self):
        action = self.k.request("append", {"text": "mine"}).json["id"]
        other = self.client(1, {}, who="bot2")
        for tool in ("keyturn_status", "keyturn_wait"):
            told = other.call(tool, action=action)
            self.assertTrue(told["isError"])
            self.assertEqual(told["structuredContent"]["code"], "not_found")
        with self.assertRaises(Refused) as refused:
            other.call("keyturn_everything")
        self.assertEqual(refused.exception.error["code"], -32602)


if __name__ == "__main__":
    unittest.main()
