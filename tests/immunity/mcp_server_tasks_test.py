"""Tasks that an MCP server makes of calls: an agent reaches its own, and the record says what became of them, not that they were begun. And who asked is told when people changed the arguments."""
import itertools
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import until  # noqa: E402
from support.mcp_odd import ByHand, OddServer, text  # noqa: E402
from support.mcp_proxy import Proxy  # noqa: E402

TIMES = {"createdAt": "2026-11-22T00:00:00Z", "lastUpdatedAt": "2026-11-22T00:00:00Z"}
MODERN_TASKS = {"io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}}}


class ServerTasks(unittest.TestCase):
    def setUp(self):
        self.server = OddServer("free_job", "held_line")
        self.addCleanup(self.server.close)
        self.server.tools[0]["execution"] = {"taskSupport": "required"}
        self.tasks, self.asked, self.numbers = {}, [], itertools.count(1)  # the server's
        self.server.does = {"free_job": self.make, **{f"tasks/{verb}": getattr(self, verb) for verb in ("get", "result", "cancel", "list")}}
        self.k = Proxy({"odd": {"url": self.server.url, "operations": {"free_*": "read", "*": "write"}, "leg": "30s"}})
        self.addCleanup(self.k.close)

    # ------------------------------------------------------------ what the server does
    def task(self, id, modern):
        names = ("ttlMs", "pollIntervalMs") if modern else ("ttl", "pollInterval")
        return {"taskId": id, "status": self.tasks[id], **TIMES, **dict(zip(names, (60_000, 250)))}

    @staticmethod
    def is_modern(message):
        return "io.modelcontextprotocol/protocolVersion" in message["params"].get("_meta", {})

    def make(self, handler, message):
        id = f"task-{next(self.numbers)}"
        self.tasks[id] = "working"
        modern = self.is_modern(message)
        handler.result(message, {"resultType": "task", **self.task(id, True)} if modern else {"task": self.task(id, False)})

    def about(self, handler, message, result):
        """Of a task that there is, to whoever asks: this server does not tell its clients apart."""
        id = message["params"]["taskId"]
        if not str(message["id"]).startswith("keyturn-task"):
            self.asked.append((message["method"], id))
        if id in self.tasks:
            handler.result(message, result(id))
        else:
            handler.say({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32602, "message": "no such task"}})

    def get(self, handler, message):
        modern = self.is_modern(message)
        extra = {"resultType": "complete"} if modern else {}

        def said(id):
            over = {"result": text(f"result of {id}")} if modern and self.tasks[id] == "completed" else {}
            return {**extra, **self.task(id, modern), **over}
        self.about(handler, message, said)

    def result(self, handler, message):
        self.about(handler, message, lambda id: text(f"result of {id}"))

    def cancel(self, handler, message):
        def said(id):
            self.tasks[id] = "cancelled"
            return self.task(id, self.is_modern(message))
        self.about(handler, message, said)

    def list(self, handler, message):
        handler.result(message, {"tasks": [self.task(id, False) for id in self.tasks]})

    # ------------------------------------------------------------ what clients do
    def kinds(self):
        """Both eras; of the legacy one with sessions and without."""
        for name, modern, sessions in (("sessions", False, True), ("no sessions", False, False), ("modern", True, False)):
            self.server.has_sessions = sessions
            with self.subTest(name):
                yield lambda who="bot", modern=modern: ByHand(self.k, "odd", who=who, modern=modern)

    def begin(self, client, of):
        more = {"meta": MODERN_TASKS} if client.modern else {"params": {"task": {"ttl": 60_000}}}
        result = client.call("free_job", {"of": of}, **more).message["result"]
        return (result if client.modern else result["task"])["taskId"]

    def action(self):
        """The newest of the tool."""
        return self.k.get("/v1/actions?tool=odd.free_job&limit=1", "ada").json["items"][0]

    def settled(self):
        until(lambda: self.action()["state"] not in ("executing", "approved"), "it does not end")
        return self.k.action(self.action()["id"], "ada").json

    def test_what_became_of_a_task_is_recorded_and_not_that_it_was_begun(self):
        for number, made in enumerate(self.kinds()):
            client = made()
            for status, state in (("completed", "succeeded"), ("failed", "failed"), ("cancelled", "failed"), (None, "unknown")):
                id = self.begin(client, f"{status} {number}")
                self.assertEqual(client.do("tasks/get", {"taskId": id}).message["result"]["status"], "working")
                self.assertEqual(self.action()["state"], "executing")
                if status == "cancelled":
                    client.do("tasks/cancel", {"taskId": id})
                elif status:
                    self.tasks[id] = status
                else:
                    del self.tasks[id]  # the server has forgotten it
                action = self.settled()
                self.assertEqual(action["state"], state, action["outcome"])
                if status in ("failed", "cancelled"):
                    self.assertIn(status, action["outcome"]["reason"])
                if status == "completed" and client.modern:
                    self.assertEqual(action["outcome"]["result"], text(f"result of {id}"))
                if status == "completed":
                    self.assertIn("result", client.do("tasks/result", {"taskId": id}).message)

    def test_a_task_is_its_agents_own(self):
        for made in self.kinds():
            mine, others = made(), made("bot2")
            id = self.begin(mine, "mine")
            theirs = self.begin(others, "theirs")
            self.asked.clear()
            for method in ("tasks/get", "tasks/result", "tasks/cancel", "tasks/update"):
                said = others.do(method, {"taskId": id, "inputResponses": {}})
                self.assertEqual(said.message["error"]["code"], -32601 if (mine.modern, method) == (True, "tasks/result") else -32602, (method, said))
            self.assertEqual(self.asked, [])
            self.assertNotIn(id, others.do("tasks/list").body.decode())
            self.assertIn(theirs, others.do("tasks/list").body.decode())
            self.assertIn("result", mine.do("tasks/get", {"taskId": id}).message)
            self.assertEqual(self.tasks[id], "working")
            # Nobody was told that there is such a one.
            self.tasks["guessed"] = "working"
            knows = mine.session is not None  # then the server tells whose it is
            self.assertEqual("result" in mine.do("tasks/get", {"taskId": "guessed"}).message, knows)
            for one in self.tasks:
                self.tasks[one] = "completed"
            self.settled()
            self.tasks.pop("guessed")

    # ------------------------------------------------------------ amended calls
    def test_who_asked_is_told_what_people_changed(self):
        for made in self.kinds():
            client = made()
            connection = client.begin("held_line", {"line": "drop all", "to": "x"})
            asked = self.k.wait_asked("odd.held_line")["id"]
            amended = self.k.post(f"/v1/actions/{asked}/amend", "bob", {"args": {"line": "drop one", "to": "x"}, "note": "too much"})
            self.assertEqual(amended.status, 201, amended)
            self.assertEqual(self.k.vote(amended.json["id"], "erin").status, 200)
            result = client.answer(connection).message["result"]
            self.assertEqual(self.server.calls("held_line")[-1]["arguments"], {"line": "drop one", "to": "x"})
            self.assertEqual(result["content"][0], text("done")["content"][0])
            self.assertIn('line: was "drop all", now "drop one"', result["content"][1]["text"])
            self.assertNotIn("to:", result["content"][1]["text"])
            self.assertEqual(result["_meta"]["keyturn/ran"], {"arguments": {"line": "drop one", "to": "x"}})
            until(lambda: self.k.action(amended.json["id"]).json["state"] == "succeeded", "it is not recorded")
            self.assertEqual(self.k.action(amended.json["id"]).json["outcome"]["result"], text("done"), "the record has what the server said")
            # As it was asked for: as it came.
            connection = client.begin("held_line", {"line": "plain"})
            self.assertEqual(self.k.vote(self.k.wait_asked("odd.held_line")["id"], "erin").status, 200)
            self.assertEqual(client.answer(connection).message["result"], text("done"))


if __name__ == "__main__":
    unittest.main()
