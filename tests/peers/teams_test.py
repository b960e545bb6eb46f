"""The loopback of Microsoft Teams (tests/peers/teams) is held against Microsoft's SDK, npm's jose and Microsoft's parser of cards: what they
take for Teams is taken for it, and what Teams refuses is refused.

Needs Node.js and npm; installs the packages of the locks in peers/teams where they are missing.
"""
import http.client
import http.server
import json
import pathlib
import subprocess
import sys
import threading
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import teams  # noqa: E402
from support.teams import Refused, Script, Teams  # noqa: E402

FRAMEWORK = "https://api.botframework.com"
SCOPE = f"{FRAMEWORK}/.default"
ELSEWHERE = "bbbbbbbb-0000-4000-8000-000000000002"  # a tenant that is not the bot's
# The SDK verifies with jsonwebtoken, which takes a token without exp for one that is always good. Bot Framework's tokens have it.
SDK_TAKES = {"no-expiry"}
# What no check of the JWT alone can tell: serviceUrl is compared with the activity's, endorsements are beside the key.
ONLY_BOTS_TELL = {"wrong-serviceurl", "no-serviceurl", "body-serviceurl", "unendorsed-key"}

BUTTON = {"type": "Action.Execute", "title": "Approve", "verb": "approve", "data": {"case": "7"}}


def card(*body, actions=(BUTTON,), **more):
    return {"type": "AdaptiveCard", "version": "1.5", "body": list(body) or [{"type": "TextBlock", "text": "a card", "wrap": True}], "actions": list(actions), **more}


def attached(content):
    return {"type": "message", "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": content}]}


def text_of(content):
    return content["body"][0]["text"]


def shows(content):
    return {"statusCode": 200, "type": "application/vnd.microsoft.card.adaptive", "value": content}


class Sdk(unittest.TestCase):
    """A bot of Microsoft's SDK takes the loopback for Teams."""

    @classmethod
    def setUpClass(cls):
        cls.teams = Teams()
        cls.addClassCleanup(cls.teams.close)
        urls = cls.teams.urls()
        cls.bot = Script("bot.mjs", urls["metadata"], urls["login"], Teams.APP, Teams.SECRET, Teams.TENANT, folder=teams.HERE / "sdk")
        cls.addClassCleanup(cls.bot.close)
        cls.teams.bot(f"http://127.0.0.1:{cls.bot.ports[0]}/")
        cls.alice = cls.teams.user("Alice Adams", email="alice@example.com")

    def test_it_believes_what_teams_signs_and_no_forgery(self):
        self.assertEqual(self.alice.say("hello")["status"], 200)
        taken = set()
        for name in self.teams.forgeries():
            answer = self.alice.say("hello", forge=name)
            self.assertIn(answer["status"], (200, 401), answer)
            if answer["status"] == 200:
                taken.add(name)
        self.assertEqual(taken, SDK_TAKES)
        self.assertEqual(self.teams.calls("evil"), [])

    def test_its_connector_client_does_all_of_it(self):
        team = self.teams.team("Operations", [self.alice], ["General", "Production"])
        for channel in (None, team["channels"]["Production"]):
            with self.subTest(channel):
                before = len(self.alice.messages())
                asked = self.alice.say(f"walk {self.alice.aad}", conversation=channel)
                self.assertEqual(asked["status"], 200, asked["body"])
                did = asked["body"]
                self.assertEqual(did["refused"], {"no such chat": [404, "ConversationNotFound"], "too long": [413, "MessageSizeTooBig"], "bad card": [400, "BadSyntax"],
                                                  "another's message": [403, "NotEnoughPermissions"]})
                self.assertEqual((did["chat"], did["members"], did["paged"], did["member"]), (self.alice.conversation, [self.alice.id], [self.alice.id], "alice@example.com"))
                seen = {one["id"]: one for one in self.alice.messages()}
                self.assertEqual((text_of(seen[did["sent"]]["card"]), seen[did["sent"]]["edits"]), ("second", 1))
                self.assertNotIn(did["gone"], seen)
                self.assertEqual(len(seen) - before, 1 if channel else 3)
                if channel:
                    self.assertEqual(did["thread"], f"{channel};messageid={did['first']}")
                    self.assertEqual([one["thread"] for one in self.teams.messages(channel)], [asked["id"], asked["id"], did["first"]])
                    self.assertEqual([one["text"] for one in self.teams.messages(f"{channel};messageid={asked['id']}")][1:], ["a reply"])
        self.assertEqual(len(self.teams.calls("token")), 1)

    def test_its_answer_to_a_button_replaces_the_card(self):
        self.alice.say(f"walk {self.alice.aad}")
        done = self.alice.click("approve")
        self.assertEqual((done["status"], done["shown"], text_of(done["card"])), (200, "card", 'Alice Adams: {"case":"7"}'))
        self.assertEqual(self.alice.card(), done["card"])


class Jose(unittest.TestCase):
    """npm's jose reads the metadata, the keys and the tokens."""

    @classmethod
    def setUpClass(cls):
        cls.teams = Teams("http://127.0.0.1:9/")  # nobody listens: what was sent is looked at
        cls.addClassCleanup(cls.teams.close)
        cls.alice = cls.teams.user("Alice Adams")
        cls.urls = cls.teams.urls()

    def sent(self, forge):
        self.alice.say("hello", forge=forge)
        return self.teams.sent()[-1]["headers"].get("Authorization")

    def verdicts(self, tokens, metadata, issuer=None):
        document = self.fetch(metadata)
        lines = "".join(json.dumps({"authorization": one, "jwks": document["jwks_uri"], "issuer": issuer or document["issuer"], "audience": Teams.APP}) + "\n" for one in tokens)
        done = subprocess.run(["node", "verify.mjs"], cwd=teams.HERE, input=lines, capture_output=True, text=True, timeout=60, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    @staticmethod
    def fetch(url):
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        try:
            connection.request("GET", parts.path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def test_tokens_are_as_bot_framework_makes_them(self):
        document = self.fetch(self.urls["metadata"])
        self.assertEqual((document["issuer"], document["id_token_signing_alg_values_supported"]), (FRAMEWORK, ["RS256"]))
        keys = self.fetch(document["jwks_uri"])["keys"]
        self.assertEqual([("msteams" in key["endorsements"], key["kty"], "d" in key) for key in keys], [(True, "RSA", False), (False, "RSA", False)])
        good, = self.verdicts([self.sent(None)], self.urls["metadata"])
        self.assertEqual(set(good["claims"]), {"serviceurl", "nbf", "exp", "iss", "aud"})
        self.assertEqual(good["claims"]["serviceurl"], self.urls["service_url"])

    def test_it_refuses_what_a_jwt_can_be_refused_for(self):
        names = self.teams.forgeries()
        taken = {name for name, said in zip(names, self.verdicts([self.sent(name) for name in names], self.urls["metadata"])) if "claims" in said}
        self.assertEqual(taken, ONLY_BOTS_TELL)

    def test_a_tenants_tokens_are_its_own(self):
        mine = [self.sent({"tenant_token": {"version": version}}) for version in ("1.0", "2.0")]
        for token, url, issuer in zip(mine, (self.urls["tenant_metadata"].replace("/v2.0/", "/"), self.urls["tenant_metadata"]),
                                      (f"https://sts.windows.net/{Teams.TENANT}/", f"https://login.microsoftonline.com/{Teams.TENANT}/v2.0")):
            self.assertEqual(self.fetch(url)["issuer"], issuer)
            other = self.sent("other-tenant-token-v2" if issuer.endswith("v2.0") else "other-tenant-token")
            said = self.verdicts([token, other, self.sent(None)], url)
            self.assertEqual(["claims" in one for one in said], [True, False, False], said)
            self.assertEqual(said[0]["claims"]["tid"], Teams.TENANT)

    def test_keys_change(self):
        old = self.sent(None)
        self.teams.control("rotate")
        new = self.sent(None)
        self.assertEqual(["claims" in one for one in self.verdicts([old, new], self.urls["metadata"])], [True, True])
        self.teams.control("rotate", drop=True)
        self.assertEqual(["claims" in one for one in self.verdicts([old, new, self.sent(None)], self.urls["metadata"])], [False, False, True])


class ScriptedBot:
    """Answers what it is told to, and keeps what it was sent."""

    def __init__(self):
        bot = self
        self.answer, self.got = {}, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                bot.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                body = json.dumps(bot.answer).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Loopback(unittest.TestCase):
    """What the SDK does not ask of it."""

    @classmethod
    def setUpClass(cls):
        cls.teams = Teams()
        cls.addClassCleanup(cls.teams.close)

    def setUp(self):
        self.bot = ScriptedBot()
        self.addCleanup(self.bot.close)
        self.teams.bot(f"http://127.0.0.1:{self.bot.server.server_port}/")
        self.teams.control("set", token_seconds=3599)
        self.before = max((one["n"] for one in self.teams.calls()), default=0)
        self.alice, self.bob = self.teams.user("Alice Adams", email="alice@example.com"), self.teams.user("Bob")
        self.token = self.fetch_token()[1]["access_token"]

    def request(self, method, path, body=None, token=None, kind="application/json"):
        connection = http.client.HTTPConnection("127.0.0.1", self.teams.port, timeout=30)
        try:
            connection.request(method, urllib.parse.quote(path), body=body if body is None or isinstance(body, str) else json.dumps(body),
                               headers={"Content-Type": kind, **({"Authorization": f"Bearer {token}"} if token else {})})
            answer = connection.getresponse()
            self.headers = answer.headers
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()

    def fetch_token(self, tenant=Teams.TENANT, **fields):
        form = {"grant_type": "client_credentials", "client_id": Teams.APP, "client_secret": Teams.SECRET, "scope": SCOPE, **fields}
        return self.request("POST", f"/{tenant}/oauth2/v2.0/token", urllib.parse.urlencode(form), kind="application/x-www-form-urlencoded")

    def call(self, method, path, body=None):
        status, said = self.request(method, f"/teams/v3/conversations{path}", body, self.token)
        return status, (said or {}).get("error", {}).get("code") or said

    def send(self, activity, to=None):
        return self.call("POST", f"/{to or self.alice.conversation}/activities", activity)

    def shown(self, *cards, user=None):
        """A message with the first card, then updated to each other; its id."""
        _, said = self.send(attached(cards[0]), (user or self.alice).conversation)
        for one in cards[1:]:
            self.assertEqual(self.call("PUT", f"/{(user or self.alice).conversation}/activities/{said['id']}", attached(one))[0], 200)
        return said["id"]

    def test_only_the_app_gets_tokens(self):
        for fields, status, error in (({"client_secret": "guess"}, 401, "invalid_client"), ({"client_id": "x"}, 400, "unauthorized_client"), ({"scope": FRAMEWORK}, 400, "invalid_scope"),
                                      ({"grant_type": "password"}, 400, "unsupported_grant_type"), ({"tenant": ELSEWHERE}, 400, "invalid_tenant"),
                                      ({"tenant": "botframework.com"}, 400, "unauthorized_client")):
            got, said = self.fetch_token(**fields)
            self.assertEqual((got, said["error"]), (status, error))
        self.assertEqual(self.request("POST", f"/{Teams.TENANT}/oauth2/v2.0/token", {"grant_type": "client_credentials"})[1]["error"], "invalid_request")
        said = self.fetch_token()[1]
        self.assertEqual((said["token_type"], said["expires_in"]), ("Bearer", 3599))

    def test_only_with_a_token_there_is_an_answer(self):
        path = f"/teams/v3/conversations/{self.alice.conversation}/members"
        self.assertEqual(self.request("GET", path, token=self.token)[0], 200)
        head, claims, signature = self.token.split(".")
        self.alice.say("x")
        inbound = self.teams.sent()[-1]["headers"]["Authorization"].split()[1]
        self.teams.control("set", token_seconds=-10)
        for bad in (None, "x", f"{head}.{claims}.{signature[:-6]}", inbound, self.fetch_token()[1]["access_token"]):
            self.assertEqual(self.request("GET", path, token=bad)[0], 401, bad)
        self.teams.control("revoke")
        self.assertEqual(self.request("GET", path, token=self.token)[0], 401)

    def test_cards_that_teams_does_not_show(self):
        text = {"type": "TextBlock", "text": "x"}
        for bad, why in ((card(version="1.6"), "version"), ({**card(), "version": None}, "version"), (card({"type": "Sparkline"}), "Sparkline"), (card(actions=[{"type": "Action.Http", "title": "x"}]), "Action.Http"),
                         (card({**text, "size": "huge"}), "huge"), (card({**text, "bold": True}), "bold"), (card({"type": "TextBlock"}), "no text"), (card({"type": "Input.Text"}), "without an id"),
                         (card({"type": "Input.Text", "id": "a"}, {"type": "Input.Text", "id": "a"}), "the id"), (card(actions=[BUTTON] * 7), "actions"), (card(actions=[{"type": "Action.OpenUrl", "title": "x"}]), "url"),
                         (card(version="1.3"), "1.4"), (card(actions=[{"type": "Action.Execute", "verb": "v"}]), "title"), ("no card", "object"), (card(colour="red"), "colour"),
                         (card(refresh={"action": {"type": "Action.Submit"}}), "Action.Execute"), (card(refresh={"action": {"type": "Action.Execute", "verb": "v"}, "userIds": ["29:1"] * 61}), "60"),
                         (card({"type": "Input.ChoiceSet", "id": "a", "choices": [{"title": "a"}]}), "choices"), (card({"type": "Container", "items": [{"type": "Nothing"}]}), "Nothing")):
            with self.subTest(why):
                found = self.teams.control("check", card=bad)["violations"]
                self.assertTrue(any(why in one for one in found), found)
                self.assertEqual(self.send(attached(bad)), (400, "BadSyntax"))
        self.assertEqual(self.alice.messages(), [])

    def test_cards_that_it_shows(self):
        row = {"type": "TableRow", "cells": [{"type": "TableCell", "items": [{"type": "TextBlock", "text": "x", "fontType": "Monospace", "wrap": True}]}]}
        good = card({"type": "RichTextBlock", "inlines": ["plain", {"type": "TextRun", "text": "strong", "weight": "Bolder"}]}, {"type": "FactSet", "facts": [{"title": "a", "value": "b"}]},
                    {"type": "ColumnSet", "columns": [{"type": "Column", "width": "auto", "items": [{"type": "TextBlock", "text": "y"}]}]}, {"type": "Table", "columns": [{"width": 1}], "rows": [row]},
                    {"type": "Container", "style": "attention", "bleed": True, "items": [{"type": "ActionSet", "actions": [{"type": "Action.OpenUrl", "title": "o", "url": "https://example.com/"}]}]},
                    {"type": "Input.Text", "id": "reason", "label": "Why", "isMultiline": True, "isRequired": True, "errorMessage": "say why", "maxLength": 200},
                    actions=[{**BUTTON, "style": "positive", "fallback": {"type": "Action.Submit", "title": "Approve"}},
                             {"type": "Action.ShowCard", "title": "Deny", "card": {"type": "AdaptiveCard", "body": [{"type": "Input.Toggle", "id": "sure", "title": "Sure"}], "actions": [{**BUTTON, "verb": "deny"}]}}],
                    refresh={"action": {"type": "Action.Execute", "verb": "refresh"}, "userIds": [self.alice.id]}, msteams={"width": "Full"})
        self.assertEqual(self.teams.control("check", card=good), {"violations": []})
        self.assertEqual(self.send(attached(good))[0], 201)
        self.bot.answer = shows(card())
        self.assertEqual(self.alice.click("deny", inputs={"sure": "true", "reason": "r"})["shown"], "card")
        self.assertEqual(self.bot.got[-1]["value"]["action"]["data"], {"case": "7", "sure": "true", "reason": "r"})

    def test_a_button_is_what_is_before_ones_eyes(self):
        message = self.shown(card(), card({"type": "TextBlock", "text": "decided"}, actions=[]))
        with self.assertRaisesRegex(Refused, "NoSuchAction"):
            self.alice.click("approve")
        self.bot.answer = {"statusCode": 409, "type": "application/vnd.microsoft.error", "value": {"code": "Decided", "message": "decided already"}}
        late = self.alice.click("approve", stale=True)
        self.assertEqual((late["shown"], late["said"]["code"]), ("error", "Decided"))
        invoke = self.bot.got[-1]
        self.assertEqual((invoke["type"], invoke["name"], invoke["replyToId"], invoke["value"]["trigger"], invoke["value"]["action"]["verb"], invoke["from"]["aadObjectId"]),
                         ("invoke", "adaptiveCard/action", message, "manual", "approve", self.alice.aad))
        with self.assertRaisesRegex(Refused, "not in the conversation"):
            self.bob.click("approve", conversation=self.alice.conversation, stale=True)
        self.assertEqual(self.teams.again(late)["status"], 200)
        self.assertEqual(self.bot.got[-1], invoke)

    def test_a_card_that_answers_is_for_who_pressed_until_the_message_changes(self):
        team = self.teams.team("Operations", [self.alice, self.bob])
        _, said = self.call("POST", "", {"isGroup": True, "channelData": {"channel": {"id": team["id"]}}, "activity": attached(card({"type": "TextBlock", "text": "open"}))})
        self.bot.answer = shows(card({"type": "TextBlock", "text": "you voted"}, actions=[]))
        self.assertEqual(self.alice.click("Approve", conversation=team["id"])["shown"], "card")

        def seen():
            return [text_of(one.card(conversation=team["id"])) for one in (self.alice, self.bob)]

        self.assertEqual(seen(), ["you voted", "open"])
        self.call("PUT", f"/{said['id']}/activities/{said['activityId']}", attached(card({"type": "TextBlock", "text": "done"})))
        self.assertEqual(seen(), ["done", "done"])

    def test_answers_that_teams_cannot_show(self):
        self.shown(card())
        for answer, shown in (({}, "failed"), (shows(card(version="2.0")), "failed"), ({**shows(card()), "statusCode": 400}, "failed"), ({"statusCode": 200, "type": "application/json", "value": {}}, "failed"),
                              ({"statusCode": 400, "type": "application/vnd.microsoft.error", "value": {"code": "x"}}, "failed"), ({"statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": "noted"}, "message")):
            self.bot.answer = answer
            self.assertEqual(self.alice.click("approve")["shown"], shown, answer)

    def test_inputs_are_what_a_client_sends(self):
        reason = {"type": "Input.Text", "id": "reason", "label": "Why", "isRequired": True, "errorMessage": "say why", "maxLength": 5}
        choice = {"type": "Input.ChoiceSet", "id": "how", "choices": [{"title": "A", "value": "a"}, {"title": "B", "value": "b"}], "value": "a"}
        self.shown(card(reason, choice))
        for inputs, why in (({}, "say why"), ({"reason": "x" * 6}, "5 characters"), ({"reason": "x", "how": "c"}, "no such choice"), ({"reason": "x", "other": "1"}, "no input other")):
            with self.assertRaisesRegex(Refused, why):
                self.alice.click("approve", inputs=inputs)
        self.alice.click("approve", inputs={"reason": "x"})
        self.alice.click("approve", inputs={"other": "1", "case": "8"}, force=True)
        self.assertEqual([one["value"]["action"]["data"] for one in self.bot.got], [{"case": "7", "reason": "x", "how": "a"}, {"case": "8", "other": "1", "how": "a"}])

    def test_a_card_is_refreshed_for_whom_it_names(self):
        team = self.teams.team("Operations", [self.alice, self.bob])
        refreshed = card(refresh={"action": {"type": "Action.Execute", "verb": "look", "data": {"n": 1}}, "userIds": [self.alice.id]})
        self.call("POST", "", {"isGroup": True, "channelData": {"channel": {"id": team["id"]}}, "activity": attached(refreshed)})
        self.bot.answer = shows(card({"type": "TextBlock", "text": "for you"}))
        self.assertEqual(self.alice.refresh(conversation=team["id"])["shown"], "card")
        self.assertEqual(self.bot.got[-1]["value"], {"action": {"type": "Action.Execute", "verb": "look", "data": {"n": 1}}, "trigger": "automatic"})
        with self.assertRaisesRegex(Refused, "does not name Bob"):
            self.bob.refresh(conversation=team["id"])

    def test_who_does_not_want_the_bot_is_left_alone(self):
        made = {"members": [{"id": self.bob.aad}], "tenantId": Teams.TENANT}
        self.assertEqual(self.call("POST", "", made), (201, {"id": self.bob.conversation}))
        for state, created, sent in (("blocked", 201, "ConversationBlockedByUser"), ("removed", 403, "BotNotInConversationRoster"), ("installed", 201, None)):
            self.bob.set(bot=state)
            self.assertEqual(self.call("POST", "", made)[0], created)
            status, code = self.send({"type": "message", "text": "x"}, self.bob.conversation)
            self.assertEqual((status, code if sent else None), (403, sent) if sent else (201, None))
        other = self.teams.user("Mallory", tenant=ELSEWHERE)
        self.assertEqual(self.call("POST", "", {**made, "members": [{"id": other.aad}]}), (403, "ForbiddenOperationException"))
        self.assertEqual(self.call("POST", "", {"members": made["members"]}), (400, "BadSyntax"))
        guest = self.teams.user("Guest", guest=True)
        self.assertEqual(self.call("GET", f"/{guest.conversation}/members/{guest.id}")[1]["userRole"], "guest")
        self.assertEqual(self.call("GET", f"/{guest.conversation}/members/{self.bob.id}"), (404, "MemberNotFoundInConversation"))

    def test_faults_are_as_asked(self):
        self.teams.fault("send", 2, status=429, retry_after=3)
        hello = {"type": "message", "text": "hello"}
        self.assertEqual([self.send(hello)[0] for _ in range(2)], [429, 429])
        self.assertEqual(self.headers["Retry-After"], "3")
        self.teams.fault("send", status=502, after=True)
        self.assertEqual(self.send(hello), (502, "ServiceError"))
        self.assertEqual(len(self.alice.messages()), 1)  # done all the same
        self.teams.fault("*", reset=True)
        with self.assertRaises(OSError):
            self.send(hello)
        self.teams.down()
        with self.assertRaises(ConnectionRefusedError):
            self.send(hello)
        self.teams.up()
        self.assertEqual(self.send(hello)[0], 201)
        self.assertEqual([one["status"] for one in self.teams.calls("send", self.before)], [429, 429, 502, 0, 201])

    def test_a_call_that_hangs_has_no_answer(self):
        self.teams.fault("send", hang=True)
        ended = []

        def call():
            try:
                ended.append(self.send({"type": "message", "text": "hello"}))
            except OSError as error:
                ended.append(error)

        calling = threading.Thread(target=call)
        calling.start()
        self.teams.until(lambda: [one for one in self.teams.calls("send", self.before) if one.get("status") == 0])
        self.assertEqual(ended, [])
        self.teams.down()
        calling.join(30)
        self.teams.up()
        self.assertIsInstance(ended[0], OSError)

    def test_another_tenants_people_come_with_its_id(self):
        self.teams.user("Mallory", tenant=ELSEWHERE).say("hello")
        got = self.bot.got[-1]
        self.assertEqual((got["conversation"]["tenantId"], got["channelData"]["tenant"]["id"]), (ELSEWHERE, ELSEWHERE))

    def test_what_people_do_is_told_as_teams_tells_it(self):
        said = self.alice.say("approve 7")
        self.alice.edit(said["id"], "deny 7")
        self.alice.delete(said["id"])
        self.alice.install()
        team = self.teams.team("Operations", [self.alice])
        self.alice.say("status", conversation=team["id"])
        self.teams.roster(team, self.alice, add=[self.bob])
        told = [(one["type"], one["channelData"].get("eventType"), one.get("text"), one["conversation"]["conversationType"]) for one in self.bot.got]
        self.assertEqual(told, [("message", None, "approve 7", "personal"), ("messageUpdate", "editMessage", "deny 7", "personal"), ("messageDelete", "softDeleteMessage", None, "personal"),
                                ("installationUpdate", None, None, "personal"), ("conversationUpdate", None, None, "personal"), ("message", None, "<at>Keyturn</at> status", "channel"),
                                ("conversationUpdate", "teamMemberAdded", None, "channel")])
        self.assertEqual(self.bot.got[-1]["membersAdded"], [{"id": self.bob.id, "aadObjectId": self.bob.aad}])
        for one in self.bot.got:
            self.assertEqual((one["channelId"], one["channelData"]["tenant"]["id"], one["conversation"]["tenantId"], one["recipient"]["id"]), ("msteams", Teams.TENANT, Teams.TENANT, f"28:{Teams.APP}"))


if __name__ == "__main__":
    unittest.main()
