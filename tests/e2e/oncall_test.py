"""On-call schedules from a file and from a webhook: who is on call is who is asked, and nobody else ever is."""
import base64
import datetime
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import webhook  # noqa: E402
from support.keyturn import Keyturn, until  # noqa: E402

POLICY = """apiVersion: keyturn/v1
kind: Policy
metadata: {name: oncall, revision: 1}
defaults: {effect: deny, onError: deny}
rules:
- {id: primary, match: {tool: [restart]}, effect: require, require: {quorum: {sre-oncall: 1}, assurance: token, expires: 1h}}
- {id: database, match: {tool: [vacuum]}, effect: require, require: {quorum: {dba-oncall: 1}, assurance: token, expires: 1h}}
"""
TOOLS = """tools:
  restart: {exec: [/bin/echo, "{{text}}"], params: {text: {type: string}}, resource: {kind: host, name: here, env: prod}, sandbox: none}
  vacuum: {exec: [/bin/echo, "{{text}}"], params: {text: {type: string}}, resource: {kind: host, name: here, env: prod}, sandbox: none}
"""
IDENTITY = """apiVersion: keyturn/v1
kind: Identity
oncall:
  primary: {group: sre-oncall, of: sre, file: schedules/primary.yaml}
  database: {group: dba-oncall, of: dba, webhook: {secret: "file:@SECRET@"}}
"""
PEOPLE = {"ada": [], "olga": [], "bob": ["dba"], "erin": ["dba"], "carol": ["sre"], "dan": ["sre"], "mia": []}
SECRET = webhook.secret("of the schedule database")


def at(minutes):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def shift(person, begin=-60, end=60):
    return {"person": person, "from": at(begin), "until": at(end)}


def rotation(*people):
    """Turns of a year: the first of them is on call."""
    return json.dumps({"timezone": "Europe/Berlin", "rotation": {"start": at(-60 * 24)[:16], "every": "365d", "people": list(people)}})


class Served(unittest.TestCase):
    def setUp(self):
        self.k = Keyturn(policy=POLICY, tools=TOOLS, people=PEOPLE, start=False, tokens=False, agents={}, config="watch: true\n")
        self.addCleanup(self.k.close)
        self.file = self.k.folder / "schedules/primary.yaml"
        self.file.parent.mkdir()
        self.file.write_text(rotation("carol", "dan"))
        self.secret_file = self.k.folder / "secret"
        self.secret_file.write_text(SECRET)
        self.secret_file.chmod(0o600)
        self.identity = self.k.folder / "identity.yaml"
        self.identity.write_text(IDENTITY.replace("@SECRET@", str(self.secret_file)))
        self.k.arguments = ["--identity", str(self.identity)]
        self.k.start()
        for name in PEOPLE:
            self.k.new_token(name, person=name)
        self.k.add_agent("bot", "olga")

    def schedule(self, name):
        return next(one for one in self.k.get("/v1/oncall", "ada").json["items"] if one["name"] == name)

    def on_call(self, name):
        return [one["id"] for one in self.schedule(name)["on_call"] if one["counts"]]

    def asked(self, action, *people):
        for who in PEOPLE:
            listed = self.k.get("/v1/actions?for=me&state=pending", who).json["items"]
            self.assertEqual(action["id"] in [one["id"] for one in listed], who in people, who)

    def leaves(self, kind):
        found, after = [], 0
        while page := self.k.get(f"/v1/ledger/entries?from={after}&limit=100", "ada").json["items"]:
            found += [leaf for leaf in (json.loads(base64.b64decode(one["leaf"])) for one in page) if leaf["type"] == kind]
            after = page[-1]["index"] + 1
        return found


class FromAFile(Served):
    def test_whoever_is_on_call_is_asked(self):
        self.assertEqual(self.on_call("primary"), ["carol"])
        action = self.k.request("restart", {"text": "x"}).json
        self.asked(action, "carol")
        answer = self.k.vote(action, "dan", digest=action["digest"])
        self.assertEqual(answer.status, 404, answer)
        self.assertEqual(self.k.vote(action, "carol").status, 200)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        shown = self.k.cli("oncall", token="ada").out
        self.assertRegex(shown, r"primary +sre-oncall +carol +\d{4}-")
        self.assertRegex(shown, r"database +dba-oncall +nobody .*stale")
        self.assertIn("sre-oncall", self.k.cli("person", "list", token="ada").out)

    def test_a_new_file_is_read_and_a_broken_one_is_said(self):
        self.file.write_text(rotation("dan", "carol"))
        until(lambda: self.on_call("primary") == ["dan"], "the new file was not read")
        self.file.write_text("rotation: {start: yesterday}\n")
        until(lambda: self.schedule("primary")["problems"], "the broken file was not said")
        self.assertIn("schedules/primary.yaml:1:19: start must be a local time", self.schedule("primary")["problems"][0])
        self.assertEqual(self.on_call("primary"), ["dan"])
        self.k.wait_stderr(r"oncall\.primary: not taken")
        self.assertEqual(self.k.get("/readyz").json, {"status": "ready", "troubled": ["oncall.database", "oncall.primary"]})
        self.assertRegex(self.k.get("/metrics").body.decode(), r"(?m)^keyturn_oncall_troubled 2$")
        until(lambda: self.leaves("oncall.file_refused"), "nothing is in the ledger")
        self.k.restart()
        self.assertEqual(self.on_call("primary"), ["dan"])
        self.assertEqual(len(self.leaves("oncall.file_refused")), 1)
        self.file.write_text(rotation("carol"))
        until(lambda: self.on_call("primary") == ["carol"], "the repaired file was not read")

    def test_nobody_is_put_in_by_hand(self):
        for words in (("groups", "dan", "--group", "sre", "--group", "sre-oncall"), ("add", "zoe", "--group", "sre-oncall")):
            refused = self.k.host("person", *words, check=False)
            self.assertNotEqual(refused.code, 0)
            self.assertIn("said by its schedule", refused.err)
        self.assertEqual(self.on_call("primary"), ["carol"])

    def test_a_group_that_has_members_is_no_schedules(self):
        self.identity.write_text(self.identity.read_text().replace("sre-oncall", "dba"))
        said = self.k.reload()
        self.assertIn("identity.yaml", said)
        self.assertRegex(said, "invalid|rests on another|by hand")
        self.assertEqual(self.on_call("primary"), ["carol"])

    def test_a_schedule_that_is_gone_ends(self):
        action = self.k.request("restart", {"text": "x"}).json
        self.identity.write_text("apiVersion: keyturn/v1\nkind: Identity\n")
        self.assertIn("in force", self.k.reload())
        self.assertEqual(self.k.get("/v1/oncall", "ada").json["items"], [])
        self.asked(action)


class FromAWebhook(Served):
    def setUp(self):
        super().setUp()
        self.sender = webhook.Sender()
        self.addCleanup(self.sender.close)

    def tell(self, *shifts, **more):
        body = more.pop("body", {"shifts": list(shifts)})
        return self.sender.send(self.k.url + "/v1/oncall/database", more.pop("secret", SECRET), body, **more)

    def test_it_says_who_is_on_call(self):
        self.assertTrue(self.schedule("database")["stale"])
        action = self.k.request("vacuum", {"text": "x"}).json
        self.asked(action)
        told = self.tell(shift("Bob@Example.com"), shift("erin", 60, 120))
        self.assertEqual(told["status"], 200, told)
        self.assertEqual([one["id"] for one in told["body"]["on_call"]], ["bob"])
        self.asked(action, "bob")
        self.assertFalse(self.schedule("database")["stale"])
        self.k.restart()
        self.assertEqual(self.on_call("database"), ["bob"])
        self.assertEqual(self.tell(shift("erin"))["status"], 200)
        self.asked(action, "erin")
        self.assertEqual(self.k.vote(action, "erin").status, 200)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        self.assertEqual(self.tell()["status"], 200)
        self.assertEqual(self.on_call("database"), [])

    def test_what_is_malformed_changes_nothing(self):
        self.assertEqual(self.tell(shift("bob"))["status"], 200)
        for body, code, pointer in (("[]", "wrong_type", ""), ({"shifts": [shift("nobody")]}, "unknown_person", "/shifts/0/person"),
                                    ({"shifts": [shift("bob"), shift("bob") | {"until": "tomorrow"}]}, "wrong_type", "/shifts/1/until"),
                                    ({"shifts": [shift("bob")], "on": 1}, "unknown_field", "/on")):
            told = self.tell(body=body)
            self.assertEqual((told["status"], told["body"]["code"], told["body"].get("pointer", "")), (400, code, pointer), told)
        self.assertEqual(self.on_call("database"), ["bob"])

    def test_without_a_secret_the_server_does_not_start(self):
        self.k.stop()
        for text in ("", "hunter2"):
            self.secret_file.write_text(text)
            self.k.start(wait=False)
            self.assertEqual(self.k.process.wait(30), 1)
            self.k._reader.join(30)
            self.k.process.stdout.close()
            self.assertIn("oncall.database", self.k.stderr())
            self.assertNotIn("hunter2", self.k.stderr())


if __name__ == "__main__":
    unittest.main(verbosity=2)
