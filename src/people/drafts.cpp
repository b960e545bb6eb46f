// Drafts of the identity events.
#include "people/directory.h"

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

// What tells who somebody is beyond the id: apart from the public record, so that it can be erased.
doc::Value who(const Person& person) {
  doc::Value out = doc::object({{"name", person.name}, {"email", person.email}});
  if (!person.addresses.empty()) out.set("addresses", texts(person.addresses));
  return out;
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
  if (!person.name.empty() || !person.email.empty() || !person.addresses.empty())
    out.private_part = who(person);
  return out;
}

EventDraft person_changed(const Person& person, bool host) {
  doc::Value v =
      doc::object({{"id", person.id}, {"admin", person.admin}, {"auditor", person.auditor}});
  EventDraft out = draft("person", person.id, "person_changed", "person", std::move(v), host);
  out.private_part = who(person);
  if (person.addresses.empty()) out.private_part->set("addresses", doc::Array{});
  return out;
}

EventDraft person_deactivated(std::string_view id, std::string_view why, bool host) {
  doc::Value v = about("id", id);
  if (!why.empty()) v.set("why", why);
  return draft("person", id, "person_deactivated", "person", std::move(v), host);
}

EventDraft person_forgotten(std::string_view id, const std::set<std::string>& same_as) {
  doc::Value v = about("id", id);
  if (!same_as.empty()) v.set("same_as", texts(same_as));
  return draft("person", id, "person_forgotten", "person", std::move(v), false);
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

EventDraft account_linked(std::string_view id, std::string_view account, std::string_view by) {
  doc::Value v = doc::object({{"person", id}, {"account", account}, {"by", by}});
  return draft("person", id, "account_linked", "account", std::move(v), false);
}

EventDraft account_unlinked(std::string_view id, std::string_view account, std::string_view by) {
  doc::Value v = doc::object({{"person", id}, {"account", account}, {"by", by}});
  return draft("person", id, "account_unlinked", "account", std::move(v), false);
}

EventDraft groups_vouched(std::string_view id, std::string_view source,
                          const std::set<std::string>& groups, std::optional<Time> until) {
  doc::Value v = doc::object({{"person", id}, {"source", source}, {"groups", texts(groups)}});
  if (until) v.set("until", to_rfc3339(*until));
  return draft("person", id, "groups_vouched", "vouched", std::move(v), false);
}

EventDraft groups_unknown(std::string_view id, std::string_view source, std::string_view why) {
  doc::Value v = doc::object({{"person", id}, {"source", source}, {"unknown", true}, {"why", why}});
  return draft("person", id, "groups_vouched", "vouched", std::move(v), false);
}

EventDraft on_call(std::string_view id, std::string_view source, const OnCall& schedule,
                   Time until) {
  doc::Value v = doc::object({{"person", id},
                              {"source", source},
                              {"groups", texts({schedule.group})},
                              {"of", schedule.of},
                              {"until", to_rfc3339(until)}});
  return draft("person", id, "groups_vouched", "vouched", std::move(v), false);
}

EventDraft off_call(std::string_view id, std::string_view source) {
  return groups_vouched(id, source, {}, std::nullopt);
}

EventDraft delegated(const Delegation& delegation) {
  doc::Value v = doc::object({{"id", delegation.id},
                              {"from", delegation.from},
                              {"to", delegation.to},
                              {"start", to_rfc3339(delegation.start)},
                              {"until", to_rfc3339(delegation.until)}});
  if (!delegation.groups.empty()) v.set("groups", texts(delegation.groups));
  return draft("person", delegation.from, "delegated", "delegation", std::move(v), false);
}

EventDraft delegation_ended(const Delegation& delegation, std::string_view by) {
  doc::Value v = doc::object({{"id", delegation.id}, {"from", delegation.from}, {"by", by}});
  return draft("person", delegation.from, "delegation_ended", "delegation", std::move(v), false);
}

EventDraft away_set(std::string_view id, std::optional<Time> until) {
  doc::Value v = about("id", id);
  if (until) v.set("until", to_rfc3339(*until));
  return draft("person", id, "away_set", "away", std::move(v), false);
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

}  // namespace keyturn::people
