// What a use of a standing approval and a wish for one have in common. Internal to gate/.
#pragma once

#include <set>
#include <string>

#include "gate/impl.h"

namespace keyturn::gate {

// Parameters that `modify` rules set; none when `original` is null.
std::set<std::string> changed_by_policy(const doc::Value& original, const doc::Value& args);

// Digest of a description: of all of it, or, where parameters are bounded, of all that does not
// just say the arguments again.
std::string what_runs(doc::Value description, bool bounded);

// Nothing stands in for people where it cannot be told what runs, where it was denied before, where
// an emergency made the difference, where somebody else has to look each time, or where the record
// has to leave this machine first.
bool is_standable(const Case& c, const policy::PolicyInput& input);

}  // namespace keyturn::gate
