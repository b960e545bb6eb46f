// Against a real PostgreSQL.
#include "credentials/issuer.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/random.h"
#include "connectors/sql/postgres_fixture.h"
#include "connectors/testing.h"
#include "doc/json.h"
#include "postgres/connection.h"

using namespace keyturn;
using namespace keyturn::credentials;
using connectors::testing::await;
using connectors::testing::postgres;
using keyturn::postgres::Connection;

namespace {

using Rows = std::vector<std::vector<std::optional<std::string>>>;

postgres::Deadline soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(10);
}

// As the superuser.
Rows look(const std::string& sql) {
  auto connection = Connection::open(connectors::testing::postgres().dsn(),
                                     Secret(connectors::testing::Postgres::password()), soon());
  REQUIRE(connection);
  auto rows = connection->rows(sql, {}, soon());
  if (!rows) FAIL(rows.error().message);
  return *rows;
}

std::size_t roles() {
  return look("SELECT rolname FROM pg_roles WHERE starts_with(rolname, 'keyturn_')").size();
}

// Somebody who may make roles, and is no superuser; and a table to give rights on.
void prepare() {
  static bool done = false;
  if (done) return;
  look("CREATE TABLE orders (id int)");
  look("CREATE ROLE maker LOGIN CREATEROLE PASSWORD 'correct-horse-77'");
  look("GRANT ALL ON orders TO maker WITH GRANT OPTION");
  look("GRANT CREATE ON SCHEMA public TO maker WITH GRANT OPTION");
  look("CREATE ROLE keeper_of_all NOLOGIN");
  look("GRANT keeper_of_all TO maker");
  done = true;
}

constexpr const char* kMayCreate =
    "        - GRANT CREATE ON SCHEMA public TO {{role}}\n      owner: keeper_of_all\n";
constexpr const char* kOwnerless = "        - GRANT CREATE ON SCHEMA public TO {{role}}\n";

std::string text_of(const std::string& lifetime, const std::string& grant,
                    const std::string& owned) {
  auto& server = connectors::testing::postgres();
  const std::string dsn = server.dsn().substr(0, server.dsn().find(" user=")) + " user=maker";
  return "apiVersion: keyturn/v1\nkind: Credentials\ncredentials:\n  orders:\n    lifetime: " +
         lifetime + "\n    postgres_role:\n      dsn: \"" + dsn +
         "\"\n      password: {secret: \"file:" + server.password_file() + "\"}\n      grants:\n" +
         "        - " + grant + "\n" + owned;
}

std::string dsn_for_tools() {
  const std::string dsn = connectors::testing::postgres().dsn();
  return dsn.substr(0, dsn.find(" user="));
}

struct Bench {
  net::Loop loop;
  net::BlockingPool pool{loop, "credentials", 4};
  SystemClock clock;
  SystemRandom random;
  std::shared_ptr<const Document> document;
  std::vector<std::string> lines;
  std::set<std::string> executing;
  Issuer issuer;

  explicit Bench(const std::string& deployment = "d1", const std::string& lifetime = "10m",
                 const std::string& grant = "GRANT SELECT, INSERT ON orders TO {{role}}",
                 const std::string& owned = kMayCreate)
      : issuer({.loop = loop,
                .pool = pool,
                .clock = clock,
                .random = random,
                .document = [this] { return document; },
                .executing = [this] { return executing; },
                .deployment = deployment,
                .log = [this](std::string_view line) { lines.emplace_back(line); }}) {
    prepare();
    doc::Problems problems;
    if (auto loaded = load(text_of(lifetime, grant, owned), problems))
      document = std::make_shared<const Document>(std::move(*loaded));
    for (const auto& problem : problems) FAIL(doc::to_text(problem, "credentials.yaml"));
  }

  Result<Issued> issue(Duration lasts = std::chrono::minutes(5)) {
    return await(loop, issuer.issue("orders", {.action = ActionId("act_01jtest0000000000000000001"),
                                               .principal = "agent:ops-bot",
                                               .tool = "orders",
                                               .until = clock.now() + lasts}));
  }
  Task<bool> closed(Duration within) {
    co_await issuer.close(within);
    co_return true;
  }
  Task<bool> swept() {
    co_await issuer.sweep();
    co_return true;
  }
};

Result<Connection> log_in(const Issued& issued) {
  return Connection::open(dsn_for_tools(), *issued.field("password"), soon(),
                          std::string(issued.field("user")->reveal()));
}

}  // namespace

TEST_CASE("a role does what was granted, nothing else, and is gone when it is revoked") {
  Bench bench;
  const auto issued = bench.issue();
  if (!issued) FAIL(issued.error().message);
  const std::string role(issued->shown.text("role"));
  CHECK(role.starts_with("keyturn_01jtest0000000000000000001_"));
  CHECK(issued->id.starts_with("crd_"));
  auto connection = log_in(*issued);
  REQUIRE(connection);
  CHECK(connection->rows("INSERT INTO orders VALUES (1)", {}, soon()));
  CHECK(connection->rows("CREATE TABLE made_by_it (id int)", {}, soon()));
  CHECK_FALSE(connection->rows("DELETE FROM orders", {}, soon()));
  CHECK_FALSE(connection->rows("CREATE ROLE other", {}, soon()));
  CHECK(await(bench.loop, bench.issuer.revoke(*issued)));
  CHECK_FALSE(connection->rows("SELECT 1", {}, soon()));  // the session was ended
  CHECK_FALSE(log_in(*issued));
  CHECK(roles() == 0);
  CHECK(bench.issuer.live() == 0);
  // What it made is there still, and its owner's.
  CHECK(look("SELECT tableowner FROM pg_tables WHERE tablename = 'made_by_it'") ==
        Rows{{"keeper_of_all"}});
  look("DROP TABLE made_by_it");
  CHECK(await(bench.loop, bench.issuer.revoke(*issued)));  // twice is no error
}

TEST_CASE("who may create something needs somebody whose it is afterwards") {
  Bench bench("d1", "10m", "GRANT SELECT ON orders TO {{role}}", kOwnerless);
  const auto issued = bench.issue();
  REQUIRE_FALSE(issued);
  CHECK(issued.error().code == "credential_refused");
  CHECK(issued.error().message.contains("may create objects in schema public"));
  CHECK(roles() == 0);
}

TEST_CASE("what a role made without an owner keeps its data, and can do nothing more by that") {
  prepare();
  look("CREATE TABLE salaries (pay int)");
  look("INSERT INTO salaries VALUES (424242)");
  look("GRANT SELECT ON salaries TO maker WITH GRANT OPTION");
  look("GRANT CREATE ON SCHEMA public TO public");  // as PostgreSQL had it before 15
  look("CREATE ROLE outsider LOGIN PASSWORD 'correct-horse-77'");
  Bench bench("d1", "10m", "GRANT SELECT ON orders TO {{role}}", "");
  const auto issued = bench.issue();
  if (!issued) FAIL(issued.error().message);
  auto connection = log_in(*issued);
  REQUIRE(connection);
  for (const char* sql :
       {"CREATE VIEW leak AS SELECT * FROM salaries", "GRANT SELECT ON leak TO public",
        "CREATE TABLE kept AS SELECT 7 AS n", "SELECT lo_create(0)",
        "CREATE FUNCTION tell() RETURNS int SECURITY DEFINER LANGUAGE sql AS "
        "'SELECT max(pay) FROM public.orders, public.salaries'"}) {
    const auto made = connection->rows(sql, {}, soon());
    if (!made) CHECK_MESSAGE(std::string_view(sql).contains("tell"), made.error().message);
  }
  const auto revoked = await(bench.loop, bench.issuer.revoke(*issued));
  if (!revoked) FAIL(revoked.error().message);
  CHECK(look("SELECT n FROM kept") == Rows{{"7"}});
  CHECK(look("SELECT DISTINCT rolname, rolcanlogin FROM pg_class JOIN pg_roles r ON r.oid = "
             "relowner WHERE relname IN ('leak', 'kept')") == Rows{{"keyturn_made_by_maker", "f"}});
  auto outside = Connection::open(
      dsn_for_tools(), Secret(connectors::testing::Postgres::password()), soon(), "outsider");
  REQUIRE(outside);
  const auto seen = outside->rows("SELECT * FROM leak", {}, soon());
  REQUIRE_FALSE(seen);
  CHECK(seen.error().message.contains("permission denied for table salaries"));
  CHECK(roles() == 1);  // whose it all is
  // A second one finds it there.
  const auto again = bench.issue();
  REQUIRE(again);
  CHECK(log_in(*again)->rows("CREATE TABLE kept_too (n int)", {}, soon()));
  CHECK(await(bench.loop, bench.issuer.revoke(*again)));
  CHECK(roles() == 1);
  look("REVOKE CREATE ON SCHEMA public FROM public");
  look("DROP OWNED BY keyturn_made_by_maker");
  look("DROP ROLE keyturn_made_by_maker");
}

TEST_CASE("what was given in the maker's own name or in an owner's is taken back alike") {
  prepare();
  look("CREATE ROLE keeper NOLOGIN");
  look("GRANT keeper TO maker");
  look("CREATE SCHEMA \"Kept\" AUTHORIZATION keeper");
  look("CREATE TABLE \"Kept\".\"Names\" (id int, \"the name\" text)");
  look("CREATE SEQUENCE \"Kept\".ids");
  look("CREATE TYPE \"Kept\".mood AS ENUM ('good')");
  look("CREATE FUNCTION \"Kept\".one(int) RETURNS int LANGUAGE sql AS 'SELECT 1'");
  look("REVOKE ALL ON FUNCTION \"Kept\".one(int) FROM public");
  const std::vector<std::string> rights = {
      R"(SELECT ON "Kept"."Names")",     R"(UPDATE ("the name") ON "Kept"."Names")",
      R"(USAGE ON SEQUENCE "Kept".ids)", R"(EXECUTE ON FUNCTION "Kept".one(int))",
      R"(USAGE ON TYPE "Kept".mood)",    R"(USAGE ON SCHEMA "Kept")",
      "TEMPORARY ON DATABASE postgres"};
  for (const std::string object : {R"(TABLE "Kept"."Names")", R"(SEQUENCE "Kept".ids)",
                                   R"(FUNCTION "Kept".one(int))", R"(TYPE "Kept".mood)"})
    look("ALTER " + object + " OWNER TO keeper");
  for (const bool own : {false, true}) {
    CAPTURE(own);
    if (own) {
      for (const std::string& right : rights)
        look("GRANT " + right + " TO maker WITH GRANT OPTION");
    }
    std::string grants = "'GRANT " + rights[0] + " TO {{role}}'";
    for (std::size_t i = 1; i + 1 < rights.size() || (own && i < rights.size()); ++i)
      grants += "\n        - 'GRANT " + rights[i] + " TO {{role}}'";
    Bench bench("d1", "10m", grants);
    const auto issued = bench.issue();
    if (!issued) FAIL(issued.error().message);
    auto connection = log_in(*issued);
    REQUIRE(connection);
    CHECK(connection->rows(R"(SELECT "Kept".one(1), nextval('"Kept".ids') FROM "Kept"."Names")", {},
                           soon()));
    const auto revoked = await(bench.loop, bench.issuer.revoke(*issued));
    if (!revoked) FAIL_CHECK(revoked.error().message);
    CHECK(roles() == 0);
  }
}

TEST_CASE("a role's password is known to nobody but who uses it, and it ends by itself") {
  Bench bench;
  look("ALTER SYSTEM SET log_statement = 'all'");
  look("SELECT pg_reload_conf()");
  for (int i = 0; i < 1000 && look("SHOW log_statement") != Rows{{"all"}}; ++i) ::usleep(10'000);
  const auto issued = bench.issue();
  REQUIRE(issued);
  const std::string role(issued->shown.text("role"));
  const Rows kept =
      look("SELECT rolpassword, rolvaliduntil FROM pg_authid WHERE rolname = '" + role + "'");
  REQUIRE(kept.size() == 1);
  CHECK(kept[0][0]->starts_with("SCRAM-SHA-256$"));
  CHECK(kept[0][1].has_value());
  CHECK(issued->expires_at <= bench.clock.now() + std::chrono::minutes(5));
  const std::string log =
      connectors::testing::read_file(*look("SHOW data_directory")[0][0] + "/log");
  CHECK(log.contains("CREATE ROLE \"" + role));
  CHECK_FALSE(log.contains(issued->field("password")->reveal()));
  const std::string said = doc::write_json(to_value(*issued));
  CHECK_FALSE(said.contains(issued->field("password")->reveal()));
  CHECK(await(bench.loop, bench.issuer.revoke(*issued)));
}

TEST_CASE("at its end a role is ended while it is in use") {
  Bench bench;
  const auto issued = bench.issue(std::chrono::milliseconds(1500));
  REQUIRE(issued);
  auto connection = log_in(*issued);
  REQUIRE(connection);
  const auto lost = connection->rows("SELECT pg_sleep(0)", {}, soon());
  CHECK(lost);
  struct Wait {
    static Task<bool> until_gone(Bench& bench) {
      for (int i = 0; i < 1000 && bench.issuer.live() > 0; ++i)
        co_await bench.loop.sleep(std::chrono::milliseconds(10));
      co_return bench.issuer.live() == 0;
    }
  };
  CHECK(await(bench.loop, Wait::until_gone(bench)));
  CHECK_FALSE(connection->rows("SELECT 1", {}, soon()));
  CHECK_FALSE(log_in(*issued));
  CHECK(roles() == 0);
}

TEST_CASE("a grant that is refused leaves no role") {
  Bench bench("d1", "10m", "GRANT SELECT ON nowhere TO {{role}}");
  const auto issued = bench.issue();
  REQUIRE_FALSE(issued);
  CHECK(issued.error().code == "credential_refused");
  CHECK(issued.error().message.contains("grants[0]"));
  CHECK(roles() == 0);
}

TEST_CASE("a credential that nobody wrote down is refused by name") {
  Bench bench;
  const auto issued = await(bench.loop, bench.issuer.issue("nobody", {}));
  REQUIRE_FALSE(issued);
  CHECK(issued.error().code == "unknown_credential");
}

TEST_CASE(
    "what a crash left to an execution that goes on stays until that is over, or its life is") {
  Bench crashed, next;
  const auto issued = crashed.issue();
  REQUIRE(issued);
  next.executing = {"act_01jtest0000000000000000001"};
  CHECK(await(next.loop, next.swept()));
  CHECK(log_in(*issued));
  SUBCASE("the execution is over") {
    next.executing.clear();
  }
  SUBCASE("the role's life is over") {
    look("ALTER ROLE \"" + std::string(issued->shown.text("role")) + "\" VALID UNTIL '2020-01-01'");
  }
  CHECK(await(next.loop, next.swept()));
  CHECK(roles() == 0);
}

TEST_CASE("one role that cannot be ended keeps none of the others") {
  Bench crashed;
  const auto stuck = crashed.issue();
  REQUIRE(stuck);
  REQUIRE(crashed.issue());
  const auto last = crashed.issue();
  REQUIRE(last);
  // What it has in another database is out of reach.
  look("CREATE DATABASE elsewhere");
  const std::string role(stuck->shown.text("role"));
  const std::string dsn = dsn_for_tools();
  const std::size_t at = dsn.find("dbname=postgres");
  REQUIRE(at != std::string::npos);
  {
    auto connection = Connection::open(std::string(dsn).replace(at, 15, "dbname=elsewhere"),
                                       *stuck->field("password"), soon(), role);
    REQUIRE(connection);
    REQUIRE(connection->rows("SELECT lo_create(0)", {}, soon()));
  }
  Bench next;
  CHECK(await(next.loop, next.swept()));
  CHECK(look("SELECT rolname FROM pg_roles WHERE starts_with(rolname, 'keyturn_')") ==
        Rows{{role}});
  CHECK(look("SELECT rolcanlogin FROM pg_roles WHERE rolname = '" + role + "'") == Rows{{"f"}});
  CHECK(std::ranges::any_of(next.lines, [&](const std::string& line) {
    return line.contains(role) && line.contains("it is tried again");
  }));
  look("DROP DATABASE elsewhere");
  CHECK(await(next.loop, next.swept()));
  CHECK(roles() == 0);
}

TEST_CASE("when the server stops, what programs do not go on with is given back") {
  Bench bench;
  const auto issue = [&](Binding::Use use) {
    return await(bench.loop,
                 bench.issuer.issue("orders", {.action = ActionId("act_01jtest0000000000000000001"),
                                               .principal = "agent:ops-bot",
                                               .tool = "orders",
                                               .until = bench.clock.now() + std::chrono::minutes(5),
                                               .use = use}));
  };
  const auto statement = issue(Binding::Use::kRequest);
  const auto look_at = issue(Binding::Use::kLook);
  const auto program = issue(Binding::Use::kProgram);
  REQUIRE((statement && look_at && program));
  auto connection = log_in(*statement);
  REQUIRE(connection);
  CHECK(await(bench.loop, bench.closed(std::chrono::milliseconds(50))));
  CHECK_FALSE(connection->rows("SELECT 1", {}, soon()));
  CHECK_FALSE(log_in(*statement));
  CHECK_FALSE(log_in(*look_at));
  CHECK(log_in(*program));
  const auto late = issue(Binding::Use::kRequest);
  REQUIRE_FALSE(late);
  CHECK(late.error().code == "stopping");
  CHECK(await(bench.loop, bench.issuer.revoke(*program)));
  CHECK(roles() == 0);
}

TEST_CASE("what a crash left is swept up by its own deployment, and by no other") {
  Bench crashed;
  REQUIRE(crashed.issue());
  Bench other("d2"), next;
  const auto used = next.issue();
  REQUIRE(used);
  CHECK(roles() == 2);
  CHECK(await(other.loop, other.swept()));
  CHECK(roles() == 2);
  CHECK(await(next.loop, next.swept()));
  CHECK(roles() == 1);  // its own, which is in use
  REQUIRE(log_in(*used));
  REQUIRE(next.lines.size() == 1);
  CHECK(next.lines[0].contains("of an earlier run is ended"));
  CHECK(await(next.loop, next.issuer.revoke(*used)));
  CHECK(roles() == 0);
}
