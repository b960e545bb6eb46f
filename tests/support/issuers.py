"""What issues credentials, on loopback: an OAuth token server, a Kubernetes API, AWS STS, Vault. They verify what they are sent
(STS: the signature, worked out here once more from AWS's description) and remember what they saw and what is still good."""
import base64
import datetime
import hashlib
import hmac
import http.server
import json
import re
import secrets
import sys
import threading
import urllib.parse

CLIENT, CLIENT_SECRET = "keyturn", "cs-" + secrets.token_hex(16)
SUBJECT = "subject-" + secrets.token_hex(16)
KUBERNETES, VAULT = "k8s-" + secrets.token_hex(16), "hvs." + secrets.token_hex(16)
AWS_ID, AWS_KEY = "AKIA" + secrets.token_hex(8).upper(), "aws-" + secrets.token_hex(16)
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
SECRETS = [CLIENT_SECRET, SUBJECT, KUBERNETES, VAULT, AWS_KEY]


def _time(after=0):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=after)).strftime("%Y-%m-%dT%H:%M:%SZ")


def sigv4(method, path, headers, body, key, scope, names):
    """The signature that AWS would work out, from the request as it came."""
    canonical = "\n".join([method, path, "", *(f"{n}:{' '.join(headers[n].split())}" for n in names), "", ";".join(names), hashlib.sha256(body).hexdigest()])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signing = ("AWS4" + key).encode()
    for part in scope.split("/"):
        signing = hmac.new(signing, part.encode(), hashlib.sha256).digest()
    return hmac.new(signing, to_sign.encode(), hashlib.sha256).hexdigest()


class Issuers:
    """`seen`: (method, path, parsed body, headers); `good`: credential -> what it is; refuse: paths that answer 403."""

    def __init__(self):
        self.seen, self.good, self.issued, self.objects, self.refuse, self.deaf = [], {}, [], {}, set(), set()
        self.says = {}  # path -> (status, body), or what gives it: instead of its answer
        issuers = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                status, said = issuers.take(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                out = said.encode() if isinstance(said, str) else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/xml" if isinstance(said, str) else "application/json")
                self.send_header("Content-Length", str(len(out)))
                self.end_headers()
                self.wfile.write(out)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                if not isinstance(sys.exc_info()[1], ConnectionError):  # a client that was killed
                    raise

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def calls(self, path):
        return [one for one in self.seen if one[1].partition("?")[0] == path]

    def issue(self, kind):
        text = f"{kind}-{secrets.token_hex(20)}"
        self.good[text] = kind
        self.issued.append(text)
        return text

    def take(self, method, target, headers, body):
        path = target.partition("?")[0]
        parsed = body.decode()
        if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            parsed = dict(urllib.parse.parse_qsl(parsed, keep_blank_values=True, strict_parsing=True))
        elif body:
            parsed = json.loads(body)
        self.seen.append((method, target, parsed, headers))
        if path in self.says:
            return self.says[path]() if callable(self.says[path]) else self.says[path]
        if path in self.refuse:  # with a body that says a secret again: nothing of it may be passed on
            return 403, {"error": "access_denied", "error_description": "not with " + CLIENT_SECRET, "reason": "Forbidden"}
        if path == "/whoami":
            kind = self.good.get(headers.get("authorization", "").removeprefix("Bearer "))
            return (200, {"kind": kind}) if kind else (401, {})
        if path in ("/token", "/revoke"):
            return self.oauth(path, headers, parsed)
        if path.startswith("/api/v1/namespaces/web/"):
            return self.kubernetes(method, path.removeprefix("/api/v1/namespaces/web"), target, headers, parsed)
        if path.startswith("/v1/"):
            return self.vault(method, path.removeprefix("/v1/"), headers, parsed)
        if path == "/sts/":
            return self.sts(method, path, headers, body, parsed)
        return 404, {}

    # ------------------------------------------------------------ RFC 6749 §4.4, RFC 8693, RFC 7009
    def oauth(self, path, headers, form):
        basic = "Basic " + base64.b64encode(f"{CLIENT}:{CLIENT_SECRET}".encode()).decode()
        in_body = form.get("client_id") == CLIENT and form.get("client_secret") == CLIENT_SECRET
        if (headers.get("authorization") == basic) == in_body:  # one of them, not both
            return 401, {"error": "invalid_client"}
        if path == "/revoke":
            self.good.pop(form["token"], None)
            return 200, {}
        if form["grant_type"] == EXCHANGE and form.get("subject_token") != SUBJECT:
            return 400, {"error": "invalid_grant"}
        if form["grant_type"] not in (EXCHANGE, "client_credentials"):
            return 400, {"error": "unsupported_grant_type"}
        kind = "exchanged" if form["grant_type"] == EXCHANGE else "client"
        return 200, {"access_token": self.issue(kind), "token_type": "Bearer", "expires_in": 300, "scope": form.get("scope", "")}

    # ------------------------------------------------------------ TokenRequest, and Secrets that tokens are bound to
    def kubernetes(self, method, path, target, headers, body):
        if headers.get("authorization") != "Bearer " + KUBERNETES:
            return 401, {"reason": "Unauthorized"}
        if path == "/serviceaccounts/scaler/token":
            spec = body["spec"]
            if spec["expirationSeconds"] < 600 or body["kind"] != "TokenRequest" or body["apiVersion"] != "authentication.k8s.io/v1":
                return 422, {"reason": "Invalid"}
            token = self.issue("kubernetes")
            if bound := spec.get("boundObjectRef"):
                known = self.objects.get(bound["name"])
                if known is None or known["metadata"]["uid"] != bound["uid"]:
                    return 409, {"reason": "Conflict"}
                known["token"] = token
            return 201, {"kind": "TokenRequest", "status": {"token": token, "expirationTimestamp": _time(spec["expirationSeconds"])}}
        if method == "POST" and path == "/secrets":
            body["metadata"]["uid"] = secrets.token_hex(8)
            self.objects[body["metadata"]["name"]] = body
            return 201, body
        if method == "GET" and path == "/secrets":
            name, _, value = urllib.parse.parse_qs(target.partition("?")[2])["labelSelector"][0].partition("=")
            return 200, {"items": [one for one in self.objects.values() if one["metadata"]["labels"].get(name) == value]}
        if method == "DELETE" and path.startswith("/secrets/"):
            gone = self.objects.pop(path.removeprefix("/secrets/"), None)
            if gone is None:
                return 404, {"reason": "NotFound"}
            self.good.pop(gone.get("token"), None)
            return 200, {"status": "Success"}
        return 404, {"reason": "NotFound"}

    # ------------------------------------------------------------ dynamic secrets with leases
    def vault(self, method, path, headers, body):
        if headers.get("x-vault-token") != VAULT or headers.get("x-vault-request") != "true":
            return 403, {"errors": ["permission denied"]}
        if method == "GET" and path == "database/creds/readonly":
            password = self.issue("leased")
            lease = "database/creds/readonly/" + secrets.token_hex(8)
            self.objects[lease] = password
            return 200, {"lease_id": lease, "lease_duration": 3600, "renewable": True, "data": {"username": "v-keyturn", "password": password}}
        if method == "GET" and path == "kv/static":
            return 200, {"lease_id": "", "lease_duration": 0, "data": {"username": "u", "password": "p"}}
        if method == "PUT" and path == "sys/leases/revoke":
            self.good.pop(self.objects.pop(body["lease_id"], None), None)
            return 204, ""
        return 404, {"errors": []}

    # ------------------------------------------------------------ AssumeRole
    def sts(self, method, path, headers, body, form):
        found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})", headers.get("authorization", ""))
        denied = 403, "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error></ErrorResponse>"
        if not found or found[1] != AWS_ID or not {"host", "x-amz-date"} <= set(found[3].split(";")):
            return denied
        if sigv4(method, path, headers, body, AWS_KEY, found[2], found[3].split(";")) != found[4] or found[2].split("/")[1:] != ["eu-central-1", "sts", "aws4_request"]:
            return denied
        if form["Action"] != "AssumeRole" or int(form["DurationSeconds"]) < 900 or not re.fullmatch(r"[\w+=,.@-]{2,64}", form["RoleSessionName"]):
            return 400, "<ErrorResponse><Error><Code>ValidationError</Code></Error></ErrorResponse>"
        token = self.issue("session")
        return 200, ('<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
                     f"<AccessKeyId>ASIA{secrets.token_hex(8).upper()}</AccessKeyId><SecretAccessKey>{self.issue('session-key')}</SecretAccessKey>"
                     f"<SessionToken>{token}</SessionToken><Expiration>{_time(int(form['DurationSeconds']))}</Expiration>"
                     "</Credentials></AssumeRoleResult></AssumeRoleResponse>")
