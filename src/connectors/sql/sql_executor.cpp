#include "connectors/sql/sql_executor.h"

#include <algorithm>
#include <array>

#include "base/task_impl.h"
#include "connectors/exec/plan.h"
#include "connectors/sql/guard.h"
#include "connectors/sql/look.h"
#include "connectors/sql/run.h"
#include "facts/touch.h"
#include "postgres/connection.h"
#include "secrets/reference.h"

namespace keyturn::connectors::sql {
namespace {

// All of a tool and its arguments that an execution needs, so that a pool's thread owns it.
struct Request {
  std::string dsn, sql;
  std::vector<std::optional<std::string>> values;
  std::vector<std::optional<std::string>> shown_values;
  std::optional<catalog::SecretRef> password;
  std::string credential;  // that it runs with, by name; then these are of the one issued:
  std::string issued_user;
  Secret issued_password;
  std::vector<std::string> harmless_functions;
  std::vector<exec::SecretVariable> hidden;
  std::int64_t rows_max = 0, output_bytes_max = 0;
  Duration timeout{};
  std::string state;        // that people agreed to; "" any
  bool state_rows = false;  // it says which rows
};

Request request_of(const catalog::Tool& tool, const doc::Value& args) {
  const doc::Value masked = exec::mask_secrets(tool, args);
  return {.dsn = tool.dsn,
          .sql = catalog::render_sql(tool, args),
          .values = catalog::sql_parameters(tool, args),
          .shown_values = catalog::sql_parameters(tool, masked),
          .password = tool.password,
          .credential = tool.credential,
          .harmless_functions = tool.harmless_functions,
          .hidden = exec::secret_parameters(tool, args),
          .rows_max = tool.rows_max,
          .output_bytes_max = tool.output_bytes_max,
          .timeout = tool.timeout};
}

bool is_transaction_control(std::string_view verb) {
  constexpr std::array<std::string_view, 12> verbs{"TRANSACTION",
                                                   "BEGIN",
                                                   "START",
                                                   "COMMIT",
                                                   "END",
                                                   "ROLLBACK",
                                                   "ABORT",
                                                   "SAVEPOINT",
                                                   "RELEASE",
                                                   "START TRANSACTION",
                                                   "PREPARE TRANSACTION",
                                                   "ROLLBACK TO"};
  return std::ranges::find(verbs, verb) != verbs.end();
}

Result<void> check_statements(const Facts& facts) {
  const doc::Value* statements = facts.tree.find_path({"sql", "statements"});
  if (statements == nullptr || !statements->is_array()) return {};
  for (const doc::Value& statement : statements->as_array()) {
    if (!is_transaction_control(statement.text("verb"))) continue;
    return refuse("unsupported_sql",
                  "BEGIN, COMMIT, ROLLBACK and their like are not allowed: Keyturn runs all "
                  "statements in one "
                  "transaction of its own; leave them out");
  }
  return {};
}

doc::Value parameters_value(const std::vector<std::optional<std::string>>& values) {
  doc::Value out{doc::Array{}};
  for (const auto& value : values) out.push(value ? doc::Value(*value) : doc::Value());
  return out;
}

Result<gate::Described> describe_request(const Request& request, facts::SqlCache& classified) {
  const auto server = postgres::server_text(request.dsn);
  if (!server) return std::unexpected(server.error());
  gate::Described described;
  described.facts = *classified.classify(request.sql, request.harmless_functions);
  if (auto checked = check_statements(described.facts); !checked)
    return std::unexpected(checked.error());
  described.description = doc::object(
      {{"kind", "sql"},
       {"server", *server},
       {"statements", request.sql},
       {"parameters", parameters_value(request.shown_values)},
       {"transaction", described.facts.operation == "read" ? "read only" : "read write"},
       {"rows_max", request.rows_max},
       {"output_bytes_max", request.output_bytes_max},
       {"timeout", to_text(request.timeout)}});
  if (!request.credential.empty()) described.description.set("credential", request.credential);
  return described;
}

// A list of statements that the classifier's parser understood may go as a list. Anything else must
// be what the server itself takes for one statement, so that nothing is smuggled past.
bool is_parsed_list(const Facts& facts) {
  return facts.tree.find_path({"sql", "count"}) != nullptr &&
         facts.tree.find("sql")->integer("count") > 1;
}

Result<SqlOrder> order_of(const Request& request, const gate::Described& described) {
  SqlOrder order{.dsn = request.dsn,
                 .sql = request.sql,
                 .values = request.values,
                 .one_statement = !is_parsed_list(described.facts),
                 .read_only = described.facts.operation == "read",
                 .rows_max = request.rows_max,
                 .output_bytes_max = request.output_bytes_max,
                 .timeout = request.timeout};
  for (const exec::SecretVariable& secret : request.hidden)
    order.redactor.add(secret.name, secret.value);
  if (!request.credential.empty()) {
    order.user = request.issued_user;
    order.password = request.issued_password;
    order.redactor.add("password", order.password);
  }
  if (!request.password) return order;
  auto password = secrets::resolve(request.password->reference);
  if (!password) return refuse("no_secret", "the database password: " + password.error().message);
  order.password = std::move(*password);
  order.redactor.add("password", order.password);
  return order;
}

// Only what is understood whole is looked at: plans of functions that nobody knows can write.
Result<gate::Previewed> preview_request(const Request& request, bool rows,
                                        facts::SqlCache& classified) {
  const auto described = describe_request(request, classified);
  if (!described) return std::unexpected(described.error());
  gate::Previewed none;
  const auto not_looked_at = [&](std::string why) {
    none.shown = doc::object({{"kind", "sql"}, {"unavailable", std::move(why)}});
    return none;
  };
  if (described->facts.uninspectable || described->facts.operation == "execute")
    return not_looked_at(
        "what the statement would do cannot be told from its text, so that nothing was asked");
  const auto touches = facts::touches_of(request.sql, rows, request.harmless_functions);
  if (!touches) return not_looked_at(touches.error().message);
  auto order = order_of(request, *described);
  if (!order) return std::unexpected(order.error());
  return look_at(*order, *touches, rows);
}

// What is kept in case the server stops: how it ended, not the data.
Outcome without_rows(Outcome outcome) {
  outcome.truncated = outcome.truncated || outcome.rows.has_value();
  outcome.rows.reset();
  return outcome;
}

// What people agreed to on a state is run on that state, or not at all.
Result<void> bind_state(SqlOrder& order, const Request& request) {
  if (request.state.empty()) return {};
  auto touches = facts::touches_of(request.sql, request.state_rows, request.harmless_functions);
  if (!touches) return std::unexpected(touches.error());
  order.guard = std::make_shared<Guard>(std::move(*touches), request.state, request.state_rows);
  return {};
}

Result<Outcome> run_request(const Request& request, const doc::Value& reviewed,
                            const ActionId& action, Spool& spool, const Clock& clock,
                            facts::SqlCache& classified) {
  const auto described = describe_request(request, classified);
  if (!described) return refuse("drift", described.error().message);
  if (!(described->description == reviewed)) {
    return refuse(
        "drift",
        "the statements, the server or their limits are not what was reviewed; ask for it anew");
  }
  auto order = order_of(request, *described);
  if (!order) return std::unexpected(order.error());
  if (auto bound = bind_state(*order, request); !bound) return std::unexpected(bound.error());
  bool begun = false;
  order->before_change = [&]() -> Result<void> {
    auto noted = spool.begin(action, clock.now());
    begun = noted.has_value();
    return noted;
  };
  auto outcome = run_sql(*order);
  if (begun && outcome && outcome->kind != OutcomeKind::kUnknown) {
    // Without this record a crash would leave it unknown: true, if less.
    std::ignore = spool.finish(action, without_rows(*outcome), clock.now());
  }
  return outcome;
}

}  // namespace

Task<Result<gate::Described>> SqlExecutor::describe(const catalog::Tool& tool, doc::Value args) {
  co_return co_await net::run_blocking(
      pool_, [request = request_of(tool, args), &classified = classified_] {
        return describe_request(request, classified);
      });
}

Task<Result<gate::Previewed>> SqlExecutor::preview(const catalog::Tool& tool, doc::Value args) {
  if (!tool.preview || !tool.preview->counts) co_return gate::Previewed{};
  const bool rows = !tool.preview->state.empty();
  co_return co_await net::run_blocking(
      looks_, [request = request_of(tool, args), rows, &classified = classified_] {
        return preview_request(request, rows, classified);
      });
}

Task<Result<Outcome>> SqlExecutor::run(const gate::Order& order, const Lent& lent) {
  Request request = request_of(*order.tool, order.args);
  if (order.tool->preview) {
    request.state = order.state;
    request.state_rows = !order.tool->preview->state.empty();
  }
  if (!request.credential.empty()) {
    const credentials::Issued& issued = lent.at(request.credential);
    const Secret* password = issued.field("password");
    if (password == nullptr)
      co_return refuse("no_secret", "credential " + request.credential + " has no password");
    for (const std::string_view field : {"user", "username"}) {
      if (const Secret* user = issued.field(field)) request.issued_user = user->reveal();
    }
    request.issued_password = *password;
  }
  co_return co_await net::run_blocking(
      pool_, [request = std::move(request), reviewed = order.description, action = order.action,
              &spool = spool_, &clock = clock_, &classified = classified_] {
        return run_request(request, reviewed, action, spool, clock, classified);
      });
}

Task<Result<Outcome>> SqlExecutor::execute(gate::Order order) {
  if (order.tool->credential.empty()) co_return co_await run(order, {});
  auto lent = co_await lend(lender_, order);
  if (!lent) co_return std::unexpected(lent.error());
  Result<Outcome> outcome = co_await run(order, *lent);
  co_await give_back(lender_, std::move(*lent), order);
  co_return outcome;
}

Task<Outcome> SqlExecutor::recover(ActionId action) {
  const auto entry = co_await net::run_blocking(pool_, [&spool = spool_, &clock = clock_, action] {
    return spool.settle(action, clock.now());
  });
  Outcome outcome{.kind = OutcomeKind::kUnknown,
                  .reason = "the server stopped while it ran; look at what it works on to know"};
  if (!entry) {
    outcome.reason = "whether it ran cannot be told: " + entry.error().message;
  } else if (entry->outcome) {
    outcome = *entry->outcome;
  } else if (entry->state == Spool::State::kFenced) {
    outcome.kind = OutcomeKind::kFailed;
    outcome.reason = "the server stopped; nothing was changed";
    outcome.interrupted = true;
  }
  co_return outcome;
}

Task<Result<void>> SqlExecutor::forget_output(std::set<ActionId> actions) {
  co_return co_await net::run_blocking(pool_, [&spool = spool_, actions = std::move(actions)] {
    return spool.forget_output(actions);
  });
}

}  // namespace keyturn::connectors::sql
