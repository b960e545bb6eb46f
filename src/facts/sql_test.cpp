#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "doc/json.h"
#include "facts/classify.h"
#include "facts/sql_grammar.h"

using namespace keyturn;

namespace {

std::string join(const doc::Value& list, const auto& text_of) {
  std::string out;
  for (const doc::Value& entry : list.as_array()) {
    if (!out.empty()) out += ", ";
    out += text_of(entry);
  }
  return out;
}

std::string verbs(const Facts& facts) {
  return join(*facts.tree.find_path({"sql", "statements"}),
              [](const doc::Value& s) { return std::string(s.text("verb")); });
}

std::string functions(const Facts& facts) {
  return join(*facts.tree.find_path({"sql", "functions"}),
              [](const doc::Value& name) { return name.as_string(); });
}

std::string relations(const Facts& facts) {
  return join(*facts.tree.find_path({"sql", "relations"}), [](const doc::Value& r) {
    std::string name(r.text("schema"));
    if (!name.empty()) name += '.';
    name += r.text("name");
    return r.text("access") == "write" ? name + "!" : name;
  });
}

std::string why(const Facts& facts) {
  return join(*facts.tree.find("why"), [](const doc::Value& w) { return w.as_string(); });
}

struct Row {
  std::string sql, operation, verbs, relations;  // a relation that is written ends in "!"
  std::string functions = {};
};

void check(const Row& row, bool uninspectable) {
  const Facts facts = facts::classify_sql(row.sql);
  CAPTURE(row.sql);
  CAPTURE(why(facts));
  CHECK(facts.uninspectable == uninspectable);
  CHECK(facts.tree.flag("uninspectable") == uninspectable);
  CHECK(facts.operation == row.operation);
  CHECK(verbs(facts) == row.verbs);
  CHECK(relations(facts) == row.relations);
  CHECK(functions(facts) == row.functions);
}

bool is_uninspectable(const std::string& sql) {
  const Facts facts = facts::classify_sql(sql);
  return facts.uninspectable && facts.operation == "execute" && !why(facts).empty();
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("only what locks nothing, writes nothing and calls nothing unknown is a read") {
  const Row rows[] = {
      {"SELECT 1", "read", "SELECT", ""},
      {"select * from a, only b.c as x join d using (id) where x.id = 1", "read", "SELECT",
       "a, d, b.c"},
      {"TABLE x", "read", "SELECT", "x"},
      {"VALUES (1), (2)", "read", "VALUES", ""},
      {"SHOW all", "read", "SHOW", ""},
      {"EXPLAIN SELECT * FROM a", "read", "EXPLAIN, SELECT", "a"},
      {"EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM a", "read", "EXPLAIN ANALYZE, SELECT", "a"},
      {"SELECT 1 UNION SELECT b FROM c INTERSECT TABLE d", "read", "SELECT", "c, d"},
      {"WITH x AS (SELECT * FROM a) SELECT * FROM x", "read", "SELECT", "a, x"},
      {"SELECT lower(a), count(*) FROM t GROUP BY 1 ORDER BY 2 LIMIT 3", "read", "SELECT", "t",
       "count, lower"},
      {"SELECT format('%s', now()), now() AT TIME ZONE 'UTC' FROM t", "read", "SELECT", "t",
       "format, now, timezone"},
      {"SELECT pg_catalog.lower(a) FROM t", "read", "SELECT", "t", "lower"},
      {"SELECT extract(year FROM a), substring(a from 1 for 2), trim(a), a LIKE 'x%' FROM t",
       "read", "SELECT", "t", "btrim, extract, substring"},
      {"SELECT 't'::regclass, a::text, a::numeric(10,2)[], interval '1' day FROM t", "read",
       "SELECT", "t"},
      {"SELECT a[1], a[1:2], coalesce(a, b), greatest(1, 2), nullif(a, b) FROM t", "read", "SELECT",
       "t"},
      {"SELECT CASE WHEN a BETWEEN 1 AND 2 THEN b ELSE c END, a IN (1, 2) FROM t", "read", "SELECT",
       "t"},
      {"SELECT sum(a) FILTER (WHERE b) OVER (PARTITION BY c ORDER BY d) FROM t", "read", "SELECT",
       "t", "sum"},
      {"SELECT g.g, g FROM generate_series(1, 3) g", "read", "SELECT", "", "generate_series"},
      {"SELECT u.x, u.ordinality FROM unnest(array[1]) WITH ORDINALITY AS u(x)", "read", "SELECT",
       "", "unnest"},
      {"SELECT x.upper FROM unnest(array['a']) x", "read", "SELECT", "", "unnest, upper"},
      {"SELECT * FROM t TABLESAMPLE system (1)", "read", "SELECT", "t"},
      {"SELECT * FROM a, LATERAL (SELECT * FROM b WHERE b.x = a.x) s", "read", "SELECT", "a, b"},
      {"SELECT a COLLATE \"C\" FROM t", "read", "SELECT", "t"},
      {"SELECT current_user, current_date", "read", "SELECT", ""},
      {"SELECT 1; SELECT 2;;", "read", "SELECT, SELECT", ""},
      {"SELECT $1::int", "read", "SELECT", ""},
      {"/* a /* DROP TABLE t; */ */ SELECT '; DROP TABLE t' -- DELETE", "read", "SELECT", ""},
      {"SELECT $x$; DROP TABLE t; $x$", "read", "SELECT", ""},
      {"SELECT 'it''s', E'\\'; DROP TABLE t; --'", "read", "SELECT", ""},
      {"SELECT '\\'; ", "read", "SELECT", ""},
      {"SELECT U&'d\\0061t' FROM U&\"d\\0061t\"", "read", "SELECT", "dat"},
  };
  for (const Row& row : rows) check(row, false);
}

TEST_CASE("a write is a write wherever it hides") {
  const Row rows[] = {
      {"INSERT INTO t VALUES (1)", "write", "INSERT", "t!"},
      {"INSERT INTO s.t SELECT * FROM a", "write", "INSERT", "a, s.t!"},
      {"INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1", "write", "INSERT, UPDATE",
       "t!"},
      {"INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING", "write", "INSERT", "t!"},
      {"INSERT INTO t VALUES (nextval('s')) RETURNING id", "write", "INSERT", "t!", "nextval"},
      {"UPDATE t SET a = 1 FROM b WHERE t.id = b.id", "write", "UPDATE", "b, t!"},
      {"DELETE FROM t USING b", "write", "DELETE", "b, t!"},
      {"UPDATE t SET a = (SELECT max(a) FROM t)", "write", "UPDATE", "t!", "max"},
      {"TRUNCATE a, b.c", "write", "TRUNCATE", "a!, b.c!"},
      {"DROP TABLE a, b.c CASCADE", "write", "DROP", "a!, b.c!"},
      {"DROP SCHEMA a CASCADE", "write", "DROP", "a.!"},
      {"DROP TRIGGER x ON a.b", "write", "DROP", "a.b!"},
      {"DROP FUNCTION f(int)", "write", "DROP", "f!"},
      {"CREATE TABLE t (id serial PRIMARY KEY, a int REFERENCES b (id), CHECK (a > 1))", "write",
       "CREATE TABLE", "b, t!"},
      {"ALTER TABLE t ADD COLUMN a int DEFAULT 1", "write", "ALTER", "t!"},
      {"ALTER TABLE t RENAME TO u", "write", "ALTER", "t!"},
      {"CREATE INDEX ON t (lower(a))", "write", "CREATE INDEX", "t!", "lower"},
      {"CREATE VIEW v AS SELECT * FROM t", "write", "CREATE VIEW, SELECT", "t, v!"},
      {"CREATE TABLE x AS SELECT * FROM t", "write", "CREATE TABLE AS, SELECT", "t, x!"},
      {"CREATE MATERIALIZED VIEW x AS TABLE t", "write", "CREATE MATERIALIZED VIEW, SELECT",
       "t, x!"},
      {"SELECT * INTO x FROM t", "write", "SELECT INTO", "t, x!"},
      {"SELECT 1 INTO x UNION SELECT 2", "write", "SELECT INTO", "x!"},
      {"WITH w AS (DELETE FROM t RETURNING *) SELECT * FROM w", "write", "SELECT, DELETE", "t!, w"},
      {"WITH a AS (WITH b AS (UPDATE t SET x = 1 RETURNING *) SELECT * FROM b) SELECT * FROM a",
       "write", "SELECT, UPDATE", "a, b, t!"},
      {"WITH a AS (WITH b AS (DELETE FROM t) INSERT INTO u VALUES (1)) SELECT 1", "write",
       "SELECT, INSERT, DELETE", "t!, u!"},
      {"EXPLAIN DELETE FROM t", "write", "EXPLAIN, DELETE", "t!"},
      {"EXPLAIN (ANALYZE false, ANALYZE) DELETE FROM t", "write", "EXPLAIN ANALYZE, DELETE", "t!"},
      {"EXPLAIN ANALYZE WITH w AS (DELETE FROM t) SELECT 1", "write",
       "EXPLAIN ANALYZE, SELECT, DELETE", "t!"},
      {"EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1", "write",
       "EXPLAIN ANALYZE, CREATE TABLE AS, SELECT", "x!"},
      {"MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT "
       "VALUES (1)",
       "write", "MERGE, DELETE, INSERT", "t!, u"},
      {"SELECT * FROM t FOR UPDATE", "write", "SELECT", "t"},
      {"SELECT * FROM (SELECT * FROM t FOR SHARE) s", "write", "SELECT", "t"},
      {"(SELECT * FROM t FOR UPDATE) UNION ALL SELECT 1", "write", "SELECT", "t"},
      {"SELECT 1 WHERE EXISTS (SELECT 1 FROM t FOR UPDATE)", "write", "SELECT", "t"},
      {"SELECT 1; DROP TABLE t", "write", "SELECT, DROP", "t!"},
      {"COPY t TO '/tmp/x'", "export", "COPY", "t"},
      {"COPY t FROM '/tmp/x'", "write", "COPY", "t!"},
      {"LOCK TABLE t", "execute", "LOCK", "t!"},
      {"GRANT SELECT ON t TO x", "execute", "GRANT", "t!"},
      {"REVOKE ALL ON t FROM x", "execute", "REVOKE", "t!"},
      {"VACUUM FULL t", "execute", "VACUUM", "t!"},
      {"ANALYZE t", "execute", "ANALYZE", "t!"},
  };
  for (const Row& row : rows) check(row, false);
}

TEST_CASE("a function that is not known to be harmless makes its statement an execution") {
  const std::pair<const char*, const char*> rows[] = {
      {"SELECT nextval('s')", "nextval"},
      {"SELECT pg_sleep(1)", "pg_sleep"},
      {"SELECT \"LOWER\"(a) FROM t", "LOWER"},
      {"SELECT public.lower(a) FROM t", "public.lower"},
      {"SELECT x.pg_catalog.lower(a) FROM t", "pg_catalog.lower"},
      {"SELECT \"coalesce\"(a) FROM t", "coalesce"},
      {"SELECT set_config('role', 'x', false)", "set_config"},
      {"SELECT pg_advisory_lock(1)", "pg_advisory_lock"},
      {"SELECT pg_read_file('/etc/passwd')", "pg_read_file"},
      {"SELECT lo_import('/etc/passwd')", "lo_import"},
      {"SELECT lo_unlink(1)", "lo_unlink"},
      {"SELECT dblink('x', 'DROP TABLE t')", "dblink"},
      {"SELECT query_to_xml('DELETE FROM t', true, true, '')", "query_to_xml"},
      {"SELECT pg_terminate_backend(1)", "pg_terminate_backend"},
      {"SELECT * FROM f(1)", "f"},
      {"SELECT * FROM ROWS FROM (f(1), now())", "f, now"},
      {"SELECT * FROM t, LATERAL f(t.a)", "f"},
      {"SELECT f(a) OVER () FROM t", "f"},
      {"SELECT sum(a) FILTER (WHERE f(a)) FROM t", "f, sum"},
      {"SELECT sum(a) OVER (ORDER BY f(a)) FROM t", "f, sum"},
      {"SELECT sum(a) OVER w FROM t WINDOW w AS (PARTITION BY f(a))", "f, sum"},
      {"SELECT a[f(1)] FROM t", "f"},
      {"SELECT f(a) COLLATE \"C\" FROM t", "f"},
      {"SELECT array[f(1)], ROW(1)", "f"},
      {"SELECT CASE f(1) WHEN 1 THEN 2 END", "f"},
      {"SELECT 1 LIMIT f(1)", "f"},
      {"SELECT 1 OFFSET f(1)", "f"},
      {"SELECT 1 GROUP BY ROLLUP (f(1))", "f"},
      {"SELECT DISTINCT ON (f(1)) 1", "f"},
      {"SELECT 1 HAVING f(1)", "f"},
      {"SELECT 1 UNION SELECT f(1)", "f"},
      {"SELECT (SELECT f(1))", "f"},
      {"SELECT x FROM t TABLESAMPLE system (f(1))", "f"},
      {"SELECT * FROM a JOIN b ON f(1)", "f"},
      {"VALUES (f(1))", "f"},
      {"EXPLAIN SELECT f(1)", "f"},
      {"EXPLAIN ANALYZE SELECT f(1)", "f"},
      {"CREATE TABLE x AS SELECT f(1)", "f"},
      {"CREATE VIEW v AS SELECT f(1)", "f"},
      {"CREATE INDEX ON t (f(a))", "f"},
      {"ALTER TABLE t ALTER a TYPE int USING f(a)", "f"},
      {"CREATE TABLE t (a int DEFAULT f(1))", "f"},
      {"COPY (SELECT f(1)) TO '/tmp/x'", "f"},
      {"INSERT INTO t VALUES (f(1))", "f"},
      {"INSERT INTO t VALUES (1) RETURNING f(1)", "f"},
      {"INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = f(1)", "f"},
      {"INSERT INTO t VALUES (1) ON CONFLICT (a) WHERE f(1) DO NOTHING", "f"},
      {"DELETE FROM t WHERE a = f(1)", "f"},
      {"UPDATE t SET (a, b) = (SELECT f(1), 2)", "f"},
      {"MERGE INTO t USING u ON f(1) WHEN MATCHED AND f(2) THEN DELETE", "f"},
      {"WITH w AS (DELETE FROM t WHERE f(1)) SELECT 1", "f"},
      // PostgreSQL takes x.f for f(x) where x has no column f (seen).
      {"SELECT x.pg_sleep FROM unnest(array[1.0::float8]) x", "pg_sleep, unnest"},
      {"SELECT unnest.pg_sleep FROM unnest(array[1.0::float8])", "pg_sleep, unnest"},
      {"SELECT (SELECT x.nextval) FROM unnest(array['s'::regclass]) x", "nextval, unnest"},
      {"SELECT x.pg_sleep FROM ROWS FROM (unnest(array[1.0::float8])) x", "pg_sleep, unnest"},
  };
  for (const auto& [sql, names] : rows) {
    const Facts facts = facts::classify_sql(sql);
    CAPTURE(sql);
    CAPTURE(why(facts));
    CHECK(facts.operation == "execute");
    CHECK(functions(facts) == names);
    CHECK_FALSE(facts.uninspectable);
  }
}

TEST_CASE("functions and types that a tool names are taken for harmless") {
  const auto classify = [](const char* sql) {
    return facts::classify_sql(sql, {"f", "app.g", "status"});
  };
  CHECK(classify("SELECT f(1), app.g(2), 'x'::status").operation == "read");
  CHECK(classify("SELECT app.f(1)").operation == "execute");
  CHECK(classify("SELECT g(1)").operation == "execute");
  CHECK(classify("SELECT \"F\"(1)").operation == "execute");
  CHECK(classify("SELECT 'x'::app.status").uninspectable);
}

TEST_CASE("what cannot be told is uninspectable") {
  const char* rows[] = {
      "",
      " \n",
      ";",
      "-- nothing",
      "/* nothing */",
      "/* open",
      "SELEC 1",
      "SELECT 'open",
      "SELECT $x$ open",
      "SELECT \xff",
      "SELECT '\xff'",
      "SELECT \xed\xa0\x80",
      "SELECT 1; garbage",
      "\\! rm",
      "COMMIT; DROP TABLE t",
      "BEGIN",
      "ROLLBACK TO x",
      "SAVEPOINT x",
      "PREPARE p AS DELETE FROM t",
      "EXECUTE p",
      "CREATE TABLE x AS EXECUTE p",
      "EXPLAIN ANALYZE EXECUTE p",
      "DECLARE c CURSOR FOR SELECT 1",
      "FETCH ALL FROM c",
      "DELETE FROM t WHERE CURRENT OF c",
      "CALL f()",
      "DO $$ BEGIN DELETE FROM t; END $$",
      "DO LANGUAGE plpython3u $$ import os $$",
      "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'DELETE FROM t'",
      "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC DELETE FROM t; END",
      "CREATE TRIGGER x AFTER INSERT ON t EXECUTE FUNCTION f()",
      "CREATE RULE x AS ON SELECT TO t DO INSTEAD DELETE FROM t",
      "CREATE SCHEMA s CREATE TABLE t (a int)",
      "CREATE EXTENSION dblink",
      "CREATE OPERATOR + (function = f)",
      "CREATE CAST (int AS text) WITH FUNCTION f(int)",
      "ALTER SYSTEM SET x = 1",
      "ALTER ROLE x SUPERUSER",
      "SET ROLE x",
      "SET search_path = evil",
      "SET standard_conforming_strings = off",
      "RESET ROLE",
      "DISCARD ALL",
      "LOAD 'x'",
      "NOTIFY x",
      "LISTEN x",
      "REFRESH MATERIALIZED VIEW x",
      "COPY t TO PROGRAM 'rm'",
      "COPY t FROM PROGRAM 'rm'",
      "COPY t TO STDOUT",
      "COPY t FROM STDIN",
      "COPY (DELETE FROM t RETURNING *) TO STDOUT",
      "SELECT 1 OPERATOR(public.+) 2",
      "SELECT 1 === 2",
      "SELECT 1 OPERATOR(public.=) ANY (SELECT 1)",
      "SELECT 1 ORDER BY 1 USING OPERATOR(public.<)",
      "SELECT 1::evil",
      "SELECT CAST(1 AS public.text)",
      "SELECT 1::\"Text\"",
      "SELECT evil 'x'",
      "SELECT 1::serial",
      "SELECT * FROM f(1) AS x (a evil)",
      "CREATE TABLE t (a evil)",
      "CREATE TABLE t OF evil",
      "SELECT (t).f FROM t",
      "SELECT (0.1::float8).pg_sleep",
      "SELECT (a[1]).f FROM t",
      "SELECT xmlelement(name a, f(1))",
      "SELECT * FROM xmltable('/a' PASSING f(1) COLUMNS a int)",
      "SELECT * FROM t TABLESAMPLE evil (1)",
      "CREATE TABLE t (a int, EXCLUDE USING gist (a WITH &&))",
      "SELECT current_setting('x') FROM t; SET x = 1",
      "ALTER TABLE t ATTACH PARTITION u DEFAULT",
  };
  for (const char* sql : rows) {
    CAPTURE(sql);
    CHECK(is_uninspectable(sql));
  }
  CHECK(is_uninspectable(std::string("SELECT 1\0; DROP TABLE t", 23)));
  CHECK(is_uninspectable("SELECT '" + std::string(64 * 1024, 'x') + "'"));
  CHECK_FALSE(is_uninspectable("SELECT '" + std::string(60'000, 'x') + "'"));
}

TEST_CASE("what is uninspectable still names what it can") {
  CHECK(verbs(facts::classify_sql("COMMIT; DELETE FROM t")) == "COMMIT, DELETE");
  CHECK(verbs(facts::classify_sql("START TRANSACTION; ROLLBACK TO x")) == "START, ROLLBACK TO");
  CHECK(verbs(facts::classify_sql("PREPARE TRANSACTION 'x'")) == "PREPARE TRANSACTION");
  CHECK(verbs(facts::classify_sql("DO 'x'; CALL f(); SET a = 1")) == "DO, CALL, SET");
  CHECK(verbs(facts::classify_sql("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS ''")) ==
        "CREATE FUNCTION");
  CHECK(verbs(facts::classify_sql("CREATE TRIGGER x AFTER INSERT ON t EXECUTE FUNCTION f()")) ==
        "CREATE TRIGGER");
  CHECK(verbs(facts::classify_sql("ALTER SYSTEM SET x = 1")) == "ALTER SYSTEM");
  CHECK(relations(facts::classify_sql("COPY (DELETE FROM t RETURNING *) TO STDOUT")) == "t!");
}

TEST_CASE("has_where is true only when the condition can leave rows out") {
  const std::pair<const char*, bool> rows[] = {
      {"DELETE FROM t", false},
      {"DELETE FROM t WHERE id = 1", true},
      {"DELETE FROM t WHERE true", false},
      {"DELETE FROM t WHERE 1 = 1", false},
      {"DELETE FROM t WHERE 1 = 1 AND id = 1", true},
      {"DELETE FROM t WHERE id = 1 OR 1 = 1", false},
      {"DELETE FROM t WHERE id = 1 OR id = 2", true},
      {"DELETE FROM t WHERE (a = 1 AND b = 2) OR (true OR c = 3)", false},
      {"DELETE FROM t WHERE NOT (id = 1 AND false)", false},
      {"DELETE FROM t WHERE NOT (id = 1 OR false)", true},
      {"DELETE FROM t WHERE id = id", false},
      {"DELETE FROM t WHERE t.id = t . id", false},
      {"DELETE FROM t WHERE id = ID", false},
      {"DELETE FROM t WHERE now() > '2000-01-01'", false},
      {"DELETE FROM t WHERE EXISTS (SELECT 1)", false},
      {"DELETE FROM t WHERE id IN (SELECT 1)", true},
      {"UPDATE t SET a = 1", false},
      {"UPDATE t SET a = b", false},
      {"UPDATE t SET a = 1 WHERE b IS NULL", true},
      {"SELECT * FROM t WHERE a", true},
      {"MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE", false},
      {"MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE", true},
  };
  for (const auto& [sql, expected] : rows) {
    const Facts facts = facts::classify_sql(sql);
    CAPTURE(sql);
    for (const doc::Value& s : facts.tree.find_path({"sql", "statements"})->as_array())
      CHECK(s.flag("has_where") == expected);
  }
}

TEST_CASE("count, nested, object and limit") {
  const auto facts = [](const char* sql) { return *facts::classify_sql(sql).tree.find("sql"); };
  const auto first = [&](const char* sql) { return facts(sql).find("statements")->as_array()[0]; };
  CHECK(facts("SELECT 1; SELECT 2").integer("count") == 2);
  CHECK(facts("WITH w AS (DELETE FROM t) SELECT 1").integer("count") == 1);
  CHECK_FALSE(first("WITH w AS (DELETE FROM t) SELECT 1").flag("nested"));
  CHECK(
      facts("WITH w AS (DELETE FROM t) SELECT 1").find("statements")->as_array()[1].flag("nested"));
  CHECK(first("DROP TABLE t").text("object") == "table");
  CHECK(first("DROP INDEX t").text("object") == "index");
  CHECK(first("ALTER VIEW v RENAME TO w").text("object") == "view");
  CHECK(first("ALTER SEQUENCE s OWNER TO x").text("object") == "sequence");
  CHECK(first("SELECT 1 LIMIT 1").flag("has_limit"));
  CHECK_FALSE(first("SELECT 1 LIMIT ALL").flag("has_limit"));
  CHECK_FALSE(first("SELECT 1").flag("has_limit"));
}

TEST_CASE("hostile SQL is refused, whatever its depth, and never crashes") {
  constexpr std::size_t size = 64 * 1024;
  CHECK(is_uninspectable("SELECT 1" + repeat("+1", (size - 8) / 2)));
  CHECK(is_uninspectable("SELECT " + repeat("(", size - 7)));
  CHECK(is_uninspectable("SELECT " + repeat("(", 30'000) + "1" + repeat(")", 30'000)));
  CHECK(is_uninspectable("SELECT " + repeat("-", 1) + repeat(" -", 30'000) + "1"));
  CHECK(is_uninspectable("SELECT " + repeat("NOT ", 16'000) + "true"));
  CHECK(is_uninspectable("SELECT " + repeat("f(", 20'000) + repeat(")", 20'000)));
  CHECK(is_uninspectable("SELECT " + repeat("ARRAY[", 8'000) + repeat("]", 8'000)));
  CHECK(is_uninspectable(repeat("SELECT (", 5'000) + "1" + repeat(")", 5'000)));
  CHECK(is_uninspectable("SELECT 1" + repeat("::evil", 10'000)));
  CHECK(is_uninspectable("SELECT 1" + repeat(" UNION SELECT 1", 4'300)));
  CHECK(is_uninspectable(repeat("/*", size / 2)));
  CHECK(is_uninspectable(repeat("WITH a AS (DELETE FROM t WHERE x IN (", 1'600)));
  CHECK(is_uninspectable("SELECT " + repeat("CASE WHEN true THEN ", 3'000)));
  const std::string deep =
      repeat("WITH a AS (", 700) + "DELETE FROM t" + repeat(") DELETE FROM t", 700);
  CHECK(facts::classify_sql(deep).operation != "read");
  std::string wide = "SELECT 1";
  while (wide.size() < size - 10) wide += ",1";
  CHECK(facts::classify_sql(wide).operation == "read");
  CHECK(facts::classify_sql(repeat("DROP TABLE t;", 5'000)).operation == "write");
  CHECK(facts::classify_sql(repeat("SELECT f();", 5'000)).operation == "execute");
}

TEST_CASE("any text at all is classified without a crash, and never a read with an unknown call") {
  CHECK(rc::check([] {
    static const std::vector<std::string> tokens{"SELECT",
                                                 "f(1)",
                                                 "x.f",
                                                 "FROM",
                                                 "t",
                                                 "unnest(a) x",
                                                 "WHERE",
                                                 "a=1",
                                                 ",",
                                                 "(",
                                                 ")",
                                                 "WITH w AS",
                                                 "DELETE FROM t",
                                                 "UPDATE t SET a=",
                                                 "::text",
                                                 "::evil",
                                                 ";",
                                                 "UNION",
                                                 "1",
                                                 "ORDER BY",
                                                 "LIMIT",
                                                 "FOR UPDATE",
                                                 "INTO",
                                                 "EXPLAIN",
                                                 "OR",
                                                 "NOT",
                                                 "'",
                                                 "--",
                                                 "/*"};
    std::string sql;
    for (const std::size_t i : *rc::gen::container<std::vector<std::size_t>>(
             rc::gen::inRange<std::size_t>(0, tokens.size())))
      sql += tokens[i] + " ";
    const Facts facts = facts::classify_sql(sql);
    if (facts.operation == "read") {
      RC_ASSERT(!facts.uninspectable);
      RC_ASSERT(!sql.contains("DELETE") || sql.contains("--") || sql.contains("'") ||
                sql.contains("/*"));
      RC_ASSERT(!functions(facts).contains('f'));
    }
  }));
  CHECK(rc::check([](const std::string& sql) {
    const Facts facts = facts::classify_sql(sql);
    RC_ASSERT(facts.uninspectable || facts.tree.find_path({"sql", "count"})->as_int64() > 0);
  }));
}

TEST_CASE("smaller limits hold") {
  CHECK(facts::classify_sql("SELECT 1 + 1 + 1", {}, {.depth_max = 8}).uninspectable);
  CHECK(facts::classify_sql("SELECT 1", {}, {.sql_bytes_max = 7}).uninspectable);
  CHECK_FALSE(facts::classify_sql("SELECT 1", {}, {.sql_bytes_max = 8}).uninspectable);
}
