#include "policy/calendar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "base/ascii.h"
#include "zone/zone.h"

namespace keyturn::policy {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::local_days;
using std::chrono::weekday;
using std::chrono::year_month_day;
using zone::LocalTime;
using zone::parse_local;

constexpr Duration kLongestRecurring = std::chrono::hours(24 * 31);

enum class Frequency { kDaily, kWeekly, kMonthly, kYearly };

struct ByDay {
  int ordinal = 0;  // 0: every; 2: the second; -1: the last
  weekday day;
};

struct Recurrence {
  Frequency frequency = Frequency::kDaily;
  int interval = 1;
  std::vector<ByDay> by_day;
  std::set<unsigned> by_month;
  std::set<int> by_month_day;
  std::optional<LocalTime> until;
};

constexpr std::array<std::string_view, 7> kDays{"SU", "MO", "TU", "WE", "TH", "FR", "SA"};

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<int> number_in(std::string_view text, int least, int most) {
  int n = 0;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size() || n < least || n > most) {
    return std::nullopt;
  }
  return n;
}

std::optional<ByDay> parse_by_day(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  const std::string_view name = text.substr(text.size() - 2);
  for (unsigned i = 0; i < kDays.size(); ++i) {
    if (kDays[i] != name) continue;
    ByDay day{0, weekday(i)};
    if (text.size() == 2) return day;
    const auto ordinal = number_in(text.substr(0, text.size() - 2), -5, 5);
    if (!ordinal || *ordinal == 0) return std::nullopt;
    day.ordinal = *ordinal;
    return day;
  }
  return std::nullopt;
}

// One part of an RRULE; "" or what is wrong with it.
std::string read_part(std::string_view key, std::string_view value, Recurrence& out) {
  const std::string said = std::string(key) + "=" + std::string(value);
  if (key == "FREQ") {
    if (value == "DAILY")
      out.frequency = Frequency::kDaily;
    else if (value == "WEEKLY")
      out.frequency = Frequency::kWeekly;
    else if (value == "MONTHLY")
      out.frequency = Frequency::kMonthly;
    else if (value == "YEARLY")
      out.frequency = Frequency::kYearly;
    else
      return said + ": FREQ is DAILY, WEEKLY, MONTHLY or YEARLY";
    return "";
  }
  if (key == "INTERVAL") {
    const auto n = number_in(value, 1, 1000);
    if (!n) return said + ": a number from 1 to 1000";
    out.interval = *n;
    return "";
  }
  if (key == "WKST") return value == "MO" ? "" : said + ": weeks start on MO here";
  if (key == "UNTIL") {
    std::string text(value);
    if (text.ends_with('Z')) text.pop_back();
    if (text.size() >= 8) text.insert(6, "-").insert(4, "-");
    if (text.size() == 17) text.insert(15, ":").insert(13, ":");
    out.until = parse_local(text);
    if (out.until && text.size() == 10) *out.until += days(1) - Duration(1);
    return out.until ? "" : said + ": such as 20261231 or 20261231T235959";
  }
  for (const std::string_view item : split(value, ',')) {
    if (key == "BYDAY") {
      const auto day = parse_by_day(item);
      if (!day) return said + ": days are MO … SU, or 1MO, -1FR";
      out.by_day.push_back(*day);
    } else if (key == "BYMONTH") {
      const auto n = number_in(item, 1, 12);
      if (!n) return said + ": months are 1 to 12";
      out.by_month.insert(static_cast<unsigned>(*n));
    } else if (key == "BYMONTHDAY") {
      const auto n = number_in(item, -31, 31);
      if (!n || *n == 0) return said + ": days are 1 to 31, or -1 for the last";
      out.by_month_day.insert(*n);
    } else {
      return said + ": not understood; FREQ, INTERVAL, BYDAY, BYMONTH, BYMONTHDAY and UNTIL are";
    }
  }
  return "";
}

int month_number(const year_month_day& date) {
  return static_cast<int>(date.year()) * 12 + static_cast<int>(static_cast<unsigned>(date.month()));
}

int month_length(const year_month_day& date) {
  return static_cast<int>(static_cast<unsigned>(
      std::chrono::year_month_day_last(date.year(), std::chrono::month_day_last(date.month()))
          .day()));
}

bool fits_by_day(const Recurrence& rule, local_days day, const year_month_day& date) {
  const int number = static_cast<int>(static_cast<unsigned>(date.day()));
  for (const ByDay& by : rule.by_day) {
    if (by.day != weekday(day)) continue;
    if (by.ordinal == 0) return true;
    if (by.ordinal > 0 && (number - 1) / 7 + 1 == by.ordinal) return true;
    if (by.ordinal < 0 && (month_length(date) - number) / 7 + 1 == -by.ordinal) return true;
  }
  return false;
}

bool fits_month_day(const Recurrence& rule, const year_month_day& date) {
  const int number = static_cast<int>(static_cast<unsigned>(date.day()));
  return rule.by_month_day.contains(number) ||
         rule.by_month_day.contains(number - month_length(date) - 1);
}

bool fits_interval(const Recurrence& rule, local_days first, local_days day) {
  const year_month_day from(first), to(day);
  const auto monday = [](local_days d) { return d - (weekday(d) - std::chrono::Monday); };
  switch (rule.frequency) {
    case Frequency::kDaily:
      return (day - first).count() % rule.interval == 0;
    case Frequency::kWeekly:
      return (monday(day) - monday(first)).count() / 7 % rule.interval == 0;
    case Frequency::kMonthly:
      return (month_number(to) - month_number(from)) % rule.interval == 0;
    case Frequency::kYearly:
      return (static_cast<int>(to.year()) - static_cast<int>(from.year())) % rule.interval == 0;
  }
  return false;
}

// Does the recurrence that began on `first` fall on `day`?
bool falls_on(const Recurrence& rule, local_days first, local_days day) {
  if (day < first || !fits_interval(rule, first, day)) return false;
  const year_month_day from(first), date(day);
  if (!rule.by_month.empty() && !rule.by_month.contains(static_cast<unsigned>(date.month())))
    return false;
  if (!rule.by_day.empty() && !fits_by_day(rule, day, date)) return false;
  if (!rule.by_month_day.empty() && !fits_month_day(rule, date)) return false;
  if (!rule.by_day.empty() || !rule.by_month_day.empty()) return true;
  switch (rule.frequency) {
    case Frequency::kDaily:
      return true;
    case Frequency::kWeekly:
      return weekday(day) == weekday(first);
    case Frequency::kMonthly:
      return date.day() == from.day();
    case Frequency::kYearly:
      return date.day() == from.day() && (!rule.by_month.empty() || date.month() == from.month());
  }
  return false;
}

struct Window {
  LocalTime start;
  LocalTime end;  // once
  Duration duration{};
  std::optional<Recurrence> rule;
  std::optional<zone::Zone> zone;

  // The end of the stretch that holds `time`.
  std::optional<Time> ends(Time time) const {
    if (!rule) {
      const Time from = zone->to_utc(start), to = zone->to_utc(end);
      return from <= time && time < to ? std::optional(to) : std::nullopt;
    }
    const local_days first = floor<days>(start);
    const auto of_day = start - first;
    const local_days today = floor<days>(zone->to_local(time));
    std::optional<Time> last;
    for (local_days day = today - floor<days>(duration) - days(1); day <= today; day += days(1)) {
      if (!falls_on(*rule, first, day)) continue;
      const LocalTime local = day + of_day;
      if (rule->until && local > *rule->until) continue;
      const Time from = zone->to_utc(local);
      if (from <= time && time < from + duration) last = from + duration;
    }
    return last;
  }
};

class WindowReader {
 public:
  WindowReader(const doc::Value& value, std::string pointer, doc::Problems& problems)
      : in_(value, std::move(pointer), problems) {}

  Window read() {
    const std::string zone = in_.string("timezone").value_or("UTC");
    window_.zone = zone::Zone::open(zone);
    if (!window_.zone) {
      in_.problem("unknown_time_zone",
                  "unknown time zone \"" + zone + "\"; such as Europe/Berlin or UTC", "timezone");
      window_.zone = zone::Zone::open("UTC");
    }
    window_.start = read_local("start").value_or(LocalTime{});
    if (in_.value().find("start") == nullptr)
      in_.problem("missing_field", "needs start: \"2026-12-20T18:00\"");
    read_rule();
    read_end();
    in_.finish();
    return std::move(window_);
  }

 private:
  std::optional<LocalTime> read_local(std::string_view key) {
    const auto text = in_.string(key);
    if (!text) return std::nullopt;
    const auto local = parse_local(*text);
    if (!local) {
      in_.problem("invalid_time",
                  "must be a local time such as \"2026-12-20T18:00\", its zone in timezone", key);
    }
    return local;
  }

  void read_rule() {
    const auto text = in_.string("rrule");
    if (!text) return;
    Recurrence rule;
    bool frequency = false;
    for (std::string_view part : split(*text, ';')) {
      const std::size_t equals = part.find('=');
      const std::string_view key = part.substr(0, equals);
      const std::string_view value =
          equals == std::string_view::npos ? "" : part.substr(equals + 1);
      frequency |= key == "FREQ";
      if (const std::string wrong = read_part(key, value, rule); !wrong.empty()) {
        in_.problem("invalid_rrule", wrong, "rrule");
      }
    }
    if (!frequency)
      in_.problem("invalid_rrule", "needs FREQ=DAILY, WEEKLY, MONTHLY or YEARLY", "rrule");
    window_.rule = std::move(rule);
  }

  void read_end() {
    const auto end = read_local("end");
    const auto duration = in_.duration("duration");
    if ((in_.value().find("end") != nullptr) == (in_.value().find("duration") != nullptr)) {
      in_.problem("missing_field", "needs either end or duration");
      return;
    }
    if (end && *end <= window_.start) in_.problem("out_of_range", "ends before it starts", "end");
    window_.duration = duration ? *duration : end ? *end - window_.start : Duration{};
    window_.end = window_.start + window_.duration;
    if (window_.rule && window_.duration > kLongestRecurring) {
      in_.problem("out_of_range", "a recurring window lasts at most 31 days");
    }
  }

  doc::ObjectReader in_;
  Window window_;
};

}  // namespace

struct Calendar::Named {
  std::string name;
  std::vector<Window> windows;
};

Calendar::Calendar() : windows_(1) {
  windows_[0].name = "freeze";
}
Calendar::~Calendar() = default;
Calendar::Calendar(Calendar&&) noexcept = default;
Calendar& Calendar::operator=(Calendar&&) noexcept = default;

Calendar Calendar::load(const doc::Value& value, const std::string& pointer,
                        doc::Problems& problems) {
  Calendar calendar;
  doc::ObjectReader in(value, pointer, problems);
  if (!value.is_object()) return calendar;
  for (const doc::Member& member : value.as_object()) {
    const bool word = std::ranges::all_of(
        member.key, [](char c) { return is_lower(c) || is_digit(c) || c == '_'; });
    if (!word) in.problem("invalid_name", "a window's name is made of a-z, 0-9 and _", member.key);
    Named* named = nullptr;
    for (Named& known : calendar.windows_) {
      if (known.name == member.key) named = &known;
    }
    if (named == nullptr) named = &calendar.windows_.emplace_back(Named{member.key, {}});
    const doc::Value* list = in.array(member.key);
    if (list == nullptr) continue;
    for (std::size_t i = 0; i < list->as_array().size(); ++i) {
      const std::string at = in.pointer_to(member.key) + "/" + std::to_string(i);
      named->windows.push_back(WindowReader(list->as_array()[i], at, problems).read());
    }
  }
  return calendar;
}

CalendarState Calendar::at(Time time) const {
  CalendarState state;
  for (const Named& named : windows_) {
    CalendarState::Window window{named.name, false, {}};
    for (const Window& one : named.windows) {
      const auto ends = one.ends(time);
      if (!ends) continue;
      window.ends = window.open ? std::max(window.ends, *ends) : *ends;
      window.open = true;
    }
    state.windows.push_back(std::move(window));
  }
  return state;
}

std::vector<std::string> Calendar::names() const {
  std::vector<std::string> names;
  names.reserve(windows_.size());
  for (const Named& named : windows_) names.push_back(named.name);
  return names;
}

}  // namespace keyturn::policy
