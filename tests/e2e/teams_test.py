"""Microsoft Teams, as the loopback of tests/peers/teams plays it: people decide in it, and every place shows the same."""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import ROOT, until  # noqa: E402
from support.playground import Playground  # noqa: E402
from support.teams import Teams  # noqa: E402
from support.teams_bot import TeamsAndKeyturn, texts, verbs  # noqa: E402


class TeamsPeople(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.here = TeamsAndKeyturn()
        cls.addClassCleanup(cls.here.close)
        cls.k, cls.teams = cls.here.k, cls.here.teams
        cls.bob, cls.carol, cls.erin = (cls.here.link(name) for name in ("bob", "carol", "erin"))
        cls.mia = cls.here.users["mia"]

    def test_from_the_request_to_the_end_with_two_people(self):
        action = self.here.ask("two of them")
        for user in (self.bob, self.carol):
            card = self.here.card(user, action)
            self.assertIn("two of them", texts(card["card"]))
            self.assertLessEqual({"approve", "deny", "comment"}, verbs(card["card"]))
        done = self.bob.click("approve", message=self.here.card(self.bob, action)["id"])
        self.assertEqual((done["status"], done["shown"]), (200, "card"), done)
        self.assertNotIn("approve", verbs(done["card"]))
        self.assertIn("take_back", verbs(done["card"]))
        seen = self.here.card(self.carol, action, where=lambda text: "approved over teams" in text)
        self.assertIn("bob", texts(seen["card"]))
        self.assertGreater(seen["edits"], 0, "in place")
        done = self.carol.click("approve", message=seen["id"])
        self.assertEqual(done["shown"], "card", done)
        now = self.k.settled(action["id"])
        self.assertEqual(now["state"], "succeeded")
        self.assertEqual([(vote["reviewer"], vote["assurance"], vote["channel"]) for vote in now["votes"]], [("bob", "chat", "teams"), ("carol", "chat", "teams")])
        self.assertIn("two of them", self.k.lines())
        for user in (self.bob, self.carol, self.erin):
            over = self.here.card(user, action, where=lambda text: text.startswith("Done"))
            self.assertFalse({"approve", "deny", "take_back"} & verbs(over["card"]))
            self.assertEqual(len(self.here.cards(user, action)), 1, "one message for each, to the end")

    def test_deny_with_a_reason(self):
        action = self.here.ask("nobody wants it")
        message = self.here.card(self.bob, action)["id"]
        done = self.bob.click("deny", message=message, inputs={"reason": "<at>all</at> **no** {{DATE(2020-01-01T00:00:00Z,SHORT)}}"})
        self.assertEqual(done["shown"], "card", done)
        now = self.k.settled(action["id"])
        self.assertEqual((now["state"], now["votes"][0]["note"]), ("denied", "<at>all</at> **no** {{DATE(2020-01-01T00:00:00Z,SHORT)}}"))
        over = self.here.card(self.erin, action, where=lambda text: text.startswith("Denied by people"))
        self.assertIn("**no** {{DATE(2020-01-01T00:00:00Z,SHORT)}}", texts(over["card"]))
        self.assertNotIn('"{{', str(over["card"]).replace("'", '"'))

    def test_taken_back_and_said(self):
        action = self.here.ask("thought again")
        message = self.here.card(self.bob, action)["id"]
        self.bob.click("approve", message=message)
        self.assertEqual(self.bob.click("take_back", message=message)["shown"], "card")
        self.assertEqual(self.k.action(action["id"]).json["votes"], [])
        done = self.bob.click("comment", message=message, inputs={"text": "which rows?"})
        self.assertEqual(done["shown"], "card", done)
        self.assertEqual([(one["by"], one["text"]) for one in self.k.action(action["id"], "bob").json["comments"]], [("bob", "which rows?")])
        self.here.card(self.carol, action, where=lambda text: "which rows?" in text)
        self.assertFalse([one for one in self.here.cards(self.bob, action) if "which rows?" in texts(one["card"])], "not to whom said it")

    def test_what_is_decided_elsewhere_is_seen_here(self):
        action = self.here.ask("in the terminal")
        message = self.here.card(self.bob, action)["id"]
        self.k.vote(action, "bob")
        self.k.vote(action, "carol")
        self.here.card(self.bob, action, where=lambda text: text.startswith("Done"))
        late = self.erin.click("approve", message=self.here.card(self.erin, action)["id"], stale=True)
        self.assertEqual(late["shown"], "message", late)
        late = self.bob.click("approve", message=message, stale=True)
        self.assertEqual((late["status"], late["shown"]), (200, "message"))

    def test_a_click_that_is_sent_again_counts_once(self):
        action = self.here.ask("once")
        message = self.here.card(self.bob, action)["id"]
        first = self.bob.click("approve", message=message)
        self.bob.click("take_back", message=message)
        again = self.teams.again(first)
        self.assertEqual(again["body"], first["body"])
        self.assertEqual(self.k.action(action["id"]).json["votes"], [], "the old click is not carried out again")

    def test_higher_tiers_are_for_the_page(self):
        for tool, words in (("append-session", "signed-in browser"), ("append-passkey", "passkey"), ("append-retype", "its page")):
            with self.subTest(tool):
                action = self.here.ask("more is asked", tool)
                card = self.here.card(self.bob, action)["card"]
                self.assertNotIn("approve", verbs(card))
                self.assertIn(words, texts(card))
                self.assertIn("Action.OpenUrl", str(card))

    def test_what_does_not_fit_is_for_the_page(self):
        action = self.here.ask("x" * 2000 + " " * 3 + "y" * 500 + "\u202e" * 300)
        fits = self.here.card(self.bob, action)
        self.assertIn("approve", verbs(fits["card"]))
        long = self.here.ask("a\tb" * 6000)
        card = self.here.card(self.bob, long)["card"]
        self.assertNotIn("approve", verbs(card))
        self.assertIn("Not all of it is shown here", texts(card))
        self.assertIn("x" * 2000 + "\u27e6\u2423\u00d73\u27e7" + "y" * 500 + "\u27e6U+202E RIGHT-TO-LEFT OVERRIDE \u00d7300\u27e7", texts(fits["card"]))

    def test_words(self):
        self.assertIn("linked to nobody", self.say(self.mia, "help"))
        self.assertIn("bob (bob)", self.say(self.bob, "help"))
        self.assertRegex(self.say(self.bob, "help"), r"Waits for you: \d+ \(write list\)")
        action = self.here.ask("listed")
        self.assertIn(action["id"], self.say(self.bob, "list"))
        self.assertIn("listed", self.say(self.bob, f"show {action['id']}"))
        self.assertIn("not for you", self.say(self.bob, "show act_none"))
        self.assertIn("linked to nobody", self.say(self.mia, f"show {action['id']}"))

    def say(self, user, words):
        before = {one["id"] for one in user.messages()}
        self.assertEqual(user.say(words)["status"], 200)
        fresh = [one for one in user.messages() if one["id"] not in before and one["from"] == "bot" and one["card"]]
        return "\n".join(texts(one["card"]) for one in fresh)

    def test_nobody_is_linked_by_one_side(self):
        attempt = self.here.begin_link("dave")
        self.assertEqual(self.here.browser("dave").send("POST", f"/v1/me/links/{attempt['id']}/confirm", {}).status, 409)
        self.assertIn("code", self.say(self.mia, "link AAAA-AAAA"))
        self.assertIn("Is that you?", self.say(self.mia, f"link {attempt['code'].lower()}"))
        self.assertEqual(self.mia.click("link_no")["shown"], "card")
        self.assertNotEqual(self.here.browser("dave").send("POST", f"/v1/me/links/{attempt['id']}/confirm", {}).status, 200)


class TeamsRooms(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.here = TeamsAndKeyturn(tell="rooms")
        cls.addClassCleanup(cls.here.close)
        cls.k, cls.teams, cls.room = cls.here.k, cls.here.teams, cls.here.room
        cls.bob, cls.carol = cls.here.link("bob"), cls.here.link("carol")
        cls.mia = cls.here.users["mia"]

    def test_a_thread_of_a_channel(self):
        action = self.here.ask("in the room")
        card = self.here.card(self.bob, action, self.room)
        self.assertFalse(self.here.cards(self.bob, action), "rooms only")
        thread = f"{self.room};messageid={card['thread'] or card['id']}"
        self.assertIn(self.bob.id, card["card"]["refresh"]["userIds"])
        own = self.bob.refresh(message=card["id"], conversation=self.room)
        self.assertEqual(own["shown"], "card", own)
        refused = self.mia.click("approve", message=card["id"], conversation=self.room)
        self.assertEqual(refused["shown"], "message", refused)
        self.assertEqual(self.k.action(action["id"]).json["votes"], [], "being in the channel is no authority")
        self.assertEqual(self.bob.say("is that the right file?", conversation=thread)["status"], 200)
        comments = until(lambda: self.k.action(action["id"], "bob").json["comments"], "no comment")
        self.assertEqual([(one["by"], one["text"]) for one in comments], [("bob", "is that the right file?")])
        self.k.post(f"/v1/actions/{action['id']}/comments", "carol", {"text": "it is"})
        told = self.teams.until(lambda: [one for one in self.teams.messages(thread) if one["card"] and "it is" in texts(one["card"]) and "Said about" in texts(one["card"])])
        self.assertNotIn("right file", texts(told[0]["card"]), "what was said there is not said there again")
        self.assertEqual(self.bob.click("approve", message=card["id"], conversation=self.room)["shown"], "card")
        self.assertEqual(self.carol.click("approve", message=card["id"], conversation=self.room)["shown"], "card")
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        self.teams.until(lambda: texts(self.teams.messages(thread)[0]["card"]).startswith("Done"))

    def test_what_is_private_is_not_said_in_a_channel(self):
        action = self.here.ask("secret plans")
        self.here.card(self.bob, action, self.room)
        said = self.bob.say(f"show {action['id']}", conversation=self.room)
        self.assertEqual(said["status"], 200)
        answer = self.teams.messages(self.room)[-1]
        self.assertIn("alone", texts(answer["card"]))


class AgentsPlayground(unittest.TestCase):
    """The same before Microsoft's own client: tests/peers/agents_playground_test.py says what that does, and what not."""

    @classmethod
    def setUpClass(cls):
        def before(teams):
            cls.playground = Playground(teams)
            cls.addClassCleanup(cls.playground.close)
            return cls.playground.service_url
        cls.here = TeamsAndKeyturn(before=before)
        cls.addClassCleanup(cls.here.close)

    def opened(self):
        """What the playground says when a page of it is opened."""
        return [one for one in self.here.teams.sent() if one["body"] and self.here.teams.activity(one)["type"] == "conversationUpdate"]

    def test_linked_asked_approved(self):
        attempt = self.here.begin_link("bob")
        self.playground.browse([{"say": f"link {attempt['code']}"}, {"see": "Is that you?"}, {"click": "Yes, that is me"}, {"see": "One step is left"}])
        self.assertEqual(self.here.browser("bob").send("POST", f"/v1/me/links/{attempt['id']}/confirm", {}).status, 200)
        # A page shows what comes while it is open: the case is asked for once this one is.
        before = len(self.opened())
        seen = self.here.k.later(self.playground.browse, [{"see": "seen in the playground"}, {"click": "Approve"}, {"see": "approved over teams"}])
        self.here.teams.until(lambda: len(self.opened()) > before or seen.done(), "the page did not open")
        action = self.here.ask("seen in the playground", "append-one")
        seen.result()
        now = self.here.k.settled(action["id"])
        self.assertEqual((now["state"], [(vote["reviewer"], vote["channel"]) for vote in now["votes"]]), ("succeeded", [("bob", "teams")]))


class TeamsTroubles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.here = TeamsAndKeyturn()
        cls.addClassCleanup(cls.here.close)
        cls.k, cls.teams = cls.here.k, cls.here.teams
        cls.bob, cls.erin = cls.here.link("bob"), cls.here.link("erin")

    def state(self):
        items = self.k.get("/v1/admin/channels", "ada").json["items"]
        return next(one for one in items if one["name"] == "teams")

    def test_nothing_is_lost_while_teams_is_slow_or_down(self):
        self.teams.fault("send", 2, status=429, retry_after=1)
        action = self.here.ask("not so fast")
        self.here.card(self.bob, action)
        self.teams.fault("send", 3, status=502)
        action = self.here.ask("a bad gateway")
        self.here.card(self.bob, action)
        self.teams.down()
        action = self.here.ask("while it is down", "append-one")
        until(lambda: self.state()["state"] == "down", "nobody says that it is down")
        self.assertEqual(self.k.vote(action, "bob").status, 200, "a decision does not wait for Teams")
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        other = self.here.ask("asked while it was down")
        self.teams.up()
        self.here.card(self.erin, other)
        until(lambda: self.state()["state"] != "down", "it is up again")

    def test_new_keys_are_fetched(self):
        action = self.here.ask("new keys")
        message = self.here.card(self.bob, action)["id"]
        self.teams.control("rotate", whose="framework", drop=True)
        done = until(lambda: next((one for one in [self.bob.click("comment", message=message, inputs={"text": "by a new key"})] if one["status"] == 200), None), "the new key is not taken")
        self.assertEqual(done["shown"], "card")
        self.teams.control("revoke")
        self.here.card(self.erin, action, where=lambda text: "by a new key" in text)

    def test_who_blocked_the_bot_is_given_up_and_shown(self):
        self.erin.set(bot="blocked")
        self.addCleanup(self.erin.set, bot="installed")
        action = self.here.ask("to whom?")
        self.here.card(self.bob, action)
        dead = until(lambda: [one for one in self.state()["dead"] if one["action"] == action["id"]], "nothing given up")
        self.assertEqual([(one["place"]) for one in dead], ["person:erin"])
        self.assertIn("Install", dead[0]["why"])
        self.erin.set(bot="installed")
        self.assertEqual(self.k.post("/v1/admin/channels/teams/retry", "ada", {"action": action["id"]}).json["retried"], 1)
        self.here.card(self.erin, action)

    def test_after_a_restart_everything_is_where_it_was(self):
        action = self.here.ask("over a restart")
        message = self.here.card(self.bob, action)["id"]
        self.k.restart()
        self.assertEqual(self.bob.click("approve", message=message)["shown"], "card")
        self.here.card(self.erin, action, where=lambda text: "approved over teams" in text)
        self.assertEqual(len(self.here.cards(self.bob, action)), 1)

    def test_the_package_for_teams(self):
        with tempfile.TemporaryDirectory() as folder:
            made = pathlib.Path(folder) / "keyturn.zip"
            make = [sys.executable, ROOT / "examples/teams/package.py"]
            subprocess.run([*make, Teams.APP, "https://keyturn.example", made], check=True, capture_output=True)
            self.assertNotEqual(subprocess.run([*make, "bot", "https://keyturn.example", made], capture_output=True).returncode, 0)
            with zipfile.ZipFile(made) as package:
                self.assertEqual(sorted(package.namelist()), ["color.png", "manifest.json", "outline.png"])
                manifest = json.loads(package.read("manifest.json"))
                sizes = [struct.unpack(">II", package.read(name)[16:24]) for name in ("color.png", "outline.png")]
        self.assertEqual((manifest["id"], manifest["bots"][0]["botId"]), (Teams.APP, Teams.APP))
        self.assertLessEqual(len(manifest["description"]["short"]), 80)
        self.assertEqual(sizes, [(192, 192), (32, 32)])
        self.assertNotIn("PUBLIC_URL", json.dumps(manifest))

    def test_the_configuration_is_tried(self):
        done = self.k.cli("channels", "test", "teams", "--config", self.k.config_file, "--data", self.k.data, check=False)
        for good in ("a token for the bot: given by tenant", "the keys of Bot Framework", "the clock"):
            self.assertRegex(done.out, rf"ok\s+{good}")
        self.assertRegex(done.out, r"WRONG\s+the way in, .*https")
        self.assertEqual(done.code, 5)


if __name__ == "__main__":
    unittest.main()
