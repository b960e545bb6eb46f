// Connections to services: names looked up off the loop, TCP, TLS. Internal to net/.
#pragma once

#include <boost/beast/core/tcp_stream.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/task_impl.h"
#include "base/time.h"
#include "net/abort.h"
#include "net/address_rule.h"
#include "net/blocking.h"
#include "net/loop.h"
#include "net/tls_client.h"
#include "net/url.h"

namespace keyturn::net {

// A connection, plain or under TLS. Its timeouts are tcp()'s.
class Wire {
 public:
  virtual ~Wire() = default;
  struct Read {
    boost::system::error_code error;
    std::size_t bytes = 0;
  };
  virtual Task<Read> read(char* out, std::size_t size) = 0;
  virtual Task<boost::system::error_code> write(std::string_view bytes) = 0;  // all of it
  virtual boost::beast::tcp_stream& tcp() = 0;
  void close() { tcp().close(); }
  bool is_idle();  // still open, and the other side has said nothing
};

class Dialer {
 public:
  explicit Dialer(Loop& loop) : loop_(loop) {}

  // The host is looked up once, and what `addresses` does not allow of that is left out: the
  // connection goes to an address that was checked. `abort` may end it. Codes: cannot_connect
  // (also: it took too long), address_refused, tls_failed, stopped, bad_tls.
  Task<Result<std::unique_ptr<Wire>>> dial(ServiceAddress to, std::string ca_file,
                                           AddressRule addresses, Duration timeout,
                                           std::shared_ptr<Abort> abort);

 private:
  using Endpoints = std::vector<boost::asio::ip::tcp::endpoint>;
  using Tls = std::shared_ptr<boost::asio::ssl::context>;
  using SteadyTime = std::chrono::steady_clock::time_point;
  struct KnownTls {
    Tls context;
    SteadyTime until;  // then the file is read again
  };

  BlockingPool& pool();
  Task<Result<Endpoints>> find(ServiceAddress to, SteadyTime by, std::shared_ptr<Abort> abort);
  Task<Result<Tls>> tls(std::string ca_file);

  Loop& loop_;
  std::unique_ptr<BlockingPool> pool_;
  std::map<std::string, KnownTls> tls_;
};

}  // namespace keyturn::net
