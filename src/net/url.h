// URLs of services that are configured.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace keyturn::net {

// "localhost", "[::1]" or an address of 127.0.0.0/8 in full: what never leaves this machine.
bool is_this_machine(std::string_view host);

// Why a secret may not go there, in words; "" when it may: https, or http on this machine, a host,
// no user, no fragment. The URL itself may be a secret: the words hold nothing of it.
std::string wrong_with_service_url(std::string_view url);

struct ServiceAddress {
  bool tls = true;
  std::string host;  // as written; an IPv6 address in []
  std::string port;  // decimal
  std::string path;  // with the query; begins with '/'

  std::string authority() const;  // for Host: with the port, where it is not the usual one
  std::string name() const;       // as resolvers and certificates have it: without []
};
// What is wrong with it is refused with code bad_url: wrong_with_service_url(), or the port.
[[nodiscard]] Result<ServiceAddress> parse_service_url(std::string_view url);

}  // namespace keyturn::net
