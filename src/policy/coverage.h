// What the tests inside a document reach of it: rules, branches of conditions, tiers, waivers.
#pragma once

#include <string>
#include <vector>

#include "doc/value.h"
#include "policy/document.h"

namespace keyturn::policy {

// How often a condition came out how, over all tests.
struct Outcomes {
  std::size_t held = 0, not_held = 0, failed = 0;
};

struct TierCoverage {
  doc::Position at;
  Outcomes when;  // asked only where no tier before it held
};

struct WaiverCoverage {
  std::string target;
  std::size_t times = 0;  // tests in which it made the target's denial not count
};

struct RuleCoverage {
  std::string rule;
  doc::Position at;
  std::size_t selected = 0;     // times its selectors matched
  std::size_t contributed = 0;  // times it said something: an effect, an exception or an error
  std::optional<Outcomes> when, unless;
  std::vector<TierCoverage> tiers;
  std::vector<WaiverCoverage> waives;
};

// Something that no test reaches.
struct Gap {
  std::string rule;
  std::string message;  // "tier 2 is taken in no test"
  doc::Position at;
};

struct Coverage {
  std::vector<RuleCoverage> rules;  // in the document's order
  std::size_t branches = 0;         // that tests could reach …
  std::size_t reached = 0;          // … and that they do
  std::vector<Gap> gaps;            // a rule that is never reached is one, whatever it holds
};

// A branch is: a rule, `when` true and false, `unless` applied and not, each tier taken, no tier
// taken (unless the last always holds), each waiver. A side that a constant cannot take is none.
// A rule in `mode: shadow` counts like the others.
Coverage coverage(const Document& document);

doc::Value to_value(const Coverage& coverage);

}  // namespace keyturn::policy
