// When a schedule of cron is due, by the clocks of a time zone: "MINUTE HOUR DAY MONTH WEEKDAY"
// (POSIX crontab, with the ranges, steps and names of Vixie's).
//
// Where clocks jump: a time that they skip is due at the first that they show again, once; one that
// they show twice is due the first time. An hour field that begins with "*" is of every hour as it
// passes: nothing is made up for, and both passes of an hour that comes twice count.
#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "zone/zone.h"

namespace keyturn::zone {

class Cron {
 public:
  // Fields: "*", "5", "1-5", "*/15", "0-30/10", and lists of these; months as JAN to DEC too, days
  // of the week as SUN to SAT, 0 to 7 (0 and 7: Sunday). Where both days are said, either will do
  // (unless one begins with "*"). Code invalid_schedule: which field, and what it takes.
  [[nodiscard]] static Result<Cron> parse(std::string_view text);

  // The first time it is due after `after`; nullopt: not within ten years.
  std::optional<Time> next(const Zone& zone, Time after) const;
  // The last time it was due, after `since` and not after `until`.
  std::optional<Time> latest(const Zone& zone, Time since, Time until) const;

 private:
  using Days = std::chrono::local_days;
  bool is_on(Days day) const;
  std::vector<Time> times_of(const Zone& zone, Days day) const;  // ascending

  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<8> weekdays_;
  bool every_hour_ = false, any_day_ = false;  // the field begins with "*"
};

}  // namespace keyturn::zone
