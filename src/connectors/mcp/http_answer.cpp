#include "connectors/mcp/http_answer.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/ascii.h"
#include "base/task_impl.h"
#include "connectors/mcp/http_backend.h"
#include "doc/json.h"

namespace keyturn::connectors::mcp {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = to_lower(c);
  }
  return out;
}

// What of a server's head concerns its client. Content-Type is looked at apart.
bool is_for_client(std::string_view name) {
  constexpr std::array<std::string_view, 4> kPlain{"allow", "cache-control", "retry-after",
                                                   "x-accel-buffering"};
  return name.starts_with("mcp-") || std::ranges::find(kPlain, name) != kPlain.end();
}

// "text/event-stream; charset=utf-8" -> "text/event-stream"
std::string media_type(const net::Headers& headers) {
  const std::string_view all = headers.find("content-type").value_or("");
  std::string_view type = all.substr(0, all.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return std::string(type);
}

bool is_message(const rpc::SsePiece& event) {
  return !event.data.empty() && (event.event.empty() || event.event == "message");
}

}  // namespace

HttpAnswer::HttpAnswer(std::shared_ptr<net::Exchange> exchange, std::string about, doc::Value asked)
    : exchange_(std::move(exchange)),
      about_(std::move(about)),
      content_type_(media_type(exchange_->headers())),
      asked_(std::move(asked)),
      splitter_(kAnswerBytesMax) {
  status = exchange_->status();
  is_stream = net::equal_ignoring_case(content_type_, "text/event-stream");
  is_json_ = net::equal_ignoring_case(content_type_, "application/json");
  for (const net::Header& header : exchange_->headers().all()) {
    const std::string name = lower(header.name);
    if (is_for_client(name) || (name == "content-type" && (is_stream || is_json_)))
      headers.add(header.name, header.value);
  }
  const bool says_something_else = !is_stream && !is_json_ && status >= 400;
  if (says_something_else && !asked_.is_null()) headers.set("Content-Type", "application/json");
}

Task<Result<std::optional<Piece>>> HttpAnswer::next() {
  if (is_stream) co_return co_await next_event();
  if (std::exchange(is_over_, true)) co_return std::nullopt;
  co_return co_await whole();
}

Task<Result<std::optional<Piece>>> HttpAnswer::next_event() {
  while (events_.empty()) {
    auto bytes = co_await exchange_->read();
    if (!bytes) co_return std::unexpected(bytes.error());
    if (!*bytes) co_return std::nullopt;
    std::vector<rpc::SsePiece> some;
    const bool fits = splitter_.feed(**bytes, some);
    for (rpc::SsePiece& one : some) events_.push_back(std::move(one));
    if (fits || !events_.empty()) continue;
    exchange_->cut();
    co_return refuse("too_large", about_ + " sends an event that is too large");
  }
  rpc::SsePiece event = std::move(events_.front());
  events_.pop_front();
  Piece piece{.raw = std::move(event.raw), .message = {}, .event_id = std::move(event.id)};
  if (!is_message(event)) co_return piece;
  Result<rpc::Message> message = rpc::parse(event.data, kAnswerBytesMax);
  if (!message) {
    exchange_->cut();
    co_return refuse("transfer_failed",
                     about_ + " sends an event that is no JSON-RPC: " + message.error().message);
  }
  piece.message = std::move(*message);
  co_return piece;
}

Task<Result<std::optional<Piece>>> HttpAnswer::whole() {
  Piece piece;
  while (true) {
    auto bytes = co_await exchange_->read();
    if (!bytes) co_return std::unexpected(bytes.error());
    if (!*bytes) break;
    piece.raw += **bytes;
    if (piece.raw.size() <= kAnswerBytesMax) continue;
    exchange_->cut();
    co_return refuse("too_large", about_ + " sends an answer that is too large");
  }
  if (!is_json_ && status >= 400 && !asked_.is_null()) co_return instead();
  if (!is_json_ && status < 400 && !asked_.is_null() && !piece.raw.empty())
    co_return refuse("transfer_failed", about_ + " answers with " + content_type_ +
                                            " instead of JSON or an event stream");
  if (!is_json_ || piece.raw.empty()) co_return std::nullopt;
  Result<rpc::Message> message = rpc::parse(piece.raw, kAnswerBytesMax);
  if (!message && status < 400)
    co_return refuse("transfer_failed",
                     about_ + " answers with what is no JSON-RPC: " + message.error().message);
  if (message) piece.message = std::move(*message);
  co_return piece;
}

Piece HttpAnswer::instead() const {
  const std::string what = content_type_.empty() ? "nothing" : content_type_;
  Piece piece;
  doc::Value error = rpc::error(asked_, rpc::kUnavailable,
                                about_ + " answers with HTTP status " + std::to_string(status) +
                                    " and " + what + ": is its url that of an MCP server?");
  piece.raw = doc::write_json(error);
  if (Result<rpc::Message> message = rpc::read(std::move(error)))
    piece.message = std::move(*message);
  return piece;
}

}  // namespace keyturn::connectors::mcp
