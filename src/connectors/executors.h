// Everything that can execute, behind the gate's one port: dispatches by the kind of the tool.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "connectors/exec/link.h"
#include "connectors/lending.h"
#include "gate/executor.h"
#include "net/loop.h"

namespace keyturn::connectors {

namespace mcp {
class Children;
class McpExecutor;
}  // namespace mcp

struct ExecutorOptions {
  exec::HelperStart helper;               // helper.data_folder is where the spools are, too
  unsigned sql_threads = 8;               // statements that run at a time
  unsigned file_threads = 2;              // for digests and secrets
  unsigned credential_threads = 4;        // for who issues credentials
  std::shared_ptr<mcp::McpExecutor> mcp;  // null: tools of MCP servers are refused
  // The credentials.yaml in force; empty: no credentials are issued.
  std::function<std::shared_ptr<const credentials::Document>()> credentials;
  std::function<std::set<std::string>()> executing;  // these two: credentials::IssuerPorts
  std::string deployment;
  Random* random = nullptr;
  std::function<void(std::string_view line)> log;
};

class Executors : public gate::Executor {
 public:
  // Runs MCP servers by the same helper. Valid as long as this.
  virtual mcp::Children& children() = 0;
  // Before the loop stops: what statements and requests were lent is given back, by themselves or
  // after `within`. What programs have stays: they go on.
  virtual Task<void> stop(Duration within) = 0;
};

// In main, in this order:
//   1. if argv[1] is "exec-helper": return exec::exec_helper_main(argc, argv)
//   (connectors/exec/helper.h)
//   2. once DATA exists: connection = exec::start_helper(options.helper)              (before
//   memory grows)
//   3. make_executor(loop, clock, options, std::move(*connection))
// Refuses spool_busy (another server runs on this folder) and spool_failed. I/O thread; must go
// before the loop.
Result<std::unique_ptr<Executors>> make_executor(net::Loop& loop, const Clock& clock,
                                                 ExecutorOptions options,
                                                 exec::HelperConnection connection);

// Whether libpq can read a conninfo string, and it holds no password. Codes: invalid_dsn,
// literal_secret. Connects to nothing.
[[nodiscard]] Result<void> check_dsn(const std::string& dsn);

}  // namespace keyturn::connectors
