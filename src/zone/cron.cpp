#include "zone/cron.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace keyturn::zone {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr int kDaysAhead = 3660;

constexpr std::array<std::string_view, 12> kMonths{"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                   "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 7> kWeekdays{"SUN", "MON", "TUE", "WED",
                                                    "THU", "FRI", "SAT"};

struct Field {
  std::string_view name;
  int least = 0, most = 0;
  std::span<const std::string_view> words;  // the first is `least`
};

const std::array<Field, 5>& fields() {
  static const std::array<Field, 5> all{{{"minute", 0, 59, {}},
                                         {"hour", 0, 23, {}},
                                         {"day of the month", 1, 31, {}},
                                         {"month", 1, 12, kMonths},
                                         {"day of the week", 0, 7, kWeekdays}}};
  return all;
}

std::optional<int> number(std::string_view text) {
  int out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  const bool whole = error == std::errc{} && end == text.data() + text.size() && !text.empty();
  return whole && text.size() <= 4 && text.front() != '-' ? std::optional(out) : std::nullopt;
}

std::optional<int> value_of(const Field& field, std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  for (std::size_t i = 0; i < field.words.size(); ++i) {
    if (field.words[i] == upper) return field.least + static_cast<int>(i);
  }
  const std::optional<int> out = number(text);
  return out && *out >= field.least && *out <= field.most ? out : std::nullopt;
}

std::unexpected<Refusal> wrong(const Field& field, std::string_view text, std::string_view why) {
  return refuse("invalid_schedule",
                "\"" + std::string(text) + "\" is no " + std::string(field.name) + ": " +
                    std::string(why) + "; it takes *, " + std::to_string(field.least) + " to " +
                    std::to_string(field.most) +
                    (field.words.empty() ? "" : ", names such as " + std::string(field.words[0])) +
                    ", ranges (1-5), steps (*/2, 1-9/2) and lists of these (1,3-5)");
}

std::vector<std::string_view> split(std::string_view text, std::string_view at) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t end = text.find_first_of(at);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

// One element of a list: "*", "5", "1-5", with "/2" behind.
Result<void> read_element(const Field& field, std::string_view text, std::vector<bool>& out) {
  const std::vector<std::string_view> parts = split(text, "/");
  const std::string_view range = parts.front();
  int from = field.least, to = field.name == "day of the week" ? 6 : field.most;
  if (range != "*") {
    const std::vector<std::string_view> ends = split(range, "-");
    const std::optional<int> first = value_of(field, ends.front());
    std::optional<int> last = ends.size() == 2 ? value_of(field, ends.back()) : first;
    if (ends.size() > 2 || !first || !last) return wrong(field, text, "out of its bounds");
    const bool through_sunday = ends.size() == 2 && field.most == 7 && *last == 0 && *first > 0;
    if (through_sunday) last = 7;
    if (*last < *first) return wrong(field, text, "a range begins with the lesser");
    from = *first;
    to = *last;
  }
  std::optional<int> step = 1;
  if (parts.size() > 1) step = number(parts[1]);
  if (parts.size() > 2 || !step || *step < 1) return wrong(field, text, "a step is 1 or more");
  if (parts.size() == 2 && range != "*" && range.find('-') == std::string_view::npos)
    return wrong(field, text, "a step is for * or a range");
  for (int i = from; i <= to; i += *step) out[static_cast<std::size_t>(i)] = true;
  return {};
}

template <std::size_t N>
Result<void> read_field(const Field& field, std::string_view text, std::bitset<N>& into) {
  std::vector<bool> on(N, false);
  for (const std::string_view element : split(text, ",")) {
    if (Result<void> ok = read_element(field, element, on); !ok) return ok;
  }
  for (std::size_t i = 0; i < N; ++i) into[i] = on[i];
  return {};
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (const std::string_view word : split(text, " \t")) {
    if (!word.empty()) out.push_back(word);
  }
  return out;
}

Duration offset(const Zone& zone, Time time) {
  return zone.to_local(time).time_since_epoch() - time.time_since_epoch();
}

// The first time with another offset than `from` has, not after `to`.
Time jump(const Zone& zone, Time from, Time to) {
  const Duration before = offset(zone, from);
  while (to - from > seconds(1)) {
    const Time half = from + (to - from) / 2;
    (offset(zone, half) == before ? from : to) = half;
  }
  return std::chrono::floor<seconds>(to);
}

}  // namespace

Result<Cron> Cron::parse(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text);
  if (words.size() != 5)
    return refuse("invalid_schedule",
                  "a schedule has five fields: minute, hour, day of the month, month and day of "
                  "the week, such as \"30 2 * * MON-FRI\"");
  Cron out;
  std::bitset<8> weekdays;
  for (const Result<void>& read :
       {read_field(fields()[0], words[0], out.minutes_),
        read_field(fields()[1], words[1], out.hours_), read_field(fields()[2], words[2], out.days_),
        read_field(fields()[3], words[3], out.months_),
        read_field(fields()[4], words[4], weekdays)}) {
    if (!read) return std::unexpected(read.error());
  }
  if (weekdays[7]) weekdays[0] = true;
  out.weekdays_ = weekdays;
  out.every_hour_ = words[1].starts_with('*');
  out.any_day_ = words[2].starts_with('*') || words[4].starts_with('*');
  return out;
}

bool Cron::is_on(Days day) const {
  const std::chrono::year_month_day date(day);
  if (!months_[static_cast<unsigned>(date.month())]) return false;
  const bool of_month = days_[static_cast<unsigned>(date.day())];
  const bool of_week = weekdays_[std::chrono::weekday(day).c_encoding()];
  return any_day_ ? of_month && of_week : of_month || of_week;
}

std::vector<Time> Cron::times_of(const Zone& zone, Days day) const {
  std::vector<Time> out;
  for (std::size_t hour = 0; hour < hours_.size(); ++hour) {
    for (std::size_t minute = 0; hours_[hour] && minute < minutes_.size(); ++minute) {
      if (!minutes_[minute]) continue;
      const LocalTime local = LocalTime(day) + hours(hour) + minutes(minute);
      const Time last = zone.to_utc(local);  // the second, where there are two
      if (zone.to_local(last) != local) {
        const Duration skipped = zone.to_local(last) - local;
        if (!every_hour_) out.push_back(jump(zone, last - skipped - seconds(1), last));
        continue;
      }
      const Time first(local.time_since_epoch() - offset(zone, last - days(1)));
      const bool twice = first < last && zone.to_local(first) == local;
      if (twice) out.push_back(first);
      if (!twice || every_hour_) out.push_back(last);
    }
  }
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

std::optional<Time> Cron::next(const Zone& zone, Time after) const {
  const Days today = std::chrono::floor<days>(zone.to_local(after));
  for (int i = -1; i < kDaysAhead; ++i) {
    if (!is_on(today + days(i))) continue;
    const std::vector<Time> times = times_of(zone, today + days(i));
    const auto found = std::ranges::upper_bound(times, after);
    if (found != times.end()) return *found;
  }
  return std::nullopt;
}

std::optional<Time> Cron::latest(const Zone& zone, Time since, Time until) const {
  const Days first = std::chrono::floor<days>(zone.to_local(since)) - days(1);
  for (Days day = std::chrono::floor<days>(zone.to_local(until)); day >= first; day -= days(1)) {
    if (!is_on(day)) continue;
    const std::vector<Time> times = times_of(zone, day);
    const auto behind = std::ranges::upper_bound(times, until);
    if (behind == times.begin()) continue;
    const Time found = *std::prev(behind);
    return found > since ? std::optional(found) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace keyturn::zone
