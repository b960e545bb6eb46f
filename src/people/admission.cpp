// What the directory may take.
#include <algorithm>

#include "people/directory.h"
#include "people/names.h"

namespace keyturn::people {
namespace {

bool is_other_human(const Directory& directory, const Person& holder, std::string_view id) {
  return holder.id != id && !directory.same_human(holder.id, id);
}

// Somebody else's name, id or address that `name` reads or looks like; "" when there is none.
std::string confused_with(const Directory& directory, std::string_view name, std::string_view id) {
  const std::string shape = skeleton(name);
  const std::string folded = fold_identifier(name);
  std::set<std::string> candidates = directory.looking_like(shape);
  if (const Person* holder = directory.resolve(name)) candidates.insert(holder->id);
  for (const std::string& candidate : candidates) {
    const Person& other = *directory.person(candidate);
    if (!is_other_human(directory, other, id)) continue;
    for (const std::string& text : {other.id, other.email}) {
      if (!text.empty() && (skeleton(text) == shape || fold_identifier(text) == folded)) {
        return text;
      }
    }
    // Two people may share a name; a name that only looks the same is a disguise.
    if (skeleton(other.name) == shape && fold_identifier(other.name) != folded) return other.name;
  }
  return {};
}

// The agent whose name looks like `text`; "" when there is none.
std::string agent_like(const Directory& directory, std::string_view text) {
  const std::string shape = skeleton(text);
  for (const auto& [name, agent] : directory.agents()) {
    if (skeleton(name) == shape) return name;
  }
  return {};
}

}  // namespace

Result<void> can_add_alias(const Directory& directory, std::string_view id,
                           std::string_view alias) {
  if (directory.person(id) == nullptr) {
    return refuse("unknown_person", "there is no person \"" + std::string(id) + "\"");
  }
  if (fold_identifier(alias).empty()) return refuse("invalid_id", "an alias cannot be empty");
  const Person* holder = directory.resolve(alias);
  if (holder != nullptr && is_other_human(directory, *holder, id)) {
    return refuse("identifier_taken",
                  "\"" + std::string(alias) + "\" already belongs to " + holder->id);
  }
  return {};
}

Result<void> can_link_account(const Directory& directory, std::string_view id,
                              std::string_view account) {
  const Person* person = directory.person(id);
  if (person == nullptr) {
    return refuse("unknown_person", "there is no person \"" + std::string(id) + "\"");
  }
  const Person* holder = directory.by_account(account);
  const Person* first = directory.first_of(account);
  if ((holder != nullptr && holder->id != id) ||
      (first != nullptr && first->id != id && !directory.same_human(first->id, id)))
    return refuse("account_taken", "that account belongs, or belonged, to somebody else here");
  return {};
}

Result<void> can_delegate(const Directory& directory, const Delegation& delegation) {
  const auto bad = [](std::string why, std::string where) -> std::unexpected<Refusal> {
    return refuse("invalid_delegation", std::move(why), std::move(where));
  };
  const Person* from = directory.person(delegation.from);
  const Person* to = directory.person(delegation.to);
  if (from == nullptr || !from->active || !from->service_of.empty())
    return bad("only a person who is active can have somebody stand in", "/from");
  if (to == nullptr) {
    return refuse("unknown_person", "there is no person \"" + delegation.to + "\"", "/to");
  }
  if (!to->active || !to->service_of.empty())
    return bad(delegation.to + " cannot stand in: no active person's own account", "/to");
  if (directory.same_human(delegation.from, delegation.to))
    return bad(delegation.to + " is the same human as " + delegation.from, "/to");
  if (delegation.until <= delegation.start || delegation.until <= directory.now())
    return bad("it ends before it begins, or has ended already", "/until");
  if (delegation.until - delegation.start > kDelegationMax)
    return bad("for at most 90 days; make another one then", "/until");
  const auto open = std::ranges::count_if(directory.delegations(), [&](const auto& entry) {
    return entry.second.from == delegation.from && directory.now() < entry.second.until;
  });
  if (open >= kDelegationsMax)
    return bad("there are " + std::to_string(kDelegationsMax) + " already; end one first", "/to");
  for (const std::string& group : delegation.groups) {
    if (!directory.in_group(delegation.from, group))
      return bad(delegation.from + " is not in group " + group, "/groups");
  }
  return {};
}

Result<void> can_add_person(const Directory& directory, const Person& person) {
  if (!is_valid_id(person.id)) {
    return refuse("invalid_id",
                  "a person's id is 1 to 128 letters, digits and . _ @ + -, starting with a letter "
                  "or a digit");
  }
  if (directory.person(person.id) != nullptr) {
    return refuse("person_exists", "there is a person \"" + person.id + "\" already");
  }
  if (!person.name.empty() && !is_plain_name(person.name)) {
    return refuse("invalid_name", "the name of " + person.id +
                                      " has characters that cannot be seen; write it plainly");
  }
  if (!person.service_of.empty() && directory.person(person.service_of) == nullptr) {
    return refuse("unknown_owner", "there is no person \"" + person.service_of + "\"");
  }
  std::vector<std::string> identifiers{person.id};
  if (!person.email.empty()) identifiers.push_back(person.email);
  identifiers.insert(identifiers.end(), person.aliases.begin(), person.aliases.end());
  identifiers.insert(identifiers.end(), person.addresses.begin(), person.addresses.end());
  for (const std::string& identifier : identifiers) {
    const Person* holder = directory.resolve(identifier);
    if (holder == nullptr || holder->id == person.service_of) continue;
    return refuse("identifier_taken", "\"" + identifier + "\" already belongs to " + holder->id);
  }
  for (const std::string& text : {person.name, person.id}) {
    if (text.empty()) continue;
    std::string other = confused_with(directory, text, person.id);
    if (other.empty()) other = agent_like(directory, text);
    if (!other.empty()) {
      return refuse("confusing_name", "\"" + text + "\" can be mistaken for \"" + other + "\"");
    }
  }
  return {};
}

Result<void> can_change_person(const Directory& directory, const Person& person) {
  if (!person.name.empty() && !is_plain_name(person.name)) {
    return refuse("invalid_name", "the name of " + person.id +
                                      " has characters that cannot be seen; write it plainly");
  }
  std::set<std::string> identifiers = person.addresses;
  if (!person.email.empty()) identifiers.insert(person.email);
  for (const std::string& identifier : identifiers) {
    const Person* holder = directory.resolve(identifier);
    if (holder == nullptr || !is_other_human(directory, *holder, person.id)) continue;
    return refuse("identifier_taken", "\"" + identifier + "\" already belongs to " + holder->id);
  }
  if (person.name.empty()) return {};
  std::string other = confused_with(directory, person.name, person.id);
  if (other.empty()) other = agent_like(directory, person.name);
  if (other.empty()) return {};
  return refuse("confusing_name", "\"" + person.name + "\" can be mistaken for \"" + other + "\"");
}

Result<void> can_add_agent(const Directory& directory, std::string_view name,
                           std::string_view owner) {
  if (!is_valid_id(name)) {
    return refuse("invalid_id",
                  "an agent's name is 1 to 128 letters, digits and . _ @ + -, starting with a "
                  "letter or a digit");
  }
  if (directory.agent(name) != nullptr) {
    return refuse("agent_exists", "there is an agent \"" + std::string(name) + "\" already");
  }
  const Person* person = directory.person(owner);
  if (person == nullptr || person->deactivated || !person->service_of.empty()) {
    return refuse("unknown_owner",
                  "an agent's owner is an active person; \"" + std::string(owner) + "\" is not");
  }
  if (const std::string other = agent_like(directory, name); !other.empty()) {
    return refuse("confusing_name",
                  "\"" + std::string(name) + "\" can be mistaken for agent \"" + other + "\"");
  }
  // An agent must not pass for a person either.
  if (const std::string other = confused_with(directory, name, {}); !other.empty()) {
    return refuse("confusing_name",
                  "\"" + std::string(name) + "\" can be mistaken for \"" + other + "\"");
  }
  return {};
}

}  // namespace keyturn::people
