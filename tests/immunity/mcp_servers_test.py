"""MCP servers that hang, vanish, lie or talk out of turn, and clients that vanish: Keyturn stays up for everybody else, the record says no more than is known, and what Keyturn told the server stays between them."""
import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import contains, until  # noqa: E402
from support.mcp_odd import BOTH, ByHand, OddServer, text  # noqa: E402
from support.mcp_proxy import Proxy  # noqa: E402

SECRET = "s3cr3t/tok-ABCDEFGH12345678"
ESCAPED = "".join(f"\\u{ord(c):04x}" for c in SECRET)
FORMS = (SECRET, SECRET.lower(), ESCAPED, SECRET.replace("/", "\\/"))


def vanishing(handler, _):
    handler.vanish()


def hanging(handler, _):
    handler.server.enough.wait(60)
    handler.vanish()


def elsewhere(handler, _):
    handler.say(b"", 302, headers=[("Location", "http://127.0.0.1:1/")])


class Servers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = OddServer("free_odd", "held_odd")
        cls.addClassCleanup(cls.server.close)
        operations = {"free_*": "read", "*": "write"}
        secret = {"Authorization": {"secret": "env:ODD_TOKEN", "prefix": "Bearer "}}
        one = {"url": cls.server.url, "operations": operations, "headers": secret}
        cls.k = Proxy({"odd": {**one, "timeout": "2s"}, "calm": {**one, "timeout": "30s"}, "legs": {**one, "leg": "1s"}, "few": {**one, "agents": {"bot": ["free_*"]}}}, start=False)
        cls.addClassCleanup(cls.k.close)
        cls.k.start(env={"ODD_TOKEN": SECRET})

    def setUp(self):
        self.server.done.clear()
        self.server.heads.clear()
        self.server.does.clear()
        self.server.enough.clear()
        self.addCleanup(self.server.enough.set)

    def client(self, upstream="odd", **how):
        return ByHand(self.k, upstream, **how)

    def settled(self, tool):
        """The newest action of the tool, once it is over."""
        newest = lambda: self.k.get(f"/v1/actions?tool={tool}&limit=1", "ada").json["items"]  # noqa: E731
        until(lambda: newest() and newest()[0]["state"] not in ("pending", "approved", "executing"), f"{tool} does not end")
        return self.k.action(newest()[0]["id"], "ada").json

    def is_there_for_others(self):
        self.assertEqual(self.k.get("/healthz", timeout=10).status, 200)
        self.assertIn("result", ByHand(self.k, "calm", who="bot2").do("ping").message)

    # ------------------------------------------------------------ what is not answered, or not as it should be
    def check(self, how, state, words, status=200):
        """The call goes as policy says and as people say, to a client that takes streams and to one that does not."""
        for tool in ("free_odd", "held_odd"):
            for accept in (BOTH, "application/json"):
                with self.subTest(how=how.__name__, tool=tool, accept=accept):
                    self.server.does[tool] = how
                    self.server.done.clear()
                    client = self.client()
                    # Another call each time: the same one would be taken up.
                    connection = client.begin(tool, {"of": f"{how.__name__} {accept}"}, accept=accept)
                    if tool == "held_odd":
                        self.assertEqual(self.k.vote(self.k.wait_asked("odd.held_odd")["id"], "bob").status, 200)
                    until(lambda: self.server.done, "the call does not reach the server")
                    self.is_there_for_others()
                    self.server.enough.set()
                    said = client.answer(connection)
                    # What was held on a stream has had its status.
                    self.assertEqual(said.status, 200 if (tool, accept) == ("held_odd", BOTH) else status, said)
                    action = self.settled(f"odd.{tool}")
                    self.assertEqual(action["state"], state, action["outcome"])
                    self.assertIn(words, action["outcome"]["reason"])
                    self.assertIn(words, said.body.decode())
                    self.assertEqual(len(self.server.calls(tool)), 1)
                    self.server.enough.clear()

    def test_a_server_that_vanishes_before_it_answers(self):
        self.check(vanishing, "unknown", "")

    def test_a_server_that_hangs_and_then_vanishes(self):
        self.check(hanging, "unknown", "")

    def test_a_server_that_never_answers(self):
        self.server.does["free_odd"] = lambda handler, _: handler.watch()
        connection = self.client().begin("free_odd", {"of": "never"})
        self.is_there_for_others()
        said = self.client().answer(connection).message["result"]
        self.assertIs(said["isError"], True)
        self.assertIn("did not answer within its timeout", said["content"][0]["text"])
        self.assertIn("whether it took effect is not known", said["content"][0]["text"])
        self.assertEqual(self.settled("odd.free_odd")["state"], "unknown")
        self.assertTrue(self.server.goodbyes.acquire(timeout=30), "the connection to the server is not closed")

    def test_a_server_that_sends_elsewhere(self):
        """What a redirect stands for may have been done (RFC 9110, 303): nobody knows."""
        self.check(elsewhere, "unknown", "HTTP status 302")

    def test_a_server_that_refuses(self):
        """It has seen the call, and says that it did not do it: failed, not 'never sent'."""
        for status in (401, 403):
            def refusing(handler, _, status=status):
                handler.say(b"", status)
            self.check(refusing, "failed", f"HTTP status {status}")

    def test_a_server_that_breaks(self):
        """A gateway that gave up says nothing about what happened behind it."""
        for status, content_type in ((500, "application/json"), (502, "text/html"), (504, "text/plain")):
            def breaking(handler, message, status=status, content_type=content_type):
                body = {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32603, "message": "broke"}} if content_type.endswith("json") else b"broke"
                handler.say(body, status, content_type)
            self.check(breaking, "unknown", "", status=status)
            self.server.does.clear()

    def test_a_server_that_answers_another_question(self):
        def other(handler, message):
            handler.say({"jsonrpc": "2.0", "id": message["id"] + 1, "result": text("not yours")})

        def twice(handler, message):
            handler.stream()
            for words in ("first", "second"):
                handler.event({"jsonrpc": "2.0", "id": message["id"], "result": text(words)})
        self.check(other, "unknown", "")
        self.server.does["free_odd"] = twice
        said = self.client().call("free_odd", {"of": "twice"})
        self.assertEqual([one["result"]["content"][0]["text"] for one in said.messages], ["first"])
        self.assertEqual(self.settled("odd.free_odd")["outcome"]["result"], text("first"))

    # ------------------------------------------------------------ clients that vanish, or come twice
    def open_files(self):
        return len(os.listdir(f"/proc/{self.k.process.pid}/fd"))

    def test_clients_that_vanish_leave_nothing_open(self):
        self.server.does["free_odd"] = self.server.does["slow/method"] = lambda handler, _: handler.watch()
        self.server.listens = lambda handler: handler.watch()
        self.addCleanup(setattr, self.server, "listens", None)
        client, modern = self.client("calm"), self.client("calm", modern=True)
        before = self.open_files()

        ways = {  # each call is another one: the same would be taken up
            "a session's stream": lambda _: client.connect("x", verb="GET", body=b"", accept="text/event-stream"),
            "a method that is passed on": lambda _: modern.connect("slow/method"),
            "a call": lambda number: modern.begin("free_odd", {"of": number}),
            "a call, without a stream": lambda number: modern.begin("free_odd", {"of": -number}, accept="application/json"),
        }
        for name, way in ways.items():
            with self.subTest(name):
                for number in range(1, 51):
                    heard, connection = self.server.watched, way(number)
                    until(lambda: self.server.watched > heard, "it does not reach the server")
                    connection.close()
                    self.assertTrue(self.server.goodbyes.acquire(timeout=30), "the connection to the server stays")
        until(lambda: self.open_files() <= before + 8, f"{self.open_files()} files are open, {before} before")
        self.is_there_for_others()
        asked = lambda: self.k.get("/v1/actions?tool=calm.free_odd&limit=100", "ada").json["items"]  # noqa: E731
        until(lambda: {one["state"] for one in asked()} == {"unknown"}, "not all are unknown")

    def test_a_held_call_that_comes_on_many_connections_is_released_once(self):
        """A client that lost patience asks the same again before its first connection is noticed gone."""
        client = self.client("legs", modern=True)
        state = client.call("held_odd", {"of": "many"}).message["result"]["requestState"]
        action = self.k.wait_asked("legs.held_odd")["id"]
        again = {"requestState": state}
        connections = [client.begin("held_odd", {"of": "many"}, params=again, id=100 + i) for i in range(40)]
        for connection in connections[::2]:
            connection.close()
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        left = [client.answer(connection) for connection in connections[1::2]]
        for said in left:
            self.assertIn(said.status, (200, 400), said)
        last = client.begin("held_odd", {"of": "many"}, params=again, id=200)
        client.answer(last)
        until(lambda: self.k.action(action).json["state"] == "succeeded" or client.call("held_odd", {"of": "many"}, params=again) is None, "it does not run")
        self.assertEqual(len(self.server.calls("held_odd")), 1)
        self.is_there_for_others()

    def test_a_legacy_call_that_comes_on_two_connections_is_released_once(self):
        key = [("Keyturn-Call", "0123456789abcdef" * 2)]  # the same call, says the client
        client = self.client("calm")
        first = client.begin("held_odd", {"of": "two"}, id=50, more=key)
        action = self.k.wait_asked("calm.held_odd")["id"]
        second = client.call("held_odd", {"of": "two"}, id=51, more=key)
        self.assertEqual((second.status, b"on its way" in second.body), (400, True), second)
        first.close()

        def taken_up():
            connection = client.begin("held_odd", {"of": "two"}, id=client.last + 1, more=key)
            until(lambda: (head := connection.recv(12, 2)) and len(head) == 12, "no answer")  # MSG_PEEK
            if connection.recv(12, 2).endswith(b"200"):
                return connection
            connection.close()
            return None
        connection = until(taken_up, "who comes back is not let in")
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        self.assertEqual(client.answer(connection).message["result"], text("done"))
        self.assertEqual(len(self.server.calls("held_odd")), 1)
        until(lambda: self.k.action(action).json["state"] == "succeeded", "it is not recorded")

    # ------------------------------------------------------------ credentials
    def test_the_servers_credential_in_every_part_of_an_answer(self):
        def raw(words, content_type="application/json", status=200, headers=()):
            return lambda handler, message: handler.say(words.replace("ID", str(message["id"])).encode(), status, content_type, headers)
        answer = '{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"<%s>"}]}}'
        error = '{"jsonrpc":"2.0","id":ID,"error":{"code":-32000,"message":"no: %s","data":{"%s":"%s"}}}'

        def by_bytes(handler, message):
            handler.stream()
            for form in (SECRET, ESCAPED):
                whole = f": {SECRET}\n\nevent: {SECRET}\ndata: x\n\nid: {SECRET}\ndata: " + json.dumps({"jsonrpc": "2.0", "method": "notifications/message",
                        "params": {"level": "info", "data": "@"}}).replace("@", form) + "\n\n"
                for byte in whole.encode():
                    handler.wfile.write(bytes([byte]))
                    handler.wfile.flush()
            handler.event(answer.replace("ID", str(message["id"])) % ESCAPED)
        ways = {
            "plain": raw(answer % SECRET), "escaped": raw(answer % ESCAPED), "solidus": raw(answer % SECRET.replace("/", "\\/")),
            "error": raw(error % (SECRET, SECRET, ESCAPED)), "error 400": raw(error % (SECRET, SECRET, ESCAPED), status=400),
            "header": raw(answer % "", headers=[("Mcp-Debug", f"Bearer {SECRET}"), ("Cache-Control", SECRET), ("Retry-After", SECRET), ("Mcp-Session-Id", "s" + SECRET)]),
            "content type": raw("x", f"text/{SECRET}"), "content type 404": raw("x", f"text/{SECRET}", 404), "parameter": raw(answer % "", f"application/json; x={SECRET}"),
            "plain text": raw(f"said {SECRET}", "text/plain"), "plain text 404": raw(f"said {SECRET}", "text/plain", 404), "gateway": raw(f"<p>{SECRET}", "text/html", 502),
            "broken": raw('{"jsonrpc":"2.0","id":"%s\0' % SECRET), "elsewhere": raw("", status=302, headers=[("Location", f"http://127.0.0.1:1/{SECRET}")]),
            "stream": by_bytes, "coding": raw("x", headers=[("Content-Encoding", SECRET)]),
        }
        for name, does in ways.items():
            for method in ("tools/call", "resources/read"):  # gated, and passed on
                with self.subTest(name, method=method):
                    self.server.does["free_odd"] = self.server.does["resources/read"] = does
                    client = self.client("calm")
                    said = client.do(method, {"name": "free_odd", "arguments": {"of": name}})
                    for form in FORMS:
                        self.assertNotIn(form.encode(), said.whole)
                    if method == "tools/call":
                        self.settled("calm.free_odd")
            record = json.dumps(self.k.get("/v1/actions?tool=calm.free_odd&limit=1", "ada").json) + self.k.action(self.settled("calm.free_odd")["id"], "ada").body.decode()
            for form in FORMS:
                self.assertNotIn(form, record)
        self.assertEqual(self.server.heads[-1]["authorization"], f"Bearer {SECRET}", "it had something to say")
        self.assertEqual(contains(self.k.data, FORMS[:2]), [])
        self.assertNotIn(SECRET, self.k.stderr())

    def test_the_servers_credential_in_what_it_lists(self):
        self.addCleanup(setattr, self.server, "tools", self.server.tools)
        self.server.tools = self.server.tools + [{"name": "free_telling", "description": f"Speaks of {SECRET}.", "inputSchema": {"type": "object"}}]
        client = self.client("calm")
        self.assertIn(b"[redacted", client.do("tools/list").body)
        self.assertEqual(client.call("free_telling").message["result"], text("done"))
        self.server.refuses_lists = f"no: {SECRET}"
        self.addCleanup(setattr, self.server, "refuses_lists", None)
        other = self.client("calm", who="bot2")
        for said in (client.do("tools/list"), other.do("tools/list"), other.call("free_new"), *(self.k.get(path, "ada") for path in ("/v1/upstreams", "/v1/tools", "/v1/actions?tool=calm.free_telling"))):
            for form in FORMS:
                self.assertNotIn(form.encode(), said.body)
        self.assertEqual(contains(self.k.data, FORMS[:2]), [])

    # ------------------------------------------------------------ headers
    def test_headers_that_come_twice(self):
        modern, legacy = self.client("calm", modern=True), self.client("calm")
        for client, name, value in ((modern, "Mcp-Method", "ping"), (modern, "Mcp-Name", "held_odd"), (modern, "MCP-Protocol-Version", "2025-11-25"), (legacy, "Mcp-Session-Id", "another")):
            self.server.done.clear()
            said = client.call("free_odd", {"of": name}, more=[(name, value)])
            self.assertEqual((said.status, b"sent twice" in said.body), (400, True), (name, said))
            self.assertEqual(self.server.done, [])
        self.server.does["free_odd"] = lambda handler, message: handler.result(message, text("done"), headers=[("Mcp-Session-Id", "a"), ("Mcp-Session-Id", "b"), ("Content-Type", "text/html")])
        self.client("calm").call("free_odd", {"of": "an answer's"})
        self.is_there_for_others()

    # ------------------------------------------------------------ lists
    def test_a_list_that_comes_by_another_way_has_no_more_in_it(self):
        """Replayed by Last-Event-ID, on the session's own stream, in the stream of a call: what the agent may not use is in none of them."""
        listed = lambda id: {"jsonrpc": "2.0", "id": id, "result": {"tools": self.server.tools}}  # noqa: E731
        client = self.client("few")

        def replays(handler):
            handler.stream()
            handler.event(listed(77), id="e-2")
            handler.event(listed("of another"), id="e-3")

        def beside(handler, message):
            handler.stream()
            handler.event(listed(77))
            handler.event({"jsonrpc": "2.0", "id": message["id"], "result": text("done")})
        self.server.listens = replays
        self.addCleanup(setattr, self.server, "listens", None)
        self.server.does["free_odd"] = self.server.does["resources/read"] = beside
        ways = {
            "asked": client.do("tools/list"),
            "replayed": client.do("x", verb="GET", body=b"", accept="text/event-stream", more=[("Last-Event-ID", "e-1")]),
            "the session's stream": client.do("x", verb="GET", body=b"", accept="text/event-stream"),
            "beside a call": client.call("free_odd", {"of": "beside"}),
            "beside what is passed on": client.do("resources/read"),
        }
        for name, said in ways.items():
            with self.subTest(name):
                lists = [one["result"]["tools"] for one in said.messages if "tools" in one.get("result", {})]
                self.assertTrue(lists, said)
                self.assertEqual({tool["name"] for tools in lists for tool in tools}, {"free_odd"})
        self.assertIn("Unknown tool", client.call("held_odd").message["error"]["message"])
        self.assertEqual(self.client("few", who="bot").call("free_odd", {"of": "after"}).status, 200)
        self.assertEqual(self.k.post("/mcp/few", "bot2", {}).status, 404)


if __name__ == "__main__":
    unittest.main()
