"""SQL tools with a real PostgreSQL: what a statement does is read out of the statement, and the password stays where it is."""
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import DEADLINE, ROOT, Keyturn, contains  # noqa: E402
from support.postgres import Postgres, installed  # noqa: E402

TOOLS = """\
tools:
  orders-sql:
    description: Any SQL on the orders database.
    sql:
      dsn: "host=127.0.0.1 port=@PORT@ dbname=orders user=keyturn"
      password: {secret: "file:@PASSWORD@"}
      statement: "{{sql}}"
    params: {sql: {type: string, bytes_max: 65536}}
    resource: {kind: database, name: orders, env: prod, labels: {sensitivity: pii}}
    rows_max: 5
    timeout: 20s
  order-by-id:
    sql:
      dsn: "host=127.0.0.1 port=@PORT@ dbname=orders user=keyturn"
      password: {secret: "file:@PASSWORD@"}
      statement: "SELECT id, customer FROM orders WHERE customer = {{customer}} ORDER BY id"
    params: {customer: {type: string}}
    resource: {kind: database, name: orders, env: prod}
"""


@unittest.skipUnless(installed(), "PostgreSQL is not installed")
class Sql(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pg = Postgres()
        cls.addClassCleanup(cls.pg.close)
        # The demo's own policy, with votes by token and without its tests (they state the plan in full).
        policy = (ROOT / "examples/demo/policy.yaml").read_text().partition("\ntests:")[0] + "\n"
        policy = policy.replace("expires: 1h}", "expires: 1h, assurance: token}")
        policy = policy.replace("tool: [orders-sql], operation: [read]", "tool: [orders-sql, order-by-id], operation: [read]")
        cls.k = Keyturn(policy=policy, tools=TOOLS.replace("@PORT@", str(cls.pg.port)).replace("@PASSWORD@", str(cls.pg.password_file)))
        cls.addClassCleanup(cls.k.close)
        cls.pg.psql("""SET ROLE keyturn;
            CREATE TABLE orders (id int PRIMARY KEY, customer text NOT NULL, amount numeric(12,2) NOT NULL);
            INSERT INTO orders SELECT n, 'c' || n % 3, n * 1.25 FROM generate_series(1, 20) n;
            CREATE TABLE orders_2019 AS SELECT * FROM orders;
            CREATE FUNCTION wipe() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM orders; RETURN 1; END $$;
            CREATE VIEW counted AS SELECT count(*) FROM orders;""")

    def run_sql(self, sql, wait=25, **fields):
        return self.k.request("orders-sql", {"sql": sql}, wait=wait, **fields)

    def approved(self, sql, *voters):
        action = self.k.request("orders-sql", {"sql": sql})
        self.assertEqual(action.json.get("state"), "pending", action)
        for who in voters:
            vote = self.k.vote(action.json, who)
            self.assertEqual(vote.status, 200, vote)
        return self.k.settled(action.json["id"])

    def count(self, table="orders"):
        return int(self.pg.psql(f"SELECT count(*) FROM {table}"))

    def test_a_select_runs_at_once_with_its_rows(self):
        action = self.run_sql("SELECT id, customer, amount FROM orders WHERE id <= 2 ORDER BY id").json
        self.assertEqual((action["state"], action["operation"]), ("succeeded", "read"), action)
        outcome = action["outcome"]
        self.assertEqual(outcome["row_count"], 2)
        self.assertEqual([(r["id"], r["customer"], str(r["amount"])) for r in outcome["rows"]], [(1, "c1", "1.25"), (2, "c2", "2.5")] if isinstance(outcome["rows"][0]["amount"], float)
                         else [(1, "c1", "1.25"), (2, "c2", "2.50")])
        self.assertFalse(outcome["truncated"])

    def test_rows_are_capped_and_it_says_so(self):
        outcome = self.run_sql("SELECT id FROM orders ORDER BY id").json["outcome"]
        self.assertEqual(len(outcome["rows"]), 5)
        self.assertTrue(outcome["truncated"])

    def test_drop_table_needs_dba_and_sre_and_then_the_table_is_gone(self):
        waiting = self.k.later(self.run_sql, "DROP TABLE orders_2019")
        inbox = self.k.events("/v1/inbox/stream", "bob")
        action = None
        for _ in inbox:
            items = self.k.get("/v1/actions?state=pending&for=me", "bob").json["items"]
            action = next((a for a in items if a["args"]["sql"] == "DROP TABLE orders_2019"), None)
            if action:
                break
        inbox.close()
        self.assertEqual({n["group"] for n in action["needed"]}, {"dba", "sre"})
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        self.assertEqual(self.count("orders_2019"), 20, "one of two is not enough")
        self.assertEqual(self.k.vote(action, "carol").status, 200)
        self.assertEqual(waiting.result(DEADLINE).json["state"], "succeeded")
        self.assertEqual(self.pg.psql("SELECT to_regclass('orders_2019') IS NULL"), "t")

    def test_delete_without_where_is_denied_however_it_is_dressed(self):
        for sql in ("DELETE FROM orders", "DELETE FROM orders WHERE true", "DELETE FROM orders WHERE 1=1", "delete/**/from/**/orders",
                    "UPDATE orders SET amount = 0", "WITH d AS (DELETE FROM orders RETURNING *) SELECT count(*) FROM d", "SELECT 1; DELETE FROM orders",
                    "EXPLAIN ANALYZE DELETE FROM orders", "DELETE FROM orders -- WHERE id = 1"):
            with self.subTest(sql=sql):
                answer = self.run_sql(sql, wait=None)
                self.assertEqual(answer.json.get("state"), "denied", answer)
        self.assertEqual(self.count(), 20)

    def test_a_lie_about_being_a_read_is_refused(self):
        for sql in ("UPDATE orders SET amount = 0 WHERE id = 1", "DROP TABLE orders", "SELECT wipe()", "INSERT INTO orders VALUES (99, 'x', 1)",
                    "SELECT 1; INSERT INTO orders VALUES (98, 'x', 1)", "SELECT * FROM orders FOR UPDATE", "SELECT * INTO copy FROM orders", "SELECT nextval('x')"):
            answer = self.run_sql(sql, operation="read")
            self.assertEqual((answer.status, answer.code), (400, "operation_mismatch"), (sql, answer))
        self.assertEqual(self.count(), 20)

    def test_a_select_that_calls_the_unknown_is_no_read(self):
        for sql in ("SELECT wipe()", "SELECT * FROM wipe()", "SELECT id FROM orders WHERE wipe() = 1", "DO $$ BEGIN PERFORM wipe(); END $$",
                    "SELECT pg_read_file('/etc/passwd')", "SELECT lo_export(1, '/tmp/x')", "SELECT set_config('a.b', 'c', false)"):
            answer = self.run_sql(sql, wait=None)
            self.assertIn(answer.json.get("state"), ("pending", "denied"), (sql, answer))
            if answer.json["state"] == "pending":
                self.k.post(f"/v1/actions/{answer.json['id']}/cancel", "bot")
        self.assertEqual(self.count(), 20)

    def test_what_cannot_be_parsed_is_uninspectable_never_harmless(self):
        for sql in ("SELEC 1", "SELECT 'unterminated", "\\copy orders to '/tmp/x'", "SELECT 1;;; DROP TABLE orders; garbage (", "(" * 3000):
            answer = self.run_sql(sql, wait=None)
            self.assertNotIn(answer.json.get("state"), ("succeeded", "executing"), (sql[:40], answer))
            if answer.status == 202:
                facts = self.k.action(answer.json["id"], "bob").json["facts"]
                self.assertIs(facts["uninspectable"], True, facts)
                self.k.post(f"/v1/actions/{answer.json['id']}/cancel", "bot")

    def test_a_statement_list_is_one_transaction(self):
        failed = self.approved("INSERT INTO orders VALUES (101, 'tx', 1); INSERT INTO orders VALUES (1, 'duplicate', 1)", "bob")
        self.assertEqual((failed["state"], failed["outcome"]["outcome"]), ("failed", "failed"), failed)
        self.assertEqual(self.pg.psql("SELECT count(*) FROM orders WHERE id = 101"), "0", "rolled back as a whole")
        done = self.approved("INSERT INTO orders VALUES (102, 'tx', 1); UPDATE orders SET amount = 2 WHERE id = 102", "bob")
        self.assertEqual(done["state"], "succeeded", done)
        self.assertEqual(self.pg.psql("SELECT amount FROM orders WHERE id = 102"), "2.00")
        self.approved("DELETE FROM orders WHERE id = 102", "bob")
        self.assertEqual(self.count(), 20)

    def test_transaction_control_is_not_for_the_caller(self):
        for sql in ("COMMIT; DROP TABLE orders", "BEGIN; SELECT 1", "SELECT 1; ROLLBACK"):
            answer = self.run_sql(sql, wait=None)
            self.assertNotIn(answer.json.get("state"), ("succeeded", "executing", "pending"), answer)

    def test_an_argument_is_never_spliced_into_a_statement(self):
        found = self.k.request("order-by-id", {"customer": "c1"}, wait=25).json
        self.assertEqual((found["state"], found["outcome"]["row_count"]), ("succeeded", 7), found)
        for hostile in ("c1' OR '1'='1", "c1'; DROP TABLE orders; --", "$1", "\\'; --", "c1\u02bc"):
            got = self.k.request("order-by-id", {"customer": hostile}, wait=25).json
            self.assertEqual((got["state"], got["outcome"]["row_count"]), ("succeeded", 0), got)
        self.assertEqual(self.count(), 20)

    def test_zz_the_password_is_nowhere(self):
        """Last: after all that was done here."""
        error = self.run_sql("SELECT id FROM nowhere").json
        self.assertEqual(error["state"], "failed", error)
        self.assertIn("nowhere", json.dumps(error["outcome"]))
        paths = ["/v1/policy", "/metrics", "/v1/ledger/entries?limit=256", "/v1/stats", "/v1/actions?limit=200"]
        paths += [f"/v1/actions/{a['id']}{more}" for a in self.k.get("/v1/actions?limit=200", "ada").json["items"] for more in ("", "/timeline")]
        for path in paths:
            self.assertNotIn(self.pg.password, self.k.get(path, "ada").body.decode(), path)
        # Where the agent knows it already and has it echoed, the output is redacted all the same.
        half = len(self.pg.password) // 2
        echoed = self.run_sql(f"SELECT '{self.pg.password[:half]}' || '{self.pg.password[half:]}' AS pw").json
        self.assertEqual(echoed["state"], "succeeded", echoed)
        self.assertNotIn(self.pg.password, json.dumps(echoed["outcome"]))
        self.k.restart()
        self.assertEqual(contains(self.k.data, [self.pg.password]), [], "in no file of the data folder")
        self.assertNotIn(self.pg.password, self.k.stderr() + "".join(self.k.stdout_lines))
        self.assertEqual(contains(self.k.data, self.k.token_secrets), [], "nor any token")


if __name__ == "__main__":
    unittest.main()
