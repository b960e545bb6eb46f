#include "connectors/mcp/event_log.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "base/task_impl.h"
#include "doc/json.h"
#include "mcp/sse.h"

namespace keyturn::connectors::mcp {
namespace {

constexpr Duration kLongWait = std::chrono::hours(24);

}  // namespace

void EventLog::add(Entry entry) {
  if (ended_) return;
  bytes_ += entry.bytes;
  entries_.push_back(std::move(entry));
  trim();
  for (LogReader* reader : readers_) reader->stir_.fire();
}

void EventLog::prime() {
  add({});
}

void EventLog::append(rpc::Message message, std::size_t bytes) {
  add({.message = std::move(message), .bytes = bytes});
}

void EventLog::end() {
  ended_ = true;
  for (LogReader* reader : readers_) reader->stir_.fire();
}

void EventLog::fail(Refusal why) {
  if (!ended_) failure_ = std::move(why);
  end();
}

void EventLog::trim() {
  std::uint64_t read = next();  // by everybody
  for (const LogReader* reader : readers_) read = std::min(read, reader->at_);
  while (!entries_.empty()) {
    const bool is_much = bytes_ > limits_.kept_bytes_max || entries_.size() > limits_.events_max;
    // The latest is kept for who comes back, whatever its size.
    const bool may_go = read > first_ && entries_.size() > 1;
    if (!(is_much && may_go) && bytes_ <= limits_.unread_bytes_max) return;
    bytes_ -= entries_.front().bytes;
    entries_.pop_front();
    ++first_;
  }
}

void EventLog::cut_readers() {
  const std::vector<LogReader*> readers(readers_.begin(), readers_.end());
  for (LogReader* reader : readers) reader->cut();
}

LogReader::LogReader(std::shared_ptr<EventLog> log, net::Loop& loop, std::uint64_t from,
                     std::function<void()> left)
    : log_(std::move(log)), stir_(loop), at_(std::max(from, log_->first_)), left_(std::move(left)) {
  is_stream = true;
  headers.set("Content-Type", "text/event-stream");
  headers.set("Cache-Control", "no-cache, no-transform");
  headers.set("X-Accel-Buffering", "no");
  log_->readers_.insert(this);
}

LogReader::~LogReader() {
  leave();
}

Task<void> LogReader::ready(Duration most) {
  stir_.reset();
  if (at_ < log_->next() || log_->ended_ || is_cut_) co_return;
  co_await stir_.wait(most);
}

std::optional<Refusal> LogReader::refused() const {
  return is_empty() && log_->ended_ ? log_->failure_ : std::nullopt;
}

void LogReader::prime() {
  if (log_->next() == 0 && !log_->ended_ && !log_->name_.empty()) log_->prime();
}

std::optional<rpc::Message> LogReader::take_answer() {
  if (!log_->ended_ || log_->entries_.size() != 1 || at_ != log_->first_) return std::nullopt;
  auto& message = log_->entries_.front().message;
  if (!message || message->kind != rpc::Kind::kResponse) return std::nullopt;
  auto taken = std::exchange(message, std::nullopt);
  log_->entries_.clear();
  log_->bytes_ = 0;
  at_ = ++log_->first_;
  return taken;
}

Task<Result<std::optional<Piece>>> LogReader::next() {
  while (true) {
    if (is_cut_)
      co_return refuse("transfer_failed", "This stream was ended: another took its place.");
    if (at_ < log_->first_)
      co_return refuse("too_large", "The server said more than is kept for who does not read it.");
    if (at_ < log_->next()) break;
    if (log_->ended_) {
      left_ = nullptr;
      if (log_->failure_) co_return std::unexpected(*log_->failure_);
      co_return std::optional<Piece>();
    }
    co_await ready(kLongWait);
  }
  const std::uint64_t number = at_++;
  log_->unread_ = std::max(log_->unread_, at_);
  auto& message = log_->entries_[number - log_->first_].message;
  const bool is_kept = !log_->name_.empty() || log_->readers_.size() > 1;
  Piece piece;
  piece.message = is_kept ? message : std::exchange(message, std::nullopt);
  if (!log_->name_.empty()) piece.event_id = log_->name_ + "-" + std::to_string(number);
  piece.raw = piece.message ? rpc::sse_event(doc::write_json(piece.message->value), piece.event_id)
                            : "id: " + piece.event_id + "\ndata: \n\n";
  log_->trim();
  co_return std::optional(std::move(piece));
}

void LogReader::cut() {
  is_cut_ = true;
  leave();
  stir_.fire();
}

void LogReader::leave() {
  log_->readers_.erase(this);
  log_->trim();
  const auto left = std::exchange(left_, nullptr);
  if (left && !log_->ended_) left();
}

std::optional<EventPlace> event_place(std::string_view id) {
  const std::size_t dash = id.rfind('-');
  if (dash == std::string_view::npos || dash == 0) return std::nullopt;
  EventPlace place{.name = std::string(id.substr(0, dash))};
  const std::string_view number = id.substr(dash + 1);
  const char* const last = number.data() + number.size();
  const auto [end, error] = std::from_chars(number.data(), last, place.number);
  if (error != std::errc() || end != last) return std::nullopt;
  return place;
}

}  // namespace keyturn::connectors::mcp
