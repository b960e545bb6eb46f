// Drafts of the identity events, and what may be added at all.
#include "people/directory.h"
#include "people/names.h"

namespace keyturn::people {
namespace {

EventDraft draft(std::string_view kind, std::string_view id, std::string_view what,
                 std::string_view key, doc::Value part, bool host) {
  EventDraft out;
  out.stream = std::string(kind) + "/" + std::string(id);
  out.type = "identity." + std::string(what);
  out.body = doc::object({{key, std::move(part)}});
  if (host) out.body.set("host", true);
  return out;
}

doc::Value texts(const std::set<std::string>& set) {
  return doc::array_of(std::vector<std::string>(set.begin(), set.end()));
}

doc::Value about(std::string_view key, std::string_view id) {
  return doc::object({{key, id}});
}

bool is_other_human(const Directory& directory, const Person& holder, std::string_view id) {
  return holder.id != id && !directory.same_human(holder.id, id);
}

// Somebody else's name, id or address that `name` reads or looks like; "" when there is none.
std::string confused_with(const Directory& directory, std::string_view name, std::string_view id) {
  const std::string shape = skeleton(name);
  const std::string folded = fold_identifier(name);
  for (const auto& [other_id, other] : directory.persons()) {
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

// What tells who somebody is beyond the id: apart from the public record, so that it can be erased.
doc::Value who(const Person& person) {
  return doc::object({{"name", person.name}, {"email", person.email}});
}

}  // namespace

EventDraft person_added(const Person& person, bool host) {
  doc::Value v = doc::object({{"id", person.id}});
  if (!person.aliases.empty()) v.set("aliases", texts(person.aliases));
  if (!person.groups.empty()) v.set("groups", texts(person.groups));
  if (person.admin) v.set("admin", true);
  if (person.auditor) v.set("auditor", true);
  if (person.simulated) v.set("simulated", true);
  if (!person.service_of.empty()) v.set("service_of", person.service_of);
  EventDraft out = draft("person", person.id, "person_added", "person", std::move(v), host);
  if (!person.name.empty() || !person.email.empty()) out.private_part = who(person);
  return out;
}

EventDraft person_changed(const Person& person, bool host) {
  doc::Value v =
      doc::object({{"id", person.id}, {"admin", person.admin}, {"auditor", person.auditor}});
  EventDraft out = draft("person", person.id, "person_changed", "person", std::move(v), host);
  out.private_part = who(person);
  return out;
}

EventDraft person_deactivated(std::string_view id, std::string_view why, bool host) {
  doc::Value v = about("id", id);
  if (!why.empty()) v.set("why", why);
  return draft("person", id, "person_deactivated", "person", std::move(v), host);
}

EventDraft person_forgotten(std::string_view id) {
  return draft("person", id, "person_forgotten", "person", about("id", id), false);
}

EventDraft person_activated(std::string_view id, bool host) {
  return draft("person", id, "person_activated", "person", about("id", id), host);
}

EventDraft alias_added(std::string_view id, std::string_view alias, bool host) {
  doc::Value v = doc::object({{"person", id}, {"alias", alias}});
  return draft("person", id, "alias_added", "alias", std::move(v), host);
}

EventDraft group_changed(std::string_view group, const std::set<std::string>& added,
                         const std::set<std::string>& removed, bool host) {
  doc::Value v = about("name", group);
  if (!added.empty()) v.set("added", texts(added));
  if (!removed.empty()) v.set("removed", texts(removed));
  return draft("group", group, "group_changed", "group", std::move(v), host);
}

EventDraft agent_added(std::string_view name, std::string_view owner, bool host) {
  doc::Value v = doc::object({{"name", name}, {"owner", owner}});
  return draft("agent", name, "agent_added", "agent", std::move(v), host);
}

EventDraft agent_owner_changed(std::string_view name, std::string_view owner, bool host) {
  doc::Value v = doc::object({{"name", name}, {"owner", owner}});
  return draft("agent", name, "agent_owner_changed", "agent", std::move(v), host);
}

EventDraft agent_suspended(std::string_view name, std::string_view by, std::string_view why) {
  doc::Value v = doc::object({{"name", name}, {"by", by}});
  if (!why.empty()) v.set("why", why);
  return draft("agent", name, "agent_suspended", "agent", std::move(v), false);
}

EventDraft agent_resumed(std::string_view name, std::string_view by) {
  doc::Value v = doc::object({{"name", name}, {"by", by}});
  return draft("agent", name, "agent_resumed", "agent", std::move(v), false);
}

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
