"""Single sign-on at a real OpenID provider (npm oidc-provider), and against one that lies; groups as Okta and Entra say them; JWTs of agents."""
import base64
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import BIN, DEADLINE, POLICY, Keyturn, free_port  # noqa: E402
from support.oidc import Forger, OidcProvider, Surfer  # noqa: E402
from support.passkey import Browser  # noqa: E402

HEAD = "apiVersion: keyturn/v1\nkind: Identity\n"
TENANT = "0f0f0f0f-0000-4000-8000-000000000001"
SECRET = "a secret of the client"


def with_identity(case, identity, **more):
    """A Keyturn with that identity.yaml, ended with the test case (or its class)."""
    folder = tempfile.TemporaryDirectory()
    file = pathlib.Path(folder.name) / "identity.yaml"
    file.write_text(identity)
    os.environ["OIDC_TEST_SECRET"] = SECRET
    # Everybody comes from an address of their own: what is tested here is not how often one may try.
    k = Keyturn(arguments=("--identity", str(file)), config="trusted_proxies: [127.0.0.1/32]\n", **more)
    k.identity_file = file
    clean = case.addClassCleanup if isinstance(case, type) else case.addCleanup
    clean(folder.cleanup)
    clean(k.close)
    return k


class Flow:
    """One sign-in, up to the provider and back by hand."""

    def __init__(self, k, provider, surfer=None):
        self.k, self.provider, self.surfer = k, provider, surfer or Surfer()
        status, _, text = self.surfer.request("POST", f"{k.url}/auth/{provider}/begin", "{}", {"Origin": k.url, "Content-Type": "application/json"})
        if status != 200:
            raise AssertionError(text)
        self.url = json.loads(text)["url"]
        self.query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.url).query))

    def back(self, surfer=None, provider=None, **query):
        """The provider's answer: (status, page)."""
        given = {k: v for k, v in {"code": "c", "state": self.query["state"], **query}.items() if v is not None}
        status, _, text = (surfer or self.surfer).request("GET", f"{self.k.url}/auth/{provider or self.provider}/callback?{urllib.parse.urlencode(given)}")
        return status, text

    def me(self):
        status, _, text = self.surfer.request("GET", f"{self.k.url}/v1/me")
        return json.loads(text) if status == 200 else None


def code_in(page):
    found = re.search(r"<code>(\w+)</code>", page)
    return found[1] if found else ""


class Forged(unittest.TestCase):
    """Attacks, each on a sign-in that works when it is left alone."""

    @classmethod
    def setUpClass(cls):
        cls.forger = Forger()
        cls.addClassCleanup(cls.forger.close)
        i = cls.forger.issuer
        entry = "client_id: keyturn, client_secret: {secret: \"env:OIDC_TEST_SECRET\"}, people: {create: true}"
        cls.k = with_identity(cls, HEAD + f"""providers:
  corp: {{kind: oidc, issuer: "{i('corp')}", {entry}, device: true, groups: {{map: {{DBA: dba}}}}}}
  other: {{kind: oidc, issuer: "{i('other')}", {entry}}}
  closed: {{kind: oidc, issuer: "{i('closed')}", client_id: keyturn}}
  okta: {{kind: okta, issuer: "{i('okta')}", {entry}, groups: {{map: {{DBA: dba}}}}}}
  entra: {{kind: entra, issuer: "{i(TENANT)}/v2.0", {entry}, graph: "{i('graph')}", groups: {{map: {{g-1: dba}}, roles: {{Ops: sre}}}}}}
agents:
  ci:
    issuer: "{i('ci')}"
    audience: keyturn
    rules:
    - {{claims: {{sub: "repo:acme/*:ref:refs/heads/main"}}, agent: deployer}}
    - {{claims: {{sub: "repo:acme/both:ref:refs/heads/main"}}, agent: bot}}
""")

    def setUp(self):
        self.number = type(self).number = getattr(type(self), "number", 0) + 1
        self.forger.control({"reset": True})

    def sign_in(self, provider="corp", surfer=None, iss=None, **state):
        flow = Flow(self.k, provider, surfer)
        claims = {"sub": f"sub-{self.number}", "preferred_username": f"user{self.number}", **state.pop("claims", {})}
        self.forger.control({"fresh": True, "nonce": flow.query["nonce"], "challenge": flow.query["code_challenge"], **state, "claims": claims})
        status, page = flow.back(iss=iss)
        return flow, status, page

    def refused(self, code, provider="corp", **state):
        flow, status, page = self.sign_in(provider, **state)
        self.assertEqual(code_in(page), code, (status, page))
        self.assertGreaterEqual(status, 400)
        self.assertIsNone(flow.me())
        return page

    def test_what_is_left_alone_works_and_pkce_and_the_secret_are_checked(self):
        flow, status, page = self.sign_in(claims={"groups": ["DBA", "Others"]})
        self.assertEqual(status, 200, page)
        me = flow.me()
        self.assertEqual((me["id"], me["groups"], me["assurance"]), (f"user{self.number}", ["dba"], "session"))
        asked = [a for a in self.forger.control() if a["path"].endswith("/token")]
        self.assertTrue(asked[-1]["authorization"].startswith("Basic "))
        self.assertEqual(flow.query["code_challenge_method"], "S256")
        self.assertEqual(flow.query["redirect_uri"], f"{self.k.url}/auth/corp/callback")
        self.assertNotIn(SECRET, flow.url)

    def test_a_token_of_another_issuer_audience_or_time_opens_nothing(self):
        now = int(time.time())
        for claims, code in (({"iss": self.forger.issuer("other")}, "invalid_token"), ({"iss": None}, "invalid_token"), ({"aud": "somebody"}, "invalid_token"),
                             ({"aud": ["keyturn", "somebody"]}, "invalid_token"), ({"azp": "somebody"}, "invalid_token"), ({"exp": now - 120}, "expired_token"),
                             ({"exp": None}, "invalid_token"), ({"iat": now + 120}, "invalid_token"), ({"nbf": now + 120}, "invalid_token"),
                             ({"iat": None}, "invalid_token"), ({"sub": None}, "invalid_token")):
            with self.subTest(claims):
                self.refused(code, claims=claims)

    def test_clocks_may_differ_by_a_minute_and_no_more(self):
        now = int(time.time())
        self.assertEqual(self.sign_in(claims={"iat": now + 45, "exp": now + 300})[1], 200)
        self.assertEqual(self.sign_in(claims={"exp": now - 30})[1], 200)
        self.refused("expired_token", claims={"exp": now - 75})

    def test_the_header_of_a_token_decides_nothing(self):
        for state, code in (({"sign": "none"}, "invalid_token"), ({"sign": "hs256-public"}, "invalid_token"), ({"sign": "other"}, "invalid_token"),
                            ({"header": {"alg": "ES256"}}, "invalid_token"), ({"header": {"kid": None}}, "invalid_token"), ({"header": {"kid": "es256"}}, "invalid_token"),
                            ({"header": {"kid": "nobody"}}, "unknown_key"), ({"header": {"crit": ["x"], "x": 1}}, "invalid_token"),
                            ({"header": {"typ": "at+jwt"}}, "invalid_token")):
            with self.subTest(state):
                self.refused(code, **state)

    def test_a_token_of_another_sign_in_opens_nothing(self):
        self.refused("invalid_token", nonce="another")
        self.refused("invalid_token", nonce=None)

    def test_a_code_that_was_stolen_is_worth_nothing_without_the_verifier(self):
        self.refused("sign_in_refused", challenge="another")

    def test_an_answer_counts_in_the_browser_that_asked_and_once(self):
        flow = Flow(self.k, "corp")
        self.forger.control({"nonce": flow.query["nonce"], "claims": {"sub": f"once-{self.number}", "preferred_username": f"once{self.number}"}})
        stranger = Surfer()
        self.assertEqual(code_in(flow.back(stranger)[1]), "invalid_state", "a link that signs its reader in as somebody else")
        Flow(self.k, "corp", stranger)
        self.assertEqual(code_in(flow.back(stranger)[1]), "invalid_state", "nor with a cookie of another sign-in")
        held = dict(flow.surfer.cookies(self.k.url))
        self.assertEqual(flow.back()[0], 200)
        flow.surfer.cookies(self.k.url).update(held)
        self.assertEqual(code_in(flow.back()[1]), "invalid_state", "a replay")

    def test_a_state_that_was_made_up_or_left_out_is_none(self):
        for state in ("x", "", None):
            self.assertEqual(code_in(Flow(self.k, "corp").back(state=state)[1]), "invalid_state")

    def test_an_answer_of_another_issuer_is_not_this_ones(self):
        for iss, metadata in ((self.forger.issuer("other"), {}), ("", {})):
            flow, status, page = self.sign_in(iss=iss, metadata=metadata)
            self.assertEqual(code_in(page), "sign_in_refused", page)
        flow = Flow(self.k, "corp")
        self.assertEqual(code_in(flow.back(provider="other")[1]), "invalid_state", "nor at another provider's address")
        self.assertEqual(self.sign_in(iss=self.forger.issuer("corp"))[1], 200)

    def test_no_answer_sends_the_browser_anywhere_else(self):
        for query in ({"redirect_uri": "https://evil.example"}, {"next": "//evil.example"}, {"error": "https://evil.example", "code": None}):
            status, page = Flow(self.k, "corp").back(**query)
            self.assertNotIn("evil.example", page)
        flow, status, page = self.sign_in()
        self.assertEqual(re.findall(r'(?:url=|href=")([^"]*)', page), ["/", "/"])

    def test_a_provider_whose_words_are_a_page_writes_none(self):
        status, page = Flow(self.k, "corp").back(error="<script>alert(1)</script>", error_description="<b>x</b>", code=None)
        self.assertNotIn("<script", page)
        self.assertNotIn("<b>", page)

    def test_doubled_words_of_an_answer_are_refused(self):
        flow = Flow(self.k, "corp")
        status, _, page = flow.surfer.request("GET", f"{self.k.url}/auth/corp/callback?code=a&code=b&state={flow.query['state']}")
        self.assertEqual(code_in(page), "invalid_state")

    def test_another_site_cannot_begin_a_sign_in(self):
        for headers in ({"Origin": "https://evil.example"}, {}):
            answer = self.k.post("/auth/corp/begin", None, {}, headers=headers)
            self.assertEqual(answer.code, "wrong_origin")
        self.assertEqual(self.k.get("/auth/corp/begin").status, 405)

    def test_an_account_that_is_nobodys_opens_nothing_where_people_are_not_made(self):
        self.refused("account_not_linked", "closed")

    def test_an_address_or_name_makes_nobody_somebody_who_is_here(self):
        for claims in ({"email": "bob@example.com", "email_verified": True}, {"email": "bob@example.com"}, {"preferred_username": "bob@example.com"},
                       {"preferred_username": "bob"}, {"upn": "BOB@example.com"}, {"preferred_username": "b0b"}):
            with self.subTest(claims):
                self.refused("account_not_linked", claims=claims)
        self.assertEqual([p["id"] for p in self.k.get("/v1/people", "ada").json["items"] if p["id"].startswith("b")], ["bob"])

    def test_who_is_deactivated_stays_out_and_is_out_at_once(self):
        flow, status, _ = self.sign_in()
        self.assertEqual(status, 200)
        self.k.host("person", "deactivate", f"user{self.number}")
        self.assertIsNone(flow.me())
        self.refused("inactive")

    def test_a_fresh_sign_in_vouches_for_the_first_passkey_and_for_no_other(self):
        flow, status, _ = self.sign_in()
        self.assertEqual(status, 200)
        headers = {"Origin": self.k.url, "Content-Type": "application/json", "X-Keyturn-CSRF": flow.me()["csrf"]}

        def ask():
            status, _, text = flow.surfer.request("POST", self.k.url + "/v1/passkeys/challenge", "{}", headers)
            return status, json.loads(text)

        status, first = ask()
        self.assertEqual(status, 201, first)
        person = Browser(self.k, f"user{self.number}", enrol=False)
        person.enrol(first["url"])
        self.assertEqual(person.get("/v1/me").json["id"], f"user{self.number}")
        # From now on a passkey vouches for the next one, and the host makes no link for who signs in at a provider, once sealed.
        status, next_one = ask()
        self.assertEqual((status, "ceremony" in next_one), (200, True), next_one)
        # Whoever signed in here, and has none, has nobody to vouch for them.
        self.assertEqual(self.k.post("/v1/passkeys/challenge", "bob", {}).code, "not_allowed")

    def first_link(self, flow):
        headers = {"Origin": self.k.url, "Content-Type": "application/json", "X-Keyturn-CSRF": flow.me()["csrf"]}
        status, _, text = flow.surfer.request("POST", self.k.url + "/v1/passkeys/challenge", "{}", headers)
        self.assertEqual(status, 201, text)
        return json.loads(text)["url"]

    def test_links_for_a_first_passkey_make_one(self):
        flow, _, _ = self.sign_in()
        first, second = self.first_link(flow), self.first_link(flow)
        Browser(self.k, f"user{self.number}", enrol=False).enrol(second)
        token = first.split("#", 1)[1]
        self.assertEqual(Browser(self.k, "bob").anonymous("/auth/enrol/begin", {"token": token}).status, 401)
        # Nor is one of before a deactivation good after it.
        self.number = type(self).number = self.number + 1
        flow, _, _ = self.sign_in()
        token = self.first_link(flow).split("#", 1)[1]
        self.k.host("person", "deactivate", f"user{self.number}")
        self.k.host("person", "activate", f"user{self.number}")
        self.assertEqual(Browser(self.k, "bob").anonymous("/auth/enrol/begin", {"token": token}).status, 401)

    def test_an_account_that_was_somebodys_makes_nobody_else(self):
        flow, _, _ = self.sign_in(claims={"groups": ["DBA"]})
        person = Browser(self.k, f"user{self.number}", enrol=False)
        person.enrol(self.first_link(flow))
        account = person.get("/v1/accounts").json["items"][0]["account"]
        self.assertEqual(person.post("/v1/accounts/unlink", {"account": account}).status, 200)
        before = len(self.k.get("/v1/people", "ada").json["items"])
        _, _, page = self.sign_in(claims={"groups": ["DBA"], "preferred_username": f"another{self.number}"})
        self.assertEqual(code_in(page), "account_not_linked", page)
        self.assertEqual(len(self.k.get("/v1/people", "ada").json["items"]), before)

    def test_who_prompted_it_is_known_by_whatever_the_provider_calls_them(self):
        flow, _, _ = self.sign_in(claims={"groups": ["DBA"], "email": f"u{self.number}@corp.example"})
        self.k.write_policy(POLICY.replace("dba: 1, sre: 1}, assurance: token", "dba: 1}"))
        self.k.reload()
        action = self.k.request("append", {"text": "x"}, claims={"on_behalf_of": f"u{self.number}@corp.example"}).json
        headers = {"Origin": self.k.url, "Content-Type": "application/json", "X-Keyturn-CSRF": flow.me()["csrf"]}
        body = json.dumps({"decision": "approve", "digest": action["digest"]})
        status, _, text = flow.surfer.request("POST", f"{self.k.url}/v1/actions/{action['id']}/votes", body, headers)
        self.assertIn(json.loads(text)["code"], ("related_to_requester", "not_found"), text)

    # ------------------------------------------------------------ groups
    def groups(self, provider, **state):
        flow, status, page = self.sign_in(provider, **state)
        self.assertEqual(status, 200, page)
        return flow.me()["groups"]

    def test_groups_that_the_provider_cut_or_left_out_are_none(self):
        many = ["DBA"] + [f"g{n}" for n in range(99)]
        self.assertEqual(self.groups("okta", claims={"groups": many[:99]}), ["dba"])
        self.assertEqual(self.groups("okta", claims={"groups": many}), [])
        self.assertEqual(self.groups("okta"), [])
        self.assertEqual(self.groups("okta", claims={"groups": {"DBA": True}}), [])

    def test_groups_of_userinfo_count_when_it_is_about_the_same_account(self):
        self.assertEqual(self.groups("corp", userinfo={"sub": f"sub-{self.number}", "groups": ["DBA"]}), ["dba"])
        self.assertEqual(self.groups("corp", userinfo={"sub": "somebody", "groups": ["DBA"]}), [])

    def test_a_vote_says_who_vouched_for_the_sign_in_and_counts_while_the_groups_do(self):
        flow, status, page = self.sign_in(claims={"groups": ["DBA"]})
        self.assertEqual(status, 200, page)
        self.k.write_policy(POLICY.replace("dba: 1, sre: 1}, assurance: token", "dba: 1}"))
        self.k.reload()
        action = self.k.request("append", {"text": f"vouched {self.number}"}).json
        headers = {"Origin": self.k.url, "Content-Type": "application/json", "X-Keyturn-CSRF": flow.me()["csrf"]}
        seen = self.k.get("/v1/actions/" + action["id"], "ada").json
        body = json.dumps({"decision": "approve", "digest": seen["digest"]})
        status, _, text = flow.surfer.request("POST", f"{self.k.url}/v1/actions/{action['id']}/votes", body, headers)
        self.assertEqual(status, 200, text)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        first = seen["ledger"]["index"]
        leaves = [json.loads(base64.b64decode(one["leaf"])) for one in self.k.get(f"/v1/ledger/entries?from={first}&limit=20", "ada").json["items"]]
        vote = [leaf["vote"] for leaf in leaves if leaf["type"] == "review.voted"][-1]
        self.assertEqual((vote["reviewer"], vote["provider"], vote["assurance"]), (f"user{self.number}", "corp", "session"))

    def entra(self, **claims):
        return {"tid": TENANT, "oid": f"oid-{self.number}", **claims}

    def test_entra_groups_past_the_limit_are_asked_for_where_identity_yaml_says(self):
        away = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": self.forger.issuer("evil")}}}
        self.assertEqual(self.groups("entra", claims=self.entra(**away), graph={"value": ["g-1", "g-2"]}), ["dba"])
        paths = [a["path"] for a in self.forger.control()]
        self.assertIn("/graph/v1.0/me/getMemberObjects", paths)
        self.assertFalse([p for p in paths if "evil" in p])
        self.assertEqual(self.groups("entra", claims=self.entra(hasgroups=True), graph=None), [])
        self.assertEqual(self.groups("entra", claims=self.entra(hasgroups=True), graph={"value": ["g-1"], "@odata.nextLink": "x"}), [])
        self.assertEqual(self.groups("entra", claims=self.entra(groups=["g-1"], roles=["Ops"])), ["dba", "sre"])

    def test_entra_people_are_who_oid_says_and_of_this_tenant(self):
        flow, status, page = self.sign_in("entra", claims=self.entra(sub="pairwise-1"))
        self.assertEqual(status, 200, page)
        again, status, page = self.sign_in("entra", claims=self.entra(sub="pairwise-2", preferred_username="renamed"))
        self.assertEqual((status, again.me()["id"]), (200, flow.me()["id"]))
        self.refused("sign_in_refused", "entra", claims={**self.entra(), "tid": "0f0f0f0f-0000-4000-8000-000000000002"})
        self.refused("sign_in_refused", "entra", claims={"tid": TENANT})

    def test_no_subject_and_no_address_stands_in_the_public_record(self):
        self.sign_in(claims={"sub": "very-secret-subject", "email": "zoe@hidden.example", "email_verified": True, "name": "Zoe Hidden"})
        record = self.k.get("/v1/ledger/entries?from=0&limit=256", "ada").body + b"".join(
            __import__("base64").b64decode(e["leaf"]) for e in self.k.get("/v1/ledger/entries?from=0&limit=256", "ada").json["items"])
        for word in (b"very-secret-subject", b"hidden.example", b"Zoe Hidden"):
            self.assertNotIn(word, record)

    # ------------------------------------------------------------ terminals
    def test_a_terminal_gets_a_short_token_when_the_code_was_entered(self):
        device = self.k.post("/auth/corp/device", None, {}).json
        self.assertEqual(device["user_code"], "ABCD")
        body = {"device": device["device"]}
        self.assertEqual(self.k.post("/auth/corp/device/poll", None, body).status, 202)
        self.forger.control({"device": "granted", "claims": {"sub": f"dev-{self.number}", "preferred_username": f"dev{self.number}"}})
        deadline = time.monotonic() + DEADLINE
        while (answer := self.k.post("/auth/corp/device/poll", None, body)).status == 202 and time.monotonic() < deadline:
            time.sleep(0.1)
        me = self.k.get("/v1/me", answer.json["token"]).json
        self.assertEqual((me["id"], me["assurance"]), (f"dev{self.number}", "token"))
        self.assertEqual(self.k.post("/auth/corp/device/poll", None, body).code, "invalid_state", "once")
        self.assertEqual(self.k.post("/auth/okta/device", None, {}).code, "not_allowed", "only where it is configured")

    # ------------------------------------------------------------ agents
    def jwt(self, sub="repo:acme/web:ref:refs/heads/main", issuer="ci", audience="keyturn", **state):
        claims = {"sub": sub, **state.pop("claims", {})}
        return self.forger.control({"fresh": True, "claims": claims, **state, "make": {"issuer": self.forger.issuer(issuer), "audience": audience}})["token"]

    def test_a_jwt_of_a_trusted_issuer_is_the_agent_whose_rule_fits(self):
        token = self.jwt(claims={"jti": "j1"})
        for _ in range(2):  # a bearer token: again until it expires
            me = self.k.get("/v1/me", token).json
            self.assertEqual((me["kind"], me["id"], me["owner"]), ("agent", "deployer", "olga"))
        done = self.k.request("echo", {"text": "x"}, who=token, wait=20).json
        self.assertEqual(done["state"], "succeeded")
        self.k.host("agent", "suspend", "deployer")
        self.assertEqual(self.k.get("/v1/me", token).code, "suspended")
        self.k.host("agent", "resume", "deployer")

    def test_no_other_jwt_is_anybody(self):
        now = int(time.time())
        for token in (self.jwt("repo:evil/web:ref:refs/heads/main"), self.jwt("repo:acme/web:ref:refs/heads/evil"), self.jwt("repo:acme/a:b:ref:refs/heads/main"),
                      self.jwt("repo:acme/both:ref:refs/heads/main"), self.jwt(issuer="other"), self.jwt(audience="somebody"), self.jwt(sign="other"), self.jwt(sign="none"),
                      self.jwt(sign="hs256-public"), self.jwt(claims={"exp": now - 120}), self.jwt(claims={"exp": None}), self.jwt(header={"kid": None}),
                      self.jwt(header={"typ": "logout+jwt"}), "eyJ.eyJ.x"):
            answer = self.k.get("/v1/me", token)
            self.assertEqual((answer.status, answer.code), (401, "unauthenticated"), token)

    def test_many_unknown_keys_are_few_questions(self):
        for n in range(30):
            self.k.get("/v1/me", self.jwt(header={"kid": f"k{n}"}))
        self.assertLessEqual(len([a for a in self.forger.control() if a["path"] == "/ci/jwks"]), 4)


class Linked(unittest.TestCase):
    """Accounts of people who are here: by proof on both sides."""

    def setUp(self):
        self.forger = Forger()
        self.addCleanup(self.forger.close)
        self.k = with_identity(self, HEAD + f"providers:\n  corp: {{kind: oidc, issuer: \"{self.forger.issuer('corp')}\", client_id: keyturn, groups: {{map: {{DBA: dba}}}}}}\n")
        self.carol = Browser(self.k, "carol")

    def begin(self, browser, **forged):
        began = browser.post("/auth/corp/link/challenge")
        assertion = {"ceremony": began.json["ceremony"], "credential": browser.passkey.use(began.json["options"], **forged)}
        return browser.post("/auth/corp/link", {"assertion": assertion})

    def surfer(self, browser, begun):
        surfer = Surfer()
        name, value = re.match(r"([^=]+)=([^;]+)", begun.headers["set-cookie"]).groups()
        surfer.cookies(self.k.url)[name] = value
        return surfer

    def back(self, surfer, begun, sub="c-1"):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(begun.json["url"]).query))
        self.assertEqual(query["prompt"], "login")
        self.forger.control({"nonce": query["nonce"], "claims": {"sub": sub, "groups": ["DBA"]}})
        return surfer.request("GET", f"{self.k.url}/auth/corp/callback?code=c&state={query['state']}")

    def link(self, browser, sub="c-1"):
        begun = self.begin(browser)
        self.assertEqual(begun.status, 200, begun)
        return self.back(self.surfer(browser, begun), begun, sub)

    def sign_in(self, sub="c-1"):
        flow = Flow(self.k, "corp")
        self.forger.control({"nonce": flow.query["nonce"], "claims": {"sub": sub, "groups": ["DBA"]}})
        return flow, flow.back()[1]

    def test_who_signed_with_a_passkey_and_signed_in_there_has_the_account(self):
        self.assertEqual(self.link(self.carol)[0], 200)
        flow, page = self.sign_in()
        self.assertEqual((flow.me()["id"], flow.me()["groups"]), ("carol", ["dba", "sre"]))
        self.assertEqual(len(self.carol.get("/v1/accounts").json["items"]), 1)

    def test_a_session_alone_links_nothing(self):
        self.assertEqual(self.carol.post("/auth/corp/link", {}).status, 400)
        other = Browser(self.k, "dave")
        began = self.carol.post("/auth/corp/link/challenge")
        forged = {"ceremony": began.json["ceremony"], "credential": other.passkey.use(began.json["options"])}
        self.assertGreaterEqual(self.carol.post("/auth/corp/link", {"assertion": forged}).status, 400)
        vote = self.k.request("append-passkey", {"text": "x"}).json
        self.assertEqual(vote["state"], "pending")
        self.assertEqual(self.k.post("/auth/corp/link/challenge", "carol").code, "not_allowed", "nor a token")

    def test_a_page_that_links_whoever_loads_it_links_nobody(self):
        begun = self.begin(self.carol)
        status, _, page = self.back(Surfer(), begun, "victim")
        self.assertEqual(code_in(page), "invalid_state")
        self.assertEqual(self.carol.get("/v1/accounts").json["items"], [])

    def test_a_session_that_has_ended_meanwhile_links_nothing(self):
        begun = self.begin(self.carol)
        surfer = self.surfer(self.carol, begun)
        self.carol.post("/auth/logout")
        self.assertEqual(code_in(self.back(surfer, begun)[2]), "invalid_state")

    def test_an_account_belongs_to_one_person(self):
        self.link(self.carol)
        dave = Browser(self.k, "dave")
        self.assertEqual(code_in(self.link(dave)[2]), "account_taken")
        self.assertEqual(self.sign_in()[0].me()["id"], "carol")

    def test_unlinked_it_is_nobodys_and_what_it_opened_ends_at_once(self):
        self.link(self.carol)
        flow, _ = self.sign_in()
        account = self.carol.get("/v1/accounts").json["items"][0]["account"]
        dave = Browser(self.k, "dave")
        self.assertEqual(dave.post("/v1/accounts/unlink", {"person": "carol", "account": account}).status, 404)
        ada = Browser(self.k, "ada")
        self.assertEqual(ada.post("/v1/accounts/unlink", {"person": "carol", "account": account}).status, 200)
        self.assertIsNone(flow.me())
        self.assertEqual(code_in(self.sign_in()[1]), "account_not_linked")
        self.assertEqual(self.carol.get("/v1/me").json["groups"], ["sre"], "and so are its groups")


class Certified(unittest.TestCase):
    """npm oidc-provider."""
    accounts = {"zoe": {"name": "Zoe Ray", "preferred_username": "zoe@acme.example", "email": "zoe@acme.example", "email_verified": True, "groups": ["Keyturn DBA", "x"]},
                "yan": {"name": "Yan", "preferred_username": "yan", "groups": []}}

    def start(self, **more):
        port = free_port()
        provider = OidcProvider(f"http://localhost:{port}", self.accounts, **more)
        self.addCleanup(provider.close)
        self.k = with_identity(self, HEAD + f"""providers:
  corp:
    kind: oidc
    issuer: {provider.issuer}
    client_id: keyturn
    client_secret: {{secret: "env:OIDC_TEST_SECRET"}}
    scopes: [openid, profile, email, groups]
    people: {{create: true}}
    device: true
    groups: {{map: {{Keyturn DBA: dba}}}}
""", port=port)
        return provider

    def sign_in(self, surfer=None):
        flow = Flow(self.k, "corp", surfer)
        status, page = flow.surfer.follow(flow.url)
        return flow, status, page

    def test_login_groups_and_logout_with_every_algorithm(self):
        for alg in ("ES256", "RS256", "EdDSA"):
            with self.subTest(alg):
                provider = self.start(alg=alg)
                flow, status, page = self.sign_in()
                self.assertEqual(status, 200, page)
                me = flow.me()
                self.assertEqual((me["id"], me["name"], me["groups"]), ("zoe", "Zoe Ray", ["dba"]))
                status, _, text = flow.surfer.request("POST", f"{self.k.url}/auth/logout", "{}", {"Origin": self.k.url, "X-Keyturn-CSRF": me["csrf"], "Content-Type": "application/json"})
                url = json.loads(text)["provider_logout"]
                self.assertIsNone(flow.me())
                status, page = flow.surfer.follow(url)
                self.assertEqual(status, 200, page)
                form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
                status, headers, _ = flow.surfer.request("POST", f"{provider.issuer}/session/end/confirm", urllib.parse.urlencode({**form, "logout": "yes"}),
                                                         {"Content-Type": "application/x-www-form-urlencoded"})
                self.assertEqual(headers.get("location"), f"{self.k.url}/login")
                provider.at_keyboard("yan")
                flow, status, page = self.sign_in(flow.surfer)
                self.assertEqual((flow.me()["id"], flow.me()["groups"]), ("yan", []), "the provider's session had ended, too")

    def test_new_keys_of_the_provider_are_found(self):
        provider = self.start()
        self.assertEqual(self.sign_in()[1], 200)
        provider.restart()
        deadline = time.monotonic() + DEADLINE
        while (got := self.sign_in())[1] != 200 and time.monotonic() < deadline:
            self.assertEqual(code_in(got[2]), "unknown_key", got[2])
            time.sleep(0.5)
        self.assertEqual(got[1], 200)

    def test_a_code_is_redeemed_once(self):
        self.start()
        flow = Flow(self.k, "corp")
        url = flow.surfer.follow(flow.url, until=f"{self.k.url}/auth/corp/callback")
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        self.assertEqual(flow.surfer.request("GET", url)[0], 200)
        other = Flow(self.k, "corp")
        status, page = other.back(code=query["code"], iss=query["iss"])
        self.assertEqual(code_in(page), "sign_in_refused", page)

    def test_without_iss_an_answer_of_a_provider_that_sends_it_is_refused(self):
        self.start()
        flow = Flow(self.k, "corp")
        url = flow.surfer.follow(flow.url, until=f"{self.k.url}/auth/corp/callback")
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        self.assertEqual(code_in(flow.back(code=query["code"])[1]), "sign_in_refused")

    def test_keyturn_login_gets_a_token_for_the_terminal(self):
        provider = self.start()
        going = subprocess.Popen([str(BIN), "login"], env=dict(os.environ, KEYTURN_URL=self.k.url), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(going.kill)
        found = re.search(r"Open (\S+) and enter (\S+)", going.stderr.readline())
        surfer = Surfer()
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        page = surfer.follow(found[1])[1]
        hidden = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
        status, _, page = surfer.request("POST", f"{provider.issuer}/device", urllib.parse.urlencode({**hidden, "user_code": found[2]}), form)
        hidden = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
        status, headers, page = surfer.request("POST", f"{provider.issuer}/device", urllib.parse.urlencode({**hidden, "user_code": found[2], "confirm": "yes"}), form)
        if status in (302, 303):
            status, page = surfer.follow(urllib.parse.urljoin(provider.issuer, headers["location"]))
        self.assertIn("done", page)
        token = going.communicate(timeout=2 * DEADLINE)[0].strip()
        me = self.k.get("/v1/me", token).json
        self.assertEqual((me["id"], me["assurance"], me["groups"]), ("zoe", "token", ["dba"]))

    def test_a_provider_that_is_away_is_said_to_be(self):
        provider = self.start()
        provider.close()
        answer = self.k.post("/auth/corp/begin", None, {}, headers={"Origin": self.k.url})
        self.assertEqual((answer.status, answer.code), (503, "provider_unreachable"))
        provider.start()


if __name__ == "__main__":
    unittest.main()
