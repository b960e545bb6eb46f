// What was agreed to is what is done, or nothing is: with a real PostgreSQL that is told otherwise.
#include "connectors/sql/guard.h"

#include <doctest/doctest.h>

#include <thread>

#include "connectors/sql/look_fixture.h"

namespace keyturn::connectors::sql {
namespace {

using namespace looking;
using namespace std::chrono_literals;

gate::Previewed look(Rig& rig, const catalog::Tool& tool, const std::string& text) {
  auto seen = rig.look(tool, doc::object({{"sql", text}}));
  REQUIRE_MESSAGE(seen, seen.error().message);
  return *seen;
}

Outcome run(Rig& rig, const catalog::Tool& tool, const std::string& text,
            const std::string& state) {
  auto outcome = rig.run(tool, text, state);
  REQUIRE_MESSAGE(outcome, outcome.error().message);
  return *outcome;
}

}  // namespace

TEST_CASE("what decides otherwise each time is not counted") {
  Rig rig;
  sql("CREATE TABLE d_t (x int, y float8); INSERT INTO d_t SELECT generate_series(1, 10), 0");
  const std::string why = "random decides, and says otherwise each time";
  CHECK(statement(rig.at("DELETE FROM d_t WHERE (SELECT random()) < 0.2")).text("not_counted") ==
        why);
  CHECK(statement(rig.at("INSERT INTO d_t SELECT 1 FROM d_t WHERE random() < 0.5"))
            .text("not_counted") == why);
  CHECK(statement(rig.at("UPDATE d_t SET y = random() WHERE x < 4")).integer("rows") == 3);
  CHECK(statement(rig.at("INSERT INTO d_t SELECT x, random() FROM d_t")).integer("rows") == 10);
  CHECK(statement(rig.at("INSERT INTO d_t SELECT generate_series(1, 5), x FROM d_t"))
            .integer("rows") == 50);
  CHECK(statement(
            rig.at("INSERT INTO d_t SELECT generate_series(1, (random() * 9)::int), x FROM d_t"))
            .text("not_counted") == "generate_series gives any number of rows");
  CHECK(statement(rig.at("INSERT INTO d_t VALUES (generate_series(1, 5000), 1)"))
            .text("not_counted") == "generate_series gives any number of rows");
  CHECK(
      statement(rig.at("INSERT INTO d_t VALUES (length(lower('x')), random())")).integer("rows") ==
      1);
  CHECK(statement(rig.at("INSERT INTO d_t VALUES (1, 1), (2, 2) OFFSET 1")).integer("rows") == 1);
}

TEST_CASE("more rows than were agreed to, or others, are rolled back") {
  Rig rig;
  // A function that lies about being stable: in a transaction that only reads it says otherwise.
  sql("CREATE TABLE m_t (id int PRIMARY KEY, x int DEFAULT 0); INSERT INTO m_t SELECT "
      "generate_series(1, 10); CREATE FUNCTION m_lie() RETURNS int STABLE LANGUAGE sql AS $$ "
      "SELECT "
      "CASE current_setting('transaction_read_only') WHEN 'on' THEN 2 ELSE 7 END $$");
  const auto liar = [](bool rows) {
    catalog::Tool tool = looked_at(rows);
    tool.harmless_functions = {"m_lie"};
    return tool;
  };
  const std::string more = "DELETE FROM m_t WHERE id <= m_lie()";
  const gate::Previewed seen = look(rig, liar(false), more);
  CHECK(statement(seen).integer("rows") == 2);
  const Outcome stopped = run(rig, liar(false), more, seen.fingerprint);
  CHECK(stopped.kind == OutcomeKind::kFailed);
  CHECK_MESSAGE(stopped.reason.starts_with("DELETE touched 7 rows, and people agreed to 2 rows"),
                stopped.reason);
  CHECK(stopped.reason.contains("rolled back"));
  const std::string list = "UPDATE m_t SET x = 1 WHERE id = 1; " + more;
  const Outcome second = run(rig, liar(false), list, look(rig, liar(false), list).fingerprint);
  CHECK_MESSAGE(second.reason.starts_with("statement 2 (DELETE) touched 7 rows"), second.reason);

  const std::string other = "DELETE FROM m_t WHERE id = m_lie()";
  const Outcome others = run(rig, liar(true), other, look(rig, liar(true), other).fingerprint);
  CHECK(others.kind == OutcomeKind::kFailed);
  CHECK_MESSAGE(others.reason.starts_with("DELETE touched other rows than those"), others.reason);
  CHECK(statement(rig.at("DELETE FROM m_t")).integer("rows") == 10);
  // Where only their number was agreed to, which they are is not asked.
  CHECK(run(rig, liar(false), other, look(rig, liar(false), other).fingerprint).kind ==
        OutcomeKind::kSucceeded);
  // Others would take others with them.
  sql("CREATE TABLE m_p (id int PRIMARY KEY); INSERT INTO m_p VALUES (2), (7); CREATE TABLE m_c (p "
      "int REFERENCES m_p ON DELETE CASCADE); INSERT INTO m_c SELECT 7 FROM generate_series(1, "
      "50)");
  const std::string parent = "DELETE FROM m_p WHERE id = m_lie()";
  const gate::Previewed none = look(rig, liar(false), parent);
  CHECK(json(none.shown).contains("(m_c_p_fkey): 0 rows"));
  const Outcome taken = run(rig, liar(false), parent, none.fingerprint);
  CHECK_MESSAGE(taken.reason.starts_with("DELETE touched other rows than those"), taken.reason);
}

TEST_CASE(
    "the rows that were agreed to are done, also by joins, in partitions, and with triggers") {
  Rig rig;
  sql("CREATE TABLE o_t (id int, x int) PARTITION BY RANGE (id); CREATE TABLE o_1 PARTITION OF o_t "
      "FOR "
      "VALUES FROM (0) TO (10); CREATE TABLE o_2 PARTITION OF o_t FOR VALUES FROM (10) TO (20); "
      "INSERT "
      "INTO o_t SELECT n, 0 FROM generate_series(1, 19) n; CREATE TABLE o_j (id int); INSERT INTO "
      "o_j "
      "VALUES (1), (1), (12); CREATE FUNCTION o_keep() RETURNS trigger LANGUAGE plpgsql AS $$ "
      "BEGIN IF "
      "OLD.id = 3 THEN RETURN NULL; END IF; RETURN OLD; END $$; CREATE TRIGGER o_keeps BEFORE "
      "DELETE "
      "ON o_1 FOR EACH ROW EXECUTE FUNCTION o_keep()");
  const catalog::Tool tool = looked_at(true);
  const struct {
    const char* sql;
    int rows;
  } rows[] = {
      {"UPDATE o_t SET id = id + 1 WHERE id = 9", 1},  // into the other partition
      {"DELETE FROM o_t USING o_j WHERE o_t.id = o_j.id", 2},
      {"DELETE FROM o_t WHERE id < 5", 2},  // of three: the trigger keeps one
      {"DELETE FROM ONLY o_2 WHERE id IN (SELECT id FROM o_2 ORDER BY id LIMIT 2)", 2},
      {"TRUNCATE o_j", -1},
      {"INSERT INTO o_t SELECT 5, id FROM o_t", 13},
      {"WITH d AS (DELETE FROM o_t RETURNING 1) SELECT count(*) FROM d", 1},
  };
  for (const auto& row : rows) {
    CAPTURE(row.sql);
    const gate::Previewed seen = look(rig, tool, row.sql);
    CAPTURE(json(seen.shown));
    const Outcome outcome = run(rig, tool, row.sql, seen.fingerprint);
    CHECK_MESSAGE(outcome.kind == OutcomeKind::kSucceeded, outcome.reason);
    if (row.rows >= 0) CHECK(outcome.row_count == row.rows);
  }
}

TEST_CASE("rows that come while TRUNCATE waits for its lock are seen before they are gone") {
  Rig rig;
  sql("CREATE TABLE t_t (x int); INSERT INTO t_t SELECT generate_series(1, 3)");
  const std::string state = rig.at("TRUNCATE t_t").fingerprint;
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  auto other = postgres::Connection::open(testing::postgres().dsn(),
                                          Secret(testing::Postgres::password()), deadline);
  REQUIRE(other);
  REQUIRE_FALSE(other->command("BEGIN; INSERT INTO t_t VALUES (4)", deadline));
  std::thread commits([&] {
    for (bool waits = false; !waits && std::chrono::steady_clock::now() < deadline;) {
      const auto rows = other->rows(
          "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 't_t'::regclass", {}, deadline);
      waits = rows && !rows->empty();
    }
    other->command("COMMIT", deadline);
  });
  const auto refused = rig.run(looked_at(), "TRUNCATE t_t", state);
  commits.join();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "drift");
  CHECK(statement(rig.at("DELETE FROM t_t")).integer("rows") == 4);
  // Which rows it empties is compared, too, where that is asked for.
  const std::string rows = rig.at("TRUNCATE t_t", true).fingerprint;
  sql("UPDATE t_t SET x = 5 WHERE x = 4");
  CHECK(rig.at("TRUNCATE t_t", true).fingerprint != rows);
}

}  // namespace keyturn::connectors::sql
