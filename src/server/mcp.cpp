#include "server/mcp.h"

#include "base/task_impl.h"
#include "connectors/mcp/calls.h"
#include "crypto/crypto.h"

namespace keyturn::server {
namespace {

// A key of its own: what it authenticates is given to clients.
Secret mcp_key(const Secret& key) {
  const Digest derived = crypto::hmac_sha256(key.reveal(), "mcp/front");
  return Secret(std::string(view(derived)));
}

connectors::mcp::UpstreamPorts with(connectors::mcp::UpstreamPorts ports,
                                    connectors::mcp::Attachments& attachments) {
  ports.attachments = &attachments;
  return ports;
}

}  // namespace

Mcp::Mcp(connectors::mcp::UpstreamPorts ports, connectors::mcp::Calls& calls, Secret key,
         std::string public_url)
    : attachments_({ports.loop, ports.random,
                    [&gate = ports.gate](const std::string& name) {
                      const auto& tools = gate.world().configuration->tools;
                      return tools ? tools->upstream(name) : nullptr;
                    }}),
      upstreams_(with(ports, attachments_)),
      built_in_(std::make_shared<connectors::mcp::BuiltInBackend>(
          connectors::mcp::BuiltInPorts{ports.gate, ports.loop, ports.random, public_url})),
      front_({ports.gate, ports.loop, calls,
              [this](const std::string& name) -> std::shared_ptr<connectors::mcp::Backend> {
                if (name == "keyturn") return built_in_;
                return upstreams_.backend(name);
              },
              mcp_key(key), std::move(public_url)}) {}

}  // namespace keyturn::server
