#include "base/ascii.h"
#include "base/bytes.h"
#include "net/request_head.h"

namespace keyturn::net {
namespace {

std::unexpected<Malformed> bad_target(std::string detail) {
  return std::unexpected(Malformed{400, "malformed_target", std::move(detail)});
}

// RFC 3986: pchar without "%" and the unreserved and sub-delims it is made of.
bool is_path_char(char c) {
  if (is_alphanumeric(c)) return true;
  return std::string_view("-._~!$&'()*+,;=:@").contains(c);
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// nullopt: a percent sign without two hex digits.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::expected<std::string, Malformed> decode_segment(std::string_view raw) {
  for (const char c : raw) {
    if (c != '%' && !is_path_char(c))
      return bad_target("the path holds a character that must be encoded");
  }
  auto segment = percent_decode(raw, false);
  if (!segment) return bad_target("the path holds a % without two hexadecimal digits");
  for (const char c : *segment) {
    if (is_control(c)) return bad_target("the path holds an encoded control character");
    if (c == '/' || c == '\\' || c == '%') {
      return bad_target("the path holds an encoded '/', '\\' or '%'");
    }
  }
  if (*segment == "." || *segment == "..")
    return bad_target("the path holds a '.' or '..' segment");
  if (first_invalid_utf8(*segment)) return bad_target("the path is not UTF-8");
  return std::move(*segment);
}

std::expected<std::string, Malformed> decode_path(std::string_view raw) {
  if (raw.empty() || raw.front() != '/') return bad_target("the path must start with '/'");
  std::string path;
  path.reserve(raw.size());
  std::size_t at = 1;
  while (true) {
    const std::size_t end = std::min(raw.find('/', at), raw.size());
    if (end == at && end != raw.size()) return bad_target("the path holds an empty segment");
    auto segment = decode_segment(raw.substr(at, end - at));
    if (!segment) return std::unexpected(std::move(segment.error()));
    path += '/';
    path += *segment;
    if (end == raw.size()) return path;
    at = end + 1;
  }
}

std::expected<std::string, Malformed> decode_query_text(std::string_view raw) {
  auto text = percent_decode(raw, true);
  if (!text) return bad_target("the query holds a % without two hexadecimal digits");
  for (const char c : *text) {
    if (is_control(c)) return bad_target("the query holds a control character");
  }
  if (first_invalid_utf8(*text)) return bad_target("the query is not UTF-8");
  return std::move(*text);
}

std::expected<std::vector<QueryParam>, Malformed> decode_query(std::string_view raw,
                                                               std::size_t params_max) {
  std::vector<QueryParam> params;
  for (std::size_t at = 0; at < raw.size();) {
    const std::size_t end = std::min(raw.find('&', at), raw.size());
    const std::string_view pair = raw.substr(at, end - at);
    at = end + 1;
    if (pair.empty()) continue;
    if (params.size() == params_max) return bad_target("too many query parameters");
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = decode_query_text(pair.substr(0, equals));
    if (!name) return std::unexpected(std::move(name.error()));
    auto value = decode_query_text(pair.substr(std::min(equals + 1, pair.size())));
    if (!value) return std::unexpected(std::move(value.error()));
    params.push_back({std::move(*name), std::move(*value)});
  }
  return params;
}

}  // namespace

std::expected<Target, Malformed> parse_target(std::string_view target, const HeadLimits& limits) {
  for (const char c : target) {
    if (c <= 0x20 || c >= 0x7f || c == '#') {
      return bad_target("the target holds a character that must be encoded");
    }
  }
  const std::size_t question = std::min(target.find('?'), target.size());
  auto path = decode_path(target.substr(0, question));
  if (!path) return std::unexpected(std::move(path.error()));
  if (question == target.size()) return Target{std::move(*path), {}};
  auto query = decode_query(target.substr(question + 1), limits.params_max);
  if (!query) return std::unexpected(std::move(query.error()));
  return Target{std::move(*path), std::move(*query)};
}

}  // namespace keyturn::net
