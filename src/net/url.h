// URLs of services that are configured.
#pragma once

#include <string>
#include <string_view>

namespace keyturn::net {

// "localhost", "[::1]" or an address of 127.0.0.0/8 in full: what never leaves this machine.
bool is_this_machine(std::string_view host);

// Why a secret may not go there, in words; "" when it may: https, or http on this machine, a host,
// no user, no fragment. The URL itself may be a secret: the words hold nothing of it.
std::string wrong_with_service_url(std::string_view url);

}  // namespace keyturn::net
