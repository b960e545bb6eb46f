// An answer that comes when an action is settled, or the time is over. Private to the built-in
// server.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "connectors/mcp/backend.h"
#include "gate/gate.h"
#include "net/loop.h"

namespace keyturn::connectors::mcp {

// Nothing more happens to it before its requester does something.
bool is_settled_for(const gate::ActionRecord& record);

class ActionAnswer final : public Answer {
 public:
  struct Wanted {
    Principal who;
    ActionId action;
    Duration most{}, heartbeat{};
    doc::Value token;  // of progress; null: none
    // The JSON-RPC response. Null record: there is none for who asks.
    std::function<doc::Value(const gate::RecordPtr&)> answer;
    std::function<void()> left;  // nobody waits any more; called once
    bool streams = true;         // else one JSON body
  };
  ActionAnswer(gate::Gate& gate, net::Loop& loop, Wanted wanted);
  ~ActionAnswer() override;
  Task<Result<std::optional<Piece>>> next() override;
  void cut() override;  // ends it without a response
  const Wanted& wanted() const { return wanted_; }

 private:
  Piece piece_of(doc::Value message) const;

  gate::Gate& gate_;
  net::Loop& loop_;
  Wanted wanted_;
  std::shared_ptr<net::Waiter> changed_;
  gate::Watch watch_;
  std::chrono::steady_clock::time_point deadline_;
  std::int64_t beats_ = 0;
  bool is_over_ = false;
};

}  // namespace keyturn::connectors::mcp
