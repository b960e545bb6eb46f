#include "catalog/http_words.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace keyturn::catalog {
namespace {

// What Keyturn and its HTTP client say themselves, and what is between two hops (RFC 9110 §7.6.1).
constexpr std::array<std::string_view, 15> kOwnHeaders{
    "accept-encoding",  "connection", "content-length", "content-type",
    "expect",           "host",       "http2-settings", "keep-alive",
    "proxy-connection", "te",         "trailer",        "transfer-encoding",
    "upgrade",          "via",        "user-agent"};
constexpr std::array<std::string_view, 6> kSecretHeaders{
    "authorization", "cookie", "x-api-key", "proxy-authorization", "api-key", "x-vault-token"};
constexpr std::array<std::string_view, 5> kSecretAnswers{
    "set-cookie", "set-cookie2", "www-authenticate", "proxy-authenticate", "authentication-info"};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::ranges::find(words, lower_case(word)) != words.end();
}

// What of a segment is not {{…}}.
std::string literal_of(std::string_view segment) {
  std::string out;
  while (!segment.empty()) {
    const std::size_t open = segment.find("{{");
    out += segment.substr(0, open);
    if (open == std::string_view::npos) break;
    const std::size_t close = segment.find("}}", open);
    segment = close == std::string_view::npos ? std::string_view{} : segment.substr(close + 2);
  }
  return out;
}

std::string wrong_with_segment(std::string_view segment, bool last) {
  const bool has_parameter = segment.contains("{{");
  const std::string literal = literal_of(segment);
  if (segment.empty() && !last) return "the path has an empty piece (//)";
  if (segment == "." || segment == "..") return "the path has a piece \".\" or \"..\"";
  for (std::size_t i = 0; i < literal.size(); ++i) {
    const char c = literal[i];
    if (c == '?' || c == '#') return "the path has no query: write query: {name: value}";
    if (c == '%') {
      const bool whole =
          i + 2 < literal.size() && is_hex_digit(literal[i + 1]) && is_hex_digit(literal[i + 2]);
      if (has_parameter || !whole)
        return "a piece of the path with a parameter has no \"%\": values are encoded by Keyturn";
      const std::string code = lower_case(literal.substr(i + 1, 2));
      if (code == "2f" || code == "5c" || code == "2e" || code == "00")
        return "the path holds an encoded \"/\", \"\\\", \".\" or NUL, which servers read "
               "differently";
    } else if (!is_alphanumeric(c) && !std::string_view("-._~!$&'()*+,;=:@").contains(c)) {
      return "the path has a character that must be percent-encoded";
    }
  }
  return "";
}

bool is_this_machine(std::string_view host) {
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = to_lower(c);
  return out;
}

bool is_header_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").contains(c);
  });
}

bool is_field_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= 0x20 && c < 0x7f) || c == '\t'; });
}

bool is_secret_header(std::string_view name) {
  return is_one_of(kSecretHeaders, name);
}

bool holds_secrets(std::string_view name) {
  return is_one_of(kSecretAnswers, name) || is_secret_header(name);
}

std::string wrong_with_header(std::string_view name) {
  if (!is_header_name(name)) return "\"" + std::string(name) + "\" is no name of a header";
  if (is_one_of(kOwnHeaders, name))
    return std::string(name) + " is said by Keyturn itself; remove it";
  return "";
}

std::string wrong_with_server(std::string_view server) {
  const bool plain = server.starts_with("http://");
  if (!plain && !server.starts_with("https://"))
    return "server begins with https://, such as https://api.example.com";
  std::string_view host = server.substr(plain ? 7 : 8);
  if (host.contains('/') || host.contains('?') || host.contains('#'))
    return "server is https://HOST or https://HOST:PORT; what follows belongs to path";
  if (host.contains('@')) return "server has a host, and no user and password";
  std::string_view port;
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
    port = host.substr(colon + 1);
    host = host.substr(0, colon);
    const bool digits = !port.empty() && port.size() <= 5 && std::ranges::all_of(port, is_digit);
    if (!digits) return "server has a port that is no number";
  }
  const bool six = host.starts_with('[') && host.ends_with(']');
  const bool good = !host.empty() &&
                    std::ranges::all_of(six ? host.substr(1, host.size() - 2) : host, [&](char c) {
                      return six ? is_hex_digit(c) || c == ':' || c == '.'
                                 : is_alphanumeric(c) || c == '-' || c == '.';
                    });
  if (!good) return "server has a host, written in letters, digits, \"-\" and \".\"";
  if (plain && !is_this_machine(host))
    return "what is on another machine needs https://: http:// is for this one";
  return "";
}

std::string wrong_with_path(std::string_view path) {
  if (!path.starts_with('/')) return "path begins with \"/\"";
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string wrong = wrong_with_segment(path.substr(0, end), end == path.size());
    if (!wrong.empty()) return wrong;
    path.remove_prefix(end);
  }
  return "";
}

}  // namespace keyturn::catalog
