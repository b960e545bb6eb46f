"""Microsoft Teams on loopback (tests/peers/teams): people, channels, cards and their buttons. Needs Node.js; installs the packages of its lock where they are missing.

    teams = Teams(bot="http://127.0.0.1:7717/teams/messages")
    alice = teams.user("Alice Adams", email="alice@example.com")
    alice.say("help")
    shown = teams.until(lambda: alice.messages())
    done = alice.click("Approve", inputs={"reason": "seen"})     # done["status"], done["shown"], done["card"]
    alice.click("Approve", forge="alg-none")                     # the same, forged: Teams.forgeries() names them
"""
import contextlib
import http.client
import json
import queue
import subprocess
import threading
import time

from .keyturn import DEADLINE, ROOT, Failed
from .npm import install

HERE = ROOT / "tests/peers/teams"


class Refused(Failed):
    """The loopback did not do what was asked: the button is not on the card, the user is not there."""


class Script:
    """A Node.js script of tests/peers/teams, or a folder in it, that prints its ports when it listens."""

    def __init__(self, *words, folder=HERE):
        install(folder)
        self.process = subprocess.Popen(["node", *map(str, words)], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        lines, self.errors = queue.Queue(), []
        threading.Thread(target=lambda: lines.put(self.process.stdout.readline()), daemon=True).start()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        with contextlib.suppress(queue.Empty, ValueError):
            self.ports = [int(word) for word in lines.get(timeout=DEADLINE).split()]
            if self.ports:
                return
        self.process.kill()
        self._reader.join(DEADLINE)
        raise Failed(f"{words[0]} did not start: {''.join(self.errors)}")

    def _read(self):
        for line in self.process.stderr:
            self.errors = [*self.errors[-500:], line]

    def close(self):
        self.process.terminate()
        self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        self.process.stdout.close()
        self.process.stderr.close()


class User:
    """A person. What they do goes to the bot at once; each answer is a dict with "status", "body", "ms", "n"."""

    def __init__(self, teams, facts):
        self.teams, self.aad, self.id, self.name, self.email = teams, facts["aad"], facts["id"], facts["name"], facts["email"]

    def _do(self, order, **more):
        return self.teams.control(order, user=self.aad, **{k: v for k, v in more.items() if v is not None})

    def set(self, **facts):
        """bot="blocked", guest=True, tenant=…"""
        self.teams.control("user", aad=self.aad, **facts)

    @property
    def conversation(self):
        """The id of their chat with the bot."""
        return self._do("personal")["conversation"]

    def messages(self, conversation=None):
        """The messages as they stand; default: of the chat with the bot."""
        return [one for one in self._do("messages", conversation=conversation)["messages"] if not one["deleted"]]

    def card(self, message=None, conversation=None):
        """The card before their eyes; default: the last one."""
        return self._do("card", message=message, conversation=conversation)["card"]

    def say(self, text, **more):
        return self._do("say", text=text, **more)

    def click(self, button, message=None, **more):
        """Presses what has this verb or, else, this title: inputs={…}, stale=True, conversation=…, forge=…, force=True (inputs unseen by the client's checks)."""
        try:
            return self._do("execute", verb=button, message=message, **more)
        except Refused as refused:
            if "NoSuchAction" not in str(refused):
                raise
        return self._do("execute", title=button, message=message, **more)

    def refresh(self, message=None, **more):
        return self._do("refresh", message=message, **more)

    def edit(self, message, text, **more):
        return self._do("change", message=message, text=text, **more)

    def delete(self, message, **more):
        return self._do("change", message=message, delete=True, **more)

    def install(self, action="add", **more):
        return self._do("install", action=action, **more)

    def send(self, activity, **more):
        """Any activity from them: merged into what Teams sends, null takes a member away."""
        return self._do("send", activity=activity, **more)


class Teams:
    APP, SECRET, TENANT = "11111111-2222-3333-4444-555555555555", "bot-secret", "aaaaaaaa-0000-4000-8000-000000000001"

    def __init__(self, bot=None):
        self.script = Script("loopback.mjs", 0, 0)
        self.port, self.control_port = self.script.ports
        self.url = f"http://127.0.0.1:{self.port}"
        self.relay = f"http://127.0.0.1:{self.control_port}/relay"  # signs what comes without Authorization, and passes it to the bot
        if bot:
            self.bot(bot)

    def close(self):
        self.script.close()

    def control(self, order, /, **body):
        connection = http.client.HTTPConnection("127.0.0.1", self.control_port, timeout=2 * DEADLINE + 10)
        try:
            connection.request("POST", f"/control/{order}", body=json.dumps(body), headers={"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise Refused(f"{order}: {said['error']['code']}: {said['error']['message']}")
        return said

    def bot(self, url, **facts):
        """Where the bot is; app_id, secret, tenant, name where they are to be others."""
        return self.control("bot", url=url, **facts)

    def urls(self):
        """service_url, metadata, tenant_metadata, token, login: what the bot is told in place of Microsoft's."""
        return self.control("urls")

    def user(self, name, email="", **facts):
        """guest=True, tenant=…, bot="installed" | "blocked" | "removed", aad=…"""
        return User(self, self.control("user", name=name, email=email, **facts))

    def team(self, name, members=(), channels=("General",), **facts):
        """{"id", "channels": {name: id}, …}; a bot is in it unless installed=False."""
        return self.control("team", name=name, members=[one.aad for one in members], channels=list(channels), **facts)

    def roster(self, team, by, add=(), remove=(), bot=None):
        return self.control("roster", team=team["id"], user=by.aad, add=[one.aad for one in add], remove=[one.aad for one in remove], **({"bot": bot} if bot else {}))

    def messages(self, conversation):
        return [one for one in self.control("messages", conversation=conversation)["messages"] if not one["deleted"]]

    def forgeries(self):
        return self.control("forgeries")["forgeries"]

    def fault(self, on, times=1, **fault):
        """fault("send", 2, status=429, retry_after=1); hang=True, reset=True, delay_ms=…, after=True: done, but the answer is lost."""
        return self.control("fault", on=on, times=times, **fault)

    def calm(self):
        self.control("calm")

    def calls(self, operation=None, since=0):
        """The calls to the connector and the issuer, in order."""
        return [one for one in self.control("calls", since=since)["calls"] if operation in (None, one["operation"])]

    def again(self, sent):
        """The same request to the bot once more, byte for byte: sent is a former answer."""
        return self.control("again", n=sent["n"])

    def sent(self):
        """The requests to the bot, in order: {"n", "method", "headers", "body", "status"}."""
        return self.control("sent")["sent"]

    @staticmethod
    def activity(sent):
        return json.loads(sent["body"])

    def raw(self, **request):
        return self.control("raw", **request)

    def down(self):
        self.control("down")

    def up(self):
        self.control("up")

    def until(self, predicate, why="Teams did not come to it"):
        """The first true value of predicate()."""
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            value = predicate()
            if value:
                return value
            time.sleep(0.02)
        raise Failed(f"{why}; the last calls: {[(one['operation'], one.get('status')) for one in self.calls()[-10:]]}")
