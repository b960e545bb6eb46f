"""Forged or replayed consent: links, forms, frames, foreign origins and hosts, and passkey answers that are wrong in one thing."""
import base64
import hashlib
import json
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, Keyturn  # noqa: E402
from support.passkey import AT, UP, UV, Browser, Key, Passkey, b64, unb64  # noqa: E402


class Consent(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn()
        cls.addClassCleanup(cls.k.close)
        cls.bob, cls.erin = Browser(cls.k, "bob"), Browser(cls.k, "erin")

    def ask(self, text, tool="append-session"):
        answer = self.k.request(tool, {"text": text})
        self.assertEqual(answer.status, 202, answer)
        return answer.json

    def assertUntouched(self, action):
        now = self.k.action(action["id"]).json
        self.assertEqual((now["state"], now["votes"], now["version"]), ("pending", [], action["version"]))

    # ------------------------------------------------------------ links
    def test_get_and_head_on_any_link_approve_nothing(self):
        action = self.ask("links")
        vote = f"decision=approve&digest={action['digest']}"
        for path in (f"/a/{action['id']}", f"/a/{action['id']}?{vote}", f"/v1/actions/{action['id']}/votes", f"/v1/actions/{action['id']}/votes?{vote}",
                     f"/v1/actions/{action['id']}/cancel", f"/v1/actions/{action['id']}/votes/challenge", "/auth/logout", "/demo/vote", "/v1/agents/bot/suspend"):
            for method in ("GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND"):
                for headers in ({"Cookie": self.bob.cookie}, {"Cookie": self.bob.cookie, "Purpose": "prefetch"},
                                {"Cookie": self.bob.cookie, "X-HTTP-Method-Override": "POST", "X-Keyturn-CSRF": self.bob.csrf, "Origin": self.k.url}):
                    self.k.http(method, path, headers=headers)
                self.k.http(method, path, "bob")
        self.assertUntouched(action)
        self.assertEqual(self.bob.get("/v1/me").status, 200, "nor is anybody signed out")
        self.assertEqual(self.k.request("echo", {"text": "x"}, wait=20).json["state"], "succeeded", "nor an agent suspended")

    # ------------------------------------------------------------ browsers
    def test_csrf(self):
        action = self.ask("csrf")
        body = {"decision": "approve", "digest": action["digest"]}
        path = f"/v1/actions/{action['id']}/votes"
        attacks = {"no CSRF token": dict(drop=("X-Keyturn-CSRF",)), "another session's token": {"X-Keyturn-CSRF": self.erin.csrf},
                   "an empty token": {"X-Keyturn-CSRF": ""}, "a guess": {"X-Keyturn-CSRF": "a" * len(self.bob.csrf)}}
        for name, attack in attacks.items():
            with self.subTest(name):
                answer = self.bob.send("POST", path, body, **attack)
                self.assertEqual((answer.status, answer.code), (403, "csrf"), answer)
        form = self.k.http("POST", path, raw_body=json.dumps(body), headers={"Cookie": self.bob.cookie, "Origin": self.k.url, "Content-Type": "text/plain"})
        self.assertIn(form.status, (403, 415))
        self.assertIn(self.bob.send("DELETE", path, drop=("X-Keyturn-CSRF",)).status, (403,))
        self.assertUntouched(action)

    def test_wrong_origin(self):
        action = self.ask("origin")
        path, body = f"/v1/actions/{action['id']}/votes", {"decision": "approve", "digest": action["digest"]}
        port = self.k.port
        for origin in ("https://evil.example", "null", f"https://localhost:{port}", f"http://localhost:{port}.evil.example", f"http://localhost:{port + 1}", "http://localhost",
                       f"http://127.0.0.1:{port}", f"http://LOCALHOST:{port}x", ""):
            with self.subTest(origin=origin):
                answer = self.bob.send("POST", path, body, **{"Origin": origin})
                self.assertEqual((answer.status, answer.code), (403, "wrong_origin"), answer)
        self.assertEqual(self.bob.send("POST", path, body, drop=("Origin",)).code, "wrong_origin")
        for auth in ("/auth/login/begin", "/auth/enrol/begin"):
            self.assertEqual(self.k.post(auth, None, {}, headers={"Origin": "https://evil.example"}).status, 403)
        self.assertUntouched(action)

    def test_clickjacking(self):
        action = self.ask("frames")
        for path in ("/", f"/a/{action['id']}", "/login", "/v1/me", f"/v1/actions/{action['id']}", "/nothing/here.html", "/checkpoint"):
            answer = self.bob.get(path)
            self.assertEqual(answer.headers.get("x-frame-options"), "DENY", path)
            policy = answer.headers.get("content-security-policy", "")
            self.assertIn("frame-ancestors 'none'", policy, path)
            self.assertNotIn("unsafe", policy)
            self.assertEqual(answer.headers.get("x-content-type-options"), "nosniff", path)
            self.assertNotIn("access-control-allow-origin", answer.headers, path)

    def test_dns_rebinding(self):
        action = self.ask("rebinding")
        body = {"decision": "approve", "digest": action["digest"]}
        for host in ("evil.example", f"evil.example:{self.k.port}", f"localhost.evil.example:{self.k.port}", f"rebind.network:{self.k.port}"):
            for answer in (self.k.post(f"/v1/actions/{action['id']}/votes", "bob", body, host=host), self.k.get("/", host=host), self.k.get("/checkpoint", host=host),
                           self.k.post("/host/person", None, {"id": "eve"}, host=host)):
                self.assertEqual(answer.status, 421, answer)
        self.assertUntouched(action)

    def test_the_hosts_routes_are_not_on_the_network(self):
        for path in ("/host/person", "/host/token", "/host/seal", "/host/enrol", "/host/status"):
            for who in (None, "ada"):
                self.assertEqual(self.k.post(path, who, {"id": "eve", "person": "bob"}).status, 404)

    def test_cookie_flags(self):
        flags = self.bob.set_cookie
        for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(word, flags)
        self.assertNotIn("Domain", flags)

    def test_cookie_flags_behind_https(self):
        k = Keyturn(config="public_url: https://keyturn.test\n", people={"ada": []}, agents={})
        try:
            headers = {"Origin": "https://keyturn.test"}
            token = k.enrol_link("ada").split("#")[1]
            began = k.post("/auth/enrol/begin", None, {"token": token}, headers=headers, host="keyturn.test")
            self.assertEqual(began.status, 200, began)
            passkey = Passkey("https://keyturn.test", "keyturn.test")
            done = k.post("/auth/enrol/finish", None, {"ceremony": began.json["ceremony"], "token": token, "credential": passkey.create(began.json["options"]), "label": ""},
                          headers=headers, host="keyturn.test")
            self.assertEqual(done.status, 200, done)
            cookie = done.headers["set-cookie"]
            self.assertTrue(cookie.startswith("__Host-"), cookie)
            for word in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
                self.assertIn(word, cookie)
        finally:
            k.close()

    def test_session_fixation(self):
        planted = "keyturn_session=" + "A" * 43
        self.assertEqual(self.k.get("/v1/me", headers={"Cookie": planted}).status, 401)
        began = self.k.post("/auth/login/begin", None, {}, headers={"Origin": self.k.url, "Cookie": planted})
        done = self.k.post("/auth/login/finish", None, {"ceremony": began.json["ceremony"], "credential": self.bob.passkey.use(began.json["options"])},
                           headers={"Origin": self.k.url, "Cookie": planted})
        self.assertEqual(done.status, 200, done)
        self.assertNotIn("A" * 43, done.headers["set-cookie"])
        self.assertEqual(self.k.get("/v1/me", headers={"Cookie": planted}).status, 401, "the planted value is worth nothing afterwards")

    def test_two_credentials_at_once_are_refused(self):
        answer = self.k.get("/v1/me", "bot", headers={"Cookie": self.bob.cookie})
        self.assertEqual((answer.status, answer.code), (400, "ambiguous_credentials"))

    def test_a_session_ends_when_its_person_signs_out_or_is_deactivated(self):
        browser = Browser(self.k, "carol")
        cookie = browser.cookie
        self.assertEqual(browser.post("/auth/logout").status, 200)
        self.assertEqual(self.k.get("/v1/me", headers={"Cookie": cookie}).status, 401)
        browser.sign_in()
        self.k.host("person", "deactivate", "carol")
        self.assertIn(browser.get("/v1/me").status, (401, 403))
        self.assertNotEqual(browser.login().status, 200)
        self.k.host("person", "activate", "carol")

    # ------------------------------------------------------------ enrolment
    def test_an_enrolment_link_works_once_and_for_one_person(self):
        link = self.k.enrol_link("dave")
        other = self.k.enrol_link("ada")
        token, other_token = link.split("#")[1], other.split("#")[1]
        browser = Browser(self.k, "dave", enrol=False)
        began = browser.anonymous("/auth/enrol/begin", {"token": token}).json
        crossed = browser.anonymous("/auth/enrol/finish", {"ceremony": began["ceremony"], "token": other_token, "credential": browser.passkey.create(began["options"]), "label": ""})
        self.assertEqual(crossed.status, 401, "one person's ceremony with another's link")
        browser.enrol(link)
        self.assertEqual(browser.get("/v1/me").json["id"], "dave")
        self.assertEqual(Browser(self.k, "dave", enrol=False).anonymous("/auth/enrol/begin", {"token": token}).status, 401)
        for forged in (token[:-3] + "AAA", token.split(".")[0], "enr_x." + token.split(".")[1], ""):
            self.assertIn(browser.anonymous("/auth/enrol/begin", {"token": forged}).status, (400, 401))

    def test_enrolment_refuses_answers_that_are_wrong_in_one_thing(self):
        for name, forged in {"origin": {"origin": "https://evil.example"}, "rp": {"rp_id": "evil.example"}, "no user verification": {"flags": UP | AT},
                             "type": {"kind": "webauthn.get"}, "challenge": {"challenge": b64(b"x" * 32)}}.items():
            with self.subTest(name):
                token = self.k.enrol_link("ada").split("#")[1]
                browser = Browser(self.k, "ada", enrol=False)
                began = browser.anonymous("/auth/enrol/begin", {"token": token}).json
                done = browser.anonymous("/auth/enrol/finish", {"ceremony": began["ceremony"], "token": token, "credential": browser.passkey.create(began["options"], **forged), "label": ""})
                self.assertEqual(done.status, 401, done)
                self.assertNotIn("set-cookie", done.headers)

    # ------------------------------------------------------------ passkeys
    FORGERIES = {
        "other-origin": {"origin": "https://evil.example"}, "look-alike-origin": {"origin": "http://localhost"}, "other-rp-id": {"rp_id": "evil.example"},
        "other-challenge": {"challenge": b64(b"\0" * 32)}, "uv-cleared": {"flags": UP}, "up-cleared": {"flags": UV}, "type": {"kind": "webauthn.create"},
        "cross-origin-iframe": {"cross_origin": True}, "another-key": {"key": Key()}, "cross-origin-not-a-boolean": {"cross_origin": "false"},
    }

    def test_passkey_login_refuses_answers_that_are_wrong_in_one_thing(self):
        for name, forged in self.FORGERIES.items():
            with self.subTest(name):
                answer = self.bob.login(**forged)
                self.assertEqual(answer.status, 401, answer)
                self.assertNotIn("set-cookie", answer.headers)
        self.assertEqual(self.bob.login().status, 200)

    def test_passkey_login_replayed(self):
        began = self.bob.anonymous("/auth/login/begin", {}).json
        answer = {"ceremony": began["ceremony"], "credential": self.bob.passkey.use(began["options"])}
        self.assertEqual(self.bob.anonymous("/auth/login/finish", answer).status, 200)
        self.assertEqual(self.bob.anonymous("/auth/login/finish", answer).status, 401)
        fresh = self.bob.anonymous("/auth/login/begin", {}).json
        self.assertEqual(self.bob.anonymous("/auth/login/finish", {**answer, "ceremony": fresh["ceremony"]}).status, 401)

    def test_passkey_votes_refuse_answers_that_are_wrong_in_one_thing(self):
        action = self.ask("signed", "append-passkey")
        for name, forged in self.FORGERIES.items():
            with self.subTest(name):
                answer = self.bob.signed_vote(action, **forged)
                self.assertGreaterEqual(answer.status, 400, answer)
                self.assertUntouched(action)
        self.assertEqual(self.bob.vote(action).code, "passkey_required", "a session alone is not enough")
        good = self.bob.signed_vote(action)
        self.assertEqual(good.status, 200, good)
        self.assertEqual(self.k.settled(action["id"])["votes"][0]["assurance"], "passkey")

    def test_passkey_of_another_user(self):
        action = self.ask("another user", "append-passkey")
        began = self.bob.challenge(action)
        answer = self.bob.vote(action, assertion={"ceremony": began.json["ceremony"], "credential": self.erin.passkey.use(began.json["options"])})
        self.assertGreaterEqual(answer.status, 400, answer)
        began = self.bob.challenge(action)
        answer = self.erin.vote(action, assertion={"ceremony": began.json["ceremony"], "credential": self.erin.passkey.use(began.json["options"])})
        self.assertGreaterEqual(answer.status, 400, "a ceremony belongs to the session that began it")
        began = self.bob.challenge(action)
        claimed = self.erin.passkey.use(began.json["options"], credential_id=self.bob.passkey.id)
        self.assertGreaterEqual(self.bob.vote(action, assertion={"ceremony": began.json["ceremony"], "credential": claimed}).status, 400)
        self.assertUntouched(action)

    def voted_at(self, action):
        """Where in the ledger the only vote on this action is."""
        moments = self.k.get(f"/v1/actions/{action['id']}/timeline", "bob").json["items"]
        return next(m["index"] for m in moments if m["type"] == "review.voted")

    def test_passkey_vote_replayed_or_turned_round(self):
        one, two = self.ask("one", "append-passkey"), self.ask("two", "append-passkey")
        began = self.bob.challenge(one)
        assertion = {"ceremony": began.json["ceremony"], "credential": self.bob.passkey.use(began.json["options"])}
        self.assertGreaterEqual(self.bob.vote(two, assertion=assertion).status, 400, "signed for another action")
        self.assertGreaterEqual(self.bob.vote(one, assertion=assertion).status, 400, "a ceremony is used up by its first answer")
        began = self.bob.challenge(one, "approve")
        assertion = {"ceremony": began.json["ceremony"], "credential": self.bob.passkey.use(began.json["options"])}
        self.assertGreaterEqual(self.bob.vote(one, "deny", assertion=assertion).status, 400, "signed for another decision")
        began = self.bob.challenge(one, "deny")
        assertion = {"ceremony": began.json["ceremony"], "credential": self.bob.passkey.use(began.json["options"])}
        self.assertGreaterEqual(self.bob.vote(one, "approve", assertion=assertion).status, 400)
        self.assertUntouched(one)
        self.assertUntouched(two)
        voted = self.bob.signed_vote(one)
        self.assertEqual(voted.status, 200)
        self.assertEqual(self.k.action(two["id"]).json["votes"], [])
        deadline = time.monotonic() + DEADLINE
        while self.k.get("/v1/ledger", "ada").json["size"] <= self.voted_at(one):
            self.assertLess(time.monotonic(), deadline, "no checkpoint covers the vote")
            time.sleep(0.05)
        verified = self.k.cli("verify", self.k.url, "--key", self.k.vkey, token="ada", check=False)
        self.assertEqual(verified.code, 0, verified.out)
        self.assertRegex(verified.out, r"[1-9]\d* votes by passkey verified", "whoever has the log alone can tell")

    def test_a_token_cannot_hand_in_a_passkey_answer(self):
        action = self.ask("token", "append-passkey")
        began = self.bob.challenge(action)
        assertion = {"ceremony": began.json["ceremony"], "credential": self.bob.passkey.use(began.json["options"])}
        answer = self.k.vote(action, "bob", digest=action["digest"], assertion=assertion)
        self.assertGreaterEqual(answer.status, 400, answer)
        self.assertUntouched(action)

    def test_malformed_passkey_answers_are_problems(self):
        action = self.ask("malformed", "append-passkey")
        for change in ({"response": {}}, {"response": None}, {"id": "", "rawId": ""}, {"rawId": "!!!"}, {"response": {"clientDataJSON": "AA", "authenticatorData": "AA", "signature": "AA"}}, {"response": {"clientDataJSON": b64(b"[" * 5000), "authenticatorData": b64(b"\xff" * 37), "signature": b64(b"\x30\x80")}}):
            began = self.bob.challenge(action)
            credential = {**self.bob.passkey.use(began.json["options"]), **change}
            answer = self.bob.vote(action, assertion={"ceremony": began.json["ceremony"], "credential": credential})
            self.assertTrue(400 <= answer.status < 500 and answer.code, answer)
        for assertion in ({}, {"ceremony": 7}, {"ceremony": "x"}, {"ceremony": "x", "credential": []}):
            answer = self.bob.vote(action, assertion=assertion)
            self.assertTrue(400 <= answer.status < 500 and answer.code, answer)
        self.assertUntouched(action)

    def test_the_ledger_keeps_what_proves_the_signature(self):
        """Anybody can check offline that this person's key signed exactly this case."""
        action = self.ask("kept", "append-passkey")
        self.assertEqual(self.bob.signed_vote(action).status, 200)
        index = self.voted_at(action)
        leaf = json.loads(base64.b64decode(self.k.get(f"/v1/ledger/entries?from={index}&limit=1", "ada").json["items"][0]["leaf"]))
        kept = leaf["vote"]["assertion"]
        signed = json.loads(kept["signed"])
        self.assertEqual((signed["action"], signed["digest"], signed["decision"], signed["reviewer"]), (action["id"], action["digest"], "approve", "bob"))
        client = json.loads(unb64(kept["client_data_json"]))
        self.assertEqual(unb64(client["challenge"]), hashlib.sha256(b"keyturn/v1/vote\n" + kept["signed"].encode()).digest())
        self.assertEqual(client["origin"], self.k.url)
        x, y = (v.to_bytes(32, "big") for v in self.bob.passkey.key.public)
        self.assertEqual(unb64(kept["public_key"]), x + y)


class Sessions(unittest.TestCase):
    """What keeps a session alive, and what does not; and whose attempts to sign in are whose."""

    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(config="sessions: {idle: 4s}\ntrusted_proxies: [127.0.0.1]\n")
        cls.addClassCleanup(cls.k.close)

    def test_an_open_stream_alone_keeps_no_session_alive(self):
        browser = Browser(self.k, "bob")
        action = self.k.request("append-session", {"text": "watched"}).json
        for path in ("/v1/inbox/stream", f"/v1/actions/{action['id']}/stream"):
            stream = self.k.events(path, None, {"Cookie": browser.cookie})
            self.addCleanup(stream.close)
            self.assertEqual(stream.status, 200)
            deadline = time.monotonic() + DEADLINE
            while stream.answer.readline():  # until the server ends it; it says every second that it is there
                self.assertLess(time.monotonic(), deadline, "it was open for ever")
            self.assertEqual(browser.get("/v1/me").status, 401)
            browser.sign_in()

    def test_a_page_that_nobody_touches_keeps_no_session_alive(self):
        browser = Browser(self.k, "carol")
        deadline = time.monotonic() + DEADLINE
        while browser.get("/v1/me", **{"X-Keyturn-Background": "1"}).status == 200:
            self.assertLess(time.monotonic(), deadline, "it looked for ever")
            time.sleep(0.05)  # a pace; the verdict is the answer
        self.assertEqual(browser.get("/v1/me").status, 401)

    def attempt(self, forwarded):
        return self.k.post("/auth/login/begin", None, {}, headers={"Origin": self.k.url, "X-Forwarded-For": forwarded})

    def test_attempts_are_counted_by_whom_the_trusted_proxy_names(self):
        for n in range(500):
            answer = self.attempt(f"203.0.113.{n % 200}, 198.51.100.7")  # what is left of it, the client wrote itself
            if answer.status == 429:
                break
        self.assertEqual((answer.status, answer.code), (429, "too_many_sign_ins"), answer)
        self.assertEqual(answer.headers["retry-after"], "1")
        self.assertEqual(self.attempt("198.51.100.8").status, 200, "others are not kept out with them")
        self.assertEqual(self.attempt("198.51.100.7, 198.51.100.9").status, 200)



if __name__ == "__main__":
    unittest.main()
