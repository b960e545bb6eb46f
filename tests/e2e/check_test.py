"""`keyturn serve --check` says every mistake in its place, with what to do; a bad reload keeps what is in force and says so."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import BIN, DEADLINE, Keyturn  # noqa: E402

GOOD_TOOLS = """tools:
  echo:
    exec: [/usr/bin/echo, "{{text}}"]
    params: {text: {type: string}}
"""
HEAD = "apiVersion: keyturn/v1\nkind: Policy\nmetadata: {name: t, revision: 1}\nrules:\n"
GOOD_POLICY = HEAD + "- {id: a, match: {tool: [echo]}, effect: allow}\n"

# keyturn.yaml, where it is wrong, and a word of what to do
CONFIG = [
    ("lisen: 127.0.0.1:7717", "1:1", 'did you mean "listen"'),
    ("listen: [1]", "1:9", "ADDRESS:PORT"),
    ("listen: somewhere", "1:9", "127.0.0.1:7717"),
    ("listen: example.org:7717", "1:9", "numeric"),
    ("listen: 127.0.0.1:99999", "1:9", "address:port"),
    ("data: ''", "1:7", "must name"),
    ("policy: 3", "1:9", "must be a string"),
    ("tls: {certificate: /x.pem}", "1:6", '"key"'),
    ("tls: {certificate: /no/such.pem, key: /no/such.key}", "1:6", "PEM"),
    ("limits: {pending_per_agent: 0}", "1:29", "from 1 to"),
    ("limits: {streams: 0}", "1:19", "from 1 to"),
    ("limits: {streams_per_caller: 1000000}", "1:30", "from 1 to"),
    ("limits: {requests_per_second: 0}", "1:31", "requests_per_second must be more than 0"),
    ("sessions: {idle: 3}", "1:18", "30s, 15m"),
    ("sessions: {idle: 30h}", "1:18", "12h"),
    ("trusted_proxies: [everybody]", "1:18", "10.0.0.0/8"),
    ("public_url: keyturn.example", "1:13", "https://keyturn.example"),
    ("public_url: https://keyturn.example/path", "1:13", "without a path"),
    ("hosts: [Keyturn.Example]", "1:8", "lower case"),
    ("hosts: ['keyturn.example:80']", "1:8", "without scheme and port"),
    ("ledger_origin: two words", "1:16", "without spaces"),
    ("- listen", "1:1", "must be an object"),
    ("data: x\ndata: y", "2:1", "stands twice"),
    ("data: &x y", "1:7", "write the value out"),
    ("data: {x", r"1:\d+|2:\d+", ""),
]
TOOLS = [
    ("", "1:1", "must be an object"),
    ("tools: []", "1:8", "must be an object"),
    ("tool: {}", "1:1", 'did you mean "tools"'),
    ("tools:\n  a: {exec: [/bin/true]}\n  a: {exec: [/bin/true]}", "3:3", "stands twice"),
    ("tools:\n  a: {}", "2:6", "needs exec"),
    ("tools:\n  a: {exec: [svc]}", "2:14", "absolute path"),
    ("tools:\n  a: {exec: [/bin/true], tiemout: 3s}", "2:26", 'did you mean "timeout"'),
    ('tools:\n  a: {exec: [/bin/echo, "{{txt}}"], params: {text: {type: string}}}', "2:25", "did you mean {{text}}"),
    ("tools:\n  a: {exec: [/bin/true], env: {X: {secret: hunter2}}}", "2:44", "env:NAME"),
    ('tools:\n  a: {exec: [/bin/true], env: {X: {secret: "vault:kv/x"}}}', "2:44", "/usr/bin/vault"),
    ("tools:\n  a: {sql: {dsn: x=y z, statement: select 1}}", "2:18", "dsn is not valid"),
    ("tools:\n  a: {sql: {dsn: host=x password=y, statement: select 1}}", "2:18", "secret:"),
    ("tools:\n  a: {sql: {dsn: host=x, statement: select 1}, sandbox: none}", "2:57", "database role"),
    ("tools:\n  a: {exec: [/bin/true], limits: {memory: 3}}", "2:43", "16MiB"),
    ("tools:\n  a: {exec: [/bin/true], timeout: 5}", "2:35", "30s"),
    ("tools:\n  a: {mode: grant}", "2:13", "enforcement_point"),
]
POLICY = [
    ("", "1:1", "apiVersion"),
    (GOOD_POLICY.replace("v1", "v9", 1), "1:13", "keyturn/v1"),
    (HEAD + "- {match: {tool: [echo]}, effect: allow}", "5:3", '"id"'),
    (HEAD + "- {id: a, mach: {tool: [echo]}, effect: allow}", "5:11", 'did you mean "match"'),
    (HEAD + "- {id: a, match: {tool: [echo]}, effect: alow}", "5:42", "none of allow, deny"),
    (HEAD + "- {id: a, match: {tool: [echo]}, when: action.args.txt == '', effect: allow}", "5:52", "did you mean action.args.text"),
    (HEAD + "- {id: a, match: {tool: [echo]}, when: '1 +', effect: allow}", r"5:4\d", "expected"),
    (HEAD + "- {id: a, match: {tool: [echo]}, when: '1', effect: allow}", "5:41", "expected bool"),
    (HEAD + "- {id: a, match: {tool: [echo]}, when: \"facts.shell.inlin\", effect: allow}", r"5:5\d", "did you mean facts.shell.inline"),
    (HEAD + "- {id: a, match: {tool: [echo]}, effect: require}", "5:3", "quorum"),
    (HEAD + "- {id: a, match: {tool: [echo]}, effect: require, require: {quorum: {dba: 0}}}", "5:75", "from 1 to"),
    (HEAD + "- {id: a, match: {tool: [echo]}, effect: require, require: {quorum: {dba: 1}, expires: soon}}", "5:88", "30s"),
    (GOOD_POLICY + "- {id: a, match: {tool: [echo]}, effect: deny}", "6:3", "twice"),
    (GOOD_POLICY + "tests:\n- {name: n, set: {action.tool: echo}, expect: {effect: deny}}", "7:3", "is allow"),
]


class Check(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keyturn-test-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def check(self, config="", tools=GOOD_TOOLS, policy=GOOD_POLICY, arguments=()):
        for name, text in {"keyturn.yaml": config, "tools.yaml": tools, "policy.yaml": policy}.items():
            (self.folder / name).write_text(text)
        return self.run_check(*arguments)

    def run_check(self, *arguments):
        return subprocess.run([BIN, "serve", "--check", *arguments], cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE)

    def refused(self, done, file, place, advice):
        self.assertEqual(done.returncode, 1, done)
        self.assertEqual(done.stdout, "configuration has errors\n", done)
        found = [line for line in done.stderr.splitlines() if re.match(rf"{re.escape(file)}:(?:{place}): (?!warning)", line)]
        self.assertTrue(any(advice in line for line in found), f"no line {file}:{place} with {advice!r}:\n{done.stderr}")
        for line in done.stderr.splitlines():
            self.assertRegex(line, r"^(keyturn|tools|policy)\.yaml:\d+:\d+: ", "every line has its place")

    def test_what_is_good(self):
        done = self.check(config="listen: 7717\nhosts: ['[::1]', keyturn.example]\npublic_url: https://keyturn.example:8443/\n")
        self.assertEqual((done.returncode, done.stdout), (0, "configuration is good\n"), done)
        self.assertFalse((self.folder / "keyturn-data").exists(), "a check makes nothing")

    def test_keyturn_yaml(self):
        for text, place, advice in CONFIG:
            with self.subTest(text):
                self.refused(self.check(config=text), "keyturn.yaml", place, advice)

    def test_tools_yaml(self):
        for text, place, advice in TOOLS:
            with self.subTest(text):
                self.refused(self.check(tools=text), "tools.yaml", place, advice)

    def test_policy_yaml(self):
        for text, place, advice in POLICY:
            with self.subTest(text):
                self.refused(self.check(policy=text), "policy.yaml", place, advice)

    def test_several_mistakes_are_said_at_once(self):
        done = self.check(tools=TOOLS[5][0] + "\n  b: {exec: [/bin/true], timeout: 5}", policy=POLICY[4][0])
        for place in (r"tools\.yaml:2:14", r"tools\.yaml:3:35", r"policy\.yaml:5:42"):
            self.assertRegex(done.stderr, place)

    def test_a_file_that_is_not_there_says_who_names_it(self):
        self.check()
        for name, words in {"policy.yaml": "--policy", "tools.yaml": "--tools"}.items():
            (self.folder / name).rename(self.folder / "away")
            done = self.run_check()
            self.assertEqual(done.returncode, 1, done)
            self.assertRegex(done.stderr, rf"{re.escape(name)}: cannot be read: No such file.*{words}")
            (self.folder / "away").rename(self.folder / name)
        done = self.run_check("--config", "elsewhere.yaml")
        self.assertEqual(done.returncode, 1, done)
        self.assertRegex(done.stderr, r"elsewhere\.yaml: cannot be read: No such file")
        done = self.run_check("--policy", ".")
        self.assertEqual(done.returncode, 1, done)
        self.assertRegex(done.stderr, r"cannot be read: Is a directory")

    def test_a_wrong_command_line_is_another_exit_code(self):
        self.assertEqual(self.check(arguments=["--listen", "nonsense"]).returncode, 2)
        self.assertEqual(self.check(arguments=["--nonsense"]).returncode, 2)


class Reload(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(people={"olga": []}, agents={"bot": "olga"})
        cls.addClassCleanup(cls.k.close)

    def still_works(self):
        self.assertEqual(self.k.request("echo", {"text": "as before"}, wait=20).json["state"], "succeeded")

    def test_files_with_mistakes_leave_what_is_in_force_and_say_so(self):
        tools, policy = self.k.tools_file.read_text(), self.k.policy_file.read_text()
        for file, before, text, place in (
                (self.k.tools_file, tools, "tools:\n  echo: {exec: [echo]}\n", r"tools\.yaml:2:17: .*absolute"),
                (self.k.tools_file, tools, "", r"tools\.yaml:1:1: "),
                (self.k.policy_file, policy, policy.replace("effect: deny", "effect: dent", 1), r"policy\.yaml:4:20: .*deny or allow"),
                (self.k.policy_file, policy, policy + "  bad indentation: [", r"policy\.yaml:\d+:\d+: ")):
            with self.subTest(place):
                file.write_text(text)
                said = self.k.reload()
                said = self.k.stderr() if "stays" not in said else said
                self.assertRegex(said, r"reload refused, the configuration in force stays")
                self.assertRegex(said, place)
                self.still_works()
                file.write_text(before)

    def test_a_file_that_went_away_leaves_what_is_in_force(self):
        away = self.k.tools_file.with_suffix(".away")
        self.k.tools_file.rename(away)
        try:
            self.assertRegex(self.k.reload(), r"reload refused, the configuration in force stays: .*tools\.yaml: cannot be read")
            self.still_works()
        finally:
            away.rename(self.k.tools_file)

    def test_good_files_take_effect(self):
        tools = self.k.tools_file.read_text()
        self.k.tools_file.write_text(tools + "  fresh: {exec: [/usr/bin/echo, fresh], sandbox: {}, resource: {kind: host, name: here}}\n")
        try:
            self.assertRegex(self.k.reload(), r"reloaded: the new configuration is in force")
            self.assertEqual(self.k.request("fresh").json["verdict"]["rules"], ["default"], "known, and not allowed by any rule")
        finally:
            self.k.tools_file.write_text(tools)
            self.k.reload()


if __name__ == "__main__":
    unittest.main()
