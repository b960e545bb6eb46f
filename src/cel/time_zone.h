// Time zones, and the fields of a moment in them (cel-spec "Abstract Types": timestamps).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "cel/value.h"

namespace keyturn::cel {

// "UTC", "+01:00", "-08:00", "02:00", or an IANA name, from ICU's data.
class TimeZone {
 public:
  static std::shared_ptr<const TimeZone> find(std::string_view name);  // null: there is none
  static const std::shared_ptr<const TimeZone>& utc();
  virtual ~TimeZone() = default;
  virtual std::int64_t offset_seconds(std::int64_t unix_seconds) const = 0;
};

enum class TimeField : std::uint8_t {
  kFullYear,
  kMonth,       // from 0
  kDate,        // day of the month, from 1
  kDayOfMonth,  // from 0
  kDayOfWeek,   // from 0, Sunday
  kDayOfYear,   // from 0
  kHours,
  kMinutes,
  kSeconds,
  kMilliseconds,
};

std::optional<TimeField> time_field(std::string_view function);  // "getHours"
std::int64_t field_of(Timestamp time, TimeField field, const TimeZone& zone);
// Of a duration: hours, minutes, seconds in all; milliseconds of the second. Error value for the
// others.
Value field_of(Duration duration, TimeField field);

}  // namespace keyturn::cel
