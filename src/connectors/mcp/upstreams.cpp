#include "connectors/mcp/upstreams.h"

#include "base/task_impl.h"
#include "connectors/mcp/attached.h"
#include "connectors/mcp/child.h"
#include "connectors/mcp/http_backend.h"
#include "connectors/mcp/pipe_backend.h"

namespace keyturn::connectors::mcp {
Upstreams::Upstreams(UpstreamPorts ports)
    : ports_(std::move(ports)), client_(std::make_shared<net::ExchangeClient>(ports_.loop)) {}
Upstreams::~Upstreams() = default;

std::shared_ptr<Backend> Upstreams::backend(const std::string& name) {
  const auto& tools = ports_.gate.world().configuration->tools;
  const std::shared_ptr<const catalog::Upstream> upstream = tools ? tools->upstream(name) : nullptr;
  if (!upstream) {
    made_.erase(name);
    return nullptr;
  }
  Made& made = made_[name];
  if (!made.backend || made.digest != upstream->digest) made = {upstream->digest, make(upstream)};
  return made.backend;
}

std::shared_ptr<Backend> Upstreams::of_children(
    const std::shared_ptr<const catalog::Upstream>& upstream) {
  const auto known = std::make_shared<KnownSecrets>();
  return std::make_shared<PipeBackend>(
      PipePorts{ports_.loop, ports_.random,
                [children = ports_.children, upstream, known](const Forward&) {
                  return children->open(upstream, known);
                },
                [known] { return known->redactor(); }});
}

std::shared_ptr<Backend> Upstreams::make(const std::shared_ptr<const catalog::Upstream>& upstream) {
  switch (upstream->kind) {
    case catalog::Upstream::Kind::kHttp:
      return std::make_shared<HttpBackend>(ports_.loop, ports_.pool, client_, upstream);
    case catalog::Upstream::Kind::kCommand:
      return ports_.children == nullptr ? nullptr : of_children(upstream);
    case catalog::Upstream::Kind::kAttached:
      break;
  }
  if (ports_.attachments == nullptr) return nullptr;
  const auto pipes = std::make_shared<PipeBackend>(PipePorts{
      ports_.loop, ports_.random, attached_pipes(*ports_.attachments, upstream->name), {}});
  return std::make_shared<AttachedBackend>(*ports_.attachments, upstream->name, pipes);
}

}  // namespace keyturn::connectors::mcp
