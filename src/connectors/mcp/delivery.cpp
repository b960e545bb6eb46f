#include "connectors/mcp/delivery.h"

#include <algorithm>
#include <array>

#include "base/task_impl.h"
#include "connectors/mcp/outcome.h"
#include "connectors/mcp/pieces.h"

namespace keyturn::connectors::mcp {
namespace {

constexpr Duration kInputWait = std::chrono::minutes(10);

// Members of `_meta` that belong to the protocol or to tracing.
bool is_protocols(std::string_view key) {
  constexpr std::array<std::string_view, 4> kOwn{"progressToken", "traceparent", "tracestate",
                                                 "baggage"};
  return key.starts_with("io.modelcontextprotocol/") || std::ranges::find(kOwn, key) != kOwn.end();
}

bool asks_for_input(const rpc::Message& message) {
  const doc::Value* result = message.value.find("result");
  return result != nullptr && result->text("resultType") == "input_required";
}

}  // namespace

doc::Value released_params(const Wanted& wanted, const doc::Value& args) {
  doc::Value out = doc::Object{};
  if (wanted.method == "tools/call") {
    out.set("name", wanted.name);
    out.set("arguments", args);
  } else {
    out = args;
  }
  if (!wanted.params.is_object()) return out;
  for (const char* key : {"task", "inputResponses"}) {
    if (const doc::Value* value = wanted.params.find(key)) out.set(key, *value);
  }
  const doc::Value* meta = wanted.params.find("_meta");
  if (meta == nullptr || !meta->is_object()) return out;
  doc::Value kept = doc::Object{};
  for (const doc::Member& member : meta->as_object()) {
    if (is_protocols(member.key)) kept.set(member.key, member.value);
  }
  if (!kept.as_object().empty()) out.set("_meta", std::move(kept));
  return out;
}

Delivery::Delivery(net::Loop& loop, std::shared_ptr<Backend> backend,
                   std::shared_ptr<const catalog::Upstream> upstream, Wanted wanted)
    : loop_(loop),
      backend_(std::move(backend)),
      upstream_(std::move(upstream)),
      wanted_(std::move(wanted)),
      flow_(std::make_shared<Flow>(loop)) {}

void Delivery::cancel() {
  cancelled_ = true;
  if (answer_) answer_->cut();
  if (input_) input_->fire();
  if (late_) late_->fire();
}

void Delivery::resume(Wanted wanted) {
  wanted_ = std::move(wanted);
  flow_ = std::make_shared<Flow>(loop_);
  asks_ = false;
  if (input_) input_->fire();
}

bool Delivery::take_late(Piece& piece) {
  if (!late_ || !piece.message || piece.message->kind != rpc::Kind::kResponse ||
      piece.message->id != wanted_.id)
    return false;
  piece = seen(std::move(piece), late_outcome_);
  late_->fire();
  return true;
}

// A piece as the client is sent it. `outcome` is set by the response to the call.
Piece Delivery::seen(Piece piece, std::optional<Outcome>& outcome) {
  redact(piece, backend_->redactor());
  if (!piece.message || piece.message->kind != rpc::Kind::kResponse ||
      piece.message->id != wanted_.id)
    return piece;
  if (!asks_for_input(*piece.message)) {
    outcome = outcome_of(*piece.message, upstream_->result_bytes_max);
    return piece;
  }
  asks_ = true;
  doc::Value message = piece.message->value;
  doc::Value result = *message.find("result");
  server_state_ = result.text("requestState");
  result.set("requestState", seal ? seal() : "");
  message.set("result", std::move(result));
  return with_message(piece, flow_->head() && flow_->head()->is_stream, std::move(message));
}

// Nothing: the server asked for input. A refusal: nothing was sent.
Task<Result<std::optional<Outcome>>> Delivery::one_leg(const gate::Order& order) {
  const std::shared_ptr<Flow> flow = flow_;
  doc::Value params = released_params(wanted_, order.args);
  if (!server_state_.empty()) params.set("requestState", server_state_);
  Forward forward = wanted_.forward;
  Result<rpc::Message> message =
      rpc::read(rpc::request(wanted_.id, wanted_.method, std::move(params)));
  if (!message) co_return std::unexpected(message.error());
  forward.message = std::move(*message);
  Result<std::shared_ptr<Answer>> sent = co_await backend_->send(std::move(forward));
  if (!sent) {
    const std::string& code = sent.error().code;
    const bool never_left =
        code == "unavailable" || code == "no_secret" || code == "unknown_session";
    flow->fail(sent.error());
    if (never_left) co_return std::unexpected(sent.error());
    co_return std::optional(unknown(sent.error().message));
  }
  answer_ = *sent;
  // A server that never answers: cut, so that the outcome is unknown in time.
  loop_.spawn([](net::Loop& loop, std::weak_ptr<Answer> answer, Duration timeout) -> Task<void> {
    co_await loop.sleep(timeout);
    if (const std::shared_ptr<Answer> late = answer.lock()) late->cut();
  }(loop_, answer_, upstream_->timeout));
  flow->begin({answer_->status, answer_->headers, answer_->is_stream});
  std::optional<Outcome> outcome;
  const int status = answer_->status;
  std::string broken;
  bool resumable = false;  // an event had an id: the rest may be asked for
  while (!cancelled_) {
    Result<std::optional<Piece>> piece = co_await answer_->next();
    if (!piece) {
      broken = piece.error().message;
      break;
    }
    if (!*piece) break;
    resumable = resumable || !(*piece)->event_id.empty();
    if (Result<void> put = flow->put(seen(std::move(**piece), outcome)); !put) {
      broken = put.error().message;
      break;
    }
    if (outcome || asks_) break;
  }
  answer_.reset();
  if (outcome || asks_) {
    flow->end();
    co_return outcome;
  }
  if (cancelled_) broken = "the client cancelled it while it ran";
  if (broken.empty() && status >= 400) {
    flow->end();
    co_return std::optional(
        failed("the server refused it with HTTP status " + std::to_string(status)));
  }
  if (broken.empty() && resumable) {
    flow->end();
    late_ = std::make_shared<net::Waiter>(loop_);
    co_await late_->wait(upstream_->timeout);
    late_.reset();
    if (late_outcome_) co_return std::move(late_outcome_);
    broken = "the server ended the call's stream, and nobody fetched the rest of it";
  }
  if (broken.empty()) broken = "the server ended without an answer";
  flow->fail({"unknown_outcome", broken, ""});
  co_return std::optional(unknown(broken + "; whether it took effect is not known"));
}

Task<Result<Outcome>> Delivery::run(gate::Order order) {
  const std::shared_ptr<Delivery> self = shared_from_this();
  begun_ = true;
  for (;;) {
    Result<std::optional<Outcome>> leg = co_await one_leg(order);
    if (!leg) {
      done_ = true;
      co_return std::unexpected(leg.error());
    }
    if (*leg) {
      done_ = true;
      co_return std::move(**leg);
    }
    input_ = std::make_shared<net::Waiter>(loop_);
    const net::Woken woken = co_await input_->wait(kInputWait);
    input_.reset();
    if (woken == net::Woken::kFired && !cancelled_) continue;
    done_ = true;
    co_return unknown("the server asked for input, and nobody came back with it");
  }
}

}  // namespace keyturn::connectors::mcp
