"""What nobody gets by way of a runbook: steps without a decision, plans that change after they were approved, expressions from outside, other people's runs."""
import base64
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import POLICY, TOOLS, Keyturn, until  # noqa: E402

RUNBOOKS = """\
  note:
    exec: [@WORK@/append.sh, "{{text}}"]
    params: {text: {type: string}}
    operation: write
    resource: {kind: file, name: lines, env: dev}
    sandbox: none
---
kind: Runbook
metadata: {name: planned}
review: plan
inputs: {by: {type: string}}
steps:
- {id: wait, tool: slow-one}
- {id: write, tool: append-one, args: {text: "planned {{ inputs.by }}"}}
---
kind: Runbook
metadata: {name: held}
inputs: {text: {type: string}}
steps:
- {id: sure, approve: {message: "Write {{ inputs.text }}?", require: {quorum: {sre: 1}, assurance: token, expires: 1h}}}
- {id: write, tool: note, args: {text: "{{ inputs.text }}"}}
---
kind: Runbook
metadata: {name: outer}
steps:
- {id: inner, runbook: held, inputs: {text: late}}
---
kind: Runbook
metadata: {name: counts}
inputs: {n: {type: integer}}
steps:
- {id: inner, runbook: counted, inputs: {n: "{{ inputs.n }}"}}
---
kind: Runbook
metadata: {name: counted}
inputs: {n: {type: integer}}
steps:
- {id: sure, approve: {message: "{{ inputs.n + 1 }}?", show: {n: "{{ inputs.n + 1 }}"}, require: {quorum: {sre: 1}, assurance: token, expires: 1h}}}
---
kind: Runbook
metadata: {name: writes}
steps:
- {id: write, tool: append-one, args: {text: as the runbook says}}
---
kind: Runbook
metadata: {name: two-people}
steps:
- {id: sure, approve: {message: "Both?", require: {quorum: {sre: 2}, assurance: token, expires: 1h}}}
"""
RULES = POLICY + """\
- {id: runbooks, match: {tool: [note, "runbook.*"]}, effect: allow}
- {id: no bad models, match: {tool: [note]}, when: "has(claims.model) && claims.model == 'bad'", effect: deny, description: words for people}
- {id: harmless in there, match: {tool: [append-one]}, when: "request.runbook == 'writes' && action.args.text == 'harmless'", effect: allow}
"""


class Runs(unittest.TestCase):
    def setUp(self):
        self.k = Keyturn(policy=RULES, tools=TOOLS + RUNBOOKS)
        self.addCleanup(self.k.close)

    def start(self, name, who="bot", claims=None, **inputs):
        answer = self.k.request(f"runbook.{name}", inputs, who, **({"claims": claims} if claims else {}))
        self.assertEqual(answer.status, 202, answer)
        return answer.json

    def step(self, run, path, state, who="olga"):
        def there():
            for one in self.k.get(f"/v1/runs/{run}", who).json.get("steps", []):
                if (one["path"], one["state"]) == (path, state):
                    return one
            return None
        return until(there, f"{path} of {run} is never {state}")

    def approve(self, run, path, *people):
        action = self.k.action(self.step(run, path, "pending")["action"], people[0]).json
        for person in people:
            self.assertEqual(self.k.vote(action, person).status, 200)

    def ended(self, run, state):
        return until(lambda: (lambda got: got if got["state"] == state else None)(self.k.get(f"/v1/runs/{run}", "olga").json), f"{run} is never {state}")

    def test_a_program_that_changed_after_its_plan_was_approved_asks_by_itself(self):
        run = self.start("planned", by="a")
        self.assertEqual(run["state"], "pending")
        self.assertEqual(self.k.vote(run, "bob").status, 200)
        self.k.wait_started()
        script = next(self.k.folder.rglob("append.sh"))
        script.write_text(script.read_text() + "# and something else\n")
        self.k.let_go()
        self.step(run["id"], "write", "pending")
        self.assertNotIn("planned a", self.k.lines())
        self.approve(run["id"], "write", "erin")
        self.ended(run["id"], "succeeded")

    def test_a_policy_that_became_stricter_is_asked_at_each_step(self):
        run = self.start("planned", by="b")
        self.assertEqual(self.k.vote(run, "bob").status, 200)
        self.k.wait_started()
        self.k.write_policy(RULES.replace("tool: [forbidden]", "tool: [forbidden, append-one]"))
        self.k.reload()
        self.k.let_go()
        ended = self.ended(run["id"], "failed")
        self.assertIn("write: denied by policy", ended["reason"])
        self.assertNotIn("planned b", self.k.lines())

    def test_a_plan_is_approved_by_whom_its_steps_ask_and_not_by_the_owner(self):
        run = self.start("planned", by="c")
        self.assertEqual(self.k.vote(run, "olga").status, 403)  # the agent's owner
        self.assertEqual(self.k.vote(run, "carol").status, 404)  # sre is not asked
        own = self.start("planned", who="bob", by="c")
        self.assertEqual(self.k.vote(own, "bob").code, "own_request")
        for one in (run, own):
            self.assertEqual(self.k.get(f"/v1/runs/{one['id']}", "ada").json["state"], "pending")

    def test_two_people_are_two_people(self):
        run = self.start("two-people")["id"]
        action = self.k.action(self.step(run, "sure", "pending")["action"], "carol").json
        self.assertEqual(self.k.vote(action, "carol").status, 200)
        self.k.vote(action, "carol")
        self.assertEqual(self.k.get(f"/v1/runs/{run}", "olga").json["state"], "held")
        self.assertEqual(self.k.vote(action, "dave").status, 200)
        self.ended(run, "succeeded")

    def test_who_prompted_a_run_approves_nothing_of_it(self):
        outer = self.start("outer", claims={"on_behalf_of": "dave"})["id"]
        inner = self.step(outer, "inner", "running")["action"]
        hold = self.step(inner, "sure", "pending")["action"]
        seen = self.k.action(hold, "carol").json
        self.assertIn(self.k.vote(seen, "dave").status, (403, 404))
        self.assertEqual(self.k.action(hold, "carol").json["state"], "pending")
        self.assertEqual(self.k.vote(seen, "carol").status, 200)
        self.ended(outer, "succeeded")

    def test_who_changed_its_inputs_approves_nothing_of_it(self):
        asked = self.start("planned", by="a")
        answer = self.k.post(f"/v1/actions/{asked['id']}/amend", "bob", {"args": {"by": "bob's own"}})
        self.assertEqual(answer.status, 201, answer)
        run = answer.json
        self.assertEqual(self.k.vote(run, "bob").status, 403)
        self.assertEqual(self.k.vote(run, "erin").status, 200)
        self.k.wait_started()
        script = next(self.k.folder.rglob("append.sh"))
        script.write_text(script.read_text() + "# another\n")
        self.k.let_go()
        step = self.k.action(self.step(run["id"], "write", "pending")["action"], "erin").json
        self.assertIn(self.k.vote(step, "bob").status, (403, 404))
        self.assertNotIn("planned bob's own", self.k.lines())

    def test_a_claim_that_policy_denies_is_denied_in_a_run(self):
        self.assertEqual(self.k.request("note", {"text": "x"}, claims={"model": "bad"}).json["state"], "denied")
        run = self.start("held", claims={"model": "bad"}, text="by way of a run")["id"]
        self.approve(run, "sure", "carol")
        self.ended(run, "failed")
        self.assertEqual(self.k.lines(), [])

    def test_an_agent_reads_no_rule_in_its_run(self):
        run = self.start("held", claims={"model": "bad"}, text="x")["id"]
        self.approve(run, "sure", "carol")
        self.ended(run, "failed")
        for path in (f"/v1/runs/{run}", f"/v1/actions/{run}"):
            seen = self.k.get(path, "bot")
            self.assertEqual(seen.status, 200)
            self.assertNotIn("words for people", seen.body.decode())
            self.assertNotIn("no bad models", seen.body.decode())

    def test_an_agent_changes_no_step_of_its_run(self):
        run = self.start("writes")["id"]
        step = self.step(run, "write", "pending")["action"]
        mine = self.k.post(f"/v1/actions/{step}/amend", "bot", {"args": {"text": "harmless"}})
        self.assertEqual((mine.status, mine.code), (403, "not_allowed"))
        owners = self.k.post(f"/v1/actions/{step}/amend", "olga", {"args": {"text": "harmless"}})
        self.assertEqual((owners.status, owners.json["state"]), (201, "pending"), owners)
        self.assertEqual(self.k.lines(), [])
        self.assertEqual(self.k.vote(owners.json, "bob").status, 200)
        self.ended(run, "succeeded")
        self.assertEqual(self.k.lines(), ["harmless"])

    def test_a_cancelled_run_and_those_within_it_do_nothing_more(self):
        outer = self.start("outer")["id"]
        inner = self.step(outer, "inner", "running")["action"]
        hold = self.k.action(self.step(inner, "sure", "pending")["action"], "carol").json
        self.assertEqual(self.k.post(f"/v1/runs/{outer}/cancel", "olga", {"reason": "no"}).status, 200)
        self.ended(outer, "cancelled")
        self.ended(inner, "cancelled")
        self.assertEqual(self.k.vote(hold, "carol").status, 409)
        self.assertEqual(self.k.lines(), [])
        page = self.k.get("/v1/ledger/entries?from=0&limit=256", "ada").json["items"]
        types = [json.loads(base64.b64decode(one["leaf"]))["type"] for one in page]
        self.assertEqual(types.count("run.cancelled"), 2)
        self.assertNotIn("execution.intended", types[types.index("run.cancelled"):])

    def test_no_value_of_an_expression_ends_the_server(self):
        run = self.start("counts", n=9007199254740992)["id"]
        self.ended(run, "failed")
        self.k.kill9()
        self.k.start()
        self.assertEqual(self.k.get("/healthz").status, 200)
        run = self.start("counts", n=1)["id"]
        inner = self.step(run, "inner", "running")["action"]
        self.approve(inner, "sure", "carol")
        self.ended(run, "succeeded")

    def test_what_comes_from_outside_is_no_expression(self):
        for text in ("{{ inputs.text }}", "{{ run.id }}", "}} {{ 1 + 1"):
            run = self.start("held", text=text)["id"]
            hold = self.k.action(self.step(run, "sure", "pending")["action"], "carol").json
            self.assertEqual(hold["args"]["message"], f"Write {text}?")
            self.assertEqual(self.k.vote(hold, "carol").status, 200)
            self.ended(run, "succeeded")
            self.assertEqual(self.k.lines()[-1], text)
        run = self.start("held", text="--help")["id"]
        self.approve(run, "sure", "carol")
        self.assertIn("leading", self.ended(run, "failed")["reason"])

    def test_a_suspended_agent_goes_on_with_nothing(self):
        run = self.start("held", text="suspended")["id"]
        self.step(run, "sure", "pending")
        hold = self.k.action(self.step(run, "sure", "pending")["action"], "carol").json
        self.assertEqual(self.k.post("/v1/agents/bot/suspend", "ada").status, 200)
        self.k.vote(hold, "carol")
        self.k.request("echo", {"text": "a moment"}, "bot2", wait=10)
        self.assertNotIn("suspended", self.k.lines())
        self.assertNotEqual(self.k.get(f"/v1/runs/{run}", "ada").json["state"], "succeeded")

    def test_nobody_says_that_their_action_is_a_step(self):
        run = self.start("held", text="x")["id"]
        self.step(run, "sure", "pending")
        forged = {"id": run, "runbook": "held", "step": "write", "attempt": 1}
        answer = self.k.request("append-one", {"text": "forged"}, run=forged)
        self.assertEqual(answer.status, 400, answer)
        for key in (f"step/{run}/1/write", f"step/{run}/1/sure"):
            self.k.request("echo", {"text": key}, idempotency_key=key)
        self.approve(run, "sure", "carol")
        self.ended(run, "succeeded")
        self.assertEqual(self.k.lines(), ["x"])

    def test_another_agents_run_is_nobodys_business(self):
        run = self.start("held", text="mine")["id"]
        self.step(run, "sure", "pending")
        self.assertEqual(self.k.get(f"/v1/runs/{run}", "deployer").status, 404)
        self.assertEqual(self.k.get(f"/v1/runs/{run}/stream", "deployer").status, 404)
        for verb, body in (("pause", {}), ("resume", {}), ("cancel", {"reason": "x"}), ("resolve", {"step": "sure", "outcome": "succeeded", "note": "x"})):
            self.assertEqual(self.k.post(f"/v1/runs/{run}/{verb}", "deployer", body).status, 404, verb)
            self.assertEqual(self.k.post(f"/v1/runs/{run}/{verb}", "erin", body).status, 404, verb)
        self.assertEqual([one["id"] for one in self.k.get("/v1/runs", "deployer").json["items"]], [])


if __name__ == "__main__":
    unittest.main()
