"""Our loopback Slack against the official SDKs, unmodified: @slack/web-api, @slack/socket-mode and @slack/bolt work with it as with Slack.

What the loopback says of Keyturn is worth as much as what is seen here. Needs Node.js and npm; installs the packages of slack/package-lock.json where they are missing.
"""
import hashlib
import hmac
import json
import pathlib
import sys
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.slack import Refused  # noqa: E402
from support.slack_sdk import ADA, BOB, OPS, Ear, WithSlack, card, mrkdwn, plain, post_json, upgrade  # noqa: E402

SECRET = "C0KTSECRET0"


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
        for arguments, error in (
            ({"channel": "C0KTNONE000", "text": "x"}, "channel_not_found"),
            ({"channel": SECRET, "text": "x"}, "channel_not_found"),
            ({"channel": "C0KTOPEN000", "text": "x"}, "not_in_channel"),
            ({"channel": "C0KTOLD0000", "text": "x"}, "is_archived"),
            ({"channel": OPS}, "no_text"),
            ({"channel": OPS, "text": "x" * 40_001}, "msg_too_long"),
            ({"channel": OPS, "blocks": "[{"}, "invalid_blocks_format"),
        ):
            with self.subTest(error=error, channel=arguments["channel"]):
                self.assertEqual(self.sdk.web("chat.postMessage", **arguments)["error"], error)
        self.assertEqual(self.sdk.web("chat.update", channel=OPS, ts=written["ts"], text="x")["error"], "cant_update_message")
        self.assertEqual(self.sdk.web("chat.delete", channel=OPS, ts=written["ts"])["error"], "cant_delete_message")
        mine = self.sdk.web("chat.postMessage", channel=OPS, text="x")
        self.assertEqual(self.sdk.web("chat.update", channel=OPS, ts=mine["ts"], text="x" * 4001)["error"], "msg_too_long", "an update's text ends at 4,000")

    def test_a_reply_to_what_is_deleted_stands_in_the_channel(self):
        parent = self.post()
        self.assertEqual(self.sdk.web("chat.postMessage", channel=OPS, text="reply", thread_ts=parent["ts"])["message"]["thread_ts"], parent["ts"])
        self.sdk.web("chat.delete", channel=OPS, ts=parent["ts"])
        told = self.sdk.web("chat.postMessage", channel=OPS, text="late reply", thread_ts=parent["ts"])
        self.assertEqual((told["ok"], "thread_ts" in told["message"]), (True, False))
        self.assertEqual(self.sdk.web("conversations.replies", channel=OPS, ts=parent["ts"])["error"], "thread_not_found")

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
        for user, error in (
            ("U0KTGONE000", "user_disabled"),
            ("U0KTNONE000", "user_not_found"),
            (self.slack.app["bot_user"], "cannot_dm_bot"),
            ("", "users_list_not_supplied"),
        ):
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
        self.assertEqual(
            self.slack.post(
                "chat.postMessage", json.dumps({"channel": OPS, "text": "x", "token": self.slack.app["bot_token"]}), "application/json; charset=utf-8", token=""
            )[1]["error"],
            "not_authed",
        )
        self.assertTrue(
            self.slack.post(
                "chat.postMessage",
                urllib.parse.urlencode({"channel": OPS, "text": "x", "token": self.slack.app["bot_token"]}),
                "application/x-www-form-urlencoded",
                token="",
            )[1]["ok"]
        )

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
        shown = self.post(
            [
                {"type": "section", "text": mrkdwn(said)},
                {"type": "section", "text": plain("<!here> &amp; more")},
                {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "<!everyone>"}]}]},
                card("a")[1],
            ]
        )["shown"]
        self.assertEqual(shown["text"], "run https://good.example/ !channel ada <b> https://bare.example/x\n<!here> & more\n<!everyone>\nYes")
        self.assertEqual(shown["mentions"], ["!channel", "@U1"])
        self.assertEqual(
            {(one["url"], one["label"]) for one in shown["links"]}, {("https://evil.example/", "https://good.example/"), ("https://bare.example/x",) * 2}
        )
        self.assertEqual(shown["buttons"], [{"action_id": "a", "text": "Yes", "value": "v-a"}])

    def test_the_log_of_calls(self):
        last = self.slack.calls()[-1]["n"] if self.slack.calls() else 0
        self.sdk.web("chat.postMessage", channel=OPS, text="logged", blocks=card("a"))
        (call,) = self.slack.calls("chat.postMessage", after=last)
        self.assertEqual(self.slack.counts()["chat.postMessage"], len(self.slack.calls("chat.postMessage")))
        self.assertEqual(
            (call["arguments"]["text"], call["arguments"]["blocks"][1]["elements"][0]["action_id"], call["token"], call["ok"]),
            ("logged", "a", self.slack.app["bot_token"], True),
        )

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
        self.assertEqual(
            (act["action_id"], act["value"], act["block_id"], payload["user"]["id"], payload["container"]["message_ts"]),
            ("approve", "v-approve", "votes", ADA, message["ts"]),
        )
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
        self.slack.submit(ADA, {"text": "push"})
        said = self.slack.submit(ADA, {"text": "wrong"})
        self.assertEqual((said["shown"], said["problem"]), ("trouble", "invalid_errors: they name no input block of the modal"))
        self.assertEqual(self.slack.submit(ADA, {"text": "all"})["shown"], "closed")
        self.assertEqual(self.slack.modals(ADA), [], "all that lay on each other")
        self.assertTrue(self.slack.click(ADA, message, "why")["ok"])
        self.slack.until(lambda: self.slack.modals(ADA))
        self.slack.submit(ADA, {"text": "yes"})
        self.assertTrue(self.slack.click(ADA, message, "why")["ok"])
        self.slack.until(lambda: self.slack.modals(ADA))
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

    def test_what_other_apps_write_and_what_no_scope_is_for(self):
        self.slack.write(ADA, OPS, "build 7 is green", bot_id="B0KTOTHER00", subtype="bot_message")
        told = [one["event"] for one in self.sdk.events("message") if one["event"].get("bot_id") == "B0KTOTHER00"]
        self.assertEqual([(one["subtype"], one["text"], "user" in one) for one in told], [("bot_message", "build 7 is green", False)])
        before = self.slack.app["scopes"]
        self.addCleanup(self.slack.configure, scopes=before)
        self.slack.configure(scopes=[one for one in before if one != "channels:history"])
        self.assertEqual(self.slack.write(ADA, OPS, "hush")["sent"], False)
        self.assertNotIn("hush", [one["event"].get("text") for one in self.sdk.events("message")])

    def test_a_shared_link(self):
        url = "https://keyturn.example.com/reviews/7"
        said = self.slack.write(ADA, OPS, f"look at {url} and https://elsewhere.example.org/")
        self.assertTrue(said["link"]["ok"], said)
        shown = self.slack.until(lambda: self.slack.message(OPS, said["message"]["ts"]).get("unfurls"))
        self.assertEqual(list(shown), [url])
        told = self.sdk.events("link_shared")[-1]["event"]
        self.assertEqual(told["links"], [{"url": url, "domain": "keyturn.example.com"}])
        self.assertEqual(
            self.sdk.web("chat.unfurl", channel=OPS, ts=told["message_ts"], unfurls={"https://not.there.example.com/": {"text": "x"}})["error"], "cannot_unfurl_url"
        )


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
        for forge in (
            {"unsigned": True},
            {"secret": "another secret"},
            {"secret": ""},
            {"age": 301},
            {"tamper": "payload=%7B%7D"},
            {"headers": {"x-slack-signature": "v0=00"}},
            {"headers": {"x-slack-signature": "v1=" + "0" * 64}},
            {"headers": {"x-slack-request-timestamp": None}},
            {"headers": {"x-slack-request-timestamp": "1"}},
        ):
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
        with Ear([500, 404, 200]) as ear:
            self.slack.configure(events_url=ear.url)
            self.addCleanup(self.slack.configure, events_url=self.url)
            said = self.slack.open_home(ADA)
            self.assertEqual([one["status"] for one in said["attempts"]], [500, 404, 200])
            self.assertEqual(
                [(one.get("x-slack-retry-num"), one.get("x-slack-retry-reason")) for one in ear.heard], [(None, None), ("1", "http_error"), ("2", "http_error")]
            )
            self.assertEqual(len(set(ear.bodies)), 1, "the same event")
        self.slack.configure(events_url="http://127.0.0.1:1/")
        self.assertEqual([one["failure"] for one in self.slack.open_home(ADA)["attempts"]], ["connection_failed"] * 4)
        self.slack.set(ack_ms=50)
        self.addCleanup(self.slack.set, ack_ms=30_000)
        with Ear([None]) as ear:
            self.slack.configure(events_url=ear.url)
            self.assertEqual([one["failure"] for one in self.slack.open_home(ADA)["attempts"]], ["http_timeout"] * 4)

    def test_answers_are_read_as_slack_reads_them(self):
        self.addCleanup(self.slack.configure, request_url=self.url)
        said = json.dumps({"text": "in JSON"})
        with Ear([(200, "application/json; charset=utf-8", said), (200, "text/plain", said), 500, 200, (200, "text/plain", "ok")]) as ear:
            self.slack.configure(request_url=ear.url, events_url=None)
            self.assertEqual([self.slack.command(ADA, "/keyturn", channel=OPS)["shown"]["text"] for _ in range(2)], ["in JSON", said])
            failed = self.slack.command(ADA, "/keyturn", channel=OPS)
            self.assertEqual((failed["shown"], failed["failed"]), (None, "dispatch_failed"))
            trigger = self.slack.click(ADA, self.post(card("other")), "other")["trigger_id"]
            self.assertTrue(
                self.sdk.web("views.open", trigger_id=trigger, view={"type": "modal", "title": plain("x"), "submit": plain("y"), "blocks": [{"type": "divider"}]})[
                    "ok"
                ]
            )
            self.assertEqual(self.slack.submit(ADA)["shown"], "trouble", "an answer to a modal is empty or JSON")
            self.assertEqual(len(self.slack.modals(ADA)), 1)
            self.slack.dismiss(ADA)

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
        self.assertEqual(
            (event["type"], event["body"]["event"]["type"], event["accepts_response_payload"], event["retry_num"]), ("events_api", "app_home_opened", False, 0)
        )

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
        self.slack.until(lambda: self.states("hardy").count("connected") == 2, "the second hello")
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


if __name__ == "__main__":
    unittest.main()
