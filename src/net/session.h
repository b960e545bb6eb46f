// One connection of the server, from accept to close. Internal to net/: includes Asio.
#pragma once

#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/task_impl.h"
#include "net/request_head.h"
#include "net/server.h"
#include "net/transport.h"

namespace keyturn::net {

using Executor = boost::asio::io_context::executor_type;
using Socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, Executor>;
using Steady = std::chrono::steady_clock;

class Session;

// What the connections of one server share. I/O thread only.
struct ServerCore {
  ServerCore(Loop& l, HttpHandler& h) : loop(l), handler(h), room(l), drained(l) {}

  Loop& loop;
  HttpHandler& handler;
  HttpLimits limits;
  std::vector<std::string> hosts;
  std::function<void(std::string_view)> log;
  SslContext tls;
  bool is_local = false;
  bool is_stopping = false;
  std::size_t arriving_bytes = 0;  // announced by bodies that are being read
  std::vector<Session*> sessions;  // each knows its place
  Waiter room;                     // fired when a session ends
  Waiter drained;                  // fired when the last one ends while stopping

  // Scratch, used only between two awaits: idle and parked connections own no buffers.
  std::array<char, 16 * 1024> in;
  std::string out;

  std::string_view date();
  void report(std::string_view line) const {
    if (log) log(line);
  }

 private:
  std::int64_t date_seconds_ = 0;
  std::string date_;
};

struct Peer {
  std::string address;
  std::optional<std::uint32_t> uid;
};

class Session final : public RequestContext, public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<ServerCore> core, Socket socket, Peer peer);
  ~Session() override;

  static Task<void> live(std::shared_ptr<Session> self);

  void begin_stop();  // lets a running request finish, ends everything else
  void cut();         // closes the socket now
  void expire(Steady::time_point now);

  bool is_local_admin() const override { return core_->is_local; }
  std::optional<std::uint32_t> peer_uid() const override { return peer_.uid; }
  Loop& loop() override { return core_->loop; }
  Task<Woken> park(Waiter& waiter, Duration timeout) override;
  bool is_gone() const override { return is_gone_; }
  bool is_stopping() const override { return core_->is_stopping; }

  Task<bool> write_all(std::string bytes);

 private:
  using MaybeHead = std::optional<RequestHead>;

  Task<bool> handshake();
  Task<bool> serve_one();
  Task<MaybeHead> read_head();
  std::optional<Malformed> check(const RequestHead& head) const;
  Task<bool> read_body(RequestHead& head);
  Task<bool> read_announced_body(RequestHead& head);
  Task<bool> read_sized_body(RequestHead& head);
  Task<bool> read_chunked_body(RequestHead& head);
  Task<HttpResponse> answer(HttpRequest request);
  Task<bool> send(HttpResponse response, bool is_head, bool is_http_1_0, bool keep_alive);
  Task<bool> send_stream(HttpResponse response, bool is_chunked);

  Task<bool> fill();
  Task<bool> wait_for(IoState want);
  Task<void> refuse_and_linger(Malformed why);
  bool write_now(std::string& bytes);
  void allow(Duration time) { deadline_ = Steady::now() + time; }
  void watch();
  void look();
  void leave();

  std::shared_ptr<ServerCore> core_;
  Socket socket_;
  std::unique_ptr<Transport> transport_;
  Peer peer_;
  std::string in_;  // bytes read and not yet used; without capacity when empty and parked
  Steady::time_point deadline_ = Steady::time_point::max();
  Waiter* parked_ = nullptr;
  std::size_t place_ = 0;  // in core_->sessions
  bool is_listed_ = false;
  bool is_idle_ = false;  // between requests
  bool is_expired_ = false;
  bool is_cut_ = false;
  bool is_gone_ = false;
  bool is_watching_ = false;
  bool may_have_more_ = false;  // the last read took all it could hold: read again before waiting
  friend struct ServerCore;
};

}  // namespace keyturn::net
