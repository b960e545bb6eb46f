#include "connectors/mcp/pipe_backend.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/task_impl.h"
#include "connectors/mcp/body_answer.h"
#include "net/abort.h"

namespace keyturn::connectors::mcp {
namespace {

using Sent = Result<std::shared_ptr<Answer>>;
using Session = std::shared_ptr<PipeSession>;

constexpr std::int64_t kBadSession = -32000;           // as the SDKs have it
constexpr std::string_view kResumable = "2025-11-25";  // clients from then take an empty event

std::string owner_of(const Principal& who) {
  return std::string(to_text(who.kind)) + ":" + who.id;
}

std::shared_ptr<Answer> status_answer(int status, std::int64_t code, std::string_view words) {
  return json_answer(rpc::error({}, code, words), status);
}

std::shared_ptr<Answer> accepted() {
  return std::make_shared<BodyAnswer>(202);
}

std::unexpected<Refusal> went_away() {
  return refuse("stopped", "The client went away before the MCP server answered.");
}

std::shared_ptr<Answer> not_allowed() {
  auto answer = status_answer(405, kBadSession, "Method not allowed.");
  answer->headers.set("Allow", "POST");
  return answer;
}

struct Place {
  std::string owner;
  rpc::Era era = rpc::Era::kLegacy;
  Session session;                                  // null: it is being opened
  std::vector<std::shared_ptr<net::Waiter>> waits;  // for that
};

}  // namespace

struct PipeBackend::Impl {
  PipePorts ports;
  PipeLimits limits;
  std::map<std::string, Place> places;  // legacy: by session id; modern: by owner and attachment
  bool stopped = false;

  // Whether the owner may have one more server; the longest idle makes room for it.
  bool make_room(const std::string& owner) {
    std::size_t count = 0;
    Session idle;
    for (const auto& [key, place] : places) {
      if (place.owner != owner) continue;
      ++count;
      if (!place.session || place.session->is_busy()) continue;
      if (!idle || place.session->used() < idle->used()) idle = place.session;
    }
    if (count < limits.sessions_max) return true;
    if (!idle) return false;
    idle->end("This session was ended to make room for another one of " + owner + ".");
    return true;
  }

  Refusal too_many(const std::string& owner) const {
    return {.code = "unavailable",
            .message = owner + " has " + std::to_string(limits.sessions_max) +
                       " sessions with this MCP server already, all in use: end some of them."};
  }

  static Task<Result<Session>> open(std::shared_ptr<Impl> self, Forward forward, rpc::Era era,
                                    std::string key);
  static Task<Result<Session>> shared(std::shared_ptr<Impl> self, Forward forward);
  static Task<void> end_idle(std::weak_ptr<PipeSession> session, net::Loop& loop, Duration idle);
  static Task<Sent> answer(std::shared_ptr<Impl> self, Session session, rpc::Message request,
                           std::shared_ptr<net::Abort> abort);
  static Task<Sent> post_modern(std::shared_ptr<Impl> self, Forward forward);
  static Task<Sent> post_legacy(std::shared_ptr<Impl> self, Forward forward);
  static Task<Sent> initialize(std::shared_ptr<Impl> self, Forward forward);
  // Null: `why` says it.
  Session find(const Forward& forward, std::shared_ptr<Answer>& why) const;
  Sent without_message(const Forward& forward) const;
};

Task<Result<Session>> PipeBackend::Impl::open(std::shared_ptr<Impl> self, Forward forward,
                                              rpc::Era era, std::string key) {
  const std::string owner = owner_of(forward.who);
  if (!self->make_room(owner)) co_return std::unexpected(self->too_many(owner));
  self->places[key] = {.owner = owner, .era = era};
  auto pipe = co_await self->ports.open(forward);
  if (pipe && self->stopped) pipe = refuse("unavailable", "Keyturn is stopping.");
  const auto waits = std::exchange(self->places[key].waits, {});
  for (const auto& wait : waits) wait->fire();
  if (!pipe) {
    self->places.erase(key);
    co_return std::unexpected(std::move(pipe.error()));
  }
  auto session =
      std::make_shared<PipeSession>(self->ports.loop, era, *std::move(pipe), self->limits.session);
  self->places[key].session = session;
  session->start([weak = std::weak_ptr(self), key] {
    if (const auto here = weak.lock()) here->places.erase(key);
  });
  const bool is_modern = era == rpc::Era::kModern;
  self->ports.loop.spawn(end_idle(session, self->ports.loop,
                                  is_modern ? self->limits.modern_idle : self->limits.legacy_idle));
  co_return session;
}

// The one server for all modern requests of a principal.
Task<Result<Session>> PipeBackend::Impl::shared(std::shared_ptr<Impl> self, Forward forward) {
  const std::string key = "modern\n" + owner_of(forward.who) + "\n" + forward.attachment;
  auto found = self->places.find(key);
  if (found != self->places.end() && !found->second.session) {
    const auto wait = std::make_shared<net::Waiter>(self->ports.loop);
    found->second.waits.push_back(wait);
    co_await wait->wait(std::chrono::minutes(1));
    found = self->places.find(key);
    if (found != self->places.end() && !found->second.session)
      co_return refuse("unavailable", "The MCP server does not start.");
  }
  if (found != self->places.end()) co_return found->second.session;
  co_return co_await open(self, std::move(forward), rpc::Era::kModern, key);
}

Task<void> PipeBackend::Impl::end_idle(std::weak_ptr<PipeSession> session, net::Loop& loop,
                                       Duration idle) {
  Duration left = idle;
  while (true) {
    co_await loop.sleep(left);
    const auto here = session.lock();
    if (!here || here->ended()) co_return;
    const auto since = std::chrono::steady_clock::now() - here->used();
    left = here->is_busy() ? idle : idle - std::chrono::duration_cast<Duration>(since);
    if (left > Duration::zero()) continue;
    here->end("This session was ended: nothing was asked of it for " + to_text(idle) + ".");
    co_return;
  }
}

Task<Sent> PipeBackend::Impl::answer(std::shared_ptr<Impl> self, Session session,
                                     rpc::Message request, std::shared_ptr<net::Abort> abort) {
  const bool is_discover = request.method == "server/discover";
  if (abort && abort->is_aborted()) co_return went_away();
  const auto asked = session->ask(std::move(request));
  if (!asked) co_return std::unexpected(asked.error());
  const std::shared_ptr<LogReader> reader = *asked;
  if (abort) abort->set_end([reader] { reader->cut(); });
  co_await reader->ready(is_discover ? self->limits.discover_within : self->limits.stream_after);
  if (abort) abort->set_end({});
  if (abort && abort->is_aborted()) co_return went_away();
  if (auto why = reader->refused()) co_return std::unexpected(*std::move(why));
  if (is_discover && reader->is_empty()) {
    session->give_up(*reader, rpc::kMethodNotFound,
                     "The MCP server does not answer server/discover: it may speak only revisions "
                     "before 2026-07-28.");
  }
  if (auto message = reader->take_answer()) {
    // A server of the other era is of no more use here.
    const bool is_failure = message->value.find("error") != nullptr;
    if (is_discover && is_failure && session->in_flight() == 0)
      session->end("The MCP server does not speak this revision.");
    co_return json_answer(*std::move(message));
  }
  if (session->version() >= kResumable) reader->prime();
  co_return reader;
}

Task<Sent> PipeBackend::Impl::post_modern(std::shared_ptr<Impl> self, Forward forward) {
  rpc::Message message = *std::move(forward.message);
  const auto abort = forward.abort;
  if (message.kind != rpc::Kind::kRequest) {
    const auto found =
        self->places.find("modern\n" + owner_of(forward.who) + "\n" + forward.attachment);
    if (found != self->places.end() && found->second.session)
      found->second.session->tell(std::move(message));
    co_return accepted();
  }
  auto session = co_await shared(self, std::move(forward));
  if (!session) co_return std::unexpected(std::move(session.error()));
  co_return co_await answer(self, *std::move(session), std::move(message), abort);
}

Task<Sent> PipeBackend::Impl::initialize(std::shared_ptr<Impl> self, Forward forward) {
  rpc::Message message = *std::move(forward.message);
  const auto abort = forward.abort;
  const std::string id = to_hex(self->ports.random.bytes(16));
  auto session = co_await open(self, std::move(forward), rpc::Era::kLegacy, id);
  if (!session) co_return std::unexpected(std::move(session.error()));
  auto answered = co_await answer(self, *session, std::move(message), abort);
  if (answered && ((*answered)->is_stream || !(*session)->version().empty())) {
    (*answered)->headers.set("Mcp-Session-Id", id);
  } else {
    (*session)->end("The session did not begin.");
  }
  co_return answered;
}

Session PipeBackend::Impl::find(const Forward& forward, std::shared_ptr<Answer>& why) const {
  if (forward.session.empty()) {
    why = status_answer(400, kBadSession, "Bad Request: Mcp-Session-Id header is required");
    return {};
  }
  const auto found = places.find(forward.session);
  if (found == places.end() || found->second.era != rpc::Era::kLegacy || !found->second.session ||
      found->second.owner != owner_of(forward.who)) {
    why = status_answer(404, kSessionNotFound, "Session not found");
    return {};
  }
  return found->second.session;
}

Task<Sent> PipeBackend::Impl::post_legacy(std::shared_ptr<Impl> self, Forward forward) {
  const bool is_request = forward.message->kind == rpc::Kind::kRequest;
  if (is_request && forward.message->method == "initialize") {
    if (forward.session.empty()) co_return co_await initialize(self, std::move(forward));
    co_return status_answer(400, rpc::kInvalidRequest,
                            "Invalid Request: this session is initialized already");
  }
  std::shared_ptr<Answer> why;
  const Session session = self->find(forward, why);
  if (!session) co_return why;
  if (is_request)
    co_return co_await answer(self, session, *std::move(forward.message), forward.abort);
  session->tell(*std::move(forward.message));
  co_return accepted();
}

Sent PipeBackend::Impl::without_message(const Forward& forward) const {
  const bool is_modern =
      rpc::era_of({}, forward.header("MCP-Protocol-Version")) == rpc::Era::kModern;
  if (is_modern || (forward.method != "GET" && forward.method != "DELETE")) return not_allowed();
  std::shared_ptr<Answer> why;
  const Session session = find(forward, why);
  if (!session) return why;
  if (forward.method == "DELETE") {
    session->end("The client ended its session.");
    return std::make_shared<BodyAnswer>(200);
  }
  auto reader = session->listen(forward.header("Last-Event-ID"));
  if (reader) return *std::move(reader);
  return status_answer(reader.error().code == "conflict" ? 409 : 400, kBadSession,
                       reader.error().message);
}

PipeBackend::PipeBackend(PipePorts ports, PipeLimits limits)
    : impl_(std::make_shared<Impl>(std::move(ports), limits)) {}

PipeBackend::~PipeBackend() {
  impl_->stopped = true;
  std::vector<Session> all;
  for (const auto& [key, place] : impl_->places) {
    if (place.session) all.push_back(place.session);
  }
  for (const Session& session : all) session->end("Keyturn is stopping.");
}

Task<Sent> PipeBackend::send(Forward forward) {
  const auto impl = impl_;
  if (!forward.message) co_return impl->without_message(forward);
  const auto era = rpc::era_of(*forward.message, forward.header("MCP-Protocol-Version"));
  if (era == rpc::Era::kModern) co_return co_await Impl::post_modern(impl, std::move(forward));
  co_return co_await Impl::post_legacy(impl, std::move(forward));
}

const secrets::Redactor* PipeBackend::redactor() const {
  return impl_->ports.redactor ? impl_->ports.redactor() : nullptr;
}

std::size_t PipeBackend::sessions() const {
  return impl_->places.size();
}

}  // namespace keyturn::connectors::mcp
