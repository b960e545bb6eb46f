#include "cli/bridge/bridge.h"

#include <fmt/format.h>

#include <utility>

#include "base/bytes.h"
#include "base/random.h"
#include "doc/json.h"

namespace keyturn::cli::bridge {
namespace {

constexpr std::size_t kOpenMax = 256;    // requests of the client at a time
constexpr std::size_t kQueueMax = 1024;  // messages that wait for their turn

}  // namespace

std::string new_call_key() {
  SystemRandom random;
  return to_hex(random.bytes(16));
}

Bridge::Bridge(Door& door, Outlet& outlet, Attaching* attaching)
    : door_(door), outlet_(outlet), attaching_(attaching), workers_(kOpenMax + 16) {
  sequencer_ = std::thread([this] { sequence(); });
  listener_ = std::thread([this] { listen(); });
}

Bridge::~Bridge() {
  stop();
}

void Bridge::take(std::string line) {
  if (line.find_first_not_of(" \t\r") == std::string::npos) return;
  Result<rpc::Message> message = rpc::parse(line);
  if (!message) {
    const bool is_json = message.error().code == "invalid_request";
    outlet_.write(
        rpc::error({}, is_json ? rpc::kInvalidRequest : rpc::kParseError, message.error().message));
    return;
  }
  {
    const std::scoped_lock lock(mutex_);
    if (queue_.size() < kQueueMax) {
      queue_.push_back({std::move(*message), std::move(line)});
      changed_.notify_all();
      return;
    }
  }
  if (message->kind == rpc::Kind::kRequest)
    outlet_.write(rpc::error(message->id, rpc::kUnavailable, "too many messages wait already"));
  else
    outlet_.say_once("too many messages wait already; the client's latest are left out");
}

void Bridge::sequence() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    Incoming incoming = std::move(queue_.front());
    queue_.pop_front();
    busy_ = true;
    lock.unlock();
    pass(std::move(incoming));
    lock.lock();
    busy_ = false;
    changed_.notify_all();
  }
}

void Bridge::pass(Incoming incoming) {
  if (incoming.message.kind == rpc::Kind::kNotification &&
      incoming.message.method == "notifications/cancelled")
    return cancel(incoming);
  if (incoming.message.kind != rpc::Kind::kRequest) return notify(incoming);
  const auto asked = std::make_shared<Asked>();
  asked->message = std::move(incoming.message);
  asked->line = std::move(incoming.line);
  asked->era = rpc::era_of(asked->message, {});
  if (asked->message.method == "tools/call") asked->key = new_call_key();
  const doc::Value& id = asked->message.id;
  std::string refused;
  {
    const std::scoped_lock lock(mutex_);
    if (open_.size() >= kOpenMax)
      refused = fmt::format("more than {} requests are open", kOpenMax);
    else if (!open_.emplace(rpc::id_text(id), asked).second)
      refused = "a request with this id is open already";
  }
  if (!refused.empty()) {
    outlet_.write(rpc::error(id, rpc::kInvalidRequest, refused));
    return;
  }
  // What a client says after it depends on it: the session.
  if (asked->message.method == "initialize") return ask(asked);
  if (!workers_.run([this, asked] { ask(asked); }))
    fail(asked, rpc::kInternalError, {"stopping", "keyturn mcp is ending", ""});
}

// From the server, on whichever stream.
void Bridge::hear(std::string_view json) {
  const Result<rpc::Message> message = rpc::parse(json);
  if (!message) {
    outlet_.say_once("the MCP server said something that is no message, which is left out: " +
                     message.error().message);
    return;
  }
  if (message->kind == rpc::Kind::kResponse) {
    const AskedPtr asked = take_asked(message->id);
    if (!asked) return;  // was answered, or cancelled
    if (const doc::Value* result = message->value.find("result")) {
      if (asked->message.method == "tools/list") marks_.learn(*result);
      remember(asked->message);
    }
  }
  if (message->kind == rpc::Kind::kRequest) {
    const std::scoped_lock lock(mutex_);
    if (server_asks_.size() < kOpenMax)
      server_asks_[rpc::id_text(message->id)] = {message->id, session_.generation};
  }
  outlet_.write(json);
}

// The open request of that id, which is over now: what comes for it is for nobody any more.
AskedPtr Bridge::take_asked(const doc::Value& id) {
  const std::scoped_lock lock(mutex_);
  const auto found = open_.find(rpc::id_text(id));
  if (found == open_.end()) return nullptr;
  AskedPtr asked = std::move(found->second);
  open_.erase(found);
  asked->over = true;
  changed_.notify_all();
  return asked;
}

void Bridge::fail(const AskedPtr& asked, std::int64_t code, const Refusal& why) {
  if (asked->over || !take_asked(asked->message.id)) return;
  outlet_.write(
      rpc::error(asked->message.id, code, why.message, doc::object({{"code", why.code}})));
}

void Bridge::was_there() {
  {
    const std::scoped_lock lock(mutex_);
    was_there_ = true;
  }
  if (is_away_.exchange(false)) outlet_.say(door_.url() + " answers again");
}

// False: it is time to stop, or nobody wants the request any more.
bool Bridge::pause(std::chrono::milliseconds duration, const Asked* asked) {
  std::unique_lock lock(mutex_);
  const auto ends = [&] { return stopping_ || failed_ || (asked != nullptr && asked->over); };
  changed_.wait_for(lock, duration, ends);
  return !ends();
}

void Bridge::drain(std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, most, [this] { return queue_.empty() && !busy_ && open_.empty(); });
}

void Bridge::fail_all(const std::string& words) {
  std::map<std::string, AskedPtr> open;
  {
    const std::scoped_lock lock(mutex_);
    failed_ = true;
    open.swap(open_);
    for (const auto& [id, asked] : open) asked->over = true;
    changed_.notify_all();
  }
  for (const auto& [id, asked] : open) {
    asked->cut = true;
    outlet_.write(
        rpc::error(asked->message.id, rpc::kUnavailable, words, doc::object({{"code", "ended"}})));
  }
}

void Bridge::stop() {
  if (stopping_.exchange(true)) return;
  {
    const std::scoped_lock lock(mutex_);
    changed_.notify_all();
  }
  end_session();
  sequencer_.join();
  listener_.join();
  workers_.join();
}

}  // namespace keyturn::cli::bridge
