// A strict recursive-descent parser of RFC 8259.
#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/bytes.h"
#include "doc/json.h"

namespace keyturn::doc {
namespace {

// Bytes that a string holds as they are: neither quote, backslash nor control character.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < 256; ++c) table[c] = c != '"' && c != '\\';
  return table;
}();

// Functions return false once refusal_ is set.
class Parser {
 public:
  Parser(std::string_view text, const ParseLimits& limits) : text_(text), limits_(limits) {}

  Result<Value> parse() {
    Value value;
    if (check_bytes() && parse_value(value, 0) && check_end()) return value;
    return std::unexpected(std::move(refusal_));
  }

 private:
  bool check_bytes() {
    if (text_.size() > limits_.bytes_max) {
      return fail("too_large",
                  "the JSON text is longer than " + std::to_string(limits_.bytes_max) + " bytes");
    }
    if (text_.starts_with("\xEF\xBB\xBF")) {
      return fail("invalid_json", "a byte order mark stands before the JSON text; remove it");
    }
    if (const auto bad = first_invalid_utf8(text_)) {
      const std::size_t line_end = text_.substr(0, *bad).rfind('\n');
      line_ += static_cast<std::uint32_t>(std::ranges::count(text_.substr(0, *bad), '\n'));
      line_start_ = line_end == std::string_view::npos ? 0 : line_end + 1;
      at_ = *bad;
      return fail("invalid_json", "invalid UTF-8");
    }
    return true;
  }

  bool check_end() {
    skip_space();
    if (at_ == text_.size()) return true;
    return fail("invalid_json", "expected the end of the text, found " + found());
  }

  bool parse_value(Value& out, std::size_t depth) {
    skip_space();
    if (++values_ > limits_.values_max) {
      return fail("too_large", "more than " + std::to_string(limits_.values_max) + " values");
    }
    const Position start = position();
    if (!parse_bare_value(out, depth)) return false;
    out.set_position(start);
    return true;
  }

  bool parse_bare_value(Value& out, std::size_t depth) {
    switch (peek()) {
      case '{':
        return enter(depth) && parse_object(out, depth + 1);
      case '[':
        return enter(depth) && parse_array(out, depth + 1);
      case '"': {
        std::string text;
        if (!parse_string(text)) return false;
        out = Value(std::move(text));
        return true;
      }
      case 't':
        return parse_word("true", Value(true), out);
      case 'f':
        return parse_word("false", Value(false), out);
      case 'n':
        return parse_word("null", Value(nullptr), out);
      default:
        if (peek() == '-' || is_digit(peek())) return parse_number(out);
        return fail("invalid_json", "expected a value, found " + found());
    }
  }

  bool enter(std::size_t depth) {
    if (depth < limits_.depth_max) return true;
    return fail("too_deep", "nested deeper than " + std::to_string(limits_.depth_max) + " levels");
  }

  bool parse_word(std::string_view word, Value value, Value& out) {
    if (!text_.substr(at_).starts_with(word)) {
      return fail("invalid_json", "expected " + std::string(word));
    }
    at_ += word.size();
    out = std::move(value);
    return true;
  }

  bool parse_array(Value& out, std::size_t depth) {
    ++at_;
    Array array;
    skip_space();
    if (!take(']')) {
      do {
        if (!parse_value(array.emplace_back(), depth)) return false;
        skip_space();
      } while (take(','));
      if (!take(']')) return fail("invalid_json", "expected , or ], found " + found());
    }
    out = Value(std::move(array));
    return true;
  }

  bool parse_object(Value& out, std::size_t depth) {
    ++at_;
    Object object;
    skip_space();
    if (!take('}')) {
      do {
        if (!parse_member(object, depth)) return false;
        skip_space();
      } while (take(','));
      if (!take('}')) return fail("invalid_json", "expected , or }, found " + found());
    }
    if (object.size() > kScanned && !check_unique(object)) return false;
    out = Value(std::move(object));
    return true;
  }

  bool parse_member(Object& object, std::size_t depth) {
    skip_space();
    const Position start = position();
    if (peek() != '"') return fail("invalid_json", "expected a key in quotes, found " + found());
    Member& member = object.emplace_back();
    if (!parse_string(member.key)) return false;
    member.key_position = start;
    // Small objects are scanned at once, large ones are sorted at their end.
    for (std::size_t i = 0; i + 1 < std::min(object.size(), kScanned + 1); ++i) {
      if (object[i].key == member.key) return fail_duplicate(member);
    }
    skip_space();
    if (!take(':')) return fail("invalid_json", "expected : after the key, found " + found());
    return parse_value(member.value, depth);
  }

  bool check_unique(const Object& object) {
    std::vector<const Member*> sorted;
    sorted.reserve(object.size());
    for (const Member& member : object) sorted.push_back(&member);
    std::ranges::sort(sorted, [](const Member* a, const Member* b) {
      const int order = a->key.compare(b->key);
      return order != 0 ? order < 0 : a->key_position.byte < b->key_position.byte;
    });
    const auto twin = std::ranges::adjacent_find(
        sorted, [](const Member* a, const Member* b) { return a->key == b->key; });
    return twin == sorted.end() || fail_duplicate(**(twin + 1));
  }

  bool fail_duplicate(const Member& member) {
    constexpr std::size_t kShown = 100;
    std::string key = member.key;
    if (key.size() > kShown) {
      std::size_t end = kShown;
      while (end > 0 && (static_cast<unsigned char>(key[end]) & 0xC0) == 0x80) --end;
      key.resize(end);
      key += "...";
    }
    return fail_at(member.key_position, "duplicate_key",
                   "the key \"" + key + "\" stands twice in one object");
  }

  bool parse_number(Value& out) {
    const std::size_t start = at_;
    if (peek() == '-') ++at_;
    if (peek() == '0') {
      ++at_;
      if (is_digit(peek())) return fail("invalid_json", "a number has no leading zero");
    } else if (!take_digits()) {
      return fail("invalid_json", "expected a digit, found " + found());
    }
    if (peek() == '.') {
      ++at_;
      if (!take_digits()) return fail("invalid_json", "expected a digit, found " + found());
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!take_digits()) return fail("invalid_json", "expected a digit, found " + found());
    }
    if (at_ - start > limits_.number_digits_max) {
      at_ = start;
      return fail("too_large", "a number is longer than " +
                                   std::to_string(limits_.number_digits_max) + " characters");
    }
    out = Value(Number{std::string(text_.substr(start, at_ - start))});
    return true;
  }

  bool take_digits() {
    const std::size_t start = at_;
    while (is_digit(peek())) ++at_;
    return at_ > start;
  }

  bool parse_string(std::string& out) {
    ++at_;
    while (true) {
      const std::size_t start = at_;
      while (at_ < text_.size() && kPlain[static_cast<unsigned char>(text_[at_])]) ++at_;
      out.append(text_, start, at_ - start);
      if (at_ == text_.size()) return fail("invalid_json", "a string has no closing quote");
      if (take('"')) return true;
      if (text_[at_] != '\\') {
        return fail("invalid_json",
                    "a control character stands in a string; write it as an escape");
      }
      if (!parse_escape(out)) return false;
    }
  }

  bool parse_escape(std::string& out) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const std::size_t start = at_;
    ++at_;
    if (take('u')) return parse_unicode_escape(out, start);
    const std::size_t which =
        at_ < text_.size() ? kLetters.find(text_[at_]) : std::string_view::npos;
    if (which == std::string_view::npos) {
      at_ = start;
      return fail("invalid_json", "unknown escape");
    }
    ++at_;
    out += kMeanings[which];
    return true;
  }

  bool parse_unicode_escape(std::string& out, std::size_t start) {
    char32_t unit = 0;
    if (!take_hex4(unit)) return fail("invalid_json", "expected four hexadecimal digits after \\u");
    if (unit >= 0xD800 && unit <= 0xDFFF) {
      char32_t low = 0;
      if (unit > 0xDBFF || !text_.substr(at_).starts_with("\\u") || !(at_ += 2, take_hex4(low)) ||
          low < 0xDC00 || low > 0xDFFF) {
        at_ = start;
        return fail("invalid_json", "a surrogate stands alone");
      }
      unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(out, unit);
    return true;
  }

  bool take_hex4(char32_t& unit) {
    unit = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = peek();
      const int digit = is_digit(c)            ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return false;
      unit = unit << 4 | static_cast<char32_t>(digit);
      ++at_;
    }
    return true;
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void skip_space() {
    for (; at_ < text_.size(); ++at_) {
      switch (text_[at_]) {
        case '\n':
          ++line_;
          line_start_ = at_ + 1;
          break;
        case ' ':
        case '\t':
        case '\r':
          break;
        default:
          return;
      }
    }
  }

  Position position() const {
    return {line_, static_cast<std::uint32_t>(at_ - line_start_ + 1), at_};
  }
  std::string found() const {
    if (at_ == text_.size()) return "the end of the text";
    const auto c = static_cast<unsigned char>(text_[at_]);
    if (c < 0x20 || c == 0x7F) return "a control character";
    std::size_t next = at_;
    next_code_point(text_, next);
    return "'" + std::string(text_.substr(at_, next - at_)) + "'";
  }
  bool fail(std::string code, std::string message) {
    return fail_at(position(), std::move(code), std::move(message));
  }
  bool fail_at(const Position& where, std::string code, std::string message) {
    refusal_ = {std::move(code), std::move(message),
                std::to_string(where.line) + ":" + std::to_string(where.column) + " (byte " +
                    std::to_string(where.byte) + ")"};
    return false;
  }

  static constexpr std::size_t kScanned = 16;

  std::string_view text_;
  const ParseLimits& limits_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
  std::size_t line_start_ = 0;
  std::size_t values_ = 0;
  Refusal refusal_;
};

}  // namespace

Result<Value> parse_json(std::string_view text, const ParseLimits& limits) {
  return Parser(text, limits).parse();
}

}  // namespace keyturn::doc
