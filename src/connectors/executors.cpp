#include "connectors/executors.h"

#include <sys/stat.h>

#include <cerrno>

#include "base/task_impl.h"
#include "connectors/exec/exec_executor.h"
#include "connectors/http/http_executor.h"
#include "connectors/mcp/child.h"
#include "connectors/mcp/executor.h"
#include "connectors/spool.h"
#include "connectors/sql/sql_executor.h"
#include "postgres/connection.h"

namespace keyturn::connectors {
namespace {

constexpr unsigned kLookThreads = 8;  // one for each look that the gate has under way at a time
constexpr unsigned kLookSecretThreads = 8;                // and fetch secrets, or credentials
constexpr Duration kSpoolWait = std::chrono::seconds(5);  // for a server that is just ending

std::unique_ptr<credentials::Issuer> issuer_of(net::Loop& loop, net::BlockingPool& pool,
                                               net::BlockingPool& looks, const Clock& clock,
                                               const ExecutorOptions& options) {
  if (!options.credentials || options.random == nullptr) return nullptr;
  return std::make_unique<credentials::Issuer>(
      credentials::IssuerPorts{.loop = loop,
                               .pool = pool,
                               .looks = &looks,
                               .clock = clock,
                               .random = *options.random,
                               .document = options.credentials,
                               .executing = options.executing,
                               .deployment = options.deployment,
                               .log = options.log});
}

Lender lender_of(credentials::Issuer* issuer, const Clock& clock, const ExecutorOptions& options) {
  return {.issuer = issuer, .clock = &clock, .log = options.log};
}

class AllExecutors final : public Executors {
 public:
  AllExecutors(net::Loop& loop, const Clock& clock, ExecutorOptions options,
               exec::HelperConnection connection, std::unique_ptr<Spool> spool)
      : spool_(std::move(spool)),
        file_pool_(loop, "exec-files", options.file_threads),
        sql_pool_(loop, "sql", options.sql_threads),
        look_pool_(loop, "sql-looks", kLookThreads),
        credential_pool_(loop, "credentials", options.credential_threads),
        look_secret_pool_(loop, "look-secrets", kLookSecretThreads),
        look_credential_pool_(loop, "look-creds", kLookSecretThreads),
        link_(loop, file_pool_, options.helper, std::move(connection)),
        issuer_(issuer_of(loop, credential_pool_, look_credential_pool_, clock, options)),
        exec_(link_, file_pool_, lender_of(issuer_.get(), clock, options)),
        sql_(*spool_, sql_pool_, clock, lender_of(issuer_.get(), clock, options), &look_pool_),
        http_(loop, *spool_, file_pool_, look_secret_pool_, clock,
              lender_of(issuer_.get(), clock, options)),
        mcp_(std::move(options.mcp)),
        children_(loop, file_pool_, link_) {
    if (issuer_) issuer_->start();
  }

  mcp::Children& children() override { return children_; }

  Task<void> stop(Duration within) override {
    if (issuer_) co_await issuer_->close(within);
  }

  Task<Result<gate::Described>> describe(const catalog::Tool& tool, doc::Value args) override {
    switch (tool.kind) {
      case catalog::ToolKind::kExec:
        co_return co_await exec_.describe(tool, std::move(args));
      case catalog::ToolKind::kSql:
        co_return co_await sql_.describe(tool, std::move(args));
      case catalog::ToolKind::kMcp:
        co_return mcp::McpExecutor::describe(tool, args);
      case catalog::ToolKind::kHttp:
        co_return http::HttpExecutor::describe(tool, args);
      case catalog::ToolKind::kRunbook:
      case catalog::ToolKind::kGrantOnly:
        break;
    }
    co_return refuse("not_executable",
                     "tool " + tool.name + " only gives grants; Keyturn does not execute it");
  }

  Task<Result<gate::Previewed>> preview(const catalog::Tool& tool, doc::Value args) override {
    switch (tool.kind) {
      case catalog::ToolKind::kExec:
        co_return co_await exec_.preview(tool, std::move(args));
      case catalog::ToolKind::kSql:
        co_return co_await sql_.preview(tool, std::move(args));
      case catalog::ToolKind::kHttp:
        co_return co_await http_.preview(tool, std::move(args));
      case catalog::ToolKind::kMcp:
      case catalog::ToolKind::kRunbook:
      case catalog::ToolKind::kGrantOnly:
        break;
    }
    co_return gate::Previewed{};
  }

  Task<Result<Outcome>> execute(gate::Order order) override {
    switch (order.tool->kind) {
      case catalog::ToolKind::kExec:
        co_return co_await exec_.execute(std::move(order));
      case catalog::ToolKind::kSql:
        co_return co_await sql_.execute(std::move(order));
      case catalog::ToolKind::kMcp:
        if (!mcp_) co_return refuse("not_serving", "no MCP servers are reached from here");
        co_return co_await mcp_->execute(std::move(order));
      case catalog::ToolKind::kHttp:
        co_return co_await http_.execute(std::move(order));
      case catalog::ToolKind::kRunbook:
      case catalog::ToolKind::kGrantOnly:
        break;
    }
    co_return refuse("not_executable", "tool " + order.tool->name +
                                           " only gives grants; Keyturn does not execute it");
  }

  // An action is of one kind, which its id does not tell: both are asked, and only a "never" from
  // both is one.
  Task<Outcome> recover(ActionId action) override {
    const exec::ExecExecutor::Recovered program = co_await exec_.ask(action);
    if (!program.never_started && program.outcome.kind != OutcomeKind::kUnknown)
      co_return program.outcome;
    Outcome statement = co_await sql_.recover(action);
    const bool told = spool_->look(action).state == Spool::State::kFinished;
    if (!program.never_started && !told) co_return program.outcome;
    co_return statement;
  }

  Task<Result<void>> forget_output(std::set<ActionId> actions) override {
    Result<void> programs = co_await exec_.forget_output(actions);
    if (!programs) co_return programs;
    Result<void> statements = co_await sql_.forget_output(std::move(actions));
    co_return statements;
  }

 private:
  std::unique_ptr<Spool> spool_;
  net::BlockingPool file_pool_, sql_pool_, look_pool_, credential_pool_;
  net::BlockingPool look_secret_pool_, look_credential_pool_;
  exec::HelperLink link_;
  std::unique_ptr<credentials::Issuer> issuer_;
  exec::ExecExecutor exec_;
  sql::SqlExecutor sql_;
  http::HttpExecutor http_;
  std::shared_ptr<mcp::McpExecutor> mcp_;
  mcp::Children children_;
};

}  // namespace

Result<void> check_dsn(const std::string& dsn) {
  const Result<std::string> shown = postgres::server_text(dsn);
  if (!shown) return std::unexpected(shown.error());
  return {};
}

Result<std::unique_ptr<Executors>> make_executor(net::Loop& loop, const Clock& clock,
                                                 ExecutorOptions options,
                                                 exec::HelperConnection connection) {
  const std::string folder = options.helper.data_folder + "/spool";
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return refuse("spool_failed", "cannot make " + folder + ": " + errno_text(errno));
  }
  auto spool = Spool::open(folder + "/sql", clock.now(), {}, kSpoolWait);
  if (!spool) return std::unexpected(spool.error());
  return std::make_unique<AllExecutors>(loop, clock, std::move(options), std::move(connection),
                                        std::move(*spool));
}

}  // namespace keyturn::connectors
