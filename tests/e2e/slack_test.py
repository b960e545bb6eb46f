"""Slack, from the request to the outcome: cards, clicks, dialogs, threads, the command, the Home tab, and what happens when Slack does not answer."""
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, until  # noqa: E402
from support.slacked import ROOM, USERS, Slacked, buttons  # noqa: E402


class Flow:
    MODE = ""

    @classmethod
    def setUpClass(cls):
        cls.s = Slacked(mode=cls.MODE)
        cls.addClassCleanup(cls.s.close)
        cls.slack, cls.k = cls.s.slack, cls.s.k

    def test_a_click_approves_and_every_card_says_so(self):
        action = self.s.ask("approved in chat")
        bob, erin = self.s.card("bob", action), self.s.card("erin", action)
        self.assertEqual(buttons(bob), ["approve", "deny", "comment", "open"])
        for part in ("append-chat", "approved in chat", "olga", "dba 0 of 1"):
            self.assertIn(part, json.dumps(bob))
        self.slack.click(USERS["bob"], bob, "approve")
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        vote = self.k.action(action["id"], "ada").json["votes"][0]
        self.assertEqual((vote["reviewer"], vote["assurance"], vote["channel"]), ("bob", "chat", "slack"))
        for person, before in (("bob", bob), ("erin", erin)):
            after = self.s.card(person, action, lambda card: "Done" in card["text"])
            self.assertEqual((after["ts"], buttons(after)), (before["ts"], ["comment", "open"]))
        self.assertEqual([], [one for one in self.slack.dm(USERS["ada"]) if action["id"] in one["text"]], "nobody asked ada")

    def test_a_denial_gives_its_reason_in_a_dialog(self):
        action = self.s.ask("denied in chat")
        self.slack.click(USERS["bob"], self.s.card("bob", action), "deny")
        self.slack.until(lambda: self.slack.modals(USERS["bob"]))
        empty = self.slack.submit(USERS["bob"], {"text": "   "})
        self.assertIn("errors", json.dumps(empty))
        done = self.slack.submit(USERS["bob"], {"text": "not before <!channel> Monday"})
        self.assertIn("closed", json.dumps(done))
        self.assertEqual(self.k.settled(action["id"])["state"], "denied")
        self.assertEqual(self.k.action(action["id"], "ada").json["votes"][0]["note"], "not before <!channel> Monday")
        self.s.card("erin", action, lambda card: "Denied by people" in card["text"])

    def test_a_vote_is_taken_back(self):
        action = self.s.ask("taken back", tool="append-two")
        self.slack.click(USERS["bob"], self.s.card("bob", action), "approve")
        card = self.s.card("bob", action, lambda one: "take_back" in buttons(one))
        self.assertNotIn("approve", buttons(card))
        self.slack.click(USERS["bob"], card, "take_back")
        self.s.card("bob", action, lambda one: "approve" in buttons(one))
        self.assertEqual(self.k.action(action["id"], "ada").json["votes"], [])

    def test_comments_go_both_ways_each_once(self):
        action = self.s.ask("discussed")
        bob = self.s.card("bob", action)
        self.slack.write(USERS["bob"], bob["channel"], "who &amp; why?", thread_ts=bob["ts"])
        until(lambda: [one["text"] for one in self.k.action(action["id"], "ada").json["comments"]] == ["who & why?"], "no comment")
        erin = self.s.card("erin", action)
        thread = lambda card: [one for one in self.slack.messages(card["channel"], thread_ts=card["ts"]) if one["ts"] != card["ts"]]  # noqa: E731
        until(lambda: any("who & why?" in json.dumps(one) for one in thread(erin)), "erin does not see it")
        self.k.post(f"/v1/actions/{action['id']}/comments", "ada", {"text": "because <@U123> said *so*"})
        for card in (bob, erin):
            until(lambda: any("said *so*" in json.dumps(one) for one in thread(card)), "not mirrored")
        self.assertEqual([one["user"] for one in thread(bob) if "who" in json.dumps(one)], [USERS["bob"]], "what bob said there is not said again")
        self.slack.click(USERS["erin"], erin, "comment")
        self.slack.until(lambda: self.slack.modals(USERS["erin"]))
        self.slack.submit(USERS["erin"], {"text": "from the dialog"})
        until(lambda: len(self.k.action(action["id"], "ada").json["comments"]) == 3, "no third comment")
        until(lambda: any("from the dialog" in json.dumps(one) for one in thread(bob)), "bob does not see it")
        self.assertEqual([one["text"] for one in self.k.action(action["id"], "ada").json["comments"]],
                         ["who & why?", "because <@U123> said *so*", "from the dialog"])

    def test_what_is_said_in_a_thread_keeps_its_order(self):
        action = self.s.ask("in order")
        card = self.s.card("dave", action)
        asked = lambda: len(self.slack.calls("users.info"))  # noqa: E731
        before, said = asked(), []
        say = lambda text: said.append(text) or self.slack.write(USERS["dave"], card["channel"], text, thread_ts=card["ts"])  # noqa: E731
        self.slack.delay(1500, "users.info")  # while Slack thinks about who that is, more is said
        try:
            until(lambda: say(f"number {len(said)}") and asked() > before, "an older answer still counts")
        finally:
            self.slack.delay(0, "users.info")
        say("quick")
        comments = lambda: [one["text"] for one in self.k.action(action["id"], "ada").json["comments"]]  # noqa: E731
        until(lambda: len(comments()) == len(said), "not every message is a comment")
        self.assertEqual(comments(), said)

    def test_the_same_words_elsewhere_are_said_again(self):
        action = self.s.ask("agreed twice")
        bob = self.s.card("bob", action)
        self.slack.write(USERS["bob"], bob["channel"], "I agree", thread_ts=bob["ts"])
        until(lambda: len(self.k.action(action["id"], "ada").json["comments"]) == 1, "no comment")
        for text in ("I agree", "and more"):
            self.assertEqual(self.s.browser("bob").post(f"/v1/actions/{action['id']}/comments", {"text": text}).status, 200)
        ours = lambda: json.dumps([one["blocks"] for one in self.slack.messages(bob["channel"], thread_ts=bob["ts"]) if one["ts"] != bob["ts"] and one["user"] != USERS["bob"]])  # noqa: E731
        until(lambda: "and more" in ours(), "not mirrored")
        self.assertEqual(ours().count("I agree"), 1, "once for the page; what was said in the thread is there already")

    def test_what_a_click_may_not_decide_is_on_the_page(self):
        action = self.s.ask("in a browser", tool="append-session")
        card = self.s.card("bob", action)
        self.assertEqual(buttons(card), ["comment", "open"])
        self.assertIn("signed-in browser", json.dumps(card))

    def test_what_does_not_fit_cannot_be_approved_here(self):
        action = self.s.ask("x" * 14_000 + "; DROP")
        card = self.s.card("bob", action)
        self.assertNotIn("approve", buttons(card))
        self.assertIn("open to see all of it", json.dumps(card))
        self.assertIn("deny", buttons(card))

    def test_the_command_lists_shows_and_helps(self):
        action = self.s.ask("listed")
        self.s.card("bob", action)

        def said(person, text, words):
            self.slack.command(USERS[person], "/keyturn", text)
            return self.s.told(person, words)
        said("bob", "", "/keyturn link CODE")
        said("bob", "list", action["id"])
        self.assertIn("approve", buttons(said("bob", f"show {action['id']}", "listed")))
        said("bob", "show act_none", "There is no such action")
        said("carol", "list", "linked to nobody")
        said("bob", "unlink", "account page")

    def test_what_is_written_to_the_app_is_answered(self):
        action = self.s.ask("asked by word")
        self.s.card("bob", action)
        for person, text, words in (("bob", "hello?", "/keyturn link CODE"), ("bob", "list", action["id"]), ("carol", "list", "linked to nobody")):
            before = len(self.slack.ephemerals(USERS[person]))
            self.slack.write(USERS[person], "dm", text)
            answers = until(lambda: self.slack.ephemerals(USERS[person])[before:], f"no answer to {text!r}")
            self.assertIn(words, self.s.shown(answers))

    def test_the_home_tab_is_written_anew(self):
        self.slack.open_home(USERS["dave"])
        until(lambda: self.slack.home(USERS["dave"]), "no Home")
        action = self.s.ask("at home")
        until(lambda: action["id"] in json.dumps(self.slack.home(USERS["dave"])), "the Home tab does not have it")
        self.slack.click(USERS["bob"], self.s.card("bob", action), "approve")
        until(lambda: action["id"] not in json.dumps(self.slack.home(USERS["dave"])), "the Home tab still has it")
        self.slack.open_home(USERS["carol"])
        until(lambda: "linked to nobody" in json.dumps(self.slack.home(USERS["carol"])), "carol is not told how")

    def test_a_link_shows_a_card_without_buttons_to_who_may_read_it(self):
        action = self.s.ask("shared")
        url = f"{self.k.url}/a/{action['id']}"
        self.slack.write(USERS["carol"], ROOM, f"look: <{url}>")
        self.slack.write(USERS["bob"], ROOM, f"see <{url}>")
        call = until(lambda: self.slack.calls("chat.unfurl"), "no unfurl")
        self.assertEqual(len(call), 1, "only what bob shared: carol is nobody's reviewer here")
        self.assertIn("append-chat", json.dumps(call))
        self.assertNotIn("action_id", json.dumps(call))
        self.assertEqual(self.k.action(action["id"], "ada").json["votes"], [])

    def test_an_outage_loses_nothing(self):
        self.slack.down()
        action = self.s.ask("while Slack is away")
        self.k.vote(action, "erin")
        channel = lambda: next(one for one in self.k.get("/v1/admin/channels", "ada").json["items"] if one["name"] == "slack")  # noqa: E731
        until(lambda: channel()["state"] == "down", "Administration does not say that Slack is away")
        other = self.s.ask("comes later")
        self.slack.up()
        card = self.s.card("bob", other)
        self.slack.fault("chat.update", times=2, status=500)
        self.slack.fault("chat.postMessage", times=1, status=429, retry_after=1)
        third = self.s.ask("limited")
        self.s.card("bob", third)
        until(lambda: channel()["state"] != "down", "it is still away")
        if self.MODE == "socket":
            self.s.connected()
        self.slack.fault("users.info", times=1, status=500)
        # Not bob, whom an earlier test may have had asked about within the three seconds for which that counts.
        self.slack.click(USERS["dave"], self.s.card("dave", other), "approve")
        self.s.told("dave", "does not say just now")
        self.assertEqual(self.s.state(other), "pending")
        self.slack.click(USERS["bob"], card, "approve")
        self.assertEqual(self.k.settled(other["id"])["state"], "succeeded")

    def test_a_restart_goes_on_with_the_same_messages(self):
        action = self.s.ask("over a restart")
        before = self.s.card("bob", action)
        opened = self.slack.sockets()["opened"]
        self.k.restart()
        if self.MODE == "socket":
            self.s.connected(opened)
        self.slack.write(USERS["bob"], before["channel"], "after the restart", thread_ts=before["ts"])
        until(lambda: self.k.action(action["id"], "ada").json["comments"], "the thread was forgotten")
        self.slack.click(USERS["bob"], before, "approve")
        self.s.card("bob", action, lambda card: "Done" in card["text"] and card["ts"] == before["ts"])
        self.assertEqual(len([one for one in self.slack.dm(USERS["bob"]) if action["id"] in one["text"]]), 1)

    def test_people_are_called_again_and_others_after_a_while(self):
        action = self.s.ask("nobody answers", tool="append-called")
        self.s.card("bob", action)
        self.s.told("bob", "Reminder: it still waits for people")
        escalated = self.s.card("dave", action, lambda card: "escalated" in card["text"])  # of dba and of sre
        self.assertEqual(len([one for one in self.slack.dm(USERS["dave"]) if one["text"] == escalated["text"]]), 1)
        self.s.told("bob", "Escalated: it still waits for people")
        self.slack.click(USERS["bob"], self.s.card("bob", action), "approve")
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")

    def test_who_may_not_see_it_any_more_is_not_shown_it_any_more(self):
        action = self.s.ask("no longer for everybody", tool="append-two")
        self.assertIn("no longer for everybody", json.dumps(self.s.card("erin", action)["blocks"]))
        self.k.host("person", "groups", "erin", "--group", "sre")
        self.addCleanup(self.k.host, "person", "groups", "erin", "--group", "dba")
        card = self.s.card("erin", action, lambda one: "not for you any more" in json.dumps(one["blocks"]))
        self.assertNotIn("no longer for everybody", json.dumps(card["blocks"]))
        self.assertEqual(buttons(card), ["open"])
        self.assertEqual(self.s.browser("dave").send("DELETE", "/v1/me/links/slack").status, 200)
        self.addCleanup(self.s.link, "dave")
        card = self.s.card("dave", action, lambda one: "not linked to anybody" in json.dumps(one["blocks"]))
        self.assertNotIn("no longer for everybody", json.dumps(card["blocks"]))
        self.k.post(f"/v1/actions/{action['id']}/comments", "ada", {"text": "for those who remain"})
        bob = self.s.card("bob", action)
        until(lambda: "for those who remain" in json.dumps(self.slack.messages(bob["channel"], thread_ts=bob["ts"])), "bob does not see it")
        self.assertNotIn("for those who remain", json.dumps(self.slack.dm(USERS["erin"]) + self.slack.dm(USERS["dave"])))


class BySocket(Flow, unittest.TestCase):
    MODE = "socket"

    def test_connections_are_replaced_and_found_again(self):
        opened = self.slack.sockets()["opened"]
        self.slack.disconnect("refresh_requested")
        opened = self.s.connected(opened)
        action = self.s.ask("after a refresh")
        self.slack.click(USERS["bob"], self.s.card("bob", action), "approve")
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        self.slack.drop_sockets()
        self.s.connected(opened)
        action = self.s.ask("after a drop")
        self.slack.click(USERS["bob"], self.s.card("bob", action), "approve")
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")


    def test_an_envelope_that_comes_twice_is_carried_out_once(self):
        action = self.s.ask("enveloped")
        card = self.s.card("bob", action)
        team = self.slack.say("team")["id"]

        def envelope(id, number):
            ts = f"170000888{number}.000100"
            event = {"type": "message", "channel": card["channel"], "channel_type": "im", "user": USERS["bob"], "text": f"number {number}", "ts": ts, "thread_ts": card["ts"]}
            payload = {"type": "event_callback", "team_id": team, "event_id": f"EvSock{number}", "event": event}
            self.slack.say("raw_socket", text=json.dumps({"envelope_id": id, "type": "events_api", "accepts_response_payload": False, "payload": payload}))
        envelope("11111111-0000-0000-0000-000000000000", 1)
        envelope("11111111-0000-0000-0000-000000000000", 2)  # the same one, whatever is in it
        envelope("22222222-0000-0000-0000-000000000000", 3)
        until(lambda: sorted(one["text"] for one in self.k.action(action["id"], "ada").json["comments"]) == ["number 1", "number 3"], "not once each")


class ByHttp(Flow, unittest.TestCase):
    MODE = "http"

    def test_what_slack_tells_twice_counts_once_also_after_a_restart(self):
        action = self.s.ask("told twice")
        card = self.s.card("bob", action)
        team = self.slack.say("team")["id"]

        def tell(event_id, ts, age):
            event = {"type": "message", "channel": card["channel"], "channel_type": "im", "user": USERS["bob"], "text": "once", "ts": ts, "thread_ts": card["ts"], "event_ts": ts}
            answer = self.slack.raw(f"{self.k.url}/slack/events", json.dumps({"type": "event_callback", "team_id": team, "event_id": event_id, "event": event}),
                                    {"content-type": "application/json", "x-slack-retry-num": str(age)}, sign={"age": age})
            self.assertEqual(answer["status"], 200, answer)
        comments = lambda: [one["text"] for one in self.k.action(action["id"], "ada").json["comments"]]  # noqa: E731
        tell("Ev01", "1700009999.000100", 0)
        until(lambda: comments() == ["once"], "it does not count")
        tell("Ev01", "1700009999.000100", 1)
        self.k.restart()
        tell("Ev01", "1700009999.000100", 0)  # signed anew, as Slack does
        tell("Ev02", "1700009999.000200", 0)  # another message that says the same
        until(lambda: len(comments()) > 1, "the other message does not count")
        self.assertEqual(comments(), ["once", "once"])


class Rooms(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = Slacked(tell="both", rooms={"dba": ROOM, "sre": "C0GONE00000"}, linked=("bob",))
        cls.addClassCleanup(cls.s.close)

    def test_a_room_is_told_and_a_dead_one_is_shown(self):
        action = self.s.ask("in the room")
        card = self.s.room_card(action)
        self.assertIn("approve", buttons(card))
        self.s.slack.click(USERS["erin"], card, "approve")
        self.s.told("erin", "linked to nobody")
        self.assertEqual(self.s.state(action), "pending")
        self.s.slack.click(USERS["bob"], card, "approve")
        self.assertEqual(self.s.k.settled(action["id"])["state"], "succeeded")
        self.s.room_card(action, lambda one: "Done" in one["text"] and one["ts"] == card["ts"])
        self.s.ask("for both", tool="append")
        channel = lambda: next(one for one in self.s.k.get("/v1/admin/channels", "ada").json["items"] if one["name"] == "slack")  # noqa: E731
        dead = until(lambda: channel()["dead"], "the dead room is not shown")
        self.assertIn("channel_not_found", dead[0]["why"])

    def test_a_room_is_reminded_in_the_thread_with_those_who_are_asked(self):
        action = self.s.ask("nobody answers", tool="append-called")
        card = self.s.room_card(action)
        reminder = until(lambda: next((one for one in self.s.slack.messages(ROOM, thread_ts=card["ts"]) if "Reminder" in one["text"]), None), "no reminder")
        mentioned = [element["user_id"] for part in reminder["blocks"][0]["elements"] for element in part["elements"] if element["type"] == "user"]
        self.assertEqual(mentioned, [USERS["bob"]], "of those who are asked, bob has linked an account")

    def test_what_is_a_comment_and_what_is_not(self):
        slack, action = self.s.slack, self.s.ask("talked about", tool="append-two")
        card = self.s.room_card(action)
        slack.write(USERS["erin"], ROOM, "I am nobody here", thread_ts=card["ts"])
        self.s.told("erin", "This is not in Keyturn")
        said = slack.write(USERS["bob"], ROOM, "first", thread_ts=card["ts"])
        comments = lambda: [one["text"] for one in self.s.k.action(action["id"], "ada").json["comments"]]  # noqa: E731
        until(lambda: comments() == ["first"], "no comment")
        message = said.get("message") or next(one for one in slack.messages(ROOM, thread_ts=card["ts"]) if one.get("user") == USERS["bob"])
        slack.edit(USERS["bob"], message | {"channel": ROOM}, "changed")
        slack.erase(USERS["bob"], message | {"channel": ROOM})
        slack.write(USERS["bob"], ROOM, "not in a thread")
        slack.write(USERS["bob"], ROOM, "last", thread_ts=card["ts"])
        until(lambda: comments() == ["first", "last"], "what was edited, erased or said elsewhere is a comment")


class Installation(unittest.TestCase):
    """keyturn channels test slack"""

    def checks(self, s):
        said = s.k.cli("channels", "test", "slack", "--json", "--config", s.k.config_file, check=False)
        found = {one["what"]: one for one in said.json["channels"][0]["checks"]}
        return said.code, found

    def wrong(self, s):
        code, found = self.checks(s)
        self.assertNotEqual(code, 0)
        return {what: one["words"] for what, one in found.items() if not one["good"]}

    def test_by_socket_with_rooms(self):
        s = Slacked(tell="both", rooms={"dba": ROOM}, linked=())
        self.addCleanup(s.close)
        code, found = self.checks(s)
        self.assertEqual((code, [what for what, one in found.items() if not one["good"]]), (0, []), found)
        for what in ("bot token", "app token", "clock", "scope chat:write", "scope groups:history", f"room {ROOM} (dba)"):
            self.assertIn(what, found)
        s.slack.configure(scopes=[scope for scope in s.slack.app["scopes"] if scope != "users:read"])
        self.assertIn("users:read", str(list(self.wrong(s))))
        s.slack.configure(app_scopes=[])
        self.assertIn("connections:write", self.wrong(s)["app token"])
        s.slack.change_channel(ROOM, is_archived=True)
        self.assertIn("archived", self.wrong(s)[f"room {ROOM} (dba)"])
        s.slack.configure(token_revoked=True)
        self.assertIn("revoked", self.wrong(s)["bot token"])

    def test_the_manifest_is_one_and_asks_for_what_is_needed(self):
        s = Slacked(linked=())
        self.addCleanup(s.close)
        text = (pathlib.Path(__file__).resolve().parents[2] / "examples/slack/manifest.json").read_text()
        _, said, _ = s.slack.call("apps.manifest.validate", token=s.slack.app["config_token"], manifest=text)
        self.assertEqual((said["ok"], said.get("errors")), (True, None))
        s.slack.configure(scopes=json.loads(text)["oauth_config"]["scopes"]["bot"])
        code, found = self.checks(s)
        self.assertEqual((code, [what for what, one in found.items() if not one["good"]]), (0, []), found)

    def test_by_http_and_of_another_workspace(self):
        s = Slacked(mode="http", linked=())
        self.addCleanup(s.close)
        code, found = self.checks(s)
        self.assertEqual((code, [what for what, one in found.items() if not one["good"]]), (0, []), found)
        s.secret("signing", "another secret")
        self.assertIn("another signing secret", self.wrong(s)["signing secret and address"])
        s.k.stop()
        self.assertIn("not reached", self.wrong(s)["signing secret and address"])
        s.k.config_file.write_text(s.config.replace("T0KT0000000", "T0OTHER0000"))
        self.assertIn("another workspace (T0KT0000000)", self.wrong(s)["bot token"])

    def test_without_its_secrets_the_server_starts_says_so_and_a_corrected_file_counts(self):
        s = Slacked(linked=("bob",))
        self.addCleanup(s.close)
        s.k.stop()
        bot, app = s.slack.app["bot_token"], s.slack.app["app_token"]
        s.secret("bot", "xoxp-not-a-bots")
        pathlib.Path(s.folder.name, "app").unlink()
        checked = subprocess.run([*s.k.command, "--check"], capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(checked.returncode, 1)
        self.assertRegex(checked.stderr, r"keyturn.yaml: channels: slack: bot_token begins with xoxb-")
        self.assertRegex(checked.stderr, r"keyturn.yaml: channels: slack: app_token: .*/app")
        s.k.start()
        self.assertIn("xoxb-", json.dumps(s.k.get("/v1/admin/channels", "ada").json))
        for what in ("slack: bot_token begins with xoxb-", "slack: Socket Mode: app_token: "):
            until(lambda: what in s.k.stderr(), f"the log does not say {what}")
        action = s.ask("it waits for the tokens")
        s.secret("app", app)
        s.secret("bot", bot)
        card = s.card("bob", action)
        s.connected()
        s.slack.click(USERS["bob"], card, "approve")
        self.assertEqual(s.k.settled(action["id"])["state"], "succeeded")

    def test_requests_that_slack_did_not_sign_are_said(self):
        s = Slacked(mode="http", linked=("bob",))
        self.addCleanup(s.close)
        card = s.card("bob", s.ask("signed by whom"))
        s.secret("signing", "another secret")
        s.k.stop()
        s.k.start()
        self.assertEqual(s.slack.click(USERS["bob"], card, "approve")["status"], 401)
        self.assertIn("check signing_secret", s.k.stderr())
        self.assertIn("not Slack's", json.dumps(s.k.get("/v1/admin/channels", "ada").json))


if __name__ == "__main__":
    unittest.main()
