"""Runs from outside: what there is, what one would do, live, paused, cancelled, settled by people; over the API and in the terminal."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import BIN, POLICY, TOOLS, Keyturn, until  # noqa: E402

RUNBOOKS = """\
  note:
    exec: [@WORK@/append.sh, "{{text}}"]
    params: {text: {type: string}}
    operation: write
    resource: {kind: file, name: lines, env: dev}
    sandbox: none
  flaky:
    exec: [/bin/sh, -c, "grep -qxs $0 @WORK@/out/lines || { @WORK@/append.sh $0; exit 3; }", "{{name}}"]
    params: {name: {type: string}}
    operation: write
    resource: {kind: file, name: lines, env: dev}
    sandbox: none
  noisy:
    exec: [/bin/sh, -c, "echo first >&2; echo the disk is gone >&2; exit 3"]
    operation: write
    resource: {kind: file, name: lines, env: dev}
    sandbox: none
--- # file: runbooks/noisy.yaml
kind: Runbook
metadata: {name: noisy}
steps: [{id: one, tool: noisy}]
--- # file: runbooks/mark.yaml
kind: Runbook
metadata: {name: mark}
steps: [{id: mark, pass: true}]
--- # file: runbooks/locked.yaml
kind: Runbook
metadata: {name: locked, description: One host at a time}
inputs: {host: {type: string, description: Which host}}
concurrency: {limit: 3}
locks: ["host/{{ inputs.host }}"]
steps:
- {id: sure, approve: {message: "Go on?", require: {quorum: {sre: 1}, assurance: token, expires: 1h}}}
--- # file: runbooks/tried.yaml
kind: Runbook
metadata: {name: tried}
steps:
- {id: again, tool: flaky, args: {name: "{{ run.id }}"}, idempotent: true, retry: {tries: 3, backoff: 50ms}}
- {id: once, tool: flaky, args: {name: "once-{{ run.id }}"}, on_failure: continue}
- {id: told, tool: note, args: {text: "{{ steps.once.outcome }}"}}
--- # file: runbooks/late.yaml
kind: Runbook
metadata: {name: late}
steps:
- {id: sure, timeout: 300ms, approve: {message: "Now?", require: {quorum: {sre: 1}, assurance: token, expires: 1h}}}
--- # file: runbooks/short.yaml
kind: Runbook
metadata: {name: short}
timeout: 300ms
steps:
- {id: sure, approve: {message: "Now?", require: {quorum: {sre: 1}, assurance: token, expires: 1h}}}
--- # file: runbooks/patch.yaml
apiVersion: keyturn/v1
kind: Runbook
metadata: {name: patch, description: Patches hosts, revision: 3}
inputs:
  hosts: {type: array, items: {type: string}}
  by: {type: string, pattern: "^[a-z]+$"}
steps:
- {id: begin, name: Begin it, tool: note, args: {text: "begin {{ inputs.by }}"}, compensate: {tool: note, args: {text: "undo {{ inputs.by }}"}}}
- {id: sure, approve: {message: "Patch?", require: {quorum: {sre: 1}, assurance: token, expires: 1h}}}
- {id: all, foreach: "inputs.hosts", tool: note, args: {text: "{{ item }} {{ inputs.by }}"}}
- {id: look, tool: echo, args: {text: "done"}, outputs: {said: "result.stdout"}}
outputs: {said: "steps.look.outputs.said"}
--- # file: runbooks/slow.yaml
apiVersion: keyturn/v1
kind: Runbook
metadata: {name: slow}
steps:
- {id: wait, tool: slow}
- {id: then, tool: note, args: {text: "after {{ steps.wait.outcome }}"}}
--- # file: runbooks/whole.yaml
apiVersion: keyturn/v1
kind: Runbook
metadata: {name: whole}
review: plan
inputs: {by: {type: string}}
steps:
- {id: one, tool: append-one, args: {text: "one {{ inputs.by }}"}}
- {id: both, branches: {left: [{id: two, tool: append-one, args: {text: "two {{ inputs.by }}"}}], right: [{id: three, pass: true}]}}
- {id: last, tool: forbidden, when: "inputs.by == 'nobody'"}
"""
RULES = POLICY + '- {id: runbooks, match: {tool: [note, flaky, noisy, "runbook.*"]}, effect: allow}\n'


def descendants(pid):
    out = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            out += [int(child), *descendants(int(child))]
    return out


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(policy=RULES, tools=TOOLS + RUNBOOKS)
        cls.addClassCleanup(cls.k.close)

    def start(self, name, who="bot", **inputs):
        answer = self.k.request(f"runbook.{name}", inputs, who)
        self.assertEqual(answer.status, 202, answer)
        return answer.json["id"]

    def run_at(self, run, state, who="olga"):
        def there():
            got = self.k.get(f"/v1/runs/{run}", who).json
            return got if got["state"] == state else None
        return until(there, f"{run} is never {state}")

    def step(self, run, path):
        found = [one for one in run["steps"] if one["path"] == path]
        self.assertEqual(len(found), 1, run["steps"])
        return found[0]


class Runbooks(Base):
    def test_what_there_is(self):
        items = {one["name"]: one for one in self.k.get("/v1/runbooks", "bot").json["items"]}
        self.assertEqual(sorted(items), ["late", "locked", "mark", "noisy", "patch", "short", "slow", "tried", "whole"])
        self.assertEqual((items["patch"]["tool"], items["patch"]["revision"], items["patch"]["steps"], items["patch"]["review"]), ("runbook.patch", 3, 4, "steps"))
        self.assertEqual(items["patch"]["inputs"]["required"], ["hosts", "by"])
        self.assertNotIn("graph", items["patch"])
        whole = self.k.get("/v1/runbooks/whole", "erin").json
        self.assertEqual([(one["id"], one["kind"]) for one in whole["graph"]], [("one", "action"), ("both", "branches"), ("last", "action")])
        self.assertEqual([(one["name"], one["steps"][0]["id"]) for one in whole["graph"][1]["branches"]], [("left", "two"), ("right", "three")])
        self.assertEqual(self.k.get("/v1/runbooks/none", "erin").status, 404)
        self.assertEqual(self.k.get("/v1/runbooks/echo", "erin").status, 404)

    def test_a_plan_says_what_each_step_would_do_and_starts_nothing(self):
        before = self.k.lines()
        plan = self.k.post("/v1/runbooks/whole/plan", "erin", {"inputs": {"by": "p"}}).json
        steps = {one["path"]: one for one in plan["steps"]}
        self.assertEqual(steps["one"]["args"], {"text": "one p"})
        self.assertEqual((steps["one"]["verdict"]["effect"], steps["one"]["covered"]), ("require", True))
        self.assertEqual(steps["one"]["verdict"]["plan"]["quorum"], {"dba": 1})
        self.assertTrue(steps["last"]["skipped"])
        seen = {one["path"]: one for one in self.k.post("/v1/runbooks/whole/plan", "bot", {"inputs": {"by": "p"}}).json["steps"]}
        self.assertEqual(seen["one"]["verdict"], {"effect": "require"})  # not whom it asks
        held = self.k.post("/v1/runbooks/patch/plan", "bot", {"inputs": {"by": "p", "hosts": []}}).json["steps"]
        self.assertNotIn("asks", [one for one in held if one["path"] == "sure"][0])
        wrong = self.k.post("/v1/runbooks/patch/plan", "erin", {"inputs": {"hosts": ["a"], "by": "P"}})
        self.assertEqual((wrong.code, wrong.json["pointer"]), ("invalid_args", "/inputs/by"), wrong)
        self.assertEqual(self.k.lines(), before)
        self.assertEqual(self.k.get("/v1/runs?runbook=whole", "ada").json["items"], [])


class Runs(Base):
    def test_a_run_is_seen_as_it_goes(self):
        run = self.start("patch", hosts=["web1", "web2"], by="seen")
        held = self.run_at(run, "held")
        self.assertEqual(held["waits"], ["sure"])
        begin, sure = self.step(held, "begin"), self.step(held, "sure")
        self.assertEqual((begin["state"], begin["name"], begin["kind"]), ("succeeded", "Begin it", "action"))
        self.assertGreaterEqual(begin["duration_ms"], 0)
        self.assertLessEqual(begin["began_at"], begin["ended_at"])
        self.assertEqual((sure["state"], sure["needed"][0]["group"]), ("pending", "sre"))
        self.assertEqual([one["id"] for one in held["graph"]], ["begin", "sure", "all", "look"])
        self.assertEqual(held["may"], {"pause": True, "resume": False, "cancel": True, "resolve": False})
        asked = self.k.get(f"/v1/runs/{run}", "carol").json  # about a step: so she reads of which run it is, and does nothing to it
        self.assertEqual((asked["inputs"], any(asked["may"].values())), (held["inputs"], False), asked)
        self.assertEqual(self.k.get(f"/v1/runs/{run}", "erin").status, 404)
        hold = self.k.action(sure["action"], "carol").json
        self.assertEqual(hold["run"], {"id": run, "runbook": "patch", "step": "sure", "attempt": 1})
        got = []
        stream = self.k.events(f"/v1/runs/{run}/stream", "olga")
        self.addCleanup(stream.close)
        reader = threading.Thread(target=lambda: got.extend(stream))
        reader.start()
        until(lambda: got or None, "the stream says nothing")
        self.assertEqual(self.k.vote(hold, "carol").status, 200)
        reader.join(30)
        self.assertFalse(reader.is_alive(), "the stream of a run that is over does not end")
        states = [json.loads(event["data"])["state"] for event in got if event.get("event") == "run"]
        self.assertEqual((states[0], states[-1]), ("held", "succeeded"))
        ended = self.run_at(run, "succeeded")
        self.assertEqual([one["path"] for one in ended["steps"]], ["begin", "sure", "all[0]", "all[1]", "look"])
        self.assertEqual(ended["outputs"], {"said": "done\n"})
        self.assertEqual(self.step(ended, "all[1]")["step"], "all")
        self.assertEqual(ended["may"], {"pause": False, "resume": False, "cancel": False, "resolve": False})
        listed = {one["id"]: one for one in self.k.get("/v1/runs?runbook=patch&state=ended", "olga").json["items"]}
        self.assertEqual((listed[run]["state"], listed[run]["open"]), ("succeeded", False))
        self.assertLessEqual(listed[run]["started_at"], listed[run]["ended_at"])

    def test_whose_run_it_is(self):
        run = self.start("patch", hosts=["web1"], by="whose")
        self.run_at(run, "held")
        self.assertEqual(self.k.get(f"/v1/runs/{run}", "erin").status, 404)
        self.assertEqual(self.k.post(f"/v1/runs/{run}/cancel", "erin", {"reason": "x"}).status, 404)
        self.assertNotIn(run, [one["id"] for one in self.k.get("/v1/runs", "erin").json["items"]])
        self.assertIn(run, [one["id"] for one in self.k.get("/v1/runs?state=open", "bot").json["items"]])
        self.assertEqual(self.k.get("/v1/runs/act_none", "ada").status, 404)
        echo = self.k.request("echo", {"text": "x"}).json["id"]
        self.assertEqual(self.k.get(f"/v1/runs/{echo}", "bot").status, 404)
        self.assertEqual(self.k.get("/v1/runs?state=odd", "ada").code, "invalid_parameter")
        self.assertEqual(self.k.post(f"/v1/runs/{run}/cancel", "ada", {}).status // 100, 4)
        self.assertEqual(self.k.post(f"/v1/runs/{run}/cancel", "ada", {"reason": "wrong host"}).status, 200)
        ended = self.run_at(run, "cancelled")
        self.assertEqual((ended["cancelled_by"], ended["cancel_reason"], ended["reason"]), ("ada", "wrong host", "wrong host"))
        self.assertEqual(ended["steps"][-1]["path"], "begin~compensate")
        self.assertEqual(self.k.lines()[-1], "undo whose")
        listed = {one["id"]: one for one in self.k.get("/v1/runs", "ada").json["items"]}
        self.assertEqual(listed[run]["state"], "cancelled")
        self.assertEqual(self.k.post(f"/v1/runs/{run}/cancel", "ada", {"reason": "again"}).code, "closed")

    def test_what_people_paused_an_agent_does_not_resume(self):
        run = self.start("patch", hosts=["web1"], by="paused")
        held = self.run_at(run, "held")
        paused = self.k.post(f"/v1/runs/{run}/pause", "olga", {})
        self.assertEqual((paused.status, paused.json["state"], paused.json["paused_by"]), (200, "paused", "olga"), paused)
        self.assertEqual(self.k.post(f"/v1/runs/{run}/pause", "olga", {}).code, "closed")
        self.assertEqual(self.k.vote(self.k.action(self.step(held, "sure")["action"], "carol").json, "carol").status, 200)
        until(lambda: self.step(self.k.get(f"/v1/runs/{run}", "olga").json, "sure")["state"] == "succeeded" or None, "the hold does not end")
        self.assertEqual(self.k.post(f"/v1/runs/{run}/resume", "bot", {}).code, "not_allowed")
        self.assertNotIn("web1 paused", self.k.lines())
        self.assertEqual(self.k.post(f"/v1/runs/{run}/resume", "olga", {}).status, 200)
        self.run_at(run, "succeeded")
        self.assertIn("web1 paused", self.k.lines())


    def test_what_may_be_done_twice_is_tried_again_and_nothing_else(self):
        run = self.start("tried")
        ended = self.run_at(run, "succeeded")
        again, once = self.step(ended, "again"), self.step(ended, "once")
        self.assertEqual((again["state"], again["attempt"]), ("succeeded", 2))
        self.assertEqual((once["state"], once["attempt"], once["reason"]), ("failed", 1, "exited with code 3"))
        self.assertEqual(self.k.lines()[-1], "failed")

    def test_what_takes_too_long_is_cancelled(self):
        late = self.run_at(self.start("late"), "failed")
        self.assertEqual(self.step(late, "sure")["state"], "failed")
        self.assertEqual(self.k.action(self.step(late, "sure")["action"], "carol").json["state"], "cancelled")
        short = self.run_at(self.start("short"), "cancelled")
        self.assertEqual((short["cancelled_by"], short["cancel_reason"]), ("timeout", "it took longer than it may"))
        self.assertEqual(self.k.action(self.step(short, "sure")["action"], "carol").json["state"], "cancelled")


class Unknown(Base):
    def kill_everything(self):
        """The server, the program and whoever would tell how that ended."""
        programs = descendants(self.k.process.pid)
        self.assertTrue(programs)
        self.k.kill9()
        for pid in programs:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def test_a_step_of_which_nobody_knows_is_settled_by_people(self):
        for outcome, state, lines in (("again", "succeeded", ["ran", "after succeeded"]), ("succeeded", "succeeded", ["after succeeded"]), ("failed", "failed", [])):
            with self.subTest(outcome):
                before = len(self.k.lines())
                run = self.start("slow")
                self.k.wait_started()
                self.kill_everything()
                self.k.start()
                stopped = self.run_at(run, "stopped")
                self.assertEqual(stopped["asks"], ["wait"])
                self.assertTrue(stopped["may"]["resolve"])
                wish = {"step": "wait", "outcome": outcome, "note": "looked at the host"}
                self.assertIn(f"keyturn runbook resolve {run} wait --outcome OUTCOME", self.k.cli("runbook", "runs", "slow", "--open", token="olga").err)
                self.assertEqual([one["id"] for one in self.k.get("/v1/runs?state=stopped", "olga").json["items"]], [run])
                self.assertIn(run, self.k.cli("runbook", "runs", "--stopped", token="olga").out)
                self.assertEqual(self.k.get("/v1/runs?state=stopped&runbook=other", "olga").json["items"], [])
                self.assertEqual(self.k.post(f"/v1/runs/{run}/resolve", "bot", wish).code, "not_allowed")
                self.assertEqual(self.k.post(f"/v1/runs/{run}/resolve", "olga", {**wish, "step": "then"}).code, "not_unknown")
                self.assertEqual(self.k.post(f"/v1/runs/{run}/resolve", "olga", {**wish, "outcome": "perhaps"}).json["pointer"], "/outcome")
                self.assertEqual(self.k.post(f"/v1/runs/{run}/resolve", "olga", wish).status, 200)
                if outcome == "again":
                    self.k.wait_started()
                    self.k.let_go()
                ended = self.run_at(run, state)
                wait = self.step(ended, "wait")
                self.assertEqual(wait["attempt"], 2 if outcome == "again" else 1)
                if outcome != "again":
                    self.assertEqual((wait["resolved_by"], wait["reason"]), ("olga", "looked at the host"))
                self.assertEqual(self.k.lines()[before:], lines)
        self.assertEqual(self.k.get("/v1/runs?state=stopped", "olga").json, {"items": [], "next": None})
        self.assertEqual(self.k.get("/v1/runs?state=halted", "olga").code, "invalid_parameter")

    def test_what_is_stopped_is_listed_a_page_at_a_time_for_who_may_read_it(self):
        runs = []
        for _ in range(3):
            runs.append(self.start("slow"))
            self.k.wait_started()
        self.kill_everything()
        self.k.start()
        for run in runs:
            self.run_at(run, "stopped")
        seen, after = [], ""
        while after is not None:
            page = self.k.get(f"/v1/runs?state=stopped&runbook=slow&limit=2{after and '&after=' + after}", "olga").json
            self.assertLessEqual(len(page["items"]), 2)
            seen += page["items"]
            after = page["next"]
        self.assertEqual([(one["id"], one["state"], one["asks"]) for one in seen], [(run, "stopped", ["wait"]) for run in reversed(runs)])
        self.assertEqual(self.k.get("/v1/runs?state=stopped", "bot2").json["items"], [], "another agent's")
        for run in runs:
            self.assertEqual(self.k.post(f"/v1/runs/{run}/resolve", "olga", {"step": "wait", "outcome": "failed", "note": "looked at the host"}).status, 200)
            self.run_at(run, "failed")


class Away(Base):
    """The server goes away while somebody watches."""

    def watch(self, run):
        environment = dict(os.environ, KEYTURN_URL=self.k.url, KEYTURN_TOKEN=self.k.tokens["olga"])
        said = []
        process = subprocess.Popen([str(BIN), "runbook", "watch", run], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        self.addCleanup(lambda: (process.kill(), process.wait(), process.stdout.close(), process.stderr.close()))
        reader = threading.Thread(target=lambda: said.extend(iter(process.stderr.readline, "")))
        reader.start()
        self.addCleanup(reader.join)
        return process, said

    def test_a_watch_outlives_a_restart(self):
        run = self.start("patch", hosts=["web1"], by="away")
        held = self.run_at(run, "held")
        process, said = self.watch(run)
        until(lambda: any("held: sure" in line for line in said) or None, "it says nothing")
        self.k.kill9()
        until(lambda: any("does not answer" in line for line in said) or None, "it does not notice")
        self.k.start()
        self.assertEqual(self.k.vote(self.k.action(self.step(held, "sure")["action"], "carol").json, "carol").status, 200)
        self.assertEqual(process.wait(60), 0, said)
        self.assertEqual(json.loads(process.stdout.read()), {"said": "done\n"})

    def test_a_server_that_is_not_there_is_no_end_of_the_run(self):
        gone = subprocess.run([str(BIN), "runbook", "watch", "act_1"], capture_output=True, text=True,
                              env=dict(os.environ, KEYTURN_URL="http://127.0.0.1:1", KEYTURN_TOKEN="x"))
        self.assertEqual(gone.returncode, 7, gone.stderr)
        self.assertIn("The run goes on: keyturn runbook watch act_1\n", gone.stderr)


class Terminal(Base):
    def test_list_plan_run_watch_cancel(self):
        listed = self.k.cli("runbook", "list", token="erin")
        self.assertRegex(listed.out, r"patch +4 +steps +0 +Patches hosts")
        plan = self.k.cli("runbook", "plan", "whole", "--input", "by=t", token="erin")
        self.assertRegex(plan.out, r'one +append-one +{"text":"one t"} +require, with the plan')
        self.assertRegex(plan.out, r"last .* skipped")
        wrong = self.k.cli("runbook", "plan", "whole", token="erin", check=False)
        self.assertEqual(wrong.code, 2, wrong.err)
        self.assertIn("/inputs/by", wrong.err)
        begun = self.k.cli("runbook", "run", "patch", "--input", 'hosts=["web1"]', "--input", "by=terminal", "--no-wait", token="bot", check=False)
        self.assertEqual(begun.code, 8, begun.err)
        run = begun.out.strip()
        held = self.run_at(run, "held")
        self.assertRegex(self.k.cli("runbook", "runs", "patch", "--open", token="olga").out, rf"{run} +patch +held +bot .* held: sure")
        voted = threading.Timer(0.5, lambda: self.k.vote(self.k.action(self.step(held, "sure")["action"], "carol").json, "carol"))
        voted.start()
        watched = self.k.cli("runbook", "watch", run, token="olga")
        voted.join()
        self.assertIn("pending   sure: needs 1 of sre", watched.err)
        self.assertRegex(watched.err, r"succeeded +all\[0\] in")
        self.assertEqual(json.loads(watched.out), {"said": "done\n"})
        second = self.k.cli("runbook", "run", "patch", "--input", 'hosts=["web1"]', "--input", "by=terminal", "--no-wait", token="bot", check=False).out.strip()
        self.run_at(second, "held")
        self.assertIn("paused", self.k.cli("runbook", "pause", second, token="olga").out)
        self.assertIn("held", self.k.cli("runbook", "resume", second, token="olga").out)
        self.assertIn(second, self.k.cli("runbook", "cancel", second, "--reason", "enough", token="olga").out)
        self.run_at(second, "cancelled")
        ended = self.k.cli("runbook", "watch", second, token="olga", check=False)
        self.assertEqual(ended.code, 4)  # as `keyturn --help` says
        self.assertIn("cancelled: enough", ended.err)

    def test_a_list_is_read_to_its_end_whatever_it_is_of(self):
        ids = {self.start("mark") for _ in range(60)}
        until(lambda: self.k.get("/v1/runs?runbook=mark&state=open", "bot").json["items"] == [] or None, "they do not end")
        for words in (["--ended"], ["mark"], ["mark", "--ended"]):
            with self.subTest(words):
                listed = json.loads(self.k.cli("runbook", "runs", *words, "--json", token="bot").out)["items"]
                self.assertLessEqual(ids, {one["id"] for one in listed})
                self.assertEqual(len(listed), len({one["id"] for one in listed}))

    def test_what_a_run_waits_for_is_said(self):
        run = ["runbook", "run", "locked", "--input", "host=web1", "--no-wait", "--reason"]
        holder = self.k.cli(*run, "a new kernel", token="bot", check=False).out.strip()
        self.run_at(holder, "held")
        behind = self.k.cli(*run, "ticket 4711", token="bot", check=False).out.strip()
        self.run_at(behind, "waiting")
        listed = self.k.cli("runbook", "runs", "locked", "--open", token="olga").out
        self.assertRegex(listed, rf"{holder} .* held: sure \(1 of sre \(0 so far\)\)")
        self.assertRegex(listed, rf"{behind} .* waiting: for lock host/web1, held by {holder}")
        for one in (behind, holder):
            self.k.cli("runbook", "cancel", one, "--reason", "enough", token="olga")
        ended = self.k.cli("runbook", "watch", behind, token="olga", check=False)
        self.assertEqual(ended.code, 4, ended.err)

    def test_a_failed_step_says_where_to_look_and_its_last_words(self):
        failed = self.k.cli("runbook", "run", "noisy", token="bot", check=False)
        self.assertEqual(failed.code, 5, failed.err)
        self.assertRegex(failed.err, r"failed +one: exited with code 3; keyturn show act_\w+\n +\| the disk is gone\n")

    def test_a_name_that_there_is_not(self):
        for words in (["plan", "lockd"], ["run", "lockd"], ["show", "lockd"]):
            with self.subTest(words):
                wrong = self.k.cli("runbook", *words, token="bot", check=False)
                self.assertEqual((wrong.code, wrong.out), (5, ""), wrong.err)
                self.assertIn('there is no runbook "lockd" (did you mean locked?); keyturn runbook list', wrong.err)
        self.assertEqual(self.k.get("/v1/actions?tool=runbook.lockd", "ada").json["items"], [])

    def test_a_runbook_and_a_plan_are_shown_whole(self):
        shown = self.k.cli("runbook", "show", "locked", token="erin").out
        self.assertIn("locked: One host at a time\n", shown)
        self.assertRegex(shown, r"host +string +needed +Which host")
        self.assertRegex(shown, r"at most 3 at once\n +lock host/{{ inputs.host }}")
        self.assertRegex(shown, r"sure +approve")
        self.assertRegex(self.k.cli("runbook", "plan", "locked", "--input", "host=a", token="erin").out, r"sure +approve +Go on\? +asks 1 of sre; at least: token")
        self.assertRegex(self.k.cli("runbook", "plan", "whole", "--input", "by=t", token="erin").out, r"require, with the plan: 1 of dba; at least: \w+")
        agents = self.k.cli("runbook", "plan", "locked", "--input", "host=a", token="bot").out
        self.assertRegex(agents, r"sure +approve +Go on\? +asks people")  # not whom
        self.assertNotIn("null", agents)

    def test_check_says_what_is_wrong_and_where(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.k.folder))
        tools, *books = (TOOLS + RUNBOOKS).split("--- # file: runbooks/")
        (folder / "tools.yaml").write_text(tools.replace("@WORK@", "/tmp"))
        (folder / "runbooks").mkdir()
        for book in books:
            name, text = book.split("\n", 1)
            (folder / "runbooks" / name).write_text(text)
        good = self.k.cli("runbook", "check", "--tools", str(folder / "tools.yaml"), str(folder / "runbooks"))
        self.assertEqual(good.out.splitlines()[-1], "good: 9 runbooks")
        # What else stands in the folder is not of the tools, and what is named is read once.
        (folder / "policy.yaml").write_text(RULES + '- {id: nights, match: {tool: [keyturn.hold]}, effect: require, require: {quorum: {sre: 1}, expires: 1h}}\n')
        again = self.k.cli("runbook", "check", "--tools", str(folder / "tools.yaml"), str(folder))
        self.assertEqual(again.out.splitlines()[-1], "good: 9 runbooks")
        self.assertNotIn("keyturn.hold", self.k.cli("policy", "check", str(folder / "policy.yaml"), "--tools", str(folder / "tools.yaml")).out)
        broken = folder / "runbooks/slow.yaml"
        broken.write_text(broken.read_text().replace("steps.wait.outcome", "steps.wiat.outcome"))
        bad = self.k.cli("runbook", "check", "--tools", str(folder / "tools.yaml"), str(folder / "runbooks"), check=False)
        self.assertEqual(bad.code, 1)
        self.assertIn(f"{broken}:6:", bad.out)
        self.assertIn("wiat", bad.out)
        self.assertEqual(self.k.cli("runbook", "check", str(folder / "none"), check=False).code, 2)


if __name__ == "__main__":
    unittest.main()
