// The session of the eras that have one: opened again when Keyturn (or the server) forgot it, so
// that the client need not know.
#include <fmt/format.h>

#include <chrono>

#include "cli/bridge/bridge.h"
#include "cli/bridge/exchange.h"
#include "doc/json.h"

namespace keyturn::cli::bridge {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kStreamSoon{1'000}, kStreamLater{3'000};
constexpr std::size_t kFollowedMax = 256;

rpc::Message with_id(rpc::Message message, const std::string& id) {
  message.value.set("id", id);
  message.id = doc::Value(id);
  return message;
}

}  // namespace

Bridge::Session Bridge::session() {
  const std::scoped_lock lock(mutex_);
  return session_;
}

// Ids of our own requests, which no client uses.
std::string Bridge::own_id() {
  return fmt::format("keyturn-{}", ++own_ids_);
}

// What a server knows of a session besides its beginning.
void Bridge::remember(const rpc::Message& request) {
  const std::scoped_lock lock(mutex_);
  const doc::Value* params = request.params();
  if (request.method == "logging/setLevel") level_ = request;
  if (params == nullptr) return;
  const std::string uri(params->text("uri"));
  if (request.method == "resources/unsubscribe") followed_.erase(uri);
  if (request.method == "resources/subscribe" && followed_.size() < kFollowedMax)
    followed_.insert_or_assign(uri, request);
}

Result<doc::Value> Bridge::ask_quietly(const rpc::Message& message, const Session& session,
                                       const std::string& attachment, net::Headers* headers) {
  Sending sending = sending_of(message, doc::write_json(message.value), session);
  if (!attachment.empty()) sending.headers.set("Keyturn-Attachment", attachment);
  sending.timeout = kAnswerWithin;
  sending.keep_going = [this] { return !stopping_; };
  sending.begun = [&](const net::Headers& head) {
    was_there();
    if (headers != nullptr) *headers = head;
  };
  std::optional<doc::Value> answer;
  sending.heard = [&](std::string_view json) {
    const Result<rpc::Message> said = rpc::parse(json);
    if (said && said->kind == rpc::Kind::kResponse && said->id == message.id)
      answer = said->value;
    else
      hear(json);
  };
  const Came came = door_.send(sending);
  if (answer) {
    if (const doc::Value* result = answer->find("result")) return *result;
    const doc::Value* words = answer->find_path({"error", "message"});
    return refuse("refused",
                  "the MCP server refused to go on: " + (words != nullptr && words->is_string()
                                                             ? words->as_string()
                                                             : std::string("it does not say why")));
  }
  if (came.kind == Came::Kind::kRefused) {
    Refusal why = came.why;
    if (why.code == "away") why.code = "refused";
    return std::unexpected(why);
  }
  return refuse("away", came.why.message.empty() ? "the answer ended before it was complete"
                                                 : came.why.message);
}

Result<void> Bridge::renew(std::uint64_t generation) {
  const std::scoped_lock one_at_a_time(renewing_);
  const Session old = session();
  if (old.generation != generation) return {};  // somebody else did
  std::string attachment;
  if (attaching_ != nullptr) {
    Result<std::string> attached = attaching_->attach();
    if (!attached) return std::unexpected(attached.error());
    attachment = std::move(*attached);
  }
  if (!old.stands) return {};
  return replay(old, attachment);
}

// The client's own initialize, and what it set up since. The answers are for nobody.
Result<void> Bridge::replay(const Session& old, const std::string& attachment) {
  std::optional<rpc::Message> initialize, level;
  std::map<std::string, rpc::Message> followed;
  {
    const std::scoped_lock lock(mutex_);
    initialize = initialize_;
    level = level_;
    followed = followed_;
  }
  if (!initialize) return {};
  net::Headers headers;
  const Result<doc::Value> result =
      ask_quietly(with_id(*initialize, own_id()), Session{}, attachment, &headers);
  if (!result) return std::unexpected(result.error());
  Session fresh;
  fresh.id = headers.find("mcp-session-id").value_or("");
  fresh.version = result->text("protocolVersion");
  fresh.attachment = attachment;
  fresh.generation = old.generation + 1;
  fresh.stands = true;
  if (old.told) {
    const Result<rpc::Message> told = rpc::read(rpc::notification("notifications/initialized", {}));
    Sending sending = sending_of(*told, doc::write_json(told->value), fresh);
    if (!attachment.empty()) sending.headers.set("Keyturn-Attachment", attachment);
    sending.timeout = kAnswerWithin;
    const Came came = door_.send(sending);
    if (came.kind == Came::Kind::kAway) return refuse("away", came.why.message);
    fresh.told = true;
  }
  if (level) (void)ask_quietly(with_id(*level, own_id()), fresh, attachment, nullptr);
  for (const auto& [uri, message] : followed)
    (void)ask_quietly(with_id(message, own_id()), fresh, attachment, nullptr);
  publish(fresh);
  outlet_.say(fmt::format("the session with \"{}\" was opened again", door_.upstream()));
  return {};
}

// From here on the old session's questions to the client are nobody's.
void Bridge::publish(const Session& fresh) {
  std::vector<doc::Value> stale;
  {
    const std::scoped_lock lock(mutex_);
    session_ = fresh;
    for (const auto& [id, asked] : server_asks_) {
      if (asked.second != fresh.generation) stale.push_back(asked.first);
    }
    std::erase_if(server_asks_,
                  [&](const auto& one) { return one.second.second != fresh.generation; });
    changed_.notify_all();
  }
  for (const doc::Value& id : stale) {
    outlet_.write(rpc::notification(
        "notifications/cancelled",
        doc::object({{"requestId", id}, {"reason", "the connection to the server was lost"}})));
  }
}

void Bridge::listen() {
  std::optional<std::uint64_t> without;  // the session that has no such stream
  std::uint64_t of = 0;
  std::string last;
  for (;;) {
    Session now;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] {
        return stopping_ || failed_ || (session_.told && session_.generation != without);
      });
      if (stopping_ || failed_) return;
      now = session_;
    }
    if (now.generation != of) last.clear();
    of = now.generation;
    Sending sending;
    sending.method = "GET";
    if (!now.id.empty()) sending.headers.set("Mcp-Session-Id", now.id);
    if (!now.version.empty()) sending.headers.set("MCP-Protocol-Version", now.version);
    if (!now.attachment.empty()) sending.headers.set("Keyturn-Attachment", now.attachment);
    if (!last.empty()) sending.headers.set("Last-Event-ID", last);
    sending.begun = [this](const net::Headers&) { was_there(); };
    sending.heard = [this](std::string_view json) { hear(json); };
    sending.keep_going = [&] { return !stopping_ && session().generation == now.generation; };
    const Came came = door_.send(sending);
    if (!came.last_id.empty()) last = came.last_id;
    milliseconds wait = came.retry.value_or(kStreamSoon);
    if (came.kind == Came::Kind::kRefused && came.status == kNotFound && !now.id.empty()) {
      const Result<void> ok = renew(now.generation);
      if (!ok && ok.error().code != "away") without = now.generation;
      wait = ok ? milliseconds(0) : kStreamLater;
    } else if (came.kind == Came::Kind::kRefused && came.status == kConflict) {
      wait = kStreamLater;  // the stream that broke was not missed yet
    } else if (came.kind == Came::Kind::kRefused) {
      without = now.generation;  // 405: the server has none
    }
    if (!pause(wait)) return;
  }
}

void Bridge::end_session() {
  const Session now = session();
  if (!now.stands || now.id.empty()) return;
  Sending sending;
  sending.method = "DELETE";
  sending.headers.set("Mcp-Session-Id", now.id);
  if (!now.version.empty()) sending.headers.set("MCP-Protocol-Version", now.version);
  if (!now.attachment.empty()) sending.headers.set("Keyturn-Attachment", now.attachment);
  sending.timeout = kEndWithin;
  (void)door_.send(sending);
}

}  // namespace keyturn::cli::bridge
