// For tests of what a real PostgreSQL says of statements before they run.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "connectors/sql/postgres_fixture.h"
#include "connectors/sql/sql_executor.h"
#include "doc/json.h"
#include "postgres/connection.h"

namespace keyturn::connectors::sql::looking {

inline catalog::Tool looked_at(bool rows = false, std::string statement = "{{sql}}") {
  catalog::Tool tool;
  tool.name = "db";
  tool.kind = catalog::ToolKind::kSql;
  tool.dsn = testing::postgres().dsn();
  tool.password = catalog::SecretRef{
      .reference = {secrets::Source::kFile, testing::postgres().password_file(), {}}};
  tool.statement = std::move(statement);
  tool.timeout = std::chrono::seconds(20);
  tool.preview = catalog::Preview{.counts = true};
  if (rows) tool.preview->state = {"rows"};
  return tool;
}

inline void sql(const std::string& text) {
  auto connection =
      postgres::Connection::open(testing::postgres().dsn(), Secret(testing::Postgres::password()),
                                 std::chrono::steady_clock::now() + std::chrono::seconds(10));
  REQUIRE(connection);
  const auto problem =
      connection->command(text, std::chrono::steady_clock::now() + std::chrono::seconds(10));
  REQUIRE_MESSAGE(!problem, problem.value_or(""));
}

struct Rig {
  Rig() {
    spool = std::move(*Spool::open(folder.path() + "/sql", clock.now()));
    executor = std::make_unique<SqlExecutor>(*spool, pool, clock);
  }
  Result<gate::Previewed> look(const catalog::Tool& tool, const doc::Value& args) {
    return testing::await(loop, executor->preview(tool, args));
  }
  gate::Previewed at(const std::string& text, bool rows = false) {
    auto seen = look(looked_at(rows), doc::object({{"sql", text}}));
    REQUIRE_MESSAGE(seen, seen.error().message);
    return *seen;
  }

  // As people agreed to it on a state.
  Result<Outcome> run(const catalog::Tool& tool, const std::string& text,
                      const std::string& state) {
    const doc::Value args = doc::object({{"sql", text}});
    const auto described = testing::await(loop, executor->describe(tool, args));
    REQUIRE(described);
    gate::Order order{ActionId("act_" + std::to_string(++runs)), &tool, args,
                      described->description};
    order.state = state;
    return testing::await(loop, executor->execute(std::move(order)));
  }

  testing::TempFolder folder;
  int runs = 0;
  SystemClock clock;
  net::Loop loop;
  net::BlockingPool pool{loop, "sql", 2};
  std::unique_ptr<Spool> spool;
  std::unique_ptr<SqlExecutor> executor;
};

inline doc::Value statement(const gate::Previewed& seen, std::size_t n = 0) {
  const doc::Value* all = seen.shown.find("statements");
  REQUIRE(all != nullptr);
  REQUIRE(all->as_array().size() > n);
  return all->as_array()[n];
}

inline std::string json(const doc::Value& value) {
  return doc::write_json(value);
}

}  // namespace keyturn::connectors::sql::looking
