// Points in time are microseconds since the Unix epoch, UTC. Written as RFC 3339 with a "Z".
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace keyturn {

using Duration = std::chrono::microseconds;
using Time = std::chrono::sys_time<Duration>;

std::string to_rfc3339(Time time);  // "2026-11-21T05:04:43.123Z" (ms)
std::optional<Time> from_rfc3339(
    std::string_view text);  // any offset; up to nanoseconds, truncated
std::optional<Duration> parse_duration(std::string_view);  // "250ms" "20s" "30m" "4h" "7d"; > 0
std::string to_text(Duration duration);                    // "4h", "1h30m", "250ms"

inline std::int64_t unix_ms(Time t) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(t.time_since_epoch()).count();
}

// The one door to the clock. `now` is wall time; implementations never step a recorded time back
// (store/ takes the later of the clock and the last event).
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Time now() const override;
};

}  // namespace keyturn
