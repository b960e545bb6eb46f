// For tests of net/ only: a server that says, byte for byte, what the test's script says.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "net/net_test_server.h"
#include "net/transport.h"

namespace keyturn::net {

// The server's end of one connection.
class ScriptedPeer {
 public:
  ScriptedPeer(int fd, SSL_CTX* tls) : fd_(fd) {
    const timeval patience{20, 0};  // so that a bug fails instead of hanging
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (tls == nullptr) return;
    ssl_ = SSL_new(tls);
    SSL_set_fd(ssl_, fd_);
    if (SSL_accept(ssl_) != 1) close();
  }
  ~ScriptedPeer() { close(); }
  ScriptedPeer(const ScriptedPeer&) = delete;
  ScriptedPeer& operator=(const ScriptedPeer&) = delete;

  // Head and body of the next request; what came so far when the connection ends first.
  std::string request() {
    while (!got_.contains("\r\n\r\n") && more()) {
    }
    const std::size_t end = got_.find("\r\n\r\n");
    const std::size_t at = got_.find("Content-Length: ");
    std::size_t size = end == std::string::npos ? got_.size() : end + 4;
    if (at < size) size += std::stoul(got_.substr(at + 16));
    while (got_.size() < size && more()) {
    }
    std::string out = got_.substr(0, size);
    got_.erase(0, out.size());
    return out;
  }
  // Waits for the other side's end, or a byte of it, but not for ever.
  bool is_closed() {
    errno = 0;
    return !more() && errno != EAGAIN;
  }
  void say(std::string_view bytes) {
    while (fd_ >= 0 && !bytes.empty()) {
      const ssize_t n = ssl_ == nullptr
                            ? ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL)
                            : SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
      if (n <= 0) {
        is_gone_ = true;
        return;
      }
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  bool is_gone() const { return is_gone_; }  // it did not take what was said
  void say_goodbye() {                       // in good order, for TLS
    if (ssl_ != nullptr) SSL_shutdown(ssl_);
  }
  // Back when the other side's kernel knows.
  void close_heard() {
    const linger patient{1, 20};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &patient, sizeof patient);
    close();
  }
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  void close() {
    if (ssl_ != nullptr) SSL_free(ssl_);
    ssl_ = nullptr;
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  bool more() {
    char buffer[65536];
    if (fd_ < 0) return false;
    const ssize_t n = ssl_ == nullptr ? ::recv(fd_, buffer, sizeof buffer, 0)
                                      : SSL_read(ssl_, buffer, sizeof buffer);
    if (n <= 0) return false;
    got_.append(buffer, static_cast<std::size_t>(n));
    return true;
  }
  int fd_;
  SSL* ssl_ = nullptr;
  bool is_gone_ = false;
  std::string got_;
};

// Plays one script for each connection, one after the other, on its own thread.
class ScriptedServer {
 public:
  using Script = std::function<void(ScriptedPeer&)>;
  explicit ScriptedServer(std::vector<Script> scripts, std::optional<TlsFiles> tls = {})
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (tls) tls_ = std::move(*load_server_tls(tls->certificate, tls->key));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* at = reinterpret_cast<sockaddr*>(&address);
    if (::bind(fd_, at, size) != 0 || ::listen(fd_, 8) != 0 || ::getsockname(fd_, at, &size) != 0)
      throw std::runtime_error("cannot listen");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, scripts = std::move(scripts)] {
      for (const Script& script : scripts) {
        pollfd one{fd_, POLLIN, 0};
        if (::poll(&one, 1, 20'000) != 1) return;
        ScriptedPeer peer(::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC), tls_.get());
        script(peer);
      }
    });
  }
  ~ScriptedServer() {
    if (thread_.joinable()) thread_.join();
    ::close(fd_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string url(const std::string& path = "/") const {
    return (tls_ ? "https" : "http") + ("://127.0.0.1:" + std::to_string(port_)) + path;
  }

 private:
  int fd_;
  SslContext tls_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace keyturn::net
