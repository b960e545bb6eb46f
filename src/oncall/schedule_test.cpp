#include "oncall/schedule.h"

#include <doctest/doctest.h>

#include <set>

using namespace keyturn;
using namespace keyturn::oncall;

namespace {

Time time(const char* text) {
  return *from_rfc3339(text);
}

Schedule schedule(std::string_view text) {
  doc::Problems problems;
  std::optional<Schedule> out = load(text, problems);
  for (const doc::Problem& problem : problems) MESSAGE(doc::to_text(problem, "f"));
  REQUIRE(out);
  return std::move(*out);
}

// "alice until 2026-01-12T08:00:00.000Z, …; next …"
std::string at(const Schedule& s, const char* now) {
  const OnDuty duty = on_duty(s, time(now));
  std::string out;
  for (const auto& [person, until] : duty.until)
    out += (out.empty() ? "" : ", ") + person + " " + to_rfc3339(until).substr(0, 16);
  return out + "; " + (duty.next ? to_rfc3339(*duty.next).substr(0, 16) : "never");
}

std::string wrong(std::string_view text) {
  doc::Problems problems;
  CHECK_FALSE(load(text, problems));
  return problems.empty() ? "" : doc::to_text(problems.front(), "f");
}

constexpr std::string_view kWeekly = R"(timezone: Europe/Berlin
rotation: {start: "2026-03-16T09:00", every: 7d, people: [alice, bob]}
overrides:
- {person: carol, from: "2026-04-01T09:00", until: "2026-04-02T09:00"}
)";

}  // namespace

TEST_CASE("people take turns at the same hour by the clock, also where it is changed") {
  const Schedule s = schedule(kWeekly);
  CHECK(at(s, "2026-03-16T07:59:59Z") == "; 2026-03-16T08:00");
  CHECK(at(s, "2026-03-16T08:00:00Z") == "alice 2026-03-23T08:00; 2026-03-23T08:00");
  CHECK(at(s, "2026-03-23T08:00:00Z") == "bob 2026-03-30T07:00; 2026-03-30T07:00");
  CHECK(at(s, "2026-03-30T06:59:59Z") == "bob 2026-03-30T07:00; 2026-03-30T07:00");
  CHECK(at(s, "2026-03-30T07:00:00Z").starts_with("alice"));
  CHECK(at(s, "2026-10-26T08:00:00Z") == "alice 2026-11-02T08:00; 2026-11-02T08:00");
  CHECK(at(s, "2026-10-26T07:30:00Z").starts_with("bob 2026-10-26T08:00"));
}

TEST_CASE("turns of hours follow each other without a gap where the clock is changed") {
  const Schedule s = schedule(
      "timezone: Europe/Berlin\nrotation: {start: \"2026-03-28T00:00\", every: 1h, people: [a, "
      "b]}");
  for (const char* day : {"2026-03-29T00:00:00Z", "2026-10-25T00:00:00Z"}) {
    Time now = time(day);
    for (int turn = 0; turn < 6; ++turn) {
      const OnDuty duty = on_duty(s, now);
      REQUIRE(duty.until.size() == 1);
      REQUIRE(duty.next);
      CHECK(*duty.next > now);
      CHECK(duty.until.begin()->second == *duty.next);
      CHECK(*duty.next - now <= std::chrono::hours(2));
      now = *duty.next;
    }
  }
}

TEST_CASE("an override takes the place of whoever would be on call") {
  const Schedule s = schedule(kWeekly);
  CHECK(at(s, "2026-03-31T07:00:00Z") == "alice 2026-04-01T07:00; 2026-04-01T07:00");
  CHECK(at(s, "2026-04-01T07:00:00Z") == "carol 2026-04-02T07:00; 2026-04-02T07:00");
  CHECK(at(s, "2026-04-02T07:00:00Z") == "alice 2026-04-06T07:00; 2026-04-06T07:00");
}

TEST_CASE("shifts stand beside each other, and end") {
  const Schedule s = schedule(R"(shifts:
- {person: alice, from: "2026-01-05T09:00", until: "2026-01-05T17:00"}
- {person: bob, from: "2026-01-05T12:00:00+02:00", until: "2026-01-05T20:00"}
)");
  CHECK(at(s, "2026-01-05T08:00:00Z") == "; 2026-01-05T09:00");
  CHECK(at(s, "2026-01-05T09:30:00Z") == "alice 2026-01-05T17:00; 2026-01-05T10:00");
  CHECK(at(s, "2026-01-05T10:00:00Z") ==
        "alice 2026-01-05T17:00, bob 2026-01-05T20:00; 2026-01-05T17:00");
  CHECK(at(s, "2026-01-05T17:00:00Z") == "bob 2026-01-05T20:00; 2026-01-05T20:00");
  CHECK(at(s, "2026-01-05T20:00:00Z") == "; never");
}

TEST_CASE("what is wrong with a file is said with its place") {
  CHECK(wrong("timezone: Mars/Olympus\nshifts: []").starts_with("f:1:11: unknown time zone"));
  CHECK(wrong("shift: []").starts_with("f:1:"));
  CHECK(wrong("{}").contains("needs rotation"));
  CHECK(wrong("overrides: []").contains("needs rotation"));
  CHECK(wrong("rotation: {start: \"2026-01-05T09:00Z\", every: 7d, people: [a]}")
            .starts_with("f:1:19: start must be a local time"));
  CHECK(wrong("rotation: {start: \"2026-01-05\", every: 90m, people: [a]}").starts_with("f:1:40"));
  CHECK(wrong("rotation: {start: \"2026-01-05\", every: 7d, people: []}").starts_with("f:1:52"));
  CHECK(wrong("rotation: {start: \"2026-01-05\", people: [a]}").contains("every"));
  CHECK(wrong("shifts:\n- {person: a, from: tomorrow, until: \"2026-01-05\"}")
            .starts_with("f:2:21: from must be a time"));
  CHECK(wrong("shifts:\n- {person: a, from: \"2026-01-05\", until: \"2026-01-05\"}")
            .contains("ends before it begins"));
  CHECK(wrong("shifts:\n- {person: a, from: \"2026-01-05\", until: \"2026-01-06\", to: x}")
            .contains("unknown field"));
  CHECK(wrong("shifts: [").starts_with("f:1:"));
}
