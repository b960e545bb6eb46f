#include "cel/literal.h"

#include <charconv>
#include <cstdlib>

#include "base/ascii.h"
#include "base/bytes.h"

namespace keyturn::cel {
namespace {

int digit_of(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

class Unquoter {
 public:
  Unquoter(std::string_view body, bool bytes) : body_(body), bytes_(bytes) {}

  std::expected<std::string, std::string> run() {
    while (at_ < body_.size()) {
      const char c = body_[at_++];
      if (c != '\\') {
        out_ += c;
      } else if (!escape()) {
        return std::unexpected(problem_);
      }
    }
    return std::move(out_);
  }

 private:
  bool fail(const char* why) {
    problem_ = why;
    return false;
  }

  bool escape() {
    if (at_ == body_.size()) return fail("the string ends in a backslash");
    const char c = body_[at_++];
    static constexpr std::string_view kNames = "abfnrtv\\'\"`?";
    static constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\'\"`?";
    if (const auto i = kNames.find(c); i != std::string_view::npos) {
      out_ += kValues[i];
      return true;
    }
    switch (c) {
      case 'x':
      case 'X':
        return number(2, 16, false);
      case 'u':
        return number(4, 16, true);
      case 'U':
        return number(8, 16, true);
      case '0':
      case '1':
      case '2':
      case '3':
        --at_;
        return number(3, 8, false);
      default:
        return fail("unknown escape in a string (write \\\\ for a backslash, or r'...')");
    }
  }

  bool number(std::size_t width, int base, bool code_point_only) {
    if (code_point_only && bytes_) return fail("\\u is not allowed in bytes");
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < width; ++i) {
      const int digit = at_ < body_.size() ? digit_of(body_[at_]) : 99;
      if (digit >= base) return fail("an escape in a string has too few digits");
      value = value * static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(digit);
      ++at_;
    }
    if (bytes_) {
      out_ += static_cast<char>(value);
      return true;
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
      return fail("an escape in a string is no Unicode code point");
    }
    append_utf8(out_, value);
    return true;
  }

  std::string_view body_;
  bool bytes_;
  std::size_t at_ = 0;
  std::string out_;
  std::string problem_;
};

template <class T>
std::optional<T> parse_whole(std::string_view text, int base) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::expected<std::string, std::string> unquote(std::string_view literal, bool bytes) {
  const std::size_t prefix = literal.find_first_of("'\"");
  const bool raw = literal.substr(0, prefix).find_first_of("rR") != std::string_view::npos;
  literal.remove_prefix(prefix);
  const bool triple = literal.size() >= 6 && literal[1] == literal[0] && literal[2] == literal[0];
  const std::size_t width = triple ? 3 : 1;
  std::string_view body = literal.substr(width, literal.size() - 2 * width);
  if (raw) return std::string(body);
  return Unquoter(body, bytes).run();
}

std::optional<std::uint64_t> parse_uint(std::string_view digits) {
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    return parse_whole<std::uint64_t>(digits.substr(2), 16);
  }
  return parse_whole<std::uint64_t>(digits, 10);
}

std::optional<std::int64_t> parse_int(std::string_view digits, bool negative) {
  constexpr std::uint64_t kTop = std::uint64_t{1} << 63U;
  const auto magnitude = parse_uint(digits);
  if (!magnitude || *magnitude > kTop || (*magnitude == kTop && !negative)) return std::nullopt;
  if (negative) return static_cast<std::int64_t>(0 - *magnitude);
  return static_cast<std::int64_t>(*magnitude);
}

std::optional<double> parse_double(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    return std::strtod(std::string(text).c_str(),
                       nullptr);  // the nearest: infinity, zero or denormal
  }
  if (error != std::errc()) return std::nullopt;
  return value;
}

}  // namespace keyturn::cel
