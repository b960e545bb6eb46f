#include "net/retry_after.h"

#include <doctest/doctest.h>

#include <vector>

namespace keyturn::net {

TEST_CASE("Retry-After is seconds, or a date; what it is not, is not guessed") {
  const Time now = *from_rfc3339("2026-11-21T06:00:00Z");
  struct Case {
    const char* text;
    std::optional<Duration> expected;
  };
  const std::vector<Case> cases{
      {"30", std::chrono::seconds(30)},
      {"0", Duration::zero()},
      {"99999", kRetryAfterMax},
      {"99999999999999999999", kRetryAfterMax},
      {"Sat, 21 Nov 2026 06:02:00 GMT", std::chrono::minutes(2)},
      {"Sat, 21 Nov 2026 05:00:00 GMT", Duration::zero()},
      {"Sun, 22 Nov 2026 06:02:00 GMT", kRetryAfterMax},
      {"-5", std::nullopt},
      {"soon", std::nullopt},
      {"", std::nullopt},
  };
  for (const Case& one : cases) {
    CAPTURE(one.text);
    CHECK(retry_after({{"Retry-After", one.text}}, now) == one.expected);
  }
  CHECK(retry_after({}, now) == std::nullopt);
}

}  // namespace keyturn::net
