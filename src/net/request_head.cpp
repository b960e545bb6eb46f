#include "net/request_head.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "net/head_fields.h"

namespace keyturn::net {
namespace {

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> kTokenTable = make_token_table();

bool is_token_char(char c) {
  return kTokenTable[static_cast<unsigned char>(c)];
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = to_lower(c);
  }
  return out;
}

std::expected<void, Malformed> read_version(std::string_view version, RequestHead& head) {
  if (version == "HTTP/1.1") return {};
  if (version == "HTTP/1.0") {
    head.is_http_1_0 = true;
    head.keep_alive = false;
    return {};
  }
  if (version.size() == 8 && version.starts_with("HTTP/") && is_digit(version[5])) {
    return std::unexpected(Malformed{505, "http_version", "only HTTP/1.1 and HTTP/1.0 are spoken"});
  }
  return malformed("the request line must end in an HTTP version");
}

std::expected<void, Malformed> read_request_line(std::string_view line, const HeadLimits& limits,
                                                 RequestHead& head) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || line.find(' ', first + 1) != last) {
    return malformed("the request line must be: method, one space, target, one space, version");
  }
  const std::string_view method = line.substr(0, first);
  const bool plain = std::ranges::all_of(method, [](char c) { return is_upper(c) || c == '-'; });
  if (method.empty() || method.size() > 20 || !plain) return malformed("bad method");
  if (auto ok = read_version(line.substr(last + 1), head); !ok) return ok;
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (target.size() > limits.target_bytes_max) {
    return std::unexpected(Malformed{414, "target_too_long", "the request target is too long"});
  }
  head.request.is_head = method == "HEAD";
  head.request.method = head.request.is_head ? "GET" : std::string(method);
  head.request.target = target;
  return {};
}

std::expected<void, Malformed> refuse_doubles(const Headers& headers) {
  static constexpr std::array<std::string_view, 9> kSingle = {
      "host",   "content-length", "transfer-encoding", "authorization", "cookie", "content-type",
      "origin", "expect",         "content-encoding"};
  for (const std::string_view name : kSingle) {
    if (headers.count(name) > 1)
      return malformed("header " + std::string(name) + " was sent twice");
  }
  return {};
}

std::expected<void, Malformed> read_framing(RequestHead& head) {
  const auto encoding = head.request.header("transfer-encoding");
  const auto length = head.request.header("content-length");
  if (encoding) {
    if (length) return malformed("Transfer-Encoding and Content-Length exclude each other");
    if (head.is_http_1_0) return malformed("HTTP/1.0 has no Transfer-Encoding");
    if (!equal_ignoring_case(*encoding, "chunked")) {
      return std::unexpected(
          Malformed{501, "transfer_encoding", "the only Transfer-Encoding known is chunked"});
    }
    head.is_chunked = true;
  }
  if (length) {
    const auto bytes = parse_length(*length);
    if (!bytes) return malformed("Content-Length must be one decimal number");
    head.content_length = *bytes;
  }
  const auto coding = head.request.header("content-encoding");
  if (coding && !equal_ignoring_case(*coding, "identity")) {
    return std::unexpected(
        Malformed{415, "content_encoding", "compressed requests are not accepted; send it plain"});
  }
  return {};
}

std::expected<void, Malformed> read_connection(RequestHead& head) {
  if (has_word(head.request.headers, "connection", "close")) head.keep_alive = false;
  if (const auto expect = head.request.header("expect")) {
    if (!equal_ignoring_case(*expect, "100-continue")) {
      return std::unexpected(
          Malformed{417, "expectation_failed", "only 100-continue can be expected"});
    }
    head.expects_continue = !head.is_http_1_0;
  }
  return {};
}

// Absolute form ("GET http://host/path", RFC 9112 §3.2.2) is cut down to origin form.
std::expected<void, Malformed> read_host(RequestHead& head) {
  const auto field = head.request.header("host");
  if (!field) return malformed("the Host header is missing");
  auto host = host_of_authority(*field);
  if (!host) return malformed("the Host header is no host name with an optional port");
  std::string_view target = head.request.target;
  if (!target.starts_with('/')) {
    const std::size_t scheme = target.starts_with("http://")    ? 7
                               : target.starts_with("https://") ? 8
                                                                : 0;
    if (scheme == 0) return malformed("the target must be a path that starts with '/'");
    target.remove_prefix(scheme);
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    if (!equal_ignoring_case(target.substr(0, end), *field)) {
      return malformed("the target's host and the Host header differ");
    }
    std::string origin(target.substr(end));
    if (!origin.starts_with('/')) origin.insert(0, "/");
    head.request.target = std::move(origin);
  }
  head.request.host = std::move(*host);
  return {};
}

bool is_bracketed_address(std::string_view text) {
  if (text.size() < 4 || text.front() != '[' || text.back() != ']') return false;
  return std::ranges::all_of(text.substr(1, text.size() - 2), [](char c) {
    return is_digit(c) || c == ':' || c == '.' || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

bool is_field_value(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

std::optional<std::string> host_of_authority(std::string_view authority) {
  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const std::string_view host = authority.substr(0, colon);
  if (colon != std::string_view::npos) {
    const std::string_view port = authority.substr(colon + 1);
    if (port.empty() || port.size() > 5 || !std::ranges::all_of(port, is_digit))
      return std::nullopt;
  }
  if (host.empty() || host.size() > 253) return std::nullopt;
  const bool is_name = std::ranges::all_of(
      host, [](char c) { return is_alphanumeric(c) || c == '-' || c == '.' || c == '_'; });
  if (!is_name && !is_bracketed_address(host)) return std::nullopt;
  return lower(host);
}

std::expected<std::optional<std::size_t>, Malformed> find_head_end(std::string_view bytes,
                                                                   std::size_t& from) {
  // `from` stands at the start of a line. A bare CR or a NUL inside a line is left to the field
  // checks.
  while (true) {
    const std::size_t feed = bytes.find('\n', from);
    if (feed == std::string_view::npos) return std::nullopt;
    if (feed == from || bytes[feed - 1] != '\r') return malformed("lines must end in CR LF");
    const bool is_empty_line = feed == from + 1;
    if (is_empty_line && from == 0) return malformed("an empty line stands where a head begins");
    from = feed + 1;
    if (is_empty_line) return from;
  }
}

std::expected<RequestHead, Malformed> parse_request_head(std::string_view head_bytes,
                                                         const HeadLimits& limits) {
  RequestHead head;
  std::string_view rest = head_bytes;
  if (auto ok = read_request_line(take_line(rest), limits, head); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  if (auto ok = read_fields(rest, limits.headers_max, head.request.headers); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  using Step = std::expected<void, Malformed> (*)(RequestHead&);
  static constexpr std::array<Step, 4> kSteps = {
      [](RequestHead& h) { return refuse_doubles(h.request.headers); }, read_framing,
      read_connection, read_host};
  for (const Step step : kSteps) {
    if (auto ok = step(head); !ok) return std::unexpected(std::move(ok.error()));
  }
  auto target = parse_target(head.request.target, limits);
  if (!target) return std::unexpected(std::move(target.error()));
  head.request.path = std::move(target->path);
  head.request.query = std::move(target->query);
  return head;
}

}  // namespace keyturn::net
