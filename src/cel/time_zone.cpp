#include "cel/time_zone.h"

#include <unicode/timezone.h>
#include <unicode/unistr.h>

#include <array>
#include <chrono>
#include <string>

namespace keyturn::cel {
namespace {

class FixedZone final : public TimeZone {
 public:
  explicit FixedZone(std::int64_t offset) : offset_(offset) {}
  std::int64_t offset_seconds(std::int64_t) const override { return offset_; }

 private:
  std::int64_t offset_;
};

class IanaZone final : public TimeZone {
 public:
  explicit IanaZone(std::unique_ptr<icu::TimeZone> zone) : zone_(std::move(zone)) {}
  std::int64_t offset_seconds(std::int64_t unix_seconds) const override {
    std::int32_t raw = 0;
    std::int32_t daylight = 0;
    UErrorCode status = U_ZERO_ERROR;
    zone_->getOffset(static_cast<double>(unix_seconds) * 1000.0, 0, raw, daylight, status);
    return U_SUCCESS(status) ? (raw + daylight) / 1000 : 0;
  }

 private:
  std::unique_ptr<icu::TimeZone> zone_;
};

// [+-]HH:MM
std::optional<std::int64_t> fixed_offset(std::string_view text) {
  std::int64_t sign = 1;
  if (text.starts_with('+') || text.starts_with('-')) {
    sign = text[0] == '-' ? -1 : 1;
    text.remove_prefix(1);
  }
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  for (const std::size_t i : {0, 1, 3, 4}) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
  }
  const std::int64_t hours = (text[0] - '0') * 10 + (text[1] - '0');
  const std::int64_t minutes = (text[3] - '0') * 10 + (text[4] - '0');
  if (hours > 23 || minutes > 59) return std::nullopt;
  return sign * (hours * 3600 + minutes * 60);
}

struct Civil {
  std::int64_t year;
  std::int64_t month;        // from 1
  std::int64_t day;          // from 1
  std::int64_t day_of_year;  // from 0
};

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

bool is_leap(std::int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

Civil civil_of(std::int64_t days) {
  const std::chrono::year_month_day ymd{
      std::chrono::sys_days{std::chrono::days{static_cast<int>(days)}}};
  Civil out{static_cast<int>(ymd.year()), static_cast<unsigned>(ymd.month()),
            static_cast<unsigned>(ymd.day()), 0};
  static constexpr std::array<int, 12> kBefore = {0,   31,  59,  90,  120, 151,
                                                  181, 212, 243, 273, 304, 334};
  out.day_of_year = kBefore[static_cast<std::size_t>(out.month - 1)] + out.day - 1;
  if (out.month > 2 && is_leap(out.year)) ++out.day_of_year;
  return out;
}

}  // namespace

const std::shared_ptr<const TimeZone>& TimeZone::utc() {
  static const std::shared_ptr<const TimeZone> zone = std::make_shared<FixedZone>(0);
  return zone;
}

std::shared_ptr<const TimeZone> TimeZone::find(std::string_view name) {
  if (name == "UTC" || name == "Z") return utc();
  if (const auto offset = fixed_offset(name)) return std::make_shared<FixedZone>(*offset);
  const icu::UnicodeString id =
      icu::UnicodeString::fromUTF8({name.data(), static_cast<std::int32_t>(name.size())});
  icu::UnicodeString canonical;
  UErrorCode status = U_ZERO_ERROR;
  icu::TimeZone::getCanonicalID(id, canonical, status);
  // getCanonicalID also takes custom ids ("GMT+5"): only names of the IANA data base count here.
  if (U_FAILURE(status) || name.empty() || name.starts_with("GMT+") || name.starts_with("GMT-")) {
    return nullptr;
  }
  std::unique_ptr<icu::TimeZone> zone(icu::TimeZone::createTimeZone(id));
  if (!zone || *zone == icu::TimeZone::getUnknown()) return nullptr;
  return std::make_shared<IanaZone>(std::move(zone));
}

std::optional<TimeField> time_field(std::string_view function) {
  static constexpr std::array<std::pair<std::string_view, TimeField>, 10> kFields = {
      {{"getFullYear", TimeField::kFullYear},
       {"getMonth", TimeField::kMonth},
       {"getDate", TimeField::kDate},
       {"getDayOfMonth", TimeField::kDayOfMonth},
       {"getDayOfWeek", TimeField::kDayOfWeek},
       {"getDayOfYear", TimeField::kDayOfYear},
       {"getHours", TimeField::kHours},
       {"getMinutes", TimeField::kMinutes},
       {"getSeconds", TimeField::kSeconds},
       {"getMilliseconds", TimeField::kMilliseconds}}};
  for (const auto& [name, field] : kFields) {
    if (name == function) return field;
  }
  return std::nullopt;
}

std::int64_t field_of(Timestamp time, TimeField field, const TimeZone& zone) {
  const std::int64_t local = time.seconds + zone.offset_seconds(time.seconds);
  const std::int64_t days = floor_div(local, 86400);
  const std::int64_t second = local - days * 86400;
  switch (field) {
    case TimeField::kHours:
      return second / 3600;
    case TimeField::kMinutes:
      return second / 60 % 60;
    case TimeField::kSeconds:
      return second % 60;
    case TimeField::kMilliseconds:
      return time.nanos / 1'000'000;
    case TimeField::kDayOfWeek:
      return ((days + 4) % 7 + 7) % 7;  // day 0 was a Thursday
    case TimeField::kFullYear:
      return civil_of(days).year;
    case TimeField::kMonth:
      return civil_of(days).month - 1;
    case TimeField::kDate:
      return civil_of(days).day;
    case TimeField::kDayOfMonth:
      return civil_of(days).day - 1;
    case TimeField::kDayOfYear:
      return civil_of(days).day_of_year;
  }
  return 0;
}

Value field_of(Duration duration, TimeField field) {
  switch (field) {
    case TimeField::kHours:
      return Value::integer(duration.seconds / 3600);
    case TimeField::kMinutes:
      return Value::integer(duration.seconds / 60);
    case TimeField::kSeconds:
      return Value::integer(duration.seconds);
    case TimeField::kMilliseconds:
      return Value::integer(duration.nanos / 1'000'000);
    case TimeField::kFullYear:
    case TimeField::kMonth:
    case TimeField::kDate:
    case TimeField::kDayOfMonth:
    case TimeField::kDayOfWeek:
    case TimeField::kDayOfYear:
      break;
  }
  return Value::error("no such overload: a duration has no such field");
}

}  // namespace keyturn::cel
