// Who may stand in for whom. Pure. A delegate fills the delegator's place and never one more: each
// of the two humans counts once.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "people/directory.h"
#include "people/lineage.h"

namespace keyturn::people {

using Humans = std::set<std::string, std::less<>>;

// The person whose place an account can take in `groups` now: itself (given as "") first, when it
// is a member; then those who have delegated to it. Nobody when it may not review; never somebody
// who may not review themselves, or whose delegation covers none of these groups.
std::vector<std::string> places_for(const Directory& directory, const Humans& excluded,
                                    std::string_view person, const std::set<std::string>& groups);

// Those of `groups` that the account's vote counts for, given in the place of `instead_of` ("" : in
// its own). Empty: it may not.
std::set<std::string> groups_for(const Directory& directory, const Humans& excluded,
                                 std::string_view person, std::string_view instead_of,
                                 const std::set<std::string>& groups);

// Accounts that somebody has delegated to, now.
std::set<std::string> delegates_of(const Directory& directory, std::string_view person);

}  // namespace keyturn::people
