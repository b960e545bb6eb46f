// Strict JSON (RFC 8259) in, compact JSON out, RFC 8785 canonical form.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "doc/value.h"

namespace keyturn::doc {

struct ParseLimits {
  std::size_t bytes_max = 1 << 20;
  std::size_t depth_max = 64;
  std::size_t values_max = 200'000;
  std::size_t number_digits_max = 400;
};

// Parses one JSON text. Refuses: invalid UTF-8, lone surrogate escapes, duplicate keys (after
// unescaping), trailing bytes, control characters in strings, anything past a limit. The refusal's
// code is invalid_json, duplicate_key, too_deep or too_large; `where` is "line:column (byte N)";
// message says what was expected.
[[nodiscard]] Result<Value> parse_json(std::string_view text, const ParseLimits& limits = {});

// Compact JSON; members in their own order, numbers as written.
std::string write_json(const Value& value);
std::string write_json_pretty(const Value& value);  // two spaces, for people

// RFC 8785. Numbers are written in the ECMAScript form of their IEEE double; one whose double is
// not numerically equal to its text (1e400, 9007199254740993, 0.1 with 30 more digits) is refused
// with code inexact_number and a JSON Pointer. Strings are written as in RFC 8785 §3.2.2.2; keys
// sorted by UTF-16.
[[nodiscard]] Result<std::string> canonical(const Value& value);

// canonical() for values that the program built (a refusal is a bug: it throws std::logic_error).
std::string canonical_or_die(const Value& value);

}  // namespace keyturn::doc
