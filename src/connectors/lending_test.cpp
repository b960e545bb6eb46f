// Tools that run with credentials issued for one execution: the real helper, a real PostgreSQL.
#include "connectors/lending.h"

#include <doctest/doctest.h>

#include "connectors/exec/testing.h"
#include "connectors/sql/postgres_fixture.h"
#include "postgres/connection.h"

namespace keyturn::connectors {
namespace {

using exec::testing::new_action;
using exec::testing::own_program;
using exec::testing::tool_of;
using testing::await;
using testing::TempFolder;
using Words = std::vector<std::string>;

postgres::Deadline soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(10);
}

std::string look(const std::string& sql) {
  auto connection = postgres::Connection::open(testing::postgres().dsn(),
                                               Secret(testing::Postgres::password()), soon());
  REQUIRE(connection);
  const auto rows = connection->rows(sql, {}, soon());
  if (!rows) FAIL(rows.error().message);
  return rows->empty() ? "" : (*rows)[0][0].value_or("NULL");
}

std::string roles() {
  return look("SELECT count(*) FROM pg_roles WHERE starts_with(rolname, 'keyturn_')");
}

// A server with credentials, and the streams of its actions.
struct Rig {
  TempFolder data{0711}, secrets;
  net::Loop loop;
  SystemClock clock;
  SystemRandom random;
  std::shared_ptr<const credentials::Document> document;
  std::unique_ptr<Executors> executor;
  Words noted;  // types, and ids of credentials
  std::vector<doc::Value> bodies;
  std::string roles_when_noted;  // at credential.issued
  std::string refused_type;      // that the stream does not take

  Rig() {
    testing::write_file(secrets.path() + "/token", "s3cr3t-value-91\n", 0600);
    auto& server = testing::postgres();
    const std::string text =
        std::string(credentials::kNone) +
        "credentials:\n  token: {static: {value: {secret: \"file:" + secrets.path() +
        "/token\"}}}\n  gone: {static: {value: {secret: \"file:/no/such/file\"}}}\n" +
        "  db:\n    postgres_role:\n      dsn: \"" + server.dsn() +
        "\"\n      password: {secret: \"file:" + server.password_file() +
        "\"}\n      grants: [\"GRANT pg_read_all_data TO {{role}}\"]\n";
    doc::Problems problems;
    auto loaded = credentials::load(text, problems);
    for (const auto& problem : problems) FAIL(doc::to_text(problem, "credentials.yaml"));
    document = std::make_shared<const credentials::Document>(std::move(*loaded));
    exec::HelperStart how{.data_folder = data.path(),
                          .program = own_program("keyturn_exec_helper")};
    how.arguments = {"exec-helper", "--linger-ms", "100"};
    auto connection = exec::start_helper(how);
    REQUIRE_MESSAGE(connection, connection.error().message);
    auto made = make_executor(loop, clock,
                              {.helper = how,
                               .credentials = [this] { return document; },
                               .deployment = "lending",
                               .random = &random},
                              std::move(*connection));
    REQUIRE_MESSAGE(made, made.error().message);
    executor = std::move(*made);
  }

  Task<Result<void>> note(std::string type, doc::Value body) {
    if (type == refused_type) co_return refuse("conflict", "the record is closed");
    if (type == "credential.issued") roles_when_noted = roles();
    noted.push_back(type);
    bodies.push_back(std::move(body));
    co_return Result<void>{};
  }

  Result<Outcome> execute(const catalog::Tool& tool, const doc::Value& args) {
    const auto described = await(loop, executor->describe(tool, args));
    REQUIRE_MESSAGE(described, described.error().message);
    return await(loop, executor->execute({.action = new_action(),
                                          .tool = &tool,
                                          .args = args,
                                          .description = described->description,
                                          .requester = "agent:ops-bot",
                                          .note = [this](std::string type, doc::Value body) {
                                            return note(std::move(type), std::move(body));
                                          }}));
  }
};

catalog::Tool sql_tool() {
  catalog::Tool tool;
  tool.name = "orders";
  tool.kind = catalog::ToolKind::kSql;
  const std::string dsn = testing::postgres().dsn();
  tool.dsn = dsn.substr(0, dsn.find(" user="));
  tool.credential = "db";
  tool.timeout = std::chrono::seconds(20);
  return tool;
}

catalog::Tool exec_tool(const std::string& credential, const std::string& field) {
  catalog::Tool tool = tool_of({"/bin/sh", "-c", "test \"$TOKEN\" && echo got $TOKEN"});
  tool.credential_env["TOKEN"] = {credential, field};
  return tool;
}

}  // namespace

TEST_CASE("a statement runs as a role of its own, which is gone when it ended") {
  Rig rig;
  const doc::Value args = doc::object({{"sql", "SELECT current_user AS who"}});
  const auto outcome = rig.execute(sql_tool(), args);
  REQUIRE_MESSAGE(outcome, outcome.error().message);
  REQUIRE(outcome->rows);
  const std::string who(outcome->rows->as_array()[0].text("who"));
  CHECK(who.starts_with("keyturn_"));
  CHECK(rig.noted == Words{"credential.issued", "credential.revoked"});
  CHECK(rig.roles_when_noted == "1");
  CHECK(roles() == "0");
  const doc::Value* issued = rig.bodies[0].find("credential");
  REQUIRE(issued != nullptr);
  CHECK(issued->find("shown")->text("role") == who);
  CHECK(issued->flag("revocable"));
  CHECK(rig.bodies[1].find("credential")->text("id") == issued->text("id"));
}

TEST_CASE("two executions never share a credential") {
  Rig rig;
  const doc::Value args = doc::object({{"sql", "SELECT current_user AS who"}});
  const auto one = rig.execute(sql_tool(), args), two = rig.execute(sql_tool(), args);
  REQUIRE(one);
  REQUIRE(two);
  CHECK_FALSE(*one->rows == *two->rows);
}

TEST_CASE("what the record does not take is not used, and ended") {
  Rig rig;
  rig.refused_type = "credential.issued";
  const auto outcome = rig.execute(sql_tool(), doc::object({{"sql", "SELECT 1"}}));
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == "conflict");
  CHECK(rig.noted.empty());
  CHECK(roles() == "0");
}

TEST_CASE("a statement that fails gives its role back, too") {
  Rig rig;
  const auto outcome = rig.execute(sql_tool(), doc::object({{"sql", "SELECT * FROM nowhere"}}));
  REQUIRE(outcome);
  CHECK(outcome->kind == OutcomeKind::kFailed);
  CHECK(rig.noted == Words{"credential.issued", "credential.revoked"});
  CHECK(roles() == "0");
}

TEST_CASE("a program gets the field that its tool names, and nobody else sees it") {
  Rig rig;
  catalog::Tool tool = exec_tool("token", "value");
  SUBCASE("as a variable") {}
  SUBCASE("as a file") {
    tool.exec[2] = "echo got $(cat $TOKEN)";
    tool.credential_env["TOKEN"].as_file = true;
  }
  const auto outcome = rig.execute(tool, doc::Object{});
  REQUIRE_MESSAGE(outcome, outcome.error().message);
  CHECK(outcome->stdout_text == "got [redacted:TOKEN]\n");
  REQUIRE(rig.noted == Words{"credential.issued"});  // it is kept elsewhere: nothing is revoked
  CHECK_FALSE(doc::write_json(rig.bodies[0]).contains("s3cr3t-value-91"));
}

TEST_CASE("what was issued beside a credential that is refused is given back") {
  Rig rig;
  CHECK(rig.execute(exec_tool("db", "user"), doc::Object{}));
  CHECK(rig.noted == Words{"credential.issued", "credential.revoked"});
  rig.noted.clear();
  catalog::Tool two = exec_tool("db", "user");
  two.credential_env["MORE"] = {"gone", "value"};
  const auto outcome = rig.execute(two, doc::Object{});
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == "no_secret");
  CHECK(rig.noted == Words{"credential.issued", "credential.revoked"});
  CHECK(roles() == "0");
}

TEST_CASE("people see which credential a tool runs with") {
  Rig rig;
  const auto sql =
      await(rig.loop, rig.executor->describe(sql_tool(), doc::object({{"sql", "SELECT 1"}})));
  REQUIRE(sql);
  CHECK(sql->description.text("credential") == "db");
  const auto program =
      await(rig.loop, rig.executor->describe(exec_tool("token", "value"), doc::Object{}));
  REQUIRE(program);
  CHECK(program->description.find("secret_env")->as_array()[0].text("from") ==
        "credential:token value");
}

}  // namespace keyturn::connectors
