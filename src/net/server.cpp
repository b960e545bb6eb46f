#include "net/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>

#include "net/session.h"

namespace keyturn::net {

Result<void> check_tls(const TlsFiles& files) {
  const auto context = load_server_tls(files.certificate, files.key);
  if (!context) return std::unexpected(context.error());
  return {};
}

namespace asio = boost::asio;
namespace {

using Listener = asio::posix::basic_stream_descriptor<Executor>;

constexpr int kBacklog = 4096;
constexpr int kAcceptsAtOnce = 64;
constexpr Duration kSweepLongest = std::chrono::milliseconds(500);
constexpr Duration kSweepShortest = std::chrono::milliseconds(5);

Executor io_executor(Loop& loop) {
  return *loop.executor().target<Executor>();
}

class Fd {  // closes what nobody has taken
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  Fd& operator=(Fd&&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::unexpected<Refusal> cannot_listen(const std::string& where, std::string_view what, int error) {
  return refuse("cannot_listen", "cannot listen on " + where + ": " + std::string(what) +
                                     (error != 0 ? ": " + std::string(std::strerror(error)) : ""));
}

void allow_open_files(std::size_t connections_max) {
  constexpr rlim_t kOtherFiles = 1024;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = std::min<rlim_t>(connections_max + kOtherFiles, limit.rlim_max);
  if (wanted <= limit.rlim_cur) return;
  limit.rlim_cur = wanted;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

std::optional<Address> parse_address(const std::string& text, std::uint16_t port) {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size = sizeof *v4;
    return address;
  }
  if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.size = sizeof *v6;
    return address;
  }
  return std::nullopt;
}

std::uint16_t bound_port(int fd) {
  Address address;
  address.size = sizeof address.storage;
  ::getsockname(fd, address.get(), &address.size);
  return ntohs(address.family() == AF_INET6
                   ? reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_port
                   : reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port);
}

Result<Fd> open_tcp(const ServerOptions& options) {
  const std::string where = options.address + ":" + std::to_string(options.port);
  auto address = parse_address(options.address, options.port);
  if (!address)
    return cannot_listen(where, "the address must be a numeric IPv4 or IPv6 address", 0);
  Fd fd(::socket(address->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return cannot_listen(where, "socket", errno);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // accepted sockets inherit it
  if (::bind(fd.get(), address->get(), address->size) != 0)
    return cannot_listen(where, "bind", errno);
  if (::listen(fd.get(), kBacklog) != 0) return cannot_listen(where, "listen", errno);
  return fd;
}

Result<Address> local_address(const std::string& path) {
  Address address;
  auto* name = reinterpret_cast<sockaddr_un*>(&address.storage);
  if (path.size() >= sizeof name->sun_path) {
    return cannot_listen(
        path, "the path of a Unix socket may have at most 107 bytes; use a shorter data folder", 0);
  }
  name->sun_family = AF_UNIX;
  path.copy(name->sun_path, path.size());
  address.size = sizeof *name;
  return address;
}

// A socket file that nobody answers on is left from a crash and goes; anything else stays.
Result<bool> clear_stale(const std::string& path, Address& address) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return true;
  if (!S_ISSOCK(status.st_mode))
    return cannot_listen(path, "a file that is no socket is in the way", 0);
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(probe.get(), address.get(), address.size) == 0 || errno != ECONNREFUSED) {
    return cannot_listen(path, "another process is listening there", 0);
  }
  ::unlink(path.c_str());
  return true;
}

Result<Fd> open_local(const std::string& path) {
  auto address = local_address(path);
  if (!address) return std::unexpected(address.error());
  if (auto clear = clear_stale(path, *address); !clear) return std::unexpected(clear.error());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return cannot_listen(path, "socket", errno);
  if (::bind(fd.get(), address->get(), address->size) != 0)
    return cannot_listen(path, "bind", errno);
  // Nobody can connect between bind and listen, so there is no moment with a looser mode.
  if (::chmod(path.c_str(), 0600) != 0) return cannot_listen(path, "chmod", errno);
  if (::listen(fd.get(), kBacklog) != 0) return cannot_listen(path, "listen", errno);
  return fd;
}

Peer peer_of(int fd, const Address& address) {
  if (address.family() == AF_UNIX) {
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return {"unix", {}};
    return {"unix", who.uid};
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* raw = address.family() == AF_INET6
                        ? static_cast<const void*>(
                              &reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr)
                        : &reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_addr;
  ::inet_ntop(address.family(), raw, text.data(), text.size());
  return {text.data(), {}};
}

}  // namespace

struct Server::Impl {
  Impl(Loop& loop, HttpHandler& handler)
      : core(std::make_shared<ServerCore>(loop, handler)), listener(io_executor(loop)) {}

  std::shared_ptr<ServerCore> core;
  Listener listener;
  std::string path;  // of a Unix socket
  std::uint16_t port = 0;
  bool is_closed = false;

  void start(std::shared_ptr<Impl> self, Fd fd);
  void close_listener();
  bool accept_some();
  static Task<void> accept_loop(std::shared_ptr<Impl> impl);
  static Task<void> sweep(std::shared_ptr<Impl> impl);
};

void Server::Impl::start(std::shared_ptr<Impl> self, Fd fd) {
  listener.assign(fd.release());
  core->loop.spawn(accept_loop(self));
  core->loop.spawn(sweep(std::move(self)));
}

void Server::Impl::close_listener() {
  boost::system::error_code ignored;
  listener.close(ignored);
  if (!path.empty()) ::unlink(path.c_str());
  path.clear();
}

// False when the process has run out of something, so that a pause is due.
bool Server::Impl::accept_some() {
  for (int i = 0; i < kAcceptsAtOnce && core->sessions.size() < core->limits.connections_max; ++i) {
    Address address;
    address.size = sizeof address.storage;
    const int fd = ::accept4(listener.native_handle(), address.get(), &address.size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      const bool is_short =
          errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
      if (is_short)
        core->report(std::string("cannot accept a connection: ") + std::strerror(errno));
      return !is_short;
    }
    if (core->is_local) address.storage.ss_family = AF_UNIX;
    Socket socket(io_executor(core->loop), asio::generic::stream_protocol(address.family(), 0), fd);
    auto session = std::make_shared<Session>(core, std::move(socket), peer_of(fd, address));
    core->loop.spawn(Session::live(std::move(session)));
  }
  return true;
}

Task<void> Server::Impl::accept_loop(std::shared_ptr<Impl> impl) {
  ServerCore& core = *impl->core;
  while (!core.is_stopping) {
    if (core.sessions.size() >= core.limits.connections_max) {
      core.room.reset();
      co_await core.room.wait(std::chrono::seconds(1));
      continue;
    }
    const auto [error] = co_await impl->listener.async_wait(Listener::wait_read,
                                                            asio::as_tuple(asio::use_awaitable));
    if (error || core.is_stopping) co_return;
    const bool is_well = impl->accept_some();
    if (!is_well) co_await core.loop.sleep(std::chrono::seconds(1));
  }
}

// One timer for all connections: cheaper than one each, and precise enough for deadlines of
// seconds.
Task<void> Server::Impl::sweep(std::shared_ptr<Impl> impl) {
  const HttpLimits& limits = impl->core->limits;
  const Duration least = std::min(
      {limits.head_deadline, limits.body_deadline, limits.idle_deadline, limits.write_deadline});
  const Duration tick = std::clamp(least / 8, kSweepShortest, kSweepLongest);
  while (!impl->is_closed) {
    co_await impl->core->loop.sleep(tick);
    const auto now = Steady::now();
    for (Session* session : impl->core->sessions) session->expire(now);
  }
}

Server::Server(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
  impl_->core->is_stopping = true;
  impl_->is_closed = true;
  impl_->close_listener();
  for (Session* session : impl_->core->sessions) session->cut();
}

Result<std::unique_ptr<Server>> Server::listen(Loop& loop, ServerOptions options,
                                               HttpHandler& handler) {
  auto impl = std::make_shared<Impl>(loop, handler);
  if (options.tls) {
    auto tls = load_server_tls(options.tls->certificate, options.tls->key);
    if (!tls) return std::unexpected(std::move(tls.error()));
    impl->core->tls = std::move(*tls);
  }
  auto fd = open_tcp(options);
  if (!fd) return std::unexpected(std::move(fd.error()));
  allow_open_files(options.limits.connections_max);
  impl->port = bound_port(fd->get());
  impl->core->limits = options.limits;
  impl->core->hosts = std::move(options.hosts);
  impl->core->log = std::move(options.log);
  impl->start(impl, std::move(*fd));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Result<std::unique_ptr<Server>> Server::listen_local(Loop& loop, LocalOptions options,
                                                     HttpHandler& handler) {
  auto fd = open_local(options.path);
  if (!fd) return std::unexpected(std::move(fd.error()));
  auto impl = std::make_shared<Impl>(loop, handler);
  impl->path = std::move(options.path);
  impl->core->is_local = true;
  impl->core->limits = options.limits;
  impl->core->log = std::move(options.log);
  impl->start(impl, std::move(*fd));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::uint16_t Server::port() const {
  return impl_->port;
}
std::size_t Server::connections() const {
  return impl_->core->sessions.size();
}

Task<void> Server::stop(Duration grace) {
  const std::shared_ptr<ServerCore> core = impl_->core;
  core->is_stopping = true;
  impl_->close_listener();
  for (Session* session : core->sessions) session->begin_stop();
  if (!core->sessions.empty()) co_await core->drained.wait(grace);
  for (Session* session : core->sessions) session->cut();
  if (!core->sessions.empty())
    co_await core->drained.wait(std::max(grace, Duration(std::chrono::seconds(1))));
}

}  // namespace keyturn::net
