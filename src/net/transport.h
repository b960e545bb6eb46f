// Non-blocking bytes over a connected socket, plain or TLS. Internal to net/.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace keyturn::net {

enum class IoState { kDone, kWantRead, kWantWrite, kClosed };

struct Io {
  IoState state = IoState::kClosed;
  std::size_t bytes = 0;  // with kDone: at least 1
};

class Transport {
 public:
  virtual ~Transport() = default;
  virtual Io handshake() { return {IoState::kDone, 0}; }
  virtual Io read(char* out, std::size_t size) = 0;
  virtual Io write(std::string_view bytes) = 0;
  virtual void close_write() = 0;  // no more will be written: FIN, or close_notify and FIN
  virtual bool is_tls() const {
    return false;
  }  // then bytes may wait inside though the socket has none
};

struct FreeSslContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, FreeSslContext>;

// TLS 1.2 or newer, ALPN http/1.1. Refuses with code bad_tls: which file, and OpenSSL's reason.
[[nodiscard]] Result<SslContext> load_server_tls(const std::string& certificate,
                                                 const std::string& key);

std::unique_ptr<Transport> plain_transport(int fd);  // `fd` is borrowed
std::unique_ptr<Transport> tls_transport(SSL_CTX* context, int fd);

}  // namespace keyturn::net
