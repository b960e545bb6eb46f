"""Runbooks and their runs in real Chromium. The steps are browser/runbooks.mjs."""
import contextlib
import http.server
import os
import pathlib
import signal
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import runs_test  # noqa: E402
from browser_test import LIMITS, Keyturn, of_script, walked  # noqa: E402
from support.keyturn import POLICY, TOOLS  # noqa: E402

RUNBOOKS = """\
  note:
    exec: [@WORK@/append.sh, "{{text}}"]
    params: {text: {type: string}}
    operation: write
    resource: {kind: file, name: lines, env: dev}
    sandbox: none
  noisy:
    exec: [/bin/sh, -c, "for i in 1 2 3 4 5 6 7; do echo line $i >&2; done; exit 3"]
    operation: write
    resource: {kind: file, name: lines, env: dev}
    sandbox: none
--- # file: runbooks/fails.yaml
apiVersion: keyturn/v1
kind: Runbook
metadata: {name: fails}
steps:
- {id: one, name: "A name that is longer than one line holds", when: "true", tool: noisy}
--- # file: runbooks/locked.yaml
apiVersion: keyturn/v1
kind: Runbook
metadata: {name: locked}
inputs: {host: {type: string}}
locks: ["host/{{ inputs.host }}"]
steps:
- {id: sure, approve: {message: "Go on?", require: {quorum: {sre: 1}, expires: 1h}}}
--- # file: runbooks/patch.yaml
apiVersion: keyturn/v1
kind: Runbook
metadata: {name: patch, description: Patches hosts, revision: 3}
inputs:
  hosts: {type: array, items: {type: string}}
  by: {type: string, pattern: "^[a-z]+$", description: Who does it}
  note: {type: string, bytes_max: 5, required: false}
steps:
- {id: begin, name: Begin it, tool: note, args: {text: "begin {{ inputs.by }}"}, compensate: {tool: note, args: {text: "undo {{ inputs.by }}"}}}
- {id: sure, approve: {message: "Patch {{ size(inputs.hosts) }} hosts?", require: {quorum: {sre: 1}, expires: 1h}}}
- {id: all, name: Patch, foreach: "inputs.hosts", tool: note, args: {text: "{{ item }} {{ inputs.by }}"}}
- {id: look, tool: echo, args: {text: "done"}, outputs: {said: "result.stdout"}}
outputs: {said: "steps.look.outputs.said"}
--- # file: runbooks/slow.yaml
apiVersion: keyturn/v1
kind: Runbook
metadata: {name: slow}
steps:
- {id: wait, tool: slow}
- {id: then, tool: note, args: {text: "after {{ steps.wait.outcome }}"}}
--- # file: runbooks/mark.yaml
apiVersion: keyturn/v1
kind: Runbook
metadata: {name: mark}
steps:
- {id: mark, pass: true}
--- # file: runbooks/whole.yaml
apiVersion: keyturn/v1
kind: Runbook
metadata: {name: whole}
review: plan
inputs: {by: {type: string}}
steps:
- {id: one, tool: append-session, args: {text: "one {{ inputs.by }}"}}
- {id: both, branches: {left: [{id: two, tool: append-session, args: {text: "two {{ inputs.by }}"}}], right: [{id: three, pass: true}]}}
"""
RULES = POLICY + '- {id: runbooks, match: {tool: [note, noisy, "runbook.*"]}, effect: allow}\n'


class WithRunbooks:
    """Somebody who starts runbooks, whoever is asked about them, and a Keyturn that the script kills and starts."""
    script = ""

    @classmethod
    def setUpClass(cls):
        cls.k = k = Keyturn(config=LIMITS, policy=RULES, tools=TOOLS + RUNBOOKS,
                            people={"ada": [], "olga": [], "mia": [], "bob": ["dba"], "carol": ["sre"], "erin": ["dba"]})
        cls.addClassCleanup(k.close)

        def kill9():  # the program too, and whoever would tell how it ended
            programs = runs_test.descendants(k.process.pid)
            k.kill9()
            for pid in programs:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

        orders = {"/wait_started": k.wait_started, "/kill9": kill9, "/start": k.start}

        class Control(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                orders[self.path]()
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        control = http.server.HTTPServer(("127.0.0.1", 0), Control)
        cls.addClassCleanup(control.server_close)
        cls.addClassCleanup(control.shutdown)
        threading.Thread(target=control.serve_forever, daemon=True).start()
        cls.results, cls.notes = walked(cls.script, {
            "url": k.url, "agent": k.tokens["bot"], "mia": k.tokens["mia"], "control": f"http://127.0.0.1:{control.server_port}",
            **{f"link_{name}": k.enrol_link(name) for name in ("mia", "carol", "bob")}})


Runbooks = of_script("runbooks.mjs", WithRunbooks)

if __name__ == "__main__":
    unittest.main()
