"""Webhooks that tell of actions which wait for people: signed, in order, nothing lost, nothing private; PagerDuty and Opsgenie."""
import json
import pathlib
import socket
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import webhook  # noqa: E402
from support.keyturn import Keyturn, contains, free_port, until  # noqa: E402

POLICY = """apiVersion: keyturn/v1
kind: Policy
metadata: {name: webhooks, revision: 1}
defaults: {effect: deny, onError: deny}
rules:
- {id: asked, match: {tool: [ask]}, effect: require, require: {quorum: {dba: 1, sre: 1}, assurance: token, expires: 1h}}
- {id: soon, match: {tool: [call]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h, escalate: {after: 1s, to: sre, instead_of: [dba]}}}
- {id: paged, match: {tool: [page]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h, notify: [pager]}}
- {id: free, match: {tool: [free]}, effect: allow}
"""
TOOLS = "tools:\n" + "".join(
    f'  {name}: {{exec: [/bin/echo, "{{{{text}}}}"], params: {{text: {{type: string}}}}, resource: {{kind: host, name: here, env: prod}}, sandbox: none}}\n'
    for name in ("ask", "call", "page", "free"))
PEOPLE = {"ada": [], "olga": [], "bob": ["dba"], "carol": ["sre"]}
HIDDEN = "quite-private-words"
SECRET = webhook.secret("a receiver of changes")
KEY = "0123456789abcdef0123456789abcdef"  # of PagerDuty or Opsgenie


class Case(unittest.TestCase):
    def setUp(self):
        made = tempfile.TemporaryDirectory(prefix="keyturn-webhooks-")
        self.addCleanup(made.cleanup)
        self.folder = pathlib.Path(made.name)
        for name, text in (("whsec", SECRET), ("key", KEY)):
            (self.folder / name).write_text(text + "\n")
            (self.folder / name).chmod(0o600)

    def receiver(self, **more):
        made = webhook.Receiver(SECRET, **more)
        self.addCleanup(made.stop)
        return made

    def keyturn(self, *webhooks):
        k = Keyturn(policy=POLICY, tools=TOOLS, people=PEOPLE, config="channels:\n  webhooks:\n" + "".join(f"  - {one}\n" for one in webhooks))
        self.addCleanup(k.close)
        return k

    def standard(self, port, more="always: true"):
        return f"{{name: hook, url: 'http://localhost:{port}/in', secret: {{secret: 'file:{self.folder}/whsec'}}, {more}}}"

    def pager(self, form, port, more="always: false"):
        return f"{{name: pager, template: {form}, url: 'http://localhost:{port}/in', secret: {{secret: 'file:{self.folder}/key'}}, {more}}}"

    def channel(self, k, name="hook"):
        return next(one for one in k.get("/v1/admin/channels", "ada").json["items"] if one["name"] == name)

    def ask(self, k, tool="ask"):
        return k.request(tool, {"text": HIDDEN}, reason=HIDDEN).json


class Standard(Case):
    def up_to(self, receiver, state, action=None):
        """The messages up to the first with that state."""
        seen = []
        while not seen or seen[-1]["json"]["data"]["state"] != state or (action and seen[-1]["json"]["data"]["action"] != action["id"]):
            seen.append(receiver.request())
        return seen

    def gapless(self, messages):
        """Of one action: in order, each stands for what came after the one before; returns all changes."""
        changes, last = [], 0
        for message in messages:
            data = message["json"]["data"]
            self.assertEqual(data["since"], last + 1, messages)
            self.assertEqual([one["version"] for one in data["changes"]], list(range(last + 1, data["version"] + 1)))
            changes += [one["what"] for one in data["changes"]]
            last = data["version"]
        return changes

    def test_every_change_signed_as_documented_and_nothing_private(self):
        receiver = self.receiver()
        k = self.keyturn(self.standard(receiver.port))
        k.request("free", {"text": HIDDEN}, wait=20)  # nobody is asked: nothing is told
        action = self.ask(k)
        first = receiver.request()
        self.assertEqual((first["method"], first["path"], first["headers"]["content-type"]), ("POST", "/in", "application/json"))
        data = first["json"]["data"]
        self.assertEqual((data["action"], data["tool"], data["state"], data["requester"], data["owner"]),
                         (action["id"], "ask", "pending", {"kind": "agent", "id": "bot"}, "olga"))
        self.assertEqual(data["needed"], [{"group": "dba", "count": 1, "have": 0}, {"group": "sre", "count": 1, "have": 0}])
        self.assertTrue(data["url"].endswith("/a/" + action["id"]))
        self.assertEqual(k.post(f"/v1/actions/{action['id']}/comments", "bob", {"text": HIDDEN}).status, 200)
        self.assertEqual(k.vote(action, "bob", note=HIDDEN).status, 200)
        voted = receiver.until(lambda line: "path" in line and '"decision":"approve"' in line["body"])
        given = json.loads(voted["body"])["data"]["given"]
        self.assertEqual([(one["by"], one["decision"], one["channel"]) for one in given], [("bob", "approve", "api")])
        self.assertEqual(k.vote(action, "carol").status, 200)
        receiver.until(lambda line: "path" in line and '"state":"succeeded"' in line["body"])
        messages = receiver.requests()
        changes = self.gapless(messages)
        for what in ("review.opened", "review.commented", "review.voted", "review.closed", "execution.intended", "execution.finished"):
            self.assertIn(what, changes)
        self.assertTrue(all(one["verified"] for one in messages), "standardwebhooks takes each")
        self.assertEqual([one["wrong"] for one in messages], [None] * len(messages), "the schema of the documentation holds")
        self.assertEqual([one["headers"]["webhook-id"] for one in messages], [one["json"]["id"] for one in messages])
        self.assertFalse([one for one in messages if HIDDEN in json.dumps(one)])
        self.assertEqual(self.channel(k)["state"], "ok")

    def test_a_receiver_that_is_down_misses_nothing_and_gets_the_newest(self):
        port = free_port()
        k = self.keyturn(self.standard(port))
        one, other = self.ask(k), self.ask(k)
        until(lambda: self.channel(k)["state"] == "down", "it does not say that it is down")
        self.assertEqual(k.vote(one, "bob").status, 200)
        self.assertEqual(k.vote(one, "carol").status, 200)
        self.assertEqual(k.settled(one["id"])["state"], "succeeded")  # nobody waits for a webhook
        k.kill9()
        k.start()
        self.assertEqual(k.vote(other, "bob", "deny").status, 200)
        receiver = self.receiver(port=port)
        told = {}
        while {action: told[action][-1]["json"]["data"]["state"] for action in told} != {one["id"]: "succeeded", other["id"]: "denied"}:
            message = receiver.request()
            told.setdefault(message["json"]["data"]["action"], []).append(message)
        for messages in told.values():
            self.assertIn("review.opened", self.gapless(messages))
            self.assertTrue(all(message["verified"] and message["wrong"] is None for message in messages))
        until(lambda: self.channel(k)["state"] == "ok", "it does not say that it is up again")
        receiver.stop()  # and once more
        third = self.ask(k)
        until(lambda: self.channel(k)["state"] == "down", "it does not say that it is down")
        again = self.receiver(port=port)
        again.until(lambda line: "path" in line and third["id"] in line["body"])  # what was under way when it went down may come once more, first

    def test_an_answer_that_was_lost_is_the_same_message_again(self):
        receiver = self.receiver()
        k = self.keyturn(self.standard(receiver.port))
        receiver.answer({"status": 204, "hang": True}, {"status": 500}, {"status": 503, "headers": {"retry-after": "1"}}, {"status": 429, "headers": {"retry-after": "1"}})
        self.ask(k)
        messages = [receiver.request() for _ in range(5)]
        self.assertEqual([one["status"] for one in messages], [204, 500, 503, 429, 204])
        self.assertEqual(len({one["headers"]["webhook-id"] for one in messages}), 1)
        self.assertEqual(len({one["body"] for one in messages}), 1)
        until(lambda: self.channel(k)["state"] == "ok", "it goes on failing")
        self.assertEqual(self.channel(k)["dead"], [])

    def test_killed_before_the_answer_it_sends_again_and_leaves_no_gap(self):
        receiver = self.receiver()
        k = self.keyturn(self.standard(receiver.port))
        receiver.answer(otherwise={"status": 500})
        action = self.ask(k)
        receiver.request()
        k.kill9()
        receiver.answer()
        k.start()
        self.assertEqual(k.vote(action, "bob", "deny").status, 200)
        taken = [one for one in self.up_to(receiver, "denied") if one["status"] == 204]
        self.assertEqual(len({one["headers"]["webhook-id"] for one in taken}), len(taken))
        self.assertIn("review.opened", self.gapless(taken))

    def test_what_is_refused_is_given_up_said_and_sent_again_on_request(self):
        receiver = self.receiver()
        k = self.keyturn(self.standard(receiver.port))
        receiver.answer({"status": 400})
        action = self.ask(k)
        dead = until(lambda: self.channel(k)["dead"], "it is not given up")
        self.assertEqual([(one["action"], one["why"]) for one in dead], [(action["id"], "the receiver answered 400")])
        self.assertEqual(self.channel(k)["state"], "warning")
        metrics = k.get("/metrics").body.decode()
        self.assertIn('keyturn_channel_given_up{name="hook"} 1\n', metrics)
        self.assertIn('keyturn_channel_failing{name="hook"} 0\n', metrics)
        other = self.ask(k)  # what comes after it is not held up
        receiver.until(lambda line: "path" in line and other["id"] in line["body"])
        k.restart()
        self.assertEqual(len(self.channel(k)["dead"]), 1, "it is known after a restart")
        self.assertEqual(k.post("/v1/admin/channels/hook/retry", "bob", {}).status, 403)
        self.assertEqual(k.post("/v1/admin/channels/hook/retry", "ada", {"action": action["id"]}).json, {"retried": 1})
        again = receiver.until(lambda line: "path" in line and action["id"] in line["body"] and line["status"] == 204)
        self.assertTrue(again["verified"])
        until(lambda: self.channel(k)["dead"] == [], "it is still given up")
        receiver.answer({"status": 410})
        self.ask(k)
        until(lambda: "410" in json.dumps(self.channel(k)["detail"]), "it does not say that the receiver is gone")

    def test_no_secret_is_said_and_one_that_comes_later_is_used(self):
        receiver = self.receiver()
        (self.folder / "whsec").unlink()
        k = self.keyturn(self.standard(receiver.port))
        self.ask(k)
        until(lambda: "whsec" in self.channel(k)["detail"], "it does not say what is missing")
        (self.folder / "whsec").write_text(SECRET)
        (self.folder / "whsec").chmod(0o600)
        self.assertTrue(receiver.request()["verified"])
        self.assertEqual(contains(self.folder, [HIDDEN]), [])
        said = k.stderr() + json.dumps(self.channel(k))
        self.assertNotIn(SECRET[6:], said)

    def test_it_stops_at_once_beside_a_receiver_that_says_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            k = self.keyturn(self.standard(silent.getsockname()[1]))
            self.ask(k)
            connection, _ = silent.accept()
            self.addCleanup(connection.close)
            self.assertEqual(k.stop(), 0)

    def test_the_command_line_says_whether_it_can_work(self):
        receiver = self.receiver()
        k = self.keyturn(self.standard(receiver.port), self.pager("pagerduty", receiver.port))
        self.assertIn("it took a test message", k.cli("channels", "test", "hook", "--config", k.config_file).out)
        sent = receiver.request()
        self.assertEqual((sent["json"]["type"], sent["verified"], sent["wrong"]), ("keyturn.test", True, None))
        self.assertIn("nobody was called", k.cli("channels", "test", "pager", "--config", k.config_file).out)
        self.assertEqual(receiver.request()["method"], "GET")
        nobody = k.cli("channels", "test", "hok", "--config", k.config_file, check=False)
        self.assertEqual(nobody.code, 2)
        self.assertIn('no channel "hok" is configured; there are: hook, pager', nobody.out + nobody.err)
        receiver.answer({"status": 401})
        bad = k.cli("channels", "test", "hook", "--config", k.config_file, check=False)
        self.assertNotEqual(bad.code, 0)
        self.assertIn("the receiver answered 401", bad.out + bad.err)

    def test_mistakes_have_their_place(self):
        k = self.keyturn(self.standard(1))
        k.config_file.write_text("channels:\n  webhooks:\n  - {name: hook, url: 'http://hook.example/in', secret: {secret: 'env:X'}, severity: info}\n")
        checked = k.cli("serve", "--check", "--data", k.data, "--policy", k.policy_file, "--tools", k.tools_file, "--config", k.config_file, check=False)
        self.assertEqual(checked.code, 1)
        self.assertIn("keyturn.yaml:3:", checked.err + checked.out)
        self.assertIn("needs https", checked.err + checked.out)
        self.assertIn('unknown field "severity"', checked.err + checked.out)


class Pagers(Case):
    def test_pagerduty_is_called_at_the_escalation_only(self):
        receiver = self.receiver()
        receiver.answer(otherwise={"status": 202})
        k = self.keyturn(self.pager("pagerduty", receiver.port, "severity: error"))
        self.ask(k, "ask")  # does not escalate
        action = self.ask(k, "call")
        call = receiver.request()["json"]
        # https://developer.pagerduty.com/docs/send-alert-event
        self.assertEqual(set(call), {"routing_key", "event_action", "dedup_key", "payload", "links", "client", "client_url"})
        self.assertEqual((call["routing_key"], call["event_action"], call["dedup_key"]), (KEY, "trigger", action["id"]))
        payload = call["payload"]
        self.assertEqual(set(payload), {"summary", "source", "severity", "timestamp", "class", "custom_details"})
        self.assertEqual(payload["severity"], "error")
        self.assertEqual(payload["summary"], "Keyturn: call (execute) waits for people of dba, escalated to sre")
        self.assertEqual(payload["custom_details"]["requester"], "bot")
        self.assertEqual(set(call["links"][0]), {"href", "text"})
        self.assertEqual(k.vote(action, "carol").status, 200)
        rest = [receiver.request()["json"]]
        if rest[0]["event_action"] == "acknowledge":
            rest.append(receiver.request()["json"])
        self.assertEqual(rest[-1], {"routing_key": KEY, "event_action": "resolve", "dedup_key": action["id"]})
        k.settled(action["id"])
        self.assertNotIn(HIDDEN, json.dumps(receiver.requests()))
        self.assertEqual(self.channel(k, "pager")["state"], "ok")

    def test_a_plan_calls_at_once_and_whoever_was_called_is_let_go_after_an_outage(self):
        port = free_port()
        k = self.keyturn(self.pager("opsgenie", port, "priority: P1"))
        action = self.ask(k, "page")
        until(lambda: self.channel(k, "pager")["state"] == "down", "it does not say that it is down")
        receiver = self.receiver(port=port)
        receiver.answer(otherwise={"status": 202})
        call = receiver.request()
        # https://docs.opsgenie.com/docs/alert-api
        self.assertEqual((call["path"], call["headers"]["authorization"]), ("/in/v2/alerts", "GenieKey " + KEY))
        self.assertEqual(set(call["json"]), {"message", "alias", "description", "details", "source", "priority"})
        self.assertEqual((call["json"]["alias"], call["json"]["priority"]), (action["id"], "P1"))
        self.assertLessEqual(len(call["json"]["message"]), 130)
        self.assertTrue(all(isinstance(text, str) for text in call["json"]["details"].values()))
        until(lambda: self.channel(k, "pager")["state"] == "ok", "it goes on failing")
        receiver.stop()
        self.assertEqual(k.vote(action, "bob", "deny").status, 200)
        until(lambda: self.channel(k, "pager")["state"] == "down", "it does not say that it is down")
        k.kill9()
        k.start()
        again = self.receiver(port=port)
        again.answer(otherwise={"status": 202})
        self.assertEqual(again.request()["path"], f"/in/v2/alerts/{action['id']}/close?identifierType=alias")
        self.assertNotIn(KEY, k.stderr())


if __name__ == "__main__":
    unittest.main(verbosity=2)
