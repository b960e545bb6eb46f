// Whom a request comes from when reverse proxies stand in front.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http.h"

namespace keyturn::net {

// Addresses and networks of proxies that are believed when they say for whom they speak.
class TrustedProxies {
 public:
  // "192.0.2.7", "10.0.0.0/8", "::1", "2001:db8::/32". Code invalid_network; `where` is the index.
  static Result<TrustedProxies> parse(const std::vector<std::string>& networks);
  bool contains(std::string_view address) const;
  bool empty() const { return networks_.empty(); }

 private:
  struct Network {
    std::array<std::uint8_t, 16> bytes{};  // IPv4 as ::ffff:a.b.c.d
    unsigned bits = 0;
  };
  std::vector<Network> networks_;
};

// The peer; or, when the peer is a trusted proxy, the right-most address of X-Forwarded-For that is
// none: everything to the left of it may have been written by whoever sent the request. An entry
// that is no address ends the walk at the proxy that passed it on.
std::string client_of(const HttpRequest& request, const TrustedProxies& trusted);

}  // namespace keyturn::net
