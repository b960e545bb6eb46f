// Timestamps and durations: text and arithmetic. A timestamp lies within the years 1 to 9999; a
// duration within 2^63 nanoseconds either way.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cel/value.h"

namespace keyturn::cel {

std::optional<Timestamp> parse_timestamp(std::string_view rfc3339);
std::string to_rfc3339(Timestamp time);                         // "2009-02-13T23:31:30.5Z"
std::optional<Duration> parse_duration(std::string_view text);  // "1h30m", "-1.5s", "250ms", "3ns"
std::string to_seconds_text(Duration duration);                 // "5400s", "-1.5s"

std::optional<std::int64_t> to_nanos(Duration duration);
Duration from_nanos(std::int64_t nanos);
std::optional<Timestamp> add(Timestamp time, std::int64_t nanos);
std::optional<std::int64_t> nanos_between(Timestamp from, Timestamp to);
bool in_range(Timestamp time);

}  // namespace keyturn::cel
