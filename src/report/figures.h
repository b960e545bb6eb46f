// The numbers of a period, each a count over its entries, so that anybody can count again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "doc/value.h"
#include "report/story.h"

namespace keyturn::report {

using Counts = std::vector<std::pair<std::string, std::uint64_t>>;

struct Figures {
  std::uint64_t entries = 0, actions = 0, carried = 0;
  Counts types;     // entries by type, by name
  Counts days;      // actions by the UTC day of their request, no day of the period left out
  Counts effects;   // first verdicts: allow, deny, require, modify, defer
  Counts outcomes;  // by state at the end of the period
  Counts tools, agents, rules, exceptions, owners, models;  // most first, then by name
  Counts reviewers;                                         // votes that stand, by reviewer
  Counts assurances;                                        // votes that stand, by assurance

  // Reviews of the population that people decided: from opened to closed. Nearest-rank percentiles.
  std::uint64_t reviews = 0, approved = 0, denied_by_people = 0;
  std::optional<std::int64_t> decision_p50_ms, decision_p95_ms, decision_max_ms;
  Counts decision_histogram;

  std::uint64_t votes = 0, assertions = 0;
  std::uint64_t votes_of_lineage = 0;       // by somebody of the action's own lineage: must be 0
  std::uint64_t executions = 0;             // started in the period, of the population
  std::uint64_t required_executions = 0;    // of these, where policy asked for people
  std::uint64_t unapproved_executions = 0;  // and no review was closed as approved: must be 0
};

Figures figures_of(const Story& story);
doc::Value to_value(const Figures& figures);

std::string day_of(Time time);            // "2026-11-21"
std::string text_of_ms(std::int64_t ms);  // "340 ms", "12.4 s", "3 min 20 s", "2 h 5 min"

}  // namespace keyturn::report
