#include "cli/bridge/attachment.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/bridge/exchange.h"
#include "doc/json.h"
#include "net/client.h"

namespace keyturn::cli::bridge {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kPostBytesMax = 256 << 10;
constexpr std::size_t kWaitingBytesMax = 64 << 20;
constexpr milliseconds kAgain{200}, kStreamAgain{500};
constexpr std::chrono::seconds kSilence{60};
constexpr int kCreated = 201, kUnauthorized = 401;

Refusal refusal_of(const net::ClientResponse& response, const std::string& upstream,
                   const std::string& url) {
  const Result<doc::Value> problem = doc::parse_json(response.body);
  const std::string code(problem ? problem->text("code") : "");
  std::string words(problem ? problem->text("detail") : "");
  if (words.empty()) words = fmt::format("{} answered HTTP {}", url, response.status);
  if (code == "unknown_upstream" || code == "not_attached") {
    words += fmt::format(
        "\nFor \"keyturn mcp -- COMMAND\", tools.yaml of the Keyturn at {} needs:\n"
        "upstreams:\n  {}:\n    attached: true\n"
        "(--upstream says another name.)",
        url, upstream);
  }
  if (response.status == kUnauthorized) {
    words +=
        ". Make a token for the agent (keyturn token create --agent NAME) and set "
        "KEYTURN_TOKEN in the environment of this MCP server.";
  }
  return {code.empty() ? "not_keyturn" : code, std::move(words), ""};
}

}  // namespace

Attachment::Attachment(Environment environment, std::string upstream, Process& process,
                       Outlet& outlet)
    : environment_(std::move(environment)),
      upstream_(std::move(upstream)),
      process_(process),
      outlet_(outlet) {
  while (environment_.url.ends_with('/')) environment_.url.pop_back();
  reader_ = std::thread([this] { read(); });
  upper_ = std::thread([this] { up(); });
  downer_ = std::thread([this] { down(); });
}

Attachment::~Attachment() {
  stop();
}

net::ClientRequest Attachment::request(std::string method, const std::string& path) const {
  net::ClientRequest out;
  out.method = std::move(method);
  out.url = environment_.url + "/v1/mcp/attachments" + path;
  out.headers.add("Authorization", "Bearer " + environment_.token);
  out.timeout = kAnswerWithin;
  out.keep_going = [this] { return !stopping_; };
  return out;
}

Result<std::string> Attachment::attach() {
  const std::scoped_lock one_at_a_time(attaching_);
  {
    const std::scoped_lock lock(mutex_);
    if (!id_.empty()) return id_;
  }
  net::ClientRequest create = request("POST", "");
  create.headers.add("Content-Type", "application/json");
  create.body = doc::write_json(doc::object({{"upstream", upstream_}}));
  const Result<net::ClientResponse> response = net::fetch(create);
  if (!response) return refuse("away", response.error().message);
  if (response->status >= 502 && response->status <= 504)
    return refuse("away", fmt::format("HTTP {}", response->status));
  const Result<doc::Value> body = doc::parse_json(response->body);
  if (response->status != kCreated || !body || body->text("id").empty()) {
    Refusal why = refusal_of(*response, upstream_, environment_.url);
    outlet_.say_once(why.message);
    return std::unexpected(std::move(why));
  }
  for (const std::string& line : side_.begin()) to_child(line);
  const std::scoped_lock lock(mutex_);
  id_ = body->text("id");
  waiting_.clear();
  at_ = 0;
  heard_.clear();
  changed_.notify_all();
  return id_;
}

void Attachment::lost(const std::string& id) {
  const std::scoped_lock lock(mutex_);
  if (id_ != id) return;
  id_.clear();
  waiting_.clear();
  changed_.notify_all();
}

void Attachment::to_child(const std::string& line) {
  if (!line.empty()) (void)process_.write(line);
}

void Attachment::put(std::string line) {
  if (line.empty()) return;
  line += '\n';
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] {
    return stopping_ || id_.empty() || waiting_.size() + line.size() <= kWaitingBytesMax;
  });
  if (id_.empty()) return;
  waiting_ += line;
  changed_.notify_all();
}

void Attachment::read() {
  while (std::optional<std::string> line = process_.read()) {
    bool is_attached = false;
    {
      const std::scoped_lock lock(mutex_);
      is_attached = !id_.empty();
    }
    ChildSide::Up said = side_.up(*line, is_attached);
    to_child(said.to_child);
    put(std::move(said.to_keyturn));
  }
  silent_ = true;
  const std::scoped_lock lock(mutex_);
  changed_.notify_all();
}

void Attachment::up() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || (!id_.empty() && !waiting_.empty()); });
    if (stopping_) return;
    const std::string id = id_;
    const std::uint64_t at = at_;
    const std::string bytes = waiting_.substr(0, kPostBytesMax);
    in_hand_ = true;
    lock.unlock();
    const bool taken = post(id, at, bytes);
    lock.lock();
    in_hand_ = false;
    if (taken && id_ == id) {
      waiting_.erase(0, bytes.size());
      at_ += bytes.size();
    }
    changed_.notify_all();
    if (!taken) changed_.wait_for(lock, kAgain, [this] { return stopping_.load(); });
  }
}

// False: once more. A piece that came twice is taken once: Keyturn knows where it stood.
bool Attachment::post(const std::string& id, std::uint64_t at, const std::string& bytes) {
  net::ClientRequest say = request("POST", fmt::format("/{}/messages?at={}", id, at));
  say.headers.add("Content-Type", "application/x-ndjson");
  say.body = bytes;
  const Result<net::ClientResponse> response = net::fetch(say);
  if (!response || (response->status >= 502 && response->status <= 504)) return false;
  if (response->status >= 200 && response->status <= 299) return true;
  if (response->status != kNotFound && response->status != kConflict)
    outlet_.say_once(refusal_of(*response, upstream_, environment_.url).message);
  lost(id);
  return false;
}

void Attachment::down() {
  for (;;) {
    std::string id, last;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !id_.empty(); });
      if (stopping_) return;
      id = id_;
      last = heard_;
    }
    net::ClientRequest listen = request("GET", "/" + id + "/stream");
    listen.headers.add("Accept", "text/event-stream");
    if (!last.empty()) listen.headers.add("Last-Event-ID", last);
    listen.timeout = Duration{0};
    listen.silence_timeout = kSilence;  // the server sends a heartbeat
    net::EventReader events;
    events.bytes_max = 17 << 20;
    listen.on_bytes = [&](std::string_view bytes) {
      return events.feed(bytes, [&](const net::ServerEvent& event) {
        if (event.event != "child") return true;
        {
          const std::scoped_lock lock(mutex_);
          if (id_ != id) return false;
          heard_ = event.id;
        }
        const ChildSide::Down said = side_.down(event.data);
        put(said.to_keyturn);
        to_child(said.to_child);
        return true;
      });
    };
    listen.keep_going = [&] {
      const std::scoped_lock lock(mutex_);
      return !stopping_ && id_ == id;
    };
    const Result<net::ClientResponse> response = net::fetch(listen);
    if (response && response->status >= 400 && response->status < 500) lost(id);
    if (!pause(kStreamAgain)) return;
  }
}

bool Attachment::pause(milliseconds duration) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, duration, [this] { return stopping_.load(); });
  return !stopping_;
}

void Attachment::drain(milliseconds most) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, most,
                    [this] { return silent_ && (id_.empty() || (waiting_.empty() && !in_hand_)); });
}

// The process has ended (or its pipe would keep the reader).
void Attachment::stop() {
  std::string id;
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_.exchange(true)) return;
    id = id_;
    changed_.notify_all();
  }
  if (!id.empty()) {
    net::ClientRequest end = request("DELETE", "/" + id);
    end.timeout = kEndWithin;
    end.keep_going = nullptr;
    (void)net::fetch(end);
  }
  reader_.join();
  upper_.join();
  downer_.join();
}

}  // namespace keyturn::cli::bridge
