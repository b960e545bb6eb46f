// `calendar:` of a document: named windows of time (RFC 5545 §3.3.10 recurrences, or a start and an
// end), each in its time zone.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "doc/read.h"
#include "policy/input.h"

namespace keyturn::policy {

class Calendar {
 public:
  Calendar();
  ~Calendar();
  Calendar(Calendar&&) noexcept;
  Calendar& operator=(Calendar&&) noexcept;

  // {freeze: [{start, end | duration, rrule?, timezone?}, …], …}. Times are local:
  // "2026-12-20T18:00". Of RRULE: FREQ (DAILY to YEARLY), INTERVAL, BYDAY, BYMONTH, BYMONTHDAY,
  // UNTIL, WKST=MO. What is not understood is a problem.
  static Calendar load(const doc::Value& value, const std::string& pointer,
                       doc::Problems& problems);

  CalendarState at(Time time) const;
  std::vector<std::string> names() const;  // "freeze" is always among them

 private:
  struct Named;
  std::vector<Named> windows_;
};

}  // namespace keyturn::policy
