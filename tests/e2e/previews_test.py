"""What an action would touch is shown to people before they agree, and what they agreed to is released on that state only."""
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import POLICY, TOOLS, Keyturn  # noqa: E402
from support.postgres import Postgres, installed  # noqa: E402

OWN = """\
  publish:
    exec: [@WORK@/append.sh, "publish {{what}}"]
    preview: [/bin/sh, @WORK@/show.sh, "{{what}}"]
    state: [/bin/cat, @WORK@/revision]
    params: {what: {type: string}}
    resource: {kind: site, name: web, env: prod}
    sandbox: none
  shown-only:
    exec: [@WORK@/append.sh, shown]
    preview: [/bin/sh, @WORK@/show.sh, it]
    resource: {kind: site, name: web, env: prod}
    sandbox: none
  free:
    exec: [@WORK@/append.sh, free]
    preview: [@WORK@/append.sh, "looked at"]
    state: [@WORK@/append.sh, "compared"]
    resource: {kind: site, name: web, env: prod}
    sandbox: none
"""
SQL = """\
  orders-sql:
    sql:
      dsn: "host=127.0.0.1 port=@PORT@ dbname=orders user=keyturn"
      password: {secret: "file:@PASSWORD@"}
      statement: "{{sql}}"
    preview: true
    params: {sql: {type: string, bytes_max: 65536}}
    resource: {kind: database, name: orders, env: prod}
    timeout: 20s
"""
RULES = """\
- {id: looked, match: {tool: [publish, shown-only, orders-sql]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}
- {id: unasked, match: {tool: [free]}, effect: allow}
"""


def shown(action):
    """What a reviewer sees, section by section, as text."""
    def runs(of):
        return "".join(run["t"] for run in of)
    out = {}
    for section in action["display"]:
        lines = [f"{runs(f['name'])}: {runs(f['value'])}" for f in section.get("fields", [])]
        out[section["title"]] = "\n".join(lines) or runs(section.get("runs", []))
    return out


class Returned:
    """Votes on what has moved: nothing runs, and people see the new state."""

    def assert_returned(self, action, who="bob"):
        vote = self.k.vote(action, who)
        self.assertEqual(vote.status, 200, vote)
        after = self.k.action(action["id"], who).json
        self.assertEqual((after["state"], after["votes"], after["outcome"]), ("pending", [], None), after)
        self.assertNotEqual(after["digest"], action["digest"])
        stale = self.k.vote(after, "erin", digest=action["digest"])
        self.assertEqual((stale.status, stale.code), (409, "digest_mismatch"), stale)
        return after

    def ask(self, tool, args=None):
        answer = self.k.request(tool, args)
        self.assertEqual(answer.status, 202, answer)
        return self.k.action(answer.json["id"], "bob").json


class Programs(Returned, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.k = Keyturn(policy=POLICY + RULES, tools=TOOLS + OWN, start=False)
        cls.addClassCleanup(cls.k.close)
        (cls.k.work / "revision").write_text("one\n")
        (cls.k.work / "show.sh").write_text("echo \"would publish $1\"\n")
        cls.k.start()

    def revision(self, text):
        (self.k.work / "revision").write_text(text + "\n")

    def test_the_preview_and_the_state_are_shown_to_people_and_not_to_the_agent(self):
        self.revision("one")
        action = self.ask("publish", {"what": "the site"})
        self.assertTrue(action["display_complete"])
        seen = shown(action)
        self.assertIn("would publish the site", seen["What it would do, as its preview says"])
        self.assertIn("one", seen["The state that an approval is good for"])
        text = self.k.cli("show", action["id"], token="bob").out
        self.assertIn("would publish the site", text)
        for path in (f"/v1/actions/{action['id']}", f"/v1/actions/{action['id']}/timeline", "/v1/actions?limit=50"):
            self.assertNotIn("would publish", self.k.get(path, "bot").body.decode(), path)
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        self.assertEqual(self.k.lines()[-1], "publish the site")

    def test_a_state_that_moved_returns_to_review_and_what_people_see_is_the_new_one(self):
        self.revision("one")
        action = self.ask("publish", {"what": "moved"})
        self.revision("two")
        after = self.assert_returned(action)
        self.assertNotIn("publish moved", self.k.lines())
        self.assertIn("two", shown(after)["The state that an approval is good for"])
        self.assertEqual(self.k.vote(after, "erin").status, 200)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        self.assertIn("publish moved", self.k.lines())

    def test_a_state_that_cannot_be_told_releases_nothing(self):
        self.revision("one")
        action = self.ask("publish", {"what": "blind"})
        (self.k.work / "revision").unlink()
        vote = self.k.vote(action, "bob")
        self.assertEqual((vote.status, vote.code), (409, "state_unavailable"), vote)
        self.assertIn("revision", vote.json["detail"])
        self.assertEqual(self.k.action(action["id"], "bob").json["votes"], [])
        blind = self.ask("publish", {"what": "blind from the start"})
        self.assertIn("nothing is released before it can", json.dumps(blind["display"]))
        self.revision("one")
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")
        after = self.assert_returned(blind)  # nobody has seen that state with it
        self.assertEqual(self.k.vote(after, "bob").status, 200)
        self.assertEqual(self.k.settled(blind["id"])["state"], "succeeded")

    def test_what_is_shown_may_differ_where_no_state_is_declared(self):
        action = self.ask("shown-only")
        (self.k.work / "show.sh").write_text("echo other words\n")
        self.addCleanup((self.k.work / "show.sh").write_text, "echo \"would publish $1\"\n")
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        self.assertEqual(self.k.settled(action["id"])["state"], "succeeded")

    def test_nothing_is_looked_at_when_nobody_is_asked(self):
        self.assertEqual(self.k.request("free", wait=25).json["state"], "succeeded")
        self.assertIn("free", self.k.lines())
        self.assertNotIn("looked at", self.k.lines())
        self.assertNotIn("compared", self.k.lines())

    def test_it_is_in_the_record_after_a_restart(self):
        self.revision("one")
        action = self.ask("publish", {"what": "kept"})
        self.k.restart()
        self.assertIn("would publish kept", shown(self.k.action(action["id"], "bob").json)["What it would do, as its preview says"])
        self.revision("three")
        self.assert_returned(action)


@unittest.skipUnless(installed(), "PostgreSQL is not installed")
class Rows(Returned, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pg = Postgres()
        cls.addClassCleanup(cls.pg.close)
        tools = SQL.replace("@PORT@", str(cls.pg.port)).replace("@PASSWORD@", str(cls.pg.password_file))
        cls.k = Keyturn(policy=POLICY + RULES, tools=TOOLS + OWN + tools)
        cls.addClassCleanup(cls.k.close)
        cls.pg.psql("""SET ROLE keyturn;
            CREATE TABLE orders (id int PRIMARY KEY, customer text);
            CREATE TABLE lines (o int CONSTRAINT of_order REFERENCES orders ON DELETE CASCADE);
            INSERT INTO orders SELECT n, 'c' || n % 3 FROM generate_series(1, 20) n;""")

    def test_the_rows_are_counted_and_more_of_them_return_to_review(self):
        action = self.ask("orders-sql", {"sql": "DELETE FROM orders WHERE id > 15"})
        seen = shown(action)["What it would touch"]
        self.assertIn("DELETE: 5 rows", seen)
        self.assertIn("lines: rows that refer to it are deleted, too (of_order)", seen)
        self.assertIn("this number of rows", seen)
        self.pg.psql("INSERT INTO orders VALUES (21, 'late')")
        after = self.assert_returned(action)
        self.assertIn("DELETE: 6 rows", shown(after)["What it would touch"])
        self.assertEqual(self.pg.psql("SELECT count(*) FROM orders"), "21", "nothing was deleted")
        self.assertEqual(self.k.vote(after, "erin").status, 200)
        done = self.k.settled(action["id"])
        self.assertEqual((done["state"], done["outcome"]["row_count"]), ("succeeded", 6), done)
        self.assertEqual(self.pg.psql("SELECT count(*) FROM orders"), "15")

    def test_rows_that_are_not_touched_may_change(self):
        action = self.ask("orders-sql", {"sql": "UPDATE orders SET customer = 'x' WHERE id = 1"})
        self.pg.psql("UPDATE orders SET customer = 'y' WHERE id = 2")
        self.assertEqual(self.k.vote(action, "bob").status, 200)
        self.assertEqual(self.k.settled(action["id"])["outcome"]["row_count"], 1)

    def test_the_agent_does_not_learn_how_many_rows_there_are(self):
        action = self.ask("orders-sql", {"sql": "DELETE FROM orders WHERE customer LIKE 'c1%'"})
        self.assertIn("rows", shown(action)["What it would touch"])
        for path in (f"/v1/actions/{action['id']}", f"/v1/actions/{action['id']}/timeline", "/v1/actions?limit=50"):
            answer = self.k.get(path, "bot").body.decode()
            self.assertNotIn("would touch", answer, path)
            self.assertNotIn("of_order", answer, path)
        self.k.post(f"/v1/actions/{action['id']}/cancel", "bot")


if __name__ == "__main__":
    unittest.main()
