// /mcp/{upstream}: what an MCP client says, gated, and sent on.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/secret.h"
#include "base/time.h"
#include "connectors/mcp/backend.h"
#include "gate/gate.h"
#include "model/principal.h"
#include "net/http.h"
#include "net/server.h"

namespace keyturn::connectors::mcp {

class Calls;

struct FrontPorts {
  gate::Gate& gate;
  net::Loop& loop;
  Calls& calls;  // the executor's: where a released call meets the client that waits for it
  // The server of that name, or null. Valid while the front is.
  std::function<std::shared_ptr<Backend>(const std::string& upstream)> backend;
  Secret key;              // authenticates session ids and requestState
  std::string public_url;  // of review pages
  // How often a client that is held hears something.
  Duration heartbeat = std::chrono::seconds(10);
};

class Front {
 public:
  explicit Front(FrontPorts ports);
  ~Front();
  // One HTTP request of an authenticated agent (or person) to /mcp/{upstream}. Answers what MCP's
  // Streamable HTTP says, with JSON-RPC errors in their place.
  // `still_valid`: whether the caller's credential holds, for what comes after a wait.
  Task<net::HttpResponse> handle(net::HttpRequest request, net::RequestContext& context,
                                 Principal who, std::string upstream,
                                 std::function<bool()> still_valid);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace keyturn::connectors::mcp
