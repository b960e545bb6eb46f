// A blocking connection that bytes go out on, plain or under TLS, for pools. Over libcurl.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace keyturn::net {

struct StreamTarget {
  std::string host;  // a name or an address; an IPv6 address in []
  unsigned port = 0;
  bool tls = true;                              // the certificate must be of `host`
  std::string ca_file;                          // PEM of trusted roots instead of the system's
  Duration timeout = std::chrono::seconds(10);  // to connect, and without progress when sending
};

// Not thread-safe: one user at a time.
class ByteStream {
 public:
  // `keep_going` is asked several times a second while something is waited for. Codes:
  // cannot_connect, tls_failed, timeout, stopped.
  [[nodiscard]] static Result<std::unique_ptr<ByteStream>> connect(
      const StreamTarget& target, std::function<bool()> keep_going);
  ~ByteStream();

  // Whether the peer has closed, or sent something (which is thrown away).
  bool is_closed();
  // Resumes when the peer's kernel has acknowledged every byte: what lies in a buffer of this
  // machine is not sent. Codes: connection_lost, timeout, stopped. After any the stream is of no
  // more use.
  [[nodiscard]] Result<void> send(std::string_view bytes);

 private:
  struct Impl;
  explicit ByteStream(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keyturn::net
