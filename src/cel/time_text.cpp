#include "cel/time_text.h"

#include <array>
#include <chrono>
#include <cstdio>

namespace keyturn::cel {
namespace {

constexpr std::int64_t kNanos = 1'000'000'000;
constexpr std::int64_t kFirst = -62135596800;  // 0001-01-01T00:00:00Z
constexpr std::int64_t kLast = 253402300799;   // 9999-12-31T23:59:59Z

// Reads fixed-width numbers and marks; remembers the first mismatch.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  bool ok() const { return ok_; }
  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool is_digit() const { return peek() >= '0' && peek() <= '9'; }
  char take() { return at_ < text_.size() ? text_[at_++] : '\0'; }

  int number(int width) {
    int value = 0;
    for (int i = 0; i < width; ++i) {
      if (!is_digit()) ok_ = false;
      value = value * 10 + (take() - '0');
    }
    return value;
  }
  void mark(std::string_view one_of) {
    if (one_of.find(peek()) == std::string_view::npos || at_end()) ok_ = false;
    take();
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

std::optional<int> read_fraction(Reader& in) {
  int nanos = 0;
  int digits = 0;
  for (; in.is_digit(); ++digits) {
    const int digit = in.take() - '0';
    if (digits < 9) nanos = nanos * 10 + digit;
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 9; ++digits) nanos *= 10;
  return nanos;
}

std::optional<std::int64_t> read_offset(Reader& in) {
  const char sign = in.take();
  if (sign == 'Z' || sign == 'z') return 0;
  if (sign != '+' && sign != '-') return std::nullopt;
  const int hours = in.number(2);
  in.mark(":");
  const int minutes = in.number(2);
  if (!in.ok() || hours > 23 || minutes > 59) return std::nullopt;
  const std::int64_t seconds = hours * 3600 + minutes * 60;
  return sign == '-' ? -seconds : seconds;
}

std::string fraction_text(std::int64_t nanos) {
  if (nanos == 0) return {};
  std::array<char, 16> digits{};
  std::snprintf(digits.data(), digits.size(), ".%09d", static_cast<int>(nanos));
  std::string out(digits.data());
  while (out.back() == '0') out.pop_back();
  return out;
}

// One "12.5h" of a duration, in nanoseconds.
std::optional<std::int64_t> read_span(std::string_view& text) {
  static constexpr std::array<std::pair<std::string_view, std::int64_t>, 8> kUnits = {
      {{"ns", 1},
       {"us", 1000},
       {"\u00b5s", 1000},
       {"\u03bcs", 1000},
       {"ms", 1'000'000},
       {"s", kNanos},
       {"m", 60 * kNanos},
       {"h", 3600 * kNanos}}};
  const std::size_t number_end = text.find_first_not_of("0123456789.");
  if (number_end == 0 || number_end == std::string_view::npos) return std::nullopt;
  const std::string_view number = text.substr(0, number_end);
  text.remove_prefix(number_end);
  std::int64_t unit = 0;
  for (const auto& [name, nanos] : kUnits) {
    if (!text.starts_with(name)) continue;
    unit = nanos;
    text.remove_prefix(name.size());
    break;
  }
  const std::size_t dot = number.find('.');
  const std::string_view whole = number.substr(0, dot);
  const std::string_view part =
      dot == std::string_view::npos ? std::string_view() : number.substr(dot + 1);
  if (unit == 0 || part.find('.') != std::string_view::npos || whole.size() + part.size() == 0) {
    return std::nullopt;
  }
  std::int64_t total = 0;
  for (const char c : whole) {
    if (__builtin_mul_overflow(total, 10, &total) ||
        __builtin_add_overflow(total, c - '0', &total)) {
      return std::nullopt;
    }
  }
  if (__builtin_mul_overflow(total, unit, &total)) return std::nullopt;
  for (std::int64_t scale = unit; const char c : part) {
    scale /= 10;
    if (__builtin_add_overflow(total, scale * (c - '0'), &total)) return std::nullopt;
  }
  return total;
}

}  // namespace

bool in_range(Timestamp time) {
  return time.seconds >= kFirst && time.seconds <= kLast;
}

std::optional<Timestamp> parse_timestamp(std::string_view text) {
  Reader in(text);
  const int year = in.number(4);
  in.mark("-");
  const int month = in.number(2);
  in.mark("-");
  const int day = in.number(2);
  in.mark("Tt");
  const int hour = in.number(2);
  in.mark(":");
  const int minute = in.number(2);
  in.mark(":");
  const int second = in.number(2);
  if (!in.ok()) return std::nullopt;
  int nanos = 0;
  if (in.peek() == '.') {
    in.take();
    const auto fraction = read_fraction(in);
    if (!fraction) return std::nullopt;
    nanos = *fraction;
  }
  const auto offset = read_offset(in);
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!offset || !in.at_end() || !date.ok() || hour > 23 || minute > 59 || second > 59) {
    return std::nullopt;
  }
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const Timestamp time{days * 86400 + hour * 3600 + minute * 60 + second - *offset, nanos};
  return in_range(time) ? std::optional(time) : std::nullopt;
}

std::string to_rfc3339(Timestamp time) {
  const std::chrono::sys_seconds seconds{std::chrono::seconds(time.seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const auto in_day = static_cast<int>((seconds - day).count());
  std::array<char, 40> out{};
  std::snprintf(out.data(), out.size(), "%04d-%02u-%02uT%02d:%02d:%02d",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), in_day / 3600, in_day / 60 % 60, in_day % 60);
  return out.data() + fraction_text(time.nanos) + "Z";
}

std::optional<Duration> parse_duration(std::string_view text) {
  bool negative = false;
  if (text.starts_with('-') || text.starts_with('+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text == "0") return Duration{};
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  while (!text.empty()) {
    const auto span = read_span(text);
    if (!span || __builtin_add_overflow(total, *span, &total)) return std::nullopt;
  }
  return from_nanos(negative ? -total : total);
}

std::string to_seconds_text(Duration duration) {
  const bool negative = duration.seconds < 0 || duration.nanos < 0;
  const std::int64_t seconds = duration.seconds < 0 ? -duration.seconds : duration.seconds;
  const std::int64_t nanos = duration.nanos < 0 ? -duration.nanos : duration.nanos;
  return (negative ? "-" : "") + std::to_string(seconds) + fraction_text(nanos) + "s";
}

std::optional<std::int64_t> to_nanos(Duration duration) {
  std::int64_t nanos = 0;
  if (__builtin_mul_overflow(duration.seconds, kNanos, &nanos) ||
      __builtin_add_overflow(nanos, duration.nanos, &nanos)) {
    return std::nullopt;
  }
  return nanos;
}

Duration from_nanos(std::int64_t nanos) {
  return {nanos / kNanos, static_cast<std::int32_t>(nanos % kNanos)};
}

std::optional<Timestamp> add(Timestamp time, std::int64_t nanos) {
  Timestamp out{time.seconds + nanos / kNanos,
                static_cast<std::int32_t>(time.nanos + nanos % kNanos)};
  if (out.nanos < 0) {
    out.nanos += kNanos;
    --out.seconds;
  } else if (out.nanos >= kNanos) {
    out.nanos -= kNanos;
    ++out.seconds;
  }
  return in_range(out) ? std::optional(out) : std::nullopt;
}

std::optional<std::int64_t> nanos_between(Timestamp from, Timestamp to) {
  std::int64_t nanos = 0;
  if (__builtin_mul_overflow(to.seconds - from.seconds, kNanos, &nanos) ||
      __builtin_add_overflow(nanos, static_cast<std::int64_t>(to.nanos) - from.nanos, &nanos)) {
    return std::nullopt;
  }
  return nanos;
}

}  // namespace keyturn::cel
