// A loaded document from the inside. For the files of this room.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cel/environment.h"
#include "cel/program.h"
#include "policy/calendar.h"
#include "policy/document.h"
#include "policy/emergencies.h"
#include "policy/index.h"
#include "policy/match.h"

namespace keyturn::policy {

struct Condition {
  std::string source;
  cel::Program program;
  doc::Position at;
};

struct Tier {
  Condition when;
  Effect effect = Effect::kDeny;
  Plan plan;
  doc::Position at, plan_at;
};

struct Change {
  std::string path;               // "args.max_rows"
  std::vector<std::string> keys;  // below args: {"max_rows"}
  doc::Value value;
  doc::Position at;
};

struct Defer {
  Condition until;
  Duration latest{};
};

struct Rule {
  std::string id;
  std::string description;
  doc::Position at, match_at, plan_at, waives_at;
  Match match;
  std::optional<Condition> when, unless;
  Effect effect = Effect::kDeny;
  Plan plan;  // kRequire without tiers
  std::vector<Tier> tiers;
  std::vector<Change> changes;  // kModify
  std::optional<Defer> defer;   // kDefer
  std::vector<std::string> waives;
  bool waivable = false;
  bool shadow = false;
};

// standing.h
struct StandingPermission {
  std::string id;
  std::string description;
  doc::Position at, match_at, bounds_at;
  Match match;
  Duration lasts{};
  std::uint64_t uses = 0;
  std::set<std::string> bounds;  // parameters, without "args."
  std::optional<Condition> when;
};

struct RiskTerm {
  Condition when;
  std::int64_t weight = 0;
  std::string reason;
};

struct Variable {
  std::string name;
  Condition value;
};

struct Expectation {
  doc::Position at;
  std::optional<Effect> effect;
  std::optional<Quorum> quorum;
  std::optional<std::string> by;
  std::optional<std::set<std::string>> channels;
  std::optional<Assurance> assurance;
  std::optional<Duration> expires;
  std::vector<std::string> rules;  // all of these are among the hits
};

struct DocumentTest {
  std::string name;
  doc::Position at;
  std::vector<std::pair<std::string, doc::Value>> set;
  std::vector<std::string> unset;
  Expectation expect;
};

constexpr std::int64_t kCostLimitMax = 10'000'000;

struct Document::Rep {
  std::string name;
  std::int64_t revision = 0;
  std::string digest;
  std::string text;
  bool observe = false;
  Effect fallback = Effect::kDeny;    // defaults.effect
  std::uint64_t cost_limit = 10'000;  // at most kCostLimitMax
  cel::Environment environment;
  std::vector<Variable> variables;  // in an order in which each needs only those before it
  std::vector<RiskTerm> risk;
  std::vector<Rule> rules;
  std::vector<StandingPermission> standing;
  std::vector<DocumentTest> tests;
  Calendar calendar;
  EmergencyRules emergencies;
  doc::Position emergencies_at;
  Index index;
  std::unordered_map<std::string, cel::Type> argument_types;  // tool -> type of action.args
};

}  // namespace keyturn::policy
