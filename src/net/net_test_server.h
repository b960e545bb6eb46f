// For tests of net/ only: a server on its own thread, and a raw client socket that says exactly
// what it is told.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/task_impl.h"
#include "net/loop.h"
#include "net/server.h"

namespace keyturn::net {

// Words that the handler says and the test waits for. Thread-safe.
class Heard {
 public:
  void say(std::string word) {
    const std::scoped_lock lock(mutex_);
    words_.push_back(std::move(word));
    changed_.notify_all();
  }
  std::string next() {
    std::unique_lock lock(mutex_);
    const bool came =
        changed_.wait_for(lock, std::chrono::seconds(20), [&] { return !words_.empty(); });
    if (!came) return "(nothing)";
    std::string word = std::move(words_.front());
    words_.pop_front();
    return word;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> words_;
};

inline std::string to_word(Woken woken) {
  switch (woken) {
    case Woken::kFired:
      return "fired";
    case Woken::kDeadline:
      return "deadline";
    case Woken::kCancelled:
      return "cancelled";
  }
  return "?";
}

constexpr std::size_t kBigBytes = 3'000'000;
constexpr std::size_t kBulkyBytes = 16'000'000;  // more than the kernel takes at once

class TestHandler final : public HttpHandler {
 public:
  Task<HttpResponse> handle(HttpRequest request, RequestContext& context) override {
    if (request.path == "/throw") throw std::runtime_error("the handler's own trouble");
    if (request.path == "/split") {
      HttpResponse response = json_response(200, "{}");
      response.headers.add("X-Evil", "a\r\nSet-Cookie: b=c");
      co_return response;
    }
    if (request.path == "/wait") co_return co_await wait(context);
    if (request.path == "/events") {
      co_return event_stream([this, &context](BodyWriter& out) { return events(out, context); });
    }
    if (request.path == "/bulky") {
      co_return event_stream([this, &context](BodyWriter& out) { return bulky(out, context); });
    }
    if (request.path == "/flood") {
      co_return event_stream([this](BodyWriter& out) { return flood(out); });
    }
    if (request.path == "/torn") {
      co_return event_stream([](BodyWriter& out) { return torn(out); });
    }
    if (request.path == "/big") co_return json_response(200, std::string(kBigBytes, 'x'));
    if (request.path == "/none") co_return HttpResponse{.status = 204};
    std::string text = request.method + " " + request.path;
    for (const QueryParam& param : request.query) text += " " + param.name + "=" + param.value;
    text += " [" + request.body + "]";
    if (context.is_local_admin()) text += " uid=" + std::to_string(context.peer_uid().value_or(0));
    if (request.is_tls) text += " tls";
    co_return json_response(200, text);
  }

  Heard heard;
  std::shared_ptr<Waiter> parked;  // I/O thread

 private:
  Task<HttpResponse> wait(RequestContext& context) {
    parked = std::make_shared<Waiter>(context.loop());
    heard.say("parked");
    const Woken woken = co_await context.park(*parked, std::chrono::seconds(60));
    const std::string word = to_word(woken) + (context.is_gone() ? " gone" : "");
    heard.say(word);
    co_return json_response(200, word);
  }

  Task<void> events(BodyWriter& out, RequestContext& context) {
    EventWriter events(out);
    parked = std::make_shared<Waiter>(context.loop());
    co_await events.comment("hello");
    co_await events.write("state", "7", "one\ntwo");
    heard.say("streaming");
    const Woken woken = co_await context.park(*parked, std::chrono::seconds(60));
    heard.say(to_word(woken));
    if (woken == Woken::kFired) co_await events.write("outcome", "8", "{}");
  }

  Task<void> bulky(BodyWriter& out, RequestContext& context) {
    parked = std::make_shared<Waiter>(context.loop());
    co_await out.write(std::string(kBulkyBytes, 'x') + "parked now");
    heard.say("parked");
    const Woken woken = co_await context.park(*parked, std::chrono::seconds(60));
    heard.say(to_word(woken));
  }

  Task<void> flood(BodyWriter& out) {
    bool is_there = true;
    while (is_there) is_there = co_await out.write(std::string(64 * 1024, 'x'));
    heard.say("flood ended");
  }

  static Task<void> torn(BodyWriter& out) {
    co_await out.write("half");
    throw std::runtime_error("torn");
  }
};

class TestServer {
 public:
  explicit TestServer(ServerOptions options = {}) {
    auto made = Server::listen(loop, std::move(options), handler);
    if (!made) throw std::runtime_error(made.error().message);
    server = std::move(*made);
    thread_ = std::thread([this] { loop.run(); });
  }
  explicit TestServer(const LocalOptions& options) {
    auto made = Server::listen_local(loop, options, handler);
    if (!made) throw std::runtime_error(made.error().message);
    server = std::move(*made);
    thread_ = std::thread([this] { loop.run(); });
  }
  ~TestServer() {
    if (thread_.joinable()) stop(std::chrono::milliseconds(1));
  }
  // Stops the server in good order and ends the thread.
  void stop(Duration grace) {
    loop.post([this, grace] { loop.spawn(stop_server(*server, loop, grace)); });
    thread_.join();
  }
  void fire() {
    loop.post([this] { handler.parked->fire(); });
  }
  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(server->port()) + path;
  }

  Loop loop;
  TestHandler handler;
  std::unique_ptr<Server> server;

 private:
  static Task<void> stop_server(Server& server, Loop& loop, Duration grace) {
    co_await server.stop(grace);
    loop.stop();
  }
  std::thread thread_;
};

class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(reinterpret_cast<sockaddr*>(&address), sizeof address);
  }
  explicit RawClient(const std::string& path)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    connect(reinterpret_cast<sockaddr*>(&address), sizeof address);
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  RawClient& send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) break;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return *this;
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void half_close() { ::shutdown(fd_, SHUT_WR); }

  // Everything until the server closes.
  std::string read_all() {
    while (more()) {
    }
    return std::exchange(got_, {});
  }
  // Up to and with `end`; what came behind it is kept.
  std::string read_until(std::string_view end) {
    while (!got_.contains(end) && more()) {
    }
    const std::size_t at = got_.find(end);
    if (at == std::string::npos) return std::exchange(got_, {}) + "(closed)";
    std::string out = got_.substr(0, at + end.size());
    got_.erase(0, out.size());
    return out;
  }
  // One whole response with Content-Length.
  std::string read_response() {
    std::string head = read_until("\r\n\r\n");
    const std::size_t at = head.find("Content-Length: ");
    if (at == std::string::npos) return head;
    const std::size_t size = std::stoul(head.substr(at + 16));
    while (got_.size() < size && more()) {
    }
    head += got_.substr(0, size);
    got_.erase(0, size);
    return head;
  }

 private:
  void connect(const sockaddr* address, socklen_t size) {
    const timeval patience{20, 0};  // so that a bug fails instead of hanging
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (::connect(fd_, address, size) != 0) throw std::runtime_error("cannot connect");
  }
  bool more() {
    char buffer[65536];
    const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n <= 0) return false;
    got_.append(buffer, static_cast<std::size_t>(n));
    return true;
  }
  int fd_;
  std::string got_;
};

}  // namespace keyturn::net
