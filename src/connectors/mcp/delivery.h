// One released call: sent to the server, its answer brought to whoever waits for it. It outlives
// the client's connection, so that an answer that nobody took is there for the same call again.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "connectors/mcp/backend.h"
#include "connectors/mcp/calls.h"
#include "connectors/mcp/flow.h"

namespace keyturn::connectors::mcp {

// What the client's message carries besides name and arguments.
struct Wanted {
  doc::Value id;       // of the client's request
  std::string method;  // "tools/call", …
  std::string name;    // of the tool; "" of other methods
  doc::Value params;   // as the client said them
  Forward forward;     // without message
};

class Delivery final : public Attendant, public std::enable_shared_from_this<Delivery> {
 public:
  Delivery(net::Loop& loop, std::shared_ptr<Backend> backend,
           std::shared_ptr<const catalog::Upstream> upstream, Wanted wanted);

  Task<Result<Outcome>> run(gate::Order order) override;

  // Of the leg that is on its way; the client that takes it holds it.
  std::shared_ptr<Flow> flow() const { return flow_; }
  const doc::Value& sent_id() const { return wanted_.id; }
  // Whether it would go to that server, as tools.yaml has it.
  bool is_for(const catalog::Upstream& upstream) const;
  bool has_begun() const { return begun_; }
  bool is_done() const { return done_; }  // the server answered, or never will
  // The client closed the stream, which means that it wants no more of it (2026-07-28).
  void cancel();
  // 2026-07-28: the server asked for input, and its client has come back with it. The server's own
  // requestState is kept here; the client holds ours.
  bool waits_for_input() const { return asks_; }
  void resume(Wanted wanted);
  // Legacy: the server ended the call's stream, and says the answer on another one of the session
  // (resumption by Last-Event-ID). True: this was it.
  bool take_late(Piece& piece);
  // What the client is told instead of the server's requestState.
  std::function<std::string()> seal;
  // Hears the ids of tasks that the server makes of the call, before the client does.
  std::function<void(const std::string& task)> made;

 private:
  Task<Result<std::optional<Outcome>>> one_leg(const gate::Order& order);
  Piece seen(Piece piece, std::optional<Outcome>& outcome);
  Piece answered(Piece piece, std::optional<Outcome>& outcome);
  Task<Outcome> until_it_ends(Outcome outcome, const gate::Order& order);
  std::string why_ended(std::string otherwise) const;

  net::Loop& loop_;
  std::shared_ptr<Backend> backend_;
  std::shared_ptr<const catalog::Upstream> upstream_;
  Wanted wanted_;
  std::shared_ptr<Flow> flow_;
  std::shared_ptr<Answer> answer_;
  std::shared_ptr<net::Abort> abort_ = std::make_shared<net::Abort>();  // of this leg
  bool is_continued_ = false;  // the server asked for input, and this is it
  std::shared_ptr<net::Waiter> input_;
  std::shared_ptr<net::Waiter> late_;  // while the answer may come on another stream
  std::optional<Outcome> late_outcome_;
  std::string server_state_;
  doc::Value ran_;   // the released arguments
  doc::Value task_;  // the response's result, where the server made a task of the call
  bool begun_ = false, done_ = false, cancelled_ = false, asks_ = false, timed_out_ = false;
};

// Parameters as they are sent on: name and arguments are the order's, and of `_meta` only what
// belongs to the protocol. (People have seen the arguments, nothing besides.)
// `continues`: the server asked for input, so that it is sent on.
doc::Value released_params(const Wanted& wanted, const doc::Value& args, bool continues);
// Without headers that say other arguments than are released (2026-07-28: Mcp-Param-NAME).
net::Headers released_headers(const net::Headers& headers, const doc::Value& definition,
                              const doc::Value& args);

}  // namespace keyturn::connectors::mcp
