"""Forged or replayed consent over Slack, people who do not count there, and text that would act. Each attack is made against a running Keyturn."""
import json
import pathlib
import socket
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, until  # noqa: E402
from support.slacked import ROOM, USERS, Slacked, buttons  # noqa: E402


class Forged(unittest.TestCase):
    """Slack calls Keyturn, over HTTP."""

    @classmethod
    def setUpClass(cls):
        cls.s = Slacked(mode="http", tell="both", rooms={"dba": ROOM}, linked=("bob", "erin", "carol"))
        cls.addClassCleanup(cls.s.close)
        cls.slack, cls.k = cls.s.slack, cls.s.k

    def click(self, action, user="bob", forge=None, button="approve", **more):
        return self.slack.click(USERS[user], self.s.card("bob", action) if user == "bob" else self.s.room_card(action), button, **({"forge": forge} if forge else {}), **more)

    def refused(self, forge, status, code):
        action = self.s.ask(f"a request with {code}")
        answer = self.click(action, forge=forge)
        self.assertEqual((answer["status"], code in json.dumps(answer["body"])), (status, True), answer)
        self.assertEqual((self.s.state(action), self.k.action(action["id"], "ada").json["votes"]), ("pending", []))
        return action

    def test_no_signature(self):
        self.refused({"unsigned": True}, 401, "no_signature")

    def test_a_wrong_or_empty_secret(self):
        self.refused({"secret": "another secret"}, 401, "bad_signature")
        self.refused({"secret": ""}, 401, "bad_signature")

    def test_a_stale_or_future_timestamp(self):
        self.refused({"age": 301 + 5}, 401, "stale_signature")
        self.refused({"age": -301 - 5}, 401, "stale_signature")

    def test_a_tampered_body(self):
        one = self.s.ask("signed")
        answer = self.click(one, forge={"tamper": "payload=%7B%22type%22%3A%22block_actions%22%7D"})
        self.assertEqual(answer["status"], 401, answer)
        self.assertEqual(self.s.state(one), "pending")

    def test_a_replayed_request(self):
        action = self.s.ask("twice", tool="append-two")
        answer = self.click(action, forge={"replays": 2})
        self.assertEqual([one["status"] for one in answer["answers"]], [200, 401, 401])
        until(lambda: len(self.k.action(action["id"], "ada").json["votes"]) == 1, "the first counts")
        self.slack.click(USERS["bob"], self.s.card("bob", action, lambda card: "take_back" in buttons(card)), "take_back")
        until(lambda: not self.k.action(action["id"], "ada").json["votes"], "it was taken back")
        self.assertEqual(self.s.state(action), "pending")

    def test_a_request_from_before_a_restart(self):
        """Which requests came is remembered in memory only: what was signed before the start may have come before."""
        self.k.restart()
        self.refused({"age": 200}, 401, "stale_signature")

    def test_another_workspaces_valid_signature(self):
        self.refused({"merge": {"team": {"id": "T0EVIL00000"}}}, 403, "other_workspace")

    def test_somebody_of_another_workspace(self):
        action = self.s.ask("a shared channel")
        self.click(action, forge={"merge": {"user": {"team_id": "T0EVIL00000"}}})
        self.s.told("bob", "another workspace")
        self.assertEqual(self.s.state(action), "pending")

    def test_a_card_that_was_clicked_late_decides_nothing_else(self):
        action = self.s.ask("the digest counts")
        card = self.s.card("bob", action)
        self.slack.click(USERS["bob"], card, "approve", forge={"merge": {"actions": [
            {"type": "button", "action_id": "approve", "block_id": "b", "value": f"{action['id']}|sha256:{'0' * 64}"}]}})
        self.s.told("bob", "Not approved")
        self.assertEqual(self.s.state(action), "pending")

    def test_what_was_not_shown_whole_is_not_approved_by_a_made_up_click(self):
        action = self.s.ask("x" * 14_000)
        card = self.s.card("bob", action)
        self.assertNotIn("approve", buttons(card))
        self.slack.click(USERS["bob"], card, "deny", forge={"merge": {"actions": [
            {"type": "button", "action_id": "approve", "block_id": "b", "value": f"{action['id']}|{action['digest']}"}]}})
        self.s.told("bob", "open its page")
        self.assertEqual(self.s.state(action), "pending")

    def test_who_does_not_count_in_slack_any_more(self):
        for change, words in (({"deleted": True}, "deactivated"), ({"is_restricted": True}, "guest"), ({"is_ultra_restricted": True}, "guest"),
                              ({"is_stranger": True}, "another workspace"), ({"is_bot": True}, "a bot"), ({"is_email_confirmed": False}, "not confirmed")):
            with self.subTest(words):
                action = self.s.ask(f"by whom? {words}")
                card = self.s.card("erin", action)
                before = len(self.slack.ephemerals(USERS["erin"]))
                self.slack.change_user(USERS["erin"], **change)
                try:
                    # What Slack says is believed for three seconds; until then it opens a dialog, which decides nothing.
                    until(lambda: self.pressed(card, before, words), f"erin was not told: {words}")
                    told = self.answers()
                    self.slack.click(USERS["erin"], card, "approve")
                    until(lambda: self.answers() > told, "no answer")
                    self.assertEqual(self.s.state(action), "pending")
                finally:
                    self.slack.change_user(USERS["erin"], **{key: not value for key, value in change.items()})

    def answers(self):
        """To erin; nobody can tell a deactivated account anything, which the log says."""
        return len(self.slack.ephemerals(USERS["erin"])) + self.k.stderr().count("an answer did not arrive")

    def pressed(self, card, before, words):
        asked = self.answers()
        self.slack.click(USERS["erin"], card, "comment")
        until(lambda: self.slack.modals(USERS["erin"]) or self.answers() > asked, "no answer")
        if self.slack.modals(USERS["erin"]):
            self.slack.dismiss(USERS["erin"])
            return False
        return words == "deactivated" or words in json.dumps(self.slack.ephemerals(USERS["erin"])[before:])

    def test_channel_membership_is_no_authority(self):
        action = self.s.ask("in the room")
        self.slack.click(USERS["carol"], self.s.room_card(action), "approve")
        self.s.told("carol", "Not approved")
        self.assertEqual(self.s.state(action), "pending")
        self.assertEqual(self.k.action(action["id"], "ada").json["votes"], [])

    def test_one_person_by_slack_and_by_web_counts_once(self):
        action = self.s.ask("once", tool="append-two")
        self.click(action)
        until(lambda: len(self.k.action(action["id"], "ada").json["votes"]) == 1, "no vote")
        self.assertEqual(self.s.browser("bob").vote(action).code, "already_voted")
        self.assertEqual(self.s.state(action), "pending")

    def test_a_flood_of_comments_keeps_no_card_waiting(self):
        self.slack.set(post_gap_ms=1000)  # Slack's own pace: a message a second in a conversation
        self.addCleanup(self.slack.set, post_gap_ms=0)
        action = self.s.ask("talked to death")
        card = self.s.card("bob", action)
        for number in range(150):
            self.assertEqual(self.k.post(f"/v1/actions/{action['id']}/comments", "bot", {"text": f"number {number}."}).status, 200)
        other = self.s.ask("important")
        self.s.card("bob", other)
        thread = lambda: [one for one in self.slack.messages(card["channel"], thread_ts=card["ts"]) if one["ts"] != card["ts"]]  # noqa: E731
        self.assertNotIn("number 149.", json.dumps(thread()), "the card did not wait for all of them")
        until(lambda: "number 149." in json.dumps(thread()), "the comments do not come")
        self.assertLess(len(thread()), 30)
        self.assertFalse([number for number in range(150) if f"number {number}." not in json.dumps(thread())])

    def test_a_comment_that_slack_does_not_take_silences_nobody(self):
        action = self.s.ask("poisoned")
        card = self.s.room_card(action)
        for text in ("\u200b" * 5400, "z" * 16_000, "\u27e6" * 5400):
            self.assertEqual(self.k.post(f"/v1/actions/{action['id']}/comments", "bot", {"text": text}).status, 200)
        self.slack.fault("chat.postMessage", times=2, error="msg_too_long")
        self.assertEqual(self.k.post(f"/v1/actions/{action['id']}/comments", "erin", {"text": "DO NOT APPROVE"}).status, 200)
        until(lambda: "DO NOT APPROVE" in json.dumps(self.slack.messages(ROOM, thread_ts=card["ts"])), "it does not come")

    def test_the_home_tab_goes_with_the_right_to_see_it(self):
        action = self.s.ask("only at home", tool="append-two")
        home = lambda who: json.dumps(self.slack.home(USERS[who]))  # noqa: E731
        for who in ("bob", "erin"):
            self.slack.open_home(USERS[who])
            until(lambda: action["id"] in home(who), f"{who} does not see it")  # noqa: B023
        self.k.host("person", "groups", "erin", "--group", "sre")
        self.addCleanup(self.k.host, "person", "groups", "erin", "--group", "dba")
        until(lambda: action["id"] not in home("erin"), "who lost the group still sees it")
        self.assertEqual(self.s.browser("bob").send("DELETE", "/v1/me/links/slack").status, 200)
        self.addCleanup(self.s.link, "bob")
        until(lambda: action["id"] not in home("bob") and "linked to nobody" in home("bob"), "who is not linked any more still sees it")

    def test_a_stranger_in_a_thread_is_answered_once(self):
        self.slack.change_channel(ROOM, join=[USERS["olga"]])
        self.addCleanup(self.slack.change_channel, ROOM, leave=[USERS["olga"]])
        action = self.s.ask("shouted at")
        card = self.s.room_card(action)
        before = len(self.slack.ephemerals(USERS["olga"]))
        for number in range(10):
            self.slack.write(USERS["olga"], ROOM, f"spam {number}", thread_ts=card["ts"])
        self.slack.write(USERS["bob"], ROOM, "heard", thread_ts=card["ts"])
        until(lambda: self.k.action(action["id"], "ada").json["comments"], "bob is not heard")
        self.assertEqual(len(self.slack.ephemerals(USERS["olga"])) - before, 1)
        self.assertEqual([one["text"] for one in self.k.action(action["id"], "ada").json["comments"]], ["heard"])

    def test_an_account_is_linked_by_both_sides_or_not_at_all(self):
        attempt = self.s.code("dave")
        asked = self.s.say_code("olga", attempt["code"])  # olga's account says dave's code
        self.assertIn("dave", json.dumps(asked))
        self.assertEqual(self.s.browser("dave").post(f"/v1/me/links/{attempt['id']}/confirm").code, "link_not_ready")
        self.slack.click(USERS["olga"], asked, "link_yes")
        until(lambda: any(one["agreed"] for one in self.s.browser("dave").get("/v1/me/links").json["under_way"]), "not agreed")
        self.assertIn(USERS["olga"], json.dumps(self.s.browser("dave").get("/v1/me/links").json), "dave sees whose account that is")
        self.assertEqual(self.s.browser("dave").get("/v1/me/links").json["items"], [], "and has not agreed")
        self.assertEqual(self.s.browser("bob").post(f"/v1/me/links/{attempt['id']}/confirm").code, "not_found")
        for _ in range(6):
            said = self.s.say_code("olga", "AAAA-AAAA")
        self.assertIn("tried too often", json.dumps(said))

    def test_a_response_url_is_never_called_nor_kept(self):
        with socket.create_server(("127.0.0.1", 0)) as trap:
            trap.settimeout(0.5)
            port = trap.getsockname()[1]
            caught = []

            def listen():
                try:
                    caught.append(trap.accept())
                except OSError:
                    pass
            thread = threading.Thread(target=listen)
            thread.start()
            action = self.s.ask("exfiltration")
            self.slack.click(USERS["carol"], self.s.room_card(action), "approve", forge={"merge": {"response_url": f"http://127.0.0.1:{port}/taken"}})
            self.s.told("carol", "Not approved")
            thread.join(DEADLINE)
            self.assertEqual(caught, [])
        self.assertNotIn("/taken", self.k.stderr())
        self.assertNotIn("response_url", self.k.stderr())

    def test_no_link_and_no_get_decides(self):
        for path in ("/slack/interactive", "/slack/events", "/slack/commands"):
            self.assertIn(self.k.get(path).status, (404, 405))
            self.assertEqual(self.k.post(path, None, {}).status, 401)

    def test_text_in_a_card_is_text(self):
        evil = "<!channel> <@U0BOB00000> *Approved by bob* `x` ```\n<https://evil.example|open> :white_check_mark: \u202egnp.exe \u200b &lt;b&gt;"
        action = self.s.ask(evil, reason="<!here> " + "why *now*")
        card = self.s.card("bob", action)
        live = []

        def look(value):
            if isinstance(value, list):
                for one in value:
                    look(one)
            elif isinstance(value, dict):
                literal = value.get("type") == "text" or (value.get("type") == "plain_text" and value.get("emoji") is False)
                self.assertNotIn(value.get("type"), ("mrkdwn", "emoji", "link", "user", "broadcast", "image", "usergroup"))
                for key, inner in value.items():
                    if isinstance(inner, str) and not (literal and key == "text"):
                        live.append(inner)
                    look(inner)
        look(card["blocks"])
        for part in ("channel", "U0BOB", "evil.example", "white_check", "\u202e", "\u200b"):
            self.assertFalse([one for one in live + [card["text"]] if part in one], part)
        self.assertNotIn("\u202e", json.dumps(card, ensure_ascii=False))
        self.assertIn("U+202E", json.dumps(card))
        self.assertIn("<!channel>", json.dumps(card), "it is there to be read")


class Refusing(unittest.TestCase):
    def test_with_an_empty_secret_nothing_is_taken_until_it_is_corrected(self):
        s = Slacked(mode="http", linked=("bob",))
        try:
            right = s.slack.app["signing_secret"]
            action = s.ask("with no secret")
            card = s.card("bob", action)
            s.k.stop()
            s.secret("signing", "")
            s.k.start()
            self.assertIn("signing", s.k.stderr())
            for secret in ("", right):
                answer = s.slack.click(USERS["bob"], card, "approve", forge={"secret": secret})
                self.assertEqual(answer["status"], 401, answer)
            self.assertEqual(s.state(action), "pending")
            self.assertIn("signing", json.dumps(s.k.get("/v1/admin/channels", "ada").json))
            s.secret("signing", right)
            until(lambda: s.slack.click(USERS["bob"], card, "approve")["status"] == 200, "the corrected secret counts")
            self.assertEqual(s.k.settled(action["id"])["state"], "succeeded")
        finally:
            s.close()

    def test_over_socket_mode_nothing_is_taken_over_http(self):
        s = Slacked(mode="socket", linked=("bob",))
        try:
            action = s.ask("by socket")
            card = s.card("bob", action)
            answer = s.slack.click(USERS["bob"], card, "approve", forge={"url": f"http://localhost:{s.k.port}/slack/interactive"})
            self.assertEqual(answer["status"], 404, answer)
            s.slack.click(USERS["bob"], card, "approve", forge={"merge": {"team": {"id": "T0EVIL00000"}}})
            s.slack.click(USERS["bob"], card, "comment")
            s.slack.until(lambda: s.slack.modals(USERS["bob"]))
            self.assertEqual(s.state(action), "pending")
        finally:
            s.close()

if __name__ == "__main__":
    unittest.main()
