#include "people/directory.h"

#include <algorithm>

#include "people/names.h"

namespace keyturn::people {

const std::string& Agent::owner() const {
  static const std::string nobody;
  return owners.empty() ? nobody : owners.back().owner;
}

std::set<std::string> Agent::owners_since(Time from) const {
  std::set<std::string> out;
  for (std::size_t i = 0; i < owners.size(); ++i) {
    const bool last = i + 1 == owners.size();
    // A tenure that ended in the very instant of the request still counts.
    if (last || owners[i + 1].since >= from) out.insert(owners[i].owner);
  }
  return out;
}

const Person* Directory::by_account(std::string_view account) const {
  const auto it = account_.find(account);
  return it == account_.end() ? nullptr : person(it->second);
}

const Person* Directory::first_of(std::string_view account) const {
  const auto it = first_.find(account);
  return it == first_.end() ? nullptr : person(it->second);
}

const Person* Directory::person(std::string_view id) const {
  const auto it = persons_.find(id);
  return it == persons_.end() ? nullptr : &it->second;
}

const Person* Directory::resolve(std::string_view text) const {
  const auto it = holder_.find(fold_identifier(text));
  return it == holder_.end() ? nullptr : person(it->second);
}

const Agent* Directory::agent(std::string_view name) const {
  const auto it = agents_.find(name);
  return it == agents_.end() ? nullptr : &it->second;
}

bool Directory::has_group(std::string_view name) const {
  return groups_.contains(name);
}

const std::set<std::string>& Directory::looking_like(std::string_view shape) const {
  static const std::set<std::string> nobody;
  const auto it = shapes_.find(shape);
  return it == shapes_.end() ? nobody : it->second;
}

std::string_view Directory::human_of(std::string_view id) const {
  const auto it = human_.find(id);
  return it == human_.end() ? std::string_view() : std::string_view(it->second);
}

bool Directory::same_human(std::string_view a, std::string_view b) const {
  const std::string_view human = human_of(a);
  return !human.empty() && human == human_of(b);
}

std::set<std::string> Directory::accounts_of(std::string_view id) const {
  std::set<std::string> out;
  const std::string_view human = human_of(id);
  if (human.empty()) return out;
  for (const auto& [other, whose] : human_) {
    if (whose == human && other != id) out.insert(other);
  }
  return out;
}

bool Directory::in_group(std::string_view id, std::string_view group) const {
  const auto it = groups_.find(group);
  return it != groups_.end() && it->second.contains(std::string(id));
}

bool Directory::in_any(std::string_view id, const std::set<std::string>& groups) const {
  return std::ranges::any_of(groups, [&](const std::string& group) { return in_group(id, group); });
}

const std::set<std::string>& Directory::members(std::string_view group) const {
  static const std::set<std::string> nobody;
  const auto it = groups_.find(group);
  return it == groups_.end() ? nobody : it->second;
}

std::string in_words(const std::set<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out.empty() ? "none" : out;
}

}  // namespace keyturn::people
