"""Exports: to a file, to a webhook, to syslog over TLS; at least once, in order, and nobody waits for them."""
import base64
import contextlib
import hashlib
import hmac
import http.client
import http.server
import json
import pathlib
import queue
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, Keyturn, contains, free_port, until  # noqa: E402

KEY = b"0123456789abcdef0123456789abcdef"
WHSEC = "whsec_" + base64.b64encode(KEY).decode()
HIDDEN = "quite-private-argument"  # what agents say must not be in any export
TOKEN = "t0ken-in-the-path"


class Webhook:
    """A receiver that checks every signature. `answer` decides what it says; `open` holds it back."""

    def __init__(self, port=0, context=None):
        self.requests, self.answer, self.open, self.arrived = [], lambda n: (204, {}), threading.Event(), queue.Queue()
        self.open.set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                request = {"id": self.headers["webhook-id"], "timestamp": self.headers["webhook-timestamp"], "type": self.headers["content-type"], "body": body,
                           "good": outer.good(self.headers, body)}
                outer.arrived.put(request)
                outer.open.wait(DEADLINE)
                outer.requests.append(request)
                status, headers = outer.answer(len(outer.requests))
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("content-length", "0")
                    self.end_headers()
                request["status"] = status

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def good(headers, body):
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        mine = "v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        return headers["webhook-signature"] == mine and abs(int(headers["webhook-timestamp"]) - time.time()) < 300

    def indexes(self):
        """Of what was accepted, in the order of its coming (ndjson)."""
        return [json.loads(line)["index"] for request in list(self.requests) if request.get("status") == 204 for line in request["body"].decode().splitlines()]

    def close(self):
        self.open.set()
        self.server.shutdown()
        self.server.server_close()


class Syslog:
    """A receiver over TCP or TLS with octet counting."""

    def __init__(self, context=None, port=0):
        self.messages, self.context, self.connections = [], context, []
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.read, args=(connection,), daemon=True).start()

    def read(self, connection):
        with contextlib.suppress(OSError, ssl.SSLError):
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            self.connections.append(connection)
            data = b""
            while True:
                piece = connection.recv(65536)
                if not piece:
                    return
                data += piece
                while found := re.match(rb"([1-9][0-9]*) ", data):
                    end = found.end() + int(found[1])
                    if len(data) < end:
                        break
                    self.messages.append(data[found.end():end].decode())
                    data = data[end:]

    def indexes(self):
        return [int(re.search(r' index="(\d+)"', message)[1]) for message in list(self.messages)]

    def hang_up(self):
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self.connections = []

    def close(self):
        self.listener.close()
        self.hang_up()


def gapless(indexes, start, end):
    """Every index from start to end is there, and first comes in order; returns how many came more than once."""
    first = list(dict.fromkeys(indexes))
    assert first == list(range(start, end)), (start, end, indexes)
    return len(indexes) - len(first)


def certificate(folder, name="localhost"):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext",
                    f"subjectAltName=DNS:{name}", "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"], check=True, capture_output=True)
    return f"{folder}/{name}.pem", f"{folder}/{name}.key"


class Exports(unittest.TestCase):
    def folder(self):
        made = tempfile.TemporaryDirectory(prefix="keyturn-exports-")
        self.addCleanup(made.cleanup)
        path = pathlib.Path(made.name)
        (path / "whsec").write_text(WHSEC + "\n")
        (path / "whsec").chmod(0o600)
        return path

    def keyturn(self, config, **more):
        k = Keyturn(config=config, **more)
        self.addCleanup(k.close)
        return k

    def webhook(self, **more):
        made = Webhook(**more)
        self.addCleanup(made.close)
        return made

    def to_webhook(self, receiver, folder, more="from: beginning"):
        return (f"exports:\n- name: siem\n  format: ndjson\n  to: {{webhook: {{url: 'http://localhost:{receiver.port}/{TOKEN}', "
                f"secret: {{secret: 'file:{folder}/whsec'}}}}}}\n  {more}\n")

    def size(self, k):
        return k.get("/v1/exports", "ada").json["size"]

    def state(self, k, name="siem"):
        return next(item for item in k.get("/v1/exports", "ada").json["items"] if item["name"] == name)

    def caught_up(self, k, name="siem"):
        return until(lambda: (lambda s: s["lag"] == 0 and s["status"] == "running" and s)(self.state(k, name)), f"it did not catch up: {self.state(k, name)}")

    # ------------------------------------------------------------ files
    def test_a_file_has_every_entry_once_in_order_with_its_hash_and_nothing_private(self):
        folder = self.folder()
        names = ("ndjson", "ocsf", "cloudevents", "syslog", "cef", "otlp")
        k = self.keyturn("exports:\n" + "".join(f"- {{name: {n}, format: {n}, from: beginning, to: {{file: {folder}/{n}}}}}\n" for n in names))
        for n in range(3):
            k.request("echo", {"text": f"{HIDDEN} {n}"}, wait=20, reason=HIDDEN)
        k.request("forbidden", {}, wait=20, reason=HIDDEN)
        k.request("append-one", {"text": HIDDEN})
        k.restart()
        k.request("echo", {"text": HIDDEN}, wait=20)
        size = self.size(k)
        for name in names:
            self.caught_up(k, name)
            lines = (folder / name).read_text().splitlines()
            self.assertEqual(len(lines), size, name)
        entries = {}
        while len(entries) < size:
            for item in k.get(f"/v1/ledger/entries?from={len(entries)}&limit=256", "ada").json["items"]:
                entries[item["index"]] = item
        for n, line in enumerate((folder / "ndjson").read_text().splitlines()):
            event = json.loads(line)
            self.assertEqual((event["index"], event["leaf_hash"]), (n, entries[n]["hash"]))
            again = json.dumps(event["leaf"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
            self.assertEqual(hashlib.sha256(b"\0" + again).hexdigest(), event["leaf_hash"])
        secrets = [HIDDEN, *k.token_secrets]
        self.assertEqual(contains(folder, secrets), [])

    def test_hostile_words_of_an_agent_make_no_second_event_in_any_format(self):
        folder = self.folder()
        names = ("ndjson", "ocsf", "cloudevents", "syslog", "cef", "otlp")
        k = self.keyturn("exports:\n" + "".join(f"- {{name: {n}, format: {n}, from: beginning, to: {{file: {folder}/{n}}}}}\n" for n in names))
        for words in ("x\n<110>1 - h keyturn - action.decided [keyturn@32473 index=\"9\"] allowed", 'x"} \r\n{"index": 9}', "x|0| outcome=success suser=ada",
                      "x\u2028CEF:0|Keyturn|Keyturn|1|a|b|0|", "x\u0085\u202e]\\", "\\", '\\"]'):
            k.request(words, {})
            self.assertEqual(k.request("echo", {"text": "x"}, wait=20, claims={"on_behalf_of": words, "model": words}).status, 200)
        size = self.size(k)
        for name in names:
            self.caught_up(k, name)
            text = (folder / name).read_bytes().decode()
            self.assertEqual(len(text.splitlines()), size, name)  # splits at U+2028 and U+0085, too
            self.assertFalse(re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", text), name)

    # ------------------------------------------------------------ webhooks
    def test_a_webhook_gets_signed_batches_and_a_denial(self):
        folder, receiver = self.folder(), self.webhook()
        k = self.keyturn(self.to_webhook(receiver, folder))
        k.request("echo", {"text": HIDDEN}, wait=20)
        k.request("forbidden", {}, wait=20)
        self.caught_up(k)
        self.assertEqual(gapless(receiver.indexes(), 0, self.size(k)), 0)
        self.assertTrue(all(request["good"] and request["type"] == "application/x-ndjson" for request in receiver.requests))
        self.assertFalse(any(HIDDEN.encode() in request["body"] for request in receiver.requests))
        self.assertIn(b'"effect":"deny"', receiver.requests[-1]["body"] + receiver.requests[-2]["body"])

    def test_a_receiver_that_is_down_is_tried_again_said_once_and_misses_nothing(self):
        folder, port = self.folder(), free_port()

        class Nobody:
            pass
        nobody = Nobody()
        nobody.port = port
        k = self.keyturn(self.to_webhook(nobody, folder))
        k.request("echo", {"text": "x"}, wait=20)
        failing = until(lambda: (lambda s: s["status"] == "failing" and s)(self.state(k)), "it does not fail")
        self.assertEqual(failing["error"]["code"], "cannot_connect")
        self.assertGreater(failing["lag"], 0)
        metrics = k.get("/metrics").body.decode()
        self.assertRegex(metrics, r'keyturn_export_lag\{name="siem"\} [1-9]')
        self.assertIn('keyturn_export_failing{name="siem"} 1', metrics)
        receiver = self.webhook(port=port)
        receiver.answer = lambda n: (503, {"retry-after": "1"}) if n <= 2 else (204, {})
        self.caught_up(k)
        gapless(receiver.indexes(), 0, self.size(k))
        self.assertEqual(len({request["id"] for request in receiver.requests[:3]}), 1, "the same items, the same id")
        said = k.stderr()
        self.assertEqual(said.count("cannot deliver"), 1, said)
        self.assertEqual(said.count("delivers again"), 1, said)
        everything = said + json.dumps(failing) + metrics
        for secret in (TOKEN, WHSEC, WHSEC[6:]):
            self.assertNotIn(secret, everything)

    def test_410_stops(self):
        folder, receiver = self.folder(), self.webhook()
        receiver.answer = lambda n: (410, {})
        k = self.keyturn(self.to_webhook(receiver, folder))
        until(lambda: self.state(k)["status"] == "stopped", "it goes on")
        k.request("forbidden", {}, wait=20)
        k.request("forbidden", {}, wait=20)
        self.assertEqual(len(receiver.requests), 1)
        self.assertEqual(self.state(k)["next"], 0)

    def test_decisions_settle_while_the_receiver_has_accepted_nothing(self):
        folder, receiver = self.folder(), self.webhook()
        receiver.open.clear()
        k = self.keyturn(self.to_webhook(receiver, folder))
        receiver.arrived.get(timeout=DEADLINE)  # the delivery hangs from here on
        settled = [k.request("echo", {"text": str(n)}, wait=20).json["state"] for n in range(100)]
        settled += [k.request("forbidden", {}, wait=20).json["state"] for _ in range(10)]
        self.assertEqual(settled, ["succeeded"] * 100 + ["denied"] * 10)
        self.assertEqual(receiver.requests, [])
        receiver.open.set()
        self.caught_up(k)
        gapless(receiver.indexes(), 0, self.size(k))

    def test_killed_between_delivery_and_cursor_it_delivers_again_and_leaves_no_gap(self):
        folder, receiver = self.folder(), self.webhook()
        k = self.keyturn(self.to_webhook(receiver, folder))
        self.caught_up(k)
        before = self.size(k)
        for _ in range(3):
            receiver.open.clear()
            while not receiver.arrived.empty():
                receiver.arrived.get()
            k.request("forbidden", {}, wait=20)
            receiver.arrived.get(timeout=DEADLINE)  # it has all of it, and Keyturn does not know
            k.kill9()
            receiver.open.set()
            k.start()
        self.caught_up(k)
        self.assertGreater(self.size(k), before)
        self.assertGreaterEqual(gapless(receiver.indexes(), 0, self.size(k)), 3)

    def test_killed_again_and_again_under_load_a_file_has_every_entry_in_whole_lines(self):
        folder = self.folder()
        k = self.keyturn(f"exports:\n- {{name: siem, format: ndjson, from: beginning, to: {{file: {folder}/x}}}}\n")
        for _ in range(8):
            asked = [k.later(k.request, "forbidden", {}, wait=20) for _ in range(20)]
            asked[0].result(DEADLINE)
            k.kill9()
            for one in asked:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    one.result(DEADLINE)
            k.start()
        self.caught_up(k)
        lines = (folder / "x").read_text().split("\n")[:-1]
        whole = []
        for line in lines:
            with contextlib.suppress(ValueError):  # cut by the kill: it stays alone
                whole.append(json.loads(line)["index"])
        self.assertLessEqual(len(lines) - len(whole), 8)
        gapless(whole, 0, self.size(k))

    def test_only_what_is_asked_for_and_from_now_on(self):
        folder, receiver = self.folder(), self.webhook()
        k = self.keyturn(self.to_webhook(receiver, folder, "only: [denied, review.opened]"))
        start = self.size(k)
        k.request("echo", {"text": "x"}, wait=20)
        k.request("forbidden", {}, wait=20)
        k.request("append-one", {"text": "x"})
        self.caught_up(k)
        events = [json.loads(line) for request in receiver.requests for line in request["body"].decode().splitlines()]
        self.assertEqual([event["leaf"]["type"] for event in events], ["action.decided", "review.opened"])
        self.assertGreaterEqual(events[0]["index"], start)

    def test_a_webhook_over_https_with_its_own_ca_and_none_with_another(self):
        folder = self.folder()
        receiver = self.webhook(context=self.tls(folder))
        other, _ = certificate(folder, "elsewhere.example")
        to = f"url: 'https://localhost:{receiver.port}/', secret: {{secret: 'file:{folder}/whsec'}}"
        k = self.keyturn(f"exports:\n- {{name: siem, format: ndjson, from: beginning, to: {{webhook: {{{to}, ca: {folder}/localhost.pem}}}}}}\n"
                         f"- {{name: other, format: ndjson, from: beginning, to: {{webhook: {{{to}, ca: {other}}}}}}}\n")
        failing = until(lambda: (lambda s: s["status"] == "failing" and s)(self.state(k, "other")), "it does not fail")
        self.assertEqual(failing["error"]["code"], "tls_failed")
        self.caught_up(k)
        self.assertEqual(gapless(receiver.indexes(), 0, self.size(k)), 0)
        self.assertEqual(self.state(k, "other")["next"], 0)

    # ------------------------------------------------------------ syslog
    @staticmethod
    def tls(folder):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate(folder))
        return context

    def syslog(self, folder, tls=True):
        made = Syslog(self.tls(folder) if tls else None)
        self.addCleanup(made.close)
        return made

    def test_syslog_over_tls_in_octet_counted_frames(self):
        folder = self.folder()
        receiver = self.syslog(folder)
        k = self.keyturn(f"exports:\n- {{name: siem, format: syslog, from: beginning, to: {{syslog: {{address: 'localhost:{receiver.port}', ca: {folder}/localhost.pem}}}}}}\n")
        k.request("forbidden", {}, wait=20)
        self.caught_up(k)
        size = self.size(k)
        until(lambda: len(receiver.messages) >= size, "messages are missing")
        self.assertEqual(gapless(receiver.indexes(), 0, size), 0)
        denial = next(message for message in receiver.messages if 'outcome="deny"' in message)
        self.assertRegex(denial, r'^<108>1 \d{4}-\d\d-\d\dT\S+Z \S+ keyturn - action\.decided \[keyturn@32473 origin="[^"]+" index="\d+" leafHash="[0-9a-f]{64}" ')
        self.assertFalse(any(HIDDEN in message for message in receiver.messages))
        receiver.hang_up()
        k.request("echo", {"text": "x"}, wait=20)
        until(lambda: receiver.messages and max(receiver.indexes()) == self.size(k) - 1, "nothing came after the receiver hung up")
        gapless(receiver.indexes(), 0, self.size(k))

    def test_syslog_over_tcp_takes_every_format_behind_a_header_and_a_restart_of_the_receiver(self):
        receiver = self.syslog(None, tls=False)
        k = self.keyturn(f"exports:\n- {{name: siem, format: syslog, from: beginning, to: {{syslog: {{address: '127.0.0.1:{receiver.port}', tls: false}}}}}}\n"
                         f"- {{name: cef, format: cef, from: beginning, to: {{syslog: {{address: '127.0.0.1:{receiver.port}', tls: false}}}}}}\n")
        mine = lambda: [message for message in list(receiver.messages) if " CEF:0|" not in message]
        indexes = lambda: [int(re.search(r' index="(\d+)"', message)[1]) for message in mine()]
        for _ in range(3):
            k.request("forbidden", {}, wait=20)
            until(lambda: indexes() and max(indexes()) == self.size(k) - 1, "messages are missing")
            receiver.hang_up()
        k.request("forbidden", {}, wait=20)
        until(lambda: max(indexes()) == self.size(k) - 1, "messages are missing")
        gapless(indexes(), 0, self.size(k))
        self.caught_up(k, "cef")
        cef = [message for message in receiver.messages if " CEF:0|" in message]
        self.assertTrue(all(re.match(r"<\d+>1 \S+ \S+ keyturn - \S+ - CEF:0\|Keyturn\|", message) for message in cef))

    def test_a_receiver_with_another_certificate_gets_nothing(self):
        folder = self.folder()
        receiver = self.syslog(folder)
        other, _ = certificate(folder, "elsewhere.example")
        k = self.keyturn(f"exports:\n- {{name: siem, format: syslog, from: beginning, to: {{syslog: {{address: 'localhost:{receiver.port}', ca: {other}}}}}}}\n"
                         f"- {{name: by-address, format: cef, from: beginning, to: {{syslog: {{address: '127.0.0.1:{receiver.port}', ca: {folder}/localhost.pem}}}}}}\n")
        for name in ("siem", "by-address"):
            failing = until(lambda: (lambda s: s["status"] == "failing" and s)(self.state(k, name)), "it does not fail")
            self.assertEqual(failing["error"]["code"], "tls_failed")
        self.assertEqual(receiver.messages, [])

    def test_a_receiver_that_accepts_no_connection_holds_no_decision_and_no_stop(self):
        listener = socket.create_server(("127.0.0.1", 0))  # never accepts: TLS never begins
        self.addCleanup(listener.close)
        k = self.keyturn(f"exports:\n- {{name: siem, format: syslog, from: beginning, to: {{syslog: {{address: 'localhost:{listener.getsockname()[1]}'}}}}}}\n")
        for n in range(30):
            self.assertEqual(k.request("echo", {"text": str(n)}, wait=20).json["state"], "succeeded")
        self.assertEqual(self.state(k)["next"], 0)
        self.assertEqual(k.stop(), 0)

    # ------------------------------------------------------------ around it
    def test_administrators_and_auditors_see_the_exports_others_do_not(self):
        k = self.keyturn(f"exports:\n- {{name: file, format: cef, to: {{file: {self.folder()}/x}}}}\n")
        self.assertEqual(self.state(k, "file")["format"], "cef")
        for who in ("bob", "bot"):
            self.assertIn(k.get("/v1/exports", who).code, ("not_allowed", "people_only"))
        self.assertEqual(k.get("/v1/exports").status, 401)

    def test_a_cursor_that_does_not_fit_the_ledger_begins_again(self):
        folder = self.folder()
        k = self.keyturn(f"exports:\n- {{name: siem, format: ndjson, to: {{file: {folder}/x}}}}\n")
        k.request("echo", {"text": "x"}, wait=20)
        self.caught_up(k)
        k.stop()
        cursor = k.data / "exports/siem.json"
        for damage in ({"next": 100000, "leaf_hash": ""}, {"next": 3, "leaf_hash": "00"}, None):
            cursor.write_text(json.dumps(damage) if damage else "{")
            (folder / "x").unlink(missing_ok=True)
            k.start()
            self.caught_up(k)
            self.assertEqual(gapless([json.loads(line)["index"] for line in (folder / "x").read_text().splitlines()], 0, self.size(k)), 0)
            k.stop()

    def test_check_says_what_is_wrong_with_an_export(self):
        folder = self.folder()
        (folder / "open").write_text(WHSEC)
        (folder / "open").chmod(0o644)
        (folder / "short").write_text("whsec_AAAA")
        (folder / "short").chmod(0o600)
        k = Keyturn(config=f"exports:\n- {{name: a, format: cef, to: {{file: {folder}/no/x}}}}\n"
                           f"- {{name: b, format: cef, to: {{webhook: {{url: 'https://x.example/', secret: {{secret: 'file:{folder}/open'}}}}}}}}\n"
                           f"- {{name: c, format: cef, to: {{webhook: {{url: 'https://x.example/', secret: {{secret: 'file:{folder}/short'}}}}}}}}\n"
                           f"- {{name: d, format: cef, to: {{syslog: {{address: 'x.example:1', ca: {folder}/none.pem}}}}}}\n", start=False)
        self.addCleanup(k.close)
        done = subprocess.run([*k.command, "--check"], capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(done.returncode, 1)
        for line, name, what in ((2, "a", "cannot write in"), (3, "b", "every user"), (4, "c", "whsec_ and the base64"), (5, "d", "cannot read")):
            self.assertRegex(done.stderr, rf"keyturn.yaml:{line}:\d+: export {name}: .*{what}")
        self.assertNotIn(WHSEC, done.stderr + done.stdout)
        k.config_file.write_text("exports:\n- {name: a, format: xml, to: {file: x}}\n")
        done = subprocess.run([*k.command, "--check"], capture_output=True, text=True, timeout=DEADLINE)
        self.assertRegex(done.stderr + done.stdout, r"keyturn.yaml:2:\d+: a format is one of ndjson, ocsf")

    def test_the_command_writes_the_same_over_http_and_on_the_host(self):
        k = self.keyturn("")
        k.request("forbidden", {}, wait=20, reason=HIDDEN)
        size = until(lambda: (lambda j: j["size"] > 5 and j["size"] == self.size(k) and j["size"])(k.get("/v1/ledger", "ada").json), "not signed")
        for name in ("ndjson", "ocsf", "cloudevents", "syslog", "cef", "otlp"):
            over_http = k.cli("export", "--format", name, "--to", size, token="ada").out
            self.assertEqual(len(over_http.splitlines()), size)
            self.assertEqual(k.host("export", "--format", name, "--to", size).out, over_http)
            self.assertNotIn(HIDDEN, over_http)
        some = k.cli("export", "--format", "ndjson", "--from", 2, "--to", 4, "--out", k.folder / "some", token="ada")
        self.assertIn("2 entries", some.err)
        self.assertEqual([json.loads(line)["index"] for line in (k.folder / "some").read_text().splitlines()], [2, 3])
        self.assertNotEqual(k.cli("export", "--format", "ndjson", token="bot", check=False).code, 0)
        self.assertEqual(k.cli("export", "--format", "xml", token="ada", check=False).code, 2)


if __name__ == "__main__":
    unittest.main()
