// Real statements on a real PostgreSQL.
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <thread>

#include "base/random.h"
#include "connectors/sql/postgres_fixture.h"
#include "connectors/sql/rows.h"
#include "connectors/sql/run.h"
#include "connectors/sql/sql_executor.h"
#include "doc/json.h"
#include "postgres/connection.h"

namespace keyturn::connectors::sql {
namespace {

using testing::postgres;
using testing::TempFolder;
using namespace std::chrono_literals;

ActionId new_action() {
  SystemRandom random;
  return ActionId(make_sortable_id("act_", unix_ms(SystemClock().now()), random));
}

catalog::Tool sql_tool(std::string statement = "{{sql}}") {
  catalog::Tool tool;
  tool.name = "db";
  tool.kind = catalog::ToolKind::kSql;
  tool.dsn = postgres().dsn();
  tool.password =
      catalog::SecretRef{.reference = {secrets::Source::kFile, postgres().password_file(), {}}};
  tool.statement = std::move(statement);
  tool.timeout = 20s;
  return tool;
}

struct Rig {
  Rig() {
    spool = std::move(*Spool::open(folder.path() + "/sql", clock.now()));
    executor = std::make_unique<SqlExecutor>(*spool, pool, clock);
  }
  Result<gate::Described> describe(const catalog::Tool& tool, doc::Value args) {
    return testing::await(loop, executor->describe(tool, std::move(args)));
  }
  Result<Outcome> execute(const catalog::Tool& tool, const doc::Value& args,
                          ActionId action = new_action()) {
    const auto described = describe(tool, args);
    if (!described) return std::unexpected(described.error());
    return testing::await(
        loop, executor->execute({std::move(action), &tool, args, described->description}));
  }
  Outcome run(const std::string& sql) {
    const auto tool = sql_tool();
    auto outcome = execute(tool, doc::object({{"sql", sql}}));
    REQUIRE_MESSAGE(outcome, outcome.error().message);
    return *outcome;
  }

  TempFolder folder;
  SystemClock clock;
  net::Loop loop;
  net::BlockingPool pool{loop, "sql", 4};
  std::unique_ptr<Spool> spool;
  std::unique_ptr<SqlExecutor> executor;
};

std::string json(const std::optional<doc::Value>& value) {
  return value ? doc::write_json(*value) : "none";
}

SqlOrder order_of(std::string sql) {
  return {.dsn = postgres().dsn(),
          .password = Secret(testing::Postgres::password()),
          .sql = std::move(sql),
          .timeout = 20s};
}

// A man in the middle of a Unix socket: passes bytes on until he has seen a word from the client,
// then hangs up.
class HangUp {
 public:
  HangUp(std::string server_folder, std::string word)
      : server_(std::move(server_folder)), word_(std::move(word)) {
    listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un name = address(folder_.path());
    REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
    REQUIRE(::listen(listener_.get(), 4) == 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~HangUp() { thread_.join(); }
  const std::string& folder() const { return folder_.path(); }

 private:
  static sockaddr_un address(const std::string& folder) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const std::string path = folder + "/.s.PGSQL.5432";
    std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
    return name;
  }

  void serve() const {
    const Fd client(::accept(listener_.get(), nullptr, nullptr));
    const Fd server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un name = address(server_);
    if (::connect(server.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) return;
    for (;;) {
      std::array<pollfd, 2> entries{pollfd{client.get(), POLLIN, 0},
                                    pollfd{server.get(), POLLIN, 0}};
      if (::poll(entries.data(), entries.size(), -1) < 0) return;
      if (entries[0].revents != 0 && !pass(client, server, true)) return;
      if (entries[1].revents != 0 && !pass(server, client, false)) return;
    }
  }

  bool pass(const Fd& from, const Fd& to, bool listens) const {
    std::array<char, 1 << 16> block;
    const ssize_t n = ::read(from.get(), block.data(), block.size());
    if (n <= 0) return false;
    const std::string_view bytes(block.data(), static_cast<std::size_t>(n));
    if (!write_all(to.get(), bytes)) return false;
    return !listens || bytes.find(word_) == std::string_view::npos;
  }

  std::string server_, word_;
  TempFolder folder_;
  Fd listener_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("rows come back as objects, exact numbers as numbers") {
  Rig rig;
  const Outcome outcome = rig.run(
      "SELECT 1 AS id, 2 AS id, 9007199254740993::bigint AS big, 1.5::float8 AS f, 0.10::numeric "
      "AS n, 'NaN'::float8 AS nan, "
      "true AS yes, NULL AS nothing, 'h\u00e9' AS text, '{\"a\":1}'::jsonb AS j");
  CHECK(outcome.kind == OutcomeKind::kSucceeded);
  CHECK(json(outcome.rows) ==
        "[{\"id\":1,\"id_2\":2,\"big\":\"9007199254740993\",\"f\":1.5,\"n\":0.10,\"nan\":\"NaN\","
        "\"yes\":true,"
        "\"nothing\":null,\"text\":\"h\u00e9\",\"j\":\"{\\\"a\\\": 1}\"}]");
  CHECK(outcome.row_count == 1);
  CHECK(outcome.stdout_text == "SELECT 1\n");
  CHECK(doc::canonical(to_value(outcome)));
}

TEST_CASE("a list of statements is one transaction") {
  Rig rig;
  const Outcome good = rig.run(
      "CREATE TABLE list_a (x int); INSERT INTO list_a VALUES (1), (2); UPDATE list_a SET x = 3");
  CHECK(good.kind == OutcomeKind::kSucceeded);
  CHECK(good.row_count == 4);
  CHECK(good.stdout_text == "CREATE TABLE\nINSERT 0 2\nUPDATE 2\n");
  const Outcome bad = rig.run("INSERT INTO list_a VALUES (9); SELECT 1/0");
  CHECK(bad.kind == OutcomeKind::kFailed);
  CHECK(bad.reason.starts_with("ERROR 22012: division by zero"));
  CHECK(json(rig.run("SELECT count(*) AS n FROM list_a").rows) == "[{\"n\":2}]");
}

TEST_CASE("transaction control is refused before anything runs") {
  Rig rig;
  for (const char* sql :
       {"COMMIT", "SELECT 1; COMMIT; DROP TABLE x", "BEGIN; SELECT 1", "ROLLBACK; SELECT 1"}) {
    CAPTURE(sql);
    const auto described = rig.describe(sql_tool(), doc::object({{"sql", sql}}));
    REQUIRE(!described);
    CHECK(described.error().code == "unsupported_sql");
  }
}

TEST_CASE("what is taken for a read runs READ ONLY: a lying function fails") {
  Rig rig;
  rig.run("CREATE TABLE lie_t (x int)");
  rig.run(
      "CREATE FUNCTION lie() RETURNS int LANGUAGE sql AS $$ INSERT INTO lie_t VALUES (1) RETURNING "
      "x $$");
  auto tool = sql_tool();
  tool.harmless_functions = {"lie"};  // the operator believed it
  const auto described = rig.describe(tool, doc::object({{"sql", "SELECT lie()"}}));
  REQUIRE(described);
  CHECK(described->description.text("transaction") == "read only");
  const auto outcome = rig.execute(tool, doc::object({{"sql", "SELECT lie()"}}));
  CHECK(outcome->kind == OutcomeKind::kFailed);
  CHECK(outcome->reason.starts_with("ERROR 25006"));
  CHECK(json(rig.run("SELECT count(*) AS n FROM lie_t").rows) == "[{\"n\":0}]");
}

TEST_CASE("a read only transaction cannot be made writable from inside") {
  run_sql([] {
    auto o = order_of("CREATE TABLE ro_t (x int)");
    o.read_only = false;
    return o;
  }())
      .value();
  for (const char* sql :
       {"SET TRANSACTION READ WRITE; INSERT INTO ro_t VALUES (1)",
        "SET transaction_read_only = off; INSERT INTO ro_t VALUES (1)",
        "SELECT set_config('transaction_read_only', 'off', false); INSERT INTO ro_t VALUES (1)"}) {
    CAPTURE(sql);
    SqlOrder order = order_of(sql);
    order.one_statement = false;
    const auto outcome = run_sql(order);
    CHECK(outcome->kind == OutcomeKind::kFailed);
    CHECK(json(run_sql(order_of("SELECT count(*) AS n FROM ro_t"))->rows) == "[{\"n\":0}]");
  }
}

TEST_CASE("what was not understood as a list cannot be one") {
  const auto outcome = run_sql(order_of("SELECT 1; SELECT 2"));
  CHECK(outcome->kind == OutcomeKind::kFailed);
  CHECK(outcome->reason.starts_with("ERROR 42601"));
}

TEST_CASE("parameters are bound, never spliced") {
  Rig rig;
  const auto tool = sql_tool("SELECT {{name}} || '!' AS t, {{n}}::int + 1 AS n, {{name}} AS again");
  const doc::Value args = doc::object({{"name", "'; DROP TABLE x; --"}, {"n", 41}});
  const auto outcome = rig.execute(tool, args);
  REQUIRE_MESSAGE(outcome, outcome.error().message);
  CHECK(json(outcome->rows) ==
        "[{\"t\":\"'; DROP TABLE x; --!\",\"n\":42,\"again\":\"'; DROP TABLE x; --\"}]");
}

TEST_CASE("rows and bytes are capped; a read stops there, a write is finished") {
  Rig rig;
  auto tool = sql_tool();
  tool.rows_max = 3;
  auto outcome =
      rig.execute(tool, doc::object({{"sql", "SELECT g FROM generate_series(1, 5000000) g"}}));
  REQUIRE_MESSAGE(outcome, outcome.error().message);
  CHECK_MESSAGE(outcome->kind == OutcomeKind::kSucceeded, outcome->reason);
  CHECK(outcome->truncated);
  CHECK(outcome->rows->as_array().size() == 3);
  rig.run("CREATE TABLE cap_t (x int)");
  outcome = rig.execute(
      tool, doc::object({{"sql", "INSERT INTO cap_t SELECT generate_series(1, 100) RETURNING x"}}));
  CHECK(outcome->kind == OutcomeKind::kSucceeded);
  CHECK(outcome->rows->as_array().size() == 3);
  CHECK(outcome->row_count == 100);
  CHECK(json(rig.run("SELECT count(*) AS n FROM cap_t").rows) == "[{\"n\":100}]");
  tool.output_bytes_max = 100;
  outcome = rig.execute(tool, doc::object({{"sql", "SELECT repeat('x', 1000) AS t"}}));
  CHECK(outcome->truncated);
  CHECK(json(outcome->rows).size() < 200);
}

TEST_CASE("a statement that takes too long is cancelled and rolled back") {
  Rig rig;
  auto tool = sql_tool();
  tool.timeout = 300ms;
  for (const char* sql :
       {"SELECT pg_sleep(100)", "CREATE TABLE slow_t (x int); SELECT pg_sleep(100)",
        "SELECT pg_sleep(0.2); SELECT pg_sleep(0.2); SELECT pg_sleep(0.2)"}) {
    CAPTURE(sql);
    const auto outcome = rig.execute(tool, doc::object({{"sql", sql}}));
    REQUIRE_MESSAGE(outcome, outcome.error().message);
    CHECK(outcome->kind == OutcomeKind::kFailed);
    CHECK(outcome->reason.starts_with("timed out after 300ms"));
  }
}

TEST_CASE("COPY from and to the client is refused, and changes nothing") {
  Rig rig;
  rig.run("CREATE TABLE copy_t (x int)");
  for (const char* sql : {"COPY copy_t FROM STDIN", "COPY copy_t TO STDOUT"}) {
    CAPTURE(sql);
    const Outcome outcome = rig.run(sql);
    CHECK(outcome.kind == OutcomeKind::kFailed);
    CHECK(outcome.reason.starts_with("COPY from or to the client"));
  }
}

TEST_CASE("the connection is lost: failed before COMMIT was sent, unknown after") {
  const std::string server = postgres().dsn().substr(5, postgres().dsn().find(' ') - 5);
  run_sql([] {
    auto o = order_of("CREATE TABLE IF NOT EXISTS lost_t (x int)");
    o.read_only = false;
    return o;
  }())
      .value();
  for (const auto& [word, kind] :
       {std::pair{"INSERT", OutcomeKind::kFailed}, std::pair{"COMMIT", OutcomeKind::kUnknown}}) {
    CAPTURE(word);
    HangUp between(server, word);
    SqlOrder order = order_of("INSERT INTO lost_t VALUES (1)");
    order.dsn = "host=" + between.folder() +
                " dbname=postgres user=postgres gssencmode=disable sslmode=disable";
    order.read_only = false;
    const auto outcome = run_sql(order);
    REQUIRE_MESSAGE(outcome, outcome.error().message);
    CHECK(outcome->kind == kind);
    CHECK(outcome->reason.find("connection was lost") != std::string::npos);
  }
}

TEST_CASE(
    "what stood in doubt when the server died is unknown; what had ended is recovered; reads "
    "changed nothing") {
  Rig rig;
  const ActionId done = new_action(), doubtful = new_action(), never = new_action();
  const auto tool = sql_tool();
  REQUIRE(rig.execute(tool, doc::object({{"sql", "CREATE TABLE recover_t (x int)"}}), done));
  CHECK(rig.execute(tool, doc::object({{"sql", "DROP TABLE recover_t"}}), done).error().code ==
        "already_started");
  REQUIRE(rig.spool->begin(doubtful, rig.clock.now()));
  rig.spool.reset();
  rig.spool = std::move(*Spool::open(rig.folder.path() + "/sql", rig.clock.now()));
  rig.executor = std::make_unique<SqlExecutor>(*rig.spool, rig.pool, rig.clock);
  const auto recover = [&](const ActionId& action) {
    return testing::await(rig.loop, rig.executor->recover(action));
  };
  CHECK(recover(done).kind == OutcomeKind::kSucceeded);
  CHECK(recover(doubtful).kind == OutcomeKind::kUnknown);
  CHECK(recover(never).kind == OutcomeKind::kFailed);
  CHECK(rig.execute(tool, doc::object({{"sql", "DROP TABLE recover_t"}}), never).error().code ==
        "already_started");
}

TEST_CASE("no password in a description, an error or a row") {
  Rig rig;
  const std::string password = testing::Postgres::password();
  auto tool = sql_tool();
  const Outcome row = rig.run("SELECT '" + password + "' AS p");
  CHECK(json(row.rows) == "[{\"p\":\"[redacted:password]\"}]");
  const Outcome error = rig.run("SELECT '" + password + "'::int");
  CHECK(error.reason.find(password) == std::string::npos);
  tool.dsn += " password=" + password;
  const auto described = rig.describe(tool, doc::object({{"sql", "SELECT 1"}}));
  REQUIRE(!described);
  CHECK(described.error().code == "literal_secret");
  CHECK(described.error().message.find(password) == std::string::npos);
  tool = sql_tool();
  tool.password->reference = {secrets::Source::kEnv, "KEYTURN_NO_SUCH_VARIABLE", {}};
  CHECK(rig.execute(tool, doc::object({{"sql", "SELECT 1"}})).error().code == "no_secret");
}

TEST_CASE("a description says what runs where; another text, server or limit is drift") {
  Rig rig;
  auto tool = sql_tool();
  const doc::Value args = doc::object({{"sql", "DELETE FROM nowhere"}});
  const auto described = rig.describe(tool, args);
  REQUIRE(described);
  CHECK(described->description.text("statements") == "DELETE FROM nowhere");
  CHECK(described->description.text("transaction") == "read write");
  CHECK(described->description.text("server").find("dbname=postgres") != std::string_view::npos);
  doc::Value other = args;
  SUBCASE("text") {
    other = doc::object({{"sql", "DELETE FROM nowhere WHERE x = 1"}});
  }
  SUBCASE("server") {
    tool.dsn += " port=5433";
  }
  SUBCASE("limit") {
    tool.rows_max = 7;
  }
  const auto refused = testing::await(
      rig.loop, rig.executor->execute({new_action(), &tool, other, described->description}));
  CHECK(refused.error().code == "drift");
}

TEST_CASE("a database that cannot be reached is a refusal: nothing ran") {
  Rig rig;
  auto tool = sql_tool();
  tool.dsn = "host=/nowhere/at/all dbname=x user=y";
  const auto refused = rig.execute(tool, doc::object({{"sql", "SELECT 1"}}));
  REQUIRE(!refused);
  CHECK(refused.error().code == "cannot_connect");
}

}  // namespace keyturn::connectors::sql
