"""HTTP tools on a running server: what people review is what is sent, byte for byte; what answers mean; credentials; TLS; what a crash leaves."""
import base64
import hashlib
import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import issuers, web  # noqa: E402
from support.keyturn import POLICY, Keyturn, contains, until  # noqa: E402

RULES = POLICY + """\
- {id: asks, match: {tool: ["ask.*"]}, effect: require, require: {quorum: {sre: 1}, assurance: token, expires: 1h}}
- {id: rest, match: {tool: ["do.*"]}, effect: allow}
- {id: by-fact, match: {tool: ["fact.*"]}, when: 'facts.http.method == "GET" && facts.http.host == "127.0.0.1" && facts.http.path.startsWith("/v1/open/")', effect: allow}
"""
TOOLS = """\
tools:
  ask.restart:
    description: Restarts a service.
    http:
      server: @URL@
      method: POST
      path: /v1/services/{{name}}/restart
      query: {force: "{{force}}"}
      headers: {X-Why: "{{why}}", X-Key: {secret: env:API_KEY, prefix: "k="}}
      body: {json: {name: "{{name}}", count: "{{count}}", why: "because: {{why}}", pin: "{{pin}}"}}
      idempotency_key: true
    params: {name: {type: string}, force: {type: boolean, required: false}, why: {type: string, default: none}, count: {type: integer, default: 1}, pin: {type: string, secret: true, required: false}}
    resource: {kind: service, name: api, env: prod}
  ask.deploy:
    http: {server: @URL@, method: PUT, path: "/v1/config/{{name}}", body: {json: {v: 2}}}
    preview: {path: "/v1/config/{{name}}", if_match: true}
    params: {name: {type: string}}
  do.get:
    http: {server: @URL@, method: GET, path: "/{{what}}"}
    params: {what: {type: string}}
    output_bytes_max: 4096
    timeout: 5s
  do.post:
    http: {server: @URL@, method: POST, path: "/{{what}}", failed_on: [503]}
    params: {what: {type: string}}
    timeout: 5s
  do.crm:
    http: {server: @ISSUERS@, method: GET, path: /whoami, credential: crm}
  do.key:
    http: {server: @URL@, method: GET, path: /v1/kept, credential: kept}
  do.own:
    http: {server: @ISSUERS@, method: GET, path: /whoami, headers: {Authorization: {credential: crm, field: token, prefix: "Bearer "}}}
  do.tls:
    http: {server: @TLS@, method: GET, path: /v1/secure, ca: "@CA@"}
  do.strange:
    http: {server: @TLS@, method: GET, path: /v1/secure, credential: kept-tls}
  fact.get:
    http: {server: @URL@, method: GET, path: "/v1/{{part}}/x"}
    params: {part: {type: string}}
---
apiVersion: keyturn/v1
kind: Credentials
credentials:
  crm: {oauth_client_credentials: {token_url: "@ISSUERS@/token", revocation_url: "@ISSUERS@/revoke", client_id: keyturn, client_secret: {secret: "env:CS"}}, only_to: ["@ISSUERS@/whoami"]}
  kept: {http_header: {header: X-Status-Token, prefix: "t ", value: {secret: "env:API_KEY"}}, only_to: ["@URL@/v1/"]}
  kept-tls: {http_header: {header: X-Status-Token, value: {secret: "env:API_KEY"}}}
"""
KEY = "s3cr3t-key-77/ab"


def request_of(action):
    """What people are shown of the request: its fields, its headers, its body."""
    run = lambda runs: "".join(one["t"] for one in runs)  # noqa: E731
    section = lambda title: next(one for one in action["display"] if one["title"] == title)  # noqa: E731
    fields = {run(field["name"]): run(field["value"]) for field in section("HTTP request")["fields"]}
    headers = {name.removeprefix("header "): value for name, value in fields.items() if name.startswith("header ")}
    return fields, headers, run(section("Body of the request")["runs"])


def shown(action):
    """The fields of what it would touch, a line each."""
    return "".join("".join(run["t"] for run in [*field["name"], {"t": ": "}, *field["value"], {"t": "\n"}])
                   for one in action["display"] if one["title"].startswith("What it would") for field in one.get("fields", []))


class Http(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="keyturn-web-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.ca, key = web.certificate(cls.folder.name)
        cls.web, cls.tls, cls.issuers = web.Web(), web.Web(web.server_tls(cls.ca, key)), issuers.Issuers()
        for one in (cls.web, cls.tls, cls.issuers):
            cls.addClassCleanup(one.close)
        cls.k = Keyturn(policy=RULES, tools=cls.filled(TOOLS), start=False)
        cls.addClassCleanup(cls.k.close)
        cls.environment = {"API_KEY": KEY, "CS": issuers.CLIENT_SECRET}
        cls.k.start(env=cls.environment)

    @classmethod
    def filled(cls, text):
        for name, value in {"URL": cls.web.url, "TLS": cls.tls.url, "ISSUERS": cls.issuers.url, "CA": cls.ca}.items():
            text = text.replace(f"@{name}@", str(value))
        return text

    def setUp(self):
        self.web.requests.clear()
        self.web.says.clear()

    def run_tool(self, tool, state="succeeded", **args):
        action = self.k.request(tool, args, wait=25).json
        self.assertEqual(action.get("state"), state, action)
        return action

    def approve(self, action):
        self.assertEqual(self.k.vote(action, "carol").status, 200)
        return self.k.settled(action["id"])

    def events(self, action):
        entries, at = [], 0
        while items := self.k.get(f"/v1/ledger/entries?from={at}&limit=256", "ada").json["items"]:
            entries += [json.loads(base64.b64decode(one["leaf"])) for one in items]
            at += len(items)
        return [one["type"] for one in entries if action["id"] in one["stream"]]

    def test_what_people_review_is_what_is_sent(self):
        asked = self.k.request("ask.restart", {"name": "web 1", "force": True, "why": "it hangs", "count": 2}).json
        seen = self.k.action(asked["id"], "carol").json
        fields, headers, body = request_of(seen)
        self.assertEqual((fields["method"], fields["URL"]), ("POST", f"{self.web.url}/v1/services/web%201/restart?force=true"))
        self.assertEqual(fields["SHA-256 of the body"], "sha256:" + hashlib.sha256(body.encode()).hexdigest())
        self.assertIn("env:API_KEY", json.dumps(seen["display"]))
        ended = self.approve(asked)
        self.assertEqual((ended["state"], ended["outcome"]["result"]["body"]), ("succeeded", {"ok": True}), ended)
        self.assertEqual(len(self.web.requests), 1)
        lines = ["POST /v1/services/web%201/restart?force=true HTTP/1.1", f"Host: 127.0.0.1:{self.web.port}", *(f"{n}: {v}" for n, v in headers.items()),
                 f"Idempotency-Key: {asked['id']}", f"X-Key: k={KEY}", f"Content-Length: {len(body)}"]
        self.assertEqual(sorted(self.web.heads()[0].split("\r\n")[1:]), sorted(lines[1:]))
        self.assertEqual(self.web.heads()[0].split("\r\n")[0], lines[0])
        self.assertEqual(self.web.requests[0].partition(b"\r\n\r\n")[2].decode(), body)
        self.assertEqual(json.loads(body), {"name": "web 1", "count": 2, "why": "because: it hangs"})
        self.assertEqual(contains(self.k.data, [KEY]), [])

    def test_a_secret_parameter_is_sent_and_never_shown(self):
        pin = "4711-secret-pin"
        self.web.says["/v1/services/a/restart"] = f"HTTP/1.1 200 OK\r\nContent-Length: {9 + len(pin)}\r\n\r\nyou said {pin}".encode()
        asked = self.k.request("ask.restart", {"name": "a", "pin": pin}).json
        fields, _, body = request_of(self.k.action(asked["id"], "carol").json)
        self.assertIn('"pin":"<secret: pin>"', body)
        self.assertNotIn("SHA-256 of the body", fields)
        ended = self.approve(asked)
        self.assertEqual(ended["outcome"]["result"]["body"], "you said [redacted:pin]")
        self.assertIn(f'"pin":"{pin}"'.encode(), self.web.requests[0])

    def test_arguments_that_do_not_fit_are_refused_before_anybody_is_asked(self):
        for args, where in (({"name": "../admin"}, "/args/name"), ({"name": ".."}, "/args/name"), ({"name": "a%2fb"}, "/args/name"), ({"name": "a", "why": "x\r\nX-Evil: 1"}, "/args/why"),
                            ({"name": ""}, "/args/name"), ({"name": "a", "why": "ü"}, "/args/why")):
            answer = self.k.request("ask.restart", args)
            self.assertEqual((answer.status, answer.code, answer.json.get("pointer")), (400, "invalid_args", where), answer)
        self.assertEqual(self.web.requests, [])

    def test_facts_of_the_request_decide(self):
        self.run_tool("fact.get", part="open")
        self.run_tool("fact.get", "denied", part="closed")
        self.assertEqual(len(self.web.requests), 1)

    def test_what_answers_mean(self):
        def says(status, more=b"Content-Length: 0\r\n\r\n"):
            return b"HTTP/1.1 %d Some\r\n" % status + more
        for status, get, post in ((204, "succeeded", "succeeded"), (302, "failed", "unknown"), (404, "failed", "failed"), (500, "failed", "unknown"), (503, "failed", "failed")):
            self.web.says["/a"] = says(status)
            self.run_tool("do.get", get, what="a")
            self.run_tool("do.post", post, what="a")
        self.web.says["/cut"] = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
        self.assertIn("not all of the answer came", self.run_tool("do.post", "unknown", what="cut")["outcome"]["reason"])
        self.web.says["/none"] = b""
        self.run_tool("do.get", "failed", what="none")
        self.assertIn("whether it took effect is not known", self.run_tool("do.post", "unknown", what="none")["outcome"]["reason"])

    def test_a_look_is_shown_and_a_change_returns_to_review(self):
        def page(version):
            body = json.dumps({"v": version}).encode()
            return b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: "e%d"\r\nContent-Length: %d\r\n\r\n%s' % (version, len(body), body)

        def config(version):
            def say(connection):
                connection.sendall(page(version) if self.web.requests[-1].startswith(b"GET") else web.OK)
            return say
        self.web.says["/v1/config/a"] = config(1)
        asked = self.k.request("ask.deploy", {"name": "a"}).json
        self.assertIn("body.v: 1\n", shown(self.k.action(asked["id"], "carol").json))
        self.web.says["/v1/config/a"] = config(2)
        self.k.vote(asked, "carol")
        again = self.k.action(asked["id"], "carol").json
        self.assertEqual(again["state"], "pending", again)
        self.assertIn("body.v: 2\n", shown(again))
        self.assertEqual(self.approve(again)["state"], "succeeded")
        self.assertEqual([head.split("\r\n")[0].split()[0] for head in self.web.heads()].count("PUT"), 1)
        self.assertIn('If-Match: "e2"', self.web.heads()[-1])

    def test_credentials_are_issued_for_one_request_and_revoked(self):
        for tool in ("do.crm", "do.own"):
            action = self.run_tool(tool)
            self.assertEqual(action["outcome"]["result"]["body"], {"kind": "client"})
            self.assertEqual([one for one in self.events(action) if one.startswith("credential")], ["credential.issued", "credential.revoked"])
        self.assertEqual(self.issuers.good, {})
        self.run_tool("do.key")
        self.assertIn(f"X-Status-Token: t {KEY}", self.web.heads()[-1])
        self.assertEqual(contains(self.k.data, [KEY, issuers.CLIENT_SECRET, *self.issuers.issued]), [])

    def test_a_certificate_must_be_good_for_the_server(self):
        self.run_tool("do.tls")
        before = len(self.tls.requests)
        self.assertIn("TLS", self.run_tool("do.strange", "failed")["outcome"]["reason"])
        self.assertEqual(len(self.tls.requests), before)

    def test_after_a_crash_what_was_sent_is_unknown_and_is_not_sent_again(self):
        with Keyturn(policy=RULES, tools=self.filled(TOOLS), start=False) as k:
            k.start(env={**self.environment, "http_proxy": "http://127.0.0.1:9"})  # a proxy of the environment is none of its
            self.web.says["/hang"] = lambda _: self.web.ended.wait(30)
            action = k.request("do.post", {"what": "hang"}).json
            until(lambda: self.web.requests, "nothing was sent")
            k.kill9()
            k.start(env=self.environment)
            ended = k.settled(action["id"])
            self.assertEqual(ended["state"], "unknown", ended)
            self.assertEqual(len(self.web.requests), 1)

    def test_what_is_wrong_is_said_with_its_line(self):
        with Keyturn(policy=RULES, tools="tools: {}", start=False) as k:
            wrong = self.filled(TOOLS).replace(f'only_to: ["{self.issuers.url}/whoami"]', 'only_to: ["https://elsewhere.example/"]').replace("method: PUT", "method: PUTT")
            k.write_tools(wrong)
            done = k.host("serve", "--check", "--policy", str(k.policy_file), "--tools", str(k.tools_file), check=False)
            said = done.out + done.err
            self.assertIn("method is GET, HEAD, POST, PUT, PATCH or DELETE", said)
            self.assertIn("credential crm is only sent to https://elsewhere.example/, not to " + self.issuers.url + "/whoami", said)


if __name__ == "__main__":
    unittest.main()
