"""Our loopback Slack against the official SDKs, unmodified: @slack/web-api, @slack/socket-mode and @slack/bolt work with it as with Slack.

What the loopback says of Keyturn is worth as much as what is seen here. Needs Node.js and npm; installs the packages of slack/package-lock.json where they are missing.
"""
import contextlib
import hashlib
import hmac
import http.client
import itertools
import json
import os
import pathlib
import subprocess
import sys
import threading
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE  # noqa: E402
from support.slack import HERE, Refused, Slack  # noqa: E402

ADA, BOB = "U0KTADA0000", "U0KTBOB0000"
OPS, SECRET = "C0KTOPS0000", "C0KTSECRET0"


def plain(text):
    return {"type": "plain_text", "text": text}


def mrkdwn(text):
    return {"type": "mrkdwn", "text": text}


def button(action_id, text="Yes", **more):
    return {"type": "button", "action_id": action_id, "text": plain(text), **more}


def card(*names):
    return [{"type": "section", "block_id": "said", "text": mrkdwn("*drop table*")}, {"type": "actions", "block_id": "votes", "elements": [button(name, value=f"v-{name}") for name in names]}]


class Sdk:
    """slack/sdk.mjs: the official packages in a process of their own."""

    def __init__(self, slack):
        self.slack, self.count = slack, itertools.count(1)
        app = slack.app
        self.process = subprocess.Popen(["node", "sdk.mjs", slack.api, app["bot_token"], app["app_token"], app["signing_secret"]], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")})
        self.said, self.arrived = {}, threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            told = json.loads(line)
            with self.arrived:
                self.said[told.pop("n")] = told
                self.arrived.notify_all()

    def begin(self, what, **given):
        n = next(self.count)
        self.process.stdin.write(json.dumps({"n": n, "do": what, **given}) + "\n")
        self.process.stdin.flush()
        return n

    def end(self, n):
        with self.arrived:
            if not self.arrived.wait_for(lambda: n in self.said, DEADLINE):
                raise AssertionError("the SDK did not answer")
            said = self.said.pop(n)
        if "thrown" in said:
            raise AssertionError(said["thrown"])
        return said

    def do(self, what, **given):
        return self.end(self.begin(what, **given))

    def web(self, method, token=None, retries=0, **arguments):
        return self.do("web", method=method, arguments=arguments, retries=retries, **({"token": token} if token else {}))

    def seen(self, **like):
        return [one for one in self.do("seen")["seen"] if all(one.get(k) == v for k, v in like.items())]

    def events(self, kind):
        return [one for one in self.seen(type="event_callback") if one["event"]["type"] == kind]

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(DEADLINE)
        self.process.stdout.close()


class WithSlack(unittest.TestCase):
    SETTINGS, APP = {}, {}

    @classmethod
    def setUpClass(cls):
        cls.slack = Slack(cls.SETTINGS, **cls.APP)
        cls.addClassCleanup(cls.slack.close)
        cls.slack.user(ADA, email="ada@example.com", name="ada", real_name="Ada L")
        cls.slack.user(BOB, email="bob@example.com", name="bob")
        cls.slack.channel(OPS, name="ops", members=[ADA, BOB])
        cls.sdk = Sdk(cls.slack)
        cls.addClassCleanup(cls.sdk.close)
        cls.begin()

    @classmethod
    def begin(cls):
        pass

    def post(self, blocks=None, channel=OPS, text="a card", **more):
        posted = self.sdk.web("chat.postMessage", channel=channel, text=text, blocks=blocks or card("approve", "why"), **more)
        self.assertTrue(posted["ok"], posted)
        return self.slack.message(posted["channel"], posted["ts"])


class WebClient(WithSlack):
    """The Web API as @slack/web-api's WebClient uses it."""

    def test_who_calls(self):
        told = self.sdk.web("auth.test")
        self.assertEqual((told["ok"], told["team_id"], told["user_id"]), (True, self.slack.app.get("team_id", "T0KT0000000"), self.slack.app["bot_user"]))
        self.assertIn("chat:write", told["response_metadata"]["scopes"])
        for token, error in (("xoxb-wrong", "invalid_auth"), (self.slack.app["app_token"], "not_allowed_token_type")):
            self.assertEqual(self.sdk.web("auth.test", token=token)["error"], error)
        self.assertEqual(self.slack.post("auth.test", "", "application/x-www-form-urlencoded", token="")[1]["error"], "not_authed")
        self.assertEqual(self.sdk.web("apps.connections.open")["error"], "not_allowed_token_type")
        self.assertTrue(self.sdk.web("apps.connections.open", token=self.slack.app["app_token"])["url"].startswith("ws://127.0.0.1:"))
        self.assertEqual(self.sdk.web("no.such.method")["error"], "unknown_method")
        self.assertEqual(self.sdk.web("team.info")["team"]["domain"], "keyturn-test")

    def test_a_message_lives(self):
        first = self.sdk.web("chat.postMessage", channel=OPS, text="one", blocks=card("approve"))
        self.assertEqual((first["message"]["bot_id"], first["message"]["blocks"][0]["text"]["verbatim"]), (self.slack.app["bot_id"], False))
        reply = self.sdk.web("chat.postMessage", channel=OPS, text="reply", thread_ts=first["ts"])
        self.assertTrue(self.sdk.web("chat.update", channel=OPS, ts=first["ts"], text="two", blocks=card("deny"))["ok"])
        updated = self.sdk.web("chat.update", channel=OPS, ts=first["ts"], text="three")
        self.assertNotIn("blocks", updated["message"], "text alone takes the blocks away")
        seen = self.slack.message(OPS, first["ts"])
        self.assertEqual((seen["text"], seen["edits"], [one["text"] for one in seen["versions"]]), ("three", 2, ["one", "two", "three"]))
        thread = self.sdk.web("conversations.replies", channel=OPS, ts=first["ts"])
        self.assertEqual([one["ts"] for one in thread["messages"]], [first["ts"], reply["ts"]])
        self.assertEqual((thread["messages"][0]["reply_count"], thread["has_more"]), (1, False))
        paged = self.sdk.web("conversations.replies", channel=OPS, ts=first["ts"], limit=1)
        self.assertEqual((len(paged["messages"]), paged["has_more"]), (1, True))
        rest = self.sdk.web("conversations.replies", channel=OPS, ts=first["ts"], limit=1, cursor=paged["response_metadata"]["next_cursor"])
        self.assertEqual([one["ts"] for one in rest["messages"]], [reply["ts"]])
        self.assertIn(first["ts"].replace(".", ""), self.sdk.web("chat.getPermalink", channel=OPS, message_ts=first["ts"])["permalink"])
        self.assertTrue(self.sdk.web("reactions.add", channel=OPS, timestamp=first["ts"], name="white_check_mark")["ok"])
        self.assertEqual(self.sdk.web("reactions.add", channel=OPS, timestamp=first["ts"], name="white_check_mark")["error"], "already_reacted")
        self.assertTrue(self.sdk.web("chat.delete", channel=OPS, ts=first["ts"])["ok"])
        self.assertIsNone(self.slack.message(OPS, first["ts"]))
        for method in ("chat.update", "chat.delete"):
            self.assertEqual(self.sdk.web(method, channel=OPS, ts=first["ts"], text="x")["error"], "message_not_found")

    def test_what_is_refused_of_messages(self):
        self.slack.channel(SECRET, name="secret", members=[ADA], bot=False, is_private=True)
        self.slack.channel("C0KTOPEN000", name="open", members=[ADA], bot=False)
        self.slack.channel("C0KTOLD0000", name="old", members=[ADA], is_archived=True)
        written = self.slack.write(ADA, OPS, "mine")["message"]
        for arguments, error in (({"channel": "C0KTNONE000", "text": "x"}, "channel_not_found"), ({"channel": SECRET, "text": "x"}, "channel_not_found"),
                                 ({"channel": "C0KTOPEN000", "text": "x"}, "not_in_channel"), ({"channel": "C0KTOLD0000", "text": "x"}, "is_archived"), ({"channel": OPS}, "no_text"),
                                 ({"channel": OPS, "text": "x" * 40_001}, "msg_too_long"), ({"channel": OPS, "blocks": "[{"}, "invalid_blocks_format")):
            with self.subTest(error=error, channel=arguments["channel"]):
                self.assertEqual(self.sdk.web("chat.postMessage", **arguments)["error"], error)
        self.assertEqual(self.sdk.web("chat.update", channel=OPS, ts=written["ts"], text="x")["error"], "cant_update_message")
        self.assertEqual(self.sdk.web("chat.delete", channel=OPS, ts=written["ts"])["error"], "cant_delete_message")
        mine = self.sdk.web("chat.postMessage", channel=OPS, text="x")
        self.assertEqual(self.sdk.web("chat.update", channel=OPS, ts=mine["ts"], text="x" * 4001)["error"], "msg_too_long", "an update's text ends at 4,000")

    def test_direct_messages(self):
        posted = self.sdk.web("chat.postMessage", channel=ADA, text="psst")
        self.assertTrue(posted["channel"].startswith("D"), posted)
        opened = self.sdk.web("conversations.open", users=ADA)
        self.assertEqual(opened["channel"]["id"], posted["channel"])
        self.assertEqual(self.slack.dm(ADA)[-1]["text"], "psst")
        self.assertEqual(self.sdk.web("chat.update", channel=ADA, ts=posted["ts"], text="x")["error"], "channel_not_found", "chat.update takes D…, not U…")
        self.assertTrue(self.sdk.web("chat.update", channel=posted["channel"], ts=posted["ts"], text="x")["ok"])
        self.assertEqual(self.sdk.web("conversations.info", channel=posted["channel"])["channel"]["user"], ADA)
        self.slack.user("U0KTGONE000", name="gone", deleted=True)
        for user, error in (("U0KTGONE000", "user_disabled"), ("U0KTNONE000", "user_not_found"), (self.slack.app["bot_user"], "cannot_dm_bot"), ("", "users_list_not_supplied")):
            self.assertEqual(self.sdk.web("conversations.open", users=user)["error"], error)

    def test_only_one_sees_it(self):
        self.assertTrue(self.sdk.web("chat.postEphemeral", channel=OPS, user=BOB, text="only you")["ok"])
        self.assertEqual([one["text"] for one in self.slack.ephemerals(BOB)], ["only you"])
        self.assertNotIn("only you", [one["text"] for one in self.slack.messages(OPS)])
        stranger = self.slack.user(name="eve")["id"]
        self.assertEqual(self.sdk.web("chat.postEphemeral", channel=OPS, user=stranger, text="x")["error"], "user_not_in_channel")

    def test_people(self):
        self.slack.user("U0KTGUEST00", name="guest", is_restricted=True, is_ultra_restricted=True, tz="Asia/Tokyo")
        self.slack.user("U0KTOTHER00", name="other", is_stranger=True, team_id="T0KTOTHER00", is_email_confirmed=False)
        ada, guest, other = (self.sdk.web("users.info", user=one)["user"] for one in (ADA, "U0KTGUEST00", "U0KTOTHER00"))
        self.assertEqual((ada["profile"]["email"], ada["real_name"], ada["team_id"], ada["deleted"]), ("ada@example.com", "Ada L", "T0KT0000000", False))
        self.assertEqual((guest["is_restricted"], guest["is_ultra_restricted"], guest["tz"]), (True, True, "Asia/Tokyo"))
        self.assertEqual((other["is_stranger"], other["team_id"], other["is_email_confirmed"]), (True, "T0KTOTHER00", False))
        self.assertTrue(self.sdk.web("users.info", user=self.slack.app["bot_user"])["user"]["is_bot"])
        self.assertEqual(self.sdk.web("users.lookupByEmail", email="ADA@example.com")["user"]["id"], ADA)
        self.slack.change_user("U0KTGUEST00", deleted=True)
        for email in ("guest@example.com", "nobody@example.com"):
            self.assertEqual(self.sdk.web("users.lookupByEmail", email=email)["error"], "users_not_found")
        self.assertEqual(self.sdk.web("users.info", user="U0KTNONE000")["error"], "user_not_found")

    def test_scopes(self):
        before = self.slack.app["scopes"]
        self.addCleanup(self.slack.configure, scopes=before)
        self.slack.configure(scopes=["users:read", "im:write"])
        told = self.sdk.web("chat.postMessage", channel=OPS, text="x")
        self.assertEqual((told["error"], told["data"]["needed"], told["data"]["provided"]), ("missing_scope", "chat:write", "users:read,im:write"))
        self.assertNotIn("email", self.sdk.web("users.info", user=ADA)["user"]["profile"], "users:read.email is not there")
        self.assertEqual(self.sdk.web("conversations.replies", channel=OPS, ts="1.1")["data"]["needed"], "channels:history")

    def test_bodies(self):
        def told(body, kind="application/json; charset=utf-8"):
            return self.slack.post("chat.postMessage", body, kind)[1]
        self.assertEqual(told("{")["error"], "invalid_json")
        self.assertEqual(told("[]")["error"], "json_not_object")
        self.assertEqual(told("<x/>", "application/xml")["error"], "invalid_post_type")
        body = json.dumps({"channel": OPS, "text": "in JSON"})
        self.assertEqual(told(body, "application/json")["warning"], "missing_charset")
        self.assertNotIn("warning", told(body))
        self.assertEqual(self.slack.post("chat.postMessage", json.dumps({"channel": OPS, "text": "x", "token": self.slack.app["bot_token"]}), "application/json; charset=utf-8", token="")[1]["error"], "not_authed")
        self.assertTrue(self.slack.post("chat.postMessage", urllib.parse.urlencode({"channel": OPS, "text": "x", "token": self.slack.app["bot_token"]}), "application/x-www-form-urlencoded", token="")[1]["ok"])

    def test_what_goes_wrong(self):
        self.slack.fault("auth.test", status=429, retry_after=7)
        told = self.sdk.web("auth.test")
        self.assertEqual((told["code"], told["retryAfter"]), ("slack_webapi_rate_limited_error", 7))
        self.slack.fault("auth.test", status=429, retry_after=0)
        self.assertTrue(self.sdk.web("auth.test", retries=2)["ok"], "the SDK waits and comes again")
        self.slack.fault("auth.test", status=500)
        self.assertEqual(self.sdk.web("auth.test")["status"], 500)
        self.slack.fault("auth.test", error="ratelimited")
        self.assertEqual(self.sdk.web("auth.test")["error"], "ratelimited")
        self.slack.fault("auth.test", reset=True)
        self.assertEqual(self.sdk.web("auth.test")["code"], "slack_webapi_request_error")
        before = len(self.slack.messages(OPS))
        self.slack.fault("chat.postMessage", reset=True, after=True)
        self.assertEqual(self.sdk.web("chat.postMessage", channel=OPS, text="lost answer")["code"], "slack_webapi_request_error")
        self.assertEqual(len(self.slack.messages(OPS)), before + 1, "it was posted; only the answer is lost")
        self.slack.fault("auth.test", hang=True)
        waiting = self.sdk.begin("web", method="auth.test", arguments={})
        self.slack.until(lambda: [one for one in self.slack.calls("auth.test") if one.get("fault") == "hang"])
        self.assertTrue(self.sdk.web("auth.test")["ok"], "only one call hangs")
        self.slack.clear_faults()
        self.assertFalse(self.sdk.end(waiting)["ok"])
        self.slack.down()
        self.assertEqual(self.sdk.web("auth.test")["code"], "slack_webapi_request_error")
        self.slack.up()
        self.assertTrue(self.sdk.web("auth.test")["ok"])

    def test_one_message_a_second_and_channel(self):
        self.slack.channel("C0KTBUSY000", name="busy", members=[ADA])
        self.slack.set(post_gap_ms=1_000_000)
        self.addCleanup(self.slack.set, post_gap_ms=0)
        self.assertTrue(self.sdk.web("chat.postMessage", channel="C0KTBUSY000", text="1")["ok"])
        self.assertEqual(self.sdk.web("chat.postMessage", channel="C0KTBUSY000", text="2")["code"], "slack_webapi_rate_limited_error")
        self.slack.channel("C0KTCALM000", name="calm", members=[ADA])
        self.assertTrue(self.sdk.web("chat.postMessage", channel="C0KTCALM000", text="elsewhere")["ok"])
        self.slack.advance(1001)
        self.assertTrue(self.sdk.web("chat.postMessage", channel="C0KTBUSY000", text="2")["ok"])

    def test_what_is_read(self):
        said = "run <https://evil.example/|https://good.example/> <!channel> <@U1|ada> &lt;b&gt; https://bare.example/x"
        shown = self.post([{"type": "section", "text": mrkdwn(said)}, {"type": "section", "text": plain("<!here> &amp; more")},
                           {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "<!everyone>"}]}]}, card("a")[1]])["shown"]
        self.assertEqual(shown["text"], "run https://good.example/ !channel ada <b> https://bare.example/x\n<!here> & more\n<!everyone>\nYes")
        self.assertEqual(shown["mentions"], ["!channel", "@U1"])
        self.assertEqual({(one["url"], one["label"]) for one in shown["links"]}, {("https://evil.example/", "https://good.example/"), ("https://bare.example/x",) * 2})
        self.assertEqual(shown["buttons"], [{"action_id": "a", "text": "Yes", "value": "v-a"}])

    def test_the_log_of_calls(self):
        last = self.slack.calls()[-1]["n"] if self.slack.calls() else 0
        self.sdk.web("chat.postMessage", channel=OPS, text="logged", blocks=card("a"))
        (call,) = self.slack.calls("chat.postMessage", after=last)
        self.assertEqual((call["arguments"]["text"], call["arguments"]["blocks"][1]["elements"][0]["action_id"], call["token"], call["ok"]), ("logged", "a", self.slack.app["bot_token"], True))

    def test_revoked(self):
        self.addCleanup(self.slack.configure, token_revoked=False)
        self.slack.configure(token_revoked=True)
        self.assertEqual(self.sdk.web("auth.test")["error"], "token_revoked")


class Acts:
    """People's acts against a Bolt App, the same over HTTP and in Socket Mode."""

    def test_a_click(self):
        message = self.post()
        said = self.slack.click(ADA, message, "approve")
        self.assertTrue(said["ok"], said)
        now = self.slack.until(lambda: (one := self.slack.message(OPS, message["ts"]))["edits"] == 1 and one)
        self.assertEqual(now["blocks"][0]["text"]["text"], f"approved by <@{ADA}>")
        self.slack.until(lambda: "thank you" in [one["text"] for one in self.slack.ephemerals(ADA)])
        (payload,) = [one for one in self.sdk.seen(type="block_actions") if one["message"]["ts"] == message["ts"]]
        (act,) = payload["actions"]
        self.assertEqual((act["action_id"], act["value"], act["block_id"], payload["user"]["id"], payload["container"]["message_ts"]), ("approve", "v-approve", "votes", ADA, message["ts"]))
        with self.assertRaisesRegex(Refused, "there is no element approve there"):
            self.slack.click(ADA, message, "approve")
        self.assertTrue(self.slack.click(ADA, message, "approve", stale=True)["ok"], "the button of an older version can be on somebody's screen")
        with self.assertRaisesRegex(Refused, "does not see"):
            self.slack.click(self.slack.user(name="eve")["id"], message, "approve", stale=True)

    def test_a_modal(self):
        message = self.post()
        self.assertTrue(self.slack.click(ADA, message, "why")["ok"])
        (modal,) = self.slack.until(lambda: self.slack.modals(ADA))
        self.assertEqual((modal["title"]["text"], modal["private_metadata"]), ("Why?", "case 7"))
        self.assertEqual(self.slack.submit(ADA, {"text": ""})["errors"], {"why": "Please complete this required field."})
        self.assertEqual(self.slack.submit(ADA, {"text": "x" * 101})["sent"], False)
        said = self.slack.submit(ADA, {"text": "no"})
        self.assertEqual((said["shown"], said["errors"]), ("errors", {"why": "say more"}))
        said = self.slack.submit(ADA, {"text": "next"})
        self.assertEqual((said["shown"], said["view"]["title"]["text"]), ("view", "And then?"))
        said = self.slack.submit(ADA, {"text": "push"})
        self.assertEqual([one["title"]["text"] for one in self.slack.modals(ADA)], ["And then?", "On top"], said)
        self.assertEqual(self.slack.submit(ADA, {"text": "yes"})["shown"], "closed")
        self.assertEqual([one["title"]["text"] for one in self.slack.modals(ADA)], ["And then?"])
        self.assertTrue(self.slack.dismiss(ADA)["sent"])
        self.assertEqual(self.slack.modals(ADA), [])
        self.slack.until(lambda: self.sdk.seen(type="view_closed"))
        self.assertEqual(self.sdk.seen(type="view_submission")[-1]["view"]["state"]["values"]["why"]["text"], {"type": "plain_text_input", "value": "yes"})

    def test_a_trigger_is_used_once_and_soon(self):
        view = {"type": "modal", "title": plain("x"), "blocks": [{"type": "divider"}]}
        trigger = self.slack.click(ADA, self.post(card("other")), "other")["trigger_id"]
        self.assertTrue(self.sdk.web("views.open", trigger_id=trigger, view=view)["ok"])
        self.assertEqual(self.sdk.web("views.open", trigger_id=trigger, view=view)["error"], "exchanged_trigger_id")
        self.assertEqual(self.sdk.web("views.open", trigger_id="1.2.x", view=view)["error"], "invalid_trigger_id")
        late = self.slack.click(ADA, self.post(card("other")), "other")["trigger_id"]
        self.slack.set(trigger_ms=3000)
        self.addCleanup(self.slack.set, trigger_ms=60_000)
        self.slack.advance(4)
        self.assertEqual(self.sdk.web("views.open", trigger_id=late, view=view)["error"], "expired_trigger_id")
        self.assertEqual(self.sdk.web("views.open", trigger_id=late, view={**view, "title": plain("x" * 25)})["error"], "invalid_arguments")
        self.slack.dismiss(ADA)

    def test_a_command(self):
        said = self.slack.command(BOB, "/keyturn", "list", channel=OPS)
        self.assertEqual((said["shown"]["text"], said["shown"]["response_type"]), ("you said list", "ephemeral"))
        self.assertEqual(self.slack.ephemerals(BOB)[-1]["text"], "you said list")
        self.slack.command(BOB, "/keyturn", "all", channel=OPS)
        self.assertEqual(self.slack.messages(OPS)[-1]["text"], "for all")

    def test_the_home_view(self):
        self.assertTrue(self.slack.open_home(BOB)["ok"])
        home = self.slack.until(lambda: self.slack.home(BOB))
        self.assertEqual(home["blocks"][0]["text"]["text"], "Home")
        self.assertTrue(self.slack.click_home(BOB, "why")["ok"])
        self.slack.until(lambda: self.slack.modals(BOB))
        self.slack.dismiss(BOB)
        opened = [one for one in self.sdk.events("app_home_opened") if one["event"]["user"] == BOB]
        self.assertEqual(opened[0]["event"]["tab"], "home")
        self.assertEqual(self.sdk.web("views.publish", user_id=BOB, view={"type": "home", "blocks": []}, hash="1.x")["error"], "hash_conflict")

    def test_what_people_write(self):
        message = self.post()
        wrote = self.slack.write(ADA, OPS, "hello there", thread_ts=message["ts"])["message"]
        reply = self.slack.until(lambda: [one for one in self.slack.messages(OPS, thread_ts=message["ts"]) if one["text"] == "hello yourself"])[0]
        self.assertEqual(reply["thread_ts"], message["ts"])
        self.assertTrue(self.slack.edit(ADA, {**wrote, "channel": OPS}, "hello again")["ok"])
        self.assertTrue(self.slack.erase(ADA, {**wrote, "channel": OPS})["ok"])
        self.slack.write(ADA, OPS, f"<@{self.slack.app['bot_user']}> what is open?")
        told = [one["event"] for one in self.sdk.events("message") if one["event"].get("user") == ADA or one["event"].get("subtype")]
        self.assertIn((wrote["ts"], message["ts"], "channel"), [(one.get("ts"), one.get("thread_ts"), one["channel_type"]) for one in told])
        self.assertIn("hello there", [one["previous_message"]["text"] for one in told if one.get("subtype") == "message_changed"])
        self.assertIn(wrote["ts"], [one["deleted_ts"] for one in told if one.get("subtype") == "message_deleted"])
        self.assertEqual([one["event"]["text"] for one in self.sdk.events("app_mention")], [f"<@{self.slack.app['bot_user']}> what is open?"])

    def test_a_shared_link(self):
        url = "https://keyturn.example.com/reviews/7"
        said = self.slack.write(ADA, OPS, f"look at {url} and https://elsewhere.example.org/")
        self.assertTrue(said["link"]["ok"], said)
        shown = self.slack.until(lambda: self.slack.message(OPS, said["message"]["ts"]).get("unfurls"))
        self.assertEqual(list(shown), [url])
        told = self.sdk.events("link_shared")[-1]["event"]
        self.assertEqual(told["links"], [{"url": url, "domain": "keyturn.example.com"}])
        self.assertEqual(self.sdk.web("chat.unfurl", channel=OPS, ts=told["message_ts"], unfurls={"https://not.there.example.com/": {"text": "x"}})["error"], "cannot_unfurl_url")


class OverHttp(Acts, WithSlack):
    """A Bolt App with its HTTP receiver, which checks signatures."""

    APP = {"unfurl_domains": ["keyturn.example.com"]}

    @classmethod
    def begin(cls):
        cls.url = f"http://127.0.0.1:{cls.sdk.do('http')['port']}/slack/events"
        cls.slack.configure(request_url=cls.url)

    def test_the_url_is_verified(self):
        self.assertTrue(self.slack.say("verify_url")["verified"])

    def test_forged_requests_are_refused_and_true_ones_are_not(self):
        message = self.post(card("other"))
        before = len(self.sdk.seen(type="block_actions"))
        for forge in ({"unsigned": True}, {"secret": "another secret"}, {"secret": ""}, {"age": 301}, {"tamper": "payload=%7B%7D"}, {"headers": {"x-slack-signature": "v0=00"}},
                      {"headers": {"x-slack-signature": "v1=" + "0" * 64}}, {"headers": {"x-slack-request-timestamp": None}}, {"headers": {"x-slack-request-timestamp": "1"}}):
            with self.subTest(forge=forge):
                self.assertEqual(self.slack.click(ADA, message, "other", forge=forge)["status"], 401)
        self.assertEqual(len(self.sdk.seen(type="block_actions")), before)
        said = self.slack.click(ADA, message, "other", forge={"merge": {"team": {"id": "T0KTOTHER00"}}, "replays": 1})
        self.assertEqual([one["status"] for one in said["answers"]], [200, 200], "signed rightly, twice")
        seen = self.sdk.seen(type="block_actions")
        self.assertEqual([one["team"]["id"] for one in seen[before:]], ["T0KTOTHER00"] * 2)

    def test_signatures_are_those_of_the_documents(self):
        made = self.slack.say("sign", kind="interactive", payload={"type": "block_actions"}, forge={})
        body, headers = made["body"], made["headers"]
        want = hmac.new(self.slack.app["signing_secret"].encode(), f"v0:{headers['x-slack-request-timestamp']}:{body}".encode(), hashlib.sha256).hexdigest()
        self.assertEqual(headers["x-slack-signature"], f"v0={want}")
        self.assertTrue(self.sdk.do("verify", body=body, headers=headers)["ok"])
        self.assertFalse(self.sdk.do("verify", body=body + " ", headers=headers)["ok"])
        raw = self.slack.raw(self.url, body=json.dumps({"type": "url_verification", "challenge": "c"}), kind="events_api", sign={})
        self.assertEqual((raw["status"], json.loads(raw["body"])), (200, {"challenge": "c"}))
        self.assertEqual(self.slack.raw(self.url, body="payload=%7B%7D", headers={"content-type": "application/x-www-form-urlencoded"})["status"], 401)

    def test_events_come_again_until_they_are_acknowledged(self):
        self.slack.set(retry_ms=[0, 0, 0])
        self.addCleanup(self.slack.set, retry_ms=[0, 100, 200])
        with AnEar([500, 404, 200]) as ear:
            self.slack.configure(events_url=ear.url)
            self.addCleanup(self.slack.configure, events_url=self.url)
            said = self.slack.open_home(ADA)
            self.assertEqual([one["status"] for one in said["attempts"]], [500, 404, 200])
            self.assertEqual([(one.get("x-slack-retry-num"), one.get("x-slack-retry-reason")) for one in ear.heard], [(None, None), ("1", "http_error"), ("2", "http_error")])
            self.assertEqual(len(set(ear.bodies)), 1, "the same event")
        self.slack.configure(events_url="http://127.0.0.1:1/")
        self.assertEqual([one["failure"] for one in self.slack.open_home(ADA)["attempts"]], ["connection_failed"] * 4)
        self.slack.set(ack_ms=50)
        self.addCleanup(self.slack.set, ack_ms=30_000)
        with AnEar([None]) as ear:
            self.slack.configure(events_url=ear.url)
            self.assertEqual([one["failure"] for one in self.slack.open_home(ADA)["attempts"]], ["http_timeout"] * 4)

    def test_response_urls_wear_out(self):
        message = self.post(card("other"))
        url = self.slack.click(ADA, message, "other")["response_url"]

        def respond(**said):
            return post_json(url, said)
        for n in range(5):
            self.assertEqual(respond(text=f"answer {n}", replace_original=False), (200, {"ok": True}))
        self.assertEqual(respond(text="one more")[1]["error"], "used_url")
        self.assertEqual(len([one for one in self.slack.ephemerals(ADA) if one["text"].startswith("answer ")]), 5)
        url = self.slack.click(ADA, message, "other")["response_url"]
        self.assertEqual(respond(text="x", blocks=[{"type": "foo"}])[1]["error"], "invalid_blocks")
        self.assertEqual(respond(text="replaced", replace_original=True)[0], 200)
        self.assertEqual(self.slack.message(OPS, message["ts"])["text"], "replaced")
        self.assertEqual(respond(delete_original=True)[0], 200)
        self.assertIsNone(self.slack.message(OPS, message["ts"]))
        url = self.slack.click(ADA, self.post(card("other")), "other")["response_url"]
        self.slack.advance(1801)
        self.addCleanup(self.slack.advance, -1801)
        self.assertEqual(respond(text="late")[1]["error"], "expired_url")

    def test_tokens_revoked(self):
        self.addCleanup(self.slack.configure, token_revoked=False)
        self.assertTrue(self.slack.say("revoke")["ok"])
        self.assertEqual(self.sdk.events("tokens_revoked")[-1]["event"]["tokens"]["bot"], [self.slack.app["bot_user"]])
        self.assertEqual(self.sdk.web("auth.test")["error"], "token_revoked")


class InSocketMode(Acts, WithSlack):
    """A Bolt App in Socket Mode."""

    APP = {"unfurl_domains": ["keyturn.example.com"], "mode": "socket"}

    @classmethod
    def begin(cls):
        cls.sdk.do("socket")
        cls.slack.until(lambda: cls.slack.sockets()["open"] == 1)


class Sockets(WithSlack):
    """SocketModeClients, several, that lose their connections."""

    APP = {"mode": "socket"}

    def tearDown(self):
        self.slack.refuse_sockets(False)
        self.slack.configure(socket_mode=True)
        self.sdk.do("stop")
        self.slack.until(lambda: self.slack.sockets()["open"] == 0)
        self.slack.set(ack_ms=30_000)

    def states(self, name):
        return [one["state"] for one in self.sdk.seen(client=name) if "state" in one]

    def test_envelopes(self):
        self.sdk.do("client", name="envelopes", payload={"text": "from the acknowledgement"})
        said = self.slack.command(ADA, "/keyturn", "x", channel=OPS)
        self.assertEqual(said["shown"]["text"], "from the acknowledgement")
        self.slack.open_home(ADA)
        command, event = [one for one in self.sdk.seen(client="envelopes") if "type" in one]
        self.assertEqual((command["type"], command["body"]["command"], command["accepts_response_payload"]), ("slash_commands", "/keyturn", True))
        self.assertEqual((event["type"], event["body"]["event"]["type"], event["accepts_response_payload"], event["retry_num"]), ("events_api", "app_home_opened", False, 0))

    def test_it_comes_again_on_another_connection(self):
        self.slack.set(ack_ms=300)
        self.sdk.do("client", name="deaf", acks=False)
        self.sdk.do("client", name="keen")
        before = self.slack.sockets()["redelivered"]
        # Until one that the deaf one was asked first is answered for by the other: who is asked first changes.
        self.slack.until(lambda: self.slack.command(ADA, "/keyturn", channel=OPS)["ok"] and self.slack.sockets()["redelivered"] > before)

        def envelopes(name):
            return {one["envelope_id"] for one in self.sdk.seen(client=name) if "type" in one}
        self.slack.until(lambda: envelopes("deaf") & envelopes("keen"))

    def test_nobody_listens(self):
        said = self.slack.command(ADA, "/keyturn", channel=OPS)
        self.assertEqual((said["ok"], said["failure"]), (False, "no_connection"))

    def test_connections_end_and_come_again(self):
        self.sdk.do("client", name="back")
        for end in (lambda: self.slack.disconnect("refresh_requested"), lambda: self.slack.disconnect("warning"), self.slack.drop_sockets):
            opened = self.slack.sockets()["opened"]
            end()
            self.slack.until(lambda: self.slack.sockets()["opened"] > opened and self.slack.sockets()["open"] == 1)
            self.assertTrue(self.slack.command(ADA, "/keyturn", channel=OPS)["ok"])

    def test_link_disabled(self):
        self.sdk.do("client", name="disabled", acks=False)
        self.slack.disconnect("link_disabled")
        self.slack.until(lambda: self.slack.sockets()["open"] == 0)
        self.assertFalse(self.sdk.web("apps.connections.open", token=self.slack.app["app_token"])["ok"])

    def test_what_is_no_envelope_does_no_harm(self):
        self.sdk.do("client", name="hardy")
        for text in ("{", "[]", "{}", json.dumps({"type": "hello"}), "x" * 100_000):
            self.assertEqual(self.slack.raw_socket(text), 1)
        said = self.slack.command(ADA, "/keyturn", channel=OPS, forge={"merge": {"team_id": "T0KTOTHER00"}})
        self.assertTrue(said["ok"])
        self.assertEqual([one["body"]["team_id"] for one in self.sdk.seen(client="hardy", type="slash_commands")], ["T0KTOTHER00"])

    def test_new_connections_are_refused(self):
        url = urllib.parse.urlsplit(self.sdk.web("apps.connections.open", token=self.slack.app["app_token"])["url"])
        self.slack.refuse_sockets()
        self.assertEqual(upgrade(url), 503)
        self.slack.refuse_sockets(False)
        self.assertEqual(upgrade(url), 101)
        self.assertEqual(upgrade(url), 403, "a ticket is good for one connection")


class Cards(WithSlack):
    """Blocks and views beyond the published limits are refused, and those just within are not."""

    def errors(self, blocks):
        return self.slack.say("check_blocks", blocks=blocks)["errors"]

    def test_limits(self):
        section = {"type": "section", "text": mrkdwn("x")}
        option = {"text": plain("o"), "value": "v"}

        def actions(*elements):
            return [{"type": "actions", "elements": list(elements)}]
        for name, most, blocks in (
                ("blocks", 50, lambda n: [section] * n), ("section text", 3000, lambda n: [{"type": "section", "text": mrkdwn("x" * n)}]), ("field", 2000, lambda n: [{"type": "section", "fields": [plain("x" * n)]}]),
                ("fields", 10, lambda n: [{"type": "section", "fields": [plain("x")] * n}]), ("header", 150, lambda n: [{"type": "header", "text": plain("x" * n)}]),
                ("context", 10, lambda n: [{"type": "context", "elements": [mrkdwn("x")] * n}]), ("actions", 25, lambda n: actions(*(button(f"a{i}") for i in range(n)))),
                ("button text", 75, lambda n: actions(button("a", "x" * n))), ("button value", 2000, lambda n: actions(button("a", value="x" * n))), ("action_id", 255, lambda n: actions(button("a" * n))),
                ("button url", 3000, lambda n: actions(button("a", url="https://x.example/" + "x" * (n - 18)))), ("block_id", 255, lambda n: [{**section, "block_id": "b" * n}]),
                ("options", 100, lambda n: actions({"type": "static_select", "action_id": "s", "options": [option] * n})), ("overflow", 5, lambda n: actions({"type": "overflow", "action_id": "s", "options": [option] * n})),
                ("confirm title", 100, lambda n: actions(button("a", confirm={"title": plain("x" * n), "text": plain("x"), "confirm": plain("x"), "deny": plain("x")}))),
                ("confirm text", 300, lambda n: actions(button("a", confirm={"text": plain("x" * n)}))), ("confirm button", 30, lambda n: actions(button("a", confirm={"text": plain("x"), "confirm": plain("x" * n)}))),
                ("alt_text", 2000, lambda n: [{"type": "image", "image_url": "https://x.example/i.png", "alt_text": "x" * n}]), ("markdown", 12_000, lambda n: [{"type": "markdown", "text": "x" * n}])):
            with self.subTest(name):
                self.assertEqual(self.errors(blocks(most)), [])
                over = self.errors(blocks(most + 1))
                self.assertTrue(over and any(f"less than {most + 1} characters" in one or f"no more than {most} items" in one for one in over), over)

    def test_shapes(self):
        rich = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x", "style": {"bold": True}}, {"type": "user", "user_id": ADA}]},
                                                  {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "drop"}], "border": 0},
                                                  {"type": "rich_text_list", "style": "bullet", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}]},
                                                  {"type": "rich_text_quote", "elements": [{"type": "link", "url": "https://x.example/", "text": "x"}]}]}
        self.assertEqual(self.errors([rich, {"type": "divider"}]), [])
        for blocks, said in (
                ([{"type": "foo"}], "unsupported type: foo"), ([{"type": "section"}], "missing required field: text"), ([{"type": "header", "text": mrkdwn("x")}], "unsupported type: mrkdwn"),
                ([{"type": "section", "text": plain("")}], "must be more than 0 characters"), ([{"type": "section", "text": "x"}], "must be an object"), ([{"type": "section", "text": mrkdwn("x"), "colour": "red"}], "invalid additional property: colour"),
                ([{"type": "divider", "text": plain("x")}], "invalid additional property: text"), ([{"type": "actions", "elements": [mrkdwn("x")]}], "unsupported type: mrkdwn"),
                ([{"type": "actions", "elements": []}], "no fewer than 1 items"), ([{"type": "actions", "elements": [button("a"), button("a")]}], "`action_id` already exists"),
                ([{"type": "divider", "block_id": "b"}, {"type": "divider", "block_id": "b"}], "`block_id` already exists"), ([{"type": "actions", "elements": [button("a", style="green")]}], "valid enum value"),
                ([{"type": "actions", "elements": [{**button("a"), "text": mrkdwn("x")}]}], "unsupported type: mrkdwn"), ([{"type": "actions", "elements": [button("a", url="not a url")]}], "valid url"),
                ([{"type": "rich_text", "elements": [{"type": "rich_text_table", "elements": []}]}], "unsupported type: rich_text_table"),
                ([{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "html", "text": "x"}]}]}], "unsupported type: html"),
                ([{"type": "context", "elements": [button("a")]}], "unsupported type: button"), ([{"type": "image", "alt_text": "x"}], "exactly one of"), ("blocks", "must be an array")):
            with self.subTest(said):
                self.assertTrue([one for one in self.errors(blocks) if said in one and "[json-pointer:/blocks" in one], self.errors(blocks))

    def test_a_message_with_violations_is_refused_and_says_where(self):
        told = self.sdk.web("chat.postMessage", channel=OPS, text="x", blocks=[{"type": "section", "text": mrkdwn("x" * 3001)}])
        self.assertEqual(told["error"], "invalid_blocks")
        self.assertEqual(told["data"]["response_metadata"]["messages"], ["[ERROR] failed to match all allowed schemas [json-pointer:/blocks/0/text]", "[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]"])
        long = [{"type": "section", "text": mrkdwn("x" * 2500)}] * 5
        self.assertTrue(self.sdk.web("chat.postMessage", channel=OPS, text="x", blocks=long)["ok"])
        for method, more in (("chat.postMessage", {}), ("chat.update", {"ts": self.post()["ts"]}), ("chat.postEphemeral", {"user": ADA})):
            self.assertEqual(self.sdk.web(method, channel=OPS, text="x", blocks=long + long[:1], **more)["error"], "msg_blocks_too_long")

    def test_views(self):
        modal = {"type": "modal", "title": plain("x"), "blocks": [{"type": "divider"}]}
        asks = {"type": "input", "label": plain("Reason"), "element": {"type": "plain_text_input", "action_id": "t"}}
        for view in (modal, {**modal, "blocks": [asks], "submit": plain("Send")}, {**modal, "blocks": [{"type": "divider"}] * 100}, {"type": "home", "blocks": []}):
            self.assertEqual(self.slack.say("check_view", view=view)["errors"], [])
        for view, said in (({**modal, "title": plain("x" * 25)}, "less than 25"), ({**modal, "title": mrkdwn("x")}, "unsupported type"), ({**modal, "submit": plain("x" * 25)}, "less than 25"), ({**modal, "close": plain("x" * 25)}, "less than 25"),
                           ({**modal, "private_metadata": "x" * 3001}, "less than 3001"), ({**modal, "callback_id": "x" * 256}, "less than 256"), ({**modal, "external_id": "x" * 256}, "less than 256"),
                           ({**modal, "blocks": [{"type": "divider"}] * 101}, "no more than 100 items"), ({**modal, "blocks": [asks]}, "missing required field: submit"), ({"type": "modal", "blocks": []}, "missing required field: title"),
                           ({"type": "page", "blocks": []}, "unsupported type: page"), ({**modal, "blocks": [{"type": "markdown", "text": "x"}]}, "unsupported type: markdown"), ({"type": "home", "blocks": [], "title": plain("x")}, "additional property: title")):
            with self.subTest(said):
                self.assertTrue([one for one in self.slack.say("check_view", view=view)["errors"] if said in one and "[json-pointer:/view" in one])
        told = self.sdk.web("views.publish", user_id=ADA, view={"type": "home", "blocks": [{"type": "foo"}]})
        self.assertEqual((told["error"], told["data"]["response_metadata"]["messages"]), ("invalid_arguments", ["[ERROR] unsupported type: foo [json-pointer:/view/blocks/0/type]"]))

    def test_manifests(self):
        good = {"display_information": {"name": "Keyturn"}, "features": {"bot_user": {"display_name": "keyturn"}, "slash_commands": [{"command": "/keyturn", "description": "open cases"}]},
                "oauth_config": {"scopes": {"bot": ["chat:write", "commands"]}}, "settings": {"socket_mode_enabled": True, "event_subscriptions": {"bot_events": ["app_home_opened"]}, "interactivity": {"is_enabled": True}}}
        token = self.slack.app["config_token"]
        self.assertTrue(self.sdk.web("apps.manifest.validate", token=token, manifest=good)["ok"])
        for change, said in (({"display_information": {"name": "x" * 36}}, "less than 36"), ({"oauth_config": {"scopes": {"bot": ["chat:shout"]}}}, "valid enum"), ({"features": {}}, "bot user"),
                             ({"settings": {"event_subscriptions": {"bot_events": ["message.im"]}}}, "Request URL"), ({"settings": {"socket_mode_enabled": True, "event_subscriptions": {"bot_events": ["message.im"]}}}, "im:history"),
                             ({"settings": {"interactivity": {"is_enabled": True, "request_url": "http://x.example/"}}}, "https"), ({"colour": "red"}, "additional property")):
            with self.subTest(said):
                told = self.sdk.web("apps.manifest.validate", token=token, manifest={**good, **change})
                self.assertEqual(told["error"], "invalid_manifest")
                self.assertTrue([one for one in told["data"]["errors"] if said in one["message"]], told["data"]["errors"])


class AnEar:
    """A listener that answers with these statuses, the last one for ever; None: not at all."""

    def __init__(self, statuses):
        import http.server
        self.heard, self.bodies, ear = [], [], self
        self.released = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                ear.heard.append({k.lower(): v for k, v in self.headers.items()})
                ear.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                status = statuses[min(len(ear.heard), len(statuses)) - 1]
                if status is None:
                    ear.released.wait(DEADLINE)
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


def post_json(url, said):
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=DEADLINE)
    with contextlib.closing(connection):
        connection.request("POST", parts.path, body=json.dumps(said), headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def upgrade(url):
    """The status that a WebSocket's handshake gets."""
    connection = http.client.HTTPConnection("127.0.0.1", url.port, timeout=DEADLINE)
    with contextlib.closing(connection):
        connection.request("GET", f"{url.path}?{url.query}", headers={"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="})
        return connection.getresponse().status


if __name__ == "__main__":
    unittest.main()
