// Whether texts of keyturn.yaml can be what they say: addresses, host names, origins. Pure.
#pragma once

#include <string_view>

namespace keyturn::server {

bool is_numeric_address(std::string_view text);  // IPv4 or IPv6, without brackets
// Lower case, without scheme and port; an IPv6 address in brackets.
bool is_host_name(std::string_view text);
// What stands in a browser before the first "/": http or https, a host name, perhaps a port.
// Passkeys and cookies are bound to it. "/" at the end is allowed.
bool is_origin(std::string_view text);

}  // namespace keyturn::server
