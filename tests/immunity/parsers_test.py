"""Policy and parsers: errors deny, limits hold, and what cannot be told is never harmless."""
import json
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, POLICY, Keyturn  # noqa: E402

HEAD = POLICY.split("rules:")[0] + "rules:\n"
RULES = """\
- {id: shell-known, match: {tool: [shell]}, when: '!facts.uninspectable && facts.shell.programs.all(p, p in ["sh", "ls", "echo", "true"])', effect: allow}
- {id: shell-rm, match: {tool: [shell]}, when: 'facts.shell.programs.exists(p, p in ["rm", "dd", "mkfs"])', effect: deny}
- {id: db-read, match: {tool: [db], operation: [read]}, effect: allow}
- {id: db-dangerous, match: {tool: [db]}, when: 'facts.sql.statements.exists(s, s.verb in ["DROP", "DELETE", "TRUNCATE", "ALTER"])', effect: deny}
- {id: blind, match: {tool: [shell, db]}, when: facts.uninspectable, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}
- {id: db-else, match: {tool: [db], operation: [write, execute, export]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}
- {id: broken, match: {tool: [broken]}, when: 'action.args.map["missing"] == "x"', effect: deny}
- {id: broken-allow, match: {tool: [broken]}, effect: allow}
- {id: divides, match: {tool: [divides]}, when: '1 / action.args.n > 0', effect: deny}
- {id: divides-allow, match: {tool: [divides]}, effect: allow}
- {id: costly, match: {tool: [costly]}, when: 'action.args.list.all(a, action.args.list.all(b, action.args.list.all(c, a + b + c >= 0)))', effect: allow}
- {id: pattern, match: {tool: [pattern]}, when: 'action.args.text.matches("^(a+)+$")', effect: allow}
- {id: tired, match: {tool: [tired]}, when: request.repeats_of_denied >= 2, effect: deny}
- {id: tired-always, match: {tool: [tired]}, effect: deny}
"""
NONE = "resource: {kind: host, name: here, env: prod}, sandbox: none"
OWN = f"""\
tools:
  shell: {{exec: [/bin/sh, -c, "{{{{code}}}}"], params: {{code: {{type: string, bytes_max: 60000}}}}, {NONE}}}
  db:
    sql: {{dsn: "host=127.0.0.1 port=1 dbname=x user=x", statement: "{{{{sql}}}}"}}
    params: {{sql: {{type: string, bytes_max: 65536}}}}
    resource: {{kind: database, name: x, env: prod}}
  broken: {{exec: [/usr/bin/true], params: {{map: {{type: object, required: false}}}}, {NONE}}}
  divides: {{exec: [/usr/bin/true, "{{{{n}}}}"], params: {{n: {{type: integer, minimum: 0}}}}, {NONE}}}
  costly: {{exec: [/usr/bin/true, "{{{{list}}}}"], params: {{list: {{type: array, items: {{type: integer}}}}}}, {NONE}}}
  pattern: {{exec: [/usr/bin/true, "{{{{text}}}}"], params: {{text: {{type: string, bytes_max: 60000}}}}, {NONE}}}
  tired: {{exec: [/usr/bin/true, "{{{{text}}}}"], params: {{text: {{type: string}}}}, {NONE}}}
""".replace('  broken: {exec: [/usr/bin/true], params: {map: {type: object, required: false}}', '  broken: {exec: [/usr/bin/true, "{{key}}"], params: {key: {type: string}}')
RULES = RULES.replace('action.args.map["missing"] == "x"', 'claims.missing == "x"')
RUNS = ("succeeded", "failed", "executing", "approved")


class Parsers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(policy=HEAD + RULES, tools=OWN, config="limits: {requests_per_second: 5000, pending_per_agent: 5000}\n")
        cls.addClassCleanup(cls.k.close)

    def ask(self, tool, **args):
        return self.k.request(tool, args)

    def assertDeniedBy(self, answer, rule):
        self.assertEqual((answer.status, answer.json.get("state")), (200, "denied"), answer)
        self.assertIn(rule, json.dumps(self.k.action(answer.json["id"], "ada").json["verdict"]))

    # ------------------------------------------------------------ policy
    def test_a_missing_attribute_is_a_denial_that_says_so(self):
        self.assertDeniedBy(self.ask("broken", key="x"), "error:broken")

    def test_a_rule_that_fails_to_evaluate_is_a_denial(self):
        self.assertDeniedBy(self.ask("divides", n=0), "error:divides")
        self.assertEqual(self.k.settled(self.ask("divides", n=2).json["id"])["state"], "succeeded")

    def test_an_expression_bomb_is_stopped_and_denied(self):
        started = time.monotonic()
        answer = self.ask("costly", list=list(range(1000)))
        self.assertLess(time.monotonic() - started, 5)
        self.assertDeniedBy(answer, "error:costly")

    def test_a_regex_bomb_is_linear(self):
        started = time.monotonic()
        answer = self.ask("pattern", text="a" * 50000 + "b")
        self.assertLess(time.monotonic() - started, 5)
        self.assertEqual(answer.json["state"], "denied")

    def test_documents_with_type_errors_or_bombs_do_not_load(self):
        bad = {"type error": "when: 'action.tool + 1 == 2'", "no boolean": "when: action.tool", "unknown name": "when: action.tol == 'x'", "unknown function": "when: system('x')",
               "bad regex": "when: 'action.tool.matches(\"(\")'", "deep": "when: '" + "(" * 5000 + "true" + ")" * 5000 + "'", "long": "when: '" + "true && " * 20000 + "true'",
               "backreference": "when: 'action.tool.matches(\"(a)\\\\1\")'"}
        for name, when in bad.items():
            with self.subTest(name):
                text = HEAD + f"- {{id: x, match: {{tool: [tired]}}, {when}, effect: allow}}\n"
                answer = self.k.post("/v1/policy/check", "ada", {"policy": text})
                self.assertEqual(answer.status, 200, answer)
                self.assertIs(answer.json["ok"], False, name)
                self.assertTrue([d for d in answer.json["diagnostics"] if d["line"] >= 1 and not d["warning"]], answer.json)
        bombs = {"aliases": "a: &a [x]\nb: [*a, *a]\n", "duplicate": HEAD + "rules: []\n", "tag": "!!python/object:os.system x", "merge": "<<: {a: b}\n", "two documents": HEAD + "---\na: b\n",
                 "deep": "[" * 3000, "not UTF-8 escape": "a: \"\\ud800\"\n"}
        for name, text in bombs.items():
            with self.subTest(name):
                answer = self.k.post("/v1/policy/check", "ada", {"policy": text})
                self.assertIs(answer.json.get("ok"), False, (name, answer))

    # ------------------------------------------------------------ JSON
    def test_deep_duplicate_huge_and_broken_json(self):
        cases = (b'{"tool":"shell","args":{"code":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}}", b'{"tool":"tired","tool":"shell","args":{"code":"true"}}',
                 b'{"tool":"divides","args":{"n":1e999}}', b'{"tool":"divides","args":{"n":' + b"9" * 400 + b"}}", b'{"tool":"divides","args":{"n":1.5}}', b'{"tool":"divides","args":{"n":9007199254740993}}',
                 b'{"tool":"tired","args":{"text":"\xff\xfe"}}', b'{"tool":"costly","args":{"list":[' + b"0," * 1000000 + b"0]}}", b'{"tool":"tired","args":{"text":"\\ud800\\ud800"}}',
                 b'{"tool":"divides","args":{"n":0.1e1}}'[:20], b"\0" * 1000, b'{"tool":"tired","args":{"text":"x"}}\0')
        for body in cases:
            with self.subTest(body=body[:50]):
                answer = self.k.http("POST", "/v1/actions", "bot", raw_body=body, headers={"Content-Type": "application/json"})
                if b"9007199254740993" in body:  # kept exactly, or refused; never rounded
                    self.assertTrue(answer.status == 400 or answer.body.count(b"9007199254740993"), answer)
                    continue
                self.assertIn(answer.status, (400, 413), answer)
                self.assertTrue(answer.code, answer)
        self.assertEqual(self.k.settled(self.ask("divides", n=3).json["id"])["state"], "succeeded", "the server lives")

    # ------------------------------------------------------------ the shell inside the shell
    def shell(self, code):
        answer = self.ask("shell", code=code)
        return answer, answer.json.get("state")

    def test_what_is_known_is_known(self):
        for code in ("echo hi", "ls /", "true && echo yes"):
            answer, state = self.shell(code)
            self.assertIn(state, RUNS, (code, answer))

    def test_the_shell_inside_the_shell(self):
        hidden = ("busybox sh -c 'rm -rf /x'", "env -S 'rm -rf /x'", "env A=1 rm -rf /x", "echo /x | xargs rm -rf", "find / -name x -exec rm {} +", "find / -delete", "python3 -c 'import os; os.remove(1)'",
                  "perl -e 'unlink 1'", "echo cm0gLXJmIC94 | base64 -d | sh", "eval \"$(echo rm -rf /x)\"", "$(echo rm) -rf /x", "`echo rm` -rf /x", "r''m -rf /x", "\"r\"m -rf /x", "\\rm -rf /x",
                  "X=rm; $X -rf /x", "sudo rm -rf /x", "nohup rm -rf /x", "timeout 5 rm -rf /x", "sh <<E\nrm -rf /x\nE", "exec rm -rf /x", ". /x", "source /x", "trap 'rm -rf /x' EXIT", "echo x > /x",
                  "ls; rm -rf /x", "ls & rm -rf /x", "ls | tee /x", "ls $(rm -rf /x)", "ls `rm -rf /x`", "ls <(rm -rf /x)", "if true; then rm -rf /x; fi", "f() { rm -rf /x; }; f", "awk 'BEGIN{system(\"rm\")}'",
                  "sed -n '1e rm -rf /x' /etc/passwd", "tar cf /dev/null x --checkpoint-action=exec=rm", "git -c core.pager='rm -rf /x' log", "vim -c ':!rm'", "ssh host rm -rf /x", "command rm -rf /x", "builtin eval rm", "{ rm -rf /x; }",
                  "alias ls=rm; ls -rf /x", "ls\nrm -rf /x", "ls\\\n; rm -rf /x", "/bin/../bin/rm -rf /x", "chroot / rm -rf /x", "nice -n 5 rm -rf /x", "setsid rm -rf /x", "parallel rm ::: /x", "watch rm -rf /x", "bash -c 'rm -rf /x'")
        for code in hidden:
            with self.subTest(code=code):
                answer, state = self.shell(code)
                self.assertIn(state, ("pending", "denied"), f"taken for harmless: {answer}")

    def test_uninspectable_is_a_fact_that_policy_and_people_see(self):
        answer, state = self.shell("python3 -c 'print(1)'")
        self.assertEqual(state, "pending", answer)
        seen = self.k.action(answer.json["id"], "bob").json
        self.assertIs(seen["facts"]["uninspectable"], True)
        self.assertTrue(seen["facts"]["why"])
        self.assertIn("blind", json.dumps(seen["verdict"]))

    def test_the_51st_subcommand(self):
        for filler in (";".join(["true"] * 60), "&&".join(["true"] * 500), "\n".join(["true"] * 3000), "true" + " " * 20000, "(" * 40 + "true" + ")" * 40):
            for tail in (";rm -rf /x", "\nrm -rf /x", "&&rm -rf /x"):
                answer, state = self.shell(filler + tail)
                self.assertIn(state, ("pending", "denied", None), answer)
                if state is None:
                    self.assertEqual(answer.status, 400, answer)

    # ------------------------------------------------------------ SQL
    def test_the_statement_inside_the_statement(self):
        hidden = ("SELECT 1; DROP TABLE x", "DO $$ BEGIN EXECUTE 'DROP TABLE x'; END $$", "PREPARE p AS DELETE FROM x; EXECUTE p", "WITH d AS (DELETE FROM x RETURNING 1) SELECT * FROM d", "/* read */ DELETE FROM x",
                  "SELECT/**/1;--\nDROP TABLE x", "EXPLAIN ANALYZE DELETE FROM x", "COPY x TO PROGRAM 'rm -rf /'", "COPY (DELETE FROM x RETURNING 1) TO STDOUT", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'DELETE FROM x; SELECT 1'", "SELECT f()",
                  "SELECT query_to_xml('DROP TABLE x', true, true, '')", "SELECT dblink_exec('DROP TABLE x')", "SELECT pg_terminate_backend(1)", "SELECT pg_sleep(100)", "SELECT * FROM x FOR UPDATE", "SELECT 1 INTO y", "CALL p()", "SET ROLE postgres", "LOCK TABLE x",
                  "VACUUM", "SELECT lo_import('/etc/passwd')", "TABLE x; TRUNCATE x", "SELECT nextval('s')", "SELECT \"pg_read_file\"('/etc/passwd')", "SELECT U&\"\\0070g_read_file\"('/etc/passwd')", "SELECT pg_catalog.pg_read_file('/etc/passwd')",
                  "SELECT lower(x) FROM (SELECT evil() AS x) s", "SELECT 1 WHERE EXISTS (SELECT evil())", "SELECT x::evil", "SELECT 1 OPERATOR(evil.+) 2", "VALUES (evil())", "SHOW x; DELETE FROM x", "BEGIN; DELETE FROM x; COMMIT", "SELECT 1\\;DROP TABLE x",
                  "SELECT $tag$; $tag$; DROP TABLE x", "SELECT E'\\'; DROP TABLE x; --'  ; DELETE FROM x")
        for sql in hidden:
            with self.subTest(sql=sql):
                answer = self.ask("db", sql=sql)
                if answer.status == 400:
                    continue
                self.assertIn(answer.json.get("state"), ("pending", "denied"), f"taken for a read: {answer}")

    def test_statements_that_overflow_small_parsers(self):
        for sql in ("SELECT " + "(" * 20000 + "1" + ")" * 20000, "SELECT " + "+".join(["1"] * 30000), "SELECT 1" + ";SELECT 1" * 5000 + ";DROP TABLE x", "SELECT '" + "x" * 60000 + "'; DROP TABLE x",
                    "SELECT " + "CASE WHEN true THEN " * 3000 + "1" + " END" * 3000, "SELECT " + "NOT " * 15000 + "true"):
            answer = self.ask("db", sql=sql)
            self.assertIn(answer.json.get("state", "refused"), ("pending", "denied", "refused"), answer)
        self.assertIn(self.k.get("/healthz").status, (200,))

    # ------------------------------------------------------------ other ways in
    def test_batches_and_other_forms_of_a_gated_call(self):
        item = {"tool": "divides", "args": {"n": 1}}
        for body in ([item, item], {"jsonrpc": "2.0", "method": "tools/call", "params": item, "id": 1}, {"actions": [item]}, {**item, "jsonrpc": "2.0"}):
            answer = self.k.post("/v1/actions", "bot", body)
            self.assertEqual(answer.status, 400, answer)
        for path in ("/v1/actions/", "//v1/actions", "/v1//actions", "/V1/actions", "/v1/actions;x=y", "/v1/actions/.", "/v1/./actions", "/mcp/x", "/v1/%61ctions", "/slack/events", "/scim/v2/Users"):
            answer = self.k.post(path, None, item)
            self.assertIn(answer.status, (400, 401, 404, 405), (path, answer))

    def test_a_pipelined_second_request_is_its_own_request(self):
        body = json.dumps({"tool": "divides", "args": {"n": 1}})
        one = f"POST /v1/actions HTTP/1.1\r\nHost: localhost:{self.k.port}\r\nAuthorization: Bearer {self.k.tokens['bot']}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        other = f"POST /v1/actions HTTP/1.1\r\nHost: localhost:{self.k.port}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
        import socket
        with socket.create_connection(("127.0.0.1", self.k.port), timeout=DEADLINE) as connection:
            connection.sendall((one + other).encode())
            got = b""
            while piece := connection.recv(65536):
                got += piece
        self.assertEqual(got.count(b"HTTP/1.1 "), 2, got)
        self.assertIn(b"HTTP/1.1 401", got, "the identity of the first does not stick to the second")

    def test_a_denied_action_asked_again_is_counted(self):
        states = [self.k.action(self.ask("tired", text="please").json["id"], "ada").json for _ in range(4)]
        self.assertEqual({s["state"] for s in states}, {"denied"})
        self.assertNotIn('"tired"', json.dumps(states[0]["verdict"]["rules"]))
        self.assertIn('"tired"', json.dumps(states[3]["verdict"]["rules"]), "policy sees that it was denied before")


if __name__ == "__main__":
    unittest.main()
