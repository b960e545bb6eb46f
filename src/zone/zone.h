// What the clocks on a wall show, and when that is: the time zones of the IANA database (ICU).
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include "base/time.h"

namespace keyturn::zone {

// What a clock there shows: microseconds since 1970-01-01T00:00 by that clock.
using LocalTime = std::chrono::local_time<Duration>;

class Zone {
 public:
  // "Europe/Berlin", "UTC"; nullopt when nobody knows it.
  static std::optional<Zone> open(std::string_view name);
  Zone(Zone&&) noexcept;
  Zone& operator=(Zone&&) noexcept;
  ~Zone();

  // A time that the clock skips is as much later as it skips; one that it shows twice is the second
  // of the two. So whatever is later by the clock is never earlier.
  Time to_utc(LocalTime local) const;
  LocalTime to_local(Time time) const;

 private:
  struct Rep;
  explicit Zone(std::unique_ptr<Rep> rep);
  std::unique_ptr<Rep> rep_;
};

// "2026-12-20", "2026-12-20T18:00" or "…:30": local time, no offset.
std::optional<LocalTime> parse_local(std::string_view text);

}  // namespace keyturn::zone
