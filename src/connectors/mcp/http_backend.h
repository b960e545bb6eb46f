// The way to an MCP server that speaks Streamable HTTP itself (`url:` in tools.yaml). What both
// sides say is relayed as it is, so that nothing about the protocol is noticed; credentials are
// Keyturn's alone, either way.
#pragma once

#include <memory>

#include "catalog/upstream.h"
#include "connectors/mcp/backend.h"
#include "connectors/mcp/credential_headers.h"
#include "net/blocking.h"
#include "net/exchange.h"
#include "net/loop.h"

namespace keyturn::connectors::mcp {

inline constexpr std::size_t kAnswerBytesMax = 16 << 20;  // of a JSON body, and of each event

class HttpBackend final : public Backend {
 public:
  // `client` may serve many; loop and pool outlive the backend. `pool` reads secrets.
  HttpBackend(net::Loop& loop, net::BlockingPool& pool, std::shared_ptr<net::ExchangeClient> client,
              std::shared_ptr<const catalog::Upstream> upstream, ReadSecrets when = {});

  // The server's 401 and 403 are `unavailable`: they are about Keyturn's credentials, and the agent
  // must not be led to the server's own authorization. Redirects are `unavailable`, too. An answer
  // that is neither JSON nor an event stream has no body here, or a JSON-RPC error in its place.
  // What is JSON-RPC for a client and cannot be read here is never relayed: next() refuses with
  // transfer_failed.
  Task<Result<std::shared_ptr<Answer>>> send(Forward forward) override;
  const secrets::Redactor* redactor() const override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace keyturn::connectors::mcp
