#include "zone/zone.h"

#include <doctest/doctest.h>

using namespace keyturn;
using namespace keyturn::zone;

TEST_CASE("a local time is the time that the clocks there show") {
  const std::optional<Zone> berlin = Zone::open("Europe/Berlin");
  REQUIRE(berlin);
  const auto utc = [&](const char* local) {
    return to_rfc3339(berlin->to_utc(*parse_local(local)));
  };
  CHECK(utc("2026-01-05T09:00") == "2026-01-05T08:00:00.000Z");
  CHECK(utc("2026-07-06") == "2026-07-05T22:00:00.000Z");
  // 02:00 to 03:00 is skipped on 29 March, and shown twice on 25 October.
  CHECK(utc("2026-03-29T01:59:59") == "2026-03-29T00:59:59.000Z");
  CHECK(utc("2026-03-29T02:30") == "2026-03-29T01:30:00.000Z");
  CHECK(utc("2026-03-29T03:30") == "2026-03-29T01:30:00.000Z");
  CHECK(utc("2026-10-25T02:30") == "2026-10-25T01:30:00.000Z");
  for (const char* time : {"2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "2026-10-25T01:30:00Z"})
    CHECK(berlin->to_utc(berlin->to_local(*from_rfc3339(time))) == *from_rfc3339(time));
}

TEST_CASE("what is no zone and no local time is neither") {
  CHECK_FALSE(Zone::open("Europe/Berlinn"));
  CHECK_FALSE(Zone::open(""));
  for (const char* text : {"", "2026", "2026-13-01", "2026-01-05T25:00", "2026-01-05T09:00Z"})
    CHECK_FALSE(parse_local(text));
}
