#include "net/head_fields.h"

#include <algorithm>

#include "base/ascii.h"

namespace keyturn::net {
namespace {

std::expected<void, Malformed> read_field(std::string_view line, Headers& headers) {
  if (line.front() == ' ' || line.front() == '\t')
    return malformed("folded header lines are refused");
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return malformed("a header line has no colon");
  const std::string_view name = line.substr(0, colon);
  if (!is_token(name)) return malformed("a header name is not a token");
  const std::string_view value = trim(line.substr(colon + 1));
  if (!is_field_value(value)) {
    return malformed("header " + std::string(name) + " holds a control character");
  }
  headers.add(std::string(name), std::string(value));
  return {};
}

}  // namespace

std::unexpected<Malformed> malformed(std::string detail) {
  return std::unexpected(Malformed{400, "malformed_request", std::move(detail)});
}

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find("\r\n");
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 2);
  return line;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<std::uint64_t> parse_length(std::string_view digits) {
  if (digits.empty() || digits.size() > 18 || !std::ranges::all_of(digits, is_digit)) return {};
  std::uint64_t length = 0;
  for (const char c : digits) length = length * 10 + static_cast<std::uint64_t>(c - '0');
  return length;
}

std::expected<void, Malformed> read_fields(std::string_view& rest, std::size_t fields_max,
                                           Headers& headers) {
  std::size_t fields = 0;
  while (true) {
    const std::string_view line = take_line(rest);
    if (line.empty()) return {};
    if (++fields > fields_max)
      return std::unexpected(Malformed{431, "too_many_headers", "too many header fields"});
    if (auto ok = read_field(line, headers); !ok) return ok;
  }
}

bool has_word(const Headers& headers, std::string_view name, std::string_view word) {
  for (const Header& field : headers.all()) {
    if (!equal_ignoring_case(field.name, name)) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      if (equal_ignoring_case(trim(rest.substr(0, end)), word)) return true;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return false;
}

}  // namespace keyturn::net
