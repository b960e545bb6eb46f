#!/usr/bin/env python3
"""Claude Code asks Keyturn before it uses a tool: its PreToolUse hook, and its permission prompt.

    keyturn_claude_code.py bridge [--port 7718] [--hold 540]    what http hooks of Claude Code are sent to, on 127.0.0.1
    keyturn_claude_code.py prompt [--hold 540]                  an MCP server on stdio, for --permission-prompt-tool mcp__keyturn__approve

Both: KEYTURN_URL and KEYTURN_TOKEN (an agent's), --tool NAME: a tool of tools.yaml with `mode: grant`, whose enforcement point that agent is. A use of a
tool becomes an action of it, {tool_name, cwd, input, command?}; it goes on when the action's grant was used, and never otherwise: what cannot be
asked, is not decided within the hold, or was released for anything else, is denied in words. The bridge wants KEYTURN_HOOK_SECRET from the hook.

A second line, never the boundary: Claude Code runs the tool itself, with whatever its user may do. Standard library and keyturn.py only.
"""
from __future__ import annotations

import argparse
import hmac
import http.server
import json
import os
import pathlib
import select
import socket
import sys
import threading
import time
import uuid
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "python"))  # where keyturn.py is not beside this file
import keyturn  # noqa: E402

BODY_BYTES_MAX = 8 << 20
LOOK_SECONDS = 5  # so often it is looked whether who asked is still there
LATEST = 1000  # wishes that nobody waits for, and uses that have not ended, are remembered; the oldest go


class Decision(NamedTuple):
    allowed: bool
    reason: str  # for the model
    input: Dict[str, Any]  # what was released, when it was


class Wish:
    """A use of a tool that was asked for, as long as it may come to something: an identical retry goes on with it."""

    def __init__(self, what: str) -> None:
        self.what, self.key = what, f"claude-code/{uuid.uuid4()}"
        self.held = True  # by somebody who waits
        self.over = False
        self.action: Optional[keyturn.Action] = None  # as it was last seen; with the grant, which is shown once


class Gate:
    """Asks, waits, uses the grant, and reports how it ended. Of all threads."""

    def __init__(self, client: keyturn.Client, tool: str, hold_s: float):
        self._client, self._tool, self._hold_s = client, tool, hold_s
        self._lock = threading.Lock()
        self._open: List[Wish] = []
        self._running: Dict[str, str] = {}  # tool_use_id -> action

    def decide(self, tool_name: str, tool_input: Dict[str, Any], cwd: str, session: str, use: str, is_there: Callable[[], bool]) -> Decision:
        """Never raises. `is_there`: whether somebody still waits for the answer; nothing is released to nobody."""
        args = {"tool_name": tool_name, "cwd": cwd, "input": json.dumps(tool_input, ensure_ascii=False, indent=1)}
        if isinstance(tool_input.get("command"), str):
            args["command"] = tool_input["command"]  # the same once more, for people's eyes and for policy
        wish = self._take(json.dumps([session, args]))
        try:
            return self._obtain(wish, args, tool_input, session, use, is_there)
        except keyturn.Refused as refused:
            wish.over = True
            return Decision(False, f"Keyturn refused to be asked: {refused}", {})
        except keyturn.KeyturnError as error:
            return Decision(False, f"Keyturn could not be asked, so this does not run: {error}", {})
        except Exception as error:  # noqa: BLE001: whatever is wrong here, nothing runs
            return Decision(False, f"the bridge to Keyturn failed, so this does not run: {type(error).__name__}: {error}", {})
        finally:
            self._put_back(wish)

    def finished(self, use: str, error: Optional[str]) -> None:
        """How a use ended that was released here; of others nothing is told."""
        with self._lock:
            action = self._running.pop(use, None)
        if action is not None:
            self._client.report(action, "succeeded" if error is None else "failed", None if error is None else {"error": error[:2000]})

    def _obtain(self, wish: Wish, args: Dict[str, Any], tool_input: Dict[str, Any], session: str, use: str, is_there: Callable[[], bool]) -> Decision:
        deadline = time.monotonic() + self._hold_s
        if wish.action is None:
            said = tool_input.get("description")
            wish.action = self._client.request(self._tool, args, reason=said if isinstance(said, str) else "", claims={"session": session},
                                               idempotency_key=wish.key, wait_s=0)
        while not keyturn.is_settled(wish.action) and time.monotonic() < deadline and is_there():
            wish.action = self._client.wait(wish.action, min(LOOK_SECONDS, max(0.0, deadline - time.monotonic())))
        action = wish.action
        about = f"{action['id']}, {action.get('review_url', '')}"
        if not keyturn.is_settled(action):
            return Decision(False, f"Keyturn: this waits for people ({about}). They have been asked; ask for exactly the same again to go on waiting.", {})
        wish.over = action["state"] != "approved" or action["grant"] is None or action["args"] != args
        if action["state"] != "approved" or action["grant"] is None:
            why = "; ".join(action["verdict"]["reasons"]) if action["state"] == "denied" else "its release was lost on the way" if action["state"] == "approved" else ""
            return Decision(False, f"Keyturn: {action['state']}{': ' + why if why else ''} ({about}){_words_of(action)}", {})
        if wish.over:
            return Decision(False, f"Keyturn released something else than was asked for ({about})", {})
        if not is_there():
            return Decision(False, f"nobody waits for it any more ({about})", {})
        wish.over = True  # used now, however that ends
        used = self._client.consume(action["grant"], action["digest"])
        if used["args"] != args:
            self._client.report(used["id"], "failed", {"error": "released with other arguments: not run"})
            return Decision(False, f"Keyturn released something else than was asked for ({about})", {})
        with self._lock:
            self._running[use] = used["id"]
            while len(self._running) > LATEST:
                del self._running[next(iter(self._running))]
        return Decision(True, f"released by Keyturn as {used['id']}", json.loads(used["args"]["input"]))

    def _take(self, what: str) -> Wish:
        with self._lock:
            for wish in self._open:
                if wish.what == what and not wish.held:
                    wish.held = True
                    return wish
            self._open.append(Wish(what))
            return self._open[-1]

    def _put_back(self, wish: Wish) -> None:
        with self._lock:
            wish.held = False
            if wish.over:
                self._open.remove(wish)
            idle = [one for one in self._open if not one.held]
            for one in idle[:max(0, len(idle) - LATEST)]:
                self._open.remove(one)


def _words_of(action: keyturn.Action) -> str:
    """What people said to it."""
    said = [f"{v['reviewer']}: {v['note']}" for v in action["votes"] if v.get("note")] + [f"{c['by']}: {c['text']}" for c in action.get("comments", []) if c.get("text")]
    return "".join(f"\n{line}" for line in said)


# ---------------------------------------------------------------- http hooks
class Bridge(http.server.ThreadingHTTPServer):
    """Takes what Claude Code's http hooks send (PreToolUse, PostToolUse, PostToolUseFailure), from who knows the secret."""
    daemon_threads = True

    def __init__(self, port: int, gate: Gate, secret: str):
        self.gate, self._secret = gate, ("Bearer " + secret).encode()
        super().__init__(("127.0.0.1", port), _Hook)

    def knows_secret(self, header: str) -> bool:
        return hmac.compare_digest(header.encode(errors="replace"), self._secret)


class _Hook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Bridge

    def do_POST(self) -> None:
        if not self.server.knows_secret(self.headers.get("Authorization", "")):
            return self._answer(401, {"error": "the hook's Authorization is not KEYTURN_HOOK_SECRET's"})
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > BODY_BYTES_MAX:
            return self._answer(413, {"error": f"a body of at most {BODY_BYTES_MAX} bytes, with its Content-Length"})
        try:
            said = json.loads(self.rfile.read(int(length)))
            event, use = said["hook_event_name"], str(said["tool_use_id"])
            if event == "PreToolUse":
                return self._answer(200, self._before(said, use))
            if event == "PostToolUse":
                self.server.gate.finished(use, None)
            elif event == "PostToolUseFailure":
                self.server.gate.finished(use, str(said.get("error", "failed")))
            else:
                return self._answer(400, {"error": f"this is for PreToolUse, PostToolUse and PostToolUseFailure, not for {event}"})
            return self._answer(200, {})
        except (ValueError, KeyError, TypeError) as error:
            return self._answer(400, {"error": f"no hook of Claude Code: {type(error).__name__}: {error}"})
        except keyturn.KeyturnError as error:
            return self._answer(502, {"error": f"the outcome could not be reported: {error}"})

    def _before(self, said: Dict[str, Any], use: str) -> Dict[str, Any]:
        if not isinstance(said["tool_input"], dict):
            raise TypeError("tool_input is no object")
        decision = self.server.gate.decide(str(said["tool_name"]), said["tool_input"], str(said.get("cwd", "")), str(said.get("session_id", "")), use, self._is_there)
        out: Dict[str, Any] = {"hookEventName": "PreToolUse", "permissionDecision": "allow" if decision.allowed else "deny", "permissionDecisionReason": decision.reason}
        if decision.allowed:
            out["updatedInput"] = decision.input
        return {"hookSpecificOutput": out}

    def _is_there(self) -> bool:
        """Claude Code closes the connection when its user interrupts, or its time is over."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        try:
            return not readable or self.connection.recv(1, socket.MSG_PEEK) != b""
        except OSError:
            return False

    def _answer(self, status: int, body: Dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status >= 400:  # its body may not have been read
            self.send_header("Connection", "close")
            self.close_connection = True
        try:
            self.end_headers()
            self.wfile.write(data)
        except OSError:  # whoever asked is gone
            self.close_connection = True

    def log_message(self, format: str, *words: Any) -> None:
        pass


# ---------------------------------------------------------------- the permission prompt
def _tool(name: str, description: str, required: List[str], **properties: str) -> Dict[str, Any]:
    return {"name": name, "description": description,
            "inputSchema": {"type": "object", "properties": {key: {"type": kind} for key, kind in properties.items()}, "required": required}}


TOOLS = [
    _tool("approve", "Asks Keyturn whether a tool may be used. For --permission-prompt-tool.", ["tool_name", "input"], tool_name="string", input="object", tool_use_id="string"),
    _tool("finished", "Tells Keyturn how a released use ended. For hooks.", ["tool_use_id"], tool_use_id="string", event="string", error="string"),
]
VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")


class PromptServer:
    """MCP over stdio (JSON-RPC 2.0, a message a line)."""

    def __init__(self, gate: Gate, out: Any):
        self._gate, self._out, self._lock = gate, out, threading.Lock()
        self._gone: Dict[Any, threading.Event] = {}
        self._session = str(uuid.uuid4())

    def serve(self, lines: Any) -> None:
        for line in lines:
            try:
                message = json.loads(line)
                method, id, params = message.get("method"), message.get("id"), message.get("params") or {}
            except (ValueError, AttributeError):
                self._say({"id": None, "error": {"code": -32700, "message": "no JSON-RPC message"}})
                continue
            if method == "notifications/cancelled":
                self._gone.get(params.get("requestId"), threading.Event()).set()
            elif method == "tools/call" and id is not None:
                gone = self._gone[id] = threading.Event()
                threading.Thread(target=self._call, args=(id, params, gone), daemon=True).start()
            elif method is not None and id is not None:
                self._say({"id": id, **self._answer(method, params)})
        for gone in list(self._gone.values()):
            gone.set()

    def _answer(self, method: str, params: Dict[str, Any]) -> Dict[str, Any]:
        if method == "initialize":
            wanted = params.get("protocolVersion")
            return {"result": {"protocolVersion": wanted if wanted in VERSIONS else VERSIONS[0], "capabilities": {"tools": {}},
                               "serverInfo": {"name": "keyturn-claude-code", "version": "0.1.0"}}}
        if method == "tools/list":
            return {"result": {"tools": TOOLS}}
        if method == "ping":
            return {"result": {}}
        return {"error": {"code": -32601, "message": f"no method {method}"}}

    def _call(self, id: Any, params: Dict[str, Any], gone: threading.Event) -> None:
        try:
            name, given = params.get("name"), params.get("arguments") or {}
            if name == "approve":
                text, failed = self._approve(given, gone), False
            elif name == "finished":
                text, failed = self._finished(given)
            else:
                return self._say({"id": id, "error": {"code": -32602, "message": f"Unknown tool: {name}"}})
            self._say({"id": id, "result": {"content": [{"type": "text", "text": text}], "isError": failed}})
        finally:
            if self._gone.get(id) is gone:  # else the id is another call's by now
                self._gone.pop(id, None)

    def _approve(self, given: Dict[str, Any], gone: threading.Event) -> str:
        if not isinstance(given.get("tool_name"), str) or not isinstance(given.get("input"), dict):
            return json.dumps({"behavior": "deny", "message": "no permission prompt of Claude Code: tool_name or input is missing"})
        decision = self._gate.decide(given["tool_name"], given["input"], os.getcwd(), self._session, str(given.get("tool_use_id", "")), lambda: not gone.is_set())
        return json.dumps({"behavior": "allow", "updatedInput": decision.input} if decision.allowed else {"behavior": "deny", "message": decision.reason})

    def _finished(self, given: Dict[str, Any]) -> Tuple[str, bool]:
        try:
            failed = given.get("event") == "PostToolUseFailure"
            self._gate.finished(str(given.get("tool_use_id", "")), str(given.get("error") or "failed") if failed else None)
            return "{}", False
        except keyturn.KeyturnError as error:
            return f"the outcome could not be reported: {error}", True

    def _say(self, what: Dict[str, Any]) -> None:
        with self._lock:
            self._out.write(json.dumps({"jsonrpc": "2.0", **what}) + "\n")
            self._out.flush()


# ---------------------------------------------------------------- start
def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0], epilog="KEYTURN_URL, KEYTURN_TOKEN; bridge: KEYTURN_HOOK_SECRET")
    parser.add_argument("what", choices=["bridge", "prompt"])
    parser.add_argument("--port", type=int, default=7718, help="of the bridge, on 127.0.0.1")
    parser.add_argument("--tool", default="claude-code", help="in tools.yaml (default: claude-code)")
    parser.add_argument("--hold", type=float, default=540, help="seconds to wait for people at a time; the hook's timeout must be longer (default: 540)")
    options = parser.parse_args()
    try:
        gate = Gate(keyturn.Client(patience_s=min(20.0, options.hold)), options.tool, options.hold)
    except ValueError as error:
        print(f"keyturn_claude_code: {error}", file=sys.stderr)
        return 2
    if options.what == "prompt":
        PromptServer(gate, sys.stdout).serve(sys.stdin)
        return 0
    secret = os.environ.get("KEYTURN_HOOK_SECRET", "")
    if len(secret) < 16:
        print("keyturn_claude_code: set KEYTURN_HOOK_SECRET, at least 16 characters (openssl rand -hex 16), here and where claude is started", file=sys.stderr)
        return 2
    bridge = Bridge(options.port, gate, secret)
    print(f"listening on http://127.0.0.1:{bridge.server_port}/", flush=True)
    try:
        bridge.serve_forever()
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
