"""A shop whose refunds Keyturn decides on, and agents that ask for them: what every adapter of a framework promises."""
import contextlib
import http.client
import http.server
import itertools

from .framework import FOLDER, SHARED, Agent
from .keyturn import DEADLINE, Keyturn, until
from .npm import compiled

POLICY = """\
apiVersion: keyturn/v1
kind: Policy
metadata: {name: shop, revision: 1}
defaults: {effect: deny, onError: deny}
rules:
- {id: small, match: {tool: [refund]}, when: action.args.cents < 1000, effect: allow}
- {id: huge, match: {tool: [refund]}, when: action.args.cents > 99999, effect: deny}
- {id: soon, match: {tool: [refund]}, when: action.args.cents == 6666, effect: require, require: {quorum: {sre: 1}, assurance: token, expires: 1s}}
- {id: others, match: {tool: [refund]}, when: action.args.cents >= 1000 && action.args.cents <= 99999 && action.args.cents != 6666,
   effect: require, require: {quorum: {sre: 1}, assurance: token, expires: 1h}}
"""

TOOLS = """\
tools:
  refund:
    description: Pays an order back.
    params: {order: {type: string}, cents: {type: integer}}
    resource: {kind: service, name: shop, env: prod}
    mode: grant
    enforcement_point: bot
"""

numbers = itertools.count(1)


def call(order, cents, name=None):
    return {"id": name or f"call_{order}", "args": {"order": order, "cents": cents}}


class Shop:
    """A Keyturn, agents of one framework, and the words of the tests. `name`: the adapter's folder below integrations/."""
    name = ""

    @classmethod
    def setUpClass(cls):
        compiled(FOLDER / cls.name, *SHARED)
        cls.k = Keyturn(POLICY, TOOLS)
        cls.addClassCleanup(cls.k.close)

    def setUp(self):
        self.run_name = f"run-{next(numbers)}"
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.k.lines_file.unlink(missing_ok=True)

    def agent(self, **how):
        return self.stack.enter_context(Agent(self.name, self.k.url, self.k.tokens["bot"], self.k.lines_file, **how))

    def start(self, agent, *turns, how=""):
        return agent.ask("start", run=self.run_name, turns=list(turns), how=how)

    def actions(self):
        items = self.k.get("/v1/actions?limit=200", "ada").json["items"]
        return [item for item in reversed(items) if item["claims"].get("session") == self.run_name]

    def action(self, order):
        """The one that waits for people; as soon as it is asked for."""
        def found():
            return [a for a in self.actions() if a["args"]["order"] == order and a["state"] == "pending"]
        waiting = until(found, f"nothing waits for {order}")
        self.assertEqual(len(waiting), 1, waiting)
        return waiting[0]

    def approve(self, order):
        self.assertEqual(self.k.vote(self.action(order), "carol").status, 200)

    def deny(self, order, note=""):
        self.assertEqual(self.k.vote(self.action(order), "carol", "deny", note=note).status, 200)

    def assertRan(self, *lines):
        self.assertEqual(self.k.lines(), list(lines))

    def assertDone(self, look):
        self.assertEqual(look.get("said"), "done", look)
        return look["told"]

    def assertWaits(self, look):
        self.assertNotIn("error", look)
        self.assertIsNone(look["said"], look)

    def amend(self, order, cents):
        """Carol changes it, and Dave agrees to that."""
        amended = self.k.post(f"/v1/actions/{self.action(order)['id']}/amend", "carol", {"args": {"order": order, "cents": cents}})
        self.assertEqual(amended.status, 201, amended)
        self.assertEqual(self.k.vote(amended.json, "dave").status, 200)
        return amended.json["id"]


class Adapter(Shop):
    """What holds with every framework."""

    def test_it_waits_and_an_approval_runs_it_once(self):
        agent = self.agent()
        self.assertWaits(self.start(agent, [call("A1", 2000)]))
        still = agent.ask("resolve")
        self.assertWaits(still)
        self.assertIn("1 of sre", still["waiting"][0])
        self.assertRan()
        agent.send("resolve", wait_ms=30_000)
        self.approve("A1")
        told = self.assertDone(agent.answer())
        self.assertEqual(told, {"call_A1": "refunded A1 2000"})
        self.assertRan("A1 2000")
        action, = self.actions()
        self.assertEqual((action["state"], action["outcome"]["result"]), ("succeeded", "refunded A1 2000"))

    def test_a_wait_ends_when_its_time_is_over(self):
        agent = self.agent()
        self.assertWaits(self.start(agent, [call("A0", 2000)]))
        agent.ask("collect")
        look = agent.ask("resolve", wait_ms=1500)
        self.assertWaits(look)
        self.assertIn("1 of sre", look["waiting"][0])

    def test_what_policy_allows_runs(self):
        agent = self.agent()
        look = self.start(agent, [call("A2", 5)])
        if look["said"] is None:  # LangChain interrupts for every reviewed tool
            look = agent.ask("resolve")
        self.assertEqual(self.assertDone(look), {"call_A2": "refunded A2 5"})
        self.assertRan("A2 5")

    def test_a_denial_is_told_in_words(self):
        agent = self.agent()
        self.assertWaits(self.start(agent, [call("A3", 2000)]))
        self.deny("A3", "it was paid back already")
        told = self.assertDone(agent.resolve())["call_A3"]
        for words in ("Not run", "denied", "carol", "it was paid back already"):
            self.assertIn(words, told)
        self.assertRan()

    def test_a_denial_by_policy_is_told_in_words(self):
        agent = self.agent()
        look = self.start(agent, [call("A4", 100_000)])
        look = look if look["said"] else agent.resolve()
        self.assertIn("denied", self.assertDone(look)["call_A4"])
        self.assertRan()

    def test_an_expiry_is_told_in_words(self):
        agent = self.agent()
        self.assertWaits(self.start(agent, [call("A5", 6666)]))
        self.assertIn("expired", self.assertDone(agent.resolve())["call_A5"])
        self.assertRan()

    def test_arguments_that_the_tool_refuses_are_told_in_words(self):
        agent = self.agent()
        look = self.start(agent, [call("A\0", 2000, "call_nul")])
        look = look if look["said"] else agent.resolve()
        self.assertIn("invalid_args", self.assertDone(look)["call_nul"])
        self.assertRan()

    def test_a_tool_that_fails_is_reported_as_failed(self):
        agent = self.agent()
        self.assertWaits(self.start(agent, [call("broken", 2000)]))
        self.approve("broken")
        agent.resolve()
        self.assertRan()
        action, = self.actions()
        self.assertEqual(action["state"], "failed", action)
        self.assertIn("the shop is closed", str(action["outcome"]["result"]))

    def test_put_away_and_resumed_in_another_process_it_is_the_same_action(self):
        first = self.agent()
        turns = [[call("A6", 2000)]]
        self.assertWaits(self.start(first, *turns))
        state = first.ask("save")["state"]
        first.process.kill()
        self.approve("A6")
        second = self.agent()
        second.ask("load", run=self.run_name, turns=turns, state=state)
        self.assertEqual(self.assertDone(second.resolve()), {"call_A6": "refunded A6 2000"})
        self.assertEqual(len(self.actions()), 1)
        self.assertRan("A6 2000")

    def test_the_same_state_resumed_again_runs_nothing_again(self):
        turns = [[call("A7", 2000)]]
        first = self.agent()
        self.assertWaits(self.start(first, *turns))
        state = first.ask("save")["state"]
        self.approve("A7")
        self.assertDone(first.resolve())
        second = self.agent()
        second.ask("load", run=self.run_name, turns=turns, state=state)
        told = self.assertDone(second.resolve())["call_A7"]
        self.assertIn("Not run", told)
        self.assertIn("ran once already", told)
        self.assertIn("refunded A7 2000", told)
        self.assertRan("A7 2000")
        self.assertEqual(len(self.actions()), 1)

    def test_two_processes_at_once_run_it_once(self):
        turns = [[call("A8", 2000)]]
        first = self.agent()
        self.assertWaits(self.start(first, *turns))
        state = first.ask("save")["state"]
        others = [self.agent() for _ in range(2)]
        for other in others:
            other.ask("load", run=self.run_name, turns=turns, state=state)
        for agent in (first, *others):
            agent.send("resolve", wait_ms=30_000)
        self.approve("A8")
        told = [self.assertDone(agent.answer())["call_A8"] for agent in (first, *others)]
        self.assertEqual(sum(words == "refunded A8 2000" for words in told), 1, told)
        self.assertEqual(sum("Not run" in words for words in told), 2, told)
        self.assertRan("A8 2000")

    def test_approved_by_hand_past_keyturn_it_does_not_run(self):
        agent = self.agent()
        self.assertWaits(self.start(agent, [call("A9", 2000)]))
        told = self.assertDone(agent.ask("force"))["call_A9"]
        self.assertIn("waits in Keyturn for 1 of sre", told)
        self.assertRan()
        self.approve("A9")  # too late for that run: its model was told
        self.assertRan()

    def test_arguments_edited_in_what_was_put_away_do_not_run(self):
        turns = [[call("A10", 2000)]]
        first = self.agent()
        self.assertWaits(self.start(first, *turns))
        state = first.ask("save")["state"]
        self.approve("A10")
        self.assertIn("2000", state)
        for how in ("resolve", "force"):
            with self.subTest(how):
                second = self.agent()
                second.ask("load", run=self.run_name, turns=turns, state=state.replace("2000", "90000"))
                look = second.ask(how)
                self.assertIn("idempotency_mismatch", self.assertDone(look)["call_A10"])
                self.assertRan()

    def test_a_call_of_the_same_name_in_another_run_is_another_action(self):
        first = self.agent()
        self.assertWaits(self.start(first, [call("A11", 2000, "call_1")]))
        self.approve("A11")
        self.assertDone(first.resolve())
        self.run_name += "-other"
        self.assertWaits(self.start(self.agent(), [call("A11", 2000, "call_1")]))
        self.assertEqual(self.action("A11")["state"], "pending")
        self.assertRan("A11 2000")

    def test_without_keyturn_nothing_runs(self):
        turns = [[call("C1", 2000)]]
        first = self.agent()
        self.assertWaits(self.start(first, *turns))
        state = first.ask("save")["state"]
        self.approve("C1")
        self.k.stop()
        try:
            agent = self.agent(patience_ms=300)
            agent.ask("load", run=self.run_name, turns=turns, state=state)
            self.assertIn("Unreachable", agent.ask("resolve")["error"])
            self.assertIn("does not answer", self.assertDone(agent.ask("force"))["call_C1"])
            self.assertRan()
        finally:
            self.k.start()

    def test_a_restart_of_keyturn_while_people_think_is_not_noticed(self):
        agent = self.agent()
        self.assertWaits(self.start(agent, [call("C2", 2000)]))
        agent.send("resolve", wait_ms=60_000)
        self.k.stop()
        self.k.start()
        self.approve("C2")
        self.assertDone(agent.answer())
        self.assertRan("C2 2000")


class Plain(Adapter):
    """Frameworks whose approvals are yes or no, for each call alone."""

    def test_two_calls_at_once_are_kept_apart(self):
        agent = self.agent()
        self.assertWaits(self.start(agent, [call("B1", 2000), call("B2", 3000)]))
        self.deny("B1", "not this one")
        self.approve("B2")
        told = self.assertDone(agent.resolve())
        self.assertIn("not this one", told["call_B1"])
        self.assertEqual(told["call_B2"], "refunded B2 3000")
        self.assertRan("B2 3000")

    def test_what_a_reviewer_changed_runs_when_the_model_asks_for_exactly_that(self):
        agent = self.agent()
        self.assertWaits(self.start(agent, [call("D1", 5000)], [call("D1", 1500, "second")]))
        amended = self.amend("D1", 1500)
        look = agent.resolve()
        told = self.assertDone(look if look["said"] else agent.ask("resolve"))
        self.assertIn('{"cents":1500,"order":"D1"}', told["call_D1"])
        self.assertEqual(told["second"], "refunded D1 1500")
        self.assertRan("D1 1500")
        self.assertEqual([(a["id"], a["state"]) for a in self.actions()][1:], [(amended, "succeeded")], "nobody is asked twice")

    def test_what_a_reviewer_changed_never_runs_as_it_was(self):
        agent = self.agent()
        self.assertWaits(self.start(agent, [call("D2", 5000)]))
        self.amend("D2", 1500)
        self.assertIn("Not run with these arguments", self.assertDone(agent.ask("force"))["call_D2"])
        self.assertRan()


class Dropping(http.server.BaseHTTPRequestHandler):
    """Stands before Keyturn, hands every request on, and loses the first answer to a path that ends as `lose` says."""
    protocol_version = "HTTP/1.1"
    port, lose = 0, ""

    def _hand_on(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        connection.request(self.command, self.path, body, {**{k: v for k, v in self.headers.items() if k.lower() != "host"}, "Host": f"localhost:{self.port}"})
        answer = connection.getresponse()
        self.close_connection = True
        if type(self).lose and self.path.endswith(type(self).lose):
            type(self).lose = ""
            answer.read()
            connection.close()
            return
        self.send_response(answer.status)
        self.send_header("content-type", answer.headers["content-type"])
        self.end_headers()
        with contextlib.suppress(OSError):
            while piece := answer.read1(65536):
                self.wfile.write(piece)
                self.wfile.flush()
        connection.close()

    do_GET = do_POST = _hand_on

    def log_message(self, *_):
        pass
