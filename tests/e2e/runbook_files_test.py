"""A folder of runbooks and a file of credentials beside tools.yaml: read, watched, signed, and every problem with its own file and line."""
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import POLICY, Keyturn  # noqa: E402

RULES = POLICY + '- {id: runbooks, match: {tool: ["runbook.*"]}, effect: allow}\n'
GREET = """\
---
apiVersion: keyturn/v1
kind: Runbook
metadata: {name: greet}
inputs: {whom: {type: string}}
steps:
- {id: hello, tool: echo, args: {text: "hello {{ inputs.whom }}"}, outputs: {said: "result.stdout"}}
outputs: {said: "steps.hello.outputs.said"}
"""
CREDENTIALS = """\
apiVersion: keyturn/v1
kind: Credentials
credentials:
  # A comment, so that lines are counted.
  key: {static: {value: {secret: env:SOMEWHERE}}}
"""
IN_FORCE = r"reloaded: the new configuration is in force"
REFUSED = r"reload refused, the configuration in force stays"


class RunbookFiles(unittest.TestCase):
    def serve(self, files, config="watch: true\n", credentials=None, **more):
        k = Keyturn(policy=RULES, start=False, **more)
        self.addCleanup(k.close)
        self.folder = k.folder / "runbooks"
        self.folder.mkdir()
        for name, text in files.items():
            self.write(name, text)
        lines = config + f"runbooks: {self.folder}\n"
        if credentials is not None:
            (k.folder / "credentials.yaml").write_text(credentials)
            lines += f"credentials: {k.folder / 'credentials.yaml'}\n"
        k.config_file.write_text(lines)
        return k

    def write(self, name, text):
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)

    def said(self, k, runbook="greet"):
        asked = k.request(f"runbook.{runbook}", {"whom": "you"}).json
        return k.settled(asked["id"])["outcome"]["result"]["said"]

    def check(self, k):
        done = subprocess.run([*k.command, "--check"], cwd=k.folder, capture_output=True, text=True, timeout=30)
        return done.returncode, done.stderr

    def test_a_file_added_changed_broken_and_removed_while_the_server_runs(self):
        k = self.serve({"greet.yaml": GREET, ".draft.yaml": "nonsense", "notes.txt": "nonsense"})
        k.start()
        self.assertEqual(self.said(k), "hello you\n")

        at = len(k.stderr())
        self.write("team/wave.yml", GREET.replace("greet", "wave").replace("hello {{", "bye {{"))
        k.wait_stderr(IN_FORCE, at)
        self.assertEqual(self.said(k, "wave"), "bye you\n")

        at = len(k.stderr())
        self.write("greet.yaml", GREET.replace("tool: echo", "tool: ecco"))
        text = k.wait_stderr(REFUSED, at)
        self.assertRegex(text, r'runbooks/greet\.yaml:7:\d+: .*there is no tool "ecco" \(did you mean "echo"\?\)')
        self.assertEqual(self.said(k), "hello you\n")

        at = len(k.stderr())
        self.write("greet.yaml", GREET.replace("hello {{", "good day {{"))
        k.wait_stderr(IN_FORCE, at)
        self.assertEqual(self.said(k), "good day you\n")

        at = len(k.stderr())
        (self.folder / "team/wave.yml").unlink()
        k.wait_stderr(IN_FORCE, at)
        self.assertEqual(k.settled(k.request("runbook.wave", {"whom": "you"}).json["id"])["state"], "denied")

        at = len(k.stderr())
        (self.folder / "greet.yaml").unlink()
        (self.folder / "team").rmdir()
        self.folder.joinpath(".draft.yaml").unlink()
        k.wait_stderr(IN_FORCE, at)

        self.folder.joinpath("notes.txt").unlink()
        self.folder.rmdir()
        self.assertRegex(k.reload(), r"runbooks: cannot be read as a folder: .*runbooks: in keyturn.yaml, names the folder")

    def test_every_problem_is_said_of_its_own_file_and_line(self):
        two = GREET.replace("greet", "one") + GREET.replace("greet", "two").replace("outputs: {said: \"steps.hello", "outputs: {said: \"steps.helo")
        k = self.serve({"a.yaml": GREET.replace("kind: Runbook\n", ""), "b.yaml": two, "c.yaml": "a: [\n"}, credentials=CREDENTIALS.replace("static", "statik"))
        code, said = self.check(k)
        self.assertEqual(code, 1, said)
        self.assertRegex(said, r"credentials\.yaml:5:\d+: .*statik")
        self.assertRegex(said, r"runbooks/a\.yaml:2:\d+: .*a runbook says kind: Runbook")
        self.assertRegex(said, r"runbooks/c\.yaml:\d+:\d+: ")
        (self.folder / "a.yaml").unlink()
        (self.folder / "c.yaml").unlink()
        (k.folder / "credentials.yaml").write_text(CREDENTIALS)
        code, said = self.check(k)
        self.assertEqual(code, 1, said)
        self.assertRegex(said, r"runbooks/b\.yaml:16:\d+: .*steps\.helo is no step")
        self.write("b.yaml", two.replace("steps.helo.", "steps.hello."))
        self.assertEqual(self.check(k), (0, ""))

    def test_each_file_needs_its_own_signature_where_signatures_are_asked_for(self):
        k = self.serve({"greet.yaml": GREET}, credentials=CREDENTIALS)
        key = k.cli("policy", "key", "ada.example", "--out", k.folder / "ada").last
        k.config_file.write_text(k.config_file.read_text() + f"signers: {{keys: ['{key}']}}\n")

        def sign(file, kind):
            k.cli("policy", "sign", file, "--key", k.folder / "ada", "--as", kind)
        sign(k.policy_file, "policy")
        sign(k.tools_file, "tools")
        self.assertIn("credentials.yaml.sig", self.check(k)[1])
        sign(k.folder / "credentials.yaml", "credentials")
        self.assertIn("greet.yaml.sig", self.check(k)[1])
        sign(self.folder / "greet.yaml", "tools")  # as something else
        self.assertEqual(self.check(k)[0], 1)
        (self.folder / "greet.yaml.sig").unlink()
        sign(self.folder / "greet.yaml", "runbook")
        self.assertEqual(self.check(k), (0, ""))
        k.start()
        at = len(k.stderr())
        self.write("greet.yaml", GREET.replace("hello {{", "evil {{"))
        k.wait_stderr(REFUSED, at)
        self.assertEqual(self.said(k), "hello you\n")

    def test_runbook_check_reads_a_folder_as_the_server_does(self):
        k = self.serve({"greet.yaml": GREET, "team/wave.yml": GREET.replace("greet", "wave"), ".git/old.yaml": "nonsense", "team/.draft.yaml": "nonsense", "policy.yaml": RULES})

        def both():
            done = k.cli("runbook", "check", self.folder, "--tools", k.tools_file, check=False)
            code, said = self.check(k)
            self.assertEqual(code, done.code, said + done.out)
            return done.out, said
        self.assertEqual(both(), ("good: 2 runbooks\n", ""))
        self.write("team/wave.yml", GREET.replace("whom", "who"))  # a name that is there already
        for text in both():
            self.assertRegex(text, r'runbooks/team/wave\.yml:\d+:\d+: .*two runbooks of the name "greet"')
        (self.folder / "team/wave.yml").unlink()
        self.write("notes.yaml", "just: notes\n")
        for text in both():
            self.assertRegex(text, r"runbooks/notes\.yaml:1:\d+: ")
        (self.folder / "notes.yaml").unlink()
        (self.folder / "tools.yaml").write_text(k.tools_file.read_text())  # with the tools in it, too
        self.assertEqual(k.cli("runbook", "check", self.folder).out, "good: 1 runbooks\n")
        self.assertEqual(k.cli("runbook", "check", self.folder, "--tools", self.folder / "tools.yaml").out, "good: 1 runbooks\n")

    def test_a_server_warns_of_people_and_agents_that_are_not_there(self):
        k = self.serve({"greet.yaml": GREET.replace("steps:\n", "triggers: [{schedule: '0 2 * * *', as: ghost, inputs: {whom: you}}]\nsteps:\n"
                                                   "- {id: sure, approve: {message: Go on, require: {quorum: {dbas: 1}, expires: 1h}}}\n")})
        k.start()
        text = k.wait_stderr("nobody is in a group")
        self.assertRegex(text, r'runbooks/greet\.yaml:8:\d+: .*nobody is in a group "dbas" \(did you mean dba\?\)')
        self.assertRegex(text, r"runbooks/greet\.yaml:6:\d+: .*there is no agent ghost yet")

    def test_one_folder_may_hold_all_of_it(self):
        k = self.serve({"greet.yaml": GREET})
        (self.folder / "tools.yaml").write_text(k.tools_file.read_text())
        (self.folder / "policy.yaml").write_text(RULES)
        k.config_file.unlink()
        k.tools_file, k.policy_file = self.folder / "tools.yaml", self.folder / "policy.yaml"
        k.arguments = ["--runbooks", str(self.folder)]
        k.start()
        self.assertEqual(self.said(k), "hello you\n")

    def test_the_command_line_names_them_too(self):
        k = self.serve({"greet.yaml": GREET}, credentials=CREDENTIALS, arguments=())
        k.config_file.unlink()
        k.arguments = ["--runbooks", str(self.folder), "--credentials", str(k.folder / "credentials.yaml")]
        k.start()
        self.assertEqual(self.said(k), "hello you\n")
        rules = k.folder / "strict.yaml"
        rules.write_text(RULES.replace('"runbook.*"', '"runbook.gret"'))
        checked = k.cli("policy", "check", rules, "--tools", k.tools_file, "--runbooks", self.folder, check=False)
        self.assertIn("runbook.gret", checked.out)
        rules.write_text(RULES.replace('"runbook.*"', '"runbook.greet"'))
        checked = k.cli("policy", "check", rules, "--tools", k.tools_file, "--runbooks", self.folder)
        self.assertNotIn("runbook.greet", checked.out)


if __name__ == "__main__":
    unittest.main()
