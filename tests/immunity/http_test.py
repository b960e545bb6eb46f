"""Servers that lie, and arguments that would lead a request elsewhere: where a tool's request goes, and what goes with it, is the operator's alone."""
import http.server
import json
import pathlib
import random
import sys
import threading
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import kubernetes, web  # noqa: E402
from support.keyturn import POLICY, Keyturn, until  # noqa: E402

RULES = POLICY + '- {id: all, match: {tool: ["*"]}, effect: allow}\n'
KEY = "s3cr3t-bearer-ABCDEF0123456789"
LONG = "l0ng-s3cr3t-" + "q" * 2000 + "END"
TOOLS = """\
tools:
  post:
    http: {server: @URL@, method: POST, path: "/v1/{{name}}/do", query: {q: "{{why}}"}, headers: {X-Why: "{{why}}"}, body: {json: {why: "{{why}}"}}, credential: key}
    params: {name: {type: string}, why: {type: string, default: none}}
    timeout: 2s
    output_bytes_max: 65536
  long:
    http: {server: @URL@, method: POST, path: /v1/long, credential: long}
    timeout: 5s
    output_bytes_max: 65536
  odd:
    http: {server: @URL@, method: POST, path: /v1/x, credential: odd}
  unpinned:
    http: {server: "http://localhost:@PORT@", method: POST, path: /v1/x, addresses: [10.0.0.0/8], credential: free}
  public:
    http: {server: "http://localhost:@PORT@", method: POST, path: /v1/x, addresses: public, credential: free}
---
apiVersion: keyturn/v1
kind: Credentials
credentials:
  key: {http_header: {header: Authorization, prefix: "Bearer ", value: {secret: "env:KEY"}}, only_to: ["@URL@/v1/"]}
  long: {http_header: {header: X-Key, value: {secret: "env:LONG"}}}
  odd: {http_header: {header: X-Key, prefix: "key=", value: {secret: "env:KEY"}}}
  free: {http_header: {header: Authorization, prefix: "Bearer ", value: {secret: "env:KEY"}}}
"""


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.web, cls.other = web.Web(), web.Web()
        for one in (cls.web, cls.other):
            cls.addClassCleanup(one.close)
        cls.tools = TOOLS.replace("@URL@", cls.web.url).replace("@PORT@", str(cls.web.port))
        cls.k = Keyturn(policy=RULES, tools=cls.tools, start=False)
        cls.addClassCleanup(cls.k.close)
        cls.k.start(env={"KEY": KEY, "LONG": LONG})

    def setUp(self):
        self.web.requests.clear()
        self.web.says.clear()

    def post(self, state, name="a", **args):
        action = self.k.request("post", {"name": name, **args}, wait=25).json
        self.assertEqual(action.get("state"), state, action)
        return action

    def test_a_redirect_takes_neither_the_request_nor_its_credential_elsewhere(self):
        for status in (301, 302, 303, 307, 308):
            self.web.says["/v1/a/do"] = f"HTTP/1.1 {status} Moved\r\nLocation: {self.other.url}/v1/a/do\r\nContent-Length: 0\r\n\r\n".encode()
            action = self.post("failed" if status > 303 else "unknown")
            self.assertIn("redirects are not followed", action["outcome"]["reason"])
        self.assertEqual((self.other.connections, len(self.web.requests)), (0, 5))

    def test_a_credential_that_is_bound_to_a_place_is_sent_to_no_other(self):
        for wrong in (self.tools.replace("/v1/{{name}}/do", "/v2/{{name}}/do"), self.tools.replace(f"server: {self.web.url}", f"server: {self.other.url}"),
                      self.tools.replace("/v1/{{name}}/do", "/v1{{name}}/do")):
            with Keyturn(policy=RULES, tools="tools: {}", start=False) as k:
                k.write_tools(wrong)
                done = k.host("serve", "--check", "--policy", str(k.policy_file), "--tools", str(k.tools_file), check=False)
                self.assertIn("credential key is only sent to", done.out + done.err)
        program = self.tools.replace("tools:\n", "tools:\n  leak:\n    exec: [/usr/bin/env]\n    env: {K: {credential: key, field: value}}\n", 1)
        with Keyturn(policy=RULES, tools="tools: {}", start=False) as k:
            k.write_tools(program)
            done = k.host("serve", "--check", "--policy", str(k.policy_file), "--tools", str(k.tools_file), check=False)
            self.assertIn("credential key is only sent to", done.out + done.err)

    def test_no_argument_changes_where_a_request_goes_or_what_goes_with_it(self):
        bits = ["a", "/", "\\", "..", ".", "%2e", "%2f", "%00", "?", "#", "&", "=", ";", "@evil.example", ":80", "\r\n", "\nX-Evil: 1", "\r\n\r\nGET / HTTP/1.1", " ", "\"", "é", "‮", "{{why}}",
                "//evil.example", "http://evil.example/", "\t", "\x7f", "\x00", "ÿ", " "]
        chance = random.Random(8)
        sent = 0
        for _ in range(150):
            name, why = ("".join(chance.choice(bits) for _ in range(chance.randrange(1, 4))) for _ in range(2))
            self.web.requests.clear()
            answer = self.k.request("post", {"name": name, "why": why}, wait=25)
            if answer.status == 400:
                self.assertEqual(self.web.requests, [])
                continue
            sent += 1
            self.assertEqual((answer.json["state"], len(self.web.requests)), ("succeeded", 1), answer)
            head, _, body = self.web.requests[0].decode().partition("\r\n\r\n")
            line, *fields = head.split("\r\n")
            method, target, version = line.split(" ")
            path, _, query = target.partition("?")
            self.assertEqual((method, version, path.split("/")[:2], path.split("/")[3:]), ("POST", "HTTP/1.1", ["", "v1"], ["do"]))
            self.assertEqual(urllib.parse.unquote(path.split("/")[2]), name)
            self.assertEqual(urllib.parse.parse_qsl(query, keep_blank_values=True), [("q", why)] if why else [("q", "")])
            names = sorted(field.partition(":")[0].lower() for field in fields)
            self.assertEqual(names, ["accept-encoding", "authorization", "content-length", "content-type", "host", "user-agent", "x-why"])
            self.assertIn(f"Host: 127.0.0.1:{self.web.port}", fields)
            self.assertEqual(json.loads(body), {"why": why})
        self.assertGreater(sent, 15)

    def test_an_answer_that_two_readers_see_differently_is_none(self):
        for head in (b"Content-Length: 2\r\nContent-Length: 3\r\n", b"Content-Length: 2, 2\r\n", b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
                     b"Transfer-Encoding: chunked, chunked\r\n", b"X: 1\r\n folded: 2\r\nContent-Length: 2\r\n", b"Content-Length : 2\r\n", b"Content-Length: 0x2\r\n"):
            self.web.says["/v1/a/do"] = b"HTTP/1.1 200 OK\r\n" + head + b"\r\nok"
            action = self.post("unknown")
            self.assertNotIn("result", action["outcome"], head)

    def test_an_answer_without_end_in_size_or_time_ends(self):
        self.web.says["/v1/flood/do"] = self.web.flood
        flood = self.post("succeeded", name="flood")
        self.assertTrue(flood["outcome"]["truncated"])
        self.assertLessEqual(len(flood["outcome"]["result"]["body"]), 65536)
        for name, head in (("head", b"HTTP/1.1 200 OK\r\nX-A: "), ("body", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"), ("silent", b"")):
            self.web.says[f"/v1/{name}/do"] = self.web.dribble(head)
            self.assertIn("longer than 2s", self.post("unknown", name=name)["outcome"]["reason"])
        self.web.says["/v1/many/do"] = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(5000)) + b"\r\n"
        self.post("unknown", name="many")
        self.assertEqual(self.k.get("/healthz").status, 200)

    def test_a_server_that_says_the_credential_again_is_not_repeated(self):
        for body in (f'{{"t": "{KEY}"}}', f"Authorization: Bearer {KEY}", json.dumps({KEY: 1})):
            kind = b"application/json" if body.startswith("{") else b"text/plain"
            self.web.says["/v1/a/do"] = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nETag: \"%s\"\r\nContent-Length: %d\r\n\r\n%s" % (kind, KEY.encode(), len(body), body.encode())
            action = self.post("succeeded")
            self.assertNotIn(KEY, json.dumps(action))
            self.assertIn("[redacted:key", json.dumps(action))
        self.web.says["/v1/x"] = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(KEY), KEY.encode())
        self.assertEqual(self.k.request("odd", wait=25).json["outcome"]["result"]["body"], "[redacted:odd secret]")

    def test_where_an_answer_is_cut_no_part_of_the_credential_is_left(self):
        for miss in (1, 5, 200):  # copies of it, so that what is read ends so many bytes before the end of one
            body = "x" * ((65536 + 65536 + miss) % len(LONG)) + LONG * 100
            self.web.says["/v1/long"] = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body.encode())
            action = self.k.request("long", wait=25).json
            self.assertEqual((action["state"], action["outcome"]["truncated"]), ("succeeded", True))
            self.assertNotIn(LONG[:6], json.dumps(action))
            # One that breaks off there.
            self.web.says["/v1/long"] = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n%s" % LONG[:-miss].encode()
            action = self.k.request("long", wait=25).json
            self.assertEqual(action["state"], "unknown")
            self.assertNotIn(LONG[:6], json.dumps(action))

    def test_a_credential_that_is_escaped_in_what_is_no_json_is_known(self):
        escaped = "".join(f"\\u{ord(c):04x}" for c in KEY)
        for body in (f'{{"a": "{escaped}", "a": 1}}', f'{{"a": "{escaped}", "b": "{"x" * 70000}"}}', f'{{"a": "{escaped.upper().replace("U", "u")}"'):
            self.web.says["/v1/a/do"] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body.encode())
            said = self.post("succeeded")["outcome"]["result"]["body"]
            self.assertIn("[redacted:key", said)
            self.assertNotIn("\\u00", said)

    def test_a_name_that_leads_to_another_address_than_is_allowed_is_not_followed(self):
        for tool in ("unpinned", "public"):
            action = self.k.request(tool, wait=25).json
            self.assertEqual(action["state"], "failed", action)
            self.assertIn("where this may not go; nothing was sent", action["outcome"]["reason"])
        self.assertEqual(self.web.requests, [])


class NotKubernetes(http.server.BaseHTTPRequestHandler):
    done = []

    def answer(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.command != "GET":
            NotKubernetes.done.append(self.path)
        out = b'{"name": "web", "ok": true}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    do_GET = do_PATCH = do_DELETE = answer

    def log_message(self, *_):
        pass


class Previews(unittest.TestCase):
    def test_a_server_that_does_not_know_dry_runs_is_asked_for_none(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), NotKubernetes)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        rules = POLICY + '- {id: asks, match: {tool: [scale]}, effect: require, require: {quorum: {sre: 1}, assurance: token, expires: 1h}}\n'
        tools = f"""\
tools:
  scale:
    kubernetes: {{server: "http://127.0.0.1:{server.server_port}", verb: patch, group: apps, version: v1, resource: deployments, namespace: shop, name: web, patch: {{spec: {{replicas: 0}}}}}}
"""
        with Keyturn(policy=rules, tools=tools) as k:
            asked = k.request("scale").json
            self.assertEqual(asked["state"], "pending", asked)
            self.assertIn("no object of a Kubernetes API", json.dumps(k.action(asked["id"], "carol").json["display"]))
            self.assertEqual(NotKubernetes.done, [])


LOOKS = """\
tools:
  annotate:
    kubernetes: {server: "@URL@", verb: patch, group: apps, version: v1, resource: deployments, namespace: shop, name: web, patch: {metadata: {annotations: {a: "{{text}}"}}}, headers: {Authorization: {secret: "env:K8S", prefix: "Bearer "}}}
    params: {text: {type: string}}
  token:
    kubernetes: {server: "@URL@", verb: create, version: v1, resource: serviceaccounts, subresource: token, namespace: shop, name: scaler, object: {kind: TokenRequest, apiVersion: authentication.k8s.io/v1, spec: {expirationSeconds: 600}}, headers: {Authorization: {secret: "env:K8S", prefix: "Bearer "}}}
  scale:
    kubernetes: {server: "@URL@", credential: scale-only, group: apps, version: v1, resource: deployments, namespace: shop, verb: patch, subresource: scale, name: web, patch: {spec: {replicas: 7}}}
  create:
    kubernetes: {server: "@URL@", credential: create-only, group: apps, version: v1, resource: deployments, namespace: shop, verb: create, object: {apiVersion: apps/v1, kind: Deployment, metadata: {name: fresh}, spec: {replicas: 1}}}
---
apiVersion: keyturn/v1
kind: Credentials
credentials:
  scale-only:
    only_to: ["@URL@/apis/apps/v1/namespaces/shop/deployments/web/scale"]
    kubernetes_token: {server: "@URL@", token: {secret: "env:K8S"}, namespace: shop, service_account: scaler, revocable: true}
  create-only:
    only_to: ["@URL@/apis/apps/v1/namespaces/shop/deployments"]
    kubernetes_token: {server: "@URL@", token: {secret: "env:K8S"}, namespace: shop, service_account: scaler, revocable: true}
"""


class Looks(unittest.TestCase):
    """Of a Kubernetes API, before anybody has agreed to anything."""
    @classmethod
    def setUpClass(cls):
        cls.api = kubernetes.Kubernetes()
        cls.addClassCleanup(cls.api.close)
        rules = POLICY + '- {id: asks, match: {tool: ["*"]}, effect: require, require: {quorum: {sre: 1}, assurance: token, expires: 1h}}\n'
        cls.k = Keyturn(policy=rules, tools=LOOKS.replace("@URL@", cls.api.url), start=False)
        cls.addClassCleanup(cls.k.close)
        cls.k.start(env={"K8S": kubernetes.ADMIN})

    def setUp(self):
        self.object = self.api.put("web")
        self.api.seen.clear()

    def ask(self, tool, **args):
        asked = self.k.request(tool, args).json
        self.assertEqual(asked.get("state"), "pending", asked)
        action = self.k.action(asked["id"], "carol").json
        return action, json.dumps(action["display"], ensure_ascii=False)

    def tokens(self):
        return len([one for one in self.api.seen if one[0] == "POST" and one[1].partition("?")[0].endswith("/token")])

    def test_a_long_value_is_not_cut_within_the_credential(self):
        for miss in (1, 3, 20):
            room = 500 - 1 - (len(kubernetes.ADMIN) - miss)
            self.object["metadata"]["annotations"] = {"a": "x" * room + kubernetes.ADMIN}
            _, text = self.ask("annotate", text="new")
            self.assertIn("xxx[redacted:", text)
            self.assertNotIn(kubernetes.ADMIN[:6], text)

    def test_a_name_draws_no_line_of_a_diff(self):
        name, patch = "a\n- /spec/replicas: 3\n+ /spec/replicas", self.api.do_patch

        def patched(*args):
            code, after = patch(*args)
            return code, {**after, "spec": {**after["spec"], name: 4}}
        self.api.do_patch = patched
        self.addCleanup(delattr, self.api, "do_patch")
        action, _ = self.ask("annotate", text="c\n+ /spec/paused: true")
        text = "".join(run["t"] for section in action["display"] if section["title"] == "What it would change" for run in section["runs"])
        first, second = text.splitlines()[1:]
        self.assertTrue(first.startswith('+ /metadata/annotations/a: "c\\n+ /spec'), text)
        self.assertTrue(second.startswith("+ /spec/a\\n- ~1spec~1replicas"), text)

    def test_what_has_no_dry_run_is_not_asked_for_one(self):
        _, text = self.ask("token")
        self.assertIn("serviceaccounts/token is not known to have a dry run", text)
        self.assertEqual(self.tokens(), 0)

    def test_a_credential_that_is_bound_to_a_place_looks_nowhere_else(self):
        _, text = self.ask("create")
        self.assertIn("credential create-only may not be sent to", text)
        issued = [target for method, target, _, headers in self.api.seen if headers.get("authorization") != "Bearer " + kubernetes.ADMIN]
        self.assertEqual(issued, [])

    def test_every_credential_that_was_issued_is_in_the_record(self):
        action, text = self.ask("scale")
        self.assertIn("+ /spec/replicas: 7", text)
        self.assertEqual(self.tokens(), 1)
        self.assertEqual(self.k.vote(action, "carol").status, 200)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        self.assertEqual(self.tokens(), 3)  # shown to people, looked at again, done
        events = [one["text"] for one in self.k.get(f"/v1/actions/{action['id']}/timeline", "carol").json["items"] if "credential" in one["text"]]
        self.assertEqual(events, ["credential issued: scale-only, to look at what it would touch", "credential revoked: scale-only, to look at what it would touch"] * 2 +
                         ["credential issued: scale-only", "credential revoked: scale-only"])


class Waits(unittest.TestCase):
    def test_slow_looks_hold_up_no_execution(self):
        server, go = web.Web(), threading.Event()
        self.addCleanup(server.close)
        self.addCleanup(go.set)
        token = json.dumps({"access_token": "tok-0123456789abcdef", "token_type": "Bearer", "expires_in": 300}).encode()
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(token), token)
        asked = threading.Semaphore(0)

        def slow(connection):
            asked.release()
            go.wait(60)
            connection.sendall(answer)
        server.says.update({"/slow": slow, "/quick": answer})
        rules = POLICY + '- {id: asks, match: {tool: ["x-*"]}, effect: require, require: {quorum: {sre: 1}, assurance: token, expires: 1h}}\n- {id: free, match: {tool: ["a-*"]}, effect: allow}\n'
        tools = f"""\
tools:
  x-look:
    http: {{server: "{server.url}", method: PUT, path: "/v1/c", body: {{json: {{v: "{{{{n}}}}"}}}}, credential: slow}}
    params: {{n: {{type: integer}}}}
    preview: {{path: "/v1/c"}}
  x-fetch:
    http: {{server: "{server.url}", method: PUT, path: "/v1/c", body: {{json: {{v: "{{{{n}}}}"}}}}, headers: {{Authorization: {{secret: [exec, /bin/sh, -c, "echo x >> @WORK@/asked; while [ ! -e @WORK@/go ]; do sleep 0.05; done; echo secret-of-a-vault"], prefix: "Bearer "}}}}}}
    params: {{n: {{type: integer}}}}
    preview: {{path: "/v1/c"}}
  a-quick: {{http: {{server: "{server.url}", method: POST, path: /v1/q, credential: quick}}}}
  a-echo: {{exec: [/usr/bin/echo, hello], sandbox: none}}
---
apiVersion: keyturn/v1
kind: Credentials
credentials:
  slow: {{oauth_client_credentials: {{token_url: "{server.url}/slow", client_id: keyturn, client_secret: {{secret: "env:CS"}}}}}}
  quick: {{oauth_client_credentials: {{token_url: "{server.url}/quick", client_id: keyturn, client_secret: {{secret: "env:CS"}}}}}}
"""
        with Keyturn(policy=rules, tools=tools, start=False) as k:
            k.start(env={"CS": "cs-secret-0123456789"})
            slow_ones = [k.later(k.http, "POST", "/v1/actions", who, {"tool": tool, "args": {"n": n}}) for n in range(2) for who, tool in (("bot2", "x-look"), ("bot", "x-fetch"))]
            for _ in range(2):
                self.assertTrue(asked.acquire(timeout=30))
            until(lambda: (k.work / "asked").exists() and len((k.work / "asked").read_text().split()) == 2, "no secret is fetched")
            for tool in ("a-quick", "a-echo"):
                self.assertEqual(k.request(tool, wait=25).json["state"], "succeeded")
            go.set()
            (k.work / "go").touch()
            self.assertEqual([one.result().json["state"] for one in slow_ones], ["pending"] * 4)


if __name__ == "__main__":
    unittest.main()
