#include "connectors/mcp/front.h"

#include <algorithm>

#include "base/task_impl.h"
#include "catalog/tool.h"
#include "connectors/mcp/front_impl.h"
#include "doc/json.h"

namespace keyturn::connectors::mcp {
namespace {

constexpr std::string_view kMethodChars =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./$-";
constexpr std::size_t kSessionsMax = 20'000;
constexpr Duration kCancelWait = std::chrono::seconds(5);
constexpr std::size_t kOpenMax = 512;  // of one caller
constexpr Duration kSessionIdle = std::chrono::hours(24);

// What of a client's headers goes to the server.
bool is_of_mcp(const std::string& name) {
  static constexpr std::string_view kPlain[] = {"accept", "last-event-id", "traceparent",
                                                "tracestate"};
  std::string lower = name;
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  if (lower == "mcp-session-id") return false;
  return lower.starts_with("mcp-") || std::ranges::find(kPlain, lower) != std::end(kPlain);
}

// Whether policy decides about it. (The built-in upstream's own tools ask the gate themselves.)
bool is_gated(const Call& call) {
  const std::string& method = call.message->method;
  if (method == "tools/call") {
    const doc::Value* params = call.message->params();
    return !call.is_built_in() || params == nullptr ||
           !params->text("name").starts_with("keyturn_");
  }
  return call.upstream &&
         std::ranges::find(call.upstream->gates, method) != call.upstream->gates.end();
}

doc::Value no_session() {
  return rpc::error({}, kSessionNotFound, "Session not found: initialize again");
}

}  // namespace

HttpResponse json_rpc(int status, const doc::Value& value) {
  return net::json_response(status, doc::write_json(value));
}

bool Call::takes_stream() const {
  const std::string_view accept = request.header("accept").value_or("");
  return accept.contains("text/event-stream") || accept.contains("*/*");
}

Forward Call::forward() const {
  Forward out;
  out.method = request.method;
  out.session = session;
  out.attachment = request.header("keyturn-attachment").value_or("");
  for (const net::Header& header : request.headers.all()) {
    if (is_of_mcp(header.name)) out.headers.add(header.name, header.value);
  }
  out.who = who;
  return out;
}

Front::Front(FrontPorts ports) : impl_(std::make_shared<Impl>(std::move(ports))) {}
Front::~Front() = default;

Task<net::HttpResponse> Front::handle(net::HttpRequest request, net::RequestContext& context,
                                      Principal who, std::string upstream,
                                      std::function<bool()> still_valid) {
  const std::shared_ptr<Impl> impl = impl_;
  const auto call =
      CallPtr(new Call{std::move(request), context, std::move(who), std::move(upstream)});
  call->still_valid = std::move(still_valid);
  HttpResponse response = co_await impl->handle(call);
  co_return response;
}

Task<HttpResponse> Front::Impl::handle(CallPtr call) {
  const auto& tools = ports.gate.world().configuration->tools;
  call->upstream = tools ? tools->upstream(call->upstream_name) : nullptr;
  call->backend =
      call->upstream || call->is_built_in() ? ports.backend(call->upstream_name) : nullptr;
  if (!call->backend || (call->upstream && !call->upstream->may_enter(call->who.id))) {
    co_return net::problem_response(404, "not_found",
                                    "there is no MCP server \"" + call->upstream_name +
                                        "\" for you; tools.yaml names them under upstreams");
  }
  std::size_t& open_now = open[name_of(call->who)];
  if (open_now >= kOpenMax) {
    co_return net::problem_response(429, "too_many_streams",
                                    "too many MCP requests are open; close one first");
  }
  ++open_now;
  call->seat =
      std::shared_ptr<void>(nullptr, [self = weak_from_this(), who = name_of(call->who)](void*) {
        const std::shared_ptr<Impl> there = self.lock();
        if (there && --there->open[who] == 0) there->open.erase(who);
      });
  for (const char* name : {"mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name"}) {
    if (call->request.headers.count(name) > 1)
      co_return net::problem_response(400, "invalid_request", std::string(name) + " is sent twice");
  }
  if (const auto session = call->request.header("mcp-session-id")) {
    std::optional<std::string> own =
        unwrap_session(ports.key, call->who, call->upstream_name, *session);
    if (!own) co_return json_rpc(404, no_session());
    call->session = std::move(*own);
  }
  if (call->request.method == "POST") co_return co_await post(call);
  call->known = known_of(*call);
  co_return co_await relay(call);
}

Task<HttpResponse> Front::Impl::post(CallPtr call) {
  Result<rpc::Message> message = rpc::parse(call->request.body);
  if (!message) {
    const auto code =
        message.error().code == "parse_error" ? rpc::kParseError : rpc::kInvalidRequest;
    co_return json_rpc(400, rpc::error({}, code, message.error().message));
  }
  call->message = std::move(*message);
  const auto header = [&](std::string_view name) {
    return call->request.header(name).value_or("");
  };
  call->era = rpc::era_of(*call->message, header("mcp-protocol-version"));
  // A header of the modern era is checked, whatever the body says of itself.
  if (header("mcp-protocol-version") >= rpc::kModernVersion) call->era = rpc::Era::kModern;
  if (call->message->method.find_first_not_of(kMethodChars) != std::string::npos) {
    co_return json_rpc(400, rpc::error(call->message->id, rpc::kInvalidRequest,
                                       "a method's name has letters, digits and _ . / $ - only"));
  }
  if (Result<void> ok = rpc::check_headers(*call->message, header("mcp-protocol-version"),
                                           header("mcp-method"), header("mcp-name"));
      !ok && call->message->kind == rpc::Kind::kRequest) {
    co_return json_rpc(400, rpc::error(call->id(), rpc::kHeaderMismatch, ok.error().message));
  }
  call->known = known_of(*call);
  switch (call->message->kind) {
    case rpc::Kind::kNotification:
      // A server that takes it for a call would run it unseen.
      if (is_gated(*call)) {
        co_return json_rpc(
            400, rpc::error({}, rpc::kInvalidRequest, call->message->method + " needs an id"));
      }
      co_return co_await notification(call);
    case rpc::Kind::kResponse:
      co_return co_await relay(call);
    case rpc::Kind::kRequest:
      break;
  }
  if (!call->is_modern() && call->known->in_flight.contains(rpc::id_text(call->id()))) {
    co_return json_rpc(400, rpc::error(call->id(), rpc::kInvalidRequest,
                                       "a request with this id is on its way; use a new one"));
  }
  if (is_own_task(*call)) co_return co_await own_task(call);
  if (names_anothers_task(*call)) co_return no_task(*call);
  if (is_gated(*call)) co_return co_await gated(call);
  co_return co_await relay(call);
}

// A cancellation of what is held ends here; everything else goes to the server.
Task<HttpResponse> Front::Impl::notification(CallPtr call) {
  const doc::Value* params = call->message->params();
  const doc::Value* id = params == nullptr ? nullptr : params->find("requestId");
  if (call->message->method != "notifications/cancelled" || id == nullptr)
    co_return co_await relay(call);
  const auto found = call->known->in_flight.find(rpc::id_text(*id));
  if (found == call->known->in_flight.end()) co_return co_await relay(call);
  const std::shared_ptr<Held> held = found->second;
  if (held->delivery && held->delivery->has_begun()) {
    held->is_cancelled = true;  // nobody takes it up
    // A server that stops does not answer, and one that does not stop may still.
    ports.loop.spawn([](net::Loop& loop, std::shared_ptr<Delivery> delivery) -> Task<void> {
      co_await loop.sleep(kCancelWait);
      if (!delivery->is_done()) delivery->cancel();
    }(ports.loop, held->delivery));
    co_return co_await relay(call);
  }
  // A client that has only lost patience may ask the same again: people go on deciding.
  std::string reason(params->text("reason"));
  std::ranges::transform(reason, reason.begin(), [](unsigned char c) { return std::tolower(c); });
  held->is_cancelled = true;
  const std::function<void()> wake = held->wake;
  if (reason.contains("timed out") || reason.contains("timeout")) {
    held->owner = call.get();  // its connection is told by the cancellation
    leave(call, held);
  } else {
    call->known->in_flight.erase(rpc::id_text(*id));
    this->held.erase(held->action.str());
    ports.calls.leave(held->action);
    (void)co_await ports.gate.cancel(call->who, held->action);
  }
  if (wake) wake();
  HttpResponse accepted;
  accepted.status = 202;
  co_return accepted;
}

std::shared_ptr<Known> Front::Impl::known_of(const Call& call) {
  const std::string key = name_of(call.who) + "|" + call.upstream_name + "|" + call.session;
  if (sessions.size() > kSessionsMax) tidy();
  std::shared_ptr<Known>& known = sessions[key];
  if (!known) known = std::make_shared<Known>();
  known->used = ports.gate.clock().now();
  const doc::Value* meta = call.message ? call.message->meta() : nullptr;
  const doc::Value* info = meta == nullptr ? nullptr : meta->find(rpc::kClientInfoKey);
  if (info != nullptr) {
    known->client = info->text("name");
    known->version = info->text("version");
  }
  return known;
}

void Front::Impl::tidy() {
  const Time oldest = ports.gate.clock().now() - kSessionIdle;
  std::erase_if(sessions, [&](const auto& one) {
    return one.second->in_flight.empty() && one.second->used < oldest;
  });
  if (sessions.size() <= kSessionsMax) return;
  std::erase_if(sessions, [](const auto& one) { return one.second->in_flight.empty(); });
}

}  // namespace keyturn::connectors::mcp
