// /mcp/{upstream}: what an MCP client says, gated, and sent on.
#pragma once

#include <map>
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
  // Takes the credentials that Keyturn gave a server out of what the server says; may be empty.
  std::function<void(const std::string& upstream, std::string& text)> redact;
  Secret key;              // authenticates session ids and requestState
  std::string public_url;  // of review pages
};

class Front {
 public:
  explicit Front(FrontPorts ports);
  ~Front();
  // One HTTP request of an authenticated agent (or person) to /mcp/{upstream}. Answers what MCP's
  // Streamable HTTP says, with JSON-RPC errors in their place.
  Task<net::HttpResponse> handle(net::HttpRequest request, net::RequestContext& context,
                                 Principal who, std::string upstream);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace keyturn::connectors::mcp
