#include "connectors/mcp/change_pace.h"

#include <doctest/doctest.h>

namespace keyturn::connectors::mcp {

TEST_CASE("a tool that changes each time is recorded some times, and then once a minute") {
  ChangePace pace;
  const Time begin = Time() + std::chrono::hours(400'000);
  const auto changes = [&](const std::string& tool, Time now) {
    int count = 0;
    for (; pace.may_record(tool, now); ++count) pace.recorded(tool, now);
    return count;
  };
  CHECK(changes("files/read", begin) == ChangePace::kInARow);
  CHECK(changes("files/write", begin) == ChangePace::kInARow);  // each for itself
  CHECK(changes("files/read", begin + std::chrono::seconds(59)) == 0);
  CHECK(changes("files/read", begin + std::chrono::seconds(60)) == 1);
  CHECK(changes("files/read", begin + std::chrono::seconds(61)) == 0);
  CHECK(changes("files/read", begin + std::chrono::minutes(3)) == 2);
  CHECK(changes("files/read", begin + std::chrono::hours(3)) == ChangePace::kInARow);
}

}  // namespace keyturn::connectors::mcp
