"""HTTPS by Keyturn itself: certificates, secure cookies, and a command line that does not trust what it should not."""
import http.client
import json
import pathlib
import shutil
import ssl
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, Answer, Keyturn  # noqa: E402
from support.passkey import Browser  # noqa: E402


class Https(Keyturn):
    @property
    def url(self):
        return f"https://localhost:{self.port}"

    def http(self, method, path, who=None, body=None, headers=None, raw_body=None, timeout=DEADLINE, host=None):
        context = ssl.create_default_context(cafile=str(self.folder / "cert.pem"))
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=timeout, context=context)
        try:
            given = dict(headers or {})
            if who is not None:
                given["Authorization"] = "Bearer " + self.tokens.get(who, who)
            payload = raw_body if body is None else json.dumps(body)
            if body is not None:
                given["Content-Type"] = "application/json"
            connection.request(method, path, body=payload, headers=given)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()


@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Https(start=False, people={}, agents={})
        cls.addClassCleanup(cls.k.close)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost", "-keyout", str(cls.k.folder / "key.pem"), "-out", str(cls.k.folder / "cert.pem")],
                       check=True, capture_output=True)
        cls.k.config_file.write_text(f"tls: {{certificate: {cls.k.folder}/cert.pem, key: {cls.k.folder}/key.pem}}\n")
        cls.k.add_person("ada", ["dba"])
        cls.k.start()
        cls.k.add_person("olga")
        cls.k.add_agent("bot", "olga")

    def test_an_action_over_https(self):
        self.assertEqual(self.k.request("echo", {"text": "safe"}, wait=20).json["state"], "succeeded")

    def test_plain_http_is_not_answered_on_the_same_port(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.k.port, timeout=DEADLINE)
        with self.assertRaises((OSError, http.client.HTTPException)):
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            if answer.status >= 400:
                raise OSError("refused in words")
        connection.close()

    def test_old_protocols_are_refused(self):
        context = ssl.create_default_context(cafile=str(self.k.folder / "cert.pem"))
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        connection = http.client.HTTPSConnection("localhost", self.k.port, timeout=DEADLINE, context=context)
        with self.assertRaises(OSError):
            connection.request("GET", "/healthz")
        connection.close()

    def test_cookies_are_secure_and_bound_to_the_host(self):
        browser = Browser(self.k, "ada")
        self.assertTrue(browser.set_cookie.startswith("__Host-"), browser.set_cookie)
        self.assertIn("Secure", browser.set_cookie)
        action = self.k.request("append-session", {"text": "over https"}).json
        self.assertEqual(browser.vote(action).status, 200)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")

    def test_the_command_line_refuses_a_certificate_that_nobody_vouches_for(self):
        done = self.k.cli("list", token="bot", check=False)
        self.assertEqual(done.code, 7, done.out + done.err)
        self.assertRegex(done.err.lower(), "certificate|ssl|tls")


if __name__ == "__main__":
    unittest.main()
