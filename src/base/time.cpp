#include "base/time.h"

#include <limits>

namespace keyturn {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Takes decimal digits off the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  bool at_digit() const { return !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; }
  int take_digit() {
    const int digit = rest_[0] - '0';
    rest_.remove_prefix(1);
    return digit;
  }
  std::optional<int> take_fixed(int digits, int most) {
    int value = 0;
    for (int i = 0; i < digits; ++i) {
      if (!at_digit()) return std::nullopt;
      value = value * 10 + take_digit();
    }
    return value <= most ? std::optional(value) : std::nullopt;
  }
  bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

std::optional<Duration> take_fraction(Scanner& in) {
  if (!in.take('.')) return Duration{0};
  std::int64_t value = 0;
  std::int64_t unit = 1'000'000;
  int digits = 0;
  for (; in.at_digit(); ++digits) {
    const int digit = in.take_digit();
    if (digits == 9) return std::nullopt;
    if (unit > 1) {
      unit /= 10;
      value += digit * unit;
    }
  }
  return digits > 0 ? std::optional(Duration{value}) : std::nullopt;
}

std::optional<minutes> take_offset(Scanner& in) {
  if (in.take('Z') || in.take('z')) return minutes{0};
  const bool negative = in.take('-');
  if (!negative && !in.take('+')) return std::nullopt;
  const auto hour = in.take_fixed(2, 23);
  if (!hour || !in.take(':')) return std::nullopt;
  const auto minute = in.take_fixed(2, 59);
  if (!minute) return std::nullopt;
  const minutes offset = hours{*hour} + minutes{*minute};
  return negative ? -offset : offset;
}

std::optional<std::chrono::sys_days> take_date(Scanner& in) {
  const auto year = in.take_fixed(4, 9999);
  if (!year || !in.take('-')) return std::nullopt;
  const auto month = in.take_fixed(2, 12);
  if (!month || !in.take('-')) return std::nullopt;
  const auto day = in.take_fixed(2, 31);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date};
}

struct Unit {
  std::string_view name;
  std::int64_t us;
};
constexpr Unit kUnits[] = {
    {"d", 86'400'000'000}, {"h", 3'600'000'000}, {"m", 60'000'000},
    {"s", 1'000'000},      {"ms", 1'000},        {"us", 1},
};

// Index into kUnits. "ms" before "m": the longest name wins.
std::optional<std::size_t> take_unit(Scanner& in) {
  for (const std::size_t i : {4UL, 5UL, 0UL, 1UL, 2UL, 3UL}) {
    if (in.take(kUnits[i].name)) return i;
  }
  return std::nullopt;
}

void put_digits(std::string& out, std::size_t at, std::size_t count, unsigned number) {
  for (std::size_t i = at + count; i-- > at; number /= 10)
    out[i] = static_cast<char>('0' + number % 10);
}

}  // namespace

// (A Time counts nanoseconds in 64 bits: its year has four digits.)
std::string to_rfc3339(Time time) {
  const auto ms = std::chrono::floor<milliseconds>(time);
  const auto day = std::chrono::floor<days>(ms);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{ms - day};
  std::string out = "0000-00-00T00:00:00.000Z";
  put_digits(out, 0, 4, static_cast<unsigned>(static_cast<int>(date.year())));
  put_digits(out, 5, 2, static_cast<unsigned>(date.month()));
  put_digits(out, 8, 2, static_cast<unsigned>(date.day()));
  put_digits(out, 11, 2, static_cast<unsigned>(clock.hours().count()));
  put_digits(out, 14, 2, static_cast<unsigned>(clock.minutes().count()));
  put_digits(out, 17, 2, static_cast<unsigned>(clock.seconds().count()));
  put_digits(out, 20, 3, static_cast<unsigned>(clock.subseconds().count()));
  return out;
}

std::optional<Time> from_rfc3339(std::string_view text) {
  Scanner in(text);
  const auto date = take_date(in);
  if (!date || !(in.take('T') || in.take('t'))) return std::nullopt;
  const auto hour = in.take_fixed(2, 23);
  if (!hour || !in.take(':')) return std::nullopt;
  const auto minute = in.take_fixed(2, 59);
  if (!minute || !in.take(':')) return std::nullopt;
  const auto second = in.take_fixed(2, 59);
  if (!second) return std::nullopt;
  const auto fraction = take_fraction(in);
  if (!fraction) return std::nullopt;
  const auto offset = take_offset(in);
  if (!offset || !in.done()) return std::nullopt;
  return Time{*date} + hours{*hour} + minutes{*minute} + seconds{*second} + *fraction - *offset;
}

std::optional<Duration> parse_duration(std::string_view text) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 4;
  Scanner in(text);
  std::int64_t total = 0;
  std::optional<std::size_t> last;
  while (!in.done()) {
    if (!in.at_digit()) return std::nullopt;
    std::int64_t count = 0;
    while (in.at_digit()) {
      count = count * 10 + in.take_digit();
      if (count > kMost / 10) return std::nullopt;
    }
    const auto unit = take_unit(in);
    if (!unit || (last && *unit <= *last)) return std::nullopt;
    if (count > (kMost - total) / kUnits[*unit].us) return std::nullopt;
    total += count * kUnits[*unit].us;
    last = unit;
  }
  return total > 0 ? std::optional(Duration{total}) : std::nullopt;
}

std::string to_text(Duration duration) {
  if (duration.count() == 0) return "0s";
  std::string out = duration.count() < 0 ? "-" : "";
  auto left = static_cast<std::uint64_t>(duration.count());
  if (duration.count() < 0) left = ~left + 1;
  for (const Unit& unit : kUnits) {
    const auto us = static_cast<std::uint64_t>(unit.us);
    if (left >= us) {
      out += std::to_string(left / us);
      out += unit.name;
      left %= us;
    }
  }
  return out;
}

Time SystemClock::now() const {
  return std::chrono::floor<Duration>(std::chrono::system_clock::now());
}

}  // namespace keyturn
