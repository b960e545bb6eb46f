#include "cel/time_text.h"

#include <doctest/doctest.h>

#include "cel/time_zone.h"

using namespace keyturn::cel;

TEST_CASE("timestamps read RFC 3339 and nothing else") {
  const char* good[][2] = {
      {"2009-02-13T23:31:30Z", "2009-02-13T23:31:30Z"},
      {"2009-02-13T23:31:30.5Z", "2009-02-13T23:31:30.5Z"},
      {"2009-02-13T23:31:30.123456789Z", "2009-02-13T23:31:30.123456789Z"},
      {"2009-02-14T01:31:30+02:00", "2009-02-13T23:31:30Z"},
      {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
      {"9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"},
      {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
  };
  for (const auto& [text, written] : good) {
    CAPTURE(text);
    REQUIRE(parse_timestamp(text).has_value());
    CHECK(to_rfc3339(*parse_timestamp(text)) == written);
  }
  for (const char* text :
       {"", "2009-02-13", "2009-02-13 23:31:30Z", "2009-02-13T23:31:30", "2023-02-29T00:00:00Z",
        "2009-13-01T00:00:00Z", "2009-02-13T24:00:00Z", "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z", "2009-02-13T23:31:30.Z", "2009-02-13T23:31:30+0200",
        "2009-02-13T23:31:30Zx", "0001-01-01T00:00:00+01:00"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_timestamp(text).has_value());
  }
}

TEST_CASE("durations read as in Go, and are written in seconds") {
  const char* good[][2] = {{"1h30m", "5400s"},      {"-1.5s", "-1.5s"}, {"250ms", "0.25s"},
                           {"3ns", "0.000000003s"}, {"0", "0s"},        {"1.5h", "5400s"},
                           {"2us", "0.000002s"},    {"+5s", "5s"},      {".5s", "0.5s"}};
  for (const auto& [text, written] : good) {
    CAPTURE(text);
    REQUIRE(parse_duration(text).has_value());
    CHECK(to_seconds_text(*parse_duration(text)) == written);
  }
  for (const char* text : {"", "-", "5", "s", "1d", "1h 30m", "1..5s", ".s", "320000000000s"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text).has_value());
  }
}

TEST_CASE("zones are found by IANA name or offset") {
  const Timestamp winter{1'767'225'600, 0};  // 2026-01-01T00:00:00Z, a Thursday
  const Timestamp summer{1'782'864'000, 0};  // 2026-07-01T00:00:00Z
  CHECK(field_of(winter, TimeField::kHours, *TimeZone::find("Europe/Berlin")) == 1);
  CHECK(field_of(summer, TimeField::kHours, *TimeZone::find("Europe/Berlin")) == 2);
  CHECK(field_of(winter, TimeField::kHours, *TimeZone::find("-08:00")) == 16);
  CHECK(field_of(winter, TimeField::kFullYear, *TimeZone::find("-08:00")) == 2025);
  CHECK(field_of(winter, TimeField::kDayOfYear, *TimeZone::find("-08:00")) == 364);
  CHECK(field_of(winter, TimeField::kMinutes, *TimeZone::find("05:45")) == 45);
  CHECK(field_of(winter, TimeField::kDayOfWeek, *TimeZone::utc()) == 4);
  for (const char* name : {"", "Mars/Base", "+25:00", "+1:00", "GMT+5", "utc"}) {
    CAPTURE(name);
    CHECK(TimeZone::find(name) == nullptr);
  }
}

TEST_CASE("arithmetic at the edges of time is refused, not wrapped") {
  CHECK_FALSE(add({253402300799, 999'999'999}, 1).has_value());
  CHECK_FALSE(add({-62135596800, 0}, -1).has_value());
  CHECK(add({0, 0}, -1) == Timestamp{-1, 999'999'999});
  CHECK_FALSE(nanos_between({-62135596800, 0}, {253402300799, 0}).has_value());
}
