"""People of Keyturn and their accounts in Teams."""
import contextlib
import os
import tempfile

from .keyturn import Keyturn
from .passkey import Browser
from .teams import Teams


class TeamsAndKeyturn:
    """A loopback Teams and a Keyturn that is its bot. Users bob, carol, erin and mia are in the team; link() makes one somebody here.

    before(teams): runs before Keyturn starts, and gives the serviceUrl that it is told."""

    def __init__(self, tell="people", before=None, **keyturn):
        self.teams = Teams()
        try:
            service_url = before(self.teams) if before else None
            self.users = {name: self.teams.user(f"{name.title()} of Teams", email=f"{name}@example.com") for name in ("bob", "carol", "erin", "mia")}
            self.team = self.teams.team("Operations", members=list(self.users.values()), channels=["General", "Approvals"])
            self.room = self.team["channels"]["Approvals"]
            descriptor, self.secret = tempfile.mkstemp(prefix="teams-secret-")
            os.write(descriptor, Teams.SECRET.encode())
            os.close(descriptor)
            self.browsers = {}
            self.k = Keyturn(config=self.config(tell, service_url), **keyturn)
            self.teams.bot(f"http://127.0.0.1:{self.k.port}/teams/messages")
        except BaseException:
            self.teams.close()
            raise

    def config(self, tell, service_url):
        urls = self.teams.urls()
        rooms = "" if tell == "people" else f'    rooms: {{"*": "{self.room}"}}\n'
        return (f"channels:\n  teams:\n    app_id: {Teams.APP}\n    tenant: {Teams.TENANT}\n    secret: {{secret: \"file:{self.secret}\"}}\n    tell: {tell}\n{rooms}"
                f"    login: {urls['login']}\n    metadata: {urls['metadata']}\n    service_url: {service_url or urls['service_url']}\n")

    def close(self):
        for one in (self.k.close, self.teams.close):
            with contextlib.ExitStack() as stack:
                stack.callback(one)
        with contextlib.suppress(OSError):
            os.unlink(self.secret)

    def browser(self, person):
        if person not in self.browsers:
            self.browsers[person] = Browser(self.k, person)
        return self.browsers[person]

    def begin_link(self, person):
        begun = self.browser(person).send("POST", "/v1/me/links", {"channel": "teams"})
        assert begun.status == 201, begun
        return begun.json

    def link(self, person, user=None):
        """Proof on both sides: the code is said in the chat, agreed to there, and confirmed in the browser."""
        user = user or self.users[person]
        attempt = self.begin_link(person)
        said = user.say(f"link {attempt['code']}")
        assert said["status"] == 200, said
        agreed = user.click("link_yes")
        assert agreed["shown"] == "card", agreed
        done = self.browser(person).send("POST", f"/v1/me/links/{attempt['id']}/confirm", {})
        assert done.status == 200, done
        return user

    def ask(self, text, tool="append", **more):
        answer = self.k.request(tool, {"text": text}, **more)
        assert answer.status == 202, answer
        return answer.json

    def cards(self, user, action, conversation=None):
        """Messages that hold a card of this action, as they stand."""
        return [one for one in user.messages(conversation) if one["card"] and action["id"] in str(one["card"])]

    def card(self, user, action, conversation=None, where=lambda card: True):
        """The first message with the action's buttons or state, once `where` of its card's text is true."""
        def found():
            return next((one for one in self.cards(user, action, conversation) if "fallbackText" in one["card"] and where(texts(one["card"]))), None)
        return self.teams.until(found, f"no card of {action['id']}")


def texts(card):
    """All that is read on a card, in order; the titles of its buttons in brackets."""
    out = []

    def walk(value):
        if isinstance(value, list):
            for one in value:
                walk(one)
        elif isinstance(value, dict):
            if value.get("type") == "RichTextBlock":
                out.append("".join(one["text"] for one in value["inlines"]))
                return
            if str(value.get("type", "")).startswith("Action."):
                out.append(f"[{value.get('title', '')}]")
            for key in ("body", "items", "actions", "card"):
                walk(value.get(key))
    walk(card)
    return "\n".join(out)


def verbs(card):
    """The verbs of all buttons that somebody could press."""
    out = set()

    def walk(value):
        if isinstance(value, list):
            for one in value:
                walk(one)
        elif isinstance(value, dict):
            if value.get("type") == "Action.Execute":
                out.add(value.get("verb"))
            for key, one in value.items():
                if key != "refresh":
                    walk(one)
    walk(card)
    return out
