#include "doc/yaml_scalar.h"

#include <algorithm>
#include <charconv>

#include "base/ascii.h"
#include "doc/decimal.h"

namespace keyturn::doc {
namespace {

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

std::string_view without_leading_zeros(std::string_view digits) {
  const std::size_t first = digits.find_first_not_of('0');
  return first == std::string_view::npos ? digits.substr(0, digits.empty() ? 0 : 1)
                                         : digits.substr(first);
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?   as a JSON number.
std::optional<std::string> decimal_number(std::string_view text) {
  std::string out = text.starts_with('-') ? "-" : "";
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const std::string_view whole = take_digits(text);
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_digits(text);
  }
  if (whole.empty() && fraction.empty()) return std::nullopt;
  out += whole.empty() ? "0" : without_leading_zeros(whole);
  if (!fraction.empty()) {
    out += '.';
    out += fraction;
  }
  if (text.empty()) return out;
  if (text[0] != 'e' && text[0] != 'E') return std::nullopt;
  text.remove_prefix(1);
  out += 'e';
  if (text.starts_with('-') || text.starts_with('+')) {
    out += text[0];
    text.remove_prefix(1);
  }
  const std::string_view exponent = take_digits(text);
  if (exponent.empty() || !text.empty()) return std::nullopt;
  out += exponent;
  return out;
}

}  // namespace

Result<Value> plain_scalar(std::string_view text) {
  if (one_of(text, {"", "~", "null", "Null", "NULL"})) return Value(nullptr);
  if (one_of(text, {"true", "True", "TRUE"})) return Value(true);
  if (one_of(text, {"false", "False", "FALSE"})) return Value(false);

  std::string_view unsigned_text = text;
  if (text.starts_with('-') || text.starts_with('+')) unsigned_text.remove_prefix(1);
  if (one_of(unsigned_text, {".inf", ".Inf", ".INF"}) || one_of(text, {".nan", ".NaN", ".NAN"})) {
    return refuse("invalid_yaml", "infinities and NaN are not supported; quote it if it is text");
  }
  if (text.starts_with("0x") || text.starts_with("0o")) {
    std::uint64_t value = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] =
        std::from_chars(text.data() + 2, last, value, text[1] == 'x' ? 16 : 8);
    if (end == last && error == std::errc::result_out_of_range) {
      return refuse("invalid_yaml", "a hexadecimal or octal number beyond 64 bits");
    }
    if (end == last && error == std::errc{} && text.size() > 2) return Value(value);
    return Value(text);
  }
  if (auto number = decimal_number(text)) return Value(Number{*std::move(number)});
  return Value(text);
}

}  // namespace keyturn::doc
