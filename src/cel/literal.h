// The value of a literal's text.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "cel/value.h"

namespace keyturn::cel {

// "r'a'" or "b\"\\x00\"": the bytes between the quotes, with escapes resolved; or what is wrong.
std::expected<std::string, std::string> unquote(std::string_view literal, bool bytes);

// Decimal or 0x digits; the sign is apart so that -9223372036854775808 can be said.
std::optional<std::int64_t> parse_int(std::string_view digits, bool negative);
std::optional<std::uint64_t> parse_uint(std::string_view digits);
std::optional<double> parse_double(std::string_view text);  // overflow: infinity, underflow: 0

}  // namespace keyturn::cel
