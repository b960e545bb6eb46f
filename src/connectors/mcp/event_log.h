// What one stream of a session has to say, for who reads it now and who comes back.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "connectors/mcp/backend.h"
#include "mcp/message.h"
#include "net/loop.h"

namespace keyturn::connectors::mcp {

struct LogLimits {
  std::size_t events_max = 256;             // kept for who comes back, at most
  std::size_t kept_bytes_max = 1 << 20;     // of them
  std::size_t unread_bytes_max = 48 << 20;  // that a reader is behind; then it is cut off
};

class LogReader;

// I/O thread only. Event ids are "NAME-NUMBER"; without a name there are none, and nobody comes
// back.
class EventLog {
 public:
  EventLog(std::string name, LogLimits limits) : name_(std::move(name)), limits_(limits) {}

  // An event without data, so that a client knows from where to go on (2025-11-25, "Resumability
  // and Redelivery").
  void prime();
  void append(rpc::Message message, std::size_t bytes);  // as long as it came
  void end();              // no more comes; what is there can still be read
  void fail(Refusal why);  // the same, and then this is what a reader is told

  bool ended() const { return ended_; }
  bool is_read() const { return !readers_.empty(); }
  const std::string& name() const { return name_; }
  std::uint64_t unread() const { return unread_; }  // what comes first that nobody has read
  std::uint64_t next() const { return first_ + entries_.size(); }
  std::size_t bytes() const { return bytes_; }
  void cut_readers();  // another one takes their place

 private:
  friend class LogReader;
  struct Entry {
    std::optional<rpc::Message> message;
    std::size_t bytes = 0;
  };
  void add(Entry entry);
  void trim();

  std::string name_;
  LogLimits limits_;
  std::deque<Entry> entries_;
  std::uint64_t first_ = 0;  // number of entries_.front()
  std::uint64_t unread_ = 0;
  std::size_t bytes_ = 0;
  bool ended_ = false;
  std::optional<Refusal> failure_;
  std::set<LogReader*> readers_;
};

// The events of a log from a number on, and those that come. `left` is called when it goes before
// the log's end.
class LogReader final : public Answer {
 public:
  LogReader(std::shared_ptr<EventLog> log, net::Loop& loop, std::uint64_t from,
            std::function<void()> left = {});
  ~LogReader() override;
  bool reads(const EventLog& log) const { return &log == log_.get(); }
  // Until there is something to read, or the time is over.
  Task<void> ready(Duration most);
  bool is_empty() const { return at_ == log_->next(); }  // there is nothing to read now
  // Why there will be nothing, when that is known by now.
  std::optional<Refusal> refused() const;
  // EventLog::prime(), when there is nothing to go on from.
  void prime();
  // The response, when that is all that was said; it is taken out of the log.
  std::optional<rpc::Message> take_answer();
  Task<Result<std::optional<Piece>>> next() override;
  void cut() override;

 private:
  friend class EventLog;
  void leave();

  std::shared_ptr<EventLog> log_;
  net::Waiter stir_;
  std::uint64_t at_;
  bool is_cut_ = false;
  std::function<void()> left_;
};

// "NAME-NUMBER" of an event id.
struct EventPlace {
  std::string name;
  std::uint64_t number = 0;
};
std::optional<EventPlace> event_place(std::string_view id);

}  // namespace keyturn::connectors::mcp
