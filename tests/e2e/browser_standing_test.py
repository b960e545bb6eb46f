"""Standing approvals, reminders, escalation and who is on call, in real Chromium. The steps are browser/*.mjs."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import oncall_test  # noqa: E402
import reminders_test  # noqa: E402
from browser_test import LIMITS, Keyturn, of_script, walked  # noqa: E402
from support import standing, webhook  # noqa: E402


class Standing:
    """A payment that two of dba agree to, and agreeing to more like it."""
    script = ""

    @classmethod
    def setUpClass(cls):
        cls.k = k = Keyturn(config=LIMITS, policy=standing.POLICY, tools=standing.TOOLS, people=standing.PEOPLE)
        cls.addClassCleanup(k.close)
        cls.results, cls.notes = walked(cls.script, {
            "url": k.url, "agent": k.tokens["bot"], "bob": k.tokens["bob"], "erin": k.tokens["erin"],
            **{f"link_{name}": k.enrol_link(name) for name in ("pat", "mia")}})


class Unanswered:
    """Reviews that nobody answers."""
    script = ""

    @classmethod
    def setUpClass(cls):
        cls.k = k = Keyturn(config=LIMITS, policy=reminders_test.POLICY, tools=reminders_test.TOOLS, people=reminders_test.PEOPLE)
        cls.addClassCleanup(k.close)
        cls.results, cls.notes = walked(cls.script, {
            "url": k.url, "agent": k.tokens["bot"], "bob": k.tokens["bob"], **{f"link_{name}": k.enrol_link(name) for name in ("bob", "mia")}})


class Scheduled:
    """Three schedules: of a file, of a webhook that speaks, and of one that never did."""
    script = ""

    @classmethod
    def setUpClass(cls):
        cls.k = k = Keyturn(policy=oncall_test.POLICY, tools=oncall_test.TOOLS, people=oncall_test.PEOPLE, start=False, tokens=False, agents={}, config="watch: true\n")
        cls.addClassCleanup(k.close)
        file, secret, identity = (k.folder / name for name in ("schedules/primary.yaml", "secret", "identity.yaml"))
        file.parent.mkdir()
        file.write_text(oncall_test.rotation("carol", "dan"))
        secret.write_text(oncall_test.SECRET)
        secret.chmod(0o600)
        identity.write_text((oncall_test.IDENTITY + '  network: {group: net-oncall, of: sre, webhook: {secret: "file:@SECRET@"}}\n').replace("@SECRET@", str(secret)))
        k.arguments = ["--identity", str(identity)]
        k.start()
        k.new_token("ada", person="ada")
        k.add_agent("bot", "olga")
        sender = webhook.Sender()
        told = sender.send(k.url + "/v1/oncall/database", oncall_test.SECRET, {"shifts": [oncall_test.shift("bob")]})
        sender.close()
        assert told["status"] == 200, told
        cls.results, cls.notes = walked(cls.script, {"url": k.url, "agent": k.tokens["bot"], "ada": k.tokens["ada"], "link_ada": k.enrol_link("ada"), "file": str(file)})


Stands = of_script("standing.mjs", Standing)
Told = of_script("told.mjs", Unanswered)
OnCall = of_script("oncall.mjs", Scheduled)

if __name__ == "__main__":
    unittest.main()
