"""SCIM 2.0 as Okta and Entra speak it: what they write takes effect at once, and nobody becomes somebody else by it."""
import base64
import json
import pathlib
import sys
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, Keyturn, contains, until  # noqa: E402
from support.passkey import Browser  # noqa: E402

FIXTURES = pathlib.Path(__file__).parent / "fixtures/scim"
OKTA, ENTRA, TWIN, BUSY = ("okta-secret-token-4711-0815", "entra-secret-token-4711-0815", "twin-secret-token-4711-0815",
                          "busy-secret-token-4711-0815")
MEDIA = "application/scim+json"
ADMINS = ("ada", "ben", "cleo")
PEOPLE = {"ada": [], "ben": ["administrators"], "cleo": ["administrators"], "olga": [], "bob": ["dba"], "carol": ["sre"], "erin": ["dba"]}

IDENTITY = """\
apiVersion: keyturn/v1
kind: Identity
providers:
  okta: {kind: okta, issuer: "https://acme.okta.example", client_id: keyturn}
  entra: {kind: entra, issuer: "https://login.microsoftonline.com/0f0f0f0f-0000-4000-8000-000000000001/v2.0", client_id: keyturn}
scim:
  okta: {token: {secret: "file:@OKTA@"}, provider: okta, groups: {map: {"Keyturn DBA": dba}}}
  entra: {token: {secret: "file:@ENTRA@"}, provider: entra, groups: {map: {"Entra SRE": sre}}}
  twin: {token: {secret: "file:@TWIN@"}, provider: okta}
  busy: {token: {secret: "file:@BUSY@"}, provider: okta}
"""


def fixture(name, **values):
    text = (FIXTURES / name).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    assert "@ID@" not in text and "@USER@" not in text and "@GROUP@" not in text, text
    return json.loads(text)


def patch_of(*operations):
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(operations)}


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(people=PEOPLE, start=False, tokens=False, agents={}, config="limits: {requests_per_second: 1000, pending_per_agent: 1000}\n")
        cls.addClassCleanup(cls.k.close)
        text = IDENTITY
        for name, token in (("OKTA", OKTA), ("ENTRA", ENTRA), ("TWIN", TWIN), ("BUSY", BUSY)):
            path = cls.k.folder / f"token-{name.lower()}"
            path.write_text(token + "\n")
            path.chmod(0o600)
            text = text.replace(f"@{name}@", str(path))
        cls.identity_file = cls.k.folder / "identity.yaml"
        cls.identity_file.write_text(text)
        cls.k.arguments = ["--identity", str(cls.identity_file)]
        cls.k.start()
        for name in PEOPLE:
            cls.k.new_token(name, person=name)
        for name in ("bot", "bot2"):
            cls.k.add_agent(name, "olga")

    def scim(self, method, path, body=None, token=OKTA, headers=None, **more):
        given = {"Accept": MEDIA, **({"Content-Type": MEDIA} if body is not None or "raw_body" in more else {}), **(headers or {})}
        raw = more.pop("raw_body", json.dumps(body) if body is not None else None)
        return self.k.http(method, "/scim/v2" + path, token, raw_body=raw, headers=given, **more)

    def search(self, kind, expression, token=OKTA, **query):
        return self.scim("GET", f"/{kind}?" + urllib.parse.urlencode({"filter": expression, **query}), token=token)

    def refused(self, answer, status, scim_type=None):
        self.assertEqual((answer.status, answer.headers.get("content-type")), (status, MEDIA), answer)
        self.assertEqual(answer.json["schemas"], ["urn:ietf:params:scim:api:messages:2.0:Error"])
        self.assertEqual((answer.json["status"], answer.json.get("scimType")), (str(status), scim_type), answer)
        self.assertTrue(answer.json["detail"])
        return answer.json["detail"]

    def add(self, name, token=OKTA, **more):
        external = more.pop("externalId", f"00u-{name}")
        made = self.scim("POST", "/Users", {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": f"{name}@corp.example",
                                            "externalId": external, "displayName": name.title(), **more}, token)
        self.assertEqual(made.status, 201, made)
        return made.json["id"]

    def group(self, name, members=(), token=OKTA):
        """The id of the Group of that name, with exactly these members."""
        found = self.search("Groups", f'displayName eq "{name}"', token).json["Resources"]
        body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": [{"value": one} for one in members]}
        made = self.scim("PUT", f"/Groups/{found[0]['id']}", body, token) if found else self.scim("POST", "/Groups", body, token)
        self.assertIn(made.status, (200, 201), made)
        return made.json["id"]

    def person(self, who):
        return next(one for one in self.k.get("/v1/people", "ada").json["items"] if one["id"] == who)

    def leaves(self):
        out, start = [], 0
        while True:
            items = self.k.get(f"/v1/ledger/entries?from={start}&limit=100", "ada").json["items"]
            if not items:
                return out
            out += [base64.b64decode(item["leaf"]).decode() for item in items]
            start += len(items)


class Scim(Base):
    # ------------------------------------------------------------ Okta
    def test_oktas_cycle_of_a_user(self):
        self.assertEqual(self.scim("GET", "/Users?startIndex=1&count=2").status, 200)
        self.assertEqual(self.scim("GET", "/Groups?startIndex=1&count=100").status, 200)
        empty = self.search("Users", 'userName eq "test.user@okta.local"', startIndex=1, count=100).json
        self.assertEqual((empty["totalResults"], empty["startIndex"], empty["itemsPerPage"], empty["Resources"]), (0, 1, 0, []))
        sent = fixture("okta/create_user.json")
        made = self.scim("POST", "/Users", sent)
        self.assertEqual((made.status, made.headers["content-type"]), (201, MEDIA), made)
        user = made.json
        for kept in ("userName", "displayName", "externalId", "active", "emails"):
            self.assertEqual(user[kept], sent[kept])
        self.assertEqual(user["groups"], [])
        self.assertNotIn("password", user)
        self.assertEqual(made.headers["location"], user["meta"]["location"])
        self.assertEqual(made.headers["etag"], user["meta"]["version"])
        who = user["id"]
        self.assertEqual((self.person(who)["email"], self.person(who)["active"], self.person(who)["admin"]), ("test.user@okta.local", True, False))

        found = self.search("Users", 'userName eq "TEST.user@okta.local"').json
        self.assertEqual([one["id"] for one in found["Resources"]], [who])
        replaced = self.scim("PUT", f"/Users/{who}", fixture("okta/replace_user.json", ID=who))
        self.assertEqual((replaced.status, replaced.json["name"]["givenName"]), (200, "Another"), replaced)
        self.assertEqual(replaced.json["externalId"], sent["externalId"], "Okta sends none with a PUT")
        ended = self.scim("PATCH", f"/Users/{who}", fixture("okta/deactivate_user.json"))
        self.assertEqual((ended.status, ended.json["active"]), (200, False), ended)
        self.assertFalse(self.person(who)["active"])
        back = self.scim("PUT", f"/Users/{who}", {**fixture("okta/replace_user.json", ID=who), "active": True})
        self.assertEqual((back.status, self.person(who)["active"]), (200, True), back)
        again = self.scim("POST", "/Users", sent)
        self.refused(again, 409, "uniqueness")
        self.assertFalse([leaf for leaf in self.leaves() if "okta.local" in leaf or "Another" in leaf or sent["externalId"] in leaf],
                         "names, addresses and the provider's ids are private")

    def test_oktas_group_push(self):
        zoe, max_ = self.add("zoe.push"), self.add("max.push")
        made = self.scim("POST", "/Groups", fixture("okta/create_group.json"))
        self.assertEqual(made.status, 201, made)
        group = made.json["id"]
        self.assertEqual(self.scim("PATCH", f"/Groups/{group}", fixture("okta/rename_group.json", GROUP=group)).status, 204)
        self.assertEqual(self.scim("PATCH", f"/Groups/{group}", fixture("okta/replace_members.json", ONE=zoe, OTHER=max_)).status, 204)
        changed = self.scim("PATCH", f"/Groups/{group}?attributes=members", fixture("okta/change_members.json", LEAVES=zoe, JOINS=max_))
        self.assertEqual([one["value"] for one in changed.json["members"]], [max_], changed)
        self.assertEqual(self.person(max_)["groups"], [], "no map, no effect")
        self.assertEqual([one["display"] for one in self.scim("GET", f"/Users/{max_}").json["groups"]], ["Test SCIMv2"])

        dba = self.group("Keyturn DBA", [zoe])
        self.assertEqual(self.person(zoe)["groups"], ["dba"])
        self.k.restart()
        self.assertEqual(self.person(zoe)["groups"], ["dba"])
        read = self.scim("GET", f"/Groups/{dba}").json
        self.assertEqual([(one["value"], one["display"]) for one in read["members"]], [(zoe, "zoe.push@corp.example")])
        self.assertEqual([one["value"] for one in self.scim("GET", f"/Groups/{group}").json["members"]], [max_])
        self.assertEqual(self.scim("DELETE", f"/Groups/{dba}").status, 204)
        self.assertEqual(self.person(zoe)["groups"], [])
        self.refused(self.scim("GET", f"/Groups/{dba}"), 404)
        self.assertFalse([leaf for leaf in self.leaves() if "Test SCIMv2" in leaf], "names of groups are private")

    # ------------------------------------------------------------ Entra
    def test_entras_cycle_of_a_user(self):
        sent = fixture("entra/create_user.json")
        for expression in (f'userName eq "{sent["userName"]}"', f'externalId eq "{sent["externalId"]}"'):
            self.assertEqual(self.search("Users", expression, ENTRA).json["totalResults"], 0)
        made = self.scim("POST", "/Users", sent, ENTRA)
        self.assertEqual(made.status, 201, made)
        who = made.json["id"]

        def change(name):
            answer = self.scim("PATCH", f"/Users/{who}", fixture(f"entra/{name}.json"), ENTRA)
            self.assertEqual(answer.status, 200, answer)
            return answer.json

        several = change("update_user_multi_valued")
        self.assertEqual((several["emails"], several["name"]["familyName"]),
                         ([{"primary": True, "type": "work", "value": "updatedEmail@microsoft.com"}], "updatedFamilyName"))
        self.assertEqual(change("update_user_single_valued")["userName"], "5b50642d-79fc-4410-9e90-4c077cdd1a59@testuser.com")
        self.assertEqual(change("replace_several")["displayName"], "Pvlo")
        self.assertEqual((self.person(who)["name"], self.person(who)["email"]), ("Pvlo", "TestBcwqnm@test.microsoft.com"))
        compliant = change("replace_several_compliant")
        self.assertEqual((compliant["displayName"], compliant["name"]["givenName"], compliant["emails"][0]["value"]),
                         ("Bjfe", "Kkom", "TestMhvaes@test.microsoft.com"))
        self.assertNotIn("nickName", change("add_nick_name"))
        self.assertFalse(change("disable_user_as_text")["active"])
        self.assertFalse(self.person(who)["active"])
        self.assertTrue(self.scim("PATCH", f"/Users/{who}", patch_of({"op": "Replace", "path": "active", "value": "True"}), ENTRA).json["active"])
        self.assertFalse(change("disable_user")["active"])
        self.assertEqual(self.scim("DELETE", f"/Users/{who}", token=ENTRA).status, 204)
        self.refused(self.scim("GET", f"/Users/{who}", token=ENTRA), 404)
        self.assertFalse(self.person(who)["active"], "in the record, deactivated")
        again = self.scim("POST", "/Users", sent, ENTRA)
        self.assertEqual((again.status, again.json["id"]), (201, who), "the same account is the same person")
        self.assertTrue(self.person(who)["active"])

    def test_entras_groups(self):
        who = self.add("ann.entra", ENTRA, externalId="0a21f0f2-8d2a-4f8e-bf98-7363c4aed401")
        made = self.scim("POST", "/Groups", fixture("entra/create_group.json"), ENTRA)
        self.assertEqual((made.status, made.json["members"]), (201, []), made)
        group = made.json["id"]
        found = self.search("Groups", 'displayName eq "displayName"', ENTRA, excludedAttributes="members").json
        self.assertEqual([(one["id"], "members" in one) for one in found["Resources"]], [(group, False)])
        rename = patch_of({"op": "Replace", "path": "displayName", "value": "Entra SRE"})
        for body in (fixture("entra/rename_group.json"), rename, fixture("entra/add_member.json", USER=who), fixture("entra/add_member.json", USER=who)):
            answer = self.scim("PATCH", f"/Groups/{group}", body, ENTRA)
            self.assertEqual((answer.status, answer.body), (204, b""), answer)
        self.assertEqual(self.person(who)["groups"], ["sre"])
        self.assertEqual(self.search("Groups", f'id eq "{group}" and members eq "{who}"', ENTRA).json["totalResults"], 1)
        self.assertNotIn("members", self.scim("GET", f"/Groups/{group}?excludedAttributes=members", token=ENTRA).json)
        for name in ("remove_member", "remove_member_compliant"):
            self.scim("PATCH", f"/Groups/{group}", fixture("entra/add_member.json", USER=who), ENTRA)
            self.assertEqual(self.person(who)["groups"], ["sre"])
            self.assertEqual(self.scim("PATCH", f"/Groups/{group}", fixture(f"entra/{name}.json", USER=who), ENTRA).status, 204)
            self.assertEqual(self.person(who)["groups"], [])
        self.assertEqual(self.scim("DELETE", f"/Groups/{group}", token=ENTRA).status, 204)

    def test_entras_default_mapping_is_refused_with_advice(self):
        answer = self.scim("POST", "/Users", {"userName": "jyoung@corp.example", "externalId": "jyoung"}, ENTRA)
        self.assertIn("objectId", self.refused(answer, 400, "invalidValue"))

    # ------------------------------------------------------------ what it does
    def test_who_is_deactivated_has_no_session_token_vote_or_place_any_more(self):
        who = self.add("quinn")
        self.group("Keyturn DBA", [who])
        token = self.k.new_token(None, person=who)
        browser = Browser(self.k, who)
        waits = self.k.request("append", {"text": "with a vote that is lost"}).json
        self.assertEqual(self.k.vote(waits, token).status, 200)
        before = self.k.action(waits["id"], "ada").json
        self.assertNotIn("inactive", before["votes"][0])
        events = self.k.events(f"/v1/actions/{waits['id']}/stream", "carol")
        self.addCleanup(events.close)
        everything = self.k.events("/v1/actions/stream", "ada")
        self.addCleanup(everything.close)
        events.until("snapshot")
        everything.until("ping")
        self.assertEqual(self.scim("PATCH", f"/Users/{who}", fixture("okta/deactivate_user.json")).status, 200)
        told = self.k.later(everything.until, "action").result(timeout=DEADLINE)
        self.assertEqual(json.loads(told[-1]["data"])["id"], waits["id"])
        self.assertTrue(json.loads(events.until("vote")[-1]["data"])["votes"][0]["inactive"])
        after = self.k.action(waits["id"], "ada").json
        self.assertTrue(after["votes"][0]["inactive"])
        self.assertNotEqual(after["needed"], before["needed"], "it lacks a dba again")
        self.assertIn(self.k.get("/v1/me", token).status, (401, 403))
        self.assertIn(browser.get("/v1/me").status, (401, 403))
        self.assertIn(browser.login().status, (401, 403))
        self.assertEqual(self.k.vote(waits, "carol").status, 200)
        self.assertEqual(self.k.action(waits["id"], "ada").json["state"], "pending", "the vote of before counts no more")
        self.assertEqual(self.k.vote(waits, "erin").status, 200)
        self.assertEqual(self.k.settled(waits["id"])["state"], "succeeded")

        later = self.k.request("append", {"text": "nobody who left"}).json
        self.assertIn(self.k.vote(later["id"], token, digest=later["digest"]).status, (401, 403))
        self.assertEqual(self.scim("PATCH", f"/Users/{who}", patch_of({"op": "replace", "path": "active", "value": True})).status, 200)
        for _ in range(2):
            self.assertEqual(browser.get("/v1/me").status, 401, "a session that ended stays ended")
            self.assertEqual(self.k.get("/v1/me", token).status, 401, "and so does a token")
            self.k.restart()
        self.assertEqual(browser.login().status, 200)

    def test_who_leaves_a_mapped_group_has_no_vote_there(self):
        who = self.add("riley")
        group = self.group("Keyturn DBA", [who])
        token = self.k.new_token(None, person=who)
        waits = self.k.request("append", {"text": "left the group"}).json
        self.assertEqual(self.k.vote(waits, token).status, 200)
        remove = {"op": "remove", "path": f'members[value eq "{who}"]'}
        self.assertEqual(self.scim("PATCH", f"/Groups/{group}", patch_of(remove)).status, 204)
        self.assertEqual(self.k.vote(waits, "carol").status, 200)
        self.assertEqual(self.k.action(waits["id"], "ada").json["state"], "pending")
        self.assertEqual(self.k.vote(waits, "bob").status, 200)
        self.assertEqual(self.k.settled(waits["id"])["state"], "succeeded")

    def test_an_agent_on_behalf_of_any_of_their_addresses_is_related(self):
        who = self.add("sasha", emails=[{"value": "s.lee@corp.example", "primary": True}, {"value": "sasha.lee@home.example"}])
        self.group("Keyturn DBA", [who])
        token = self.k.new_token(None, person=who)
        for address in ("SASHA@corp.example", "s.lee+x@corp.example", "sasha.lee@home.example"):
            waits = self.k.request("append", {"text": "on behalf"}, claims={"on_behalf_of": address}).json
            self.assertEqual(self.k.vote(waits["id"], token, digest=waits["digest"]).code, "not_found", address)
            self.assertFalse([one for one in self.k.get("/v1/actions?for=me", token).json["items"] if one["id"] == waits["id"]])
        other = self.k.request("append", {"text": "on behalf of another"}, claims={"on_behalf_of": "somebody@corp.example"}).json
        self.assertEqual(self.k.vote(other["id"], token, digest=other["digest"]).status, 200)

    def test_only_who_deactivated_somebody_activates_them(self):
        who = self.add("toni")
        self.k.host("person", "deactivate", who)
        answer = self.scim("PATCH", f"/Users/{who}", patch_of({"op": "replace", "path": "active", "value": True}))
        self.refused(answer, 403)
        self.assertFalse(self.person(who)["active"])

    # ------------------------------------------------------------ attacks
    def test_no_token_another_token_or_a_persons_token_opens_nothing(self):
        who = self.add("uma")
        for token in (None, "", "x", OKTA[:-1], OKTA + "x", self.k.tokens["ada"], self.k.tokens["bot"]):
            answer = self.scim("GET", "/Users", token=token)
            self.refused(answer, 401)
            self.assertIn("Bearer", answer.headers["www-authenticate"])
        self.assertEqual(self.k.get("/v1/me", OKTA).status, 401, "and it is no person's")
        for method, path, body in (("GET", f"/Users/{who}", None), ("PUT", f"/Users/{who}", {"userName": "x"}),
                                   ("PATCH", f"/Users/{who}", fixture("okta/deactivate_user.json")), ("DELETE", f"/Users/{who}", None)):
            for token in (TWIN, ENTRA):
                self.refused(self.scim(method, path, body, token), 404)
        group = self.group("Of Okta", [who])
        self.refused(self.scim("PATCH", f"/Groups/{group}", patch_of({"op": "remove", "path": "members"}), TWIN), 404)
        self.refused(self.scim("POST", "/Groups", {"displayName": "theirs", "members": [{"value": who}]}, TWIN), 400, "invalidValue")
        self.assertTrue(self.person(who)["active"])
        self.assertEqual(self.search("Users", f'id eq "{who}"', TWIN).json["totalResults"], 0)
        self.assertTrue([leaf for leaf in self.leaves() if '"request.refused"' in leaf and '"unauthenticated"' in leaf])

    def test_nobody_becomes_somebody_who_is_here(self):
        victim = self.add("victor", externalId="00u-victor", emails=[{"value": "victor@home.example", "primary": True}])
        base = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]}
        claims = [{"userName": "bob", "externalId": "00u-x"}, {"userName": "bob@example.com", "externalId": "00u-x"},
                  {"userName": "new@corp.example", "externalId": "00u-x", "emails": [{"value": "BOB@example.com", "primary": True}]},
                  {"userName": "new@corp.example", "externalId": "00u-x", "emails": [{"value": "n@corp.example"}, {"value": "ada@example.com"}]},
                  {"userName": "VICTOR@corp.example", "externalId": "00u-x"}, {"userName": "new@corp.example", "externalId": "00u-victor"},
                  {"userName": "new@corp.example", "externalId": "00u-x", "emails": [{"value": "victor+1@home.example"}]},
                  {"userName": "new@corp.example", "externalId": "00u-x", "displayName": "b\u043eb"}]
        for claim in claims:
            self.refused(self.scim("POST", "/Users", {**base, **claim}), 409, "uniqueness")
        self.refused(self.scim("POST", "/Users", {**base, "userName": "new@corp.example", "externalId": "00u-victor"}, TWIN), 409, "uniqueness")
        self.assertEqual(self.search("Users", 'userName eq "new@corp.example"').json["totalResults"], 0)
        other = self.add("wes")
        for operation in ({"path": "userName", "value": "victor@corp.example"}, {"path": "externalId", "value": "00u-victor"},
                          {"path": 'emails[type eq "work"].value', "value": "bob@example.com"}):
            self.refused(self.scim("PATCH", f"/Users/{other}", patch_of({"op": "replace", **operation})), 409, "uniqueness")
        self.refused(self.scim("PATCH", f"/Users/{other}", patch_of({"op": "replace", "path": "id", "value": victim})), 400, "mutability")
        self.refused(self.scim("PATCH", f"/Users/{other}", patch_of({"op": "add", "path": "groups", "value": [{"value": "dba"}]})), 400, "mutability")
        self.assertEqual(self.person("bob")["name"], "bob")
        self.assertTrue([leaf for leaf in self.leaves() if '"request.refused"' in leaf and '"identifier_taken"' in leaf and "scim:okta" in leaf])

    def test_members_who_are_not_of_the_section_are_refused(self):
        group = self.group("Closed")
        for member in ("bob", "nobody", ""):
            self.refused(self.scim("PATCH", f"/Groups/{group}", patch_of({"op": "add", "path": "members", "value": [{"value": member}]})), 400, "invalidValue")
        self.refused(self.scim("PATCH", f"/Groups/{group}", patch_of({"op": "add", "path": "members", "value": [{"value": group, "type": "Group"}]})), 400, "invalidValue")
        self.refused(self.scim("POST", "/Groups", {"displayName": "closed"}), 409, "uniqueness")

    def test_administrators_do_not_come_by_a_groups_name(self):
        who = self.add("yara")
        for name in ("administrators", "sre", "Entra SRE"):
            self.group(name, [who])
        self.assertEqual((self.person(who)["groups"], self.person(who)["admin"]), ([], False))

    def test_what_is_too_large_too_deep_or_no_scim_is_refused(self):
        who = self.add("xena")
        self.assertEqual(self.scim("POST", "/Users", raw_body='{"userName": "' + "x" * (2 << 20) + '"}').status, 413)
        self.refused(self.search("Users", "(" * 40 + 'userName eq "x"' + ")" * 40), 400, "invalidFilter")
        self.refused(self.search("Users", " or ".join(['active eq true'] * 101)), 400, "invalidFilter")
        self.refused(self.search("Users", "userName eq jyoung"), 400, "invalidFilter")
        self.refused(self.search("Users", "nonsense pr"), 400, "invalidFilter")
        self.refused(self.scim("GET", "/Users?startIndex=x"), 400, "invalidValue")
        self.refused(self.scim("POST", "/Users", raw_body="{"), 400, "invalidSyntax")
        self.refused(self.scim("POST", "/Users", raw_body="[" * 200), 400, "invalidSyntax")
        self.refused(self.scim("POST", "/Users", {}, headers={"Content-Type": "text/plain"}), 415)
        self.refused(self.scim("PATCH", f"/Users/{who}", {"Operations": []}), 400, "invalidSyntax")
        self.refused(self.scim("PATCH", f"/Users/{who}", patch_of({"op": "replace", "path": "userName[", "value": "x"})), 400, "invalidPath")
        self.refused(self.scim("PATCH", f"/Users/{who}", patch_of({"op": "remove"})), 400, "noTarget")
        many = patch_of(*[{"op": "replace", "path": "active", "value": True}] * 1001)
        self.refused(self.scim("PATCH", f"/Users/{who}", many), 400, "tooMany")

    def test_a_version_that_has_moved_is_not_written_over(self):
        who = self.add("zed")
        etag = self.scim("GET", f"/Users/{who}").headers["etag"]
        self.assertEqual(self.scim("GET", f"/Users/{who}", headers={"If-None-Match": etag}).status, 304)
        rename = patch_of({"op": "replace", "path": "displayName", "value": "Zed Z"})
        self.assertEqual(self.scim("PATCH", f"/Users/{who}", rename, headers={"If-Match": etag}).status, 200)
        for method, body in (("PATCH", rename), ("PUT", {"userName": "zed@corp.example"}), ("DELETE", None)):
            self.refused(self.scim(method, f"/Users/{who}", body, headers={"If-Match": etag}), 412)
        self.assertTrue(self.person(who)["active"])

    # ------------------------------------------------------------ lists, discovery, limits
    def test_lists_come_in_pages_and_in_one_order(self):
        for number in range(5):
            self.add(f"page{number}", TWIN, externalId=f"00t-{number}")
        seen = []
        for start in (1, 3, 5, 7):
            page = self.scim("GET", f"/Users?startIndex={start}&count=2&attributes=userName", token=TWIN).json
            self.assertEqual((page["totalResults"], page["startIndex"], page["itemsPerPage"]), (5, start, len(page["Resources"])))
            self.assertTrue(all(set(one) == {"schemas", "id", "userName", "meta"} for one in page["Resources"]), page)
            seen += [one["id"] for one in page["Resources"]]
        self.assertEqual(seen, [f"page{number}" for number in range(5)])
        self.assertEqual(self.scim("GET", "/Users?startIndex=-3&count=-1", token=TWIN).json["itemsPerPage"], 0)

    def test_the_server_says_what_it_can_do(self):
        config = self.scim("GET", "/ServiceProviderConfig").json
        self.assertEqual([config[what]["supported"] for what in ("patch", "bulk", "filter", "changePassword", "sort", "etag")],
                         [True, False, True, False, False, True])
        self.assertEqual([one["id"] for one in self.scim("GET", "/ResourceTypes").json["Resources"]], ["User", "Group"])
        schemas = self.scim("GET", "/Schemas").json["Resources"]
        one = self.scim("GET", "/Schemas/" + schemas[0]["id"])
        self.assertEqual((one.status, one.json["name"]), (200, "User"), one)
        self.refused(self.scim("GET", "/Schemas/urn:nothing"), 404)

    def test_a_client_that_asks_too_often_waits(self):
        limited = None
        for _ in range(1500):
            answer = self.scim("GET", "/ServiceProviderConfig", token=BUSY)
            if answer.status == 429:
                limited = answer
                break
        if limited is None:
            self.skipTest("this machine is slower than the limit")
        self.refused(limited, 429)
        self.assertEqual(limited.headers["retry-after"], "1")
        self.assertEqual(self.scim("GET", "/ServiceProviderConfig").status, 200, "another section is not held up")


    def test_whoever_is_to_be_shut_out_is_whatever_else_cannot_be(self):
        self.add("una")
        vic = self.add("vic")
        resource = self.scim("GET", f"/Users/{vic}").json
        # In one message: shut out, and the name of somebody else.
        answer = self.scim("PUT", f"/Users/{vic}", {**resource, "userName": "una@corp.example", "active": False})
        self.assertEqual((answer.status, answer.json["active"], answer.json["userName"]), (200, False, "vic@corp.example"), answer)
        self.assertFalse(self.person(vic)["active"])


class Kept(Base):
    """What stays, and what goes: erasure, the seal, a changed mapping."""

    def test_many_at_once_make_one_person_and_lose_no_member(self):
        names = [f"crowd{number}" for number in range(12)]
        body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]}
        made = [self.k.later(self.scim, "POST", "/Users", {**body, "userName": f"{name}@corp.example", "externalId": f"00u-{name}"})
                for name in names for _ in range(3)]
        answers = [one.result() for one in made]
        self.assertEqual(sorted(one.status for one in answers), [201] * 12 + [409] * 24, answers)
        group = self.group("Crowd")
        added = [self.k.later(self.scim, "PATCH", f"/Groups/{group}", patch_of({"op": "Add", "path": "members", "value": [{"value": name}]})) for name in names]
        self.assertEqual({one.result().status for one in added}, {204})
        self.assertEqual({one["value"] for one in self.scim("GET", f"/Groups/{group}").json["members"]}, set(names))

    def test_another_map_counts_for_everybody_and_a_section_that_is_gone_for_nobody(self):
        who = self.add("vera")
        self.group("Night Shift", [who])
        self.assertEqual(self.person(who)["groups"], [])
        text = self.identity_file.read_text()
        self.addCleanup(self.configure, text)
        self.configure(text.replace('"Keyturn DBA": dba', '"Keyturn DBA": dba, "Night Shift": sre'))
        until(lambda: self.person(who)["groups"] == ["sre"], "the new map has no effect")
        twin = self.add("vera.twin", TWIN, externalId="00t-vera")
        self.configure(text[:text.index("scim:")])
        until(lambda: self.person(who)["groups"] == [], "a section that is gone vouches for somebody")
        self.assertTrue(self.person(twin)["active"])
        self.refused(self.scim("GET", "/Users"), 404)
        self.configure(text.replace('"Keyturn DBA": dba', '"Night Shift": dba'))
        until(lambda: self.person(who)["groups"] == ["dba"], "the section that is back has no effect")

    def configure(self, text):
        self.identity_file.write_text(text)
        self.k.reload()

    def test_a_section_without_its_token_answers_nobody_and_a_changed_one_is_seen_after_a_restart(self):
        path = self.k.folder / "token-busy"
        self.addCleanup(self.k.restart)
        self.addCleanup(path.write_text, BUSY)
        path.write_text("another-busy-token-4711-0815")
        self.k.restart()
        self.refused(self.scim("GET", "/Users", token=BUSY), 401)
        self.assertEqual(self.scim("GET", "/Users", token="another-busy-token-4711-0815").status, 200)
        path.write_text("short")
        self.k.restart()
        self.refused(self.scim("GET", "/Users", token="short"), 401)
        self.assertEqual(self.scim("GET", "/Users").status, 200)
        path.write_text(OKTA)
        self.k.restart()
        self.refused(self.scim("GET", "/Users"), 401)

    def test_an_erased_person_is_gone_from_every_file_and_comes_back_as_themselves(self):
        browsers = {who: Browser(self.k, who) for who in ADMINS}
        who = self.add("wanda", externalId="00u-wanda-4711", displayName="Wanda Erasme", emails=[{"value": "wanda.erasme@home.example"}])
        self.group("Secret Circle 4711", [who])
        self.assertEqual(self.scim("PATCH", f"/Users/{who}", fixture("okta/deactivate_user.json")).status, 200)
        proposed = browsers["ada"].post("/v1/erasures", {"subject": {"person": who}, "reason": "asked for it"})
        self.assertEqual(proposed.status, 201, proposed)
        for voter in ("ben", "cleo"):
            self.assertEqual(browsers[voter].vote(proposed.json).status, 200)
        self.assertEqual(self.k.settled(proposed.json["id"], "ada")["state"], "succeeded")
        self.refused(self.scim("GET", f"/Users/{who}"), 404)
        self.assertEqual(contains(self.k.data, ["Wanda Erasme", "wanda.erasme@home.example", "00u-wanda-4711"]), [])
        self.k.restart()
        self.refused(self.scim("GET", f"/Users/{who}"), 404)
        self.assertEqual(self.search("Groups", f'members eq "{who}"').json["totalResults"], 0)
        self.assertEqual(self.person(who)["email"], "")
        again = self.scim("POST", "/Users", {"userName": "wanda@corp.example", "externalId": "00u-wanda-4711"})
        self.assertEqual((again.status, again.json["id"]), (201, who), again)
        self.assertTrue(self.person(who)["active"])

    def test_zz_sealed_the_map_stays_and_the_provider_still_says_who_is_in(self):
        ada = Browser(self.k, "ada")
        Browser(self.k, "ben")
        self.k.host("seal")

        def groups_of(who):
            return next(one for one in ada.get("/v1/people").json["items"] if one["id"] == who)["groups"]

        who = self.add("sealed.one")
        self.group("Keyturn DBA", [who])
        self.assertEqual(groups_of(who), ["dba"])
        self.group("Friends", [who])
        text = self.identity_file.read_text()
        self.addCleanup(self.identity_file.write_text, text)
        self.identity_file.write_text(text.replace('"Keyturn DBA": dba', '"Friends": administrators'))
        self.k.reload()
        self.assertTrue(ada.get("/v1/me").json["files_differ"])
        self.assertEqual(groups_of(who), ["dba"])
        self.assertEqual(self.scim("PATCH", f"/Users/{who}", fixture("okta/deactivate_user.json")).status, 200)
        self.assertEqual(self.scim("DELETE", f"/Users/{who}").status, 204)
        self.assertEqual(groups_of(who), [])


if __name__ == "__main__":
    unittest.main()
