// When the other side is tried again, at a place and on the whole. Pure.
//
// One place that does not take anything holds up nobody else; when several in a row do not, and
// none does, it is the other side that is away, and the whole channel waits. Errands that were on
// their way together count as one try.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "channels/channel.h"

namespace keyturn::channels {

class Pauses {
 public:
  Pauses(Duration first, Duration most) : first_(first), most_(most) {}

  Time whole_until() const { return std::max(rate_until_, away_.until); }
  Time until(const std::string& place) const;  // of that place alone

  void succeeded(const std::string& place);
  // `began`: when that errand set out; `chance`: 0 to 1, shortens the pause by up to half. When it
  // is to be tried again.
  Time failed(const std::string& place, const Undelivered& why, Time began, Time now,
              double chance);
  void forgive();  // the other side is back, by what it says itself

  std::optional<Refusal> error(Time now) const;  // what is wrong now, said last
  std::optional<Time> failing_since() const;

 private:
  struct Tries {
    unsigned failures = 0;
    Time since{}, last{}, until{};
    std::string why;
  };
  Duration count(Tries& tries, const std::string& why, Time began, Time now, double chance) const;
  Duration first_, most_;
  std::map<std::string, Tries, std::less<>> places_;
  std::set<std::string> silent_;  // places that failed since anything was taken
  Tries away_;
  Time rate_until_{};
  std::string rate_why_;
};

}  // namespace keyturn::channels
