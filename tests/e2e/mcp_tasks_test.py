"""Calls that their clients ask for as tasks wait for people as tasks of Keyturn's: looked at, taken to their end, cancelled."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import Failed, until  # noqa: E402
from support.mcp import LEGACY, MODERN, Refused, Server, inspector  # noqa: E402
from support.mcp_proxy import Proxy, at  # noqa: E402


class Tasks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name)
        cls.legacy, cls.modern = Server(LEGACY), Server(MODERN)
        for server in (cls.legacy, cls.modern):
            cls.addClassCleanup(server.close)
        cls.k = Proxy({"legacy": at(cls.legacy), "modern": at(cls.modern)})
        cls.addClassCleanup(cls.k.close)
        cls.count = 0

    def each(self, does):
        """With each client, and a file of its own."""
        for name, made in (("http", lambda: self.k.client(1, "legacy")), ("stdio", lambda: self.k.wrapped(1, "--upstream", "legacy"))):
            type(self).count += 1
            self.file = self.folder / f"lines-{self.count}"
            with self.subTest(name), made() as client:
                does(client)

    def lines(self):
        return self.file.read_text().splitlines() if self.file.exists() else []

    def begin(self, client):
        """The number of a call as a task, the task as the client was first told of it, and the action."""
        number = client.begin("call", name="append", arguments={"file": str(self.file), "text": "x"}, options={"task": {"ttl": 60_000}})
        task = client.event("task", lambda line: line["of"] == number)["task"]
        action = until(lambda: [one for one in self.k.asked("legacy.append") if one["args"]["file"] == str(self.file)], "nothing waits")[0]["id"]
        self.assertEqual((task["taskId"], task["status"]), (f"keyturn-{action}", "working"))
        return number, task["taskId"], action

    def looked(self, client, number, status):
        """What the client sees by looking again and again, once it is of that status."""
        return client.event("task", lambda line: line["of"] == number and line["task"]["status"] == status)["task"]

    def test_it_works_while_people_decide_and_then_has_the_result(self):
        def walk(client):
            number, _, action = self.begin(client)
            self.assertIn(f"{self.k.url}/a/{action}", self.looked(client, number, "working")["statusMessage"])
            self.assertEqual(self.lines(), [])
            self.k.vote(action, "bob")
            self.assertEqual(client.end(number)["content"], [{"type": "text", "text": "appended x"}])
            self.looked(client, number, "completed")
            self.assertEqual(self.lines(), ["x"])
            until(lambda: self.k.action(action).json["state"] == "succeeded", "it is not recorded as done")
        self.each(walk)

    def test_what_people_deny_fails(self):
        def walk(client):
            number, task, action = self.begin(client)
            self.k.vote(action, "bob", "deny", note="not on a Friday")
            with self.assertRaises(Refused):  # of the client: it does not look at the result of a task that failed
                client.end(number)
            self.assertIn("denied", self.looked(client, number, "failed")["statusMessage"])
            result = client.do("task_result", taskId=task)
            self.assertEqual((result["isError"], result["_meta"]["keyturn/state"], result["_meta"]["keyturn/action"]), (True, "denied", action))
            self.assertEqual(self.lines(), [])
        self.each(walk)

    def test_what_its_client_cancels_never_runs(self):
        def walk(client):
            number, task, action = self.begin(client)
            self.assertEqual(client.do("task_cancel", taskId=task)["status"], "cancelled")
            with self.assertRaises(Refused):
                client.end(number)
            self.assertEqual(self.k.action(action).json["state"], "cancelled")
            self.assertEqual(self.k.vote(action, "bob").status, 409)
            self.assertEqual(client.do("task", taskId=task)["status"], "cancelled")
            self.assertEqual(self.lines(), [])
        self.each(walk)

    def test_it_outlives_its_client_and_keyturn(self):
        def walk(client):
            _, task, action = self.begin(client)
            client.stop()
            self.k.kill9()
            self.k.start()
            with self.k.client(1, "legacy") as later:
                self.assertEqual(later.do("task", taskId=task)["status"], "working")
                self.k.vote(action, "bob")
                self.assertEqual(later.do("task_result", taskId=task)["content"], [{"type": "text", "text": "appended x"}])
                until(lambda: later.do("task", taskId=task)["status"] == "completed", "it is not recorded as done")
            self.assertEqual(self.lines(), ["x"])
        self.each(walk)

    def test_it_is_its_agents(self):
        def walk(client):
            number, task, action = self.begin(client)
            with self.k.client(1, "legacy", "bot2") as other:
                for verb in ("task", "task_result", "task_cancel"):
                    with self.assertRaises(Refused) as refused:
                        other.do(verb, taskId=task)
                    self.assertEqual(refused.exception.error["code"], -32602)
            self.k.vote(action, "bob")
            self.assertEqual(client.end(number)["content"], [{"type": "text", "text": "appended x"}])
        self.each(walk)

    def test_the_extension_of_the_modern_era(self):
        """The inspector takes tasks of a server that says it has them; this one has none, so they are Keyturn's."""
        for decision, words in (("approve", "appended x"), ("deny", "bob denied it: not on a Friday.")):
            with self.subTest(decision):
                file = self.folder / f"modern-{decision}"
                running = self.k.later(inspector, "--transport", "http", self.k.mcp("modern"), "--header", "Authorization: " + self.k.bearer()["Authorization"], "--protocol-era", "modern",
                                       "--method", "tools/call", "--tool-name", "append", "--tool-arg", f"file={file}", "text=x")
                self.assertEqual(self.k.vote(self.k.wait_asked("modern.append")["id"], "bob", decision, note="not on a Friday").status, 200)
                try:
                    said = str(running.result())
                except Failed as failed:  # it ends so when a result is an error
                    said = str(failed)
                self.assertIn(words, said)
                self.assertEqual(file.exists(), decision == "approve")
        self.assertEqual([one for one in self.modern.requests() if one["body"].get("method", "").startswith("tasks/")], [])


if __name__ == "__main__":
    unittest.main()
