"""What a person does about themselves: their tokens, and their passkeys."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import Keyturn  # noqa: E402
from support.passkey import UP, Browser, Passkey  # noqa: E402


class Account(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn()
        cls.addClassCleanup(cls.k.close)

    def browser(self, person):
        return Browser(self.k, person)

    def vouched(self, browser, **forged):
        """The answer to: make a link for a further passkey, vouched for by the browser's own."""
        began = browser.post("/v1/passkeys/challenge")
        self.assertEqual(began.status, 200, began)
        return browser.post("/v1/passkeys", {"ceremony": began.json["ceremony"], "credential": browser.passkey.use(began.json["options"], **forged)})

    def enrolled_again(self, browser, link):
        """A second device of the same person, enrolled with the link."""
        other = Browser(self.k, browser.person, enrol=False)
        other.enrol(link)
        return other

    def own_passkeys(self, browser):
        return browser.get("/v1/passkeys").json["items"]

    # ------------------------------------------------------------ tokens
    def test_a_token_of_ones_own_works_is_listed_and_revoked(self):
        bob = self.browser("bob")
        made = bob.post("/v1/tokens", {"label": "laptop", "expires": "7d"})
        self.assertEqual(made.status, 201, made)
        self.assertEqual(self.k.get("/v1/me", made.json["token"]).json["id"], "bob")
        listed = {item["id"]: item for item in bob.get("/v1/tokens").json["items"]}
        self.assertEqual((listed[made.json["id"]]["label"], listed[made.json["id"]]["person"]), ("laptop", "bob"))
        self.assertNotIn(made.json["token"], str(listed))
        self.assertEqual(bob.send("DELETE", f"/v1/tokens/{made.json['id']}").status, 200)
        self.assertEqual(self.k.get("/v1/me", made.json["token"]).status, 401)
        self.assertNotIn(made.json["id"], [item["id"] for item in bob.get("/v1/tokens").json["items"]])

    def test_the_list_says_which_token_is_whose(self):
        olga = self.browser("olga")
        made = olga.post("/v1/tokens", {"agent": "bot", "label": "for the bot"})
        self.assertEqual(made.status, 201, made)
        listed = {item["id"]: item for item in olga.get("/v1/tokens").json["items"]}
        self.assertEqual(listed[made.json["id"]]["agent"], "bot")
        self.assertNotIn("person", listed[made.json["id"]])

    def test_nobody_revokes_a_token_of_somebody_else(self):
        bob, carol = self.browser("bob"), self.browser("carol")
        made = bob.post("/v1/tokens", {}).json
        self.assertEqual(carol.send("DELETE", f"/v1/tokens/{made['id']}").status, 404)
        self.assertEqual(self.k.get("/v1/me", made["token"]).status, 200)

    # ------------------------------------------------------------ passkeys
    def test_a_further_passkey_signs_in_as_the_same_person(self):
        bob = self.browser("bob")
        before = {item["id"] for item in self.own_passkeys(bob)}
        made = self.vouched(bob)
        self.assertEqual(made.status, 201, made)
        self.assertTrue(made.json["url"].startswith(f"{self.k.url}/enrol#"), made)
        phone = self.enrolled_again(bob, made.json["url"])
        listed = {item["id"]: item for item in self.own_passkeys(phone)}
        self.assertEqual(len(listed), len(before) + 1)
        new = (set(listed) - before).pop()
        self.assertEqual((listed[new]["label"], listed[new]["current"]), ("test", True))
        phone.sign_in()
        self.assertEqual(phone.get("/v1/me").json["id"], "bob")

    def test_a_session_alone_makes_no_passkey(self):
        """A stolen session votes as a session; it must not make itself the key for votes that want a passkey."""
        bob = self.browser("bob")
        stranger = Passkey(self.k.url)
        began = bob.post("/v1/passkeys/challenge").json
        by_stranger = bob.post("/v1/passkeys", {"ceremony": began["ceremony"], "credential": stranger.use(began["options"])})
        self.assertEqual((by_stranger.status, by_stranger.code), (403, "bad_signature"))
        self.assertEqual(self.vouched(bob, flags=UP).code, "not_verified_user")
        self.assertEqual(bob.post("/v1/passkeys", {}).code, "missing_field")

    def test_the_proof_serves_one_session_once(self):
        bob, other = self.browser("bob"), self.browser("bob")
        began = bob.post("/v1/passkeys/challenge").json
        answer = {"ceremony": began["ceremony"], "credential": bob.passkey.use(began["options"])}
        self.assertEqual(other.post("/v1/passkeys", answer).code, "invalid_ceremony")
        began = bob.post("/v1/passkeys/challenge").json
        answer = {"ceremony": began["ceremony"], "credential": bob.passkey.use(began["options"])}
        self.assertEqual(bob.post("/v1/passkeys", answer).status, 201)
        self.assertEqual(bob.post("/v1/passkeys", answer).code, "invalid_ceremony")

    def test_a_passkey_of_somebody_else_vouches_for_nothing(self):
        bob, carol = self.browser("bob"), self.browser("carol")
        began = bob.post("/v1/passkeys/challenge").json
        answer = bob.post("/v1/passkeys", {"ceremony": began["ceremony"], "credential": carol.passkey.use(began["options"])})
        self.assertEqual((answer.status, answer.code), (403, "bad_signature"))

    def test_a_bearer_token_lists_passkeys_and_changes_none(self):
        self.assertEqual(self.k.get("/v1/passkeys", "bob").status, 200)
        self.assertEqual(self.k.post("/v1/passkeys/challenge", "bob", {}).code, "not_allowed")
        self.assertEqual(self.k.delete("/v1/passkeys/AAAA", "bob").code, "not_allowed")
        self.assertEqual(self.k.get("/v1/passkeys", "bot").code, "people_only")

    def test_a_removed_passkey_opens_nothing_and_what_it_opened_ends_for_good(self):
        dave = self.browser("dave")
        phone = self.enrolled_again(dave, self.vouched(dave).json["url"])
        lost = next(item["id"] for item in self.own_passkeys(phone) if item["current"])
        self.assertEqual(dave.send("DELETE", f"/v1/passkeys/{lost}").status, 200)
        self.assertEqual(phone.get("/v1/me").status, 401)
        self.assertEqual(phone.login().status, 401)
        self.assertEqual(dave.get("/v1/me").status, 200)
        self.k.restart()
        self.assertEqual(phone.get("/v1/me").status, 401)
        self.assertEqual(phone.login().status, 401)
        self.assertEqual([item["current"] for item in self.own_passkeys(dave)], [True])

    def test_the_last_passkey_stays(self):
        ada = self.browser("ada")
        only = self.own_passkeys(ada)
        self.assertEqual(len(only), 1)
        refused = ada.send("DELETE", f"/v1/passkeys/{only[0]['id']}")
        self.assertEqual((refused.status, refused.code), (409, "last_passkey"))
        self.assertEqual(ada.login().status, 200)

    def test_a_passkey_of_somebody_else_is_not_there(self):
        erin, carol = self.browser("erin"), self.browser("carol")
        theirs = self.own_passkeys(erin)[0]["id"]
        self.assertEqual(carol.send("DELETE", f"/v1/passkeys/{theirs}").status, 404)

    def test_signing_in_again_ends_the_session_before(self):
        bob = self.browser("bob")
        before = bob.cookie
        began = bob.server.post("/auth/login/begin", None, {}, headers={"Origin": self.k.url, "Cookie": before}).json
        again = bob.server.post("/auth/login/finish", None, {"ceremony": began["ceremony"], "credential": bob.passkey.use(began["options"])},
                                headers={"Origin": self.k.url, "Cookie": before})
        self.assertEqual(again.status, 200, again)
        self.assertEqual(self.k.get("/v1/me", headers={"Cookie": before}).status, 401)


if __name__ == "__main__":
    unittest.main()
