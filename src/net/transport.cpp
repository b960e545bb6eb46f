#include "net/transport.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

namespace keyturn::net {
namespace {

int clamp(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
}

class PlainTransport final : public Transport {
 public:
  explicit PlainTransport(int fd) : fd_(fd) {}

  Io read(char* out, std::size_t size) override {
    while (true) {
      const ssize_t n = ::recv(fd_, out, size, 0);
      if (n > 0) return {IoState::kDone, static_cast<std::size_t>(n)};
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {IoState::kWantRead, 0};
      return {};
    }
  }

  Io write(std::string_view bytes) override {
    while (true) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n >= 0) return {IoState::kDone, static_cast<std::size_t>(n)};
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoState::kWantWrite, 0};
      return {};
    }
  }

  void close_write() override { ::shutdown(fd_, SHUT_WR); }

 private:
  int fd_;
};

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

class TlsTransport final : public Transport {
 public:
  TlsTransport(SSL_CTX* context, int fd) : ssl_(SSL_new(context)), fd_(fd) {
    if (ssl_ == nullptr) return;
    SSL_set_fd(ssl_.get(), fd);
    SSL_set_accept_state(ssl_.get());
  }

  Io handshake() override {
    if (ssl_ == nullptr) return {};
    ERR_clear_error();
    return outcome(SSL_do_handshake(ssl_.get()));
  }
  Io read(char* out, std::size_t size) override {
    ERR_clear_error();
    return outcome(SSL_read(ssl_.get(), out, clamp(size)));
  }
  Io write(std::string_view bytes) override {
    ERR_clear_error();
    return outcome(SSL_write(ssl_.get(), bytes.data(), clamp(bytes.size())));
  }
  void close_write() override {
    ERR_clear_error();
    if (SSL_is_init_finished(ssl_.get()) != 0) SSL_shutdown(ssl_.get());
    ::shutdown(fd_, SHUT_WR);
  }
  bool is_tls() const override { return true; }

 private:
  Io outcome(int n) {
    if (n > 0) return {IoState::kDone, static_cast<std::size_t>(n)};
    switch (SSL_get_error(ssl_.get(), n)) {
      case SSL_ERROR_WANT_READ:
        return {IoState::kWantRead, 0};
      case SSL_ERROR_WANT_WRITE:
        return {IoState::kWantWrite, 0};
      default:
        return {};
    }
  }

  std::unique_ptr<SSL, FreeSsl> ssl_;
  int fd_;
};

std::string openssl_reason() {
  std::array<char, 256> text{};
  const unsigned long code = ERR_get_error();
  ERR_error_string_n(code, text.data(), text.size());
  ERR_clear_error();
  return code == 0 ? "unknown reason" : text.data();
}

int choose_http_1_1(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned int in_size, void*) {
  static constexpr std::array<unsigned char, 9> kOffer = {8,   'h', 't', 't', 'p',
                                                          '/', '1', '.', '1'};
  auto* chosen = const_cast<unsigned char*>(*out);
  const int found =
      SSL_select_next_proto(&chosen, out_size, kOffer.data(), kOffer.size(), in, in_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

Result<SslContext> load_server_tls(const std::string& certificate, const std::string& key) {
  SslContext context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return refuse("bad_tls", "OpenSSL: " + openssl_reason());
  SSL_CTX* ctx = context.get();
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_options(
      ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  // Released buffers keep an idle or parked connection small.
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_select_cb(ctx, choose_http_1_1, nullptr);
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(ctx, certificate.c_str()) != 1) {
    return refuse("bad_tls", "cannot use the TLS certificate " + certificate + ": " +
                                 openssl_reason() +
                                 "; it must be a PEM chain, the server's own certificate first");
  }
  if (SSL_CTX_use_PrivateKey_file(ctx, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return refuse("bad_tls",
                  "cannot use the TLS key " + key + ": " + openssl_reason() +
                      "; it must be an unencrypted PEM key that belongs to the certificate");
  }
  if (SSL_CTX_check_private_key(ctx) != 1) {
    return refuse("bad_tls",
                  "the TLS key " + key + " does not belong to the certificate " + certificate);
  }
  return context;
}

std::unique_ptr<Transport> plain_transport(int fd) {
  return std::make_unique<PlainTransport>(fd);
}

std::unique_ptr<Transport> tls_transport(SSL_CTX* context, int fd) {
  return std::make_unique<TlsTransport>(context, fd);
}

}  // namespace keyturn::net
