"""docs/guides/runbooks.md, taken at its word: its files, commands and lines of configuration are used as they stand there."""
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import textwrap
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import BIN, DEADLINE, ROOT, Keyturn, until  # noqa: E402
from support.mcp import MCP, Client  # noqa: E402
from support.passkey import Browser  # noqa: E402
from support.npm import install  # noqa: E402

GUIDE = (ROOT / "docs/guides/runbooks.md").read_text()


def blocks(kind):
    return [textwrap.dedent(found) for found in re.findall(rf"^ *```{kind}\n(.*?)^ *```", GUIDE, re.S | re.M)]


def commands(section):
    """The lines `keyturn …` of a section, without what stands beside them."""
    text = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", GUIDE, re.S | re.M)[1]
    return [re.split(r"   +", line)[0].strip() for line in re.findall(r"^    +(keyturn .*)$", text, re.M)]


# Besides the guide's runbook: a step of which nobody knows how it ended, once everything is killed.
SLOW_TOOL = """\
  slow:
    exec: [@WORK@/slow.sh]
    resource: {kind: host, name: here, env: dev}
    sandbox: none
"""
SLOW = """\
apiVersion: keyturn/v1
kind: Runbook
metadata: {name: slow}
steps:
- {id: it, tool: slow}
"""


class Guided(Keyturn):
    """Made by the guide's own commands, in a folder of its own: only the port and the folder of the site are others."""

    def __init__(self):
        tools, runbook, policy, self.turns, self.triggers, self.credential, self.schema = blocks("yaml")
        self.serve = None
        super().__init__(policy="", tools="", people={}, agents={}, start=False)
        self.site = self.folder / "site"
        self.site.mkdir()
        self.site.chmod(0o777)
        (self.folder / "runbooks").mkdir()
        (self.folder / "runbooks/maintenance.yaml").write_text(runbook)
        self.write_tools(tools.replace("/srv/site", str(self.site)))
        self.write_policy(policy)
        programs = self.folder / "bin"
        programs.mkdir()
        (programs / "keyturn").symlink_to(BIN)
        self.path = {"PATH": f"{programs}:/usr/bin:/bin"}
        for line in commands("From nothing to a first run"):
            if line.startswith("keyturn serve"):
                self.serve = shlex.split(line)[1:]
                break
            said = self.shell(line)
            if "token create" in line:
                self.tokens["ops-bot"] = said.strip().splitlines()[-1]
        self.data = self.folder / "keyturn-data"
        self.new_token("alice", person="alice")
        self.write_tools(self.tools_file.read_text() + SLOW_TOOL)
        (self.folder / "runbooks/slow.yaml").write_text(SLOW)
        self.write_policy(policy.replace("[runbook.maintenance]", "[runbook.maintenance, runbook.slow, slow]"))
        self.start()

    @property
    def command(self):
        return [str(BIN), *self.serve, "--listen", f"127.0.0.1:{self.port}"]

    def shell(self, line, who=None, code=0):
        """Both outputs, as a terminal shows them."""
        env = {**self.path, "KEYTURN_URL": self.url, **({"KEYTURN_TOKEN": self.tokens[who]} if who else {})}
        done = subprocess.run(line, shell=True, cwd=self.folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=2 * DEADLINE)
        assert done.returncode == code, (line, done)
        return done.stdout


class Guide(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Guided()
        cls.addClassCleanup(cls.k.close)
        cls.bob = Browser(cls.k, "bob")

    def closed(self):
        return (self.k.site / "closed").exists()

    def hold(self, step):
        def waiting():
            found = [one for one in self.bob.get("/v1/actions?state=pending&for=me").json["items"] if one["tool"] == "keyturn.hold"]
            return next((one for one in found if self.bob.get(f"/v1/actions/{one['id']}").json["run"]["step"] == step), None)
        return self.bob.get(f"/v1/actions/{until(waiting, f'{step} asks nobody')['id']}").json

    def decide(self, step, decision="approve"):
        seen = self.hold(step)
        self.assertEqual(self.bob.vote(seen, decision).status, 200)
        return seen

    def run_it(self, *words):
        """By the guide's line, without waiting; its id."""
        line = [one for one in commands("From nothing to a first run") if one.startswith("keyturn runbook run ")][0]
        return self.k.shell(" ".join([line, "--no-wait", *words]), "ops-bot", 8).split()[-1]

    def state(self, run, wanted):
        return until(lambda: (got := self.k.get(f"/v1/runs/{run}", "alice").json)["state"] == wanted and got, f"{run} is never {wanted}")

    def test_a_first_run(self):
        plan, run = [line for line in commands("From nothing to a first run") if line.startswith("keyturn runbook ") and "check" not in line]
        self.assertRegex(self.k.shell(plan, "ops-bot"), r"close +site\.close")
        self.assertFalse(self.closed())
        env = {**self.k.path, "KEYTURN_URL": self.k.url, "KEYTURN_TOKEN": self.k.tokens["ops-bot"]}
        process = subprocess.Popen(shlex.split(run), cwd=self.k.folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(self.decide("agree")["args"]["message"], "Close the site for 30 minutes: new disks?")
        self.hold("work")
        self.assertTrue(self.closed())
        self.decide("work")
        out, err = process.communicate(timeout=DEADLINE)
        self.assertEqual((process.returncode, json.loads(out)), (0, {"was_closed": False}), err)
        self.assertFalse(self.closed())

    def test_denied_while_it_is_closed_it_opens_again(self):
        run = self.run_it()
        self.decide("agree")
        self.decide("work", "deny")
        ended = self.state(run, "failed")
        self.assertEqual(ended["steps"][-1]["path"], "close~compensate")
        self.assertFalse(self.closed())

    def test_nothing_but_the_runbook_closes_it(self):
        self.assertEqual(self.k.request("site.close", who="ops-bot").json["state"], "denied")

    def test_the_lines_of_operating(self):
        run = self.run_it()
        self.hold("agree")
        lines = [line.replace("RUN", run) for line in commands("Operate")]
        said = {}
        for line in lines:
            word = shlex.split(line)[2]
            if word == "watch":
                continue
            said[word] = said.get(word, "") + self.k.shell(line, "alice")
        self.assertIn("Closes the site while people work on it.", said["list"])
        self.assertRegex(said["runs"], rf"{run} .*agree")
        self.assertRegex(said["show"], r"minutes +integer +needed")
        self.assertIn("paused", said["pause"])
        self.assertEqual(self.state(run, "cancelled")["cancel_reason"], "wrong host")
        watch = [line for line in lines if " watch " in line][0]
        self.assertIn("cancelled: wrong host", self.k.shell(watch, "alice", 4))

    def unknown(self):
        """A run of which nobody knows how its step ended."""
        run = self.k.request("runbook.slow", who="ops-bot").json["id"]
        self.k.wait_started()
        programs = [int(pid) for pid in self.below(self.k.process.pid)]
        self.k.kill9()
        for pid in programs:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.k.start()
        self.state(run, "stopped")
        return run

    def below(self, pid):
        for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text().split():
                yield child
                yield from self.below(child)

    def test_what_nobody_knows_is_said_by_people(self):
        for line in commands("When nobody knows how a step ended"):
            with self.subTest(line):
                run = self.unknown()
                line = line.replace("RUN", run).replace("STEP", "it")
                self.k.shell(line, "ops-bot", 5)  # an agent does not
                self.k.shell(line, "alice")
                if "again" in line:
                    self.k.wait_started()
                    self.k.let_go()
                self.state(run, "failed" if "failed" in line else "succeeded")

    def test_an_agent_over_mcp(self):
        install(MCP)
        server = json.loads(blocks("json")[0].replace("http://localhost:7717", self.k.url).replace("${KEYTURN_TOKEN}", self.k.tokens["ops-bot"]))["mcpServers"]["keyturn"]
        with Client(2, url=server["url"], headers=server["headers"], era="modern") as client:
            tool = {one["name"]: one for one in client.do("tools")["tools"]}["runbook.maintenance"]
            self.assertEqual(tool["inputSchema"]["required"], ["minutes", "work"])
            calling = client.begin("call", name="runbook.maintenance", arguments={"minutes": 5, "work": "by mcp"}, options={"progress": True})
            for step in ("agree", "work"):
                self.decide(step)
            ended = client.end(calling)
            self.assertEqual((ended["isError"], ended["structuredContent"]["result"]), (False, {"was_closed": False}))

    def test_credentials_and_every_line_is_one_that_there_is(self):
        self.assertIn(self.k.credential.strip(), self.example("migrator"))
        (self.k.folder / "credentials.yaml").write_text((ROOT / "examples/runbooks/credentials.yaml").read_text())
        serve, = commands("Credentials")
        self.k.shell(serve + " --check")
        for words in re.findall(r"`keyturn runbook (\w+)", GUIDE):
            self.k.shell(f"keyturn runbook {words} --help")

    def check(self, runbook, *more):
        """What `runbook check` says of the guide's runbook with these lines before its steps."""
        (self.k.folder / "more.yaml").write_text(runbook.replace("steps:\n", "".join(more) + "steps:\n", 1))
        done = subprocess.run([str(BIN), "runbook", "check", "--tools", str(self.k.tools_file), str(self.k.folder / "more.yaml")], capture_output=True, text=True, timeout=DEADLINE)
        return done.stdout + done.stderr

    def test_turns_and_triggers_are_what_a_runbook_may_say(self):
        runbook = (self.k.folder / "runbooks/maintenance.yaml").read_text()
        self.assertEqual(self.check(runbook, self.k.turns.replace("inputs.service", "inputs.work"), self.k.triggers), "good: 1 runbooks\n")
        self.assertIn("kind is alertmanager", self.check(runbook, self.k.triggers.replace("alertmanager\n", "alertmanagr\n")))

    def test_editors_get_the_schema(self):
        path = re.search(r"http://localhost:7717(\S+)", self.k.schema)[1]
        for name in ("runbook", "tools", "credentials"):
            got = self.k.get(path.replace("runbook", name))
            self.assertEqual((got.status, got.json["type"]), (200, "object"), got)

    def example(self, name):
        """The environment of the examples' tools with that credential, in one line."""
        text = (ROOT / "examples/runbooks/tools.yaml").read_text()
        return f"env: {{{', '.join(re.findall(rf'PG(?:USER|PASSWORD): {{credential: {name}, .*?}}', text)[:2])}}}"


if __name__ == "__main__":
    unittest.main()
