#include "facts/touch.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "facts/wire.h"

using namespace keyturn;
using facts::Touch;

namespace {

Touch one(std::string_view sql, bool print_rows = false) {
  const auto touches = facts::touches_of(sql, print_rows);
  REQUIRE_MESSAGE(touches, touches.error().message);
  REQUIRE(touches->size() == 1);
  return touches->front();
}

}  // namespace

TEST_CASE("a statement that changes rows becomes the question which rows") {
  const struct {
    std::string_view sql, counting;
  } rows[] = {
      {"DELETE FROM orders", "SELECT pg_catalog.count(*) FROM orders"},
      {"delete from only s.\"Or\"\"ders\" as o where o.id = 3 returning *",
       "SELECT pg_catalog.count(*) FROM ONLY s.\"Or\"\"ders\" o WHERE o.id = 3"},
      {"UPDATE orders SET amount = 0 WHERE id IN (SELECT order_id FROM old)",
       "SELECT pg_catalog.count(*) FROM orders WHERE id IN (SELECT order_id FROM old)"},
      {"DELETE FROM orders o USING lines l JOIN x USING (id) WHERE l.o = o.id",
       "SELECT pg_catalog.count(DISTINCT (o.tableoid, o.ctid)) FROM orders o, lines l JOIN "
       "x USING (id) WHERE l.o = o.id"},
      {"WITH old AS (SELECT 1 AS id) UPDATE a SET x = 1 FROM old WHERE a.id = old.id",
       "WITH old AS (SELECT 1 AS id) SELECT pg_catalog.count(DISTINCT (a.tableoid, a.ctid)) FROM "
       "a, old WHERE a.id = old.id"},
      {"INSERT INTO a SELECT * FROM b WHERE c LIMIT 5",
       "SELECT pg_catalog.count(*) FROM (SELECT * FROM b WHERE c LIMIT 5) source"},
      {"TRUNCATE a, ONLY s.b",
       "SELECT (SELECT pg_catalog.count(*) FROM \"a\" AS t) + (SELECT pg_catalog.count(*) FROM "
       "ONLY "
       "\"s\".\"b\" AS t)"},
      // Parameters that only the change uses are named, so that the server knows their type.
      {"UPDATE a SET x = $1, y = $3 WHERE id = $2",
       "SELECT pg_catalog.count(*), $1::pg_catalog.text, $3::pg_catalog.text FROM a WHERE id = $2"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.sql);
    const Touch touch = one(row.sql);
    CHECK(touch.not_counted == "");
    CHECK(touch.counting == row.counting);
  }
}

TEST_CASE("which rows, in which version, can be asked with the count") {
  const Touch touch = one("DELETE FROM orders WHERE id < 10", true);
  CHECK(touch.prints);
  CHECK(touch.counting.contains("hashtextextended"));
  CHECK(touch.counting.contains("orders.xmin"));
  CHECK(one("DELETE FROM a USING b WHERE a.x = b.x", true).counting.contains("sum(DISTINCT"));
  CHECK(one("TRUNCATE a, b", true).prints);
  CHECK(one("TRUNCATE a, b", true).counting.contains("concat_ws"));
  CHECK_FALSE(one("INSERT INTO a SELECT * FROM b", true).prints);
}

TEST_CASE("what each statement touches") {
  const auto touches = facts::touches_of(
      "INSERT INTO s.log VALUES (1), (2); SELECT 1; INSERT INTO log DEFAULT VALUES; INSERT INTO "
      "log VALUES (1) ON CONFLICT DO NOTHING; DROP TABLE x; CREATE TABLE y AS SELECT 1; TRUNCATE z "
      "CASCADE; MERGE INTO m USING n ON m.i = n.i WHEN MATCHED THEN DELETE",
      false);
  REQUIRE(touches);
  REQUIRE(touches->size() == 8);
  const auto& t = *touches;
  CHECK(t[0].verb == "INSERT");
  CHECK(t[0].targets == std::vector<facts::Target>{{{"s", "log"}, {"INSERT"}}});
  CHECK(t[0].rows == 2);
  CHECK(t[0].text == "INSERT INTO s.log VALUES (1), (2)");
  CHECK(t[1].text == "SELECT 1");
  CHECK(t[1].has_plan);
  CHECK(t[1].targets.empty());
  CHECK(t[1].not_counted == "");
  CHECK(t[2].rows == 1);
  CHECK(t[3].rows == 1);
  CHECK(t[3].at_most);
  CHECK_FALSE(t[0].at_most);
  CHECK(t[4].not_counted == "rows of DROP are not counted");
  CHECK_FALSE(t[4].has_plan);
  CHECK_FALSE(t[5].has_plan);
  CHECK(t[6].cascades);
  CHECK(t[7].targets == std::vector<facts::Target>{{{"", "m"}, {"DELETE"}}});
  CHECK(t[7].counting == "");
  CHECK(t[7].has_plan);
}

TEST_CASE("what changes rows on the side is not asked for") {
  for (const char* sql :
       {"WITH gone AS (DELETE FROM a RETURNING *) DELETE FROM b USING gone WHERE b.x = gone.x",
        "WITH gone AS (UPDATE a SET x = 1 RETURNING *) INSERT INTO b SELECT * FROM gone",
        "INSERT INTO b SELECT 1 INTO c", "DELETE FROM b WHERE x IN (SELECT 1 INTO c)",
        "INSERT INTO b WITH gone AS (DELETE FROM a RETURNING *) SELECT * FROM gone"}) {
    CAPTURE(sql);
    const Touch touch = one(sql);
    CHECK(touch.counting == "");
    CHECK(touch.not_counted == "a part of it changes rows itself");
  }
}

TEST_CASE("a query of WITH that goes by the table's name is not counted in the table's place") {
  const std::string why = "a WITH query goes by the table's name";
  CHECK(one("WITH t AS (SELECT 1 AS id WHERE false) DELETE FROM t WHERE id < 500").not_counted ==
        why);
  CHECK(one("WITH t AS (SELECT 1 AS id, 2 AS ctid) UPDATE t AS o SET id = 2", true).not_counted ==
        why);
  CHECK(one("WITH t AS (SELECT 1 AS id) DELETE FROM s.t USING t WHERE t.id = 1").not_counted == "");
  CHECK(one("WITH a AS (SELECT 1), \"T\" AS (SELECT 2) DELETE FROM \"T\"").not_counted == why);
  CHECK(one("WITH t AS (SELECT 1) INSERT INTO t SELECT * FROM t").counting.contains("FROM t"));
}

TEST_CASE("only what surely only reads has nothing to count") {
  const struct {
    std::string_view sql, not_counted;
  } rows[] = {
      {"SELECT 1", ""},
      {"EXPLAIN DELETE FROM t", ""},
      {"EXPLAIN (ANALYZE) SELECT * FROM t", ""},
      {"SHOW work_mem", ""},
      {"WITH d AS (DELETE FROM t RETURNING id) SELECT count(*) FROM d",
       "a part of it changes rows itself"},
      {"SELECT * FROM t FOR UPDATE", "it does more than read"},
      {"SELECT nextval('s')", "it does more than read"},
      {"SELECT 1 INTO x", "a part of it changes rows itself"},
      {"EXPLAIN ANALYZE DELETE FROM t", "EXPLAIN ANALYZE runs the statement"},
      {"EXPLAIN (ANALYZE false, ANALYZE) DELETE FROM t", "EXPLAIN ANALYZE runs the statement"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.sql);
    const Touch touch = one(row.sql);
    CHECK(touch.not_counted == row.not_counted);
    CHECK(touch.counting == "");
    CHECK_FALSE(touch.rows);
  }
}

TEST_CASE("every table that a part of a statement changes is named, with what is done to it") {
  using Targets = std::vector<facts::Target>;
  CHECK(one("WITH d AS (DELETE FROM s.t RETURNING id) SELECT count(*) FROM d").targets ==
        Targets{{{"s", "t"}, {"DELETE"}}});
  CHECK(one("EXPLAIN ANALYZE UPDATE t SET x = 1").targets == Targets{{{"", "t"}, {"UPDATE"}}});
  CHECK(one("EXPLAIN DELETE FROM t").targets.empty());
  CHECK(one("INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 1").targets ==
        Targets{{{"", "t"}, {"INSERT", "UPDATE"}}});
  CHECK(one("MERGE INTO t USING s ON s.a = t.a WHEN MATCHED THEN UPDATE SET b = 1 WHEN NOT MATCHED "
            "THEN INSERT VALUES (1)")
            .targets == Targets{{{"", "t"}, {"INSERT", "UPDATE"}}});
  CHECK(one("DELETE FROM ONLY t").targets == Targets{{{"", "t"}, {"DELETE"}, false}});
  CHECK(one("DELETE FROM t USING u WHERE t.a = u.a").targets == Targets{{{"", "t"}, {"DELETE"}}});
  CHECK(one("TRUNCATE a, ONLY s.b").targets ==
        Targets{{{"", "a"}, {"TRUNCATE"}}, {{"s", "b"}, {"TRUNCATE"}, false}});
}

TEST_CASE("functions that decide which rows, and those that are called for each, are told apart") {
  using Names = std::set<std::string>;
  const Touch del = one("DELETE FROM t WHERE a < (SELECT pg_catalog.random()) AND lower(b) = 'x'");
  CHECK(del.deciding == Names{"lower", "random"});
  CHECK(one("UPDATE t SET a = random() WHERE true").deciding.empty());
  const Touch values = one("INSERT INTO t VALUES (generate_series(1, 5000))");
  CHECK(values.rows == 1);
  CHECK(values.yielding == Names{"generate_series"});
  const Touch each = one("INSERT INTO t SELECT gen_random_uuid() FROM u WHERE length(x) > 1");
  CHECK(each.deciding == Names{"length"});
  CHECK(each.yielding == Names{"gen_random_uuid"});
  CHECK(one("INSERT INTO t SELECT DISTINCT random() FROM u").deciding == Names{"random"});
  CHECK(one("INSERT INTO t SELECT random() UNION SELECT 1").deciding == Names{"random"});
  CHECK(one("DELETE FROM t USING u TABLESAMPLE SYSTEM (50) WHERE t.a = u.a").not_counted ==
        "TABLESAMPLE finds other rows each time");
}

TEST_CASE("OFFSET leaves some of the values out") {
  const Touch touch = one("INSERT INTO t VALUES (1), (2) OFFSET 1");
  CHECK_FALSE(touch.rows);
  CHECK(touch.counting.contains("OFFSET 1"));
}

TEST_CASE("what an earlier statement of the list changes is not counted by what is there now") {
  const auto last = [](std::string_view sql) {
    const auto touches = facts::touches_of(sql, true);
    REQUIRE(touches);
    return touches->back();
  };
  const std::string first = "statement 1 of the list changes what it looks at";
  const std::string second = "statement 2 of the list changes what it looks at";
  CHECK(last("INSERT INTO t SELECT * FROM u; DELETE FROM t").not_counted == first);
  CHECK(last("SELECT 1; INSERT INTO u VALUES (1); DELETE FROM t WHERE a IN (SELECT a FROM u)")
            .not_counted == second);
  CHECK(last("UPDATE t SET x = 1 WHERE a = 1; DELETE FROM t WHERE x = 1").not_counted == first);
  CHECK(last("UPDATE t SET x = 1; DELETE FROM t USING u WHERE t.* = u.*").not_counted == first);
  CHECK(last("UPDATE t SET x = 1; DELETE FROM t USING u NATURAL JOIN t v").not_counted == first);
  CHECK(last("ALTER TABLE t ADD y int DEFAULT 1; DELETE FROM t").not_counted == first);
  CHECK(last("DELETE FROM u; INSERT INTO t SELECT * FROM u").not_counted == first);
  CHECK(last("WITH d AS (UPDATE t SET a = 1 RETURNING 1) SELECT 1; DELETE FROM t").not_counted ==
        first);
  const Touch moved =
      last("UPDATE t SET x = x - 1 WHERE a = 1; UPDATE t SET x = x + 1 WHERE a = 2");
  CHECK(moved.not_counted == "");
  CHECK(moved.counting != "");
  CHECK_FALSE(moved.at_most);
  const Touch fewer = last("DELETE FROM t WHERE a = 1; DELETE FROM t WHERE b = 1");
  CHECK(fewer.counting != "");
  CHECK(fewer.at_most);
  CHECK(last("INSERT INTO t VALUES (1); INSERT INTO t SELECT * FROM u").counting != "");
}

TEST_CASE("no SQL is refused, and hostile SQL ends nothing") {
  CHECK_FALSE(facts::touches_of("DELETE FROM", false));
  CHECK_FALSE(facts::touches_of("", false));
  CHECK_FALSE(facts::touches_of(std::string("SELECT 1\0", 9), false));
  CHECK_FALSE(facts::touches_of("SELECT '\xff'", false));
  CHECK_FALSE(facts::touches_of(std::string(70'000, ' '), false));
  std::string deep = "DELETE FROM t WHERE x = 1";
  for (int i = 0; i < 12'000; ++i) deep += "+1";
  const auto touches = facts::touches_of(deep, false);
  CHECK((!touches || touches->front().counting.empty() || touches->front().counting.size() > 100));
}

TEST_CASE("names are quoted for the server") {
  CHECK(facts::quoted({"", "a"}) == "\"a\"");
  CHECK(facts::quoted({"S", "a\"b"}) == "\"S\".\"a\"\"b\"");
}

TEST_CASE("a field of a message is found where it was written, and no bytes are too odd to read") {
  const std::string inner = facts::wire_field(1, "x");
  const std::string message = facts::wire_field(185, inner) + facts::wire_field(2, "abc");
  CHECK(facts::wire_body(message, 2) == "abc");
  CHECK(facts::wire_body(*facts::wire_body(message, 185), 1) == "x");
  CHECK_FALSE(facts::wire_body(message, 3));
  CHECK_FALSE(facts::wire_fields(std::string(1, '\n')));
  CHECK_FALSE(facts::wire_fields("\n\005ab"));
  CHECK(rc::check("any bytes", [](const std::string& bytes) {
    const auto fields = facts::wire_fields(bytes);
    std::size_t length = 0;
    for (const auto& field : fields ? *fields : std::vector<facts::WireField>{})
      length += field.whole.size();
    RC_ASSERT(!fields || length == bytes.size());
  }));
  CHECK(rc::check("what is written is read", [](std::string body) {
    const std::string written = facts::wire_field(*rc::gen::inRange(1u, 536'870'911u), body);
    const auto fields = facts::wire_fields(written);
    RC_ASSERT(fields.has_value());
    RC_ASSERT(fields->size() == 1u);
    RC_ASSERT(fields->front().body == body);
  }));
}
