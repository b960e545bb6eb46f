// What is done besides what a statement's text says, as a real PostgreSQL's catalog tells it.
#include <doctest/doctest.h>

#include "connectors/sql/look_fixture.h"

namespace keyturn::connectors::sql {
namespace {

using namespace looking;

bool says(const gate::Previewed& seen, std::string_view words) {
  return json(seen.shown).contains(words);
}

}  // namespace

TEST_CASE("rules are shown, and nothing that one rewrites is counted or read as a read") {
  Rig rig;
  sql("CREATE TABLE u_t (x int); INSERT INTO u_t VALUES (1); CREATE TABLE u_other (x int); INSERT "
      "INTO u_other SELECT generate_series(1, 50); CREATE VIEW u_v AS SELECT 1 AS x WHERE false");
  const gate::Previewed before = rig.at("DELETE FROM u_t");
  CHECK(statement(before).integer("rows") == 1);
  sql("CREATE RULE u_also AS ON DELETE TO u_t DO ALSO DELETE FROM u_other; CREATE RULE u_instead "
      "AS "
      "ON DELETE TO u_v DO INSTEAD DELETE FROM u_other");
  const gate::Previewed after = rig.at("DELETE FROM u_t");
  CHECK(after.fingerprint != before.fingerprint);
  for (const char* text : {"DELETE FROM u_t", "DELETE FROM u_v"}) {
    CAPTURE(text);
    const gate::Previewed seen = rig.at(text);
    CHECK(statement(seen).find("rows") == nullptr);
    CHECK(statement(seen).text("not_counted") ==
          "a rule of the table does something besides, or instead");
    CHECK(says(seen, "DELETE FROM u_other"));
  }
  CHECK(statement(rig.at("INSERT INTO u_t VALUES (2)")).integer("rows") == 1);
  // The triggers of what the rule names.
  sql("CREATE FUNCTION u_f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$; "
      "CREATE TRIGGER u_tell BEFORE DELETE ON u_other FOR EACH ROW EXECUTE FUNCTION u_f()");
  CHECK(says(rig.at("DELETE FROM u_t"), "u_tell on u_other, which calls u_f()"));
}

TEST_CASE("a view's rows are not counted; what it is of is named") {
  Rig rig;
  sql("CREATE TABLE v_t (x int PRIMARY KEY); INSERT INTO v_t VALUES (1); CREATE TABLE v_l (x int "
      "CONSTRAINT v_of REFERENCES v_t ON DELETE CASCADE); CREATE VIEW v_v AS SELECT x, 1 AS ctid, "
      "1 "
      "AS tableoid, 1 AS xmin FROM v_t; CREATE FUNCTION v_f() RETURNS trigger LANGUAGE plpgsql AS "
      "$$ "
      "BEGIN RETURN OLD; END $$; CREATE TRIGGER v_tell BEFORE DELETE ON v_t FOR EACH ROW EXECUTE "
      "FUNCTION v_f()");
  for (const bool rows : {false, true}) {
    const gate::Previewed seen = rig.at("DELETE FROM v_v", rows);
    CHECK(statement(seen).text("not_counted") == "rows of a view are not counted");
    CHECK(says(seen, "v_tell on v_t, which calls v_f()"));
    CHECK(says(seen, "v_l: rows that refer to it are deleted, too (v_of): not counted"));
  }
  sql("CREATE TRIGGER v_do INSTEAD OF DELETE ON v_v FOR EACH ROW EXECUTE FUNCTION v_f()");
  CHECK(says(rig.at("DELETE FROM v_v"), "v_do, which calls v_f()"));
}

TEST_CASE("where row security hides rows there is no count") {
  Rig rig;
  sql("CREATE ROLE y_role; CREATE TABLE y_t (id int, seen bool); INSERT INTO y_t VALUES (1, true), "
      "(2, false), (3, false); ALTER TABLE y_t ENABLE ROW LEVEL SECURITY; GRANT SELECT, DELETE, "
      "INSERT ON y_t TO y_role; CREATE POLICY y_s ON y_t FOR SELECT USING (seen); CREATE POLICY "
      "y_d "
      "ON y_t FOR DELETE USING (true); CREATE POLICY y_i ON y_t FOR INSERT WITH CHECK (true)");
  CHECK(statement(rig.at("DELETE FROM y_t")).integer("rows") == 3);  // as who is above it
  catalog::Tool tool = looked_at();
  tool.dsn += " options='-c role=y_role'";
  const auto seen = rig.look(tool, doc::object({{"sql", "DELETE FROM y_t"}}));
  REQUIRE_MESSAGE(seen, seen.error().message);
  CHECK(statement(*seen).text("not_counted") ==
        "row security can let it touch other rows than this role sees");
  const auto insert = rig.look(tool, doc::object({{"sql", "INSERT INTO y_t VALUES (4, true)"}}));
  REQUIRE(insert);
  CHECK(statement(*insert).integer("rows") == 1);
}

TEST_CASE("triggers and references of partitions and of tables that inherit are named") {
  Rig rig;
  sql("CREATE TABLE h_p (id int) PARTITION BY RANGE (id); CREATE TABLE h_p1 PARTITION OF h_p FOR "
      "VALUES FROM (0) TO (10); ALTER TABLE h_p1 ADD PRIMARY KEY (id); CREATE TABLE h_p2 PARTITION "
      "OF "
      "h_p FOR VALUES FROM (10) TO (20); CREATE TABLE h_r (id int CONSTRAINT h_of REFERENCES h_p1 "
      "ON "
      "DELETE CASCADE); CREATE FUNCTION h_f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN "
      "OLD; END $$; CREATE TRIGGER h_leaf BEFORE DELETE ON h_p1 FOR EACH ROW EXECUTE FUNCTION "
      "h_f(); "
      "CREATE TRIGGER h_in BEFORE INSERT ON h_p2 FOR EACH ROW EXECUTE FUNCTION h_f(); INSERT INTO "
      "h_p "
      "VALUES (1); CREATE TABLE h_i (id int); CREATE TABLE h_c () INHERITS (h_i); CREATE TRIGGER "
      "h_child BEFORE DELETE ON h_c FOR EACH ROW EXECUTE FUNCTION h_f()");
  const gate::Previewed seen = rig.at("DELETE FROM h_p");
  CHECK(statement(seen).integer("rows") == 1);
  CHECK(says(seen, "h_leaf on h_p1, which calls h_f()"));
  CHECK(says(seen, "h_r: rows that refer to it are deleted, too (h_of): not counted"));
  CHECK_FALSE(says(seen, "h_in"));
  // A row moves from one to the other.
  const gate::Previewed moves = rig.at("UPDATE h_p SET id = 11");
  CHECK(says(moves, "h_leaf on h_p1"));
  CHECK(says(moves, "h_in on h_p2"));
  CHECK(says(rig.at("INSERT INTO h_p VALUES (2)"), "h_in on h_p2"));
  CHECK(says(rig.at("DELETE FROM h_i"), "h_child on h_c"));
  CHECK_FALSE(says(rig.at("DELETE FROM ONLY h_i"), "h_child"));
  CHECK_FALSE(says(rig.at("INSERT INTO h_i VALUES (1)"), "h_child"));
  // Of a partition itself, what refers to the whole.
  sql("CREATE TABLE h_q (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE h_q1 PARTITION "
      "OF "
      "h_q FOR VALUES FROM (0) TO (10); CREATE TABLE h_s (id int CONSTRAINT h_whole REFERENCES h_q "
      "ON "
      "DELETE CASCADE)");
  CHECK(says(rig.at("DELETE FROM h_q1"), "h_s: rows that refer to it are deleted, too (h_whole)"));
  // Rows that are in the way of an INSERT are changed; MERGE does all that it says.
  sql("CREATE TABLE h_t (id int PRIMARY KEY); CREATE TRIGGER h_u BEFORE UPDATE ON h_t FOR EACH ROW "
      "EXECUTE FUNCTION h_f()");
  CHECK_FALSE(says(rig.at("INSERT INTO h_t VALUES (1)"), "h_u"));
  CHECK(says(rig.at("INSERT INTO h_t VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 2"), "h_u"));
  CHECK(says(
      rig.at("MERGE INTO h_t t USING h_i i ON t.id = i.id WHEN MATCHED THEN UPDATE SET id = 3"),
      "h_u"));
}

TEST_CASE("rows that go with others are counted, and are part of the state") {
  Rig rig;
  sql("CREATE TABLE g_o (id int PRIMARY KEY); CREATE TABLE g_l (id int PRIMARY KEY, o int "
      "CONSTRAINT "
      "g_of_o REFERENCES g_o ON DELETE CASCADE); CREATE TABLE g_n (l int CONSTRAINT g_of_l "
      "REFERENCES "
      "g_l ON DELETE SET NULL, o int CONSTRAINT g_n_o REFERENCES g_o ON DELETE CASCADE); CREATE "
      "TABLE "
      "g_k (o int REFERENCES g_o); CREATE FUNCTION g_f() RETURNS trigger LANGUAGE plpgsql AS $$ "
      "BEGIN "
      "RETURN OLD; END $$; CREATE TRIGGER g_deep BEFORE DELETE ON g_l FOR EACH ROW EXECUTE "
      "FUNCTION "
      "g_f(); INSERT INTO g_o SELECT generate_series(1, 5); INSERT INTO g_l SELECT n, n % 2 + 1 "
      "FROM "
      "generate_series(1, 10) n; INSERT INTO g_n VALUES (1, 3), (2, 1), (4, NULL)");
  const std::string text = "DELETE FROM g_o WHERE id = 1";
  const gate::Previewed before = rig.at(text);
  CAPTURE(json(before.shown));
  CHECK(says(before, "g_l: rows that refer to it are deleted, too (g_of_o): 5 rows"));
  CHECK(says(before, "g_n: rows that refer to it are deleted, too (g_n_o): 1 row\""));
  CHECK(says(before, "g_n: rows that refer to it lose the reference (g_of_l): 1 row\""));
  CHECK(says(before, "g_deep on g_l, which calls g_f()"));
  sql("INSERT INTO g_l VALUES (11, 1)");
  CHECK(rig.at(text).fingerprint != before.fingerprint);
  const auto refused = rig.run(looked_at(), text, before.fingerprint);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "drift");
  const auto done = rig.run(looked_at(), text, rig.at(text).fingerprint);
  REQUIRE_MESSAGE(done, done.error().message);
  CHECK(done->kind == OutcomeKind::kSucceeded);
  CHECK(statement(rig.at("DELETE FROM g_l")).integer("rows") == 5);
  // A join, a WITH and parameters find the same rows.
  CHECK(says(rig.at("WITH w AS (SELECT 2 AS id) DELETE FROM g_o USING w, g_l WHERE g_o.id = w.id"),
             "(g_of_o): 5 rows"));
  CHECK(says(rig.at("TRUNCATE g_o CASCADE"), "g_k: is emptied, too"));
  sql("CREATE TABLE g_tree (id int PRIMARY KEY, up int CONSTRAINT g_up REFERENCES g_tree ON DELETE "
      "CASCADE)");
  CHECK(says(rig.at("DELETE FROM g_tree"), "(g_up): not counted: tables refer in a circle"));
}

TEST_CASE("what the server says of a failed look is never a row's own words") {
  Rig rig;
  sql("CREATE TABLE e_t (x text); INSERT INTO e_t VALUES ('secret-cell')");
  for (const char* condition :
       {"x::regclass IS NULL", "x::regrole IS NULL", "x::regnamespace IS NULL",
        "x::regtype IS NULL", "x::int = 1", "'a' ~ ('(' || x)", "x::jsonpath IS NULL"}) {
    CAPTURE(condition);
    const gate::Previewed seen = rig.at(std::string("DELETE FROM e_t WHERE ") + condition);
    CHECK(statement(seen).text("not_counted").starts_with("ERROR "));
    CHECK_FALSE(says(seen, "secret-cell"));
  }
}

}  // namespace keyturn::connectors::sql
