// What a real PostgreSQL says of statements before they run.
#include "connectors/sql/look.h"

#include <doctest/doctest.h>

#include <thread>

#include "connectors/sql/look_fixture.h"
#include "connectors/sql/plan_text.h"
#include "doc/json.h"
#include "postgres/connection.h"

namespace keyturn::connectors::sql {
namespace {

using namespace looking;
using namespace std::chrono_literals;
using testing::postgres;
using testing::TempFolder;

}  // namespace

TEST_CASE("the rows that a statement would touch are counted, exactly, and none is touched") {
  Rig rig;
  sql("CREATE TABLE c_orders (id int PRIMARY KEY, amount int); INSERT INTO c_orders SELECT n, n % "
      "3 "
      "FROM generate_series(1, 100) n; CREATE TABLE c_lines (o int, n int); INSERT INTO c_lines "
      "SELECT n % 10 + 1, n FROM generate_series(1, 50) n");
  const struct {
    const char* sql;
    int rows;
  } rows[] = {
      {"DELETE FROM c_orders", 100},
      {"DELETE FROM c_orders WHERE amount = 0", 33},
      {"DELETE FROM c_orders o USING c_lines l WHERE l.o = o.id", 10},  // each row found five times
      {"UPDATE c_orders SET amount = 1 FROM c_lines WHERE o = id AND amount > 0", 7},
      {"UPDATE c_orders SET amount = 1 WHERE id IN (SELECT o FROM c_lines WHERE n > 48)", 2},
      {"WITH few AS (SELECT 5 AS most) DELETE FROM c_orders USING few WHERE id < most", 4},
      {"INSERT INTO c_lines SELECT id, 1 FROM c_orders LIMIT 12", 12},
      {"INSERT INTO c_lines VALUES (1, 1), (2, 2)", 2},
      {"TRUNCATE c_orders, c_lines", 150},
      {"DELETE FROM c_orders WHERE id < 0", 0},
  };
  for (const auto& row : rows) {
    CAPTURE(row.sql);
    const gate::Previewed seen = rig.at(row.sql);
    const doc::Value one = statement(seen);
    CAPTURE(json(seen.shown));
    CHECK(one.integer("rows", -1) == row.rows);
    CHECK(one.find("not_counted") == nullptr);
    CHECK(seen.fingerprint.starts_with("sha256:"));
    CHECK(rig.at(row.sql).fingerprint == seen.fingerprint);
  }
  const gate::Previewed after = rig.at("DELETE FROM c_orders");
  CHECK(statement(after).integer("rows") == 100);
}

TEST_CASE("another number of rows is another state; with `rows`, other rows are") {
  Rig rig;
  sql("CREATE TABLE s_t (id int PRIMARY KEY, x int); INSERT INTO s_t SELECT n, 0 FROM "
      "generate_series(1, 10) n");
  const std::string text = "DELETE FROM s_t WHERE id <= 5";
  const std::string count = rig.at(text).fingerprint, rows = rig.at(text, true).fingerprint;
  CHECK(count != rows);
  sql("UPDATE s_t SET x = 1 WHERE id = 9");  // not among them
  CHECK(rig.at(text).fingerprint == count);
  CHECK(rig.at(text, true).fingerprint == rows);
  sql("UPDATE s_t SET x = 1 WHERE id = 2");  // the same number, another version
  CHECK(rig.at(text).fingerprint == count);
  CHECK(rig.at(text, true).fingerprint != rows);
  sql("INSERT INTO s_t VALUES (0, 0)");
  CHECK(rig.at(text).fingerprint != count);
  CHECK(statement(rig.at(text)).integer("rows") == 6);
}

TEST_CASE("parameters are those of the statement, also where only the change uses them") {
  Rig rig;
  sql("CREATE TABLE p_t (id int PRIMARY KEY, x text); INSERT INTO p_t SELECT n, 'a' FROM "
      "generate_series(1, 10) n");
  catalog::Tool tool = looked_at(false, "UPDATE p_t SET x = {{x}} WHERE id > {{least}}");
  tool.params = {{.name = "x", .schema = {}, .secret = true}, {.name = "least", .schema = {}}};
  const auto seen = rig.look(tool, doc::object({{"x", "a-secret-of-the-request"}, {"least", 7}}));
  REQUIRE_MESSAGE(seen, seen.error().message);
  CAPTURE(json(seen->shown));
  CHECK(statement(*seen).integer("rows", -1) == 3);
  CHECK_FALSE(json(seen->shown).contains("a-secret-of-the-request"));
  CHECK(json(seen->shown).contains("Update on p_t"));
}

TEST_CASE("what triggers and foreign keys add is named, and is part of the state") {
  Rig rig;
  sql("CREATE TABLE k_orders (id int PRIMARY KEY); CREATE TABLE k_lines (id int PRIMARY KEY, o int "
      "CONSTRAINT of_order REFERENCES k_orders ON DELETE CASCADE); CREATE TABLE k_notes (l int "
      "CONSTRAINT of_line REFERENCES k_lines ON DELETE SET NULL); CREATE TABLE k_kept (o int "
      "REFERENCES k_orders); CREATE FUNCTION k_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
      "RETURN OLD; END $$; INSERT INTO k_orders SELECT generate_series(1, 3)");
  const std::string text = "DELETE FROM k_orders WHERE id = 1";
  const gate::Previewed before = rig.at(text);
  const std::string said = json(before.shown);
  CAPTURE(said);
  CHECK(said.contains("k_lines: rows that refer to it are deleted, too (of_order)"));
  CHECK(said.contains("k_notes: rows that refer to it lose the reference (of_line)"));
  CHECK_FALSE(said.contains("k_kept"));
  CHECK_FALSE(said.contains("triggers"));
  CHECK_FALSE(json(rig.at("UPDATE k_orders SET id = 9 WHERE id = 1").shown).contains("of_order"));
  CHECK(json(rig.at("TRUNCATE k_orders CASCADE").shown).contains("k_kept: is emptied, too"));
  sql("CREATE TRIGGER k_tell AFTER DELETE ON k_orders FOR EACH ROW EXECUTE FUNCTION k_note()");
  const gate::Previewed after = rig.at(text);
  CHECK(json(after.shown).contains("k_tell, which calls k_note()"));
  CHECK(after.fingerprint != before.fingerprint);
  CHECK_FALSE(json(rig.at("INSERT INTO k_orders VALUES (7)").shown).contains("k_tell"));
}

TEST_CASE("a plan names what is done, and no value of anybody") {
  Rig rig;
  sql("CREATE TABLE n_t (id int PRIMARY KEY, who text); INSERT INTO n_t VALUES (1, 'Bob Smith')");
  const std::string said =
      json(rig.at("SELECT * FROM n_t WHERE id = 4711 AND who > 'Carol'").shown);
  CHECK(said.contains("n_t"));
  CHECK_FALSE(said.contains("4711"));
  CHECK_FALSE(said.contains("Carol"));
  // What cannot be read of a row is not quoted either.
  const std::string bad = json(rig.at("DELETE FROM n_t WHERE who::int > 3").shown);
  CAPTURE(bad);
  CHECK(bad.contains("22P02"));
  CHECK_FALSE(bad.contains("Bob"));
  CHECK(plan_lines("no json").empty());
  CHECK(plan_lines("[]").empty());
}

TEST_CASE("nothing is asked about what cannot be told from its text") {
  Rig rig;
  sql("CREATE TABLE f_t (x int); CREATE FUNCTION f_write() RETURNS int LANGUAGE plpgsql AS $$ "
      "BEGIN "
      "INSERT INTO f_t VALUES (1); RETURN 1; END $$; CREATE FUNCTION f_wipe() RETURNS int "
      "IMMUTABLE "
      "LANGUAGE plpgsql AS $$ BEGIN RETURN f_write(); END $$");
  for (const char* text : {"DELETE FROM f_t WHERE x = f_wipe()", "SELECT f_wipe()", "CALL f()",
                           "DO $$ BEGIN END $$", "SELECT setval('s', 1)"}) {
    CAPTURE(text);
    const gate::Previewed seen = rig.at(text);
    CHECK(seen.shown.text("unavailable").contains("cannot be told from its text"));
    CHECK(seen.fingerprint == "");
  }
  // The operator says that it is harmless, and is wrong: what looks can write nothing.
  catalog::Tool tool = looked_at();
  tool.harmless_functions = {"f_wipe"};
  const auto seen = rig.look(tool, doc::object({{"sql", "DELETE FROM f_t WHERE x = f_wipe()"}}));
  REQUIRE(seen);
  CAPTURE(json(seen->shown));
  CHECK(statement(*seen).text("not_counted").contains("25006"));
  CHECK(statement(rig.at("DELETE FROM f_t WHERE x = (SELECT nextval('s'))")).text("not_counted") ==
        "to find its rows is no mere read");
  CHECK(statement(rig.at("DELETE FROM f_t")).integer("rows") == 0);
}

TEST_CASE("each statement of a list is looked at by itself") {
  Rig rig;
  sql("CREATE TABLE l_t (x int); INSERT INTO l_t SELECT generate_series(1, 4)");
  const gate::Previewed seen = rig.at(
      "DELETE FROM l_t WHERE x = 1; UPDATE nowhere SET x = 1; DROP TABLE l_t; DELETE FROM l_t");
  CAPTURE(json(seen.shown));
  CHECK(statement(seen, 0).integer("rows") == 1);
  CHECK(statement(seen, 1).text("not_counted").contains("42P01"));
  CHECK(statement(seen, 2).text("not_counted") == "rows of DROP are not counted");
  CHECK(statement(seen, 3).text("not_counted") ==
        "statement 3 of the list changes what it looks at");
  CHECK(statement(rig.at("DELETE FROM l_t WHERE x = 1; DELETE FROM l_t"), 1).integer("rows") == 4);
  std::string many;
  for (int i = 0; i < 60; ++i) many += "DELETE FROM l_t;";
  CHECK(rig.at(many).shown.integer("more") == 10);
}

TEST_CASE("nothing waits long for a look: not a lock, not a slow count") {
  Rig rig;
  sql("CREATE TABLE w_t (x int)");
  auto blocker = postgres::Connection::open(postgres().dsn(), Secret(testing::Postgres::password()),
                                            std::chrono::steady_clock::now() + 10s);
  REQUIRE(blocker);
  REQUIRE_FALSE(blocker->command("BEGIN; LOCK TABLE w_t IN ACCESS EXCLUSIVE MODE",
                                 std::chrono::steady_clock::now() + 10s));
  CHECK(statement(rig.at("DELETE FROM w_t")).text("not_counted").contains("55P03"));
  REQUIRE_FALSE(blocker->command("ROLLBACK", std::chrono::steady_clock::now() + 10s));
  sql("INSERT INTO w_t SELECT generate_series(1, 3000)");
  catalog::Tool tool = looked_at();
  tool.timeout = 300ms;
  const auto slow =
      rig.look(tool, doc::object({{"sql", "DELETE FROM w_t USING w_t b, w_t c WHERE b.x <> c.x"}}));
  CHECK((!slow || statement(*slow).text("not_counted").contains("57014")));
  if (!slow) CHECK(slow.error().code == "state_unavailable");
}

TEST_CASE("what people agreed to on a state is run on that state, or not at all") {
  Rig rig;
  sql("CREATE TABLE b_t (id int PRIMARY KEY, x int DEFAULT 0); INSERT INTO b_t SELECT "
      "generate_series(1, 10)");
  const auto run = [&](const std::string& text, const std::string& state) {
    return rig.run(looked_at(), text, state);
  };
  const std::string text = "DELETE FROM b_t WHERE id <= 4";
  const std::string agreed = rig.at(text).fingerprint;
  sql("INSERT INTO b_t VALUES (0)");
  const auto refused = run(text, agreed);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "drift");
  CHECK(statement(rig.at("DELETE FROM b_t")).integer("rows") == 11);
  const auto done = run(text, rig.at(text).fingerprint);
  REQUIRE_MESSAGE(done, done.error().message);
  CHECK(done->kind == OutcomeKind::kSucceeded);
  CHECK(done->row_count == 5);
  // After the look the transaction is as it was: it writes, and has the tool's own time.
  const std::string list =
      "UPDATE b_t SET x = 1 WHERE id = 9; UPDATE b_t SET x = 2 WHERE id = 9; "
      "SELECT current_setting('statement_timeout') AS t, "
      "current_setting('transaction_read_only') AS r, x FROM b_t WHERE id = 9";
  const auto both = run(list, rig.at(list).fingerprint);
  REQUIRE_MESSAGE(both, both.error().message);
  REQUIRE_MESSAGE(both->rows, both->reason);
  CHECK(json(*both->rows) == R"([{"t":"20s","r":"off","x":2}])");
}

TEST_CASE("rows that somebody changes while the statement runs are not silently others") {
  Rig rig;
  sql("CREATE TABLE r_t (id int PRIMARY KEY, x int DEFAULT 0); INSERT INTO r_t SELECT "
      "generate_series(1, 10)");
  const auto tool = looked_at();
  const std::string text = "DELETE FROM r_t WHERE x = 0";
  const doc::Value args = doc::object({{"sql", text}});
  const auto described = testing::await(rig.loop, rig.executor->describe(tool, args));
  REQUIRE(described);
  gate::Order order{ActionId("act_1"), &tool, args, described->description};
  order.state = rig.at(text).fingerprint;
  // Somebody has changed a row, and commits once the statement waits for it.
  auto other = postgres::Connection::open(postgres().dsn(), Secret(testing::Postgres::password()),
                                          std::chrono::steady_clock::now() + 10s);
  REQUIRE(other);
  const auto say = [&](const std::string& words) {
    const auto problem = other->command(words, std::chrono::steady_clock::now() + 10s);
    REQUIRE_MESSAGE(!problem, problem.value_or(""));
  };
  say("BEGIN; UPDATE r_t SET x = 1 WHERE id = 3");
  std::thread commits([&] {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    for (bool waits = false; !waits && std::chrono::steady_clock::now() < deadline;) {
      const auto rows = other->rows(
          "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'", {}, deadline);
      waits = rows && !rows->empty();
    }
    other->command("COMMIT", deadline);
  });
  const auto outcome = testing::await(rig.loop, rig.executor->execute(std::move(order)));
  commits.join();
  REQUIRE_MESSAGE(outcome, outcome.error().message);
  CHECK(outcome->kind == OutcomeKind::kFailed);
  CHECK_MESSAGE(outcome->reason.contains("40001"), outcome->reason);
  CHECK(statement(rig.at("DELETE FROM r_t")).integer("rows") == 10);
}

TEST_CASE("a database that cannot be asked tells no state") {
  Rig rig;
  catalog::Tool tool = looked_at();
  const TempFolder nowhere;
  tool.dsn = "host=" + nowhere.path() + " dbname=postgres user=postgres";
  const auto refused = rig.look(tool, doc::object({{"sql", "DELETE FROM x"}}));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "state_unavailable");
  CHECK(refused.error().message.contains("cannot connect"));
}

TEST_CASE("a tool without a preview asks nothing") {
  Rig rig;
  catalog::Tool tool = looked_at();
  tool.preview.reset();
  tool.dsn = "host=/nowhere";
  const auto seen = rig.look(tool, doc::object({{"sql", "DELETE FROM x"}}));
  REQUIRE(seen);
  CHECK(seen->shown.is_null());
  CHECK(seen->fingerprint == "");
}

}  // namespace keyturn::connectors::sql
