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
       "SELECT (SELECT pg_catalog.count(*) FROM \"a\") + (SELECT pg_catalog.count(*) FROM ONLY "
       "\"s\".\"b\")"},
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
  CHECK_FALSE(one("TRUNCATE a", true).prints);
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
  CHECK(t[0].tables == std::vector<facts::TableName>{{"s", "log"}});
  CHECK(t[0].rows == 2);
  CHECK(t[0].text == "INSERT INTO s.log VALUES (1), (2)");
  CHECK(t[1].text == "SELECT 1");
  CHECK(t[1].has_plan);
  CHECK(t[1].tables.empty());
  CHECK(t[1].not_counted == "");
  CHECK(t[2].rows == 1);
  CHECK(t[3].rows == 1);
  CHECK(t[3].at_most);
  CHECK_FALSE(t[0].at_most);
  CHECK(t[4].not_counted == "rows of DROP are not counted");
  CHECK_FALSE(t[4].has_plan);
  CHECK_FALSE(t[5].has_plan);
  CHECK(t[6].cascades);
  CHECK(t[7].tables == std::vector<facts::TableName>{{"", "m"}});
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
