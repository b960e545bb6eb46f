// What the client says that is not answered: notifications, its own answers, cancellations.
#include <algorithm>
#include <chrono>

#include "cli/bridge/bridge.h"
#include "cli/bridge/exchange.h"

namespace keyturn::cli::bridge {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr milliseconds kHeadAwaited{1'000};  // of a request, before it is cancelled
constexpr milliseconds kHeadStep{50};
constexpr int kRenewalsMax = 10;

}  // namespace

void Bridge::notify(const Incoming& incoming) {
  if (!door_.has_token()) return;
  milliseconds backoff = kBackoffFirst;
  const auto began = SteadyClock::now();
  for (int renewals = 0; !stopping_;) {
    if (incoming.message.kind == rpc::Kind::kResponse && is_stale(incoming.message)) return;
    Refusal why;
    const Next next = notify_once(incoming, why);
    if (next == Next::kDone) break;
    if (next == Next::kAgain && ++renewals < kRenewalsMax) continue;
    if (SteadyClock::now() - began >= patience() || !pause(backoff)) return;
    backoff = std::min(backoff * 2, kBackoffMost);
  }
  const std::scoped_lock lock(mutex_);
  if (incoming.message.kind == rpc::Kind::kResponse)
    server_asks_.erase(rpc::id_text(incoming.message.id));
  if (incoming.message.method == "notifications/initialized" && session_.stands) {
    session_.told = true;
    changed_.notify_all();
  }
}

Bridge::Next Bridge::notify_once(const Incoming& incoming, Refusal& why) {
  constexpr int kNotFound = 404;
  const Session now = session();
  const bool in_session = now.stands && rpc::era_of(incoming.message, {}) == rpc::Era::kLegacy;
  std::string attachment = now.attachment;
  if (attaching_ != nullptr) {
    Result<std::string> attached = attaching_->attach();
    if (!attached) {
      why = attached.error();
      return why.code == "away" ? Next::kWait : Next::kDone;
    }
    attachment = std::move(*attached);
  }
  const auto again = [&] {
    const Result<void> ok = renew(now.generation);
    if (ok) return Next::kAgain;
    why = ok.error();
    return why.code == "away" ? Next::kWait : Next::kDone;
  };
  if (in_session && attachment != now.attachment) return again();
  Sending sending = sending_of(incoming.message, incoming.line, now);
  if (!attachment.empty()) sending.headers.set("Keyturn-Attachment", attachment);
  sending.begun = [this](const net::Headers&) { was_there(); };
  sending.heard = [this](std::string_view json) { hear(json); };
  sending.keep_going = [this] { return !stopping_; };
  sending.timeout = std::chrono::seconds(60);
  const Came came = door_.send(sending);
  why = came.why;
  if (came.kind == Came::Kind::kAway) return Next::kWait;
  if (came.kind == Came::Kind::kRefused && came.status == kNotFound && in_session &&
      !now.id.empty()) {
    if (!attachment.empty()) attaching_->lost(attachment);
    return again();
  }
  if (came.kind == Came::Kind::kRefused) outlet_.say_once(came.why.message);
  return Next::kDone;
}

// An answer to what was asked in a session that is no more: another may ask under the same id.
bool Bridge::is_stale(const rpc::Message& response) {
  const std::scoped_lock lock(mutex_);
  const auto found = server_asks_.find(rpc::id_text(response.id));
  return found == server_asks_.end() || found->second.second != session_.generation;
}

// The client wants no answer any more. Legacy: the server is told by the notification; 2026-07-28:
// by the end of the connection.
void Bridge::cancel(const Incoming& incoming) {
  const doc::Value* params = incoming.message.params();
  const doc::Value* id = params == nullptr ? nullptr : params->find("requestId");
  const AskedPtr asked = id == nullptr ? nullptr : take_asked(*id);
  if (!asked) return;
  bool was_sent = false;
  {
    const std::scoped_lock lock(asked->mutex);
    asked->cancelled = true;
    was_sent = asked->sent;
  }
  if (!was_sent) return;
  if (asked->era == rpc::Era::kModern) {
    asked->cut = true;
    return;
  }
  if (!workers_.run([this, incoming, asked] { send_cancellation(incoming, asked); }))
    asked->cut = true;
}

// Requests and notifications travel on connections of their own. One that overtook its request
// would cancel nothing, so the request's own answer is awaited for a moment; where it begins later,
// the cancellation is said again.
void Bridge::send_cancellation(const Incoming& incoming, const AskedPtr& asked) {
  const auto await_head = [&] {
    const auto deadline = SteadyClock::now() + kHeadAwaited;
    while (!asked->begun && SteadyClock::now() < deadline && !stopping_)
      std::this_thread::sleep_for(kHeadStep);
    return asked->begun.load();
  };
  const bool began = await_head();
  notify(incoming);
  if (!began && await_head()) notify(incoming);
  asked->cut = true;
}

}  // namespace keyturn::cli::bridge
