#include "net/wire.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <optional>

#include "net/await.h"

namespace keyturn::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;

constexpr unsigned kThreads = 2;
constexpr Duration kReadRootsAgain = std::chrono::minutes(10);
// A peer that is gone without a word is found out within a minute, whatever is waited for.
constexpr int kProbeAfterS = 30, kProbeEveryS = 10, kProbes = 3;

template <class Stream>
class StreamWire final : public Wire {
 public:
  template <class... Arguments>
  explicit StreamWire(Arguments&&... arguments) : stream_(std::forward<Arguments>(arguments)...) {}

  Stream& stream() { return stream_; }
  beast::tcp_stream& tcp() override { return beast::get_lowest_layer(stream_); }

  Task<Read> read(char* out, std::size_t size) override {
    const auto [error, bytes] = co_await stream_.async_read_some(asio::buffer(out, size), kAwait);
    co_return Read{error, bytes};
  }
  Task<error_code> write(std::string_view bytes) override {
    const auto [error, size] =
        co_await asio::async_write(stream_, asio::const_buffer(bytes.data(), bytes.size()), kAwait);
    co_return error;
  }

 private:
  Stream stream_;
};

// getaddrinfo, on a thread that may block.
Result<std::vector<tcp::endpoint>> look_up(const ServiceAddress& to) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(to.name().c_str(), to.port.c_str(), &hints, &found);
  if (failed != 0)
    return refuse("cannot_connect",
                  "cannot find " + to.host + ": " + std::string(::gai_strerror(failed)));
  std::vector<tcp::endpoint> out;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    tcp::endpoint endpoint;
    if (at->ai_addrlen > endpoint.capacity()) continue;
    endpoint.resize(at->ai_addrlen);
    std::copy_n(reinterpret_cast<const char*>(at->ai_addr), at->ai_addrlen,
                reinterpret_cast<char*>(endpoint.data()));
    out.push_back(endpoint);
  }
  ::freeaddrinfo(found);
  return out;
}

struct LookUp {
  explicit LookUp(Loop& loop) : done(loop) {}
  Waiter done;
  std::optional<Result<std::vector<tcp::endpoint>>> found;
};

// Goes on by itself: whoever asked may have given up.
Task<void> look_up_aside(BlockingPool& pool, ServiceAddress to, std::shared_ptr<LookUp> into) {
  auto found = co_await run_blocking(pool, [to] { return look_up(to); });
  into->found = std::move(found);
  into->done.fire();
}

void prepare(beast::tcp_stream& stream) {
  error_code ignored;
  stream.socket().set_option(tcp::no_delay(true), ignored);
  stream.socket().set_option(asio::socket_base::keep_alive(true), ignored);
  const int fd = stream.socket().native_handle();
  for (const auto& [option, value] : {std::pair{TCP_KEEPIDLE, kProbeAfterS},
                                      {TCP_KEEPINTVL, kProbeEveryS},
                                      {TCP_KEEPCNT, kProbes}})
    ::setsockopt(fd, IPPROTO_TCP, option, &value, sizeof value);
}

// Ends one wire while it lives in the coroutine that made it.
class Ending {
 public:
  Ending(std::shared_ptr<Abort> abort, Wire& wire) : abort_(std::move(abort)) {
    abort_->set_end([&wire] { wire.close(); });
  }
  ~Ending() { abort_->set_end({}); }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

 private:
  std::shared_ptr<Abort> abort_;
};

std::unexpected<Refusal> stopped() {
  return refuse("stopped", "it was stopped while the connection was made");
}

Result<void> leave_out(const AddressRule& rule, const ServiceAddress& to,
                       std::vector<tcp::endpoint>& endpoints) {
  std::string refused;
  std::erase_if(endpoints, [&](const tcp::endpoint& endpoint) {
    std::string address = endpoint.address().to_string();
    address.erase(std::min(address.find('%'), address.size()));  // the zone of an IPv6 address
    if (rule.allows(to.host, address)) return false;
    refused = address;
    return true;
  });
  if (!endpoints.empty() || refused.empty()) return {};
  return refuse("address_refused",
                to.host + " has the address " + refused + ", where this may not go");
}

Task<Result<void>> connect(beast::tcp_stream& stream, const ServiceAddress& to,
                           const std::vector<tcp::endpoint>& endpoints) {
  const auto [error, endpoint] = co_await stream.async_connect(endpoints, kAwait);
  if (error == beast::error::timeout)
    co_return refuse("cannot_connect", to.host + " does not answer");
  if (error)
    co_return refuse("cannot_connect",
                     "cannot connect to " + to.authority() + ": " + error.message());
  prepare(stream);
  co_return Result<void>{};
}

using Secure = beast::ssl_stream<beast::tcp_stream>;

Task<Result<void>> shake_hands(Secure& secure, const ServiceAddress& to) {
  say_server_name(secure.native_handle(), to.name());
  secure.set_verify_callback(asio::ssl::host_name_verification(to.name()));
  const auto [error] = co_await secure.async_handshake(asio::ssl::stream_base::client, kAwait);
  if (error == beast::error::timeout) co_return refuse("cannot_connect", to.host + " is silent");
  if (error) co_return refuse("tls_failed", "TLS with " + to.host + ": " + error.message());
  co_return Result<void>{};
}

}  // namespace

bool Wire::is_idle() {
  if (!tcp().socket().is_open()) return false;
  char byte = 0;
  const ssize_t n =
      ::recv(tcp().socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT | MSG_NOSIGNAL);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

BlockingPool& Dialer::pool() {
  if (!pool_) pool_ = std::make_unique<BlockingPool>(loop_, "net-names", kThreads);
  return *pool_;
}

Task<Result<Dialer::Endpoints>> Dialer::find(ServiceAddress to, SteadyTime by,
                                             std::shared_ptr<Abort> abort) {
  error_code no_address;
  const auto address = asio::ip::make_address(to.name(), no_address);
  if (!no_address) co_return Endpoints{{address, static_cast<std::uint16_t>(std::stoul(to.port))}};
  auto asked = std::make_shared<LookUp>(loop_);
  loop_.spawn(look_up_aside(pool(), to, asked));
  abort->set_end([asked] { asked->done.cancel(); });
  const auto left = std::chrono::duration_cast<Duration>(by - SteadyClock::now());
  const Woken woken = co_await asked->done.wait(left);
  abort->set_end({});
  if (woken == Woken::kCancelled) co_return stopped();
  if (woken == Woken::kDeadline || !asked->found)
    co_return refuse("cannot_connect", "looking up " + to.host + " took too long");
  co_return std::move(*asked->found);
}

Task<Result<Dialer::Tls>> Dialer::tls(std::string ca_file) {
  const auto known = tls_.find(ca_file);
  if (known != tls_.end() && SteadyClock::now() < known->second.until)
    co_return known->second.context;
  auto made = co_await run_blocking(pool(), [ca_file] { return client_tls(ca_file); });
  if (made) tls_[ca_file] = {*made, SteadyClock::now() + kReadRootsAgain};
  co_return made;
}

Task<Result<std::unique_ptr<Wire>>> Dialer::dial(ServiceAddress to, std::string ca_file,
                                                 AddressRule addresses, Duration timeout,
                                                 std::shared_ptr<Abort> abort) {
  const SteadyTime by = SteadyClock::now() + timeout;
  Result<Tls> context = Tls{};
  if (to.tls) context = co_await tls(ca_file);
  if (!context) co_return std::unexpected(context.error());
  auto endpoints = co_await find(to, by, abort);
  if (!endpoints) co_return std::unexpected(endpoints.error());
  if (Result<void> ok = leave_out(addresses, to, *endpoints); !ok)
    co_return std::unexpected(ok.error());
  if (abort->is_aborted()) co_return stopped();
  std::unique_ptr<Wire> wire;
  Secure* secure = nullptr;
  if (to.tls) {
    auto made = std::make_unique<StreamWire<Secure>>(loop_.executor(), **context);
    secure = &made->stream();
    wire = std::move(made);
  } else {
    wire = std::make_unique<StreamWire<beast::tcp_stream>>(loop_.executor());
  }
  const Ending ending(abort, *wire);
  wire->tcp().expires_at(by);
  Result<void> done = co_await connect(wire->tcp(), to, *endpoints);
  if (done && secure != nullptr) done = co_await shake_hands(*secure, to);
  if (abort->is_aborted()) co_return stopped();
  if (!done) {
    if (done.error().code == "tls_failed") tls_.erase(ca_file);  // its roots may have changed
    co_return std::unexpected(done.error());
  }
  wire->tcp().expires_never();
  co_return std::move(wire);
}

}  // namespace keyturn::net
