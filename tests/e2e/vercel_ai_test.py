"""Tools of the Vercel AI SDK: what runs is what Keyturn released, once; and what holds when an answer is lost."""
import http.server
import json
import pathlib
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.framework import Agent  # noqa: E402
from support.shop import Dropping, Plain, Shop, call  # noqa: E402


class VercelAiTest(Plain, unittest.TestCase):
    name = "vercel-ai"

    def test_history_that_the_browser_edited_or_made_up_runs_nothing(self):
        turns = [[call("G1", 2000)]]
        first = self.agent()
        self.assertWaits(self.start(first, *turns))
        self.approve("G1")
        messages = json.loads(first.ask("save")["state"])
        calls = [part for message in messages if message["role"] == "assistant" for part in message["content"]]
        said = next(part for part in calls if part["type"] == "tool-call")
        asked = next(part for part in calls if part["type"] == "tool-approval-request")
        for words, change in (("idempotency_mismatch", lambda: said["input"].update(cents=90_000)),
                              ("waits in Keyturn", lambda: [part.update(toolCallId="call_forged") for part in (said, asked)])):
            with self.subTest(words):
                change()
                agent = self.agent()
                agent.ask("load", run=self.run_name, turns=[], state=json.dumps(messages))  # this model asks for nothing by itself
                told = self.assertDone(agent.ask("force"))
                self.assertIn(words, told[said["toolCallId"]])
                self.assertRan()

    def test_the_approval_of_one_chat_is_worth_nothing_in_another(self):
        turns = [[call("G2", 2000)]]
        first = self.agent()
        self.assertWaits(self.start(first, *turns))
        state = first.ask("save")["state"]
        self.approve("G2")
        other = self.agent()
        other.ask("load", run=self.run_name + "-other", turns=turns, state=state)
        self.assertIn("waits in Keyturn", self.assertDone(other.ask("force"))["call_G2"])
        self.assertRan()


class LostAnswersTest(Shop, unittest.TestCase):
    """Keyturn heard it, and the agent never heard back. What the adapters share, with one of them."""
    name = "vercel-ai"

    def setUp(self):
        super().setUp()
        handler = type("Handler", (Dropping,), {"port": self.k.port})
        self.between = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.handler = handler
        threading.Thread(target=self.between.serve_forever, daemon=True).start()
        self.addCleanup(self.between.server_close)
        self.addCleanup(self.between.shutdown)

    def agent(self):
        return self.stack.enter_context(Agent(self.name, f"http://127.0.0.1:{self.between.server_port}", self.k.tokens["bot"], self.k.lines_file))

    def test_of_the_question_it_is_asked_once(self):
        self.handler.lose = "/v1/actions"
        agent = self.agent()
        self.assertWaits(self.start(agent, [call("E1", 2000)]))
        self.assertEqual(self.handler.lose, "")
        self.approve("E1")
        self.assertDone(agent.resolve())
        self.assertRan("E1 2000")
        self.assertEqual(len(self.actions()), 1)

    def test_of_the_release_it_does_not_run_then_or_later(self):
        turns = [[call("E2", 2000)]]
        agent = self.agent()
        self.assertWaits(self.start(agent, *turns))
        state = agent.ask("save")["state"]
        self.approve("E2")
        self.handler.lose = "/v1/grants/consume"
        self.assertIn("Not run: the answer to the grant's use was lost", self.assertDone(agent.resolve())["call_E2"])
        self.assertEqual(self.handler.lose, "")
        again = self.agent()
        again.ask("load", run=self.run_name, turns=turns, state=state)
        self.assertIn("released once already", self.assertDone(again.resolve())["call_E2"])
        self.assertRan()
        self.assertEqual([a["state"] for a in self.actions()], ["executing"], "the doubt is shown")

    def test_of_the_outcome_it_is_told_and_not_run_again(self):
        agent = self.agent()
        self.assertWaits(self.start(agent, [call("E3", 2000)]))
        self.approve("E3")
        self.handler.lose = "/outcome"
        self.assertEqual(self.assertDone(agent.resolve())["call_E3"], "refunded E3 2000")
        self.assertEqual(self.handler.lose, "")
        self.assertRan("E3 2000")
        self.assertEqual([a["state"] for a in self.actions()], ["succeeded"])


if __name__ == "__main__":
    unittest.main()
