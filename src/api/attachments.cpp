// MCP servers that run beside their agents (`keyturn mcp -- COMMAND…`): the lines that go between
// Keyturn and such a server, over the agent's own connections.
#include <charconv>

#include "api/impl.h"
#include "connectors/mcp/attached.h"

namespace keyturn::api {
namespace {

using connectors::mcp::Attached;

Refusal no_attachment() {
  return {"not_found", "there is no such attachment of yours (any more); attach again", ""};
}

std::shared_ptr<Attached> attachment_of(Service& s, const Call& call) {
  return s.ports.attachments == nullptr
             ? nullptr
             : s.ports.attachments->find(call.caller.principal, call.parts.front());
}

Task<Response> post_attachment(Service& s, Call& call) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  const std::string upstream = required(fields, "upstream");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  if (s.ports.attachments == nullptr) co_return problem({"not_ready", "no MCP servers here", ""});
  Result<std::string> id = s.ports.attachments->open(call.caller.principal, upstream);
  if (!id) co_return co_await s.refused(call, id.error());
  co_return json_answer(201, doc::object({{"id", *id}, {"upstream", upstream}}));
}

// Reads for the process while it lives.
struct Reading {
  Reading(net::Loop& loop, std::shared_ptr<Attached> what)
      : attached(std::move(what)), waiter(std::make_shared<net::Waiter>(loop)) {
    attached->read_by(waiter);
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading() {
    if (attached->is_read_by(waiter)) attached->read_by(nullptr);
  }
  std::shared_ptr<Attached> attached;
  std::shared_ptr<net::Waiter> waiter;
};

Task<void> run_lines(Service& s, std::shared_ptr<Call> call, std::shared_ptr<Reading> reading,
                     std::uint64_t number, net::BodyWriter& out) {
  net::EventWriter events(out);
  Attached& attached = *reading->attached;
  bool is_there = co_await events.comment("attached");
  while (is_there && !attached.ended() && attached.is_read_by(reading->waiter)) {
    if (const auto line = attached.after(number)) {
      number = line->number;
      is_there = co_await events.write("child", std::to_string(number), *line->text);
      if (is_there) attached.sent(number);
      continue;
    }
    const net::Woken woken = co_await call->context.park(*reading->waiter, s.options.heartbeat);
    if (woken == net::Woken::kCancelled) break;
    reading->waiter->reset();
    if (woken != net::Woken::kDeadline) continue;
    if (!s.still_valid(*call)) {
      attached.end("the credential of its agent is not valid any more");
      break;
    }
    is_there = co_await events.comment("still here");
  }
}

Task<Response> stream_attachment(Service& s, Call& call) {
  const std::shared_ptr<Attached> attached = attachment_of(s, call);
  if (!attached) co_return problem(no_attachment());
  std::uint64_t number = 0;
  if (const auto last = call.request.header("last-event-id")) {
    const auto [end, error] = std::from_chars(last->data(), last->data() + last->size(), number);
    if (error != std::errc{} || end != last->data() + last->size() ||
        !attached->can_go_on_after(number)) {
      attached->end("its agent lost some of what was said to it");
      co_return problem(no_attachment());
    }
  }
  if (call.request.is_head) co_return net::event_stream({});
  const auto own = std::make_shared<Call>(call);
  const auto reading = std::make_shared<Reading>(s.ports.loop, attached);
  co_return net::event_stream([&s, own, reading, number](net::BodyWriter& out) {
    return run_lines(s, own, reading, number, out);
  });
}

Task<Response> post_messages(Service& s, Call& call) {
  if (Result<void> ok = known_parameters(call.request, {"at"}); !ok) co_return problem(ok.error());
  const auto at = number_parameter(call.request, "at", std::uint64_t{1} << 62);
  if (!at) co_return problem(at.error());
  const std::shared_ptr<Attached> attached = attachment_of(s, call);
  if (!attached) co_return problem(no_attachment());
  const Result<std::uint64_t> next = attached->say(at->value_or(0), call.request.body);
  if (!next) co_return problem(next.error());
  co_return json_answer(200, doc::object({{"at", *next}}));
}

Task<Response> delete_attachment(Service& s, Call& call) {
  const std::shared_ptr<Attached> attached = attachment_of(s, call);
  if (!attached) co_return problem(no_attachment());
  attached->end("its agent ended it");
  Response response;
  response.status = 204;
  co_return response;
}

}  // namespace

std::vector<Route> attachment_routes() {
  using enum Access;
  return {
      {"POST", "/v1/mcp/attachments", kCaller, post_attachment},
      {"GET", "/v1/mcp/attachments/{id}/stream", kCaller, stream_attachment},
      {"POST", "/v1/mcp/attachments/{id}/messages", kCaller, post_messages},
      {"DELETE", "/v1/mcp/attachments/{id}", kCaller, delete_attachment},
  };
}

}  // namespace keyturn::api
