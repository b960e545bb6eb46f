// Who is on call when: rotations, overrides and shifts. Pure.
//
// A file is YAML:
//
//   timezone: Europe/Berlin            # default UTC; of every local time in it
//   rotation: {start: "2026-01-05T09:00", every: 7d, people: [alice, bob]}
//   overrides: [{person: carol, from: "2026-02-02T09:00", until: "2026-02-03T09:00"}]
//   shifts: [{person: dave, from: "2026-02-02T09:00", until: "2026-02-09T09:00"}]
//
// At least one of rotation and shifts. While an override runs, nobody but overrides are on call.
// Turns of a rotation begin by the clock there: 7d is a week of that clock, 167 or 169 hours when
// it is changed. People are ids, aliases or addresses (people::Directory::resolve).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "doc/read.h"
#include "zone/zone.h"

namespace keyturn::oncall {

inline constexpr std::size_t kFileBytesMax = 1 << 20;
inline constexpr std::size_t kShiftsMax = 400;  // of a message
inline constexpr std::size_t kFileShiftsMax = 5'000;

struct Shift {
  std::string person;
  Time from, until;
};

struct Rotation {
  zone::Zone zone;
  zone::LocalTime start;
  Duration every;
  std::vector<std::string> people;  // by turns
};

struct Schedule {
  std::optional<Rotation> rotation;
  std::vector<Shift> overrides, shifts;
};

// Every problem with its place and what to do; nullopt when there is one.
std::optional<Schedule> load(std::string_view text, doc::Problems& problems);

// [{person, from, until}] with RFC 3339 times, as a webhook's message has them.
std::vector<Shift> read_shifts(const doc::Value& list, const std::string& pointer,
                               doc::Problems& problems);

struct OnDuty {
  std::map<std::string, Time, std::less<>> until;  // person as written -> end of the shift
  std::optional<Time> next;                        // when this may be otherwise; nullopt: never
};
OnDuty on_duty(const Schedule& schedule, Time now);

}  // namespace keyturn::oncall
