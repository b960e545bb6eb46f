// One server behind a pipe, and what is asked of it: ids and progress tokens are mapped to own ones
// and back, so that nothing of two requests or clients is confused.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "connectors/mcp/event_log.h"
#include "connectors/mcp/pipe.h"
#include "mcp/message.h"
#include "net/loop.h"

namespace keyturn::connectors::mcp {

struct SessionLimits {
  std::size_t in_flight_max = 256;    // requests of clients
  std::size_t asked_max = 256;        // requests of the server that nobody answered
  std::size_t streams_kept_max = 32;  // that ended, for who comes back
  std::size_t streams_bytes_max = 4 << 20;
  Duration after_cancel = std::chrono::seconds(5);  // how long a server may still answer then
  LogLimits log;
};

// I/O thread only. Legacy: one client's session. Modern: all requests of one principal.
class PipeSession : public std::enable_shared_from_this<PipeSession> {
 public:
  PipeSession(net::Loop& loop, rpc::Era era, std::shared_ptr<Pipe> pipe, SessionLimits limits);

  // Reads what the server says until it ends. Once, and first.
  void start(std::function<void()> ended);
  // Sends a request on, and gives its own stream. It ends with the response; when the server ends
  // before, with transfer_failed and how. Modern: who goes before that cancels it. Code
  // unavailable: nothing was sent.
  Result<std::shared_ptr<LogReader>> ask(rpc::Message request);
  // A notification or a response. What belongs to nothing is dropped.
  void tell(rpc::Message message);
  // What belongs to no request, or what came after the event with that id. Codes: conflict
  // (somebody reads it), not_found (nothing is kept of that stream).
  Result<std::shared_ptr<LogReader>> listen(std::string_view last_event_id);
  // Ends the server, and what is in flight in these words.
  void end(std::string why);
  // Answers one request ourselves, as if the server had.
  void give_up(const LogReader& reader, std::int64_t code, std::string_view words);

  bool ended() const { return ended_; }
  bool is_busy() const;  // somebody reads something of it
  std::size_t in_flight() const { return flights_.size(); }
  // When anything was last said on it.
  std::chrono::steady_clock::time_point used() const { return used_; }
  const std::string& version() const { return version_; }  // that initialize agreed on

 private:
  struct Flight {
    doc::Value id, token;  // the client's; a token of null: none
    std::string method;
    bool takes_logs = true;
    std::shared_ptr<EventLog> log;
  };
  using Flights = std::map<std::int64_t, Flight>;

  static Task<void> pump(std::shared_ptr<PipeSession> self);
  static Task<void> write(std::shared_ptr<PipeSession> self, doc::Value message);
  static Task<void> end_later(std::shared_ptr<PipeSession> self, std::int64_t own);
  void send(doc::Value message);
  void route(rpc::Message message, std::size_t bytes);
  void route_response(rpc::Message message, std::size_t bytes);
  void route_notification(rpc::Message message, std::size_t bytes);
  void route_request(rpc::Message message, std::size_t bytes);
  void finish(Flights::iterator flight);
  void leave(std::int64_t own);
  Flight* latest(bool for_logs);
  Flights::iterator flight_of(const doc::Value* own);

  net::Loop& loop_;
  rpc::Era era_;
  std::shared_ptr<Pipe> pipe_;
  SessionLimits limits_;
  std::function<void()> on_end_;
  Flights flights_;  // by own id, latest last
  std::int64_t last_id_ = 0;
  std::map<std::string, std::shared_ptr<EventLog>>
      asked_;                                       // requests of the server: where they went
  std::shared_ptr<EventLog> own_stream_;            // legacy: what belongs to no request
  std::deque<std::shared_ptr<EventLog>> finished_;  // legacy
  std::string version_;
  std::chrono::steady_clock::time_point used_ = std::chrono::steady_clock::now();
  bool ended_ = false;
};

}  // namespace keyturn::connectors::mcp
