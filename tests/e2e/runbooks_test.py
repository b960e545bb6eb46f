"""Runbooks on a running server: steps as actions, a hold point, a plan approved as a whole, kill -9, and what is wrong in a document."""
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
--- # file: runbooks/patch.yaml
apiVersion: keyturn/v1
kind: Runbook
metadata: {name: patch, description: Patches hosts}
inputs: {hosts: {type: array, items: {type: string}}, by: {type: string}}
steps:
- {id: begin, tool: note, args: {text: "begin {{ inputs.by }}"}, compensate: {tool: note, args: {text: "undo {{ inputs.by }}"}}}
- {id: sure, approve: {message: "Patch {{ size(inputs.hosts) }} hosts?", require: {quorum: {sre: 1}, assurance: token, expires: 1h}}}
- {id: all, foreach: "inputs.hosts", tool: note, args: {text: "{{ item }} {{ inputs.by }}"}}
- {id: look, tool: echo, args: {text: "done"}, outputs: {said: "result.stdout"}}
outputs: {said: "steps.look.outputs.said"}
--- # file: runbooks/whole.yaml
apiVersion: keyturn/v1
kind: Runbook
metadata: {name: whole}
review: plan
inputs: {by: {type: string}}
steps:
- {id: one, tool: append-one, args: {text: "one {{ inputs.by }}"}}
- {id: two, tool: append-one, args: {text: "two {{ inputs.by }}"}}
"""
RULES = POLICY + '- {id: runbooks, match: {tool: [note, "runbook.*"]}, effect: allow}\n'


class Runbooks(unittest.TestCase):
    def serve(self, **more):
        k = Keyturn(policy=RULES, tools=TOOLS + RUNBOOKS, **more)
        self.addCleanup(k.close)
        return k

    def hold(self, k):
        def pending():
            found = k.get("/v1/actions?state=pending&tool=keyturn.hold", "carol").json["items"]
            return found[0] if found else None
        return until(pending, "no hold point asks anybody")

    def start(self, k, name, who="bot", **inputs):
        answer = k.request(f"runbook.{name}", inputs, who)
        self.assertEqual(answer.status, 202, answer)
        return answer.json

    def test_steps_run_people_are_asked_and_outputs_come_back(self):
        k = self.serve()
        run = self.start(k, "patch", hosts=["web1", "web2"], by="a")
        hold = self.hold(k)
        self.assertEqual(k.lines(), ["begin a"])
        self.assertEqual(hold["args"]["message"], "Patch 2 hosts?")
        self.assertEqual(k.vote(hold, "bob").status, 404)  # dba is not asked
        self.assertEqual(k.vote(hold, "olga").status, 403)  # the agent's owner
        self.assertEqual(k.vote(hold, "carol").status, 200)
        ended = k.settled(run["id"])
        self.assertEqual((ended["state"], ended["outcome"]["result"]), ("succeeded", {"said": "done\n"}), ended)
        self.assertEqual(k.lines(), ["begin a", "web1 a", "web2 a"])

    def test_a_denied_hold_fails_the_run_and_undoes_what_was_done(self):
        k = self.serve()
        run = self.start(k, "patch", hosts=["web1"], by="b")
        self.assertEqual(k.vote(self.hold(k), "carol", "deny").status, 200)
        ended = k.settled(run["id"])
        self.assertEqual(ended["state"], "failed", ended)
        self.assertIn("denied by carol", ended["outcome"]["reason"])
        self.assertEqual(k.lines(), ["begin b", "undo b"])

    def test_kill_9_resumes_and_repeats_nothing(self):
        k = self.serve()
        run = self.start(k, "patch", hosts=["web1", "web2", "web3"], by="c")
        self.hold(k)
        k.kill9()
        k.start()
        hold = self.hold(k)
        self.assertEqual(k.vote(hold, "carol").status, 200)
        k.kill9()
        k.start()
        ended = k.settled(run["id"])
        # A step whose program was cut off without a word stops the run; it is never run again.
        self.assertIn(ended["state"], ("succeeded", "failed"), ended)
        self.assertEqual(len(k.lines()), len(set(k.lines())), k.lines())
        if ended["state"] == "succeeded":
            self.assertEqual(k.lines(), ["begin c", "web1 c", "web2 c", "web3 c"])

    def test_a_plan_is_approved_as_a_whole(self):
        k = self.serve()
        asked = self.start(k, "whole", by="d")
        self.assertEqual(asked["state"], "pending", asked)
        self.assertEqual(k.vote(asked, "bob").status, 200)
        self.assertEqual(k.settled(asked["id"])["state"], "succeeded")
        self.assertEqual(k.lines(), ["one d", "two d"])
        steps = k.get("/v1/actions?tool=append-one", "ada").json["items"]
        self.assertEqual({step["decided_by"] if "decided_by" in step else step["verdict"]["decided_by"] for step in steps}, {f"plan:{asked['id']}"}, steps)

    def test_an_agent_asks_for_no_step_by_itself(self):
        k = self.serve()
        answer = k.request("keyturn.hold", {"message": "x"})
        self.assertEqual((answer.status, answer.code), (403, "steps_only"), answer)

    def test_what_is_wrong_is_said_with_its_file_and_line(self):
        k = self.serve(start=False)
        wrong = RUNBOOKS.replace("id: all, foreach", "id: all, forech").replace("tool: append-one", "tool: apend-one", 1)
        k.write_tools(TOOLS + wrong)
        done = k.host("serve", "--check", "--policy", str(k.folder / "policy.yaml"), "--tools", str(k.folder / "tools.yaml"), check=False)
        said = done.out + done.err
        self.assertIn("runbooks/patch.yaml:8:", said)
        self.assertIn('unknown field "forech" (did you mean "foreach"?)', said)
        self.assertIn("runbooks/whole.yaml:7:", said)
        self.assertIn('there is no tool "apend-one" (did you mean "append-one"?)', said)


if __name__ == "__main__":
    unittest.main()
