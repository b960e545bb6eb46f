#include "connectors/mcp/delivery.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/task_impl.h"
#include "connectors/mcp/amended.h"
#include "connectors/mcp/outcome.h"
#include "connectors/mcp/pieces.h"
#include "connectors/mcp/server_tasks.h"

namespace keyturn::connectors::mcp {
namespace {

constexpr Duration kInputWait = std::chrono::minutes(10);
constexpr Duration kTaskMax = std::chrono::hours(1);  // that a task of a server is looked at

// Members of `_meta` that belong to the protocol or to tracing.
bool is_protocols(std::string_view key) {
  constexpr std::array<std::string_view, 8> kOwn{"progressToken",
                                                 "traceparent",
                                                 "tracestate",
                                                 "io.modelcontextprotocol/protocolVersion",
                                                 "io.modelcontextprotocol/clientInfo",
                                                 "io.modelcontextprotocol/clientCapabilities",
                                                 "io.modelcontextprotocol/logLevel",
                                                 "io.modelcontextprotocol/related-task"};
  return std::ranges::find(kOwn, key) != kOwn.end();
}

// Fires when the leg ends, however it does.
struct Ending {
  std::shared_ptr<net::Waiter> over;
  explicit Ending(std::shared_ptr<net::Waiter> waiter) : over(std::move(waiter)) {}
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;
  ~Ending() { over->fire(); }
};

// A header's value as text: plain, or "=?base64?…?=".
std::string header_text(std::string_view value) {
  constexpr std::string_view kBegin = "=?base64?", kEnd = "?=";
  if (!value.starts_with(kBegin) || !value.ends_with(kEnd) ||
      value.size() < kBegin.size() + kEnd.size())
    return std::string(value);
  value.remove_prefix(kBegin.size());
  value.remove_suffix(kEnd.size());
  return from_base64(value).value_or("");
}

bool asks_for_input(const rpc::Message& message) {
  const doc::Value* result = message.value.find("result");
  return result != nullptr && result->text("resultType") == "input_required";
}

}  // namespace

doc::Value released_params(const Wanted& wanted, const doc::Value& args, bool continues) {
  doc::Value out = doc::Object{};
  if (wanted.method == "tools/call") {
    out.set("name", wanted.name);
    out.set("arguments", args);
  } else {
    out = args;
  }
  if (!wanted.params.is_object()) return out;
  if (const doc::Value* task = wanted.params.find("task")) out.set("task", *task);
  if (const doc::Value* input = wanted.params.find("inputResponses"); input && continues)
    out.set("inputResponses", *input);
  const doc::Value* meta = wanted.params.find("_meta");
  if (meta == nullptr || !meta->is_object()) return out;
  doc::Value kept = doc::Object{};
  for (const doc::Member& member : meta->as_object()) {
    if (is_protocols(member.key)) kept.set(member.key, member.value);
  }
  if (!kept.as_object().empty()) out.set("_meta", std::move(kept));
  return out;
}

net::Headers released_headers(const net::Headers& headers, const doc::Value& definition,
                              const doc::Value& args) {
  constexpr std::string_view kParam = "mcp-param-";
  const doc::Value* properties = definition.find_path({"inputSchema", "properties"});
  const auto says = [&](std::string_view name, std::string_view value) {
    if (properties == nullptr || !properties->is_object()) return false;
    for (const doc::Member& property : properties->as_object()) {
      if (!net::equal_ignoring_case(property.value.text("x-mcp-header"), name)) continue;
      const doc::Value* arg = args.find(property.key);
      return arg != nullptr && !arg->is_object() && !arg->is_array() && !arg->is_null() &&
             catalog::argument_text(*arg) == header_text(value);
    }
    return false;
  };
  net::Headers out;
  for (const net::Header& header : headers.all()) {
    const bool is_param = header.name.size() > kParam.size() &&
                          net::equal_ignoring_case(header.name.substr(0, kParam.size()), kParam);
    if (!is_param || says(header.name.substr(kParam.size()), header.value))
      out.add(header.name, header.value);
  }
  return out;
}

Delivery::Delivery(net::Loop& loop, std::shared_ptr<Backend> backend,
                   std::shared_ptr<const catalog::Upstream> upstream, Wanted wanted)
    : loop_(loop),
      backend_(std::move(backend)),
      upstream_(std::move(upstream)),
      wanted_(std::move(wanted)),
      flow_(std::make_shared<Flow>(loop)) {}

bool Delivery::is_for(const catalog::Upstream& upstream) const {
  return upstream_->name == upstream.name && upstream_->digest == upstream.digest;
}

void Delivery::cancel() {
  cancelled_ = true;
  if (answer_)
    answer_->cut();
  else
    abort_->abort();
  if (input_) input_->fire();
  if (late_) late_->fire();
}

void Delivery::resume(Wanted wanted) {
  wanted_ = std::move(wanted);
  flow_ = std::make_shared<Flow>(loop_);
  abort_ = std::make_shared<net::Abort>();
  asks_ = false;
  is_continued_ = true;
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
  if (!asks_for_input(*piece.message)) return answered(std::move(piece), outcome);
  asks_ = true;
  doc::Value message = piece.message->value;
  doc::Value result = *message.find("result");
  server_state_ = result.text("requestState");
  result.set("requestState", seal ? seal() : "");
  message.set("result", std::move(result));
  return with_message(piece, flow_->head() && flow_->head()->is_stream, std::move(message));
}

// The response to the call. The record has it as the server said it.
Piece Delivery::answered(Piece piece, std::optional<Outcome>& outcome) {
  outcome = outcome_of(piece.message->value, upstream_->result_bytes_max);
  const doc::Value* result = piece.message->value.find("result");
  if (wanted_.method != "tools/call" || result == nullptr || !result->is_object()) return piece;
  if (const std::optional<ServerTask> task = made_task(*result)) {
    task_ = *result;
    if (made) made(task->id);
  }
  doc::Value told = with_amendment(*result, arguments_of(wanted_.params), ran_);
  if (told == *result) return piece;
  doc::Value message = piece.message->value;
  message.set("result", std::move(told));
  return with_message(piece, flow_->head() && flow_->head()->is_stream, std::move(message));
}

// Of a call that the server made a task of: not what it said first.
Task<Outcome> Delivery::until_it_ends(Outcome outcome, const gate::Order& order) {
  if (task_.is_null() || outcome.kind != OutcomeKind::kSucceeded) co_return outcome;
  const doc::Value params = released_params(wanted_, order.args, false);
  const doc::Value* meta = params.find("_meta");
  const std::optional<ServerTask> task = made_task(task_);
  const Duration kept = task ? task->ttl.value_or(kTaskMax) : kTaskMax;
  co_return co_await follow_task(loop_, backend_, wanted_.forward,
                                 meta == nullptr ? doc::Value() : *meta, task_,
                                 std::clamp(kept, std::min(upstream_->timeout, kTaskMax), kTaskMax),
                                 upstream_->result_bytes_max);
}

// `otherwise`: as the connection saw it.
std::string Delivery::why_ended(std::string otherwise) const {
  if (cancelled_) return "the client cancelled it while it ran";
  if (!timed_out_) return otherwise;
  return "the MCP server " + upstream_->name + " did not answer within its timeout (tools.yaml)";
}

// Nothing: the server asked for input. A refusal: nothing was sent.
Task<Result<std::optional<Outcome>>> Delivery::one_leg(const gate::Order& order) {
  const std::shared_ptr<Flow> flow = flow_;
  timed_out_ = false;
  doc::Value params = released_params(wanted_, order.args, is_continued_);
  if (!server_state_.empty()) params.set("requestState", server_state_);
  Forward forward = wanted_.forward;
  forward.headers = released_headers(forward.headers, order.tool->definition, order.args);
  forward.abort = abort_;
  Result<rpc::Message> message =
      rpc::read(rpc::request(wanted_.id, wanted_.method, std::move(params)));
  if (!message) co_return std::unexpected(message.error());
  forward.message = std::move(*message);
  // A server that never answers: cut, so that the outcome is unknown in time.
  const auto over = std::make_shared<net::Waiter>(loop_);
  const Ending ending{over};
  loop_.spawn([](std::shared_ptr<Delivery> self, std::shared_ptr<net::Waiter> ended,
                 Duration timeout) -> Task<void> {
    if (co_await ended->wait(timeout) != net::Woken::kDeadline) co_return;
    self->timed_out_ = true;
    if (self->answer_)
      self->answer_->cut();
    else
      self->abort_->abort();
  }(shared_from_this(), over, upstream_->timeout));
  Result<std::shared_ptr<Answer>> sent = co_await backend_->send(std::move(forward));
  if (!sent) {
    const std::string& code = sent.error().code;
    const bool never_left =
        code == "unavailable" || code == "no_secret" || code == "unknown_session";
    Refusal why = cleaned(*backend_, sent.error());
    if (!never_left && code != "server_refused") {
      if (code == "timeout") timed_out_ = true;
      why.message = why_ended(why.message) + "; whether it took effect is not known";
    }
    flow->fail(why);
    if (never_left) co_return std::unexpected(why);
    if (code == "server_refused") co_return std::optional(failed(why.message));
    co_return std::optional(unknown(why.message));
  }
  answer_ = *sent;
  flow->begin({answer_->status, answer_->headers, answer_->is_stream});
  std::optional<Outcome> outcome;
  const int status = answer_->status;
  std::string broken;
  bool resumable = false;  // an event had an id: the rest may be asked for
  while (!cancelled_) {
    Result<std::optional<Piece>> piece = co_await answer_->next();
    if (!piece) {
      broken = cleaned(*backend_, piece.error()).message;
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
  if (outcome && outcome->kind == OutcomeKind::kFailed && status >= 500)
    outcome->kind = OutcomeKind::kUnknown;  // a gateway, or a server in the middle of it
  if (outcome || asks_) {
    flow->end();
    co_return outcome;
  }
  broken = why_ended(std::move(broken));
  if (broken.empty() && status >= 400 && status < 500) {
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
  ran_ = order.args;
  // same-bytes: what was released is this call, to this server.
  const bool same_tool = wanted_.method != "tools/call" ||
                         order.tool->mcp_name == wanted_.name;  // prompts have names, too
  if (!is_for(*order.tool->upstream) || order.tool->method != wanted_.method || !same_tool) {
    done_ = true;
    Refusal why{"drift", "what was released is not the call that this client waits for", ""};
    flow_->fail(why);
    co_return std::unexpected(std::move(why));
  }
  for (;;) {
    Result<std::optional<Outcome>> leg = co_await one_leg(order);
    if (!leg) {
      done_ = true;
      co_return std::unexpected(leg.error());
    }
    if (*leg) {
      done_ = true;  // for its client; what it began may go on
      co_return co_await until_it_ends(std::move(**leg), order);
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
