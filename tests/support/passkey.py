"""An authenticator made of Python: P-256 keys and WebAuthn answers, honest or forged in one detail. And a browser's session."""
import base64
import hashlib
import json
import re
import secrets

# SEC 2, secp256r1.
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)


def _add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def _times(k, point):
    out = None
    while k:
        if k & 1:
            out = _add(out, point)
        point, k = _add(point, point), k >> 1
    return out


def _der_integer(value):
    data = value.to_bytes((value.bit_length() + 8) // 8, "big")
    return b"\x02" + bytes([len(data)]) + data


class Key:
    def __init__(self):
        self.secret = secrets.randbelow(N - 1) + 1
        self.public = _times(self.secret, G)

    def sign(self, message):
        digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
        while True:
            k = secrets.randbelow(N - 1) + 1
            r = _times(k, G)[0] % N
            s = pow(k, -1, N) * (digest + r * self.secret) % N
            if r and s:
                body = _der_integer(r) + _der_integer(s)
                return b"\x30" + bytes([len(body)]) + body

    def cose(self):
        x, y = (v.to_bytes(32, "big") for v in self.public)
        return b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" + x + b"\x22\x58\x20" + y


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _cbor_bytes(data):
    return b"\x59" + len(data).to_bytes(2, "big") + data


def client_data(kind, challenge, origin, cross_origin=False, **more):
    return json.dumps({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": cross_origin, **more}).encode()


UP, UV, AT = 0x01, 0x04, 0x40


class Passkey:
    """One credential of one person. The keyword arguments of create() and use() are where a forger would turn."""

    def __init__(self, origin, rp_id="localhost"):
        self.origin, self.rp_id = origin, rp_id
        self.key, self.id, self.counter = Key(), secrets.token_bytes(16), 0

    def _authenticator_data(self, rp_id, flags, extra=b""):
        self.counter += 1
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big") + extra

    def create(self, options, origin=None, rp_id=None, flags=UP | UV | AT, kind="webauthn.create", challenge=None):
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + self.key.cose()
        data = self._authenticator_data(rp_id or self.rp_id, flags, attested)
        statement = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData" + _cbor_bytes(data)
        return self._envelope({"clientDataJSON": b64(client_data(kind, challenge or options["challenge"], origin or self.origin)),
                               "attestationObject": b64(statement)})

    def use(self, options, origin=None, rp_id=None, flags=UP | UV, kind="webauthn.get", challenge=None, cross_origin=False, key=None, credential_id=None):
        data = self._authenticator_data(rp_id or self.rp_id, flags)
        client = client_data(kind, challenge or options["challenge"], origin or self.origin, cross_origin)
        signature = (key or self.key).sign(data + hashlib.sha256(client).digest())
        return self._envelope({"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature)}, credential_id)

    def _envelope(self, response, credential_id=None):
        shown = b64(credential_id or self.id)
        return {"id": shown, "rawId": shown, "type": "public-key", "clientExtensionResults": {}, "response": response}


class Browser:
    """A person's browser: cookie, CSRF token and Origin, with a passkey."""

    def __init__(self, server, person, enrol=True):
        self.server, self.person = server, person
        self.passkey = Passkey(server.url)
        self.cookie = self.csrf = None
        if enrol:
            self.enrol(server.enrol_link(person))

    def _open(self, answer):
        assert answer.status in (200, 201), answer
        self.set_cookie = answer.headers["set-cookie"]
        self.cookie = re.match(r"([^=]+=[^;]+)", self.set_cookie)[1]
        self.csrf = self.get("/v1/me").json["csrf"]
        return answer

    def enrol(self, link):
        token = link.split("#", 1)[1]
        began = self.anonymous("/auth/enrol/begin", {"token": token})
        assert began.status == 200, began
        return self._open(self.anonymous("/auth/enrol/finish", {
            "ceremony": began.json["ceremony"], "token": token, "credential": self.passkey.create(began.json["options"]), "label": "test"}))

    def login(self, **forged):
        began = self.anonymous("/auth/login/begin", {})
        assert began.status == 200, began
        return self.anonymous("/auth/login/finish", {"ceremony": began.json["ceremony"], "credential": self.passkey.use(began.json["options"], **forged)})

    def sign_in(self):
        return self._open(self.login())

    def anonymous(self, path, body, **headers):
        return self.server.post(path, None, body, headers={"Origin": self.server.url, **headers})

    def get(self, path, **headers):
        return self.server.get(path, headers={"Cookie": self.cookie, **headers})

    def send(self, method, path, body=None, drop=(), **headers):
        """With everything that a browser's request needs, apart from what `drop` names."""
        given = {"Cookie": self.cookie, "Origin": self.server.url, "X-Keyturn-CSRF": self.csrf, **headers}
        return self.server.http(method, path, None, body, headers={k: v for k, v in given.items() if k not in drop})

    def post(self, path, body=None, **more):
        return self.send("POST", path, {} if body is None else body, **more)

    def vote(self, action, decision="approve", **more):
        return self.post(f"/v1/actions/{action['id']}/votes", {"decision": decision, "digest": action["digest"], **more})

    def challenge(self, action, decision="approve"):
        return self.post(f"/v1/actions/{action['id']}/votes/challenge", {"decision": decision})

    def signed_vote(self, action, decision="approve", **forged):
        began = self.challenge(action, decision)
        assert began.status == 200, began
        assertion = {"ceremony": began.json["ceremony"], "credential": self.passkey.use(began.json["options"], **forged)}
        return self.vote(action, decision, assertion=assertion)
