"""A Keyturn that stands before MCP servers."""
import json
import os
import shutil

from .keyturn import Keyturn, until
from .mcp import Client

ALLOW = """\
apiVersion: keyturn/v1
kind: Policy
metadata: {name: mcp-allow, revision: 1}
rules:
- {id: all, match: {}, effect: allow}
"""

# What only reads goes; `append` and `slow` need one person of dba; `crash` is denied.
GATED = """\
apiVersion: keyturn/v1
kind: Policy
metadata: {name: mcp-gated, revision: 1}
rules:
- {id: reads, match: {operation: read}, effect: allow}
- {id: writes, match: {operation: write}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}
- {id: never, match: {operation: destroy}, effect: deny, description: crashing servers is nobody's work}
"""

OPERATIONS = {"append": "write", "slow": "write", "write_*": "write", "crash": "destroy", "*": "read"}


def unconfined():
    return "none" if os.getuid() == 0 else {"disabled": True, "exposes_keyturn": True}


def at(server, **more):
    """The upstream of a fixture server over HTTP."""
    return {"url": server.url, "operations": OPERATIONS, **more}


def child(command, **more):
    """The upstream of a program that speaks on its standard input and output."""
    program, *words = command
    return {"command": [shutil.which(program), *words], "operations": OPERATIONS, "sandbox": unconfined(), **more}


class Proxy(Keyturn):
    def __init__(self, upstreams, policy=GATED, tools=None, **more):
        super().__init__(policy=policy, tools=json.dumps({"tools": tools or {}, "upstreams": upstreams}), **more)

    def write_tools(self, text):
        self.tools_file.write_text(text)

    def mcp(self, upstream):
        return f"{self.url}/mcp/{upstream}"

    def bearer(self, who="bot"):
        return {"Authorization": f"Bearer {self.tokens[who]}"}

    def client(self, version, upstream, who="bot", **connect):
        return Client(version, url=self.mcp(upstream), headers=self.bearer(who), **connect)

    def wrapped(self, version, *words, who="bot", **connect):
        """A client whose server is `keyturn mcp WORDS`."""
        from .keyturn import BIN
        return Client(version, command=[str(BIN), "mcp", *map(str, words)], env={"KEYTURN_URL": self.url, "KEYTURN_TOKEN": self.tokens[who]}, **connect)

    def asked(self, tool, state="pending", who="ada"):
        """The actions of a tool that are in that state, oldest first."""
        items = self.get(f"/v1/actions?tool={tool}&state={state}&limit=200", who).json["items"]
        return sorted(items, key=lambda item: item["id"])

    def wait_asked(self, tool, state="pending", count=1):
        """The newest of them, once there are so many."""
        return until(lambda: len(self.asked(tool, state)) >= count and self.asked(tool, state)[-1], f"no {tool} that is {state}")
