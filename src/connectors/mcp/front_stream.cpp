// From a server to the client: as it came, but for what the client may not see.
#include "base/task_impl.h"
#include "connectors/mcp/front_impl.h"
#include "connectors/mcp/pieces.h"
#include "doc/json.h"
#include "mcp/sse.h"

namespace keyturn::connectors::mcp {
namespace {

constexpr Duration kHeadWait = std::chrono::hours(1);  // servers have bounds of their own
constexpr Duration kStreamHeartbeat = std::chrono::seconds(15);
// So long a stream's head waits for its first event: one packet for both, or for all of it.
constexpr Duration kAtOnce = std::chrono::milliseconds(50);

// Reads an answer into a flow, whoever takes it. (What a client asked is answered also when it has
// gone: a server's effects do not end with a connection.)
struct Relay {
  explicit Relay(net::Loop& loop) : flow(std::make_shared<Flow>(loop)) {}
  std::shared_ptr<Flow> flow;
  std::shared_ptr<Answer> answer;
  std::shared_ptr<net::Abort> abort = std::make_shared<net::Abort>();
  bool is_cut = false;

  void cut() {
    is_cut = true;
    if (answer)
      answer->cut();
    else
      abort->abort();
  }
};

Task<void> pump(std::shared_ptr<Relay> relay, std::shared_ptr<Backend> backend, Forward forward) {
  Result<std::shared_ptr<Answer>> answer = co_await backend->send(std::move(forward));
  if (!answer) {
    relay->flow->fail(answer.error());
    co_return;
  }
  relay->answer = *answer;
  relay->flow->begin({(*answer)->status, (*answer)->headers, (*answer)->is_stream});
  while (!relay->is_cut) {
    Result<std::optional<Piece>> piece = co_await (*answer)->next();
    if (!piece) {
      relay->flow->fail(piece.error());
      co_return;
    }
    if (!*piece || !relay->flow->put(std::move(**piece))) break;
  }
  relay->flow->end();
}

// Waits a moment for the first message: most answers have no other. False: the client has gone.
Task<bool> at_once(Call& call, Flow& flow) {
  const auto by = std::chrono::steady_clock::now() + kAtOnce;
  while (!flow.is_ended() && !flow.says_something()) {
    const auto left = std::chrono::duration_cast<Duration>(by - std::chrono::steady_clock::now());
    const net::Woken woken = co_await flow.wait(call.context, left);
    if (woken != net::Woken::kFired) co_return woken == net::Woken::kDeadline;
  }
  co_return true;
}

bool lists_tools(const Call& call) {
  return call.message && call.message->method == "tools/list";
}

// A list without what the client may not use; nothing: it may use all of it.
std::optional<doc::Value> filtered(const Call& call, const doc::Value& message) {
  const doc::Value* tools = message.find_path({"result", "tools"});
  if (!call.upstream || tools == nullptr || !tools->is_array()) return std::nullopt;
  doc::Array kept;
  for (const doc::Value& tool : tools->as_array()) {
    if (call.upstream->may_use(call.who.id, tool.text("name"))) kept.push_back(tool);
  }
  if (kept.size() == tools->as_array().size()) return std::nullopt;
  doc::Value out = message;
  doc::Value result = *message.find("result");
  result.set("tools", std::move(kept));
  out.set("result", std::move(result));
  return out;
}

HttpResponse unreachable(const Call& call, const Refusal& why) {
  if (!call.message || call.message->kind != rpc::Kind::kRequest)
    return net::problem_response(502, "upstream_unavailable", why.message);
  return json_rpc(200, rpc::error(call.id(), rpc::kUnavailable, why.message,
                                  doc::object({{"code", why.code}})));
}

}  // namespace

// What Keyturn itself learns from, and changes in, what passes.
Piece Front::Impl::seen(const Call& call, Piece piece, bool is_stream) {
  redact(piece, call.backend->redactor());
  if (!piece.message) return piece;
  if (piece.message->kind == rpc::Kind::kNotification) {
    if (piece.message->method == "notifications/tools/list_changed") call.known->stale = true;
    return piece;
  }
  if (piece.message->kind != rpc::Kind::kResponse) return piece;
  for (const auto& [id, late] : call.known->in_flight) {
    if (!late->delivery || !late->delivery->take_late(piece)) continue;
    held.erase(late->action.str());
    call.known->in_flight.erase(id);
    break;
  }
  if (std::optional<doc::Value> fewer = filtered(call, piece.message->value))
    return with_message(piece, is_stream, std::move(*fewer));
  if (std::optional<doc::Value> more = with_tasks(call, piece.message->value))
    return with_message(piece, is_stream, std::move(*more));
  if (std::optional<doc::Value> fewer = without_others(call, piece.message->value))
    return with_message(piece, is_stream, std::move(*fewer));
  return piece;
}

void Front::Impl::copy_headers(const Call& call, const Flow::Head& head,
                               HttpResponse& response) const {
  for (const net::Header& header : head.headers.all()) {
    if (net::equal_ignoring_case(header.name, "mcp-session-id")) {
      response.headers.set("Mcp-Session-Id",
                           wrap_session(ports.key, call.who, call.upstream_name, header.value));
    } else {
      const secrets::Redactor* known = call.backend->redactor();
      response.headers.add(header.name,
                           known == nullptr ? header.value : known->redact(header.value));
    }
  }
}

Task<HttpResponse> Front::Impl::relay(CallPtr call) {
  const auto relay = std::make_shared<Relay>(ports.loop);
  Forward forward = call->forward();
  forward.message = call->message;
  forward.abort = relay->abort;
  ports.loop.spawn(pump(relay, call->backend, std::move(forward)));
  const std::shared_ptr<Flow> flow = relay->flow;
  // Whoever closes a modern stream, or the session's own, wants no more of it.
  if (lists_tools(*call) && call->upstream && !call->known->is_reading &&
      (!call->known->listing || call->known->stale)) {
    // What is listed is pinned, or its changes are shown to people, before anybody calls it.
    call->known->is_reading = true;
    ports.loop.spawn([](std::shared_ptr<Impl> self, CallPtr call) -> Task<void> {
      (void)co_await self->refresh(call);
      call->known->is_reading = false;
    }(shared_from_this(), call));
  }
  const bool ends_with_client = call->is_modern() || call->request.method == "GET";
  while (!flow->head() && !flow->failed()) {
    const net::Woken woken = co_await flow->wait(call->context, kHeadWait);
    if (woken == net::Woken::kFired) continue;
    if (ends_with_client || call->context.is_stopping()) relay->cut();
    co_return net::problem_response(503, "stopping", "Keyturn stops, or the client went away");
  }
  if (!flow->head()) co_return unreachable(*call, cleaned(*call->backend, *flow->failed()));
  if (call->message && call->message->method == "initialize") {
    const auto session = flow->head()->headers.find("mcp-session-id");
    const doc::Value* params = call->message->params();
    const doc::Value* info = params == nullptr ? nullptr : params->find("clientInfo");
    call->session = session.value_or("");
    call->known = known_of(*call);
    if (info != nullptr) {
      call->known->client = info->text("name");
      call->known->version = info->text("version");
    }
  }
  HttpResponse response;
  response.status = flow->head()->status;
  copy_headers(*call, *flow->head(), response);
  if (!flow->head()->is_stream) {
    while (!flow->is_over()) {
      if (std::optional<Piece> piece = flow->take()) {
        response.body += seen(*call, std::move(*piece), false).raw;
        continue;
      }
      if (co_await flow->wait(call->context, kHeadWait) != net::Woken::kFired) break;
    }
    if (flow->failed()) co_return unreachable(*call, cleaned(*call->backend, *flow->failed()));
    co_return response;
  }
  response.stream = [self = shared_from_this(), call, relay,
                     ends_with_client](net::BodyWriter& out) -> Task<void> {
    return [](std::shared_ptr<Impl> self, CallPtr call, std::shared_ptr<Relay> relay, bool cuts,
              net::BodyWriter& out) -> Task<void> {
      const bool whole = co_await self->stream_out(call, relay->flow, nullptr, out);
      if (!whole && (cuts || call->context.is_stopping())) relay->cut();
    }(self, call, relay, ends_with_client, out);
  };
  co_return response;
}

// The answer to a released call: its head is there, or it failed before. What is over at once goes
// out whole, also what would be a stream.
Task<HttpResponse> Front::Impl::answer_from(CallPtr call, std::shared_ptr<Flow> flow,
                                            std::shared_ptr<Held> held) {
  HttpResponse response;
  response.status = flow->head()->status;
  copy_headers(*call, *flow->head(), response);
  if (flow->head()->is_stream) {
    if (!co_await at_once(*call, *flow)) {
      if (call->is_modern() && held->owner == call.get() && !call->context.is_stopping())
        held->delivery->cancel();
      leave(call, held);
      co_return response;
    }
    if (!flow->is_ended() || flow->failed()) {
      response.stream = [self = shared_from_this(), call, flow,
                         held](net::BodyWriter& out) -> Task<void> {
        return [](std::shared_ptr<Impl> self, CallPtr call, std::shared_ptr<Flow> flow,
                  std::shared_ptr<Held> held, net::BodyWriter& out) -> Task<void> {
          (void)co_await self->stream_out(call, flow, held, out);
        }(self, call, flow, held, out);
      };
      co_return response;
    }
  }
  const bool is_stream = flow->head()->is_stream;
  for (;;) {
    if (std::optional<Piece> piece = flow->take()) {
      response.body += for_client(*call, *held, std::move(*piece), is_stream).raw;
      continue;
    }
    if (flow->is_over()) break;
    if (co_await flow->wait(call->context, kHeadWait) == net::Woken::kFired) continue;
    if (call->is_modern() && held->owner == call.get()) held->delivery->cancel();
    leave(call, held);
    co_return response;
  }
  done(call, held);
  if (flow->failed()) {
    co_return json_rpc(
        200,
        rpc::error(call->id(), rpc::kUnavailable, flow->failed()->message,
                   doc::object({{"code", flow->failed()->code}, {"action", held->action.str()}})));
  }
  co_return response;
}

// A piece of a held call's answer. What was sent under the id of a call that another connection
// began is answered under this one's.
Piece Front::Impl::for_client(const Call& call, const Held& held, Piece piece, bool is_stream) {
  if (!piece.message) return piece;
  if (piece.message->method == "notifications/tools/list_changed") call.known->stale = true;
  if (piece.message->kind != rpc::Kind::kResponse || !held.delivery) return piece;
  if (piece.message->id != held.delivery->sent_id()) {  // of another request of the session
    std::optional<doc::Value> fewer = filtered(call, piece.message->value);
    return fewer ? with_message(piece, is_stream, std::move(*fewer)) : piece;
  }
  if (piece.message->id == call.id()) return piece;
  doc::Value message = piece.message->value;
  message.set("id", call.id());
  return with_message(piece, is_stream, std::move(message));
}

Task<bool> Front::Impl::stream_out(CallPtr call, std::shared_ptr<Flow> flow,
                                   std::shared_ptr<Held> held, net::BodyWriter& out) {
  const bool is_stream = !flow->head() || flow->head()->is_stream;
  bool is_there = true;
  while (is_there) {
    std::string bytes;  // of all that is there: one packet
    while (std::optional<Piece> piece = flow->take()) {
      Piece sent = held ? for_client(*call, *held, std::move(*piece), is_stream)
                        : seen(*call, std::move(*piece), is_stream);
      // A whole JSON answer on a stream that was opened while people decided.
      if (!is_stream && sent.message) sent.raw = rpc::sse_event(sent.raw);
      bytes += sent.raw;
    }
    if (!bytes.empty()) {
      is_there = co_await out.write(std::move(bytes));
      continue;
    }
    if (flow->is_over()) {
      if (held && flow->failed()) {
        is_there = co_await out.write(rpc::sse_event(doc::write_json(rpc::error(
            call->id(), rpc::kUnavailable, flow->failed()->message,
            doc::object({{"code", flow->failed()->code}, {"action", held->action.str()}})))));
      }
      if (held) done(call, held);
      co_return is_there;
    }
    const net::Woken woken = co_await flow->wait(call->context, kStreamHeartbeat);
    if (woken == net::Woken::kDeadline) is_there = co_await out.write(": \n\n");
    if (woken == net::Woken::kCancelled) is_there = false;
  }
  if (held) {
    if (call->is_modern() && held->owner == call.get() && !call->context.is_stopping())
      held->delivery->cancel();
    leave(call, held);
  }
  co_return false;
}

}  // namespace keyturn::connectors::mcp
