"""A Slack of our own on loopback (tests/peers/slack/loopback.mjs says what it does), driven from tests. Needs Node.js; installs the packages of its lock where they are missing.

    slack = Slack(request_url="http://127.0.0.1:8080/slack/events")    # or Slack(mode="socket")
    slack.user("U0ADA", email="ada@example.com")
    slack.channel("C0OPS", members=["U0ADA"])
    card = slack.until(lambda: slack.messages("C0OPS"))[-1]            # {"ts", "text", "blocks", "shown", "edits", "versions", …}
    slack.click("U0ADA", card, "approve")                              # {"ok", "status", "body", "ms", …}: what the app said
"""
import contextlib
import http.client
import json
import os
import queue
import subprocess
import threading
import time
import urllib.parse

from .keyturn import DEADLINE, ROOT, Failed
from .npm import install

HERE = ROOT / "tests/peers/slack"
# No verdict is to hang on how fast this machine is: what has to be slow enough is checked with Slack's own numbers by tests that move the clock.
PATIENT = {"trigger_ms": 60_000, "ack_ms": 30_000, "retry_ms": [0, 100, 200]}


class Refused(Failed):
    """The loopback does not do that: there is no such button, person or message."""


class Slack:
    """`settings`: of the loopback; everything else: of the app (request_url, mode, scopes, events, unfurl_domains, …)."""

    def __init__(self, settings=None, **app):
        install(HERE)
        self.process = subprocess.Popen(["node", "loopback.mjs"], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")})
        lines = queue.Queue()
        threading.Thread(target=lambda: lines.put(self.process.stdout.readline()), daemon=True).start()
        try:
            ports = json.loads(lines.get(timeout=DEADLINE))
        except (queue.Empty, ValueError):
            self.close()
            raise Failed("loopback.mjs did not start: its error is above") from None
        self.port, self._control, self.app = ports["port"], ports["control"], {}
        self._began = PATIENT | (settings or {}), app
        self.reset()

    def close(self):
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def api(self):
        """In place of https://slack.com/api/."""
        return f"http://127.0.0.1:{self.port}/api/"

    def say(self, word, **told):
        """POST /control/WORD."""
        connection = http.client.HTTPConnection("127.0.0.1", self._control, timeout=DEADLINE * 4)
        try:
            connection.request("POST", f"/control/{word}", body=json.dumps(told))
            answer = connection.getresponse()
            said = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise Refused(f"{word}: {said['error']}")
        return said

    # The app and the workspace.
    def reset(self):
        """A new workspace with nobody in it; the app and the settings as they were given at first."""
        settings, app = self._began
        self.say("reset")
        self.set(**settings)
        self.configure(**app)

    def configure(self, **app):
        self.app = self.say("app", **app)
        return self.app

    def set(self, **settings):
        return self.say("settings", **settings)

    def advance(self, seconds):
        self.say("clock", advance=seconds)

    def user(self, id=None, email=None, **more):
        """A person. id and address are made up where they are not given."""
        return self.say("user", **({"id": id} if id else {}), **({"email": email} if email else {}), **more)

    def change_user(self, id, **more):
        return self.say("change_user", user=id, **more)

    def channel(self, id=None, members=(), **more):
        return self.say("channel", **({"id": id} if id else {}), members=list(members), **more)

    def change_channel(self, id, **more):
        return self.say("change_channel", channel=id, **more)

    # What is to be seen.
    def messages(self, channel, thread_ts=None, user=None):
        """As they stand now, oldest first. channel "dm" with a user: theirs with the app."""
        return self.say("messages", channel=channel, **({"user": user} if user else {}), **({"thread_ts": thread_ts} if thread_ts else {}))["messages"]

    def dm(self, user):
        return self.messages("dm", user=user)

    def message(self, channel, ts):
        return next((one for one in self.messages(channel) if one["ts"] == ts), None)

    def ephemerals(self, user):
        return self.say("ephemerals", user=user)["messages"]

    def home(self, user):
        return self.say("home", user=user)["view"]

    def modals(self, user):
        return self.say("modals", user=user)["views"]

    def calls(self, method=None, after=0):
        return self.say("calls", after=after, **({"method": method} if method else {}))["calls"]

    def counts(self):
        """{method: how often it was called}."""
        return self.say("counts")["counts"]

    def deliveries(self, kind=None):
        """What was sent to the app: kind "interactive", "events_api" or "slash_commands"; each with its payload and attempts."""
        return self.say("deliveries", **({"kind": kind} if kind else {}))["deliveries"]

    def check(self, blocks):
        """What Slack would say against them, [] for nothing."""
        return self.say("check_blocks", blocks=blocks)["errors"]

    # People act on what they see.
    def click(self, user, message, action_id, **more):
        """stale=True: the button of the version before. value: of a menu. inputs: of the card. forge: see loopback.mjs."""
        return self.say("click", user=user, channel=message["channel"], ts=message["ts"], action_id=action_id, **more)

    def click_home(self, user, action_id, **more):
        return self.say("click", user=user, home=True, action_id=action_id, **more)

    def click_modal(self, user, action_id, **more):
        return self.say("click", user=user, action_id=action_id, **more)

    def submit(self, user, values=None, **more):
        """Of the modal on top; values by action_id or block_id. "shown" in the answer: closed, errors, view or trouble."""
        return self.say("submit", user=user, values=values or {}, **more)

    def dismiss(self, user, **more):
        return self.say("close", user=user, **more)

    def command(self, user, command, text="", channel="dm", **more):
        return self.say("command", user=user, command=command, text=text, channel=channel, **more)

    def write(self, user, channel, text, thread_ts=None, **more):
        """bot_id="B…", subtype="bot_message": another app's message."""
        return self.say("write", user=user, channel=channel, text=text, **({"thread_ts": thread_ts} if thread_ts else {}), **more)

    def edit(self, user, message, text, **more):
        return self.say("edit", user=user, channel=message["channel"], ts=message["ts"], text=text, **more)

    def erase(self, user, message, **more):
        return self.say("erase", user=user, channel=message["channel"], ts=message["ts"], **more)

    def open_home(self, user, **more):
        return self.say("open_home", user=user, **more)

    # What goes wrong.
    def fault(self, method="*", times=1, **what):
        """status=429, retry_after=2 | status=500 | error="ratelimited" | hang=True | reset=True; after=True: the method is done, its answer is lost."""
        self.say("fault", method=method, times=times, **what)

    def delay(self, ms, method="*"):
        self.say("delay", method=method, ms=ms)

    def clear_faults(self):
        self.say("clear_faults")

    def down(self):
        self.say("down")

    def up(self):
        self.say("up")

    def sockets(self):
        return self.say("sockets")

    def disconnect(self, reason="refresh_requested"):
        self.say("disconnect", reason=reason)

    def drop_sockets(self):
        self.say("drop_sockets")

    def refuse_sockets(self, refuse=True):
        self.say("refuse_sockets", refuse=refuse)

    def raw_socket(self, text):
        return self.say("raw_socket", text=text)["told"]

    def raw(self, url, body="", headers=None, sign=None, **more):
        """Any request. sign={"secret", "age"}: signed as Slack does it."""
        return self.say("raw", url=url, body=body, headers=headers or {}, **({"sign": sign} if sign is not None else {}), **more)

    def call(self, method, token=None, **arguments):
        """The Web API by hand, in JSON: (status, answer, headers)."""
        return self.post(method, json.dumps(arguments), "application/json; charset=utf-8", token)

    def form(self, method, token=None, **arguments):
        told = {k: v if isinstance(v, str) else json.dumps(v) for k, v in arguments.items()}
        return self.post(method, urllib.parse.urlencode(told), "application/x-www-form-urlencoded", token)

    def post(self, method, body, kind, token=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            given = token if token is not None else self.app["bot_token"]
            connection.request("POST", f"/api/{method}", body=body.encode(), headers={"Content-Type": kind, **({"Authorization": f"Bearer {given}"} if given else {})})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read()), {k.lower(): v for k, v in answer.getheaders()}
        finally:
            connection.close()

    def until(self, predicate, what="what was waited for", deadline=DEADLINE):
        """The predicate's first true value."""
        end = time.monotonic() + deadline
        while not (value := predicate()):
            if time.monotonic() > end:
                raise Failed(f"{what} did not come to pass")
            time.sleep(0.02)
        return value
