#include "zone/cron.h"

#include <doctest/doctest.h>

#include <vector>

using namespace keyturn;
using namespace keyturn::zone;

namespace {

Cron cron(const char* text) {
  Result<Cron> out = Cron::parse(text);
  REQUIRE_MESSAGE(out.has_value(), text);
  return *out;
}

// The next few after a time, as RFC 3339 without the seconds.
std::vector<std::string> due(const char* schedule, const char* zone, const char* after, int times) {
  const std::optional<Zone> there = Zone::open(zone);
  REQUIRE(there);
  Time at = *from_rfc3339(after);
  std::vector<std::string> out;
  const Cron one = cron(schedule);
  for (int i = 0; i < times; ++i) {
    const std::optional<Time> next = one.next(*there, at);
    if (!next) return out;
    CHECK(*next > at);
    CHECK(one.latest(*there, at, *next) == next);
    CHECK_FALSE(one.latest(*there, at, *next - std::chrono::seconds(1)).has_value());
    at = *next;
    out.push_back(to_rfc3339(at).substr(0, 16));
  }
  return out;
}

using Times = std::vector<std::string>;

}  // namespace

TEST_CASE("a schedule is due when its five fields fit the clocks of its zone") {
  CHECK(due("30 2 * * *", "UTC", "2026-11-20T02:30:00Z", 2) ==
        Times{"2026-11-21T02:30", "2026-11-22T02:30"});
  CHECK(due("0 2 * * 1-5", "Europe/Berlin", "2026-11-20T02:00:00Z", 2) ==
        Times{"2026-11-23T01:00", "2026-11-24T01:00"});
  CHECK(due("*/20 8-9 * * *", "UTC", "2026-01-01T08:10:00Z", 5) ==
        Times{"2026-01-01T08:20", "2026-01-01T08:40", "2026-01-01T09:00", "2026-01-01T09:20",
              "2026-01-01T09:40"});
  CHECK(due("5,15-19/2 0 1 jan,JUL *", "UTC", "2026-01-01T00:15:00Z", 3) ==
        Times{"2026-01-01T00:17", "2026-01-01T00:19", "2026-07-01T00:05"});
  CHECK(due("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", 2) ==
        Times{"2028-02-29T00:00", "2032-02-29T00:00"});
}

TEST_CASE("both days: either will do, unless one begins with *; Sunday is 0 and 7") {
  CHECK(due("0 0 13 * FRI", "UTC", "2026-11-10T00:00:00Z", 3) ==
        Times{"2026-11-13T00:00", "2026-11-20T00:00", "2026-11-27T00:00"});
  CHECK(due("0 0 */2 * sun", "UTC", "2026-11-01T00:00:00Z", 2) ==
        Times{"2026-11-15T00:00", "2026-11-29T00:00"});
  CHECK(due("0 0 * * 7", "UTC", "2026-11-20T00:00:00Z", 1) == Times{"2026-11-22T00:00"});
  CHECK(due("0 0 * * SAT-SUN", "UTC", "2026-11-20T00:00:00Z", 3) ==
        Times{"2026-11-21T00:00", "2026-11-22T00:00", "2026-11-28T00:00"});
  CHECK(due("0 0 * * 5-7", "UTC", "2026-11-19T00:00:00Z", 3) ==
        Times{"2026-11-20T00:00", "2026-11-21T00:00", "2026-11-22T00:00"});
}

TEST_CASE("a time that the clocks skip is due when they show time again, once") {
  // Berlin, 29 March 2026: 02:00 is 03:00 (01:00 UTC).
  CHECK(due("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2) ==
        Times{"2026-03-29T01:00", "2026-03-30T00:30"});
  CHECK(due("*/15 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2) ==
        Times{"2026-03-29T01:00", "2026-03-30T00:00"});
  CHECK(due("0 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2) ==
        Times{"2026-03-29T01:00", "2026-03-30T00:00"});
  // Beirut skips midnight: 00:00 is 01:00 (22:00 UTC).
  CHECK(due("30 0 * * *", "Asia/Beirut", "2026-03-28T12:00:00Z", 2) ==
        Times{"2026-03-28T22:00", "2026-03-29T21:30"});
  // Lord Howe skips half an hour.
  CHECK(due("10 2 4 10 *", "Australia/Lord_Howe", "2026-10-01T00:00:00Z", 1) ==
        Times{"2026-10-03T15:30"});
  // Samoa skipped a whole day.
  CHECK(due("0 9 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", 1) == Times{"2011-12-30T10:00"});
}

TEST_CASE("a time that the clocks show twice is due once; every hour goes on through both") {
  // Berlin, 25 October 2026: 03:00 is 02:00 again (01:00 UTC).
  CHECK(due("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2) ==
        Times{"2026-10-25T00:30", "2026-10-26T01:30"});
  CHECK(due("30 * * * *", "Europe/Berlin", "2026-10-24T23:45:00Z", 3) ==
        Times{"2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30"});
  CHECK(due("30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 3) ==
        Times{"2026-03-29T00:30", "2026-03-29T01:30", "2026-03-29T02:30"});
}

TEST_CASE("the latest is looked for no further back than asked") {
  const std::optional<Zone> utc = Zone::open("UTC");
  const Cron daily = cron("0 2 * * *");
  const auto at = [](const char* text) { return *from_rfc3339(text); };
  CHECK(daily.latest(*utc, at("2026-11-01T00:00:00Z"), at("2026-11-22T01:59:59Z")) ==
        at("2026-11-21T02:00:00Z"));
  CHECK_FALSE(daily.latest(*utc, at("2026-11-21T02:00:00Z"), at("2026-11-22T01:59:59Z")));
  CHECK_FALSE(cron("0 0 31 2 *").next(*utc, at("2026-11-21T02:00:00Z")));
}

TEST_CASE("what is no schedule says which field, and what it takes") {
  for (const char* wrong : {"",
                            "* * * *",
                            "* * * * * *",
                            "60 * * * *",
                            "* 24 * * *",
                            "* * 0 * *",
                            "* * 32 * *",
                            "* * * 13 *",
                            "* * * * 8",
                            "* * * FOO *",
                            "5-1 * * * *",
                            "*/0 * * * *",
                            "5/2 * * * *",
                            "1,,2 * * * *",
                            "1-2-3 * * * *",
                            "@daily",
                            "L * * * *",
                            "-1 * * * *",
                            "*/2/2 * * * *",
                            "1- * * * *",
                            "99999999999 * * * *"}) {
    const Result<Cron> read = Cron::parse(wrong);
    REQUIRE_MESSAGE(!read.has_value(), wrong);
    CHECK(read.error().code == "invalid_schedule");
  }
  CHECK(Cron::parse("0 25 * * *").error().message.find("\"25\" is no hour") != std::string::npos);
}
