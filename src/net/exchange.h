// An HTTP/1.1 client on the I/O thread (RFC 9112, over Boost.Beast) whose answers are read while
// they come.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "net/abort.h"
#include "net/address_rule.h"
#include "net/http.h"
#include "net/loop.h"

namespace keyturn::net {

struct ExchangeRequest {
  std::string method = "GET";
  std::string url;  // https, or http on this machine: parse_service_url()
  Headers headers;  // Host, Content-Length, Transfer-Encoding and Connection are ours
  std::string body;
  std::string ca_file;  // PEM of trusted roots instead of the system's
  Duration connect_timeout = std::chrono::seconds(10);  // name, connection and TLS
  // To send the request; and from its last byte to the head of the answer.
  Duration head_timeout = std::chrono::minutes(10);
  Duration silence_timeout{};  // between two pieces of the body; zero: none
  std::size_t head_bytes_max = 64 * 1024;
  std::shared_ptr<Abort> abort;  // ends it, also before the head is there; null: nobody does
  // Of what the host is looked up to be. With a rule the connection is a new one: one that was kept
  // was made under another.
  AddressRule addresses;
  // Asked once there is a connection, before the first byte of the request; a refusal is the
  // answer, and nothing was sent. Empty: none.
  std::function<Task<Result<void>>()> before_send;
};

// One answer. I/O thread only. Whoever waits in read() keeps the object. Destruction ends the
// exchange: the connection is kept for the next one only when the body was read to its end.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual int status() const = 0;
  virtual const Headers& headers() const = 0;
  // The next bytes of the body, de-chunked, as soon as there are some; nullopt: that was all.
  // Codes: timeout, transfer_failed, stopped (by cut()).
  virtual Task<Result<std::optional<std::string>>> read() = 0;
  virtual void cut() = 0;  // at once; whoever waits in read() is refused
};

class ExchangeClient {
 public:
  explicit ExchangeClient(Loop& loop, std::size_t idle_per_host_max = 32);
  ~ExchangeClient();
  // Returns when the head of the answer is there; any status is an answer, redirects are not
  // followed. A connection that was kept and turns out closed before a byte of the answer came is
  // replaced once, when the whole request had not been sent. Codes: bad_url, bad_header,
  // cannot_connect (also: within connect_timeout), address_refused, tls_failed, timeout,
  // transfer_failed, too_large (the head), bad_tls (the CA file), stopped. No refusal holds the
  // URL: it may be a secret.
  Task<Result<std::shared_ptr<Exchange>>> send(ExchangeRequest request);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace keyturn::net
