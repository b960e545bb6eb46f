#include "policy/calendar.h"

#include <doctest/doctest.h>

#include "doc/yaml.h"

using namespace keyturn;
using policy::Calendar;

namespace {

Calendar load(std::string_view text, doc::Problems& problems) {
  const auto tree = doc::parse_yaml(text, "c.yaml");
  REQUIRE(tree.has_value());
  return Calendar::load(*tree, "/calendar", problems);
}

// "" when the window is closed, else when it ends.
std::string ends(const Calendar& calendar, std::string_view at) {
  const auto time = from_rfc3339(at);
  REQUIRE(time.has_value());
  for (const auto& window : calendar.at(*time).windows) {
    if (window.name == "w" && window.open) return to_rfc3339(window.ends).substr(0, 16);
  }
  return "";
}

}  // namespace

TEST_CASE("windows open and close where their time zone says") {
  struct Row {
    std::string_view window, at, ends;
  };
  constexpr std::string_view once =
      "w: [{start: 2026-12-20T18:00, end: 2027-01-02, timezone: Europe/Berlin}]";
  constexpr std::string_view weekend =
      "w: [{start: 2026-01-02T18:00, duration: 60h, rrule: FREQ=WEEKLY;BYDAY=FR, timezone: "
      "Europe/Berlin}]";
  constexpr std::string_view second_tuesday =
      "w: [{start: 2026-01-01T20:00, duration: 4h, rrule: \"FREQ=MONTHLY;BYDAY=2TU\"}]";
  constexpr std::string_view last_day =
      "w: [{start: 2026-01-31T00:00, duration: 1d, rrule: \"FREQ=MONTHLY;BYMONTHDAY=-1\"}]";
  constexpr std::string_view fortnight =
      "w: [{start: 2026-01-05T08:00, duration: 1h, rrule: FREQ=WEEKLY;INTERVAL=2;UNTIL=20260201}]";
  constexpr std::string_view christmas =
      "w: [{start: 2020-12-24, duration: 3d, rrule: FREQ=YEARLY}]";
  const Row rows[] = {
      {once, "2026-12-20T16:59:59Z", ""},
      {once, "2026-12-20T17:00:00Z", "2027-01-01T23:00"},
      {once, "2027-01-01T23:00:00Z", ""},
      {weekend, "2026-01-02T16:59:00Z", ""},
      {weekend, "2026-01-04T12:00:00Z", "2026-01-05T05:00"},
      {weekend, "2026-07-03T16:00:00Z", "2026-07-06T04:00"},  // summer time
      {weekend, "2025-12-26T20:00:00Z", ""},                  // before it began
      {second_tuesday, "2026-03-10T21:00:00Z", "2026-03-11T00:00"},
      {second_tuesday, "2026-03-03T21:00:00Z", ""},
      {last_day, "2026-02-28T12:00:00Z", "2026-03-01T00:00"},
      {last_day, "2028-02-28T12:00:00Z", ""},
      {fortnight, "2026-01-19T08:30:00Z", "2026-01-19T09:00"},
      {fortnight, "2026-01-12T08:30:00Z", ""},
      {fortnight, "2026-02-02T08:30:00Z", ""},
      {christmas, "2026-12-26T23:59:00Z", "2026-12-27T00:00"},
      {christmas, "2026-12-27T00:00:00Z", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.window);
    CAPTURE(row.at);
    doc::Problems problems;
    const Calendar calendar = load(row.window, problems);
    for (const auto& p : problems) MESSAGE(p.message);
    CHECK(problems.empty());
    CHECK(ends(calendar, row.at) == row.ends);
  }
}

TEST_CASE("a calendar that is not understood is refused") {
  const std::string_view rows[] = {
      "w: [{start: 2026-01-01, end: 2025-01-01}]",
      "w: [{start: 2026-01-01}]",
      "w: [{end: 2026-01-01}]",
      "w: [{start: 2026-01-01, end: 2026-01-02, timezone: Europe/Berlinn}]",
      "w: [{start: tomorrow, end: 2026-01-02}]",
      "w: [{start: 2026-01-01, duration: 1h, rrule: FREQ=HOURLY}]",
      "w: [{start: 2026-01-01, duration: 1h, rrule: FREQ=DAILY;COUNT=3}]",
      "w: [{start: 2026-01-01, duration: 1h, rrule: BYDAY=MO}]",
      "w: [{start: 2026-01-01, duration: 1h, rrule: FREQ=WEEKLY;BYDAY=XX}]",
      "w: [{start: 2026-01-01, duration: 40d, rrule: FREQ=YEARLY}]",
      "w: [{start: 2026-01-01, duration: 1h, colour: red}]",
      "W!: [{start: 2026-01-01, duration: 1h}]",
  };
  for (const std::string_view row : rows) {
    CAPTURE(row);
    doc::Problems problems;
    (void)load(row, problems);
    CHECK_FALSE(problems.empty());
  }
}

TEST_CASE("freeze is always a window, and closed when nothing is said") {
  const Calendar calendar;
  const auto state = calendar.at(Time{});
  REQUIRE(state.windows.size() == 1);
  CHECK(state.windows[0].name == "freeze");
  CHECK_FALSE(state.windows[0].open);
}
