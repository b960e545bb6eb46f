"""A Keyturn with Slack as a channel, and the Slack of our own that it talks to."""
import json
import pathlib
import tempfile

from .keyturn import PEOPLE, POLICY, TOOLS, Keyturn, free_port, until
from .passkey import Browser
from .slack import Slack

RULES = """\
- {id: in-chat, match: {tool: [append-chat]}, effect: require, require: {quorum: {dba: 1}, assurance: chat, expires: 1h}}
- {id: two-in-chat, match: {tool: [append-two]}, effect: require, require: {quorum: {dba: 2}, assurance: chat, expires: 1h}}
- {id: called, match: {tool: [append-called]}, effect: require, require: {quorum: {dba: 1}, assurance: chat, expires: 1h, remind: 1s, escalate: {after: 2s, to: sre}}}
"""
OWN = "".join(f"""\
  {name}:
    exec: [@WORK@/append.sh, "{{{{text}}}}"]
    params: {{text: {{type: string, bytes_max: 20000}}}}
    operation: write
    resource: {{kind: file, name: lines, env: prod}}
    sandbox: none
""" for name in ("append-chat", "append-two", "append-called"))
USERS = {name: f"U0{name.upper()}00000" for name in PEOPLE}
ROOM = "C0DBA000000"


class Slacked:
    """`mode`: socket or http. Everybody of PEOPLE has a Slack account; those in `linked` have proven that it is theirs."""

    def __init__(self, mode="socket", linked=("bob", "erin", "dave"), tell="people", rooms=None, rules=""):
        port = free_port()
        self.folder = tempfile.TemporaryDirectory(prefix="keyturn-slack-")
        urls = {f"{kind}_url": f"http://localhost:{port}/slack/{path}" for kind, path in (("events", "events"), ("interactivity", "interactive"), ("commands", "commands"))}
        self.slack = Slack(mode=mode, unfurl_domains=["localhost"], **(urls if mode == "http" else {}))
        try:
            app = self.slack.app
            way = f"socket: {{app_token: {self.secret('app', app['app_token'])}}}" if mode == "socket" else \
                f"http: {{signing_secret: {self.secret('signing', app['signing_secret'])}}}"
            said = f", rooms: {json.dumps(rooms)}" if rooms else ""
            self.config = f"""\
public_url: http://localhost:{port}
channels:
  slack: {{team: {self.slack.say('team')['id']}, bot_token: {self.secret('bot', app['bot_token'])}, {way}, tell: {tell}{said}, api: "{self.slack.api}"}}
"""
            for name, user in USERS.items():
                self.slack.user(user, email=f"{name}@example.com", real_name=name.capitalize())
            self.slack.channel(ROOM, members=[USERS["bob"], USERS["erin"], USERS["carol"]], name="dba")
            self.k = Keyturn(policy=POLICY + RULES + rules, tools=TOOLS + OWN, config=self.config, port=port)
        except BaseException:
            self.slack.close()
            raise
        self.browsers = {}
        for person in linked:
            self.link(person)

    def secret(self, name, text):
        path = pathlib.Path(self.folder.name) / name
        path.write_text(text)
        path.chmod(0o600)
        return f'{{secret: "file:{path}"}}'

    def close(self):
        try:
            self.k.close()
        finally:
            self.slack.close()
            self.folder.cleanup()

    def browser(self, person):
        if person not in self.browsers:
            self.browsers[person] = Browser(self.k, person)
        return self.browsers[person]

    def code(self, person):
        made = self.browser(person).post("/v1/me/links", {"channel": "slack"})
        assert made.status == 201, made
        return made.json

    def shown(self, answer):
        """The text of an answer to a command, as one string."""
        return json.dumps(answer, ensure_ascii=False)

    def say_code(self, person, code):
        """What /keyturn link answers, as the ephemeral message that it is."""
        before = len(self.slack.ephemerals(USERS[person]))
        self.slack.command(USERS[person], "/keyturn", f"link {code}")
        return self.slack.until(lambda: self.slack.ephemerals(USERS[person])[before:])[-1]

    def link(self, person):
        attempt = self.code(person)
        asked = self.say_code(person, attempt["code"])
        self.slack.click(USERS[person], asked, "link_yes")
        until(lambda: any(one["agreed"] for one in self.browser(person).get("/v1/me/links").json["under_way"]), "the account did not agree")
        done = self.browser(person).post(f"/v1/me/links/{attempt['id']}/confirm")
        assert done.status == 200, done

    def ask(self, text="one", tool="append-chat", **fields):
        answer = self.k.request(tool, {"text": text}, "bot", **fields)
        assert answer.status == 202, answer
        return answer.json

    def card(self, person, action, when=lambda card: True):
        """That person's card of the action in their conversation with the app, once it is as `when` says."""
        return self.in_place(lambda: self.slack.dm(USERS[person]), action, when)

    def room_card(self, action, when=lambda card: True, room=ROOM):
        return self.in_place(lambda: self.slack.messages(room), action, when)

    def in_place(self, messages, action, when):
        def find():
            cards = [one for one in messages() if one["text"].endswith(f"({action['id']})") and one.get("thread_ts", one["ts"]) == one["ts"] and "it still waits" not in one["text"]]
            return next((one for one in cards if when(one)), None)
        return until(find, f"no such card of {action['id']}")

    def told(self, person, words):
        """Until somebody was told these words privately."""
        return until(lambda: next((one for one in self.slack.ephemerals(USERS[person]) + self.slack.dm(USERS[person]) if words in self.shown(one)), None),
                     f"{person} was not told {words!r}")

    def connected(self, opened=0):
        """Until there is a connection, and more than so many were opened; how many were."""
        return self.slack.until(lambda: (now := self.slack.sockets())["open"] > 0 and now["opened"] > opened and now["opened"])

    def state(self, action):
        return self.k.action(action["id"], "ada").json["state"]


def buttons(card):
    return [element["action_id"] for block in card.get("blocks", []) if block["type"] == "actions" for element in block["elements"]]
