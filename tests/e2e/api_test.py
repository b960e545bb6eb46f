"""The contract over HTTP, against the real binary: every state, every refusal, every list."""
import json
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, POLICY, Keyturn  # noqa: E402
from support.passkey import Browser  # noqa: E402


class Served(unittest.TestCase):
    """One server for all tests of a class; each test uses actions of its own."""
    more = {}

    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(**cls.more)

    @classmethod
    def tearDownClass(cls):
        cls.k.close()

    def assertProblem(self, answer, status, code, **fields):
        self.assertEqual((answer.status, answer.code), (status, code), answer)
        problem = answer.json
        for name in ("type", "title", "detail"):
            self.assertTrue(problem.get(name), f"{name} is missing: {problem}")
        self.assertEqual(problem["status"], status)
        for name, value in fields.items():
            self.assertEqual(problem.get(name), value, problem)

    def pending(self, text, tool="append", who="bot", **fields):
        answer = self.k.request(tool, {"text": text}, who, **fields)
        self.assertEqual(answer.status, 202, answer)
        self.assertEqual(answer.json["state"], "pending")
        return answer.json


class Deciding(Served):
    def test_allowed_runs_at_once_and_answers_with_its_outcome(self):
        answer = self.k.request("echo", {"text": "hello"}, wait=20)
        self.assertEqual(answer.status, 200, answer)
        action = answer.json
        self.assertEqual(action["state"], "succeeded")
        self.assertEqual(action["outcome"]["outcome"], "succeeded")
        self.assertEqual(action["outcome"]["exit_code"], 0)
        self.assertEqual(action["outcome"]["stdout"], "hello\n")
        self.assertEqual(action["operation"], "read" if action["operation"] == "read" else "execute")
        self.assertRegex(action["id"], r"^act_")
        self.assertRegex(action["digest"], r"^sha256:[0-9a-f]{64}$")
        self.assertEqual(action["verdict"]["effect"], "allow")
        self.assertEqual(action["verdict"]["rules"], ["echo-ok"])
        self.assertIsNone(action["grant"])
        self.assertIn("index", action["ledger"])

    def test_a_failing_command_is_failed_with_its_exit_code(self):
        k = Keyturn(tools="tools:\n  no: {exec: [/usr/bin/false], sandbox: none}\n", people={"olga": []}, agents={"bot": "olga"},
                    policy=POLICY.split("rules:")[0] + "rules:\n- {id: all, match: {tool: ['no']}, effect: allow}\n".replace("'no'", "\"no\""))
        try:
            action = k.request("no", wait=20).json
            self.assertEqual((action["state"], action["outcome"]["outcome"], action["outcome"]["exit_code"]), ("failed", "failed", 1))
        finally:
            k.close()

    def test_denied_is_an_answer(self):
        answer = self.k.request("forbidden")
        self.assertEqual((answer.status, answer.json["state"]), (200, "denied"), answer)
        self.assertIn("never", answer.json["verdict"]["rules"])
        self.assertIsNone(answer.json["outcome"])

    def test_a_tool_that_nobody_configured_is_denied_whatever_it_claims(self):
        for body in ({"tool": "rm-rf"}, {"tool": "no.such", "operation": "read", "resource": {"env": "dev"}}, {"tool": "Echo"}, {"tool": "echo "}):
            answer = self.k.post("/v1/actions", "bot", {"args": {}, **body})
            self.assertEqual((answer.status, answer.json.get("state")), (200, "denied"), answer)
            self.assertEqual(answer.json["verdict"]["rules"], ["unknown-tool"], answer.json["verdict"])

    def test_two_people_agree_and_the_waiting_agent_goes_on(self):
        waiting = self.k.later(self.k.request, "append", {"text": "both agree"}, wait=25)
        action = self.await_inbox("bob", "both agree")
        self.assertEqual(action["needed"], [{"group": "dba", "count": 1, "have": 0}, {"group": "sre", "count": 1, "have": 0}])
        first = self.k.vote(action, "bob", note="looked at it")
        self.assertEqual((first.status, first.json["state"]), (200, "pending"), first)
        self.assertEqual([n["have"] for n in first.json["needed"]], [1, 0])
        self.assertFalse(waiting.done())
        self.assertNotIn("both agree", self.k.lines())
        second = self.k.vote(action, "carol")
        self.assertEqual(second.status, 200, second)
        self.assertIn(second.json["state"], ("executing", "succeeded"))
        answer = waiting.result(DEADLINE)
        self.assertEqual((answer.status, answer.json["state"]), (200, "succeeded"), answer)
        self.assertEqual([(v["reviewer"], v["decision"], v["assurance"]) for v in answer.json["votes"]],
                         [("bob", "approve", "token"), ("carol", "approve", "token")])
        self.assertEqual(self.k.lines().count("both agree"), 1)

    def await_inbox(self, who, text):
        """The pending action with this text, as soon as it waits for `who`."""
        stream = self.k.events("/v1/inbox/stream", who)
        try:
            found = self.find_inbox(who, text)
            for _ in stream:
                if found:
                    return found
                found = self.find_inbox(who, text)
                if found:
                    return found
        finally:
            stream.close()
        self.fail("the inbox stream ended")

    def find_inbox(self, who, text):
        page = self.k.get("/v1/actions?state=pending&for=me&limit=200", who)
        self.assertEqual(page.status, 200, page)
        return next((a for a in page.json["items"] if a["args"].get("text") == text), None)

    def test_two_people_can_also_be_the_two_in_one_group_only_if_both_places_are_filled(self):
        action = self.pending("dba twice")
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        second = self.k.vote(action, "erin")  # dba again: nobody of sre yet
        self.assertEqual((second.status, second.json["state"]), (200, "pending"), second)
        self.assertNotIn("dba twice", self.k.lines())

    def test_a_person_in_two_groups_fills_one_place(self):
        action = self.pending("dave alone")
        first = self.k.vote(action, "dave")
        self.assertEqual((first.status, first.json["state"]), (200, "pending"), first)
        again = self.k.vote(action, "dave")
        self.assertProblem(again, 409, "already_voted")
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")

    def test_one_denial_closes(self):
        action = self.pending("veto")
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        denied = self.k.vote(action, "carol", "deny", note="not today")
        self.assertEqual((denied.status, denied.json["state"]), (200, "denied"), denied)
        self.assertProblem(self.k.vote(action, "dave"), 409, "closed")
        self.assertNotIn("veto", self.k.lines())

    def test_a_vote_taken_back_does_not_count(self):
        action = self.pending("taken back")
        self.k.vote(action, "bob")
        back = self.k.delete(f"/v1/actions/{action['id']}/votes", "bob")
        self.assertEqual((back.status, back.json["votes"]), (200, []), back)
        self.assertProblem(self.k.delete(f"/v1/actions/{action['id']}/votes", "bob"), 409, "no_vote")
        self.assertEqual(self.k.vote(action, "carol").json["state"], "pending")
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        self.assertProblem(self.k.delete(f"/v1/actions/{action['id']}/votes", "bob"), 409, "closed")

    def test_votes_refuse_with_the_words_of_the_contract(self):
        action = self.pending("refusals")
        other = self.pending("another case")
        self.assertNotEqual(action["digest"], other["digest"])
        for who, fields, status, code in (
                ("bot", {}, 403, "own_request"), ("olga", {}, 403, "related_to_requester"), ("ada", {}, 403, "not_a_reviewer"),
                ("bob", {"digest": other["digest"]}, 409, "digest_mismatch"), ("bob", {"digest": "sha256:" + "0" * 64}, 409, "digest_mismatch")):
            with self.subTest(who=who, code=code):
                self.assertProblem(self.k.vote(action, who, **{"digest": action["digest"], **fields}), status, code)
        self.assertProblem(self.k.vote(action, "bot2", digest=action["digest"]), 404, "not_found")
        self.assertProblem(self.k.vote("act_nothing", "bob", digest=action["digest"]), 404, "not_found")
        for body in ({"decision": "maybe", "digest": action["digest"]}, {"decision": "approve"}, {"digest": action["digest"]},
                     {"decision": "approve", "digest": action["digest"], "sure": True}, {"decision": True, "digest": action["digest"]}):
            with self.subTest(body=body):
                answer = self.k.post(f"/v1/actions/{action['id']}/votes", "bob", body)
                self.assertEqual(answer.status, 400, answer)
                self.assertTrue(answer.json.get("pointer"), answer)
        self.assertEqual(self.k.action(action["id"]).json["votes"], [])

    def test_the_assurance_that_the_plan_wants_is_needed(self):
        for tool, code in (("append-session", "assurance_too_low"), ("append-passkey", "passkey_required")):
            action = self.pending("in person", tool)
            self.assertProblem(self.k.vote(action, "bob"), 403, code)

    def test_comments_are_kept_and_seen_by_the_agent(self):
        action = self.pending("commented")
        said = self.k.post(f"/v1/actions/{action['id']}/comments", "bob", {"text": "why so late?"})
        self.assertEqual(said.status, 200, said)
        self.assertEqual(self.k.post(f"/v1/actions/{action['id']}/comments", "bot", {"text": "the window ends"}).status, 200)
        seen = self.k.action(action["id"]).json
        self.assertEqual([c["text"] for c in seen["comments"]], ["why so late?", "the window ends"])
        self.assertProblem(self.k.post(f"/v1/actions/{action['id']}/comments", "bot2", {"text": "x"}), 404, "not_found")
        timeline = self.k.get(f"/v1/actions/{action['id']}/timeline", "bob").json["items"]
        self.assertIn("review.commented", [moment["type"] for moment in timeline])

    def test_expiry_is_its_own_word(self):
        action = self.pending("too late", "append-soon")
        late = self.k.settled(action["id"])
        self.assertEqual(late["state"], "expired")
        self.assertProblem(self.k.vote(action, "bob"), 409, "closed")
        self.assertNotIn("too late", self.k.lines())

    def test_an_answer_is_awaited_and_a_wait_that_is_over_says_so(self):
        started = time.monotonic()
        answer = self.k.request("append", {"text": "wait over"}, wait=1)
        self.assertEqual((answer.status, answer.json["state"]), (202, "pending"), answer)
        self.assertGreaterEqual(time.monotonic() - started, 0.9)
        self.assertEqual(answer.headers.get("preference-applied"), "wait=1")
        action = answer.json
        changed = self.k.later(self.k.action, action["id"], "bot", 25, action["version"])
        self.k.vote(action, "bob")
        after = changed.result(DEADLINE)
        self.assertEqual(after.status, 200)
        self.assertGreater(after.json["version"], action["version"])
        self.assertProblem(self.k.http("GET", f"/v1/actions/{action['id']}", "bot", headers={"Prefer": "wait=soon"}), 400, "invalid_prefer")

    def test_cancel(self):
        action = self.pending("cancelled")
        self.assertProblem(self.k.post(f"/v1/actions/{action['id']}/cancel", "bob"), 403, "not_allowed")
        waiting = self.k.later(self.k.action, action["id"], "bot", 25)
        gone = self.k.post(f"/v1/actions/{action['id']}/cancel", "bot")
        self.assertEqual((gone.status, gone.json["state"]), (200, "cancelled"), gone)
        self.assertEqual(waiting.result(DEADLINE).json["state"], "cancelled")
        self.assertProblem(self.k.post(f"/v1/actions/{action['id']}/cancel", "bot"), 409, "closed")
        self.assertProblem(self.k.vote(action, "bob"), 409, "closed")
        for who in ("olga", "ada"):  # its owner, an administrator
            action = self.pending(f"cancelled by {who}")
            self.assertEqual(self.k.post(f"/v1/actions/{action['id']}/cancel", who).json["state"], "cancelled")

    def test_what_runs_cannot_be_cancelled(self):
        action = self.k.request("slow").json
        self.assertEqual(action["state"], "executing")
        self.k.wait_started()
        self.assertProblem(self.k.post(f"/v1/actions/{action['id']}/cancel", "bot"), 409, "executing")
        self.k.let_go()
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")

    def test_amending_cancels_the_old_one_and_asks_anew_without_the_amender(self):
        action = self.pending("wrogn")
        self.k.vote(action, "carol")
        new = self.k.post(f"/v1/actions/{action['id']}/amend", "bob", {"args": {"text": "wrong, mended"}, "note": "typo"})
        self.assertEqual((new.status, new.json["state"], new.json["amends"]), (201, "pending", action["id"]), new)
        self.assertEqual(new.json["votes"], [])
        old = self.k.action(action["id"]).json
        self.assertEqual((old["state"], old["amended_by"]), ("cancelled", new.json["id"]))
        self.assertProblem(self.k.vote(old, "dave"), 409, "closed")
        self.assertProblem(self.k.vote(new.json, "bob"), 403, "related_to_requester")
        self.k.vote(new.json, "erin")
        self.k.vote(new.json, "carol")
        self.assertEqual(self.k.settled(new.json["id"], "bot")["state"], "succeeded")
        self.assertEqual([line for line in self.k.lines() if "wrogn" in line or "mended" in line], ["wrong, mended"])
        self.assertProblem(self.k.post(f"/v1/actions/{action['id']}/amend", "bob", {"args": {"text": "x"}}), 409, "closed")
        again = self.pending("not yet")
        self.assertProblem(self.k.post(f"/v1/actions/{again['id']}/amend", "bob", {"args": {"text": 7}}), 400, "invalid_args")
        self.assertEqual(self.k.action(again["id"]).json["state"], "pending", "a refused amendment leaves the old one alone")
        self.assertProblem(self.k.post(f"/v1/actions/{again['id']}/amend", "ada", {"args": {"text": "x"}}), 403, "not_allowed")
        self.assertProblem(self.k.post(f"/v1/actions/{again['id']}/amend", "bot2", {"args": {"text": "x"}}), 404, "not_found")
        for who in ("bot", "olga"):
            next_one = self.k.post(f"/v1/actions/{again['id']}/amend", who, {"args": {"text": f"by {who}"}})
            self.assertEqual((next_one.status, next_one.json["amends"]), (201, again["id"]), next_one)
            again = next_one.json

    def test_an_idempotency_key_means_one_action(self):
        first = self.pending("once", idempotency_key="k-1")
        same = self.k.request("append", {"text": "once"}, idempotency_key="k-1")
        self.assertEqual((same.status, same.json["id"]), (202, first["id"]), same)
        by_header = self.k.http("POST", "/v1/actions", "bot", {"tool": "append", "args": {"text": "once"}}, headers={"Idempotency-Key": "k-1"})
        self.assertEqual(by_header.json["id"], first["id"])
        claimed = self.k.request("append", {"text": "once"}, idempotency_key="k-1", claims={"session": "s-2"})
        self.assertEqual(claimed.json["id"], first["id"], "claims are not part of the body that counts")
        for change in ({"args": {"text": "twice"}}, {"tool": "append-one"}, {"reason": "because"}):
            self.assertProblem(self.k.post("/v1/actions", "bot", {"tool": "append", "args": {"text": "once"}, "idempotency_key": "k-1", **change}), 409,
                               "idempotency_mismatch")
        other = self.k.request("append", {"text": "once"}, "bot2", idempotency_key="k-1")
        self.assertNotEqual(other.json["id"], first["id"], "keys belong to one requester")
        waiting = self.k.later(self.k.request, "append", {"text": "once"}, "bot", 25, idempotency_key="k-1")
        self.k.vote(first, "bob")
        self.k.vote(first, "carol")
        self.assertEqual(waiting.result(DEADLINE).json["id"], first["id"])
        self.assertEqual(self.k.settled(first["id"])["state"], "succeeded")
        after = self.k.request("append", {"text": "once"}, idempotency_key="k-1")
        self.assertEqual((after.status, after.json["id"], after.json["state"]), (200, first["id"], "succeeded"), "kept after it is final")
        self.assertEqual(self.k.lines().count("once"), 1)

    def test_what_the_agent_says_of_operation_resource_and_mode_must_agree(self):
        for fields, code in (({"operation": "read"}, "operation_mismatch"), ({"resource": {"kind": "file", "name": "lines", "env": "dev"}}, "resource_mismatch"),
                             ({"resource": {"env": "staging"}}, "resource_mismatch"), ({"mode": "grant"}, "mode_mismatch")):
            with self.subTest(fields=fields):
                self.assertProblem(self.k.request("append", {"text": "x"}, **fields), 400, code)
        fitting = self.k.request("append", {"text": "agrees"}, mode="execute", resource={"env": "prod"})
        self.assertEqual(fitting.status, 202, fitting)

    def test_arguments_that_the_schema_refuses_have_a_pointer(self):
        for args, pointer in (({"text": 7}, "/args/text"), ({"txt": "x"}, None), ({}, "/args/text"), ({"text": "-rf"}, "/args/text"),
                              ({"text": "a\0b"}, "/args/text"), ({"text": "x" * 20001}, "/args/text"), ({"text": ["x"]}, "/args/text"), ({"text": None}, "/args/text")):
            with self.subTest(args=str(args)[:60]):
                answer = self.k.request("append", args)
                self.assertProblem(answer, 400, "invalid_args")
                self.assertTrue(answer.json.get("pointer", "").startswith(pointer or "/args"), answer)

    def test_agents_do_not_hear_what_would_let_them_probe_the_policy(self):
        action = self.pending("probe")
        agent, person = self.k.action(action["id"], "bot").json, self.k.action(action["id"], "bob").json
        self.assertNotIn("plan", agent["verdict"])
        self.assertNotIn("display", agent)
        self.assertTrue(person["display"])
        self.assertIs(person["display_complete"], True)
        self.assertEqual(self.k.post("/v1/policy/explain", "bot", {"tool": "append"}).status, 403)
        self.assertEqual(self.k.post("/v1/policy/check", "bot", {"policy": "x"}).status, 403)


class BadInput(Served):
    def refused(self, answer, status, code=None, place=None):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers.get("content-type"), "application/problem+json", answer)
        if code:
            self.assertEqual(answer.json["code"], code, answer)
        if place:
            self.assertIn(place, answer.json, answer)

    def send(self, data, content_type="application/json", who="bot"):
        return self.k.http("POST", "/v1/actions", who, raw_body=data, headers={"Content-Type": content_type})

    def tearDown(self):
        self.assertEqual(self.k.request("echo", {"text": "alive"}, wait=20).json["state"], "succeeded", "the server lives")

    def test_malformed_json_says_where(self):
        for text in ("{", '{"tool": "echo",}', '{"tool": "echo"} x', "{'tool': 1}", '{"tool": nan}', '{"tool": 01}', '{"tool": "a\nb"}', "\ufeff{}", "tool=echo"):
            with self.subTest(text=text):
                self.refused(self.send(text.encode()), 400, "invalid_json", "offset")

    def test_duplicate_keys_depth_and_numbers(self):
        self.refused(self.send(b'{"tool": "echo", "tool": "append", "args": {"text": "x"}}'), 400, "invalid_json", "offset")
        self.refused(self.send(b'{"tool": "echo", "args": {"text": "x", "te\\u0078t": "y"}}'), 400, "invalid_json", "offset")
        deep = b'{"tool": "echo", "args": {"text": ' + b"[" * 100000 + b"]" * 100000 + b"}}"
        self.refused(self.send(deep), 400, "invalid_json")
        for number in (b"1e400", b"12345678901234567890123", b"-0.1e-999999999", b"1" * 5000):
            answer = self.send(b'{"tool": "echo", "args": {"text": ' + number + b"}}")
            self.refused(answer, 400)
        self.refused(self.send(b'{"tool": "echo", "args": ' + b"[" + b"1," * 100000 + b"1]}"), 400)

    def test_invalid_utf8(self):
        for raw in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82"):
            self.refused(self.send(b'{"tool": "echo", "args": {"text": "' + raw + b'"}}'), 400, "invalid_json", "offset")
        self.refused(self.send(b'{"tool": "echo", "args": {"text": "\\ud800"}}'), 400, "invalid_json")

    def test_fields_that_nobody_knows_and_wrong_types(self):
        for body, pointer in (({"tool": "echo", "args": {"text": "x"}, "sudo": True}, "/sudo"), ({"tool": 7}, "/tool"), ({}, "/tool"),
                              ({"tool": "echo", "args": "x"}, "/args"), ({"tool": "echo", "args": {"text": "x"}, "claims": []}, "/claims"),
                              ({"tool": "echo", "reason": 1}, "/reason")):
            with self.subTest(body=body):
                answer = self.k.post("/v1/actions", "bot", body)
                self.refused(answer, 400)
                self.assertEqual(answer.json.get("pointer"), pointer, answer)
        self.refused(self.send(b"[]"), 400, "wrong_type")

    def test_null_is_no_object(self):
        action = self.k.request("append", {"text": "x"}).json
        for path, body in ((f"/v1/actions/{action['id']}/amend", {"args": None}), (f"/v1/actions/{action['id']}/votes", {"decision": None, "digest": None}),
                           ("/v1/grants/consume", {"grant": None, "digest": None}), ("/v1/actions", {"tool": None, "args": None})):
            self.refused(self.k.post(path, "bob", body), 400)
        for path, body in (("/auth/enrol/finish", {"ceremony": "x", "token": "x", "credential": None}), ("/auth/login/finish", {"ceremony": "x", "credential": None}),
                           ("/auth/enrol/begin", {"token": None})):
            self.refused(self.k.post(path, None, body, headers={"Origin": self.k.url}), 400)

    def test_a_body_that_is_too_large(self):
        self.refused(self.send(b'{"tool": "echo", "args": {"text": "' + b"x" * (2 << 20) + b'"}}'), 413)

    def test_content_types(self):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp"):
            self.refused(self.send(b'{"tool": "echo"}', kind), 415, "unsupported_media_type")

    def test_who_asks(self):
        self.refused(self.k.http("POST", "/v1/actions", None, {"tool": "echo"}), 401, "unauthenticated")
        for token in ("nonsense", "kt_" + "A" * 43, self.k.tokens["bot"][:-1], self.k.tokens["bot"] + "x", ""):
            self.refused(self.k.http("POST", "/v1/actions", None, {"tool": "echo"}, headers={"Authorization": f"Bearer {token}"}), 401, "unauthenticated")
        self.refused(self.k.http("GET", "/v1/me", None, headers={"Authorization": "Basic Ym90Og=="}), 401, "unauthenticated")

    def test_paths_and_methods(self):
        for path in ("/v1/nothing", "/v1/actions/act_none", "/tile/0/999", "/tile/x"):
            self.refused(self.k.get(path, "bot"), 404)
        for path in ("/v1/actions/..%2f..%2fetc", "/v1/%00", "/%ff", "/%zz"):
            self.refused(self.k.get(path, "bot"), 400)
        for method, path in (("PUT", "/v1/actions"), ("DELETE", "/v1/actions"), ("PATCH", "/v1/actions/act_x"), ("DELETE", "/checkpoint")):
            answer = self.k.http(method, path, "bot")
            self.refused(answer, 405, "method_not_allowed")
            self.assertTrue(answer.headers.get("allow"), answer)

    def test_unknown_hosts(self):
        for host in ("evil.example", f"evil.example:{self.k.port}", "localhost.evil.example", "127.0.0.1.nip.io"):
            self.assertEqual(self.k.get("/v1/me", "bot", host=host).status, 421)

    def test_raw_bytes_that_are_no_http(self):
        head = f"Host: localhost:{self.k.port}\r\n".encode()
        for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64 + b"\r\n\r\n", b"GET / HTTP/1.1\r\n" + head + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
                     b"POST /v1/actions HTTP/1.1\r\n" + head + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
                     b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n" + head + b"\r\n", b"GET / HTTP/1.1\r\nX: y\r\n\r\n", b"GET / HTTP/1.1\nHost: localhost\n\n",
                     b"GET / HTTP/1.1\r\n" + head + b"".join(b"X-%d: y\r\n" % i for i in range(1000)) + b"\r\n"):
            with self.subTest(data=data[:40]):
                try:
                    answer = self.k.raw(data)
                except ConnectionError:
                    continue  # cut off: also an answer
                self.assertRegex(answer[:13], rb"^HTTP/1\.1 4\d\d|^$")


class Grants(Served):
    def grant(self, ref="v1.0", tool="deploy", who="bot"):
        answer = self.k.request(tool, {"ref": ref}, who)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json["state"], "approved", answer)
        return answer.json

    def consume(self, grant, digest, who="deployer"):
        return self.k.post("/v1/grants/consume", who, {"grant": grant, "digest": digest})

    def test_issued_once_consumed_once_reported_once(self):
        action = self.grant()
        self.assertTrue(action["grant"].startswith("gr_"), action["grant"])
        self.assertIsNone(self.k.action(action["id"]).json["grant"], "shown once")
        self.assertIsNone(self.k.action(action["id"], "olga").json["grant"], "to the requester only")
        wrong = self.consume(action["grant"], "sha256:" + "0" * 64)
        self.assertProblem(wrong, 409, "digest_mismatch")
        for who in ("bot", "bot2", "olga", "ada"):
            self.assertProblem(self.consume(action["grant"], action["digest"], who), 404, "not_found")
        used = self.consume(action["grant"], action["digest"])
        self.assertEqual((used.status, used.json["state"]), (200, "executing"), used)
        self.assertEqual(used.json["args"], {"ref": "v1.0"}, "the enforcement point learns exactly what was decided")
        self.assertProblem(self.consume(action["grant"], action["digest"]), 409, "already_used")
        report = {"outcome": "succeeded", "result": {"version": 7}}
        for who in ("bot", "bot2", "olga"):
            self.assertProblem(self.k.post(f"/v1/actions/{action['id']}/outcome", who, report), 404, "not_found")
        done = self.k.post(f"/v1/actions/{action['id']}/outcome", "deployer", report)
        self.assertEqual((done.status, done.json["state"]), (200, "succeeded"), done)
        self.assertEqual(self.k.action(action["id"]).json["outcome"]["result"], {"version": 7})
        self.assertEqual(self.k.post(f"/v1/actions/{action['id']}/outcome", "deployer", {"outcome": "failed"}).status, 409)

    def test_a_grant_that_nobody_issued(self):
        action = self.grant("v9")
        grant_id, _, mac = action["grant"].partition(".")
        for forged in (grant_id, grant_id + ".", grant_id + "." + mac[:-2] + ("AA" if mac[-2:] != "AA" else "BB"), "gr_00000000000000000000000000." + mac, ""):
            self.assertIn(self.consume(forged, action["digest"]).status, (400, 404), forged)
        self.assertEqual(self.consume(action["grant"], action["digest"]).status, 200)

    def test_a_reviewed_grant_comes_after_the_review(self):
        answer = self.k.request("deploy-reviewed", {"ref": "v2"})
        self.assertEqual((answer.status, answer.json["state"], answer.json["grant"]), (202, "pending", None), answer)
        waiting = self.k.later(self.k.action, answer.json["id"], "bot", 25)
        self.assertIsNone(self.k.vote(answer.json, "carol").json["grant"], "a reviewer never sees it")
        approved = waiting.result(DEADLINE).json
        self.assertEqual(approved["state"], "approved")
        self.assertEqual(self.consume(approved["grant"], approved["digest"]).status, 200)
        failed = self.k.post(f"/v1/actions/{approved['id']}/outcome", "deployer", {"outcome": "failed", "result": {"why": "no disk"}})
        self.assertEqual(failed.json["state"], "failed")

    def test_a_grant_outlives_a_restart_and_is_still_single(self):
        action = self.grant("v3")
        self.k.restart()
        self.assertEqual(self.consume(action["grant"], action["digest"]).status, 200)
        self.k.restart()
        self.assertProblem(self.consume(action["grant"], action["digest"]), 409, "already_used")
        self.assertEqual(self.k.action(action["id"]).json["state"], "executing")
        self.assertEqual(self.k.post(f"/v1/actions/{action['id']}/outcome", "deployer", {"outcome": "succeeded"}).json["state"], "succeeded")

    def test_a_cancelled_grant_is_worth_nothing(self):
        action = self.grant("v4")
        self.assertEqual(self.k.post(f"/v1/actions/{action['id']}/cancel", "bot").json["state"], "cancelled")
        self.assertIn(self.consume(action["grant"], action["digest"]).status, (404, 409))


class Reading(Served):
    def test_lists_page_filter_and_hide_what_is_not_yours(self):
        self.k.add_agent("lister", "olga")
        self.k.add_agent("stranger", "olga")
        ids = [self.pending(f"page {n}", who="lister", reason=f"ticket OPS-{n}")["id"] for n in range(7)]
        foreign = self.pending("page x", who="stranger")["id"]
        self.k.request("echo", {"text": "page"}, "lister", wait=20)
        seen, cursor = [], ""
        while True:
            page = self.k.get(f"/v1/actions?state=pending&limit=3{'&after=' + cursor if cursor else ''}", "lister")
            self.assertEqual(page.status, 200, page)
            self.assertLessEqual(len(page.json["items"]), 3)
            seen += [a["id"] for a in page.json["items"]]
            if page.json["next"] is None:
                break
            cursor = page.json["next"]
        self.assertEqual(seen, ids[::-1], "newest first, all of them, each once, only one's own")
        self.assertNotIn(foreign, seen)
        self.assertLessEqual({*ids, foreign}, {a["id"] for a in self.k.get("/v1/actions?state=pending&limit=200", "bob").json["items"]})
        self.assertEqual([a["tool"] for a in self.k.get("/v1/actions?tool=echo", "lister").json["items"]], ["echo"])
        self.assertEqual({a["id"] for a in self.k.get("/v1/actions?actor=stranger", "ada").json["items"]}, {foreign})
        self.assertEqual(self.k.get("/v1/actions?state=denied,succeeded&actor=lister", "ada").status, 200)
        future = "2099-01-01T00:00:00Z"
        self.assertEqual(self.k.get(f"/v1/actions?from={future}", "ada").json["items"], [])
        for bad in ("state=lost", "limit=0", "limit=9999", "limit=x", "from=yesterday", "after=%00", "sort=asc", "tool=a&tool=b"):
            answer = self.k.get(f"/v1/actions?{bad}", "lister")
            self.assertEqual(answer.status, 400, (bad, answer))

    def test_others_do_not_know_of_it(self):
        action = self.pending("private")
        for method, path in (("GET", ""), ("GET", "/timeline"), ("GET", "/stream"), ("POST", "/cancel"), ("POST", "/comments"), ("POST", "/votes"), ("DELETE", "/votes"), ("POST", "/amend")):
            body = {"/comments": {"text": "x"}, "/votes": {"decision": "approve", "digest": action["digest"]}, "/amend": {"args": {"text": "x"}}, "/cancel": {}}.get(path)
            answer = self.k.http(method, f"/v1/actions/{action['id']}{path}", "bot2", body)
            self.assertProblem(answer, 404, "not_found")

    def test_the_stream_of_an_action_tells_all_of_it(self):
        action = self.pending("streamed")
        stream = self.k.events(f"/v1/actions/{action['id']}/stream", "bot")
        self.assertEqual(stream.status, 200)
        events = iter(stream)
        first = next(events)
        self.assertEqual((first["event"], json.loads(first["data"])["state"]), ("snapshot", "pending"))
        self.k.vote(action, "bob")
        self.k.post(f"/v1/actions/{action['id']}/comments", "bob", {"text": "fine"})
        self.k.vote(action, "carol")
        rest = list(events)
        stream.close()
        self.assertEqual({e["event"] for e in rest}, {"vote", "comment", "state", "outcome"}, [e.get("event") for e in rest])
        versions = [int(e["id"]) for e in rest]
        self.assertEqual(versions, sorted(versions))
        self.assertEqual(json.loads(rest[-1]["data"])["state"], "succeeded")

    def test_a_stream_ends_when_its_reader_may_not_read_any_more(self):
        self.k.add_person("frank", ["dba"])
        action = self.pending("no longer")
        stream = self.k.events(f"/v1/actions/{action['id']}/stream", "frank")
        self.assertEqual(next(iter(stream))["event"], "snapshot")
        deactivated = self.k.host("person", "deactivate", "frank", check=False)
        if deactivated.code:
            self.skipTest("no command for it: " + deactivated.err)
        self.k.vote(action, "bob")
        self.assertEqual(list(stream), [], "nothing more is told")
        stream.close()

    def test_health_metrics_and_the_description_of_the_api(self):
        for path in ("/healthz", "/readyz"):
            self.assertEqual(self.k.get(path).status, 200)
        self.assertRegex(self.k.get("/metrics").body.decode(), r"(?m)^keyturn_\w+")
        api = self.k.get("/openapi.json")
        self.assertEqual(api.status, 200)
        self.assertRegex(api.json["openapi"], r"^3\.1")
        for path in ("/v1/actions", "/v1/actions/{id}", "/v1/actions/{id}/votes", "/v1/grants/consume", "/v1/actions/{id}/outcome"):
            self.assertIn(path, api.json["paths"])

    def test_head_is_get_without_a_body(self):
        for path in ("/healthz", "/openapi.json"):
            answer = self.k.http("HEAD", path)
            self.assertEqual((answer.status, answer.body), (200, b""))

    def test_policy_is_shown_checked_and_explained_to_people(self):
        shown = self.k.get("/v1/policy", "bob")
        self.assertEqual(shown.status, 200, shown)
        self.assertRegex(json.dumps(shown.json), r"sha256:[0-9a-f]{64}")
        self.assertIn("two-people", json.dumps(shown.json))
        good = self.k.post("/v1/policy/check", "bob", {"policy": POLICY})
        self.assertEqual(good.status, 200, good)
        bad = self.k.post("/v1/policy/check", "bob", {"policy": POLICY.replace("effect: deny}", "effect: dney}")})
        self.assertEqual(bad.status, 200, bad)
        self.assertRegex(json.dumps(bad.json), r'"line": ?\d+')
        self.assertNotEqual(good.json, bad.json)
        why = self.k.post("/v1/policy/explain", "bob", {"agent": "bot", "tool": "append", "args": {"text": "x"}})
        self.assertEqual(why.status, 200, why)
        self.assertIn("two-people", json.dumps(why.json))

    def test_me_people_agents_stats(self):
        me = self.k.get("/v1/me", "bob").json
        self.assertEqual((me["kind"], me["id"], me["groups"], me["admin"]), ("person", "bob", ["dba"], False))
        self.assertIs(self.k.get("/v1/me", "ada").json["admin"], True)
        self.assertEqual(self.k.get("/v1/me", "bot").json["kind"], "agent")
        self.assertIn("carol", json.dumps(self.k.get("/v1/people", "bob").json))
        self.assertIn("bot2", json.dumps(self.k.get("/v1/agents", "bob").json))
        self.assertEqual(self.k.get("/v1/stats", "bob").status, 200)
        for path in ("/v1/people", "/v1/agents", "/v1/stats", "/v1/policy", "/v1/ledger"):
            self.assertProblem(self.k.get(path, "bot"), 403, "people_only")


class Credentials(Served):
    def test_people_make_and_revoke_their_own_tokens_in_their_browser(self):
        bob = Browser(self.k, "bob")
        made = bob.post("/v1/tokens", {"label": "laptop"})
        self.assertEqual(made.status, 201, made)
        token = made.json["token"]
        self.assertEqual(self.k.get("/v1/me", token).json["id"], "bob")
        listed = self.k.get("/v1/tokens", "bob")
        self.assertIn(made.json["id"], json.dumps(listed.json))
        self.assertNotIn(token, listed.body.decode(), "shown once")
        self.assertIn(self.k.delete(f"/v1/tokens/{made.json['id']}", "carol").status, (403, 404))
        self.assertEqual(self.k.get("/v1/me", token).status, 200)
        self.assertEqual(self.k.delete(f"/v1/tokens/{made.json['id']}", "bob").status, 200)
        self.assertProblem(self.k.get("/v1/me", token), 401, "unauthenticated")
        olga = Browser(self.k, "olga")
        made = olga.post("/v1/tokens", {"agent": "bot"})
        self.assertEqual(self.k.get("/v1/me", made.json["token"]).json["id"], "bot", "an owner makes tokens of the own agent")

    def test_nobody_mints_a_token_for_somebody_else_and_a_token_mints_none(self):
        bob = Browser(self.k, "bob")
        for body in ({"person": "carol"}, {"agent": "bot"}, {"person": "ada"}, {"agent": "nobody"}):
            self.assertProblem(bob.post("/v1/tokens", body), 403, "not_allowed")
        self.assertProblem(self.k.post("/v1/tokens", "bob", {"label": "x"}), 403, "not_allowed")
        self.assertProblem(self.k.post("/v1/tokens", "bot", {}), 403, "people_only")

    def test_an_expired_token_is_no_token(self):
        token = self.k.new_token(person="bob", expires="1s")
        self.assertEqual(self.k.get("/v1/me", token).status, 200)
        deadline = time.monotonic() + DEADLINE
        while (answer := self.k.get("/v1/me", token)).status == 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertProblem(answer, 401, "unauthenticated")

    def test_the_kill_switch_stops_an_agent_at_once(self):
        self.k.add_agent("rogue", "olga")
        token = self.k.tokens["rogue"]
        action = self.pending("rogue's", who="rogue")
        self.assertIn(self.k.post("/v1/agents/rogue/suspend", "bob").status, (403, 404), "not by anybody")
        self.assertEqual(self.k.post("/v1/agents/rogue/suspend", "olga").status, 200)
        self.assertIn(self.k.get("/v1/me", token).status, (401, 403))
        self.assertIn(self.k.request("echo", {"text": "x"}, "rogue").status, (401, 403))
        for who in ("bob", "carol"):
            self.k.vote(action, who)
        self.assertNotIn("rogue's", self.k.lines(), "what it had asked for does not run either")
        self.assertEqual(self.k.post("/v1/agents/rogue/resume", "ada").status, 200)
        self.assertEqual(self.k.request("echo", {"text": "x"}, "rogue", wait=20).json["state"], "succeeded")

    def test_the_kill_switch_on_the_host(self):
        self.k.add_agent("rogue2", "olga")
        self.assertEqual(self.k.host("agent", "suspend", "rogue2").code, 0)
        self.assertIn(self.k.request("echo", {"text": "x"}, "rogue2").status, (401, 403))


class Caps(Served):
    more = {"config": "limits: {pending_per_agent: 3, requests_per_second: 2}\n"}

    def test_pending_actions_are_capped_and_the_rate_too(self):
        first = [self.pending(f"cap {n}") for n in range(3)]
        full = self.k.request("append", {"text": "cap 4"})
        self.assertProblem(full, 429, "too_many_pending")
        self.assertTrue(full.headers.get("retry-after"), full)
        self.assertEqual(self.k.request("append", {"text": "other agent"}, "bot2").status, 202)
        self.k.post(f"/v1/actions/{first[0]['id']}/cancel", "bot")
        self.pending("cap 5")
        answers = [self.k.request("echo", {"text": "x"}, "bot2").status for _ in range(40)]
        self.assertIn(429, answers, "more than the burst in an instant")


class Observing(Served):
    more = {"policy": POLICY.replace("defaults:", "mode: observe\ndefaults:")}

    def test_everything_configured_runs_and_what_would_have_happened_is_recorded(self):
        action = self.k.request("append", {"text": "observed"}, wait=20).json
        self.assertEqual(action["state"], "succeeded", action)
        self.assertIs(action.get("observed"), True)
        self.assertEqual(self.k.lines(), ["observed"])
        denied = self.k.request("forbidden", wait=20).json
        self.assertEqual(denied["state"], "succeeded", denied)
        self.assertEqual(self.k.request("no-such-tool").json["state"], "denied", "what is not configured does not run")
        seen = self.k.action(action["id"], "olga").json
        self.assertIn("two-people", json.dumps(seen["verdict"]))
        self.assertEqual(self.k.get("/v1/me", "bob").json["mode"], "observe")


class Configuration(unittest.TestCase):
    def check(self, policy=POLICY, tools=None):
        k = Keyturn(policy=policy, **({"tools": tools} if tools else {}), start=False, people={}, agents={})
        try:
            return k.cli(*k.command[1:], "--check", check=False)
        finally:
            k.close()

    def test_serve_check_says_file_line_and_column(self):
        good = self.check()
        self.assertEqual(good.code, 0, good.out + good.err)
        for policy in (POLICY.replace("effect: allow", "efect: allow", 1), POLICY.replace("quorum: {dba: 1, sre: 1}", "quorum: {dba: many}"),
                       POLICY.replace("match: {tool: [forbidden]}", "match: {tool: [forbidden]}, when: action.tol == 'x'"), POLICY + "\t- x"):
            bad = self.check(policy)
            self.assertNotEqual(bad.code, 0)
            self.assertRegex(bad.out + bad.err, r"policy\.yaml:\d+:\d+: ")
        bad = self.check(tools="tools:\n  x: {exec: [relative], sandbox: none}\n")
        self.assertNotEqual(bad.code, 0)
        self.assertRegex(bad.out + bad.err, r"tools\.yaml:\d+:\d+: ")

    def test_a_broken_policy_refuses_to_start_and_a_bad_reload_keeps_the_old(self):
        k = Keyturn(policy="apiVersion: keyturn/v1\nkind: Polcy\n", start=False, people={}, agents={})
        try:
            k.start(wait=False)
            self.assertNotEqual(k.process.wait(DEADLINE), 0)
            self.assertRegex(k.stderr(), r"policy\.yaml:\d+:\d+: ")
            k.write_policy(POLICY)
            k.start()
            k.add_person("olga")
            k.add_agent("bot", "olga")
            self.assertEqual(k.request("echo", {"text": "x"}, wait=20).json["state"], "succeeded")
            k.write_policy("rules: [")
            k.reload()
            self.assertEqual(k.request("echo", {"text": "x"}, wait=20).json["state"], "succeeded", "the old one stays")
            k.write_policy(POLICY.replace("tool: [echo, slow, sandboxed]", "tool: [slow]"))
            k.reload()
            self.assertEqual(k.request("echo", {"text": "x"}, wait=20).json["state"], "denied", "the new one is in force")
        finally:
            k.close()

    def test_what_is_sandboxed_runs_as_another_user(self):
        import os
        k = Keyturn(people={"olga": []}, agents={"bot": "olga"})
        try:
            action = k.request("sandboxed", wait=20)
            if action.code:
                self.assertIn("sandbox", action.json["detail"])  # this host forbids it: said, and nothing ran
                return
            self.assertEqual(action.json["state"], "succeeded", action)
            if os.getuid() == 0:
                self.assertNotEqual(action.json["outcome"]["stdout"].strip(), "0")
        finally:
            k.close()


if __name__ == "__main__":
    unittest.main()
