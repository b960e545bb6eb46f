// What may be agreed to once for a while: the section `standing` of a policy document. Without a
// permission that matches, nothing stands. A permission allows nobody anything by itself.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "policy/document.h"
#include "policy/input.h"

namespace keyturn::policy {

struct StandingTerms {
  std::string permission;        // its id
  Duration lasts{};              // at most
  std::uint64_t uses = 0;        // at most
  std::set<std::string> bounds;  // parameters that may be bounded; all others are equal
};

// The terms of every permission that matches and whose condition holds, in the document's order. An
// error in a condition is no permission.
std::vector<StandingTerms> standing_terms(const Document& document, const PolicyInput& input);

}  // namespace keyturn::policy
