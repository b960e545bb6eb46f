#include "policy/emergencies.h"

namespace keyturn::policy {
namespace {

using doc::ObjectReader;

constexpr Duration kLastsMax = std::chrono::days(7);
constexpr Duration kGlassMax = std::chrono::hours(24);

std::set<std::string> read_groups(ObjectReader& in, std::string_view key, std::string_view what) {
  const auto named = in.strings_or_one(key).value_or(std::vector<std::string>{});
  if (named.empty() && (in.value().find(key) == nullptr || in.value().find(key)->is_array()))
    in.problem("missing_field", "needs " + std::string(key) + ": [GROUP], " + std::string(what),
               in.value().find(key) == nullptr ? std::string_view{} : key);
  return {named.begin(), named.end()};
}

Duration read_bound(ObjectReader& in, std::string_view key, Duration otherwise, Duration most) {
  const Duration found = in.duration(key).value_or(otherwise);
  if (found < Duration(std::chrono::minutes(1)) || found > most) {
    in.problem("out_of_range", std::string(key) + " is from 1m to " + to_text(most), key);
    return otherwise;
  }
  return found;
}

IncidentRules read_incident(const doc::Value& value, const std::string& pointer,
                            doc::Problems& problems) {
  ObjectReader in(value, pointer, problems);
  IncidentRules out;
  out.openers = read_groups(in, "openers", "whose members may open one");
  out.lasts = read_bound(in, "lasts", out.lasts, kLastsMax);
  in.finish();
  return out;
}

BreakGlassRules read_break_glass(const doc::Value& value, const std::string& pointer,
                                 doc::Problems& problems) {
  ObjectReader in(value, pointer, problems);
  BreakGlassRules out;
  out.openers = read_groups(in, "openers", "whose members may break the glass");
  out.lasts = read_bound(in, "lasts", out.lasts, kGlassMax);
  out.reviewers = read_groups(in, "reviewers", "who looks afterwards at what was done");
  out.review_within = read_bound(in, "review_within", out.review_within, kLastsMax);
  in.finish();
  return out;
}

}  // namespace

EmergencyRules read_emergencies(const doc::Value& value, const std::string& pointer,
                                doc::Problems& problems) {
  ObjectReader in(value, pointer, problems);
  EmergencyRules out;
  if (const doc::Value* incident = in.object("incident"))
    out.incident = read_incident(*incident, in.pointer_to("incident"), problems);
  if (const doc::Value* glass = in.object("break_glass"))
    out.break_glass = read_break_glass(*glass, in.pointer_to("break_glass"), problems);
  in.finish();
  return out;
}

std::set<std::string> groups_of(const EmergencyRules& rules) {
  std::set<std::string> out;
  if (rules.incident) out = rules.incident->openers;
  if (rules.break_glass) {
    out.insert(rules.break_glass->openers.begin(), rules.break_glass->openers.end());
    out.insert(rules.break_glass->reviewers.begin(), rules.break_glass->reviewers.end());
  }
  return out;
}

}  // namespace keyturn::policy
