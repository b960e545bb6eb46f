"""docs/guides/mcp.md, taken at its word: its commands, files and lines of configuration are run as they stand there, by clients that read such files."""
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.claude_code import ClaudeCode  # noqa: E402
from support.keyturn import BIN, DEADLINE, ROOT, Keyturn, until  # noqa: E402
from support.mcp import LEGACY, MCP, inspector  # noqa: E402
from support.passkey import Browser  # noqa: E402
from support.npm import install  # noqa: E402

GUIDE = (ROOT / "docs/guides/mcp.md").read_text()
INITIALIZE = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}}


def blocks(kind):
    return [textwrap.dedent(found) for found in re.findall(rf"^ *```{kind}\n(.*?)^ *```", GUIDE, re.S | re.M)]


class Guided(Keyturn):
    """Made by the guide's own commands, in a folder of its own: only the port and the folders of the machine are others."""

    def __init__(self):
        files, policy, forge, local = blocks("yaml")
        self.forge, self.serve = forge, None
        super().__init__(policy=policy.replace('["files.*"]', '["files.*", "local.*"]'), tools="", people={}, agents={}, start=False)
        self.shared = self.folder / "shared"  # its /data
        self.shared.mkdir()
        self.shared.chmod(0o777)
        self.tools_file.write_text(self.here(files + local.removeprefix("upstreams:\n")))
        programs = self.folder / "bin"
        programs.mkdir()
        (programs / "keyturn").symlink_to(BIN)
        self.path = {"PATH": f"{programs}:{pathlib.Path(shutil.which('node')).parent}:/usr/bin:/bin"}
        for line in re.findall(r"^ +(keyturn .*)$", GUIDE.split("## Other servers")[0], re.M):
            if line.startswith("keyturn serve"):
                self.serve = shlex.split(line)[1:]
            else:
                said = subprocess.run(line, shell=True, cwd=self.folder, env=self.path, check=True, capture_output=True, text=True, timeout=DEADLINE).stdout
                if "token create" in line:
                    self.tokens["ops-bot"] = said.strip().splitlines()[-1]
        self.data = self.folder / "keyturn-data"
        self.start()

    @property
    def command(self):
        return [str(BIN), *self.serve, "--listen", f"127.0.0.1:{self.port}"]

    def here(self, text):
        """What the guide writes, of this machine."""
        for word, instead in (("http://localhost:7717", self.url), ("/srv/mcp", str(MCP)), ("/data", str(self.shared)), ("/home/me/work", str(self.shared)),
                              ("/usr/bin/node", shutil.which("node")), ("kt_…", self.tokens.get("ops-bot", ""))):
            text = text.replace(word, instead)
        return text


class Guide(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install(MCP)
        cls.k = Guided()
        cls.addClassCleanup(cls.k.close)
        cls.bob = Browser(cls.k, "bob")
        cls.http, cls.stdio, cls.vscode, cls.beside = (cls.k.here(text) for text in blocks("json"))
        cls.token = cls.k.tokens["ops-bot"]

    def decide(self, tool, path):
        """Bob approves the one call that waits for this file."""
        def waiting():
            return [one for one in self.bob.get("/v1/actions?state=pending").json["items"] if (one["tool"], one["args"]["path"]) == (tool, str(path))]
        found = until(waiting, f"no {tool} waits")
        self.assertEqual((len(found), path.exists()), (1, False))
        self.assertEqual(self.bob.vote(self.bob.get(f"/v1/actions/{found[0]['id']}").json).status, 200)

    def test_claude_code_reads_its_lines(self):
        for number, project in enumerate((self.http, self.stdio)):
            with self.subTest(number):
                claude = ClaudeCode()
                self.addCleanup(claude.close)
                path = self.k.shared / f"by-claude-{number}"
                script = [{"tool": "mcp__files__list_allowed_directories", "input": {}}, {"tool": "mcp__files__write_file", "input": {"path": str(path), "content": "agreed"}}]
                claude.begin(script, project=project, env={**self.k.path, "KEYTURN_TOKEN": self.token})
                self.decide("files.write_file", path)
                outcome = claude.end()
                self.assertIn(str(self.k.shared), json.dumps(outcome.results[0]["content"]), outcome)
                self.assertIn("Successfully wrote", json.dumps(outcome.results[1]["content"]), outcome)
                self.assertEqual(path.read_text(), "agreed")

    def list_directories(self, name, text, *words):
        """What the inspector's command line gets by this file."""
        file = self.k.folder / f"{name}.json"
        file.write_text(text)
        return json.dumps(inspector("--config", str(file), "--server", "files", "--method", "tools/call", "--tool-name", "list_allowed_directories", *words, env=self.k.path))

    def test_the_inspector_reads_its_lines(self):
        self.assertIn(str(self.k.shared), self.list_directories("http", self.http.replace("${KEYTURN_TOKEN}", self.token)))
        self.assertIn(str(self.k.shared), self.list_directories("stdio", self.stdio))

    def test_the_lines_of_vs_code(self):
        """Nothing headless reads its file; the inspector reads the same in its own words."""
        written = json.loads(self.vscode)
        self.assertEqual(set(written), {"servers", "inputs"})
        asked = [one["id"] for one in written["inputs"]]
        self.assertEqual(re.findall(r"\$\{input:([^}]*)\}", self.vscode), asked)
        servers = json.dumps(written["servers"]).replace(f"${{input:{asked[0]}}}", self.token)
        self.assertIn(str(self.k.shared), self.list_directories("vscode", json.dumps({"mcpServers": json.loads(servers)})))

    def test_beside_the_agent(self):
        self.assertIn(str(self.k.shared), self.list_directories("beside", self.beside.replace('"env": {', f'"env": {{"KEYTURN_URL": "{self.k.url}", "npm_config_offline": "true", '),
                                                                "--cwd", str(MCP)))

    def test_a_server_with_a_credential(self):
        file = self.k.folder / "forge.yaml"
        file.write_text(self.k.forge)
        for wrong, code in (("", 0), ("  nothing: {}\n", 1)):
            file.write_text(self.k.forge + wrong)
            checked = subprocess.run([str(BIN), "serve", "--check", "--tools", str(file), "--policy", str(self.k.policy_file)], cwd=self.k.folder, capture_output=True, text=True,
                                     timeout=DEADLINE, env={**self.k.path, "FORGE_TOKEN": "of-no-use"})
            self.assertEqual(checked.returncode, code, checked)

    def test_the_words_of_what_goes_wrong(self):
        """Each of the table is said in such a case, in the answer or on stderr."""
        table = re.findall(r"^\| (`.*?`) \|", GUIDE.split("| words |")[1], re.M)
        words = [word for cell in table for word in re.findall(r"`(.*?)`", cell)]
        known = {"KEYTURN_URL": self.k.url, "KEYTURN_TOKEN": self.token}
        cases = [(["--upstream", "files"], {**known, "KEYTURN_TOKEN": ""}), (["--upstream", "files"], {**known, "KEYTURN_TOKEN": "kt_wrong"}), (["--upstream", "nothing"], known),
                 (["--upstream", "files", "--", "cat"], known), (["--upstream", "files"], {**known, "KEYTURN_URL": "http://localhost:1"})]
        self.assertEqual(len(words), len(cases))
        for word, (arguments, env) in zip(words, cases):
            with self.subTest(word):
                process = subprocess.Popen([str(BIN), "mcp", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**self.k.path, **env})
                process.stdin.write(json.dumps(INITIALIZE) + "\n")
                process.stdin.flush()
                said = process.stdout.readline()
                process.stdin.close()
                said += process.stdout.read()
                process.stdout.close()
                self.assertIsNotNone(process.wait(DEADLINE))
                pattern = ".*".join(map(re.escape, re.split("…|NAME", word.replace('"NAME"', "NAME"))))
                self.assertRegex(said.replace("\\n", " ").replace("\n", " "), pattern)


if __name__ == "__main__":
    unittest.main()
