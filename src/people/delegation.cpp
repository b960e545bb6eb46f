#include "people/delegation.h"

namespace keyturn::people {
namespace {

std::set<std::string> own(const Directory& directory, std::string_view person,
                          const std::set<std::string>& groups) {
  std::set<std::string> out;
  for (const std::string& group : groups) {
    if (directory.in_group(person, group)) out.insert(group);
  }
  return out;
}

}  // namespace

std::set<std::string> groups_for(const Directory& directory, const Humans& excluded,
                                 std::string_view person, std::string_view instead_of,
                                 const std::set<std::string>& groups) {
  std::set<std::string> out;
  if (!may_review(directory, excluded, person)) return out;
  if (instead_of.empty()) return own(directory, person, groups);
  if (!may_review(directory, excluded, instead_of)) return out;
  if (directory.same_human(person, instead_of)) return out;
  for (const auto& [id, delegation] : directory.delegations()) {
    if (delegation.to != person || delegation.from != instead_of ||
        !delegation.in_force(directory.now())) {
      continue;
    }
    for (const std::string& group : own(directory, instead_of, groups)) {
      // Nobody administrates in somebody's place: that takes two administrators themselves.
      if (group != kAdministrators && delegation.covers(group)) out.insert(group);
    }
  }
  return out;
}

std::vector<std::string> places_for(const Directory& directory, const Humans& excluded,
                                    std::string_view person, const std::set<std::string>& groups) {
  std::vector<std::string> out;
  if (!groups_for(directory, excluded, person, "", groups).empty()) out.emplace_back();
  std::set<std::string> delegators;
  for (const auto& [id, delegation] : directory.delegations()) {
    if (delegation.to == person) delegators.insert(delegation.from);
  }
  for (const std::string& from : delegators) {
    if (!groups_for(directory, excluded, person, from, groups).empty()) out.push_back(from);
  }
  return out;
}

std::set<std::string> delegates_of(const Directory& directory, std::string_view person) {
  std::set<std::string> out;
  for (const auto& [id, delegation] : directory.delegations()) {
    if (delegation.from == person && delegation.in_force(directory.now()))
      out.insert(delegation.to);
  }
  return out;
}

}  // namespace keyturn::people
