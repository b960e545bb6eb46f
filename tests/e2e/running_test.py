"""What runs: timeouts, output, the helper that outlives the server, orderly stops, the files of the data folder."""
import os
import pathlib
import stat
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, POLICY, TOOLS, Keyturn, end_helper  # noqa: E402

OWN = """\
  forever: {exec: [/usr/bin/sleep, "1000"], resource: {kind: host, name: here, env: dev}, sandbox: none, timeout: 1s}
  leaves: {exec: [/bin/sh, -c, 'sleep 1000 & echo left'], resource: {kind: host, name: here, env: dev}, sandbox: none, timeout: 20s}
  floods: {exec: [/bin/sh, -c, 'yes | head -c 3000000; echo end >&2'], resource: {kind: host, name: here, env: dev}, sandbox: none, output_bytes_max: 4096}
  whoami: {exec: [/bin/sh, -c, 'id -u; ls @DATA@ 2>&1; env'], resource: {kind: host, name: here, env: dev}, sandbox: none}
  binary-out: {exec: [/bin/sh, -c, 'printf "\\377\\000\\033[2Kx"'], resource: {kind: host, name: here, env: dev}, sandbox: none}
"""
RULES = "- {id: own, match: {tool: [forever, leaves, floods, whoami, binary-out]}, effect: allow}\n"


class Running(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(policy=POLICY + RULES, tools=TOOLS, start=False, people={}, agents={})
        cls.addClassCleanup(cls.k.close)
        cls.k.write_tools(TOOLS + OWN.replace("@DATA@", str(cls.k.data)))
        for name, groups in {"ada": [], "olga": [], "bob": ["dba"], "carol": ["sre"]}.items():
            cls.k.add_person(name, groups)
        cls.k.add_agent("bot", "olga")
        cls.k.add_agent("deployer", "olga")
        cls.k.start()

    def run_tool(self, tool):
        return self.k.settled(self.k.request(tool).json["id"])

    def test_a_timeout_is_a_failure_that_says_so(self):
        action = self.run_tool("forever")
        self.assertEqual(action["state"], "failed", action)
        self.assertRegex(str(action["outcome"]), "(?i)time")

    def test_what_a_program_leaves_behind_does_not_hold_the_outcome_or_live_on(self):
        action = self.run_tool("leaves")
        self.assertEqual((action["state"], action["outcome"]["stdout"]), ("succeeded", "left\n"), action)

    def test_output_is_capped_and_says_so(self):
        outcome = self.run_tool("floods")["outcome"]
        self.assertTrue(outcome["truncated"])
        self.assertLessEqual(len(outcome["stdout"]), 4096 + 200)

    def test_output_that_is_no_text(self):
        action = self.run_tool("binary-out")
        self.assertEqual(action["state"], "succeeded")
        self.assertNotIn("\x1b", self.k.cli("show", action["id"], token="olga").out)

    def test_programs_see_neither_the_data_nor_the_servers_environment(self):
        out = self.run_tool("whoami")["outcome"]["stdout"]
        self.assertNotIn("KEYTURN_TOKEN", out)
        self.assertNotIn("SSH_", out)
        if os.getuid() == 0:
            self.assertNotEqual(out.splitlines()[0], "0")
            self.assertIn("ermission denied", out)
            self.assertNotIn("journal.db", out)

    def test_the_data_folder_is_its_owners_alone(self):
        self.k.request("echo", {"text": "x"}, wait=20)
        for path in [self.k.data, *self.k.data.rglob("*")]:
            mode = stat.S_IMODE(path.lstat().st_mode)
            self.assertEqual(mode & 0o077, 0, f"{path}: {mode:o}") if path.parent == self.k.data or path == self.k.data or path.parent.name == "keys" else None

    def test_an_orderly_stop_while_something_runs_loses_nothing(self):
        action = self.k.request("slow").json
        self.k.wait_started()
        self.assertEqual(self.k.stop(), 0)
        self.k.start()
        waiting = self.k.later(self.k.action, action["id"], "bot", 25)
        self.k.let_go()
        self.assertEqual(waiting.result(DEADLINE).json["state"], "succeeded", "the helper outlives the server")

    def test_the_helper_killed_while_something_runs_is_unknown_and_the_next_one_runs(self):
        action = self.k.request("slow").json
        self.k.wait_started()
        end_helper(self.k.data)
        after = self.k.settled(action["id"])
        self.assertEqual(after["state"], "unknown", after)
        self.assertEqual(self.k.request("echo", {"text": "next"}, wait=25).json["state"], "succeeded")
        self.assertEqual(self.k.action(action["id"]).json["state"], "unknown", "and stays so")

    def test_head_does_not_eat_the_grant(self):
        action = self.k.request("deploy-reviewed", {"ref": "v1"}).json
        self.assertEqual(self.k.vote(action, "carol").status, 200)
        self.k.http("HEAD", f"/v1/actions/{action['id']}", "bot")
        self.assertTrue(self.k.action(action["id"]).json["grant"])
        self.assertIsNone(self.k.action(action["id"]).json["grant"])

    def test_a_broken_keyturn_yaml_says_where(self):
        path = self.k.folder / "broken.yaml"
        path.write_text("data: x\nlimits:\n  pending_per_agnet: 3\n")
        done = self.k.cli("serve", "--config", path, "--check", check=False)
        self.assertNotEqual(done.code, 0)
        self.assertRegex(done.err, r"broken\.yaml:3:3: .*pending_per_agnet.*pending_per_agent")
        for text in ("", "# nothing but a comment\n"):
            path.write_text(text)
            done = self.k.cli("serve", "--config", path, "--policy", self.k.policy_file, "--tools", self.k.tools_file, "--check", check=False)
            self.assertEqual(done.code, 0, done.out + done.err)


if __name__ == "__main__":
    unittest.main()
