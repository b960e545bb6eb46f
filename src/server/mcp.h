// MCP servers behind this one: their backends and the front that clients speak to.
#pragma once

#include <memory>
#include <string>

#include "base/secret.h"
#include "connectors/mcp/attached.h"
#include "connectors/mcp/built_in.h"
#include "connectors/mcp/front.h"
#include "connectors/mcp/upstreams.h"

namespace keyturn::server {

class Mcp {
 public:
  Mcp(connectors::mcp::UpstreamPorts ports, connectors::mcp::Calls& calls, Secret key,
      std::string public_url);
  connectors::mcp::Front& front() { return front_; }
  connectors::mcp::Upstreams& upstreams() { return upstreams_; }
  connectors::mcp::Attachments& attachments() { return attachments_; }

 private:
  connectors::mcp::Attachments attachments_;  // servers that run beside their agents
  connectors::mcp::Upstreams upstreams_;
  std::shared_ptr<connectors::mcp::BuiltInBackend> built_in_;  // the server `keyturn`
  connectors::mcp::Front front_;
};

}  // namespace keyturn::server
