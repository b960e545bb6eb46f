#include "connectors/mcp/built_in_wait.h"

#include <algorithm>
#include <utility>

#include "base/task_impl.h"
#include "doc/json.h"
#include "mcp/sse.h"

namespace keyturn::connectors::mcp {

bool is_settled_for(const gate::ActionRecord& record) {
  if (!is_settled(record.state) || record.held_at) return false;
  // What Keyturn itself executes goes on at once, unless its requester has to come for it.
  return record.state != State::kApproved || record.attended || record.mode == "grant";
}

ActionAnswer::ActionAnswer(gate::Gate& gate, net::Loop& loop, Wanted wanted)
    : gate_(gate),
      loop_(loop),
      wanted_(std::move(wanted)),
      changed_(std::make_shared<net::Waiter>(loop_)),
      watch_(gate.watch(wanted_.action, [changed = changed_] { changed->fire(); })),
      deadline_(std::chrono::steady_clock::now() + wanted_.most) {
  is_stream = wanted_.streams;
  headers.set("Content-Type", is_stream ? "text/event-stream" : "application/json");
  headers.set("Cache-Control", "no-cache, no-transform");
}

ActionAnswer::~ActionAnswer() {
  if (wanted_.left) wanted_.left();
}

Piece ActionAnswer::piece_of(doc::Value message) const {
  auto read = rpc::read(std::move(message));
  Piece piece{.raw = {}, .message = *std::move(read), .event_id = {}};
  piece.raw = doc::write_json(piece.message->value);
  if (is_stream) piece.raw = rpc::sse_event(piece.raw);
  return piece;
}

Task<Result<std::optional<Piece>>> ActionAnswer::next() {
  while (!is_over_) {
    const gate::RecordPtr record = co_await gate_.find(wanted_.who, wanted_.action);
    if (is_over_) break;
    const auto left =
        std::chrono::duration_cast<Duration>(deadline_ - std::chrono::steady_clock::now());
    if (!record || is_settled_for(*record) || left <= Duration::zero()) {
      is_over_ = true;
      if (const auto leave = std::exchange(wanted_.left, nullptr)) leave();
      co_return std::optional(piece_of(wanted_.answer(record)));
    }
    const net::Woken woken = co_await changed_->wait(std::min(left, wanted_.heartbeat));
    changed_->reset();
    if (woken == net::Woken::kFired || !is_stream || is_over_) continue;
    if (wanted_.token.is_null()) co_return std::optional(Piece{.raw = ": waiting\n\n"});
    doc::Value said = doc::object({{"progressToken", wanted_.token}, {"progress", ++beats_}});
    said.set("message", "It is " + std::string(to_text(record->state)) + ".");
    co_return std::optional(piece_of(rpc::notification("notifications/progress", std::move(said))));
  }
  co_return std::optional<Piece>();
}

void ActionAnswer::cut() {
  is_over_ = true;
  if (const auto left = std::exchange(wanted_.left, nullptr)) left();
  changed_->fire();
}

}  // namespace keyturn::connectors::mcp
