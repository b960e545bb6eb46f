"""What starts runbooks without anybody asking, on a running server: schedules, and webhooks of each kind; once, whatever is sent again and whenever it is killed. And runs that wait for their turn."""
import base64
import hashlib
import hmac
import json
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import POLICY, TOOLS, Keyturn, until  # noqa: E402

NOTE = """\
  note:
    exec: [@WORK@/append.sh, "{{text}}"]
    params: {text: {type: string}}
    operation: write
    resource: {kind: file, name: lines, env: dev}
    sandbox: none
"""
HOOK = """\
---
apiVersion: keyturn/v1
kind: Runbook
metadata: {name: @NAME@}
inputs: {text: {type: string}}
triggers:
- {webhook: @HOOK@, kind: @KIND@, secret: {secret: env:HOOK_SECRET}, @MORE@as: bot, inputs: {text: "@TEXT@"}}
steps:
- {id: note, tool: note, args: {text: "{{ inputs.text }}"}}
"""


def hook(name, kind, text, more="", hook=None):
    return HOOK.replace("@NAME@", name).replace("@HOOK@", hook or name).replace("@KIND@", kind).replace("@TEXT@", text).replace("@MORE@", more)


MINUTE = """\
---
apiVersion: keyturn/v1
kind: Runbook
metadata: {name: minute}
inputs: {at: {type: string}}
triggers: [{schedule: "* * * * *", time_zone: Europe/Berlin, as: bot, inputs: {at: "{{ event.time }}"}}]
steps:
- {id: note, tool: note, args: {text: "{{ inputs.at }}"}}
"""
HOOKS = (hook("alerts", "alertmanager", "{{ event.status }} {{ event.labels.host }} of {{ event.group.receiver }}",
              "when: 'event.status == \\\"firing\\\" && event.labels.alertname.startsWith(\\\"Disk\\\")', ".replace('\\"', '"'))
         + hook("basic", "alertmanager", "basic {{ event.labels.host }}", "user: am, ") + hook("pages", "pagerduty", "{{ event.event_type }} {{ event.data.title }}")
         + hook("pushes", "github", "{{ event.type }} {{ event.payload.ref }}") + hook("own", "generic", "own {{ event.host }}")
         + hook("own_too", "generic", "too {{ event.host }}", hook="own") + hook("forbidden", "generic", "never", hook="forbidden"))
RULES = POLICY + ('- {id: runbooks, match: {tool: [note, "runbook.minute", "runbook.alerts", "runbook.basic", "runbook.pages", "runbook.pushes", "runbook.own", "runbook.own_too", '
                  '"runbook.slow", "runbook.quick"]}, effect: allow}\n')
SECRET = "a secret that nobody guesses"
ENV = {"HOOK_SECRET": SECRET}


def mac(message):
    return hmac.new(SECRET.encode(), message.encode(), hashlib.sha256).hexdigest()


def alertmanager(*hosts, status="firing", name="DiskFull", starts="2026-11-22T10:00:00Z"):
    """As Alertmanager 0.27 sends it (webhook version 4)."""
    alerts = [{"status": status, "labels": {"alertname": name, "host": host}, "annotations": {"summary": "x"}, "startsAt": starts, "endsAt": "0001-01-01T00:00:00Z",
               "generatorURL": "http://prometheus/graph", "fingerprint": hashlib.md5(host.encode()).hexdigest()[:16]} for host in hosts]
    return json.dumps({"version": "4", "groupKey": "{}:{alertname=\"DiskFull\"}", "truncatedAlerts": 0, "status": status, "receiver": "keyturn", "groupLabels": {"alertname": name},
                       "commonLabels": {"alertname": name}, "commonAnnotations": {}, "externalURL": "http://alertmanager", "alerts": alerts})


def own(host, seconds=None, delivery=None, **more):
    t = str(int(time.time()) if seconds is None else seconds)
    body = json.dumps({"host": host, **more})
    return body, {"Keyturn-Signature": f"t={t},v1={mac(f'{t}.{body}')}", **({"Keyturn-Delivery": delivery} if delivery else {})}


class Triggers(unittest.TestCase):
    def serve(self, runbooks=HOOKS, **more):
        self.k = Keyturn(policy=RULES, tools=TOOLS + NOTE + runbooks, start=False, **more)
        self.addCleanup(self.k.close)
        self.k.start(env=ENV)
        return self.k

    def deliver(self, hook, body, headers=None):
        return self.k.http("POST", f"/v1/hooks/{hook}", raw_body=body, headers={"Content-Type": "application/json", **(headers or {})})

    def lines(self, wanted):
        got = until(lambda: len(self.k.lines()) >= len(wanted) and sorted(self.k.lines()), f"{wanted}, but {self.k.lines()}")
        self.assertEqual(got, sorted(wanted))

    def leaves(self, *types):
        out, at = [], 0
        while True:
            page = self.k.get(f"/v1/ledger/entries?from={at}&limit=256", "ada").json["items"]
            if not page:
                return out
            out += [leaf for leaf in (json.loads(base64.b64decode(entry["leaf"])) for entry in page) if leaf["type"] in types]
            at += len(page)

    def started(self):
        return [leaf for leaf in self.leaves("action.decided") if "trigger" in leaf]

    def test_alertmanager_each_alert_once_and_only_what_is_wanted(self):
        self.serve()
        headers = {"Authorization": f"Bearer {SECRET}"}
        self.assertEqual(self.deliver("alerts", alertmanager("web1", "web2"), headers).json, {"taken": 2})
        self.lines(["firing web1 of keyturn", "firing web2 of keyturn"])
        self.assertEqual(self.deliver("alerts", alertmanager("web2", "web3"), headers).json, {"taken": 1})
        self.assertEqual(self.deliver("alerts", alertmanager("web1", status="resolved"), headers).json, {"taken": 1})
        self.assertEqual(self.deliver("alerts", alertmanager("web4", name="Load"), headers).json, {"taken": 1})
        self.lines(["firing web1 of keyturn", "firing web2 of keyturn", "firing web3 of keyturn"])
        settled = until(lambda: len(found := self.leaves("hook.settled")) == 3 and found, "three start something")
        self.assertEqual(len(self.leaves("hook.ignored")), 2)
        started = self.started()
        self.assertEqual({one["action"]["id"] for one in started}, {start["action"] for one in settled for start in one["started"]})
        self.assertEqual({(one["agent"]["id"], one["agent"]["owner"], one["agent"]["channel"]) for one in started}, {("bot", "olga", "webhook")})
        basic = {"Authorization": "Basic " + base64.b64encode(f"am:{SECRET}".encode()).decode()}
        self.assertEqual(self.deliver("basic", alertmanager("db1"), basic).json, {"taken": 1})
        self.assertEqual(self.deliver("basic", alertmanager("db2"), headers).status, 401)

    def test_pagerduty_github_and_ones_own(self):
        k = self.serve()
        page = json.dumps({"event": {"id": "01CEP5Q2XSKZZRFVLGRT8VD3T7", "event_type": "incident.triggered", "resource_type": "incident", "occurred_at": "2026-11-22T10:00:00.000Z",
                                     "agent": None, "client": None, "data": {"id": "Q1", "type": "incident", "title": "disk full"}}})
        signed = {"X-PagerDuty-Signature": f"v1={'0' * 64},v1={mac(page)}", "X-Webhook-Id": "s"}
        for taken in (1, 0):
            self.assertEqual(self.deliver("pages", page, signed).json, {"taken": taken})
        push = json.dumps({"ref": "refs/heads/main"})
        for delivery, taken in (("72d3162e", 1), ("72d3162e", 0), ("another", 0)):
            answer = self.deliver("pushes", push, {"X-Hub-Signature-256": "sha256=" + mac(push), "X-GitHub-Delivery": delivery, "X-GitHub-Event": "push"})
            self.assertEqual(answer.json, {"taken": taken}, delivery)
        body, headers = own("web1", delivery="one")
        self.assertEqual(self.deliver("own", body, headers).json, {"taken": 1})
        self.assertEqual(self.deliver("own", body, {**headers, "Keyturn-Delivery": "two"}).json, {"taken": 0}, "replayed under another id")
        self.assertEqual(self.deliver("own", *own("web1", delivery="one", again=True)).json, {"taken": 0}, "sent again by its sender")
        self.lines(["incident.triggered disk full", "push refs/heads/main", "own web1", "too web1"])
        book = k.get("/v1/runbooks/own", "ada").json
        self.assertEqual(book["triggers"], [{"as": "bot", "webhook": "own", "kind": "generic"}])

    def test_what_is_not_proved_is_refused_and_recorded_and_says_nothing(self):
        self.serve()
        now = int(time.time())
        body, good = own("web1")
        tries = [("own", body, {}), ("own", body + " ", good), ("own", *own("web1", now - 400)), ("own", *own("web1", now + 400)),
                 ("own", body, {"Keyturn-Signature": f"t={now},v1={mac(body)}"}), ("pages", "{}", {"X-PagerDuty-Signature": "v1="}),
                 ("pushes", "{}", {"X-Hub-Signature-256": "sha256=" + "0" * 64}), ("alerts", alertmanager("a"), {"Authorization": "Bearer "}),
                 ("nothing", body, good), ("own%20x", body, good)]
        answers = [self.deliver(*one) for one in tries]
        self.assertEqual({(answer.status, answer.code) for answer in answers}, {(401, "bad_delivery")}, answers)
        self.assertEqual(len({answer.body for answer in answers}), 1, "a webhook that is there is told from one that is not")
        refused = self.leaves("request.refused")
        self.assertIn("bad_delivery", {leaf["refusal"]["code"] for leaf in refused})
        self.assertEqual((self.started(), self.k.lines()), ([], []))
        for body, status in (("[]", 400), ("{", 400), ("x" * (600 << 10), 413)):
            t = str(now)
            answer = self.deliver("own", body, {"Keyturn-Signature": f"t={t},v1={mac(f'{t}.{body}')}"})
            self.assertEqual(answer.status, status, answer)

    def test_killed_between_a_delivery_and_its_start_each_starts_once(self):
        k = self.serve()
        for wave in range(3):
            sent = [own(f"w{wave}-{i}", delivery=f"{wave}-{i}") for i in range(15)]
            answers = [k.later(self.deliver, "own", *one) for one in sent]
            until(lambda: any(answer.done() for answer in answers), "one is answered")
            k.kill9()
            for answer in answers:
                answer.exception(30)
            k.start(env=ENV)
            for one in sent:  # whoever was not answered sends it again
                self.assertEqual(self.deliver("own", *one).status, 202)
        hosts = [f"w{wave}-{i}" for wave in range(3) for i in range(15)]
        until(lambda: len(self.leaves("hook.settled")) == len(hosts), "each is settled")
        triggers = [leaf["trigger"] for leaf in self.started()]
        self.assertEqual((len(triggers), len(set(triggers))), (2 * len(hosts), 2 * len(hosts)))

        def over():
            open_ones = [state for state in ("executing", "pending") if k.get(f"/v1/actions?state={state}&limit=1", "ada").json["items"]]
            return not open_ones
        until(over, "all runs end")
        lines = k.lines()
        self.assertEqual(len(lines), len(set(lines)), "nothing ran twice")

    def test_a_schedule_fires_and_fires_once_also_when_killed_then(self):
        k = self.serve(MINUTE)
        minute = 60
        deadline = time.monotonic() + 2 * minute
        while not k.lines() and time.monotonic() < deadline:
            time.sleep(0.05)  # until the minute is over; the verdict is what was written
        self.assertTrue(k.lines(), k.stderr())
        k.kill9()
        k.start(env=ENV)
        due = k.get("/v1/runbooks/minute", "ada").json["triggers"]
        self.assertEqual({key: due[0][key] for key in ("as", "schedule", "time_zone")}, {"as": "bot", "schedule": "* * * * *", "time_zone": "Europe/Berlin"})
        until(lambda: self.started(), "it is in the ledger")
        asked = [leaf["trigger"] for leaf in self.started()]
        self.assertEqual(len(asked), len(set(asked)))
        for line in k.lines():
            self.assertRegex(line, r"T\d\d:\d\d:00\.000Z$")
        self.assertEqual({leaf["agent"]["channel"] for leaf in self.started()}, {"schedule"})

    def test_what_is_wrong_in_a_trigger_is_said_with_its_line(self):
        wrong = MINUTE.replace('"* * * * *"', '"* 25 * * *"').replace("Berlin", "Berlinn").replace("as: bot, inputs: {at:", "as: bot, inputs: {att:")
        k = Keyturn(policy=RULES, tools=TOOLS + NOTE + wrong, start=False)
        self.addCleanup(k.close)
        done = k.host("serve", "--check", "--policy", k.policy_file, "--tools", k.tools_file, check=False)
        for text in ('"25" is no hour', '"Europe/Berlinn" is no time zone', 'the runbook has no input "att"', 'the runbook needs the input "at"'):
            self.assertIn(text, done.err)


SLOW = """\
---
apiVersion: keyturn/v1
kind: Runbook
metadata: {name: slow}
inputs: {name: {type: string}}
locks: ["db/{{ inputs.name }}"]
steps:
- {id: slow, tool: slow}
---
apiVersion: keyturn/v1
kind: Runbook
metadata: {name: quick}
concurrency: {limit: 1}
locks: [db/a]
steps:
- {id: note, tool: note, args: {text: quick}}
"""


class Turns(unittest.TestCase):
    def test_a_run_that_waits_says_for_which_lock_and_whom_also_after_a_crash(self):
        k = Keyturn(policy=RULES, tools=TOOLS + NOTE + SLOW)
        self.addCleanup(k.close)
        holder = k.request("runbook.slow", {"name": "a"}).json["id"]
        k.wait_started()
        waiting = k.request("runbook.quick").json["id"]
        behind = k.request("runbook.quick").json["id"]

        def shown(run=waiting):
            run = k.get(f"/v1/runs/{run}", "bot").json
            return run.get("state") == "waiting" and run
        self.assertEqual(until(lambda: shown(behind), "it waits")["waits_for"], [{"lock": "db/a", "held_by": [holder]}])  # who waits for a lock keeps no turn
        self.assertEqual(until(shown, "it waits")["waits_for"], [{"lock": "db/a", "held_by": [holder]}])
        self.assertEqual(k.get(f"/v1/runs/{holder}", "bot").json["locks"], ["db/a"])
        self.assertEqual(k.post(f"/v1/runs/{behind}/cancel", "bot", {"reason": "too long"}).status, 200)
        self.assertEqual(k.settled(behind)["state"], "failed")
        k.kill9()
        k.start()
        self.assertEqual(until(shown, "it still waits")["waits_for"][0]["held_by"], [holder])
        k.let_go()
        self.assertEqual(k.settled(waiting)["state"], "succeeded")
        self.assertEqual(k.lines()[-1], "quick")


if __name__ == "__main__":
    unittest.main()
