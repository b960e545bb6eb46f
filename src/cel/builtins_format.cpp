// "...".format([...]), cel-go's string extension: %s %d %f %e %b %o %x %X and %%.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/bytes.h"
#include "cel/address.h"
#include "cel/builtins.h"
#include "cel/number_text.h"
#include "cel/time_text.h"

namespace keyturn::cel {
namespace {

constexpr int kPrecisionMax = 1000;

class Formatter {
 public:
  Formatter(Frame& frame, std::string_view format, std::span<const Value> items)
      : frame_(frame), format_(format), items_(items) {}

  Value run() {
    if (!frame_.charge_text(format_.size())) return over_limit();
    while (at_ < format_.size() && ok_) {
      const char c = format_[at_++];
      if (c != '%') {
        out_ += c;
      } else {
        clause();
      }
      if (frame_.exhausted()) return over_limit();
    }
    return ok_ ? Value::string(out_) : Value::error("format: " + problem_);
  }

 private:
  void fail(std::string why) {
    ok_ = false;
    problem_ = std::move(why);
  }

  void clause() {
    if (at_ == format_.size()) return fail("unexpected end after %");
    if (format_[at_] == '%') {
      out_ += format_[at_++];
      return;
    }
    const int digits = precision();
    if (!ok_) return;
    if (at_ == format_.size()) return fail("unexpected end after %");
    const char verb = format_[at_++];
    if (std::string_view("sdfebxXo").find(verb) == std::string_view::npos) {
      return fail(std::string("unrecognized formatting clause \"") + verb + "\"");
    }
    if (next_ == items_.size()) return fail("index " + std::to_string(next_) + " out of range");
    write(verb, digits, items_[next_++]);
  }

  int precision() {
    if (format_[at_] != '.') return 6;
    ++at_;
    int value = 0;
    const std::size_t start = at_;
    for (; at_ < format_.size() && format_[at_] >= '0' && format_[at_] <= '9'; ++at_) {
      value = std::min(value * 10 + (format_[at_] - '0'), kPrecisionMax + 1);
    }
    if (at_ == start || value > kPrecisionMax) fail("the precision is missing or too large");
    return value;
  }

  void write(char verb, int digits, const Value& v) {
    switch (verb) {
      case 's':
        return text(v);
      case 'd':
        return decimal(v);
      case 'f':
        return floating(v, std::chars_format::fixed, digits);
      case 'e':
        return floating(v, std::chars_format::scientific, digits);
      case 'b':
        if (v.is_bool()) {
          out_ += v.as_bool() ? '1' : '0';
          return;
        }
        return in_base(v, 2, false, "binary");
      case 'o':
        return in_base(v, 8, false, "octal");
      default:
        return hex(v, verb == 'X');
    }
  }

  void refuse(const char* clause, const Value& v) {
    fail(std::string(clause) + " clause cannot take " + std::string(name_of(v.kind())));
  }

  void decimal(const Value& v) {
    if (v.is_double() && !std::isfinite(v.as_double())) {
      out_ += double_text(v.as_double());
      return;
    }
    in_base(v, 10, false, "decimal");
  }

  void in_base(const Value& v, int base, bool upper, const char* clause) {
    std::array<char, 72> digits{};
    char* const first = digits.data();
    char* const last = first + digits.size();
    char* end = nullptr;
    if (v.is_int()) {
      end = std::to_chars(first, last, v.as_int(), base).ptr;
    } else if (v.is_uint()) {
      end = std::to_chars(first, last, v.as_uint(), base).ptr;
    } else {
      return refuse(clause, v);
    }
    for (char* c = first; upper && c != end; ++c) {
      if (*c >= 'a' && *c <= 'f') *c = static_cast<char>(*c - 'a' + 'A');
    }
    out_.append(first, end);
  }

  void hex(const Value& v, bool upper) {
    if (!v.is_string() && !v.is_bytes()) return in_base(v, 16, upper, "hex");
    if (!frame_.charge_text(2 * v.text().size())) return;
    static constexpr std::string_view kLower = "0123456789abcdef";
    static constexpr std::string_view kUpper = "0123456789ABCDEF";
    for (const char c : v.text()) {
      const auto byte = static_cast<unsigned char>(c);
      out_ += (upper ? kUpper : kLower)[byte >> 4U];
      out_ += (upper ? kUpper : kLower)[byte & 0xFU];
    }
  }

  void floating(const Value& v, std::chars_format shape, int digits) {
    if (!v.is_number()) return refuse("floating-point", v);
    const double d = v.is_double() ? v.as_double()
                     : v.is_int()  ? static_cast<double>(v.as_int())
                                   : static_cast<double>(v.as_uint());
    if (!std::isfinite(d)) {
      out_ += double_text(d);
      return;
    }
    std::array<char, kPrecisionMax + 400> chars{};
    if (!frame_.charge_text(static_cast<std::size_t>(digits))) return;
    const auto end = std::to_chars(chars.data(), chars.data() + chars.size(), d, shape, digits).ptr;
    out_.append(chars.data(), end);
  }

  void text(const Value& v) {
    if (!frame_.charge(1)) return;
    switch (v.kind()) {
      case Kind::kNull:
        out_ += "null";
        return;
      case Kind::kBool:
        out_ += v.as_bool() ? "true" : "false";
        return;
      case Kind::kInt:
        out_ += std::to_string(v.as_int());
        return;
      case Kind::kUint:
        out_ += std::to_string(v.as_uint());
        return;
      case Kind::kDouble:
        out_ += double_text(v.as_double());
        return;
      case Kind::kBytes:
        if (first_invalid_utf8(v.text())) return fail("the bytes are not UTF-8");
        [[fallthrough]];
      case Kind::kString:
      case Kind::kType:
        if (frame_.charge_text(v.text().size())) out_ += v.text();
        return;
      case Kind::kTimestamp:
        out_ += to_rfc3339(v.as_timestamp());
        return;
      case Kind::kDuration:
        out_ += to_seconds_text(v.as_duration());
        return;
      case Kind::kAddress:
        out_ += to_text(address_of(v));
        return;
      case Kind::kNetwork:
        out_ += to_text(network_of(v));
        return;
      case Kind::kList:
        return list(v);
      case Kind::kMap:
        return map(v);
      case Kind::kOptional:
      case Kind::kError:
        return refuse("string", v);
    }
  }

  void list(const Value& v) {
    out_ += '[';
    for (std::size_t i = 0; i < v.items().size() && !frame_.exhausted(); ++i) {
      if (i != 0) out_ += ", ";
      text(v.items()[i]);
    }
    out_ += ']';
  }

  // Sorted by the text of the keys, so that equal maps read alike.
  void map(const Value& v) {
    std::vector<std::pair<std::string, const Value*>> sorted;
    if (!frame_.charge(v.entries().size())) return;
    for (const MapEntry& entry : v.entries()) {
      const std::size_t start = out_.size();
      text(entry.key);
      sorted.emplace_back(out_.substr(start), &entry.value);
      out_.resize(start);
    }
    std::sort(sorted.begin(), sorted.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    out_ += '{';
    for (bool first = true; const auto& [key, value] : sorted) {
      if (frame_.exhausted()) break;
      if (!first) out_ += ", ";
      first = false;
      out_ += key + ": ";
      text(*value);
    }
    out_ += '}';
  }

  Frame& frame_;
  std::string_view format_;
  std::span<const Value> items_;
  std::size_t at_ = 0;
  std::size_t next_ = 0;
  std::string out_;
  bool ok_ = true;
  std::string problem_;
};

Value format(Frame& frame, Arguments args) {
  if (!args[0]->is_string() || !args[1]->is_list()) return no_overload("format", args);
  return Formatter(frame, args[0]->text(), args[1]->items()).run();
}

// Each value in the list may be written in full, a number with up to kPrecisionMax digits.
CallBound bound_of_format(std::span<const Extent> args) {
  const Amount values = args[1].values;
  const Amount each = plus(plus(4, text_cost(kPrecisionMax)), text_cost(times(2, args[1].text)));
  Extent of = Extent::scalar();
  of.text = plus(args[0].text, times(values, plus(times(2, args[1].text), kPrecisionMax + 400)));
  return {plus(text_cost(args[0].text), times(values, each)), of};
}

constexpr BuiltinEntry kFormatTable[] = {{"format", format, 2, 2, bound_of_format}};

}  // namespace

std::span<const BuiltinEntry> format_builtins() {
  return kFormatTable;
}

}  // namespace keyturn::cel
