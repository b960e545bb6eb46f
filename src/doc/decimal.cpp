#include "doc/decimal.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/ascii.h"

namespace keyturn::doc {

std::string_view take_digits(std::string_view& text) {
  const auto end = std::ranges::find_if_not(text, is_digit);
  const auto count = static_cast<std::size_t>(end - text.begin());
  const std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

namespace {

// The part from 'e' on; `text` is consumed. nullopt if it is malformed.
std::optional<std::int64_t> take_exponent(std::string_view& text) {
  constexpr std::int64_t kMost = 1'000'000'000'000'000;
  if (text.empty() || (text[0] != 'e' && text[0] != 'E')) return 0;
  text.remove_prefix(1);
  bool negative = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  const std::string_view digits = take_digits(text);
  if (digits.empty()) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : digits) value = std::min(kMost, value * 10 + (c - '0'));
  return negative ? -value : value;
}

void normalise(Decimal& decimal) {
  const std::size_t first = decimal.digits.find_first_not_of('0');
  if (first == std::string::npos) {
    decimal = {};
    return;
  }
  decimal.exponent -= static_cast<std::int64_t>(first);
  decimal.digits.erase(decimal.digits.find_last_not_of('0') + 1);
  decimal.digits.erase(0, first);
}

}  // namespace

std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal out;
  if (text.starts_with('-')) {
    out.negative = true;
    text.remove_prefix(1);
  }
  const std::string_view whole = take_digits(text);
  if (whole.empty() || (whole.size() > 1 && whole[0] == '0')) return std::nullopt;
  out.digits = whole;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const std::string_view fraction = take_digits(text);
    if (fraction.empty()) return std::nullopt;
    out.digits += fraction;
  }
  const auto exponent = take_exponent(text);
  if (!exponent || !text.empty()) return std::nullopt;
  out.exponent = static_cast<std::int64_t>(whole.size()) + *exponent;
  normalise(out);
  return out;
}

Decimal shortest_decimal(double value) {
  char buffer[32];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  // "-d.ddde-xx": JSON number syntax, except that the exponent may have a leading zero, which is
  // fine here.
  return *parse_decimal({buffer, static_cast<std::size_t>(end.ptr - buffer)});
}

std::optional<double> nearest_double(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && std::isfinite(value)) return value;
  const auto decimal = parse_decimal(text);
  if (!decimal || decimal->exponent > 0) return std::nullopt;
  return decimal->negative ? -0.0 : 0.0;  // too small for a double
}

void append_ecmascript(std::string& out, const Decimal& decimal) {
  const std::string& digits = decimal.digits;
  const auto k = static_cast<std::int64_t>(digits.size());
  const std::int64_t n = decimal.exponent;
  if (digits.empty()) {
    out += '0';
    return;
  }
  if (decimal.negative) out += '-';
  if (k <= n && n <= 21) {
    out += digits;
    out.append(static_cast<std::size_t>(n - k), '0');
  } else if (0 < n && n <= 21) {
    out.append(digits, 0, static_cast<std::size_t>(n));
    out += '.';
    out.append(digits, static_cast<std::size_t>(n));
  } else if (-6 < n && n <= 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-n), '0');
    out += digits;
  } else {
    out += digits[0];
    if (k > 1) {
      out += '.';
      out.append(digits, 1);
    }
    out += n > 0 ? "e+" : "e-";
    out += std::to_string(n > 0 ? n - 1 : 1 - n);
  }
}

}  // namespace keyturn::doc
