"""Claude Code, headless and offline: its model is a script on loopback (tests/peers/mcp/claude-code/model.mjs), its home a temporary folder."""
import json
import os
import pathlib
import platform
import subprocess
import tempfile

from .keyturn import DEADLINE, ROOT
from .npm import install
from .peer import Peer

HERE = ROOT / "tests/peers/mcp/claude-code"


def program():
    install(HERE)
    machine = {"x86_64": "x64", "aarch64": "arm64"}[platform.machine()]
    return HERE / f"node_modules/@anthropic-ai/claude-code-linux-{machine}/claude"


class Outcome:
    """`result`: its last words; `results`: the tool_result blocks that the model was given; `lines`: its own stream of JSON."""

    def __init__(self, lines, code, stderr):
        self.lines, self.code, self.stderr = lines, code, stderr
        last = [line for line in lines if line.get("type") == "result"]
        self.result = last[-1].get("result") if last else None
        contents = [line["message"]["content"] for line in lines if line.get("type") == "user"]
        self.results = [block for content in contents if isinstance(content, list) for block in content if block.get("type") == "tool_result"]

    def __repr__(self):
        return f"<{self.code} {self.result!r} {self.stderr[-500:]} {json.dumps(self.lines)[-1500:]}>"


class ClaudeCode:
    """begin() starts a run, end() waits for it; run() does both. `script`: [{"tool", "input"}…], a tool of an MCP server as mcp__SERVER__TOOL."""

    def __init__(self):
        self.program = program()
        self.home = tempfile.TemporaryDirectory(prefix="keyturn-claude-")
        self.work = pathlib.Path(self.home.name, "work")
        self.work.mkdir()
        self.model = Peer("mcp/claude-code", "model.mjs")
        self.process = None

    def begin(self, script, servers=None, allow=None, settings=None, words=(), env=None, project=None):
        """`servers`: as under mcpServers, or `project`: the text of the project's .mcp.json; `allow`: tools that need no permission (all of the script's unless
        given); `settings`: of hooks and such."""
        self.model.tell("script", {"script": script})
        mcp = pathlib.Path(self.home.name, "mcp.json")
        mcp.write_text(json.dumps({"mcpServers": servers or {}}))
        if project is not None:
            (self.work / ".mcp.json").write_text(project)
        allow = [step["tool"] for step in script] if allow is None else allow
        command = [str(self.program), "-p", "go", *(["--mcp-config", str(mcp), "--strict-mcp-config"] if project is None else []),
                   "--output-format", "stream-json", "--verbose", *(["--settings", json.dumps(settings)] if settings else []), *(["--allowedTools", ",".join(allow)] if allow else []), *words]
        self.process = subprocess.Popen(command, cwd=self.work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={
            "PATH": os.environ["PATH"], "HOME": self.home.name, "CLAUDE_CONFIG_DIR": f"{self.home.name}/config", "ANTHROPIC_API_KEY": "of-no-use",
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{self.model.port}", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_TELEMETRY": "1",
            "DISABLE_AUTOUPDATER": "1", "DISABLE_ERROR_REPORTING": "1", "ENABLE_TOOL_SEARCH": "false", **(env or {})})
        return self

    def end(self, timeout=2 * DEADLINE):
        out, err = self.process.communicate(timeout=timeout)
        return Outcome([json.loads(line) for line in out.splitlines() if line.startswith("{")], self.process.returncode, err)

    def run(self, script, timeout=2 * DEADLINE, **more):
        return self.begin(script, **more).end(timeout)

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        self.model.stop()
        self.home.cleanup()
