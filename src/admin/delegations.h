// People who stand in for others, and who is out of office: what a person says of themselves.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "gate/gate.h"

namespace keyturn::admin {

struct NewDelegation {
  std::string to;
  std::set<std::string> groups;  // empty: all of one's groups
  std::optional<Time> start;     // absent: now
  Time until;
};

// In one's own name only, signed in. Codes: assurance_too_low, those of people::can_delegate.
Task<Result<people::Delegation>> delegate(gate::Gate& gate, Principal who, NewDelegation wanted);

// By either of the two, or an administrator. Codes: not_found (also: over), not_allowed.
Task<Result<people::Delegation>> end_delegation(gate::Gate& gate, Principal who, std::string id);

// Nothing: back again. Codes: invalid_args (in the past, or more than a year away).
Task<Result<void>> set_away(gate::Gate& gate, Principal who, std::optional<Time> until);

}  // namespace keyturn::admin
