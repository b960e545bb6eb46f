"""Keyturn's WebSocket client against npm ws."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import BIN, DEADLINE  # noqa: E402
from support.npm import install  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent / "websocket"
CLIENT = pathlib.Path(os.environ.get("KEYTURN_WEBSOCKET_CLIENT", BIN.parent / "keyturn_websocket_client"))


def certificate(folder, name):
    cert, key = f"{folder}/{name}.pem", f"{folder}/{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", cert], check=True, capture_output=True, timeout=DEADLINE)
    return cert, key


class Server:
    def __init__(self, *arguments):
        self.process = subprocess.Popen(["node", "server.mjs", *arguments], cwd=HERE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def close(self):
        self.process.terminate()
        self.process.wait(DEADLINE)
        self.process.stdout.close()


def talk(url, *lines, ca="", idle_ms=30_000, bytes_max=1 << 20):
    """What was heard, and the code of the end."""
    said = subprocess.run([str(CLIENT), url, ca, str(idle_ms), str(bytes_max)], input="".join(f"{line}\n" for line in lines), capture_output=True, text=True,
                          timeout=DEADLINE, check=True).stdout.splitlines()
    return [line[2:] for line in said[:-1]], said[-1][2:]


class WebSockets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install(HERE)
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        cls.url = f"ws://127.0.0.1:{cls.server.port}"

    def test_messages_go_both_ways(self):
        self.assertEqual(talk(f"{self.url}/echo?a=b", "häl\u202elo", "x" * 70_000, "bye"), (["häl\u202elo", "x" * 70_000, "bye"], "closed"))
        self.assertEqual(talk(f"{self.url}/many"), (["1", "2", "3"], "closed"))

    def test_pings_are_answered_and_sent(self):
        self.assertEqual(talk(f"{self.url}/ping"), (["pong"], "closed"))
        self.assertEqual(talk(f"{self.url}/pinged", "PING"), (["pinged"], "closed"))
        self.assertEqual(talk(f"{self.url}/pinged", idle_ms=400), (["pinged"], "closed"), "by itself, when nothing comes")

    def test_what_ends_it_has_a_code(self):
        self.assertEqual(talk(f"{self.url}/binary")[1], "not_text")
        self.assertEqual(talk(f"{self.url}/large", bytes_max=99_999)[1], "too_large")
        self.assertEqual(talk(f"{self.url}/large", bytes_max=100_000)[1], "closed")
        self.assertEqual(talk(f"{self.url}/bad")[1], "transfer_failed")
        self.assertIn(talk(f"{self.url}/cut")[1], ("transfer_failed", "closed"))
        self.assertEqual(talk(f"{self.url}/silent", idle_ms=300)[1], "timeout")
        self.assertEqual(talk(f"{self.url}/echo", "CLOSE")[1], "closed")
        self.assertEqual(talk(f"{self.url}/401")[1], "declined")
        self.assertEqual(talk("ws://127.0.0.1:1/")[1], "cannot_connect")

    def test_only_what_may_be_called(self):
        for url in ("ws://keyturn.example/", "http://127.0.0.1/", "ws://127.evil.example/", "wss://a@b/", "wss:///x", "wss://host:0/", "ws://127.0.0.1:1/a b", "wss://host:1x/"):
            with self.subTest(url):
                self.assertEqual(talk(url), ([], "bad_url"))

    def test_the_certificate_is_checked(self):
        good, key = certificate(self.folder.name, "localhost")
        other, _ = certificate(self.folder.name, "elsewhere.example")
        server = Server(good, key)
        self.addCleanup(server.close)
        self.assertEqual(talk(f"wss://localhost:{server.port}/echo", "bye", ca=good), (["bye"], "closed"))
        self.assertEqual(talk(f"wss://127.0.0.1:{server.port}/echo", ca=good)[1], "tls_failed", "another name")
        self.assertEqual(talk(f"wss://localhost:{server.port}/echo", ca=other)[1], "tls_failed", "another root")
        self.assertEqual(talk(f"wss://localhost:{server.port}/echo")[1], "tls_failed", "the system's roots")
        self.assertEqual(talk(f"wss://localhost:{server.port}/echo", ca=f"{self.folder.name}/none")[1], "bad_tls")


if __name__ == "__main__":
    unittest.main()
