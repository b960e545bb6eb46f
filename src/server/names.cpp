#include "server/names.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

#include "base/ascii.h"

namespace keyturn::server {
namespace {

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, is_digit);
}

bool is_ipv6(std::string_view text) {
  in6_addr ignored;
  return ::inet_pton(AF_INET6, std::string(text).c_str(), &ignored) == 1;
}

}  // namespace

bool is_numeric_address(std::string_view text) {
  in_addr ignored;
  return ::inet_pton(AF_INET, std::string(text).c_str(), &ignored) == 1 || is_ipv6(text);
}

bool is_host_name(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) return is_ipv6(text.substr(1, text.size() - 2));
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_lower(c) || is_digit(c) || c == '-' || c == '.';
  });
}

bool is_origin(std::string_view text) {
  while (text.ends_with('/')) text.remove_suffix(1);
  std::string_view host;
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (text.starts_with(scheme)) host = text.substr(scheme.size());
  }
  const std::size_t colon = host.ends_with(']') ? std::string_view::npos : host.rfind(':');
  if (colon == std::string_view::npos) return is_host_name(host);
  return is_port(host.substr(colon + 1)) && is_host_name(host.substr(0, colon));
}

}  // namespace keyturn::server
