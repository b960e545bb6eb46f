#include "connectors/mcp/flow.h"

#include <algorithm>

#include "base/task_impl.h"

namespace keyturn::connectors::mcp {
namespace {

constexpr std::size_t kBytesMax = 32 << 20;  // that nobody has taken yet

}  // namespace

void Flow::begin(Head head) {
  head_ = std::move(head);
  moved_.fire();
}

Result<void> Flow::put(Piece piece) {
  if (bytes_ + piece.raw.size() > kBytesMax)
    return refuse("too_large", "the client does not take what the server answers");
  bytes_ += piece.raw.size();
  pieces_.push_back(std::move(piece));
  moved_.fire();
  return {};
}

void Flow::end() {
  ended_ = true;
  moved_.fire();
}

void Flow::fail(Refusal why) {
  failed_ = std::move(why);
  end();
}

bool Flow::says_something() const {
  return std::ranges::any_of(pieces_, [](const Piece& piece) { return piece.message.has_value(); });
}

std::optional<Piece> Flow::take() {
  if (pieces_.empty()) return std::nullopt;
  Piece piece = std::move(pieces_.front());
  pieces_.pop_front();
  bytes_ -= piece.raw.size();
  return piece;
}

Task<net::Woken> Flow::wait(net::RequestContext& client, Duration most) {
  const net::Woken woken = co_await client.park(moved_, most);
  moved_.reset();
  co_return woken;
}

}  // namespace keyturn::connectors::mcp
