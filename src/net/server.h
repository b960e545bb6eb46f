// A strict HTTP/1.1 server (RFC 9110, RFC 9112) on the I/O thread: TCP, TLS, and the local admin
// socket.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "net/http.h"
#include "net/loop.h"

namespace keyturn::net {

// What a handler may ask about the connection its request came on. Borrowed: it lives until the
// handler's task (and its response's stream) has ended.
class RequestContext {
 public:
  virtual ~RequestContext() = default;
  virtual bool is_local_admin() const = 0;  // came through the admin socket: its file mode decided
  virtual std::optional<std::uint32_t> peer_uid() const = 0;  // of the admin socket's client
  virtual Loop& loop() = 0;

  // Parks this request until `waiter` is fired, the time is over, or the client went away or the
  // server stops (kCancelled; is_gone() tells them apart). The connection is watched only while
  // parked (and while an event stream runs); bytes a client pipelines meanwhile are kept.
  virtual Task<Woken> park(Waiter& waiter, Duration timeout) = 0;
  virtual bool is_gone() const = 0;      // as far as it was noticed
  virtual bool is_stopping() const = 0;  // the server is stopping: answer what there is
};

// The port that api/ implements. An exception becomes a 500 that says nothing of it (and goes to
// ServerOptions::log). Tasks run on the I/O thread; requests of one connection one after the other.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  virtual Task<HttpResponse> handle(HttpRequest request, RequestContext& context) = 0;
};

struct TlsFiles {
  std::string certificate;  // PEM chain
  std::string key;          // PEM
};

// Whether a server could use them. Code bad_tls: which file, and why not.
[[nodiscard]] Result<void> check_tls(const TlsFiles& files);

struct HttpLimits {
  std::size_t head_bytes_max = 16 * 1024;       // 431
  std::size_t headers_max = 64;                 // 431
  std::size_t body_bytes_max = 1 << 20;         // 413
  std::size_t connections_max = 20'000;         // more wait in the kernel's backlog
  std::size_t pipelined_bytes_max = 16 * 1024;  // kept while a request is parked
  std::size_t arriving_bytes_max = 256 << 20;   // announced by all bodies being read at once: 503
  Duration head_deadline = std::chrono::seconds(10);   // first byte to last of a head: 408
  Duration body_deadline = std::chrono::seconds(30);   // of a body: 408
  Duration idle_deadline = std::chrono::seconds(75);   // between requests: closed
  Duration write_deadline = std::chrono::seconds(30);  // a write that makes no progress: closed
};

struct ServerOptions {
  std::string address = "127.0.0.1";  // numeric, IPv4 or IPv6
  std::uint16_t port = 0;             // 0: the kernel picks, see Server::port()
  // Names allowed in Host (without port, lower case, IPv6 in brackets); others are 421.
  std::vector<std::string> hosts = {"localhost", "127.0.0.1", "[::1]"};
  std::optional<TlsFiles> tls;
  HttpLimits limits;
  std::function<void(std::string_view)> log;  // what an operator should hear; may be empty
};

struct LocalOptions {
  std::string path;  // the socket file; made with mode 0600, replaced if a dead one is there
  HttpLimits limits;
  std::function<void(std::string_view)> log;
};

class Server {
 public:
  // Raises this process's soft limit of open files as far as connections_max needs and the hard
  // limit allows. Refuses with code cannot_listen or bad_tls. `loop` and `handler` outlive the
  // server. I/O thread, or before run(). The Unix socket's clients need no Host header of a listed
  // name, else it speaks the same HTTP.
  [[nodiscard]] static Result<std::unique_ptr<Server>> listen(Loop& loop, ServerOptions options,
                                                              HttpHandler& handler);
  [[nodiscard]] static Result<std::unique_ptr<Server>> listen_local(Loop& loop,
                                                                    LocalOptions options,
                                                                    HttpHandler& handler);
  ~Server();  // I/O thread or after run(): closes at once what stop() has not

  std::uint16_t port() const;
  std::size_t connections() const;

  // Stops accepting, cancels parked requests (they answer what there is), closes idle connections,
  // lets running requests finish for at most `grace`, then cuts. Returns when no connection is
  // left.
  Task<void> stop(Duration grace);

 private:
  struct Impl;
  explicit Server(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace keyturn::net
