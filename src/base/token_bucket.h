// So many at once, and so many a second from then on.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/time.h"

namespace keyturn {

// Full at first. A clock that goes back fills nothing.
class TokenBucket {
 public:
  struct Rate {
    double burst = 1, per_second = 1;
  };

  // Counts one, and returns 0; or the seconds until one may pass, and counts nothing.
  double take(const Rate& rate, Time now) {
    const double seconds =
        last_ ? std::max(0.0, std::chrono::duration<double>(now - *last_).count()) : 0;
    tokens_ = last_ ? std::min(rate.burst, tokens_ + seconds * rate.per_second) : rate.burst;
    last_ = now;
    if (tokens_ < 1) return (1 - tokens_) / rate.per_second;
    tokens_ -= 1;
    return 0;
  }
  Time last() const { return last_.value_or(Time{}); }  // when it was asked

 private:
  double tokens_ = 0;
  std::optional<Time> last_;
};

}  // namespace keyturn
