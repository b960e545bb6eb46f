"""People take five minutes. Every real client is held that long, or is told in time and taken up when it asks the same again; all of them wait at once."""
import concurrent.futures
import dataclasses
import json
import pathlib
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.claude_code import ClaudeCode  # noqa: E402
from support.keyturn import BIN, DEADLINE, until  # noqa: E402
from support.mcp import LEGACY, MODERN, Server, inspector, stdio_server  # noqa: E402
from support.mcp_proxy import OPERATIONS, Proxy, at, child  # noqa: E402

PEOPLE_TAKE = 301  # seconds, from when the last of the calls waits; what the suite is about, and no deadline of anything
LONGEST = PEOPLE_TAKE + 4 * DEADLINE  # until then each client has its answer
PATIENT = {"progress": True, "resetTimeoutOnProgress": True}  # request options of the SDKs


@dataclasses.dataclass
class Outcome:
    """`result`: what the client gave its program at last; `told`: the results before it, which said that people have not decided."""
    result: dict
    told: list = dataclasses.field(default_factory=list)


def is_pending(result):
    return result.get("_meta", {}).get("keyturn/state") == "pending"


class LongWait(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name).resolve()
        cls.folder.chmod(0o777)
        cls.legacy, cls.modern = Server(LEGACY), Server(MODERN)
        for server in (cls.legacy, cls.modern):
            cls.addClassCleanup(server.close)
        attached = {"attached": True, "operations": OPERATIONS}
        cls.k = Proxy({"legacy": at(cls.legacy), "modern": at(cls.modern), "quiet": at(cls.legacy, leg="10m"), "child": child(stdio_server(LEGACY, cls.folder)),
                       "local": attached, "local-modern": attached})
        cls.addClassCleanup(cls.k.close)
        cls.pool = concurrent.futures.ThreadPoolExecutor(max_workers=64)
        cls.addClassCleanup(cls.pool.shutdown)
        cls.everybody_waits()
        cls.people_decide()

    @classmethod
    def everybody_waits(cls):
        cls.running = {name: cls.pool.submit(course, name) for name, course in {**cls.held(), **cls.told()}.items()}
        deadline = time.monotonic() + 4 * DEADLINE
        while len(cls.asked("pending")) < len(cls.running) and time.monotonic() < deadline and not any(one.done() for one in cls.running.values()):
            time.sleep(0.5)  # between looks
        cls.waiting = cls.asked("pending")

    @classmethod
    def people_decide(cls):
        """After their five minutes, if everybody waits by then; `early`: whom it did not take so long."""
        if set(cls.waiting) == set(cls.running):
            concurrent.futures.wait(cls.running.values(), timeout=PEOPLE_TAKE, return_when=concurrent.futures.FIRST_EXCEPTION)
        cls.early = {name: one for name, one in cls.running.items() if one.done()}
        cls.ran_before = sorted(path.name for path in cls.folder.glob("lines-*"))
        for actions in cls.waiting.values():
            cls.k.vote(actions[0], "bob")
        concurrent.futures.wait(cls.running.values(), timeout=4 * DEADLINE)

    @classmethod
    def asked(cls, state=None):
        """All that was asked for, by the client that did: {name: [action…]}."""
        found = {}
        for item in cls.k.get(f"/v1/actions?limit=200{f'&state={state}' if state else ''}", "ada").json["items"]:
            found.setdefault(item["args"]["text"], []).append(item["id"])
        return found

    # ------------------------------------------------------------ the clients
    @classmethod
    def held(cls):
        """Those that wait five minutes for one answer, each by its own means."""
        def beside(era):
            return ["--", *stdio_server(era, cls.folder)]
        return {
            "v1, http, progress": cls.sdk(lambda: cls.k.client(1, "legacy"), PATIENT),
            "v1, stdio, progress": cls.sdk(lambda: cls.k.wrapped(1, "--upstream", "legacy"), PATIENT),
            "v1, beside the agent": cls.sdk(lambda: cls.k.wrapped(1, *beside(LEGACY)), PATIENT),
            "v1, child of Keyturn": cls.sdk(lambda: cls.k.client(1, "child"), PATIENT),
            "v1, http, no progress, a leg of ten minutes": cls.sdk(lambda: cls.k.client(1, "quiet"), {"timeout": 600_000}),
            "v1, a task": cls.sdk(lambda: cls.k.client(1, "legacy"), {"task": {"ttl": 600_000}}),
            "v1, a task, stdio": cls.sdk(lambda: cls.k.wrapped(1, "--upstream", "legacy"), {"task": {"ttl": 600_000}}),
            "v2, http": cls.sdk(lambda: cls.k.client(2, "modern")),
            "v2, stdio": cls.sdk(lambda: cls.k.wrapped(2, "--upstream", "modern")),
            "v2, beside the agent": cls.sdk(lambda: cls.k.wrapped(2, "--upstream", "local-modern", *beside(MODERN))),
            "v2, falls back, progress": cls.sdk(lambda: cls.k.client(2, "legacy"), PATIENT),
            "v2, legacy, stdio, progress": cls.sdk(lambda: cls.k.wrapped(2, "--upstream", "legacy", era="legacy"), PATIENT),
            "Claude Code, http, sessions": cls.claude({"type": "http", "url": cls.k.mcp("legacy"), "headers": cls.k.bearer()}),
            "Claude Code, http, 2026-07-28": cls.claude({"type": "http", "url": cls.k.mcp("modern"), "headers": cls.k.bearer()}),
            "the inspector, 2026-07-28, a task": cls.again(lambda name: cls.inspector(name, "modern")),
            "Claude Code, stdio": cls.claude({"command": str(BIN), "args": ["mcp", "--upstream", "modern"], "env": {"KEYTURN_URL": cls.k.url, "KEYTURN_TOKEN": cls.k.tokens["bot"]}}),
        }

    @classmethod
    def told(cls):
        """Those that show no sign of patience: they are told after fifty seconds, and ask the same again or wait with keyturn_wait."""
        return {
            "v1, http, as it comes": cls.sdk(lambda: cls.k.client(1, "legacy")),
            "v1, stdio, as it comes": cls.sdk(lambda: cls.k.wrapped(1, "--upstream", "legacy")),
            "v1, http, a long timeout": cls.sdk(lambda: cls.k.client(1, "legacy"), {"timeout": 600_000}),
            "v1, http, keyturn_wait": cls.sdk(lambda: cls.k.client(1, "legacy"), between=cls.wait_with_tool),
            "v2, legacy, as it comes": cls.sdk(lambda: cls.k.client(2, "legacy", era="legacy")),
            "the inspector": cls.again(cls.inspector),
        }

    @classmethod
    def arguments(cls, name):
        return {"file": str(cls.folder / f"lines-{name}"), "text": name}

    @classmethod
    def again(cls, call, between=lambda told: None):
        """The identical call until people have decided."""
        def course(name):
            outcome = Outcome(call(name))
            while is_pending(outcome.result):
                outcome.told.append(outcome.result)
                between(outcome.result)
                outcome.result = call(name)
            return outcome
        return course

    @classmethod
    def sdk(cls, made, options=None, **more):
        def course(name):
            with made() as client:
                client.do("tools")

                def call(name):
                    return client.end(client.begin("call", name="append", arguments=cls.arguments(name), **({"options": options} if options else {})), LONGEST)
                return cls.again(call, **more)(name)
        return course

    @classmethod
    def wait_with_tool(cls, told):
        """As the words say: keyturn_wait of Keyturn's own server, until people have decided."""
        with cls.k.client(1, "keyturn") as client:
            while client.end(client.begin("call", name="keyturn_wait", arguments={"action": told["_meta"]["keyturn/action"]}), LONGEST)["structuredContent"]["state"] == "pending":
                pass

    @classmethod
    def inspector(cls, name, era="legacy"):
        return inspector("--transport", "http", cls.k.mcp(era), "--header", f"Authorization: {cls.k.bearer()['Authorization']}", "--protocol-era", era,
                         "--method", "tools/call", "--tool-name", "append", "--tool-args-json", json.dumps(cls.arguments(name)), timeout=LONGEST)

    @classmethod
    def claude(cls, server):
        def course(name):
            claude = ClaudeCode()
            try:
                outcome = claude.begin([{"tool": "mcp__s__append", "input": cls.arguments(name)}], servers={"s": server}).end(LONGEST)
                return Outcome({"content": outcome.results[0]["content"], "isError": outcome.results[0].get("is_error", False)})
            finally:
                claude.close()
        return course

    # ------------------------------------------------------------ what holds
    def outcome(self, name):
        self.assertTrue(self.running[name].done(), "it has no answer")
        return self.running[name].result()

    def test_all_of_them_waited(self):
        self.assertEqual(sorted(self.waiting), sorted(self.running))
        self.assertEqual({name: one.exception() or one.result() for name, one in self.early.items()}, {}, "somebody did not wait")

    def test_nothing_ran_before_people_decided(self):
        self.assertEqual(self.ran_before, [])

    def test_everybody_has_the_servers_own_result(self):
        for name in self.running:
            with self.subTest(name):
                result = self.outcome(name).result
                self.assertEqual((result["content"], result.get("isError", False)), ([{"type": "text", "text": f"appended {name}"}], False))

    def test_each_call_ran_once(self):
        for name in self.running:
            with self.subTest(name):
                self.assertEqual((self.folder / f"lines-{name}").read_text().splitlines(), [name])

    def test_who_can_wait_is_held(self):
        for name in self.held():
            with self.subTest(name):
                self.assertEqual(self.outcome(name).told, [])

    def test_who_cannot_is_told_where_people_decide(self):
        for name in self.told():
            with self.subTest(name):
                action, told = self.waiting[name][0], self.outcome(name).told
                self.assertTrue(told, "it was held")
                for one in told:
                    self.assertFalse(one.get("isError"))
                    self.assertEqual(one["_meta"]["keyturn/action"], action)
                    self.assertIn(f"{self.k.url}/a/{action}", one["content"][0]["text"])
                    self.assertIn("pending", one["content"][0]["text"])

    def test_nobody_was_asked_twice(self):
        asked = self.asked()
        self.assertEqual({name: len(actions) for name, actions in asked.items()}, dict.fromkeys(self.running, 1))
        for name, actions in asked.items():
            with self.subTest(name):
                until(lambda: self.k.action(actions[0]).json["state"] == "succeeded", "it is not recorded as done")  # noqa: B023
                types = [one["type"] for one in self.k.get(f"/v1/actions/{actions[0]}/timeline", "ada").json["items"]]
                for once in ("action.decided", "review.opened", "release.awaited", "execution.intended", "execution.finished"):
                    self.assertEqual(types.count(once), 1, types)


if __name__ == "__main__":
    unittest.main()
