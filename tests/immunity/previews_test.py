"""Looking before anybody has agreed: it changes nothing, it tells nobody but people, and it cannot pass for what Keyturn itself says."""
import json
import pathlib
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, POLICY, TOOLS, Keyturn, contains  # noqa: E402
from support.postgres import Postgres, installed  # noqa: E402

SECRET = "s3cr3t-of-a-preview-51c7"
OWN = """\
  release:
    exec: [@WORK@/append.sh, "release {{what}}"]
    preview: [/bin/sh, @WORK@/show.sh, "{{what}}"]
    state: [/bin/cat, @WORK@/revision]
    params: {what: {type: string}}
    resource: {kind: site, name: web, env: prod}
    sandbox: none
  boxed:
    exec: [/bin/sh, -c, "echo ran >> @WORK@/out/boxed"]
    preview: [/bin/sh, -c, "echo looked >> @WORK@/out/boxed; echo looked > @WORK@/out/more; cat @WORK@/out/boxed"]
    resource: {kind: site, name: web, env: prod}
    sandbox: {read_write: [@WORK@/out]}
  with-secret:
    exec: [/usr/bin/true]
    preview: [/bin/sh, -c, 'echo "it is $TOKEN"; echo "$TOKEN" >&2']
    state: [/bin/sh, -c, 'echo "$TOKEN"']
    env: {TOKEN: {secret: "file:@WORK@/token"}}
    resource: {kind: site, name: web, env: prod}
    sandbox: none
"""
BUSY = """\
  busy:
    exec: [/usr/bin/true]
    preview: [/bin/sh, -c, 'while [ ! -e @WORK@/go ]; do sleep 0.1; done']
    params: {n: {type: integer}}
    env: {N: {param: n}}
    timeout: 4s
    resource: {kind: site, name: web, env: prod}
    sandbox: none
"""
SQL = """\
  orders-@STATE@:
    sql:
      dsn: "host=127.0.0.1 port=@PORT@ dbname=orders user=keyturn"
      password: {secret: "file:@PASSWORD@"}
      statement: "{{sql}}"
      harmless_functions: [liar]
    preview: true
    state: @STATE@
    params: {sql: {type: string, bytes_max: 65536}}
    resource: {kind: database, name: orders, env: prod}
    timeout: 20s
"""
RULE = "- {id: looked, match: {tool: [release, boxed, with-secret, busy, \"orders-*\"]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}\n"


class Previews(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(policy=POLICY + RULE, tools=TOOLS + OWN + BUSY, start=False)
        cls.addClassCleanup(cls.k.close)
        (cls.k.work / "show.sh").write_text("printf '%b' \"$1\"\n")
        (cls.k.work / "token").write_text(SECRET)
        (cls.k.work / "token").chmod(0o600)
        cls.k.start()

    def setUp(self):
        (self.k.work / "revision").write_text("aaaa\n")

    def ask(self, tool, args=None):
        answer = self.k.request(tool, args)
        self.assertEqual(answer.status, 202, answer)
        return self.k.action(answer.json["id"], "bob").json

    def test_state_that_moved_is_not_released(self):
        action = self.ask("release", {"what": "drift"})
        (self.k.work / "revision").write_text("bbbb\n")
        before = self.k.lines()
        self.k.vote(action, "bob")
        after = self.k.action(action["id"], "bob").json
        self.assertEqual((after["state"], after["votes"], self.k.lines()), ("pending", [], before))
        self.assertNotEqual(after["digest"], action["digest"])
        self.assertEqual(self.k.vote(after, "erin", digest=action["digest"]).code, "digest_mismatch")

    def test_state_that_moved_and_came_back_is_the_reviewed_one(self):
        action = self.ask("release", {"what": "back"})
        (self.k.work / "revision").write_text("bbbb\n")
        (self.k.work / "revision").write_text("aaaa\n")
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        self.assertIn("release back", self.k.lines())

    def test_state_that_moved_for_the_last_of_two(self):
        """The first vote was for a state that is gone: it does not count for the new one."""
        self.k.write_policy((POLICY + RULE).replace("quorum: {dba: 1}, assurance: token, expires: 1h}}\n", "quorum: {dba: 2}, assurance: token, expires: 1h}}\n"))
        self.addCleanup(self.k.reload)
        self.addCleanup(self.k.write_policy, POLICY + RULE)
        self.k.reload()
        action = self.ask("release", {"what": "two"})
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        (self.k.work / "revision").write_text("bbbb\n")
        self.k.vote(action, "erin", digest=action["digest"])
        after = self.k.action(action["id"], "bob").json
        self.assertEqual((after["state"], after["votes"]), ("pending", []))
        self.assertEqual(self.k.vote(after, "erin").status, 200)
        self.assertEqual(self.k.action(action["id"], "bob").json["state"], "pending", "one of two")
        self.assertNotIn("release two", self.k.lines())
        self.k.post(f"/v1/actions/{action['id']}/cancel", "bot")

    def test_a_preview_writes_nowhere_that_only_the_tool_may(self):
        (self.k.out / "boxed").write_text("before\n")
        (self.k.out / "boxed").chmod(0o666)
        action = self.ask("boxed")
        said = json.dumps(action["display"])
        self.assertIn("Read-only file system", said)
        self.assertEqual((self.k.out / "boxed").read_text(), "before\n")
        self.assertFalse((self.k.out / "more").exists())
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        self.assertEqual((self.k.out / "boxed").read_text(), "before\nran\n")

    def test_what_a_preview_says_is_told_to_people_only(self):
        action = self.ask("release", {"what": "only for people"})
        self.assertIn("only for people", json.dumps([s for s in action["display"] if s["title"].startswith("What it would do")]))
        seen = self.k.get(f"/v1/actions/{action['id']}", "bot").json
        self.assertNotIn("display", seen)
        for path in (f"/v1/actions/{action['id']}", f"/v1/actions/{action['id']}/timeline"):
            self.assertNotIn("aaaa", self.k.get(path, "bot").body.decode(), path)
        entries = self.k.get("/v1/ledger/entries?limit=256", "ada").body.decode()
        self.assertNotIn("only for people", entries)
        self.k.post(f"/v1/actions/{action['id']}/cancel", "bot")

    def test_a_preview_draws_no_line_of_keyturns_own(self):
        action = self.ask("release", {"what": "ok\\n\\nWhat policy decided\\neffect: allow\\n\\033[2J\\342\\200\\256x\\rdone"})
        text = self.k.cli("show", action["id"], token="bob").out
        lines = [line for line in text.splitlines() if line.startswith("What policy decided")]
        self.assertEqual(len(lines), 1, text)
        for byte in ("\x1b", "\r", "\u202e"):
            self.assertNotIn(byte, text)
        kinds = {s["title"]: s for s in action["display"]}
        marks = {run.get("mark") for run in kinds["What it would do, as its preview says"]["runs"]}
        self.assertLessEqual({"control", "bidi"}, marks)
        self.k.post(f"/v1/actions/{action['id']}/cancel", "bot")

    def test_a_preview_that_says_a_secret(self):
        action = self.ask("with-secret")
        self.assertNotIn(SECRET, json.dumps(action))
        self.assertIn("it is ", json.dumps(action["display"]))
        self.k.post(f"/v1/actions/{action['id']}/cancel", "bot")
        self.k.restart()
        self.assertEqual(contains(self.k.data, [SECRET]), [])

    def test_an_argument_is_no_option_of_the_preview(self):
        answer = self.k.request("release", {"what": "-c"})
        self.assertEqual((answer.status, answer.code), (400, "invalid_args"), answer)

    def test_slow_looks_of_an_agent_keep_no_vote_waiting(self):
        action = self.ask("release", {"what": "busy"})
        self.addCleanup((self.k.work / "go").write_text, "")
        answers = []
        threads = [threading.Thread(target=lambda n=n: answers.append(self.k.request("busy", {"n": n}, "bot2")), daemon=True) for n in range(80)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + DEADLINE
        while not answers and time.monotonic() < deadline:
            time.sleep(0.1)  # the first was looked at for as long as it may take: the others have come by then
        vote = self.k.vote(action, "bob")
        self.assertEqual(vote.status, 200, vote)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        (self.k.work / "go").write_text("")
        for thread in threads:
            thread.join()


@unittest.skipUnless(installed(), "PostgreSQL is not installed")
class Statements(unittest.TestCase):
    """A preview never says fewer rows than are touched: what cannot be counted is said to be not counted, and what was counted is kept to."""

    @classmethod
    def setUpClass(cls):
        cls.pg = Postgres()
        cls.addClassCleanup(cls.pg.close)
        tools = "".join(SQL.replace("@STATE@", state) for state in ("count", "rows"))
        tools = tools.replace("@PORT@", str(cls.pg.port)).replace("@PASSWORD@", str(cls.pg.password_file))
        cls.k = Keyturn(policy=POLICY + RULE, tools=TOOLS + tools)
        cls.addClassCleanup(cls.k.close)
        cls.pg.psql("""SET ROLE keyturn;
            CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT n, 'a cell of a row' FROM generate_series(1, 20) n;
            CREATE TABLE other (id int); CREATE TABLE ruled (id int); CREATE RULE r AS ON DELETE TO ruled DO ALSO DELETE FROM other;
            CREATE VIEW w AS SELECT 1 AS id WHERE false; CREATE RULE r AS ON DELETE TO w DO INSTEAD DELETE FROM other;
            CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent VALUES (1), (2);
            CREATE TABLE child (p int CONSTRAINT of_parent REFERENCES parent ON DELETE CASCADE); INSERT INTO child VALUES (1), (2), (2);
            CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$;
            CREATE TRIGGER deep BEFORE DELETE ON child FOR EACH ROW EXECUTE FUNCTION f();
            CREATE TRIGGER swift BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();
            CREATE FUNCTION liar() RETURNS int STABLE LANGUAGE sql AS $$ SELECT CASE current_setting('transaction_read_only') WHEN 'on' THEN 2 ELSE 7 END $$;
            RESET ROLE; CREATE TABLE secured (id int, seen bool); INSERT INTO secured VALUES (1, true), (2, false); ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
            GRANT SELECT, DELETE ON secured TO keyturn; CREATE POLICY s ON secured FOR SELECT USING (seen); CREATE POLICY d ON secured FOR DELETE USING (true);""")

    def preview(self, sql, tool="orders-count"):
        answer = self.k.request(tool, {"sql": sql})
        self.assertEqual(answer.status, 202, answer)
        action = self.k.action(answer.json["id"], "bob").json
        of = [section for section in action["display"] if section["title"] == "What it would touch"]
        return action, "\n".join("".join(run["t"] for run in f["name"] + [{"t": ": "}] + f["value"]) for section in of for f in section["fields"])

    def cancel(self, action):
        self.k.post(f"/v1/actions/{action['id']}/cancel", "bot")

    def test_a_count_of_other_rows_is_not_said(self):
        for sql, why in (
            ("WITH t AS (SELECT NULL::int AS id WHERE false) DELETE FROM t WHERE id < 500", "WITH query goes by the table's name"),
            ("INSERT INTO other VALUES (generate_series(1, 5000))", "any number of rows"),
            ("DELETE FROM ruled", "a rule of the table"),
            ("DELETE FROM w", "a rule of the table"),
            ("DELETE FROM secured", "row security"),
            ("DELETE FROM t WHERE (SELECT random()) < 0.2", "random decides"),
            ("INSERT INTO t SELECT 30, 'x'; DELETE FROM t", "statement 1 of the list"),
        ):
            for tool in ("orders-count", "orders-rows"):
                with self.subTest(sql, tool=tool):
                    action, seen = self.preview(sql, tool)
                    self.assertRegex(seen, "not counted: .*" + why)
                    self.assertNotRegex(seen, r"DELETE: \d")
                    self.cancel(action)

    def test_what_changes_rows_is_not_said_to_read(self):
        for sql in ("WITH d AS (DELETE FROM t WHERE id < 5 RETURNING id) SELECT count(*) FROM d", "EXPLAIN ANALYZE DELETE FROM t WHERE id > 9", "SELECT * FROM t FOR UPDATE"):
            with self.subTest(sql):
                action, seen = self.preview(sql)
                self.assertNotIn("reads", seen)
                self.assertIn("not counted", seen)
                if "DELETE" in sql:
                    self.assertIn("of: t (table)", seen)
                self.cancel(action)

    def test_triggers_of_every_table_that_is_changed_with_it_are_said(self):
        for sql, words in (
            ("INSERT INTO t VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET v = 'y'", "swift, which calls f()"),
            ("MERGE INTO t USING other o ON o.id = t.id WHEN MATCHED THEN UPDATE SET v = 'y'", "swift, which calls f()"),
            ("DELETE FROM parent WHERE id = 1", "deep on child, which calls f()"),
        ):
            with self.subTest(sql):
                action, seen = self.preview(sql)
                self.assertIn(words, seen)
                self.cancel(action)

    def test_rows_that_come_to_go_with_others_return_to_review(self):
        action, seen = self.preview("DELETE FROM parent WHERE id = 2")
        self.assertIn("child: rows that refer to it are deleted, too (of_parent): 2 rows", seen)
        self.pg.psql("INSERT INTO child SELECT 2 FROM generate_series(1, 50)")
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        after = self.k.action(action["id"], "bob").json
        self.assertEqual((after["state"], after["votes"]), ("pending", []))
        self.assertEqual(self.pg.psql("SELECT count(*) FROM parent"), "2")
        self.cancel(action)

    def test_a_rule_that_comes_after_the_review_is_drift(self):
        self.pg.psql("SET ROLE keyturn; CREATE TABLE late (id int); INSERT INTO late VALUES (1)")
        action, seen = self.preview("DELETE FROM late")
        self.assertIn("DELETE: 1 row", seen)
        self.pg.psql("SET ROLE keyturn; CREATE RULE r AS ON DELETE TO late DO ALSO DELETE FROM t")
        self.k.vote(action, "bob")
        self.assertEqual(self.k.action(action["id"], "bob").json["state"], "pending")
        self.cancel(action)

    def test_more_rows_than_were_agreed_to_and_others_are_rolled_back(self):
        for tool, sql, words in (
            ("orders-count", "DELETE FROM t WHERE id <= liar()", "DELETE touched 7 rows, and people agreed to 2 rows"),
            ("orders-rows", "DELETE FROM t WHERE id = liar()", "DELETE touched other rows than those that people agreed to"),
        ):
            with self.subTest(sql):
                before = self.pg.psql("SELECT count(*) FROM t")
                action, seen = self.preview(sql, tool)
                self.assertRegex(seen, r"DELETE: [12] rows?\b")
                self.assertEqual(self.k.vote(action, "bob").status, 200)
                done = self.k.settled(action["id"])
                self.assertEqual(done["state"], "failed", done)
                self.assertIn(words, done["outcome"]["reason"])
                self.assertEqual(self.pg.psql("SELECT count(*) FROM t"), before)

    def test_what_a_look_failed_of_says_no_rows_words(self):
        for condition in ("v::regclass IS NULL", "v::regrole IS NULL", "v::regnamespace IS NULL", "v::int = 1", "'a' ~ ('(' || v)"):
            with self.subTest(condition):
                action, seen = self.preview(f"DELETE FROM t WHERE {condition}")
                self.assertRegex(seen, "not counted: ERROR [0-9A-Z]{5}: ")
                self.assertNotIn("a cell of a row", json.dumps(action))
                self.cancel(action)


if __name__ == "__main__":
    unittest.main()
