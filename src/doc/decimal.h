// A JSON number as an exact decimal, for comparing without rounding. Private to doc/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keyturn::doc {

// The leading digits of `text`, which are taken off it.
std::string_view take_digits(std::string_view& text);

// Its value is 0.DIGITS x 10^exponent. No zero stands first or last in `digits`; zero has none,
// exponent 0 and no sign.
struct Decimal {
  bool negative = false;
  std::string digits;
  std::int64_t exponent = 0;
  bool operator==(const Decimal&) const = default;
};

// Reads JSON number syntax (RFC 8259 §6); nullopt for anything else. An exponent beyond +-10^15 is
// held there.
std::optional<Decimal> parse_decimal(std::string_view text);

// The shortest decimal that reads back as `value`, which is finite.
Decimal shortest_decimal(double value);

// The nearest double; nullopt if it is infinite.
std::optional<double> nearest_double(std::string_view json_number);

// Appends in the form of ECMAScript's Number::toString (RFC 8785 §3.2.2.3).
void append_ecmascript(std::string& out, const Decimal& decimal);

}  // namespace keyturn::doc
