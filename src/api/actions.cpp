// Asking for an action, reading it, waiting for it; and what its people do to it besides voting.
#include "api/impl.h"

namespace keyturn::api {
namespace {

// Which of two places an idempotency key stands in; both must say the same.
Result<std::string> idempotency_key(const net::HttpRequest& request,
                                    const std::optional<std::string>& in_body) {
  const std::optional<std::string_view> header = request.header("idempotency-key");
  std::string key = in_body.value_or("");
  if (header) {
    std::string_view text = *header;
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
      text = text.substr(1, text.size() - 2);
    if (request.headers.count("idempotency-key") > 1 || (in_body && *in_body != text)) {
      return refuse("invalid_key", "the Idempotency-Key header and idempotency_key differ",
                    "/idempotency_key");
    }
    key = text;
  }
  if ((header || in_body) && key.empty())
    return refuse("invalid_key", "an idempotency key must not be empty", "/idempotency_key");
  if (key.size() > 255)
    return refuse("invalid_key", "an idempotency key has at most 255 bytes", "/idempotency_key");
  return key;
}

// W3C Trace Context; anything else is no trace. It becomes public, so no free text gets in here.
std::string traceparent_of(const net::HttpRequest& http) {
  const std::string_view text = http.header("traceparent").value_or("");
  const bool plausible =
      text.size() == 55 && text.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
  return plausible ? std::string(text) : std::string();
}

Result<ActionRequest> read_request(const net::HttpRequest& http) {
  Result<doc::Value> body = json_body(http);
  if (!body) return std::unexpected(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  ActionRequest request;
  request.tool = required(fields, "tool");
  if (const doc::Value* args = fields.object("args")) request.args = *args;
  if (request.args.is_null()) request.args = doc::Object{};
  request.reason = fields.string("reason").value_or("");
  if (const doc::Value* claims = fields.object("claims")) request.claims = *claims;
  if (request.claims.is_null()) request.claims = doc::Object{};
  request.mode = fields.string("mode");
  request.operation = fields.string("operation");
  if (const doc::Value* resource = fields.object("resource")) request.resource = *resource;
  const std::optional<std::string> key = fields.string("idempotency_key");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) return std::unexpected(ok.error());
  if (request.tool.empty() || request.tool.size() > 256)
    return refuse("invalid_name", "a tool's name has 1 to 256 bytes", "/tool");
  Result<std::string> chosen = idempotency_key(http, key);
  if (!chosen) return std::unexpected(chosen.error());
  request.idempotency_key = std::move(*chosen);
  request.traceparent = traceparent_of(http);
  return request;
}

bool settled(const gate::ActionRecord& record) {
  return is_settled(record.state) && !record.held_at;
}

void say_applied(Response& response, const std::optional<Duration>& wait) {
  if (!wait) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*wait).count();
  response.headers.add("Preference-Applied", "wait=" + std::to_string(seconds));
}

}  // namespace

ActionView view_of(Service& s) {
  return {s.ports.gate.world(), s.options.public_url, s.ports.audit.origin(),
          s.options.fingerprint_key};
}

Response action_answer(Service& s, const Call& call, const gate::ActionRecord& record,
                       std::optional<int> status) {
  // Shown once: not to a client that has gone, nor in an answer without a body.
  std::optional<std::string> grant;
  if (!call.context.is_gone() && !call.request.is_head)
    grant = s.ports.gate.take_grant(call.caller.principal, record);
  Response response =
      json_answer(status.value_or(settled(record) ? 200 : 202),
                  action_json(view_of(s), call.caller.principal, record, Detail::kFull, grant));
  if (call.caller.is_person() && record.state == State::kPending) {
    s.looks.saw(call.caller.principal.credential, record.case_digest, s.now());
  }
  return response;
}

Refusal no_such_action() {
  return {"not_found", "there is no such action, or not for you", ""};
}

std::string tool_of(Service& s, const Call& call) {
  const gate::RecordPtr record = s.ports.gate.find_open(call.action());
  return record ? record->tool : "";
}

Task<gate::RecordPtr> await_action(Service& s, Call& call, ActionId id, Duration most,
                                   std::function<bool(const gate::ActionRecord&)> done) {
  const auto deadline = std::chrono::steady_clock::now() + most;
  const auto waiter = std::make_shared<net::Waiter>(s.ports.loop);
  const gate::Watch watch = s.ports.gate.watch(id, [waiter] { waiter->fire(); });
  for (;;) {
    gate::RecordPtr record = co_await s.ports.gate.find(call.caller.principal, id);
    if (!record || done(*record)) co_return record;
    const auto left =
        std::chrono::duration_cast<Duration>(deadline - std::chrono::steady_clock::now());
    if (left <= Duration{0}) co_return record;
    ++s.http.parked;
    const net::Woken woken = co_await call.context.park(*waiter, left);
    --s.http.parked;
    if (!s.still_valid(call)) co_return nullptr;
    if (woken != net::Woken::kFired) {
      gate::RecordPtr last = co_await s.ports.gate.find(call.caller.principal, id);
      co_return last;
    }
    waiter->reset();
  }
}

Task<Response> post_action(Service& s, Call& call) {
  Result<std::optional<Duration>> wait = preferred_wait(call.request, s.options.wait_max);
  if (!wait) co_return problem(wait.error());
  Result<ActionRequest> request = read_request(call.request);
  if (!request) co_return problem(request.error());
  const std::string tool = request->tool;
  Result<gate::Submitted> submitted =
      co_await s.ports.gate.submit(call.caller.principal, std::move(*request));
  if (!submitted) co_return co_await s.refused(call, submitted.error(), tool);
  const ActionId id = submitted->record->id;
  if (*wait && !settled(*submitted->record)) {
    const gate::RecordPtr record = co_await await_action(s, call, id, **wait, settled);
    if (!record) co_return problem(no_such_action());
    submitted->record = record;
  }
  Response response = action_answer(s, call, *submitted->record);
  response.headers.add("Location", "/v1/actions/" + id.str());
  say_applied(response, *wait);
  co_return response;
}

Task<Response> get_action(Service& s, Call& call) {
  if (Result<void> ok = known_parameters(call.request, {"after_version"}); !ok)
    co_return problem(ok.error());
  Result<std::optional<Duration>> wait = preferred_wait(call.request, s.options.wait_max);
  if (!wait) co_return problem(wait.error());
  Result<std::optional<std::uint64_t>> after =
      number_parameter(call.request, "after_version", 1'000'000'000);
  if (!after) co_return problem(after.error());
  std::function<bool(const gate::ActionRecord&)> done = settled;
  if (*after) {
    done = [version = **after](const gate::ActionRecord& record) {
      return record.version > version;
    };
  }
  const gate::RecordPtr record =
      co_await await_action(s, call, call.action(), wait->value_or(Duration{0}), done);
  if (!record) co_return problem(no_such_action());
  Response response = action_answer(s, call, *record, 200);
  say_applied(response, *wait);
  co_return response;
}

Task<Response> get_timeline(Service& s, Call& call) {
  const gate::RecordPtr record = co_await s.ports.gate.find(call.caller.principal, call.action());
  if (!record) co_return problem(no_such_action());
  co_return json_answer(200, timeline_json(call.caller.principal, *record));
}

Task<Response> cancel_action(Service& s, Call& call) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<gate::RecordPtr> record =
      co_await s.ports.gate.cancel(call.caller.principal, call.action());
  if (!record) co_return co_await s.refused(call, record.error(), tool_of(s, call));
  co_return action_answer(s, call, **record, 200);
}

Task<Response> comment_action(Service& s, Call& call) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  std::string text = required(fields, "text");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<gate::RecordPtr> record =
      co_await s.ports.gate.comment(call.caller.principal, call.action(), std::move(text));
  if (!record) co_return co_await s.refused(call, record.error(), tool_of(s, call));
  co_return action_answer(s, call, **record, 200);
}

Task<Response> amend_action(Service& s, Call& call) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  const doc::Value* args = fields.object("args");
  if (args == nullptr && body->find("args") == nullptr)
    fields.problem("missing_field", "args is missing: the arguments of the new action", "args");
  std::string note = fields.string("note").value_or("");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<gate::Submitted> next =
      co_await s.ports.gate.amend(call.caller.principal, call.action(), *args, std::move(note));
  if (!next) co_return co_await s.refused(call, next.error(), tool_of(s, call));
  Response response = action_answer(s, call, *next->record, 201);
  response.headers.add("Location", "/v1/actions/" + next->record->id.str());
  co_return response;
}

}  // namespace keyturn::api
