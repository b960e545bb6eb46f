// What a Streamable HTTP server answers, as an Answer. Internal to connectors/mcp.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "connectors/mcp/backend.h"
#include "mcp/sse.h"
#include "net/exchange.h"

namespace keyturn::connectors::mcp {

class HttpAnswer final : public Answer {
 public:
  // `about` names the server in refusals. `asked`: what a JSON-RPC error answers, where the server
  // says something else than MCP; null where nobody waits for an answer.
  HttpAnswer(std::shared_ptr<net::Exchange> exchange, std::string about, doc::Value asked);

  Task<Result<std::optional<Piece>>> next() override;
  void cut() override { exchange_->cut(); }

 private:
  Task<Result<std::optional<Piece>>> next_event();
  Task<Result<std::optional<Piece>>> whole();
  Piece instead() const;

  std::shared_ptr<net::Exchange> exchange_;
  std::string about_;
  std::string content_type_;  // as the server writes it, so that a credential in it is known again
  doc::Value asked_;
  bool is_json_ = false, is_over_ = false;
  rpc::SseSplitter splitter_;
  std::deque<rpc::SsePiece> events_;
};

}  // namespace keyturn::connectors::mcp
