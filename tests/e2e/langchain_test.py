"""Tools of a LangChain agent: what runs is what Keyturn released, once, and parallel interrupts are kept apart."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.shop import Adapter, call  # noqa: E402


class LangChainTest(Adapter, unittest.TestCase):
    name = "langchain"

    def test_a_call_that_langchain_dropped_is_taken_up_when_the_model_asks_again(self):
        agent = self.agent()
        self.assertWaits(self.start(agent, [call("B1", 2000), call("B2", 3000)], [call("B2", 3000, "again")]))
        self.deny("B1", "not this one")
        self.approve("B2")
        look = agent.resolve()  # with B1 rejected, LangChain forgets B2 and asks the model
        self.assertWaits(look)
        self.assertIn("not this one", look["told"]["call_B1"])
        self.assertRan()
        self.assertEqual(self.assertDone(agent.resolve())["again"], "refunded B2 3000")
        self.assertRan("B2 3000")
        self.assertEqual(len(self.actions()), 2, "nobody is asked twice")

    def test_what_a_reviewer_changed_is_an_edit(self):
        agent = self.agent()
        self.assertWaits(self.start(agent, [call("D1", 5000)]))
        amended = self.amend("D1", 1500)
        self.assertEqual(self.assertDone(agent.resolve()), {"call_D1": "refunded D1 1500"})
        self.assertRan("D1 1500")
        self.assertEqual([(a["id"], a["state"]) for a in self.actions()][1:], [(amended, "succeeded")])

    def test_parallel_interrupts_get_each_its_own_answer(self):
        agent = self.agent()
        self.assertWaits(self.start(agent, [call("P1", 2000)], [call("P2", 3000)], [call("P3", 4000)], how="parallel"))
        self.deny("P1", "not this one")
        self.approve("P2")
        look = agent.ask("resolve")
        self.assertWaits(look)  # for P3
        self.assertEqual(len(look["waiting"]), 1, look)
        self.assertIn("not this one", look["told"]["call_P1"])
        self.assertRan("P2 3000")
        self.approve("P3")
        look = agent.resolve()
        self.assertEqual(look["said"], "done done done", look)
        self.assertEqual(self.k.lines(), ["P2 3000", "P3 4000"])

    def test_a_bare_answer_that_reaches_every_parallel_interrupt_runs_only_what_is_released(self):
        agent = self.agent()
        self.assertWaits(self.start(agent, [call("Q1", 2000)], [call("Q2", 3000)], how="parallel"))
        self.approve("Q2")
        look = agent.ask("force")
        self.assertEqual(look["said"], "done done", "LangGraph gave one approval to both")
        self.assertIn("waits in Keyturn", look["told"]["call_Q1"])
        self.assertEqual(look["told"]["call_Q2"], "refunded Q2 3000")
        self.assertRan("Q2 3000")


if __name__ == "__main__":
    unittest.main()
