"""A mail server on loopback: npm smtp-server, read by mailparser (tests/peers/mail)."""
import json

from .keyturn import free_port
from .peer import Peer


class MailServer(Peer):
    def __init__(self, **options):
        self.options = {"port": free_port(), **options}
        super().__init__("mail", "server.mjs", json.dumps(self.options))

    def mail(self):
        """The next one that it took."""
        return self.until(lambda line: "mail" in line)["mail"]

    def mails(self):
        """All that it took so far."""
        return [line["mail"] for line in self.catch_up() if "mail" in line]

    def fail(self, **faults):
        """How often which step is answered with which code: fail(to={"bob@example.com": [550]})."""
        self.tell("faults", {"faults": faults})

    def refused(self):
        return self.until(lambda line: "refused" in line)
