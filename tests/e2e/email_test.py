"""Mail to those whom an action waits for, by a real mail server: over TLS, with a login, in threads, and nothing of what was asked for."""
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import Keyturn, free_port, until  # noqa: E402
from support.mail import MailServer  # noqa: E402

POLICY = """apiVersion: keyturn/v1
kind: Policy
metadata: {name: email, revision: 1}
defaults: {effect: deny, onError: deny}
rules:
- {id: asked, match: {tool: [ask]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h, notify: [email]}}
- {id: slow, match: {tool: [call]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h, notify: [email], remind: 1s, escalate: {after: 2s, to: sre}}}
- {id: quiet, match: {tool: [quiet]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}
"""
TOOLS = "tools:\n" + "".join(
    f'  {name}: {{exec: [/bin/echo, "{{{{text}}}}"], params: {{text: {{type: string}}}}, resource: {{kind: host, name: here, env: prod}}, sandbox: none}}\n'
    for name in ("ask", "call", "quiet"))
PEOPLE = {"ada": [], "olga": ["dba"], "bob": ["dba"], "carol": ["sre"]}
HIDDEN = "quite-private-words"
PASSWORD = "only-for-mail"


class Email(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        made = tempfile.TemporaryDirectory(prefix="keyturn-email-")
        cls.addClassCleanup(made.cleanup)
        cls.folder = pathlib.Path(made.name)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost", "-keyout", cls.folder / "key.pem", "-out", cls.folder / "cert.pem"], check=True, capture_output=True)

    def setUp(self):
        self.password(PASSWORD)

    def password(self, text):
        (self.folder / "password").write_text(text)
        (self.folder / "password").chmod(0o600)

    def server(self, **more):
        made = MailServer(**{"key": str(self.folder / "key.pem"), "cert": str(self.folder / "cert.pem"), "user": "keyturn", "password": PASSWORD, **more})
        self.addCleanup(made.stop)
        return made

    def keyturn(self, smtp, more="", login=True, people=PEOPLE):
        user = f"user: keyturn, password: {{secret: 'file:{self.folder}/password'}}, " if login else ""
        k = Keyturn(policy=POLICY, tools=TOOLS, people=people,
                    config=f"channels:\n  email: {{smtp: '{smtp}', ca: '{self.folder}/cert.pem', from: keyturn@mail.example, {user}{more}}}\n")
        self.addCleanup(k.close)
        return k

    def channel(self, k):
        return next(one for one in k.get("/v1/admin/channels", "ada").json["items"] if one["name"] == "email")

    def ask(self, k, tool="ask"):
        return k.request(tool, {"text": HIDDEN}, reason=HIDDEN).json

    def test_over_starttls_with_a_login_to_whom_it_waits_for_and_nothing_private(self):
        server = self.server()
        k = self.keyturn(f"smtp://localhost:{server.port}")
        self.ask(k, "quiet")  # its plan says nothing of mail
        action = self.ask(k)
        mail = server.mail()
        self.assertEqual((mail["from"], mail["to"], mail["secure"], mail["user"]), ("keyturn@mail.example", ["bob@example.com"], True, "keyturn"))
        self.assertEqual((mail["subject"], mail["header_from"], mail["header_to"]), ("Keyturn: ask waits for you", '"Keyturn" <keyturn@mail.example>', "bob@example.com"))
        self.assertEqual([name for name, _ in mail["headers"] if name not in ("received", "return-path")],
                         ["from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version", "content-type", "content-transfer-encoding"])
        self.assertEqual([line for name, line in mail["headers"] if name == "auto-submitted"], ["Auto-Submitted: auto-generated"])
        self.assertIn(f"/a/{action['id']}\n", mail["text"])
        self.assertIn("the agent bot", mail["text"])
        self.assertFalse(mail["html"])
        self.assertEqual(mail["attachments"], 0)
        self.assertNotIn(HIDDEN, json.dumps(mail))
        self.assertEqual(k.vote(action, "bob").status, 200)
        self.assertEqual(k.settled(action["id"])["state"], "succeeded")
        k.restart()
        other = self.ask(k)
        self.assertIn(other["id"], server.mail()["text"])  # nothing of the first came between
        said = k.stderr() + json.dumps(self.channel(k))
        for secret in (PASSWORD, HIDDEN, "bob@example.com"):
            self.assertNotIn(secret, said)

    def test_reminders_and_an_escalation_are_one_thread(self):
        server = self.server(secure=True)
        k = self.keyturn(f"smtps://localhost:{server.port}")
        self.ask(k, "call")
        first = server.mail()
        to_bob, to_carol = [first], []
        while not to_carol:
            mail = server.mail()
            (to_carol if mail["to"] == ["carol@example.com"] else to_bob).append(mail)
        reminder = to_bob[1]
        self.assertEqual(reminder["subject"], "Keyturn: reminder: call waits for you")
        self.assertEqual({mail["in_reply_to"] for mail in to_bob[1:]}, {first["message_id"]})
        self.assertEqual(len({mail["message_id"] for mail in to_bob + to_carol}), len(to_bob) + 1)
        self.assertEqual((to_carol[0]["subject"], to_carol[0]["in_reply_to"]), ("Keyturn: escalated: call waits for you", None))

    def test_a_server_that_is_down_or_asks_to_wait_loses_nothing(self):
        port = free_port()
        k = self.keyturn(f"smtp://localhost:{port}")
        action = self.ask(k)
        until(lambda: self.channel(k)["state"] == "down", "it does not say that it is down")
        k.kill9()
        k.start()
        server = self.server(port=port, faults={"from": {"*": [451, 421]}})
        self.assertEqual([server.refused()["code"] for _ in range(2)], [451, 421])
        mail = server.mail()
        self.assertIn(action["id"], mail["text"])
        until(lambda: self.channel(k)["state"] == "ok", "it goes on failing")

    def test_a_recipient_that_is_refused_is_given_up_and_tried_again_on_request(self):
        server = self.server(faults={"to": {"bob@example.com": [550]}})
        k = self.keyturn(f"smtp://localhost:{server.port}")
        action = self.ask(k)
        dead = until(lambda: self.channel(k)["dead"], "it is not given up")
        self.assertEqual([(one["action"], one["place"]) for one in dead], [(action["id"], "person:bob")])
        self.assertIn("(550", dead[0]["why"])
        self.assertNotIn("example.com", json.dumps(dead))
        self.assertEqual(k.post("/v1/admin/channels/email/retry", "ada", {}).json, {"retried": 1})
        self.assertIn(action["id"], server.mail()["text"])

    def test_a_message_that_is_refused_is_given_up_and_a_recipient_who_has_to_wait_holds_nobody_up(self):
        server = self.server(faults={"data": {"bob@example.com": [554]}, "to": {"erin@example.com": [450]}})
        k = self.keyturn(f"smtp://localhost:{server.port}", people={**PEOPLE, "erin": ["dba"]})
        action = self.ask(k)
        dead = until(lambda: self.channel(k)["dead"], "it is not given up")
        self.assertEqual([(one["action"], one["place"], one["why"]) for one in dead], [(action["id"], "person:bob", "the mail server refuses this message (554)")])
        refused = until(lambda: (lambda said: len(said) == 2 and said)([one for one in server.catch_up() if "refused" in one]), "it did not write to both")
        self.assertEqual({(one["refused"], one["code"]) for one in refused}, {("data", 554), ("to", 450)})
        other = self.ask(k)
        mail = server.mail()
        self.assertEqual(mail["to"], ["bob@example.com"])
        self.assertIn(other["id"], mail["text"])
        self.assertEqual([one["place"] for one in self.channel(k)["dead"]], ["person:bob"], "who has to wait is not given up")

    def test_it_stops_at_once_beside_a_mail_server_that_says_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            k = self.keyturn(f"smtp://localhost:{silent.getsockname()[1]}")
            self.ask(k)
            connection, _ = silent.accept()
            self.addCleanup(connection.close)
            self.assertEqual(k.stop(), 0)

    def test_the_command_line_says_whether_it_can_work(self):
        server = self.server()
        k = self.keyturn(f"smtp://localhost:{server.port}")
        good = k.cli("channels", "test", "email", "--config", k.config_file)
        self.assertIn("it takes user and password", good.out)
        self.password("wrong")
        bad = k.cli("channels", "test", "email", "--config", k.config_file, check=False)
        self.assertNotEqual(bad.code, 0)
        self.assertIn("refuses user and password (535)", bad.out + bad.err)
        self.assertEqual(server.mails(), [])

    def test_a_wrong_password_loses_nothing_and_a_new_one_is_used(self):
        self.password("wrong")
        server = self.server()
        k = self.keyturn(f"smtp://localhost:{server.port}")
        action = self.ask(k)
        until(lambda: "user and password" in self.channel(k)["detail"], "it does not say that the login is refused")
        self.password(PASSWORD)
        self.assertIn(action["id"], server.mail()["text"])
        self.assertNotIn("wrong", k.stderr())

    def test_without_tls_nothing_is_sent_unless_it_stays_on_this_machine(self):
        server = self.server(plain=True, user="", password="")
        k = self.keyturn(f"smtp://localhost:{server.port}", login=False)
        self.ask(k)
        until(lambda: "STARTTLS" in self.channel(k)["detail"], "it does not say that TLS fails")
        self.assertEqual(server.mails(), [])
        other = self.keyturn(f"smtp://localhost:{server.port}", "starttls: off", login=False)
        self.ask(other)
        self.assertFalse(server.mail()["secure"])
        k.config_file.write_text("channels:\n  email: {smtp: 'smtp://mail.example', starttls: off, from: keyturn@mail.example}\n")
        checked = k.cli("serve", "--check", "--data", k.data, "--policy", k.policy_file, "--tools", k.tools_file, "--config", k.config_file, check=False)
        self.assertIn("keyturn.yaml:2:", checked.err + checked.out)
        self.assertIn("needs TLS", checked.err + checked.out)

    def test_another_certificate_is_not_taken(self):
        server = self.server(secure=True)
        k = self.keyturn(f"smtps://127.0.0.1:{server.port}")  # it is of localhost
        self.ask(k)
        until(lambda: "certificate" in self.channel(k)["detail"], "it does not say that TLS fails")
        self.assertEqual(server.mails(), [])

    def test_names_that_are_more_than_names_make_no_header_and_no_second_recipient(self):
        server = self.server()
        k = self.keyturn(f"smtp://localhost:{server.port}")
        mean = "carol@example.com>\r\nBcc: eve@evil.example\r\n\r\nhello <x@y.example"
        changed = k.cli("person", "add", "dora", "--email", mean, "--group", "dba", "--data", k.data, check=False)
        action = self.ask(k)
        mail = server.mail()
        self.assertEqual(mail["to"], ["bob@example.com"])
        if changed.code == 0:  # the directory took it: mail does not
            dead = until(lambda: self.channel(k)["dead"], "it is not given up")
            self.assertEqual([one["place"] for one in dead], ["person:dora"])
        self.assertEqual(k.vote(action, "bob").status, 200)
        self.assertFalse([one for one in server.mails() if "evil" in json.dumps(one)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
