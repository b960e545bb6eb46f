// MCP servers that Keyturn runs itself (`command:` in tools.yaml): each as a program of the exec
// connector's helper, in the same sandbox, with the same limits, and with secrets in an environment
// of its own.
#pragma once

#include <memory>
#include <string>

#include "catalog/upstream.h"
#include "connectors/exec/link.h"
#include "connectors/mcp/known_secrets.h"
#include "connectors/mcp/pipe.h"
#include "net/blocking.h"
#include "net/loop.h"

namespace keyturn::connectors::mcp {

inline constexpr std::size_t kLineBytesMax = 16 << 20;

class Children {
 public:
  // Borrows loop, pool (which reads secrets) and link.
  Children(net::Loop& loop, net::BlockingPool& pool, exec::HelperLink& link)
      : loop_(loop), pool_(pool), link_(link) {}

  // A new process of the upstream's command. It ends, with everything that it started, when the
  // pipe is cut or goes, when this server ends, and when the helper does; first its standard input
  // ends, then it has a second before SIGTERM and two more before SIGKILL. `known` is told the
  // secrets that it was given. The pipe may outlive this object. Codes: unavailable (why it cannot
  // be started), no_secret.
  Task<Result<std::shared_ptr<Pipe>>> open(std::shared_ptr<const catalog::Upstream> upstream,
                                           std::shared_ptr<KnownSecrets> known);

 private:
  net::Loop& loop_;
  net::BlockingPool& pool_;
  exec::HelperLink& link_;
};

}  // namespace keyturn::connectors::mcp
