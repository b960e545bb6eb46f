#include "connectors/mcp/pipe_session.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "base/task_impl.h"
#include "doc/json.h"

namespace keyturn::connectors::mcp {
namespace {

constexpr std::string_view kSubscription = "io.modelcontextprotocol/subscriptionId";
constexpr std::string_view kLogLevel = "io.modelcontextprotocol/logLevel";
constexpr std::string_view kOwnStream = "0";  // requests' streams are named by their own ids

doc::Value* member(doc::Value* object, std::string_view key) {
  if (object == nullptr || !object->is_object()) return nullptr;
  for (doc::Member& found : object->as_object()) {
    if (found.key == key) return &found.value;
  }
  return nullptr;
}

doc::Value* member(doc::Value& value, std::initializer_list<std::string_view> path) {
  doc::Value* at = &value;
  for (const std::string_view key : path) at = member(at, key);
  return at;
}

bool is_token(const doc::Value* value) {
  return value != nullptr && (value->is_string() || value->as_int64().has_value());
}

void set_id(rpc::Message& message, const doc::Value& id) {
  message.id = id;
  message.value.set("id", id);
}

}  // namespace

PipeSession::PipeSession(net::Loop& loop, rpc::Era era, std::shared_ptr<Pipe> pipe,
                         SessionLimits limits)
    : loop_(loop),
      era_(era),
      pipe_(std::move(pipe)),
      limits_(limits),
      own_stream_(std::make_shared<EventLog>(std::string(kOwnStream), limits.log)) {}

void PipeSession::start(std::function<void()> ended) {
  on_end_ = std::move(ended);
  loop_.spawn(pump(shared_from_this()));
}

Task<void> PipeSession::pump(std::shared_ptr<PipeSession> self) {
  const std::shared_ptr<Pipe> pipe = self->pipe_;
  while (!self->ended_) {
    auto line = co_await pipe->read();
    if (!line) {
      self->end(line.error().message);
      co_return;
    }
    // What is no message (programs greet people on stdout) is for nobody.
    auto message = rpc::parse(*line);
    if (message && !self->ended_) self->route(*std::move(message), line->size());
  }
}

Task<void> PipeSession::write(std::shared_ptr<PipeSession> self, doc::Value message) {
  const std::shared_ptr<Pipe> pipe = self->pipe_;
  const auto written = co_await pipe->write(doc::write_json(message));
  if (!written) self->end(written.error().message);
}

void PipeSession::send(doc::Value message) {
  if (!ended_) loop_.spawn(write(shared_from_this(), std::move(message)));
}

Result<std::shared_ptr<LogReader>> PipeSession::ask(rpc::Message request) {
  used_ = std::chrono::steady_clock::now();
  if (ended_) return refuse("unavailable", "The MCP server has ended: begin a new session.");
  if (flights_.size() >= limits_.in_flight_max) {
    return refuse("unavailable",
                  std::to_string(limits_.in_flight_max) +
                      " requests of this session are in flight already: wait for some to end.");
  }
  const std::int64_t own = ++last_id_;
  const bool is_modern = era_ == rpc::Era::kModern;
  Flight flight{.id = request.id, .token = {}, .method = request.method, .log = {}};
  flight.log = std::make_shared<EventLog>(is_modern ? "" : std::to_string(own), limits_.log);
  request.value.set("id", own);
  doc::Value* meta = member(request.value, {"params", "_meta"});
  if (doc::Value* token = member(meta, "progressToken"); is_token(token)) {
    flight.token = std::exchange(*token, own);
  }
  std::function<void()> left;
  if (is_modern) {
    flight.takes_logs = member(meta, kLogLevel) != nullptr;
    left = [weak = weak_from_this(), own] {
      if (const auto here = weak.lock()) here->leave(own);
    };
  }
  auto reader = std::make_shared<LogReader>(flight.log, loop_, 0, std::move(left));
  flights_.emplace(own, std::move(flight));
  send(std::move(request.value));
  return reader;
}

void PipeSession::tell(rpc::Message message) {
  used_ = std::chrono::steady_clock::now();
  if (ended_) return;
  if (message.kind == rpc::Kind::kResponse) {
    if (asked_.erase(rpc::id_text(message.id)) == 0) return;
  } else if (message.method == "notifications/cancelled") {
    // Modern clients close the stream instead; an id alone could be another client's.
    doc::Value* id = member(message.value, {"params", "requestId"});
    if (era_ == rpc::Era::kModern || id == nullptr) return;
    const std::string wanted = rpc::id_text(*id);
    const auto found = std::ranges::find_if(
        flights_ | std::views::reverse,
        [&](const auto& flight) { return rpc::id_text(flight.second.id) == wanted; });
    if (wanted.empty() || found == flights_.rend()) return;
    *id = found->first;
    loop_.spawn(end_later(shared_from_this(), found->first));
  }
  send(std::move(message.value));
}

Task<void> PipeSession::end_later(std::shared_ptr<PipeSession> self, std::int64_t own) {
  net::Loop& loop = self->loop_;
  const Duration wait = self->limits_.after_cancel;
  std::weak_ptr<PipeSession> weak = std::move(self);
  co_await loop.sleep(wait);
  const auto here = weak.lock();
  if (!here) co_return;
  const auto flight = here->flights_.find(own);
  if (flight != here->flights_.end()) here->finish(flight);
}

Result<std::shared_ptr<LogReader>> PipeSession::listen(std::string_view last_event_id) {
  used_ = std::chrono::steady_clock::now();
  const auto place = event_place(last_event_id);
  if (!last_event_id.empty() && !place) {
    return refuse("not_found", "The event id " + std::string(last_event_id) + " is none of ours.");
  }
  if (place && place->name != kOwnStream) {
    std::shared_ptr<EventLog> log;
    for (const auto& kept : finished_) {
      if (kept->name() == place->name) log = kept;
    }
    for (const auto& flight : flights_ | std::views::values) {
      if (flight.log->name() == place->name) log = flight.log;
    }
    if (!log)
      return refuse("not_found",
                    "Nothing is kept of the stream of event " + std::string(last_event_id) + ".");
    return std::make_shared<LogReader>(std::move(log), loop_, place->number + 1);
  }
  if (own_stream_->is_read()) {
    if (!place) return refuse("conflict", "Only one SSE stream is allowed per session.");
    own_stream_->cut_readers();
  }
  // Without a place to go on from, what nobody has read yet comes.
  const std::uint64_t from = place ? place->number + 1 : own_stream_->unread();
  return std::make_shared<LogReader>(own_stream_, loop_, from);
}

void PipeSession::end(std::string why) {
  if (std::exchange(ended_, true)) return;
  const auto self = shared_from_this();
  if (why.empty()) why = "The MCP server has ended.";
  for (const auto& flight : std::exchange(flights_, {}) | std::views::values)
    flight.log->fail({.code = "transfer_failed", .message = why});
  own_stream_->end();
  pipe_->cut();
  if (const auto on_end = std::exchange(on_end_, nullptr)) on_end();
}

void PipeSession::give_up(const LogReader& reader, std::int64_t code, std::string_view words) {
  for (auto at = flights_.begin(); at != flights_.end(); ++at) {
    if (!reader.reads(*at->second.log)) continue;
    auto message = rpc::read(rpc::error(at->second.id, code, words));
    at->second.log->append(*std::move(message), words.size());
    return finish(at);
  }
}

bool PipeSession::is_busy() const {
  return own_stream_->is_read() ||
         std::ranges::any_of(flights_ | std::views::values,
                             [](const Flight& flight) { return flight.log->is_read(); });
}

void PipeSession::route(rpc::Message message, std::size_t bytes) {
  used_ = std::chrono::steady_clock::now();
  switch (message.kind) {
    case rpc::Kind::kResponse:
      return route_response(std::move(message), bytes);
    case rpc::Kind::kNotification:
      return route_notification(std::move(message), bytes);
    case rpc::Kind::kRequest:
      return route_request(std::move(message), bytes);
  }
}

void PipeSession::route_response(rpc::Message message, std::size_t bytes) {
  const auto flight = flight_of(&message.id);
  if (flight == flights_.end()) return;
  set_id(message, flight->second.id);
  if (doc::Value* id = member(message.value, {"result", "_meta", kSubscription}); id != nullptr) {
    if (flight_of(id) == flight) *id = flight->second.id;
  }
  if (flight->second.method == "initialize") {
    if (const doc::Value* result = message.value.find("result"))
      version_ = result->text("protocolVersion");
  }
  flight->second.log->append(std::move(message), bytes);
  finish(flight);
}

void PipeSession::route_notification(rpc::Message message, std::size_t bytes) {
  const bool is_modern = era_ == rpc::Era::kModern;
  if (message.method == "notifications/progress") {
    doc::Value* token = member(message.value, {"params", "progressToken"});
    const auto flight = flight_of(token);
    if (flight == flights_.end() || flight->second.token.is_null()) return;
    *token = flight->second.token;
    flight->second.log->append(std::move(message), bytes);
    return;
  }
  if (message.method == "notifications/cancelled") {
    doc::Value* id = member(message.value, {"params", "requestId"});
    if (id == nullptr) return;
    if (!is_modern) {  // of a request that the server made
      const auto asked = asked_.find(rpc::id_text(*id));
      if (asked == asked_.end()) return;
      asked->second->append(std::move(message), bytes);
      asked_.erase(asked);
      return;
    }
    const auto flight = flight_of(id);  // the end of a subscription
    if (flight == flights_.end()) return;
    *id = flight->second.id;
    flight->second.log->append(std::move(message), bytes);
    return finish(flight);
  }
  if (doc::Value* id = member(message.value, {"params", "_meta", kSubscription});
      is_modern && id != nullptr) {
    const auto flight = flight_of(id);
    if (flight == flights_.end()) return;
    *id = flight->second.id;
    flight->second.log->append(std::move(message), bytes);
    return;
  }
  if (message.method == "notifications/message") {
    if (Flight* flight = latest(true)) {
      flight->log->append(std::move(message), bytes);
      return;
    }
  }
  if (!is_modern) own_stream_->append(std::move(message), bytes);
}

void PipeSession::route_request(rpc::Message message, std::size_t bytes) {
  const std::string id = rpc::id_text(message.id);
  if (era_ == rpc::Era::kModern || asked_.size() >= limits_.asked_max || asked_.contains(id)) {
    const bool is_modern = era_ == rpc::Era::kModern;
    send(rpc::error(message.id, is_modern ? rpc::kMethodNotFound : rpc::kUnavailable,
                    is_modern ? "Servers of this revision ask by input_required"
                              : "Too many requests of the server wait for answers"));
    return;
  }
  Flight* flight = latest(false);
  const auto& log = flight != nullptr ? flight->log : own_stream_;
  asked_.emplace(id, log);
  log->append(std::move(message), bytes);
}

void PipeSession::finish(Flights::iterator flight) {
  const std::shared_ptr<EventLog> log = std::move(flight->second.log);
  flights_.erase(flight);
  log->end();
  if (log->name().empty()) return;
  finished_.push_back(log);
  std::size_t bytes = 0;
  for (const auto& kept : finished_) bytes += kept->bytes();
  while (finished_.size() > 1 &&
         (finished_.size() > limits_.streams_kept_max || bytes > limits_.streams_bytes_max)) {
    bytes -= finished_.front()->bytes();
    finished_.pop_front();
  }
}

void PipeSession::leave(std::int64_t own) {
  const auto flight = flights_.find(own);
  if (flight == flights_.end()) return;
  finish(flight);
  send(rpc::notification("notifications/cancelled",
                         doc::object({{"requestId", own}, {"reason", "the client went away"}})));
}

PipeSession::Flight* PipeSession::latest(bool for_logs) {
  for (Flight& flight : flights_ | std::views::values | std::views::reverse) {
    if (flight.log->is_read() && (flight.takes_logs || !for_logs)) return &flight;
  }
  return nullptr;
}

PipeSession::Flights::iterator PipeSession::flight_of(const doc::Value* own) {
  const auto number = own == nullptr ? std::nullopt : own->as_int64();
  return number ? flights_.find(*number) : flights_.end();
}

}  // namespace keyturn::connectors::mcp
