// A WebSocket client (RFC 6455) on the I/O thread, over Boost.Beast.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "net/loop.h"

namespace keyturn::net {

struct WebSocketOptions {
  std::string ca_file;  // PEM of trusted roots instead of the system's
  Duration connect_timeout = std::chrono::seconds(10);  // name, connection, TLS and handshake
  // Without a byte for half as long: a ping; for as long: timeout.
  Duration idle_timeout = std::chrono::seconds(60);
  std::size_t message_bytes_max = 4 << 20;
};

// One connection. I/O thread only; at most one read at a time, any number of writes, which go out
// in order. Whoever waits in a member keeps the object: hold the pointer in the coroutine's frame.
class WebSocket {
 public:
  virtual ~WebSocket() = default;

  // The next text message; pings are answered meanwhile. Codes: closed (by the other side, or by
  // us), timeout, too_large, not_text (a binary message), transfer_failed. After any of them the
  // connection is over.
  virtual Task<Result<std::string>> read() = 0;
  // Codes: closed, timeout, transfer_failed.
  virtual Task<Result<void>> write(std::string text) = 0;
  virtual Task<Result<void>> ping() = 0;
  // The closing handshake (§7.1.2), a few seconds at most, while somebody reads or nobody does.
  virtual Task<void> close() = 0;
  // At once, without a word; whoever waits is refused.
  virtual void cut() = 0;
};

// Connects to wss://HOST[:PORT]/…, whose certificate must be good for HOST (TLS 1.2 or newer), or
// to ws:// on this machine. Redirects are not followed. Codes: bad_url, cannot_connect, tls_failed,
// timeout, bad_tls (the CA file), declined (the server answered with something else than 101). No
// refusal holds the URL: it may be a secret.
Task<Result<std::shared_ptr<WebSocket>>> connect_websocket(Loop& loop, std::string url,
                                                           WebSocketOptions options = {});

}  // namespace keyturn::net
