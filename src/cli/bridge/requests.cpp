// What the client asks, until it is answered: sent, resumed, sent again.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "cli/bridge/bridge.h"
#include "cli/bridge/exchange.h"
#include "doc/json.h"

namespace keyturn::cli::bridge {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

// Before Keyturn ever answered: clients give up soon.
constexpr milliseconds kFirstPatience{25'000};
constexpr milliseconds kPatience{120'000};  // once it has
constexpr milliseconds kRetryUsual{1'000};  // of a stream that does not say
constexpr int kResumesMax = 20;
constexpr int kBadRequest = 400;

std::int64_t error_code(const std::string& body) {
  const Result<doc::Value> value = doc::parse_json(body);
  const doc::Value* code = value ? value->find_path({"error", "code"}) : nullptr;
  return code == nullptr ? 0 : code->as_int64().value_or(0);
}

constexpr std::int64_t kSessionNotFound = -32001;  // as servers say it

// Keyturn, on a stream that had begun already: a call that people agreed to did not start.
bool is_lost_session(std::string_view json) {
  if (!json.contains("unknown_session")) return false;
  const Result<doc::Value> value = doc::parse_json(json);
  const doc::Value* code = value ? value->find_path({"error", "code"}) : nullptr;
  const doc::Value* word = value ? value->find_path({"error", "data", "code"}) : nullptr;
  return code != nullptr && code->as_int64() == kSessionNotFound && word != nullptr &&
         word->is_string() && word->as_string() == "unknown_session";
}

}  // namespace

Sending Bridge::sending_of(const rpc::Message& message, const std::string& body,
                           const Session& session) {
  Sending out;
  out.body = body;
  const bool is_legacy = rpc::era_of(message, {}) == rpc::Era::kLegacy;
  if (!is_legacy) {
    add_standard_headers(message, out.headers);
    marks_.add(message, out.headers);
  } else if (message.method != "initialize" && session.stands) {
    if (!session.id.empty()) out.headers.set("Mcp-Session-Id", session.id);
    if (!session.version.empty()) out.headers.set("MCP-Protocol-Version", session.version);
  }
  return out;
}

void Bridge::ask(const AskedPtr& asked) {
  if (!door_.has_token()) {
    return fail(asked, rpc::kNotAllowed,
                {"unauthenticated",
                 "KEYTURN_TOKEN is not set. Make a token for the agent (keyturn token create "
                 "--agent NAME) and set it in the environment of this MCP server.",
                 ""});
  }
  milliseconds backoff = kBackoffFirst;
  std::optional<SteadyClock::time_point> since;  // when it was last heard of
  for (int attempt = 0; !asked->over && !stopping_; ++attempt) {
    Refusal why;
    asked->begun = false;
    const Next next = try_once(asked, attempt, why);
    if (next == Next::kDone) return;
    if (asked->begun) {
      since.reset();
      backoff = kBackoffFirst;
    }
    const auto now = SteadyClock::now();
    if (!since) since = now;
    if (now - *since >= patience()) {
      return fail(asked, rpc::kUnavailable,
                  {"unavailable",
                   fmt::format("Keyturn at {} cannot be reached ({}). Is it running? KEYTURN_URL "
                               "says where it is looked for.",
                               door_.url(), why.message),
                   ""});
    }
    if (next == Next::kWait && !is_away_.exchange(true))
      outlet_.say(fmt::format("{} does not answer ({}); trying again", door_.url(), why.message));
    if (next == Next::kAgain && attempt == 0) continue;
    if (!pause(backoff, asked.get())) return;
    backoff = std::min(backoff * 2, kBackoffMost);
  }
}

milliseconds Bridge::patience() {
  const std::scoped_lock lock(mutex_);
  return was_there_ ? kPatience : kFirstPatience;
}

// The session (or attachment) that is gone is made again. Then the request may go once more.
Bridge::Next Bridge::renewed(const AskedPtr& asked, std::uint64_t generation, Refusal& why) {
  const Result<void> ok = renew(generation);
  if (ok) {
    why = {"unknown_session", "Keyturn forgets the session again and again", ""};
    return Next::kAgain;
  }
  why = ok.error();
  if (why.code == "away") return Next::kWait;
  fail(asked, rpc::kUnavailable, why);
  return Next::kDone;
}

// kAgain: something has changed, and it may go now. kWait: `why` says what stands in the way.
Bridge::Next Bridge::try_once(const AskedPtr& asked, int attempt, Refusal& why) {
  const Session now = session();
  std::string attachment;
  if (attaching_ != nullptr) {
    Result<std::string> attached = attaching_->attach();
    if (!attached) {
      why = attached.error();
      if (why.code == "away") return Next::kWait;
      fail(asked, rpc::kNotAllowed, why);
      return Next::kDone;
    }
    attachment = std::move(*attached);
  }
  const bool is_initialize = asked->message.method == "initialize";
  const bool in_session = asked->era == rpc::Era::kLegacy && now.stands && !is_initialize;
  if (in_session && attachment != now.attachment) return renewed(asked, now.generation, why);

  Sending sending = sending_of(asked->message, asked->line, now);
  if (!attachment.empty()) sending.headers.set("Keyturn-Attachment", attachment);
  if (!asked->key.empty()) sending.headers.set("Keyturn-Call", asked->key);
  net::Headers head;
  sending.begun = [&](const net::Headers& headers) {
    asked->begun = true;
    head = headers;
    was_there();
  };
  bool is_lost = false;
  sending.heard = [&](std::string_view json) {
    if (is_initialize) settle_initialize(asked, head, json, attachment);
    is_lost = is_lost || (in_session && is_lost_session(json));
    if (!is_lost) hear(json);
  };
  int looks = 0;  // an answer that came is not read on for long
  sending.keep_going = [&] {
    const bool is_answered = asked->over && !asked->cancelled;
    return !stopping_ && !asked->cut && !(is_answered && ++looks > 2);
  };
  {
    const std::scoped_lock lock(asked->mutex);
    if (asked->cancelled) return Next::kDone;
    asked->sent = true;
  }
  const Came came = door_.send(sending);
  if (came.kind == Came::Kind::kStopped || asked->over) return Next::kDone;
  if (is_lost) {
    if (!attachment.empty()) attaching_->lost(attachment);
    return renewed(asked, now.generation, why);
  }
  if (came.kind == Came::Kind::kDone) {
    if (asked->era == rpc::Era::kLegacy && came.is_stream && !came.last_id.empty())
      return resume(asked, came);
    why = {"no_answer", "the answer ended before it was complete", ""};
    return Next::kWait;
  }
  why = came.why;
  if (came.kind == Came::Kind::kAway) return Next::kWait;
  was_there();
  return refused(asked, came, now, attachment, attempt, why);
}

// An HTTP status that is no success.
Bridge::Next Bridge::refused(const AskedPtr& asked, const Came& came, const Session& now,
                             const std::string& attachment, int attempt, Refusal& why) {
  const std::int64_t code = error_code(came.body);
  if (came.status == kNotFound && !attachment.empty() && code == kSessionNotFound) {
    attaching_->lost(attachment);
    return renewed(asked, now.generation, why);
  }
  const bool in_session = asked->era == rpc::Era::kLegacy && now.stands && !now.id.empty() &&
                          asked->message.method != "initialize";
  if (came.status == kNotFound && in_session) {
    // The server took nothing: what Keyturn recorded of this try is not what happens to the next.
    if (!asked->key.empty()) asked->key = new_call_key();
    return renewed(asked, now.generation, why);
  }
  // The connection broke, and the server has not noticed yet.
  if (attempt > 0 && came.status == kBadRequest && code == rpc::kInvalidRequest) return Next::kWait;
  // It wants parameters in headers; its list of tools says which.
  if (came.status == kBadRequest && code == rpc::kHeaderMismatch && !asked->listed &&
      asked->message.method == "tools/call") {
    asked->listed = true;
    list_marks(asked);
    return Next::kAgain;
  }
  if (relay_error(asked, came)) return Next::kDone;
  const bool is_about_us = came.status == 401 || came.status == 403 || came.status == kNotFound;
  fail(asked, is_about_us ? rpc::kNotAllowed : rpc::kUnavailable, came.why);
  outlet_.say_once(came.why.message);
  return Next::kDone;
}

// The server ended the stream before the answer, and said where it goes on (legacy resumption).
Bridge::Next Bridge::resume(const AskedPtr& asked, const Came& broken) {
  std::string last = broken.last_id;
  milliseconds wait = broken.retry.value_or(kRetryUsual);
  const std::uint64_t generation = session().generation;
  for (int in_vain = 0; in_vain < kResumesMax;) {
    if (!pause(wait, asked.get())) return Next::kDone;
    const Session now = session();
    if (now.generation != generation) return Next::kAgain;
    Sending sending = sending_of(asked->message, {}, now);
    sending.method = "GET";
    sending.headers.set("Last-Event-ID", last);
    if (!now.attachment.empty()) sending.headers.set("Keyturn-Attachment", now.attachment);
    sending.begun = [&](const net::Headers&) { was_there(); };
    sending.heard = [&](std::string_view json) { hear(json); };
    sending.keep_going = [&] { return !stopping_ && !asked->cut && !asked->over; };
    const Came came = door_.send(sending);
    if (asked->over || came.kind == Came::Kind::kStopped) return Next::kDone;
    if (came.kind == Came::Kind::kRefused && came.status != kConflict) return Next::kWait;
    wait = came.retry.value_or(wait);
    if (came.last_id.empty() || came.last_id == last) {
      ++in_vain;
    } else {
      last = came.last_id;
      in_vain = 0;
    }
  }
  return Next::kWait;
}

void Bridge::settle_initialize(const AskedPtr& asked, const net::Headers& headers,
                               std::string_view json, const std::string& attachment) {
  const Result<rpc::Message> message = rpc::parse(json);
  if (!message || message->kind != rpc::Kind::kResponse || message->id != asked->message.id) return;
  const doc::Value* result = message->value.find("result");
  if (result == nullptr) return;
  Session fresh;
  fresh.id = headers.find("mcp-session-id").value_or("");
  fresh.version = result->text("protocolVersion");
  fresh.attachment = attachment;
  fresh.stands = true;
  const std::scoped_lock lock(mutex_);
  fresh.generation = session_.generation + 1;
  session_ = std::move(fresh);
  initialize_ = asked->message;
  level_.reset();
  followed_.clear();
}

// What a server says with an HTTP status of its own: a JSON-RPC error, not always with the id.
bool Bridge::relay_error(const AskedPtr& asked, const Came& came) {
  const Result<rpc::Message> message = rpc::parse(came.body);
  if (!message || message->kind != rpc::Kind::kResponse || message->value.find("error") == nullptr)
    return false;
  if (!take_asked(asked->message.id)) return true;
  doc::Value value = message->value;
  value.set("id", asked->message.id);
  outlet_.write(value);
  return true;
}

// Looks at the server's tools, for what they want in headers.
void Bridge::list_marks(const AskedPtr& asked) {
  constexpr int kPagesMax = 100;
  std::string cursor;
  for (int page = 0; page < kPagesMax; ++page) {
    doc::Value params = doc::Object{};
    if (const doc::Value* meta = asked->message.meta()) {
      doc::Value own = doc::Object{};
      for (const doc::Member& member : meta->as_object()) {
        if (member.key != "progressToken") own.set(member.key, member.value);
      }
      params.set("_meta", std::move(own));
    }
    if (!cursor.empty()) params.set("cursor", cursor);
    Result<rpc::Message> message = rpc::read(rpc::request(own_id(), "tools/list", params));
    if (!message) return;
    const Session now = session();
    const Result<doc::Value> result = ask_quietly(*message, now, now.attachment, nullptr);
    if (!result) return;
    marks_.learn(*result);
    cursor = result->text("nextCursor");
    if (cursor.empty()) return;
  }
}

}  // namespace keyturn::cli::bridge
