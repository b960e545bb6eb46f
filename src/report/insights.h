// What the numbers of some days say of how people decide: load, time, answers. By group and by
// hour, never by person: what is of a group of fewer than three people is told of all such groups
// together.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "doc/value.h"

namespace keyturn::report {

inline constexpr std::size_t kTellingGroupMin = 3;

// As the lists keep it: what, name and detail are those of store/read_model.h.
struct DayFigure {
  std::int64_t day = 0;  // since 1970, UTC
  std::string what, name, detail;
  std::int64_t n = 0;
};

struct Repeated {
  std::string agent, tool, last;  // last: "act_…"
  std::int64_t times = 0;
};

struct InsightsInput {
  Time from, to;  // whole days, UTC
  std::vector<DayFigure> figures;
  std::vector<Repeated> repeats;
  std::map<std::string, std::set<std::string>> members;  // of each group, now
  std::set<std::string> tools;  // that there are: other names are what agents made up, and not told
  // Of a bucket of duration: where it begins, in seconds.
  double (*seconds_of)(int bucket) = nullptr;
};

// {"from","to","total","by_day","by_tool","time_to_decision","by_hour","groups","repeats","canaries"}:
// see docs/openapi.json, Insights.
doc::Value insights(const InsightsInput& in);

}  // namespace keyturn::report
