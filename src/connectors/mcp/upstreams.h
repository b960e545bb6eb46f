// The MCP servers that tools.yaml names, each behind its backend, as configuration comes and goes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "connectors/mcp/backend.h"
#include "gate/gate.h"
#include "net/blocking.h"
#include "net/exchange.h"
#include "net/loop.h"

namespace keyturn::connectors::mcp {

class Attachments;
class Children;

struct UpstreamPorts {
  gate::Gate& gate;
  net::Loop& loop;
  Random& random;
  net::BlockingPool& pool;             // reads secrets
  Children* children = nullptr;        // null: no server runs here (upstreams with command)
  Attachments* attachments = nullptr;  // null: nor beside an agent
};

class Upstreams {
 public:
  explicit Upstreams(UpstreamPorts ports);
  ~Upstreams();  // ends every server that runs here
  // Null: there is none of that name. One whose definition in tools.yaml has changed is made anew;
  // sessions with the old one end when their requests do.
  std::shared_ptr<Backend> backend(const std::string& name);

 private:
  std::shared_ptr<Backend> of_children(const std::shared_ptr<const catalog::Upstream>& upstream);
  std::shared_ptr<Backend> make(const std::shared_ptr<const catalog::Upstream>& upstream);

  struct Made {
    std::string digest;
    std::shared_ptr<Backend> backend;
  };
  UpstreamPorts ports_;
  std::shared_ptr<net::ExchangeClient> client_;
  std::map<std::string, Made> made_;
};

}  // namespace keyturn::connectors::mcp
