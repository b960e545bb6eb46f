"""Forged, borrowed and replayed consent by way of Microsoft Teams; and what a card may not become."""
import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.teams import Teams  # noqa: E402
from support.teams_bot import TeamsAndKeyturn, texts, verbs  # noqa: E402

EVIL = "https://evil.example/teams/"
OTHER_TENANT = "bbbbbbbb-0000-4000-8000-000000000002"


class TeamsConsent(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.here = TeamsAndKeyturn(tell="both")
        cls.addClassCleanup(cls.here.close)
        cls.k, cls.teams, cls.room = cls.here.k, cls.here.teams, cls.here.room
        cls.bob, cls.carol = cls.here.link("bob"), cls.here.link("carol")
        cls.mia = cls.here.users["mia"]

    def ask(self, text="x", tool="append"):
        action = self.here.ask(text, tool)
        return action, self.here.card(self.bob, action)["id"]

    def votes(self, action):
        return self.k.action(action["id"]).json["votes"]

    def press(self, user, verb, action, digest=None, forge=None, data=None, **activity):
        """A click that no card offered: an invoke as whoever writes to the bot by hand would make it."""
        given = data if data is not None else {"action": action["id"], "digest": digest or action["digest"]}
        return user.send({"type": "invoke", "name": "adaptiveCard/action", "id": f"f:{verb}{len(self.teams.sent())}",
                          "value": {"action": {"type": "Action.Execute", "verb": verb, "data": given}, "trigger": "manual"}, **activity}, forge=forge)

    def refused_in_words(self, answer, words):
        self.assertEqual(answer["status"], 200, answer)
        self.assertEqual(answer["body"]["type"], "application/vnd.microsoft.activity.message", answer)
        self.assertIn(words, answer["body"]["value"])

    # ------------------------------------------------------------ tokens
    def test_every_forged_token(self):
        action, message = self.ask("forged")
        names = self.teams.forgeries()
        self.assertGreater(len(names), 30)
        for name in names:
            with self.subTest(name):
                answer = self.bob.click("approve", message=message, forge=name)
                self.assertIn(answer["status"], (401, 403), answer)
                self.assertEqual(self.votes(action), [])
        self.assertEqual(self.teams.calls("evil"), [], "no address from a token is asked for keys")
        self.assertEqual(self.bob.click("approve", message=message)["status"], 200, "and the good one counts")
        self.assertEqual(len(self.votes(action)), 1)

    def test_a_token_for_an_evil_service_url_is_not_answered_there(self):
        action, message = self.ask("evil service")
        answer = self.bob.click("approve", message=message, forge={"claims": {"serviceurl": EVIL}, "body": {"serviceUrl": EVIL}})
        self.assertEqual(answer["status"], 403, answer)
        self.assertEqual(self.votes(action), [])

    def test_an_activity_of_another_tenant_or_channel(self):
        action, message = self.ask("other tenant")
        for body in ({"channelData": {"tenant": {"id": OTHER_TENANT}}, "conversation": {"tenantId": OTHER_TENANT}}, {"channelData": {"tenant": {"id": OTHER_TENANT}}},
                     {"conversation": {"tenantId": OTHER_TENANT}}, {"channelId": "webchat"}, {"channelId": "emulator"}):
            with self.subTest(body):
                answer = self.bob.click("approve", message=message, activity=body)
                self.assertIn(answer["status"], (401, 403), answer)
        self.assertEqual(self.votes(action), [])

    def test_a_replayed_click(self):
        action, message = self.ask("replayed")
        first = self.bob.click("approve", message=message)
        self.assertEqual(self.bob.click("take_back", message=message)["shown"], "card")
        self.assertEqual(self.teams.again(first)["status"], 200, "answered as it was")
        self.assertEqual(self.votes(action), [])

    # ------------------------------------------------------------ who it is
    def test_who_does_not_count_in_teams(self):
        action, message = self.ask("who is that")
        for facts, back, words in (({"guest": True}, {"guest": False}, "guest"), ({"tenant": OTHER_TENANT}, {"tenant": Teams.TENANT}, "")):
            with self.subTest(facts):
                self.carol.set(**facts)
                self.addCleanup(self.carol.set, **back)
                fresh = self.here.card(self.bob, action)  # the roster's answer is kept for seconds at most: of this conversation
                answer = self.press(self.carol, "approve", action, conversation={"id": self.room, "conversationType": "channel"},
                                    channelData={"channel": {"id": self.room}, "tenant": {"id": Teams.TENANT}})
                if answer["status"] == 200:
                    self.refused_in_words(answer, words)
                else:
                    self.assertIn(answer["status"], (401, 403), answer)
                self.assertEqual(self.votes(action), [], fresh["id"])
                self.carol.set(**back)

    def test_somebody_elses_object_id(self):
        action, _ = self.ask("another's id")
        self.refused_in_words(self.press(self.mia, "approve", action, **{"from": {"aadObjectId": self.bob.aad}}), "another account")
        self.refused_in_words(self.press(self.mia, "approve", action, **{"from": {"aadObjectId": None}}), "who you are")
        self.assertEqual(self.votes(action), [])

    def test_being_in_the_channel_is_no_authority(self):
        action, _ = self.ask("members only")
        card = self.here.card(self.bob, action, self.room)
        self.refused_in_words(self.mia.click("approve", message=card["id"], conversation=self.room), "linked to nobody")
        self.refused_in_words(self.press(self.mia, "refresh", action), "linked to nobody")
        self.refused_in_words(self.press(self.mia, "comment", action, data={"action": action["id"], "text": "hi"}), "linked to nobody")
        self.assertEqual(self.votes(action), [])
        self.assertEqual(self.k.action(action["id"], "bob").json["comments"], [])

    def test_one_person_by_teams_and_by_the_api_counts_once(self):
        action, message = self.ask("once")
        self.bob.click("approve", message=message)
        self.assertEqual(self.k.vote(action, "bob").code, "already_voted")
        self.assertEqual(len(self.votes(action)), 1)
        self.assertEqual(self.k.action(action["id"]).json["state"], "pending")

    def test_somebody_who_was_shut_out_in_keyturn(self):
        here = TeamsAndKeyturn()
        self.addCleanup(here.close)
        erin = here.link("erin")
        action = here.ask("too late")
        message = here.card(erin, action)["id"]
        here.k.host("person", "deactivate", "erin")
        self.refused_in_words(erin.click("approve", message=message), "linked to nobody")
        self.assertEqual(here.k.action(action["id"]).json["votes"], [])
        self.assertNotIn("too late", texts(here.card(erin, {"id": ""}, where=lambda text: "not yours" in text)["card"]))

    def test_an_account_is_linked_by_both_sides_or_not_at_all(self):
        attempt = self.here.begin_link("dave")
        self.assertEqual(self.mia.say(f"link {attempt['code']}")["status"], 200)
        shown = texts(self.mia.card())
        self.assertIn("dave", shown)
        self.assertIn("Mia of Teams", shown)
        confirm = lambda: self.here.browser("dave").send("POST", f"/v1/me/links/{attempt['id']}/confirm", {})  # noqa: E731
        self.assertEqual(confirm().code, "link_not_ready")
        self.refused_in_words(self.press(self.bob, "link_yes", None, data={"link": attempt["id"]}), "code")
        self.assertEqual(confirm().code, "link_not_ready", "another account cannot agree for it")
        taken = self.here.begin_link("dave")
        self.assertEqual(self.bob.say(f"link {taken['code']}")["status"], 200)
        self.assertIn("does not work", texts(self.bob.card()), "bob's account is bob's")

    def test_a_code_is_not_guessed(self):
        attempt = self.here.begin_link("dave")
        guesser = self.teams.user("A Guesser", email="guesser@example.com")
        for i in range(6):
            guesser.say(f"link AAAA-AAA{i}")
        guesser.say(f"link {attempt['code']}")
        self.assertIn("does not work", texts(guesser.card()))

    # ------------------------------------------------------------ what is pressed
    def test_a_click_that_no_card_offered(self):
        for tool in ("append-session", "append-passkey", "append-retype"):
            with self.subTest(tool):
                action, _ = self.ask("by hand", tool)
                self.assertEqual(self.press(self.bob, "approve", action)["body"]["type"], "application/vnd.microsoft.activity.message")
                self.assertEqual(self.votes(action), [])
        action, _ = self.ask("a\tb" * 6000)
        self.refused_in_words(self.press(self.bob, "approve", action), "fits")
        self.assertEqual(self.votes(action), [])

    def test_a_click_on_another_case_than_was_shown(self):
        action, _ = self.ask("case")
        other, _ = self.ask("other case")
        answer = self.press(self.bob, "approve", action, digest=other["digest"])
        self.assertEqual(answer["body"]["type"], "application/vnd.microsoft.activity.message")
        self.assertEqual((self.votes(action), self.votes(other)), ([], []))

    def test_no_get_decides(self):
        action, _ = self.ask("get")
        for method in ("GET", "HEAD", "PUT", "DELETE"):
            answer = self.teams.raw(method=method, headers={}, body="")
            self.assertIn(answer["status"], (401, 403, 404, 405), answer)
        self.assertEqual(self.votes(action), [])

    # ------------------------------------------------------------ what is shown
    def test_text_in_a_card_is_text(self):
        evil = "**Approved** [click](https://evil.example) <at>everyone</at> {{DATE(2020-01-01T00:00:00Z,SHORT)}} \u202eexe \u200b <a href=x>"
        answer = self.k.request("append", {"text": evil}, reason=evil, claims={"model": evil})
        action = answer.json
        card = self.here.card(self.bob, action)["card"]
        runs, others = [], []

        def walk(value, in_run=False):
            if isinstance(value, dict):
                for key, one in value.items():
                    (runs if key == "text" and value.get("type") == "TextRun" else others).append(one) if isinstance(one, str) else walk(one)
            elif isinstance(value, list):
                for one in value:
                    walk(one)
        walk(card)
        for live in others:
            for word in ("evil", "everyone", "**", "{{", "\u202e", "\u200b"):
                self.assertNotIn(word, live)
        for run in runs:
            for word in ("{{", "\u202e", "\u200b"):
                self.assertNotIn(word, run)
        self.assertIn("**Approved** [click](https://evil.example) <at>everyone</at> {{DATE(2020-01-01T00:00:00Z,SHORT)}} \u27e6U+202E RIGHT-TO-LEFT OVERRIDE\u27e7exe", texts(card))
        self.assertEqual(verbs(card), {"approve", "deny", "comment"})
        self.assertNotIn("entities", json.dumps(self.here.card(self.bob, action)["activity"]))


class OneHuman(unittest.TestCase):
    """Entra says whose an account in Teams is: nobody else makes it theirs, and so a second voter of one human."""

    def test_an_account_that_entra_vouches_for_is_not_linked_to_somebody_else(self):
        made = tempfile.TemporaryDirectory(prefix="keyturn-entra-")
        self.addCleanup(made.cleanup)
        token, identity = pathlib.Path(made.name) / "token", pathlib.Path(made.name) / "identity.yaml"
        token.write_text("a-token-of-the-directory-4711\n")
        token.chmod(0o600)
        identity.write_text(f"""apiVersion: keyturn/v1
kind: Identity
providers:
  entra: {{kind: entra, issuer: "https://login.microsoftonline.com/{Teams.TENANT}/v2.0", client_id: keyturn}}
scim:
  entra: {{token: {{secret: "file:{token}"}}, provider: entra}}
""")
        here = TeamsAndKeyturn(arguments=["--identity", identity])
        self.addCleanup(here.close)
        mia = here.users["mia"]
        headers = {"Authorization": "Bearer " + token.read_text().strip(), "Content-Type": "application/scim+json"}
        ann = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ann", "externalId": mia.aad, "active": True, "displayName": "Ann"}
        provisioned = here.k.http("POST", "/scim/v2/Users", None, raw_body=json.dumps(ann).encode(), headers=headers)
        self.assertEqual(provisioned.status, 201, provisioned)
        mia.say("help")
        self.assertIn("ann", texts(mia.card()))
        attempt = here.begin_link("carol")
        mia.say(f"link {attempt['code']}")
        self.assertIn("belongs to somebody else", texts(mia.card()))
        confirmed = here.browser("carol").send("POST", f"/v1/me/links/{attempt['id']}/confirm", {})
        self.assertEqual((confirmed.status, confirmed.code), (409, "link_not_ready"))
        mia.say("help")
        self.assertIn("ann", texts(mia.card()))


if __name__ == "__main__":
    unittest.main()
