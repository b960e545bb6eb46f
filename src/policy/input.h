// What a decision is made from: everything that Keyturn itself knows of a case, as plain data, so
// that a decision can be repeated later (POLICY "Meaning" 5). `claims` and `reason` are what the
// agent says; the checker of documents warns where something looser depends on them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "doc/read.h"
#include "doc/value.h"
#include "model/action.h"

namespace keyturn::policy {

struct ActorInput {
  std::string id;
  std::string owner;
  std::vector<std::string> groups;        // of the owner; a snapshot
  std::vector<std::string> delegated_by;  // the rest of the lineage, if any
};

struct RequestInput {
  Time time{};
  std::string channel = "api";
  std::vector<std::string> taint;
  std::string incident;       // an open incident that a person opened; "" none
  std::string break_glass;    // the reason, when a person broke the glass; "" no
  std::string runbook, step;  // of the run that the action is a step of; "" none
  std::int64_t repeats_of_denied = 0;
  // Set when the action was deferred before: when it was first asked for. A deferral past its
  // latest time is then a denial.
  std::optional<Time> deferred_since;
};

// Counted over the same actor, tool and resource, this request excluded.
struct HistoryInput {
  std::int64_t count_1h = 0;
  std::int64_t count_24h = 0;
  std::int64_t count_7d = 0;
  std::int64_t denied_24h = 0;
  bool first_time = true;
};

struct Risk {
  std::int64_t score = 0;  // 0 .. 100
  std::vector<std::string> why;
};

struct CalendarState {
  struct Window {
    std::string name;
    bool open = false;
    Time ends{};  // meaningful while open
  };
  std::vector<Window> windows;
};

struct PolicyInput {
  std::string tool;
  std::string operation;            // as classified
  doc::Value args = doc::Object{};  // object, passed check_args
  std::string reason;
  Resource resource;
  ActorInput actor;
  RequestInput request;
  doc::Value facts;  // Facts::tree; null: {"uninspectable": false, "why": []}
  std::optional<HistoryInput> history = HistoryInput{};  // absent: not known, and no condition may
                                                         // take it for nothing
  doc::Value claims = doc::Object{};
  // Absent: decide() works them out from the document. Give them to repeat a recorded decision.
  std::optional<Risk> risk;
  std::optional<CalendarState> calendar;
};

// {"in_NAME": whether the window is open, "NAME_ends": RFC 3339 while it is}.
doc::Value to_value(const CalendarState& calendar);

// The same as one tree, with the names that conditions use: {"action": {"tool", "operation",
// "args", "reason"}, "resource": {...}, "actor": {...}, "request": {...}, "facts", "history",
// "claims", "risk"?, "calendar"?}.
doc::Value to_value(const PolicyInput& input);

// Strict: unknown fields and wrong types are problems. Absent parts keep the values of `base`.
PolicyInput input_from_value(const doc::Value& tree, const PolicyInput& base,
                             doc::Problems& problems);

}  // namespace keyturn::policy
