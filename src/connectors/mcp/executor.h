// The gate's executor for the tools of MCP servers.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "connectors/mcp/backend.h"
#include "connectors/mcp/calls.h"
#include "gate/executor.h"
#include "net/loop.h"

namespace keyturn::connectors::mcp {

using FindBackend = std::function<std::shared_ptr<Backend>(const std::string& upstream)>;

class McpExecutor {
 public:
  McpExecutor(net::Loop& loop, Calls& calls) : loop_(loop), calls_(calls) {}
  void set_backends(FindBackend backend) { backend_ = std::move(backend); }

  // Whose tool it is, the definition that is pinned, and how its server is reached; no credentials.
  static gate::Described describe(const catalog::Tool& tool, const doc::Value& args);
  // An attended call goes by the client's own session; any other by one that Keyturn opens for it.
  // Codes: nobody_waits, unavailable, and those of Backend::send.
  Task<Result<Outcome>> execute(gate::Order order);

 private:
  net::Loop& loop_;
  Calls& calls_;
  FindBackend backend_;
};

}  // namespace keyturn::connectors::mcp
