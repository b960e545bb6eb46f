#include "net/url.h"

#include <algorithm>
#include <charconv>

namespace keyturn::net {
namespace {

std::string_view host_of(std::string_view authority) {
  const std::size_t start = authority.starts_with('[') ? authority.find(']') : 0;
  if (start == std::string_view::npos) return authority;
  return authority.substr(0, authority.find(':', start));
}

// Four numbers of 0 to 255 in decimal, the first of them 127.
bool is_127(std::string_view host) {
  const char* at = host.data();
  const char* const end = at + host.size();
  for (int i = 0; i < 4; ++i) {
    unsigned number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc{} || number > 255 || (i == 0 && number != 127)) return false;
    at = next;
    if (i < 3 && (at == end || *at++ != '.')) return false;
  }
  return at == end;
}

}  // namespace

bool is_this_machine(std::string_view host) {
  return host == "localhost" || host == "[::1]" || is_127(host);
}

std::string wrong_with_service_url(std::string_view url) {
  const bool tls = url.starts_with("https://");
  if (!tls && !url.starts_with("http://")) return "a url begins with https://";
  for (const char c : url) {
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f ||
        std::string_view("\"<>\\#").contains(c))
      return "this is no URL";
  }
  const std::size_t start = url.find("://") + 3;
  const std::string_view authority =
      url.substr(start, std::min(url.find_first_of("/?", start), url.size()) - start);
  if (authority.empty() || authority.contains('@'))
    return "a url has a host, and no user and password";
  if (!tls && !is_this_machine(host_of(authority)))
    return "what is on another machine needs https://: http:// is for this one";
  return {};
}

}  // namespace keyturn::net
