#include "net/websocket.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <charconv>
#include <deque>
#include <optional>

#include "base/task_impl.h"
#include "net/url.h"

namespace keyturn::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr Duration kCloseTimeout = std::chrono::seconds(3);
constexpr std::size_t kUrlBytesMax = 8192;

using Plain = websocket::stream<beast::tcp_stream>;
using Tls = websocket::stream<beast::ssl_stream<beast::tcp_stream>>;

struct Target {
  bool tls = true;
  std::string host, port, path;
  std::string authority() const {
    const bool usual = port == (tls ? "443" : "80");
    return usual ? host : host + ":" + port;
  }
  // As resolvers and certificates have it.
  std::string name() const {
    return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
  }
};

Result<Target> parse(std::string_view url) {
  Target out;
  out.tls = url.starts_with("wss://");
  if (url.size() > kUrlBytesMax || (!out.tls && !url.starts_with("ws://")))
    return refuse("bad_url", "a WebSocket's url begins with wss://");
  const bool plain_text =
      std::ranges::all_of(url, [](char c) { return c > 0x20 && c < 0x7F && c != '#' && c != '"'; });
  std::string_view rest = url.substr(out.tls ? 6 : 5);
  const std::size_t slash = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, slash);
  rest.remove_prefix(slash);
  out.path = (rest.starts_with('/') ? "" : "/") + std::string(rest);
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  out.host = authority.substr(0, colon);
  out.port = colon == std::string_view::npos ? (out.tls ? "443" : "80")
                                             : std::string(authority.substr(colon + 1));
  unsigned number = 0;
  const auto [end, error] =
      std::from_chars(out.port.data(), out.port.data() + out.port.size(), number);
  if (!plain_text || out.host.empty() || authority.contains('@') || error != std::errc{} ||
      end != out.port.data() + out.port.size() || number == 0 || number > 65535)
    return refuse("bad_url", "this is no URL of a WebSocket");
  if (!out.tls && !is_this_machine(out.host))
    return refuse("bad_url", "a WebSocket on another machine needs wss://: ws:// is for this one");
  return out;
}

std::unexpected<Refusal> failed(error_code error, std::string_view otherwise) {
  if (error == websocket::error::closed || error == asio::error::operation_aborted ||
      error == asio::error::eof || error == asio::ssl::error::stream_truncated)
    return refuse("closed", "the WebSocket is closed");
  if (error == beast::error::timeout)
    return refuse("timeout", "the WebSocket's other side was silent too long");
  if (error == websocket::error::message_too_big || error == websocket::error::buffer_overflow)
    return refuse("too_large", "a message on the WebSocket was too large");
  if (error == websocket::error::upgrade_declined)
    return refuse("declined", "the server does not open a WebSocket");
  return refuse(std::string(otherwise), error.message());
}

template <class Stream>
class Connection final : public WebSocket {
 public:
  template <class... Arguments>
  explicit Connection(Loop& loop, Arguments&&... arguments)
      : loop_(loop), stream_(std::forward<Arguments>(arguments)...) {}

  Stream& stream() { return stream_; }

  Task<Result<std::string>> read() override {
    beast::flat_buffer buffer;
    const auto [error, size] = co_await stream_.async_read(buffer, kAwait);
    if (error) co_return failed(error, "transfer_failed");
    if (!stream_.got_text()) {
      cut();
      co_return refuse("not_text", "a message on the WebSocket was not text");
    }
    co_return std::string(static_cast<const char*>(buffer.data().data()), size);
  }

  Task<Result<void>> write(std::string text) override {
    if (writing_) {
      const auto turn = std::make_shared<Waiter>(loop_);
      turns_.push_back(turn);
      co_await turn->wait(Duration::max());
    }
    writing_ = true;
    stream_.text(true);
    const auto [error, size] = co_await stream_.async_write(asio::buffer(text), kAwait);
    writing_ = !turns_.empty();
    if (writing_) {
      turns_.front()->fire();
      turns_.pop_front();
    }
    if (error) co_return failed(error, "transfer_failed");
    co_return Result<void>{};
  }

  Task<Result<void>> ping() override {
    const auto [error] = co_await stream_.async_ping({}, kAwait);
    if (error) co_return failed(error, "transfer_failed");
    co_return Result<void>{};
  }

  Task<void> close() override {
    if (!stream_.is_open()) co_return;
    websocket::stream_base::timeout timeout{};
    stream_.get_option(timeout);
    timeout.handshake_timeout = std::chrono::duration_cast<std::chrono::nanoseconds>(kCloseTimeout);
    stream_.set_option(timeout);
    co_await stream_.async_close(websocket::close_code::normal, kAwait);
  }

  void cut() override { beast::get_lowest_layer(stream_).close(); }

 private:
  Loop& loop_;
  Stream stream_;
  bool writing_ = false;
  std::deque<std::shared_ptr<Waiter>> turns_;
};

Task<Result<void>> connect_tcp(beast::tcp_stream& stream, Target target, Duration timeout) {
  asio::ip::tcp::resolver resolver(stream.get_executor());
  stream.expires_after(timeout);
  const auto [unresolved, found] =
      co_await resolver.async_resolve(target.name(), target.port, kAwait);
  if (unresolved)
    co_return refuse("cannot_connect", "cannot find " + target.host + ": " + unresolved.message());
  const auto [error, endpoint] = co_await stream.async_connect(found, kAwait);
  if (error == beast::error::timeout) co_return refuse("timeout", target.host + " does not answer");
  if (error)
    co_return refuse("cannot_connect", "cannot connect to " + target.host + ": " + error.message());
  co_return Result<void>{};
}

template <class Stream>
Task<Result<void>> shake_hands(Stream& stream, Target target, WebSocketOptions options) {
  // From here on the WebSocket's own timeouts hold.
  beast::get_lowest_layer(stream).expires_never();
  stream.set_option(websocket::stream_base::timeout{.handshake_timeout = options.connect_timeout,
                                                    .idle_timeout = options.idle_timeout,
                                                    .keep_alive_pings = true});
  stream.set_option(websocket::stream_base::decorator([](websocket::request_type& request) {
    request.set(beast::http::field::user_agent, "keyturn");
  }));
  stream.read_message_max(options.message_bytes_max);
  websocket::response_type answer;
  const auto [error] =
      co_await stream.async_handshake(answer, target.authority(), target.path, kAwait);
  if (error == websocket::error::upgrade_declined)
    co_return refuse("declined", target.host + " answered with status " +
                                     std::to_string(answer.result_int()) +
                                     " instead of opening a WebSocket");
  if (error == beast::error::timeout)
    co_return refuse("timeout", target.host + " does not open a WebSocket");
  if (error) co_return failed(error, "cannot_connect");
  co_return Result<void>{};
}

Result<std::shared_ptr<asio::ssl::context>> tls_context(const std::string& ca_file) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  context->set_verify_mode(asio::ssl::verify_peer);
  error_code error;
  if (ca_file.empty())
    context->set_default_verify_paths(error);
  else
    context->load_verify_file(ca_file, error);
  if (error) return refuse("bad_tls", "cannot read " + ca_file + ": " + error.message());
  return context;
}

Task<Result<std::shared_ptr<WebSocket>>> connect_plain(Loop& loop, Target target,
                                                       WebSocketOptions options) {
  auto out = std::make_shared<Connection<Plain>>(loop, loop.executor());
  const Result<void> connected =
      co_await connect_tcp(out->stream().next_layer(), target, options.connect_timeout);
  if (!connected) co_return std::unexpected(connected.error());
  const Result<void> open = co_await shake_hands(out->stream(), target, options);
  if (!open) co_return std::unexpected(open.error());
  co_return std::shared_ptr<WebSocket>(std::move(out));
}

Task<Result<std::shared_ptr<WebSocket>>> connect_tls(Loop& loop, Target target,
                                                     WebSocketOptions options) {
  const auto context = tls_context(options.ca_file);
  if (!context) co_return std::unexpected(context.error());
  auto out = std::make_shared<Connection<Tls>>(loop, loop.executor(), **context);
  auto& secure = out->stream().next_layer();
  const Result<void> connected =
      co_await connect_tcp(secure.next_layer(), target, options.connect_timeout);
  if (!connected) co_return std::unexpected(connected.error());
  SSL_set_tlsext_host_name(secure.native_handle(), target.name().c_str());
  secure.set_verify_callback(asio::ssl::host_name_verification(target.name()));
  const auto [error] = co_await secure.async_handshake(asio::ssl::stream_base::client, kAwait);
  if (error == beast::error::timeout) co_return refuse("timeout", target.host + " is silent");
  if (error) co_return refuse("tls_failed", "TLS with " + target.host + ": " + error.message());
  const Result<void> open = co_await shake_hands(out->stream(), target, options);
  if (!open) co_return std::unexpected(open.error());
  co_return std::shared_ptr<WebSocket>(std::move(out));
}

}  // namespace

Task<Result<std::shared_ptr<WebSocket>>> connect_websocket(Loop& loop, std::string url,
                                                           WebSocketOptions options) {
  const Result<Target> target = parse(url);
  if (!target) co_return std::unexpected(target.error());
  if (target->tls) co_return co_await connect_tls(loop, *target, options);
  co_return co_await connect_plain(loop, *target, options);
}

}  // namespace keyturn::net
