"""Microsoft 365 Agents Playground, unmodified, before a bot: a person writes to it and presses its buttons in Chromium.

    playground = Playground(teams)   # teams: a Teams() that knows the bot. The playground's requests have no Authorization: the loopback's relay signs them
    playground.browse([{"say": "hello"}, {"see": "Approve"}, {"click": "Approve"}])

Needs Node.js, Chromium and web's packages (Playwright); installs the packages of its lock where they are missing.
"""
import contextlib
import http.client
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time
import urllib.parse

from .keyturn import DEADLINE, Failed, free_port
from .teams import HERE as TEAMS
from .npm import install

HERE = TEAMS / "playground"
LINES_MAX = 500


def person(n, name):
    given, family = name.split()
    mail = f"{given.lower()}{family[0].lower()}@example.com"
    return {"id": f"29:1{given.lower()}", "name": name, "userPrincipleName": mail, "aadObjectId": f"aaaaaaaa-0000-4000-8000-0000000000{20 + n}", "givenName": given, "surname": family, "email": mail}


class Playground:
    """Its bot is `teams.relay`: what it sends is signed there as Bot Framework does, and goes on to the bot that the loopback knows."""
    ALEX = person(0, "Alex Wilber")  # who writes
    OTHERS = [person(n + 1, name) for n, name in enumerate(("Megan Bowen", "Adele Vance", "Isaiah Langer", "Patti Fernandez", "Lynne Robbins"))]  # five it must be

    def __init__(self, teams, user=None):
        install(HERE)
        self.folder = tempfile.TemporaryDirectory(prefix="playground-")
        config, self.log = (pathlib.Path(self.folder.name) / name for name in ("playground.yml", "playground.log"))
        config.write_text(json.dumps({"version": "0.1.1", "tenantId": teams.TENANT, "bot": {"id": f"28:{teams.APP}", "name": "Keyturn"}, "currentUser": user or self.ALEX, "users": self.OTHERS,
                                      "personalChat": {"id": "a:1personal"}, "groupChat": {"id": "19:group@thread.v2", "name": "Group Chat"},
                                      "team": {"id": "19:team@thread.tacv2", "name": "Operations", "aadGroupId": "aaaaaaaa-0000-4000-8000-000000000031",
                                               "channels": [{"id": "19:production@thread.tacv2", "name": "Production"}]}}))  # JSON is YAML
        port = free_port()
        self.service_url = f"http://127.0.0.1:{port}/_connector"
        self.url = f"http://127.0.0.1:{port}/"
        self.lines = []
        environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        self.process = subprocess.Popen(
            ["node", "--require", "./only_loopback.cjs", "node_modules/@microsoft/m365agentsplayground/cli.js", "start", "--app-endpoint", teams.relay, "--channel-id", "msteams",
             "--port", str(port), "--service-url", self.service_url, "--disable-telemetry"],
            cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**environment, "M365_AGENTS_PLAYGROUND_CONFIG_PATH": str(config), "M365_AGENTS_PLAYGROUND_LOGFILE": str(self.log), "TEAMSAPPTESTER_BROWSER": "none"})
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        deadline = time.monotonic() + DEADLINE  # it says that it listens before it has read its configuration
        while not self._serves() and self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if self.process.poll() is not None or not self._serves():
            why = self.said()
            self.close()
            raise Failed(f"the playground did not start on {port}: {why}")

    def _serves(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", urllib.parse.urlsplit(self.url).port, timeout=DEADLINE)
            try:
                connection.request("GET", "/_connector/v3/conversations/none/members")
                return "json" in (connection.getresponse().getheader("Content-Type") or "")
            finally:
                connection.close()
        return False

    def said(self):
        """The last of what it wrote."""
        log = self.log.read_text()[-5000:] if self.log.is_file() else ""
        return "".join(self.lines) + log

    def _read(self):
        for line in self.process.stdout:
            self.lines = [*self.lines[-LINES_MAX:], line]

    def close(self):
        self.process.terminate()
        self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        self.process.stdout.close()
        self.folder.cleanup()

    def browse(self, steps):
        """Does the steps of browse.mjs on a fresh page; Failed with what the page shows where one cannot be done."""
        done = subprocess.run(["node", "browse.mjs", json.dumps({"url": self.url, "steps": steps})], cwd=HERE, capture_output=True, text=True, timeout=10 * DEADLINE)
        if done.returncode:
            raise Failed(f"{done.stderr}\nthe playground: {self.said()}")
