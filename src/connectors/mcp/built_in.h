// The MCP server `keyturn`: the tools of tools.yaml, and asking for an action, waiting for it and
// looking at it. Of both eras, without a connection of its own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/random.h"
#include "connectors/mcp/backend.h"
#include "gate/gate.h"
#include "net/loop.h"

namespace keyturn::connectors::mcp {

struct BuiltInPorts {
  gate::Gate& gate;
  net::Loop& loop;
  Random& random;
  std::string public_url;  // of review pages
};

struct BuiltInLimits {
  Duration leg = std::chrono::seconds(50);        // of one call that waits
  Duration heartbeat = std::chrono::seconds(10);  // of its stream
};

// tools/call is answered for names that begin with "keyturn_"; the others are the front's to gate.
// Whoever asks again with keyturn_request in the same words attaches to the open action that nobody
// waits for; nobody is asked twice.
class BuiltInBackend final : public Backend {
 public:
  explicit BuiltInBackend(BuiltInPorts ports, BuiltInLimits limits = {});
  ~BuiltInBackend() override;
  Task<Result<std::shared_ptr<Answer>>> send(Forward forward) override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace keyturn::connectors::mcp
