"""OpenID providers for tests: npm oidc-provider, and one that says whatever it is told to. And a browser's way through them."""
import contextlib
import http.client
import http.cookies
import ipaddress
import json
import queue
import secrets
import subprocess
import threading
import urllib.parse

from .keyturn import DEADLINE, ROOT, Failed, free_port
from .npm import install

HERE = ROOT / "tests/peers/oidc"


class Server:
    """A Node.js script that prints its port when it listens. Port 0: any."""

    def __init__(self, script, port, *arguments):
        install(HERE)
        self.script, self.port, self.arguments = script, port, arguments
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(["node", self.script, str(self.port), *self.arguments], cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        lines = queue.Queue()
        threading.Thread(target=lambda: lines.put(self.process.stdout.readline()), daemon=True).start()
        with contextlib.suppress(queue.Empty, ValueError):
            self.port = int(lines.get(timeout=DEADLINE))
            return self
        self.process.kill()
        raise Failed(f"{self.script} did not start: {self.process.stderr.read()}")

    def close(self):
        self.process.terminate()
        self.process.wait(DEADLINE)
        self.process.stdout.close()
        self.process.stderr.close()

    def control(self, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            connection.request("GET" if body is None else "POST", "/control", body=None if body is None else json.dumps(body))
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


class Forger(Server):
    def __init__(self):
        super().__init__("forger.mjs", 0)

    def issuer(self, name):
        return f"http://127.0.0.1:{self.port}/{name}"


class OidcProvider(Server):
    """npm oidc-provider. restart() gives it new keys."""

    def __init__(self, keyturn_url, accounts, names=("corp",), **more):
        setting = {"redirect_uris": [f"{keyturn_url}/auth/{name}/callback" for name in names], "post_logout_redirect_uris": [f"{keyturn_url}/login"],
                   "accounts": accounts, **more}
        super().__init__("provider.mjs", free_port(), json.dumps(setting))

    @property
    def issuer(self):
        return f"http://localhost:{self.port}"

    def at_keyboard(self, account):
        self.control({"account": account})

    def restart(self):
        self.close()
        self.start()


class Surfer:
    """A browser without scripts: cookies by host and port, redirects followed, nothing else."""

    def __init__(self):
        self.jars = {}
        self.address = str(ipaddress.ip_address("10.0.0.0") + secrets.randbelow(2**24))  # where Keyturn trusts a proxy: one peer each

    def cookies(self, url):
        return self.jars.setdefault(urllib.parse.urlsplit(url).netloc, {})

    def request(self, method, url, body=None, headers=()):
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=DEADLINE)
        try:
            given = {"Host": parts.netloc, "X-Forwarded-For": self.address, **dict(headers)}
            if self.cookies(url):
                given["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies(url).items())
            connection.request(method, parts.path + ("?" + parts.query if parts.query else ""), body=body, headers=given)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            for name, value in answer.getheaders():
                if name.lower() == "set-cookie":
                    for key, morsel in http.cookies.SimpleCookie(value).items():
                        if morsel.value and morsel["max-age"] != "0":
                            self.cookies(url)[key] = morsel.value
                        else:
                            self.cookies(url).pop(key, None)
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, text
        finally:
            connection.close()

    def follow(self, url, until=None):
        """GET and every redirect, up to where `until` is at the start of an address (which is not asked for) or there is no more redirect."""
        for _ in range(20):
            if until is not None and url.startswith(until):
                return url
            status, headers, text = self.request("GET", url)
            if status not in (301, 302, 303):
                return status, text
            url = urllib.parse.urljoin(url, headers["location"])
        raise Failed(f"too many redirects, last to {url}")
