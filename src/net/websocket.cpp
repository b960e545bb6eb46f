#include "net/websocket.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <optional>

#include "base/task_impl.h"
#include "net/await.h"
#include "net/tls_client.h"
#include "net/url.h"

namespace keyturn::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;

constexpr Duration kCloseTimeout = std::chrono::seconds(3);
constexpr std::size_t kUrlBytesMax = 8192;

using Plain = websocket::stream<beast::tcp_stream>;
using Tls = websocket::stream<beast::ssl_stream<beast::tcp_stream>>;

Result<ServiceAddress> parse(std::string_view url) {
  const bool tls = url.starts_with("wss://");
  if (url.size() > kUrlBytesMax || (!tls && !url.starts_with("ws://")))
    return refuse("bad_url", "a WebSocket's url begins with wss://");
  return parse_service_url((tls ? "https" : "http") + std::string(url.substr(tls ? 3 : 2)));
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

Task<Result<void>> connect_tcp(beast::tcp_stream& stream, ServiceAddress target, Duration timeout) {
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
Task<Result<void>> shake_hands(Stream& stream, ServiceAddress target, WebSocketOptions options) {
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

Task<Result<std::shared_ptr<WebSocket>>> connect_plain(Loop& loop, ServiceAddress target,
                                                       WebSocketOptions options) {
  auto out = std::make_shared<Connection<Plain>>(loop, loop.executor());
  const Result<void> connected =
      co_await connect_tcp(out->stream().next_layer(), target, options.connect_timeout);
  if (!connected) co_return std::unexpected(connected.error());
  const Result<void> open = co_await shake_hands(out->stream(), target, options);
  if (!open) co_return std::unexpected(open.error());
  co_return std::shared_ptr<WebSocket>(std::move(out));
}

Task<Result<std::shared_ptr<WebSocket>>> connect_tls(Loop& loop, ServiceAddress target,
                                                     WebSocketOptions options) {
  const auto context = client_tls(options.ca_file);
  if (!context) co_return std::unexpected(context.error());
  auto out = std::make_shared<Connection<Tls>>(loop, loop.executor(), **context);
  auto& secure = out->stream().next_layer();
  const Result<void> connected =
      co_await connect_tcp(secure.next_layer(), target, options.connect_timeout);
  if (!connected) co_return std::unexpected(connected.error());
  say_server_name(secure.native_handle(), target.name());
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
  const Result<ServiceAddress> target = parse(url);
  if (!target) co_return std::unexpected(target.error());
  if (target->tls) co_return co_await connect_tls(loop, *target, options);
  co_return co_await connect_plain(loop, *target, options);
}

}  // namespace keyturn::net
