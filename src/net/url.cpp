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

std::string ServiceAddress::authority() const {
  const bool usual = port == (tls ? "443" : "80");
  return usual ? host : host + ":" + port;
}

std::string ServiceAddress::name() const {
  return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

Result<ServiceAddress> parse_service_url(std::string_view url) {
  if (const std::string wrong = wrong_with_service_url(url); !wrong.empty())
    return refuse("bad_url", wrong);
  ServiceAddress out;
  out.tls = url.starts_with("https://");
  url.remove_prefix(out.tls ? 8 : 7);
  const std::size_t slash = std::min(url.find_first_of("/?"), url.size());
  const std::string_view authority = url.substr(0, slash);
  out.path = (url.substr(slash).starts_with('/') ? "" : "/") + std::string(url.substr(slash));
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  out.host = authority.substr(0, colon);
  const std::string_view port =
      colon == std::string_view::npos ? (out.tls ? "443" : "80") : authority.substr(colon + 1);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  const bool is_bare = out.host.starts_with('[') != out.host.ends_with(']');
  if (out.host.empty() || is_bare || error != std::errc{} || end != port.data() + port.size() ||
      number == 0 || number > 65535)
    return refuse("bad_url", "this is no URL: HOST or HOST:PORT comes after ://");
  out.port = port;
  return out;
}

}  // namespace keyturn::net
