"""examples/runbooks on a real PostgreSQL: a password is rotated, a migration rolled back, a table exported; and what happens when something fails in the middle."""
import csv
import hashlib
import itertools
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import contains, until  # noqa: E402
from support.postgres import Postgres, installed  # noqa: E402
from support.runbook_site import EXAMPLES, Service, Site, tool_user  # noqa: E402

SHOP = """
CREATE ROLE shop_owner NOLOGIN;
CREATE ROLE shop_app LOGIN PASSWORD 'first-{secret}';
GRANT CREATE ON SCHEMA public TO shop_owner;
SET ROLE shop_owner;
CREATE TABLE customers (id int PRIMARY KEY, name text, email text, phone text, birth_date date, country text, plan text, created_at timestamptz DEFAULT now());
CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers, amount numeric(12,2), created_at timestamptz DEFAULT now());
CREATE TABLE schema_migrations (version text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());
INSERT INTO customers SELECT n, 'Name ' || n, 'c' || n || '@example.com', '+49 30 ' || n, '1980-01-01', CASE n % 2 WHEN 0 THEN 'DE' ELSE E'F"R,\\nx' END, 'basic' FROM generate_series(1, 1500) n;
INSERT INTO orders SELECT n, n, n * 1.25 FROM generate_series(1, 100) n;
GRANT SELECT, INSERT, UPDATE ON customers, orders TO shop_app;
"""

# Two migrations, as a team has them.
MIGRATIONS = {
    "0041_notes.up": "ALTER TABLE orders ADD COLUMN note text;\n",
    "0041_notes.down": "-- touches: orders\nALTER TABLE orders DROP COLUMN note;\n",
    "0041_notes.check": "SELECT CASE count(*) WHEN 1 THEN 'applied' ELSE 'absent' END FROM information_schema.columns WHERE table_name = 'orders' AND column_name = 'note'\n",
    "0042_discounts.up": "CREATE TABLE discounts (order_id int REFERENCES orders, percent int NOT NULL);\nALTER TABLE orders ADD COLUMN discount int DEFAULT 0;\n",
    "0042_discounts.down": "-- touches: orders, discounts\nDROP TABLE discounts;\nALTER TABLE orders DROP COLUMN discount;\n",
    "0042_discounts.check": "SELECT CASE WHEN to_regclass('discounts') IS NULL THEN 'absent' ELSE 'applied' END;\n",
}


@unittest.skipUnless(installed(), "PostgreSQL is not installed")
class OnADatabase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pg = Postgres()
        cls.addClassCleanup(cls.pg.close)
        cls.pg.psql("CREATE DATABASE shop", database="postgres")
        cls.too_early = cls.site_sql()  # before there is an application
        cls.sql(SHOP.format(secret=cls.pg.password))
        made = cls.site_sql()
        assert made.returncode == 0, made.stderr
        cls.sql(f"ALTER ROLE keyturn_maker PASSWORD '{cls.pg.password}'")
        cls.site = Site(more=[("port=5432", f"port={cls.pg.port}"), ('PGPORT: "5432"', f'PGPORT: "{cls.pg.port}"')])
        cls.addClassCleanup(cls.site.close)
        cls.site.secret("keyturn_maker.password", cls.pg.password)
        cls.k = cls.site.k

    @classmethod
    def site_sql(cls):
        """The line of the README."""
        line, = [line.split() for line in (EXAMPLES / "README.md").read_text().splitlines() if line.startswith("    psql ")]
        where = ["-X", "-q", "-h", str(cls.pg.sockets), "-p", str(cls.pg.port), "-U", "postgres"]
        return subprocess.run([str(cls.pg.bin / "psql"), *where, *line[1:]], capture_output=True, text=True, cwd=EXAMPLES, timeout=60)

    @classmethod
    def sql(cls, text):
        return cls.pg.psql(text, database="shop")

    def no_roles_are_left(self):
        until(lambda: self.sql("SELECT count(*) FROM pg_roles WHERE starts_with(rolname, 'keyturn_') AND rolname <> 'keyturn_maker'") == "0", "a role outlives its action: " + self.k.stderr())


class RotatePassword(OnADatabase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sql("ALTER SYSTEM SET log_statement = 'all'")
        cls.sql("ALTER SYSTEM SET log_parameter_max_length = -1")
        cls.sql("SELECT pg_reload_conf()")

    def setUp(self):
        self.folder = self.site.srv / "secrets/shop_app"
        self.site.channel.said.clear()
        if not (self.folder / "password").exists():
            self.put("first-" + self.pg.password)

    def put(self, password):
        file = self.folder / "password"
        file.write_text(password + "\n")
        os.chown(file, tool_user().pw_uid, tool_user().pw_gid)
        file.chmod(0o640)

    def read(self):
        return (self.folder / "password").read_text().strip()

    def logs_in(self, password):
        done = subprocess.run(["psql", "-X", "-A", "-t", "-h", "127.0.0.1", "-p", str(self.pg.port), "-U", "shop_app", "-d", "shop", "-c", "SELECT 1"], capture_output=True, text=True,
                              env={**os.environ, "PGPASSWORD": password})
        self.assertIn(done.returncode, (0, 2), done)
        return done.returncode == 0

    def session(self):
        """One of the application, open."""
        process = subprocess.Popen(["psql", "-X", "-h", "127.0.0.1", "-p", str(self.pg.port), "-U", "shop_app", "-d", "shop", "-c", "SELECT pg_sleep(1000)"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, "PGPASSWORD": self.read()})

        def end():
            if process.poll() is None:
                process.kill()
            process.communicate()
        self.addCleanup(end)
        until(lambda: self.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop_app' AND query LIKE '%pg_sleep%'") != "0", "the application does not log in")
        return process

    def start(self):
        action = self.site.start("rotate-postgres-password", {"role": "shop_app"})
        self.assertEqual(action["state"], "pending", action)
        return action["id"]

    def nobody_saw(self, *passwords):
        """Neither the record, the log, the API nor PostgreSQL's log."""
        self.assertEqual(contains(self.k.data, passwords), [])
        said = self.k.stderr() + (self.pg.folder / "log").read_text(errors="replace") + "".join(map(str, self.site.channel.said))
        for action in self.k.get("/v1/actions?limit=200", "ada").json["items"]:
            said += self.k.action(action["id"], "ada").body.decode()
        self.assertEqual([one for one in passwords if one in said], [])
        self.assertIn("ops.set_verifier", said)

    def nothing_is_left(self):
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["password"])
        self.no_roles_are_left()

    def test_what_is_assumed_is_told_before_anything_is_made(self):
        self.assertEqual(self.too_early.returncode, 3, self.too_early)
        self.assertIn("role shop_owner, role shop_app, table customers, table orders, table schema_migrations", self.too_early.stderr)

    def test_the_new_one_works_the_former_does_not_and_nobody_saw_either(self):
        before, session = self.read(), self.session()
        run = self.start()
        seen = self.site.vote(run, "bob")
        self.assertEqual(seen["tool"], "runbook.rotate-postgres-password")
        ended = self.site.at(run, "succeeded")
        after = self.read()
        self.assertGreaterEqual(len(after), 40)
        self.assertEqual((self.logs_in(before), self.logs_in(after)), (False, True))
        self.assertRegex(session.communicate(timeout=30)[1], "terminating connection")
        self.assertEqual(ended["outputs"], {"sessions_ended": 1})
        self.assertTrue(self.sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'shop_app'").startswith("SCRAM-SHA-256$4096:"))
        self.assertEqual((self.folder / "password").stat().st_mode & 0o777, 0o640)
        self.nothing_is_left()
        self.nobody_saw(before, after, self.pg.password)

    def with_set_verifier(self, extra):
        """The function does this first, until the test ends."""
        before = self.sql("SELECT pg_get_functiondef('ops.set_verifier(text, text)'::regprocedure)")
        self.addCleanup(self.sql, before)
        self.sql(before.replace("BEGIN", "BEGIN " + extra, 1))

    def undone(self, run, *paths):
        ended = self.site.at(run, "failed")
        self.assertEqual([(one["path"], one["state"]) for one in ended["steps"] if "~compensate" in one["path"]], [(path + "~compensate", "succeeded") for path in paths])
        self.nothing_is_left()
        return ended

    def test_a_new_password_that_does_not_work_is_undone(self):
        """The verifier that PostgreSQL gets is damaged, once."""
        before = self.read()
        self.sql("CREATE SEQUENCE IF NOT EXISTS ops.calls; ALTER SEQUENCE ops.calls OWNER TO ops_owner; SELECT setval('ops.calls', 1)")
        self.with_set_verifier("IF nextval('ops.calls') = 2 THEN verifier := overlay(verifier placing 'AAAAAAAA' from 50 for 8); END IF;")
        run = self.start()
        self.site.vote(run, "bob")
        until(lambda: self.read() != before, "the new password is never in the file")
        after = self.read()
        self.assertFalse(self.logs_in(before))
        ended = self.undone(run, "publish", "apply", "stage")
        self.assertIn("works: ", ended["reason"])
        self.assertEqual((self.read(), self.logs_in(before), self.logs_in(after)), (before, True, False))
        self.assertEqual(self.site.channel.said, [f"The rotation of shop_app failed and is being undone ({run})"])
        self.nobody_saw(before, after)

    def test_a_file_that_cannot_be_replaced_leaves_the_former_password_in_force(self):
        before = self.read()
        (self.folder / "password.previous").write_text("of a rotation that was given up\n")
        run = self.start()
        self.site.vote(run, "bob")
        self.site.at(run, "failed")
        (self.folder / "password.previous").unlink()
        ended = self.undone(run, "apply", "stage")
        self.assertIn("password.previous is there", self.site.outcome(self.site.step(ended, "publish")["action"])["stderr"])
        self.assertEqual((self.read(), self.logs_in(before)), (before, True))

    def test_a_kill_9_while_postgresql_takes_the_new_one(self):
        before = self.read()
        self.with_set_verifier("PERFORM pg_advisory_lock_shared(42);")
        keeper = subprocess.Popen(["psql", "-X", "-q", "-h", str(self.pg.sockets), "-p", str(self.pg.port), "-U", "postgres", "-d", "shop"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(keeper.communicate)
        keeper.stdin.write("SELECT pg_advisory_lock(42), 'locked';\n")
        keeper.stdin.flush()
        until(lambda: "locked" in keeper.stdout.readline(), "no lock")
        run = self.start()
        self.site.vote(run, "bob")
        until(lambda: self.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'") == "1", "the verifier is never set")
        self.k.kill9()
        keeper.stdin.write("SELECT pg_advisory_unlock(42);\n\\q\n")
        keeper.stdin.flush()
        keeper.wait(30)
        self.k.start()
        ended = self.site.at(run, "succeeded")
        self.assertEqual([one["attempt"] for one in ended["steps"]], [1] * 7)
        self.assertEqual((self.logs_in(before), self.logs_in(self.read())), (False, True))
        self.nothing_is_left()
        self.nobody_saw(before, self.read())

    def test_a_person_who_denies_changes_nothing(self):
        before = self.read()
        run = self.start()
        self.site.vote(run, "bob", "deny")
        self.assertEqual(self.k.settled(run)["state"], "denied")
        self.assertEqual(self.read(), before)
        self.assertTrue(self.logs_in(before))
        self.nothing_is_left()

    def test_a_file_that_is_not_the_database_s_is_not_rotated(self):
        before = self.read()
        self.put("another")
        try:
            run = self.start()
            self.site.vote(run, "bob")
            ended = self.site.at(run, "failed")
        finally:
            self.put(before)
        self.assertEqual([one["path"] for one in ended["steps"]], ["now"])
        self.assertIn("password authentication failed", self.site.outcome(self.site.step(ended, "now")["action"])["stderr"])
        self.assertTrue(self.logs_in(before))
        self.nothing_is_left()


class RollbackMigration(OnADatabase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name, text in MIGRATIONS.items():
            (cls.site.srv / "migrations" / f"{name}.sql").write_text(text)
        cls.service = Service(cls.site.etc / "service", "prod-shop")
        cls.addClassCleanup(cls.service.close)

    def setUp(self):
        """Both are applied, and there are rows of the second."""
        self.sql("DROP TABLE IF EXISTS discounts; ALTER TABLE orders DROP COLUMN IF EXISTS discount; ALTER TABLE orders DROP COLUMN IF EXISTS note; TRUNCATE schema_migrations")
        for version in ("0041_notes", "0042_discounts"):
            self.sql(f"SET ROLE shop_owner; {MIGRATIONS[version + '.up']}; INSERT INTO schema_migrations VALUES ('{version}')")
        self.sql("INSERT INTO discounts VALUES (1, 10), (2, 20)")
        self.service.mark("ill", False)
        self.site.channel.said.clear()

    def migrations(self):
        return self.sql("SELECT string_agg(version, ' ' ORDER BY version) FROM schema_migrations")

    def discounts(self):
        return self.sql("SELECT to_regclass('discounts') IS NOT NULL") == "t"

    def start(self, version="0042_discounts"):
        return self.site.start("rollback-migration", {"version": version, "service": "prod-shop"})["id"]

    def agreed(self, run):
        """At night both have to."""
        hold = self.site.held(run, "agree")
        seen = self.site.vote(hold, "bob")
        self.assertEqual(self.site.run_of(run)["state"], "held")
        self.site.vote(hold, "carol")
        return seen

    def test_a_backup_two_people_and_it_is_undone(self):
        run = self.start()
        seen = self.agreed(run)["args"]["show"]
        self.assertEqual((seen["tables"], seen["script"].strip()), ("orders,discounts", MIGRATIONS["0042_discounts.down"].strip()))
        ended = self.site.at(run, "succeeded")
        self.assertEqual((self.migrations(), self.discounts()), ("0041_notes", False))
        backup = pathlib.Path(ended["outputs"]["backup"])
        self.assertEqual((backup.parent, backup.stat().st_mode & 0o777), (self.site.srv / "backups", 0o600))
        self.assertEqual(hashlib.sha256(backup.read_bytes()).hexdigest(), seen["backup_sha256"])
        # What it dropped can be had back.
        self.pg.psql("DROP DATABASE IF EXISTS restored", database="postgres")
        self.pg.psql("CREATE DATABASE restored", database="postgres")
        restored = subprocess.run(["pg_restore", "--no-owner", "--no-acl", "-f", "-", "--table=discounts", "--data-only", str(backup)], capture_output=True, text=True, check=True).stdout
        self.assertIn("1\t10\n2\t20\n", restored)
        self.no_roles_are_left()

    def test_an_application_that_is_not_healthy_without_it_has_it_again(self):
        self.service.mark("ill")
        run = self.start()
        self.agreed(run)
        ended = self.site.at(run, "failed")
        self.assertEqual(ended["steps"][-1]["path"], "down~compensate")
        self.assertIn("healthy", ended["reason"])
        self.assertEqual((self.migrations(), self.discounts()), ("0041_notes 0042_discounts", True))
        self.assertEqual(self.sql("SELECT tableowner FROM pg_tables WHERE tablename = 'discounts'"), "shop_owner")
        said, = self.site.channel.said
        self.assertRegex(said, r"prod-shop is not healthy without 0042_discounts.*/backups/0042_discounts-act_\w+\.dump")
        self.no_roles_are_left()

    def test_only_the_last_one_and_only_the_script_that_was_shown(self):
        earlier = self.site.at(self.start("0041_notes"), "failed")
        self.assertIn("0041_notes is not the migration that was applied last, 0042_discounts is", self.site.outcome(self.site.step(earlier, "prepare.script.script")["action"])["stderr"])
        script = self.site.srv / "migrations/0042_discounts.down.sql"
        run = self.start()
        hold = self.site.held(run, "agree")
        script.write_text(script.read_text() + "DROP TABLE customers CASCADE;\n")
        try:
            for who in ("bob", "carol"):
                self.site.vote(hold, who)
            ended = self.site.at(run, "failed")
        finally:
            script.write_text(MIGRATIONS["0042_discounts.down"])
        self.assertIn("is not what people agreed to", self.site.outcome(self.site.step(ended, "down")["action"])["stderr"])
        self.assertEqual((self.migrations(), self.discounts(), self.sql("SELECT count(*) FROM customers")), ("0041_notes 0042_discounts", True, "1500"))

    def test_a_script_that_does_not_do_what_it_should_changes_nothing(self):
        script = self.site.srv / "migrations/0042_discounts.down.sql"
        for text, said in (("-- touches: orders\nALTER TABLE orders DROP COLUMN discount;\n", 'the check does not say "absent"'),
                           ("-- touches: orders\nDROP TABLE discounts;\nCOMMIT;\n", "0042_discounts.down.sql:3: not in a migration: COMMIT"),
                           ("-- touches: orders\nDROP TABLE discounts \\g | touch /tmp/out\n\\! id\n", 'syntax error at or near "\\"'),
                           ("-- touches: orders\nDROP TABLE discounts;\nDO $$ BEGIN COMMIT; END $$;\n", "invalid transaction termination"),
                           ("-- touches: orders\nSELECT ';'; /* ; */ end ;\n", "0042_discounts.down.sql:2: not in a migration: end"),
                           ("-- touches: orders\nDROP TABLE discounts;\nDROP TABLE nothing;\n", 'table "nothing" does not exist')):
            with self.subTest(said):
                script.write_text(text)
                try:
                    run = self.start()
                    if "not in" not in said:  # that is told before anybody is asked
                        self.agreed(run)
                    ended = self.site.at(run, "failed")
                finally:
                    script.write_text(MIGRATIONS["0042_discounts.down"])
                failed = [one for one in ended["steps"] if one["state"] == "failed"]
                self.assertEqual([one["path"] for one in failed], ["prepare.script.script" if "not in" in said else "down"])
                self.assertIn(said, self.site.outcome(failed[0]["action"])["stderr"])
                self.assertEqual((self.migrations(), self.discounts()), ("0041_notes 0042_discounts", True))
                self.assertEqual(self.sql("SELECT count(*) FROM information_schema.columns WHERE table_name = 'orders' AND column_name = 'discount'"), "1")

    def test_a_denied_hold_changes_nothing(self):
        run = self.start()
        self.site.vote(self.site.held(run, "agree"), "carol", "deny")
        self.assertIn("denied by carol", self.site.at(run, "failed")["reason"])
        self.assertEqual((self.migrations(), self.discounts()), ("0041_notes 0042_discounts", True))


class ExportTable(OnADatabase):
    count = itertools.count(1)

    def setUp(self):
        self.folder = self.site.srv / "exports"
        self.site.channel.said.clear()
        self.site.channel.broken = False

    def start(self, columns, rows=100, table="customers", name=None):
        self.name = name or f"export-{next(self.count)}"
        answer = self.k.request("runbook.export-table", {"name": self.name, "table": table, "columns": columns, "rows": rows})
        self.assertIn(answer.status, (200, 202), answer)
        return answer.json

    def files(self):
        return sorted(path.name for path in self.folder.iterdir())

    def test_few_rows_without_personal_data_at_once(self):
        run = self.start(["id", "country"], rows=10)["id"]
        ended = self.site.at(run, "succeeded")
        file = self.folder / ended["outputs"]["file"]
        with open(file, newline="") as text:
            lines = list(csv.reader(text))
        self.assertEqual((lines[0], len(lines), {line[1] for line in lines[1:]}), (["id", "country"], 11, {"DE", 'F"R,\nx'}))
        self.assertEqual((ended["outputs"]["rows"], ended["outputs"]["sha256"]), (10, hashlib.sha256(file.read_bytes()).hexdigest()))
        self.assertEqual(file.stat().st_mode & 0o777, 0o640)
        self.assertEqual(self.site.channel.said, [f"bot exported 10 rows of customers (id, country): {self.name}.csv, SHA-256 {ended['outputs']['sha256']} ({run})"])
        self.no_roles_are_left()

    def test_personal_data_takes_privacy_and_another_person_once(self):
        asked = self.start(["id", "email"])
        self.assertEqual(asked["state"], "pending", asked)
        self.site.vote(asked["id"], "paul")
        self.assertEqual(self.k.action(asked["id"], "olga").json["state"], "pending")
        self.assertNotIn(f"{self.name}.csv", self.files())
        self.site.vote(asked["id"], "bob")
        self.site.at(asked["id"], "succeeded")
        self.assertIn("c1@example.com", (self.folder / f"{self.name}.csv").read_text())
        refused = self.start(["id", "email"])
        self.site.vote(refused["id"], "paul", "deny")
        self.assertEqual(self.k.settled(refused["id"])["state"], "denied")

    def test_many_rows_ask_and_the_tool_itself_asks_the_same(self):
        asked = self.start(["id"], rows=1001)
        self.assertEqual(asked["state"], "pending", asked)
        self.site.vote(asked["id"], "bob")
        self.assertEqual(self.site.at(asked["id"], "succeeded")["outputs"]["rows"], 1001)
        direct = self.k.request("export.table", {"name": "direct", "table": "customers", "columns": ["email"], "rows": 1}).json
        self.assertEqual(direct["state"], "pending", direct)
        self.assertEqual({one["group"] for one in self.k.action(direct["id"], "ada").json["needed"]}, {"privacy", "dba"})

    def test_what_is_not_written_down_is_not_exported(self):
        self.site.channel.broken = True
        before = self.files()
        ended = self.site.at(self.start(["id"])["id"], "failed")
        self.assertEqual(self.site.paths(ended)[-1], ("export~compensate", "succeeded"))
        self.assertEqual(self.files(), before)

    def test_nothing_but_the_columns_of_the_list(self):
        for columns in (["id", 'id" FROM customers; --'], ["password"], [], ["id, email"]):
            self.assertEqual(self.k.request("runbook.export-table", {"name": "other", "table": "customers", "columns": columns, "rows": 1}).code, "invalid_args", columns)
        self.assertEqual(self.k.request("runbook.export-table", {"name": "other", "table": "pg_authid", "columns": ["id"], "rows": 1}).code, "invalid_args")
        absent = self.site.at(self.start(["amount"])["id"], "failed")  # of orders, not of customers
        self.assertIn('column "amount" does not exist', self.site.outcome(self.site.step(absent, "export")["action"])["stderr"])
        self.assertEqual([name for name in self.files() if self.name in name], [])
        first = self.site.at(self.start(["id"], name="twice")["id"], "succeeded")
        again = self.site.at(self.start(["country"], name="twice")["id"], "failed")
        self.assertIn("is there already", self.site.outcome(self.site.step(again, "export")["action"])["stderr"])
        self.assertEqual(hashlib.sha256((self.folder / "twice.csv").read_bytes()).hexdigest(), first["outputs"]["sha256"])


if __name__ == "__main__":
    unittest.main()
