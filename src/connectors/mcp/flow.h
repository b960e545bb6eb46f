// What comes back from a server, between whoever reads it there and the client that it is for. The
// client may go, and another one may take up where it stopped.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "base/result.h"
#include "base/time.h"
#include "connectors/mcp/backend.h"
#include "net/loop.h"
#include "net/server.h"

namespace keyturn::connectors::mcp {

class Flow {
 public:
  explicit Flow(net::Loop& loop) : moved_(loop) {}

  struct Head {
    int status = 200;
    net::Headers headers;
    bool is_stream = false;
  };

  // ---- whoever brings it
  void begin(Head head);
  // Refuses (too_large) when nobody takes what is there already.
  Result<void> put(Piece piece);
  void end();
  void fail(Refusal why);  // before the head: there is none

  // ---- whoever takes it, one at a time
  const std::optional<Head>& head() const { return head_; }
  const std::optional<Refusal>& failed() const { return failed_; }
  bool says_something() const;  // a message is there, not only a comment or an event's id
  bool is_ended() const { return ended_; }  // nothing more comes
  bool is_over() const { return ended_ && pieces_.empty(); }
  std::optional<Piece> take();
  // Until something has come, the time is over (kDeadline) or the client has gone (kCancelled).
  Task<net::Woken> wait(net::RequestContext& client, Duration most);
  void poke() { moved_.fire(); }  // something else that the taker looks at has changed

 private:
  net::Waiter moved_;
  std::optional<Head> head_;
  std::deque<Piece> pieces_;
  std::size_t bytes_ = 0;
  std::optional<Refusal> failed_;
  bool ended_ = false;
};

}  // namespace keyturn::connectors::mcp
