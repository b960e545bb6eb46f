// Who may open an incident or break the glass, for how long, and who looks at it afterwards: the
// section `emergencies` of a policy document. Without it nobody may.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "base/time.h"
#include "doc/read.h"

namespace keyturn::policy {

struct IncidentRules {
  std::set<std::string> openers;           // groups
  Duration lasts = std::chrono::hours(8);  // at most
};

struct BreakGlassRules {
  std::set<std::string> openers;           // groups
  Duration lasts = std::chrono::hours(1);  // at most
  std::set<std::string>
      reviewers;  // groups: every action that it made possible is looked at by one
  Duration review_within = std::chrono::hours(24);
};

struct EmergencyRules {
  std::optional<IncidentRules> incident;
  std::optional<BreakGlassRules> break_glass;
};

// {incident: {openers: [G…], lasts: 8h}, break_glass: {openers: [G…], lasts: 1h, reviewers: [G…],
// review_within: 24h}}
EmergencyRules read_emergencies(const doc::Value& value, const std::string& pointer,
                                doc::Problems& problems);

// Every group that it names.
std::set<std::string> groups_of(const EmergencyRules& rules);

}  // namespace keyturn::policy
