#include "provisioning/state.h"

#include "scim/schema.h"

namespace keyturn::provisioning {
namespace {

std::set<std::string> texts_of(const doc::Value* list) {
  std::set<std::string> out;
  if (list == nullptr || !list->is_array()) return out;
  for (const doc::Value& one : list->as_array()) {
    if (one.is_string()) out.insert(one.as_string());
  }
  return out;
}

EventDraft draft(std::string stream, std::string type, doc::Value about) {
  EventDraft out;
  out.stream = std::move(stream);
  out.type = std::move(type);
  out.body = doc::object({{"scim", std::move(about)}});
  return out;
}

template <class Map>
void forget_name(Map& map, const std::string& name, std::string_view id) {
  const auto found = map.find(name);
  if (found != map.end() && found->second == id) map.erase(found);
}

}  // namespace

const User* Section::user(std::string_view person) const {
  const auto found = users.find(person);
  return found == users.end() ? nullptr : &found->second;
}

const Group* Section::group(std::string_view id) const {
  const auto found = groups.find(id);
  return found == groups.end() ? nullptr : &found->second;
}

const std::set<std::string>& Section::members_of(std::string_view group) const {
  static const std::set<std::string> nobody;
  const auto found = members.find(group);
  return found == members.end() ? nobody : found->second;
}

const Section& State::section(std::string_view name) const {
  static const Section nothing;
  const auto found = sections_.find(name);
  return found == sections_.end() ? nothing : found->second;
}

std::set<std::string> State::sections_of(std::string_view person) const {
  std::set<std::string> out;
  for (const auto& [name, section] : sections_) {
    if (section.users.contains(person)) out.insert(name);
  }
  return out;
}

std::string_view State::deactivated_why(std::string_view person) const {
  const auto found = why_.find(person);
  return found == why_.end() ? std::string_view() : std::string_view(found->second);
}

void State::put_user(const Event& event, const doc::Value& about) {
  Section& section = sections_[std::string(about.text("section"))];
  const std::string person(about.text("person"));
  const auto before = section.users.find(person);
  const Time created = before == section.users.end() ? event.time : before->second.created;
  drop_user(section, person);
  const doc::Value* resource =
      event.private_part ? event.private_part->find("user") : nullptr;  // none: it was erased
  if (person.empty() || resource == nullptr || !resource->is_object()) return;
  User user{*resource, texts_of(event.private_part->find("groups")), created, event.time};
  section.user_of_name[scim::lower(resource->text("userName"))] = person;
  section.user_of_external[std::string(resource->text("externalId"))] = person;
  for (const std::string& group : user.groups) {
    section.members[group].insert(person);
    const auto of = section.groups.find(group);
    if (of != section.groups.end()) of->second.modified = event.time;
  }
  section.users.insert_or_assign(person, std::move(user));
}

void State::drop_user(Section& section, std::string_view person) {
  const auto found = section.users.find(person);
  if (found == section.users.end()) return;
  const User& user = found->second;
  forget_name(section.user_of_name, scim::lower(user.resource.text("userName")), person);
  forget_name(section.user_of_external, std::string(user.resource.text("externalId")), person);
  for (const std::string& group : user.groups) section.members[group].erase(std::string(person));
  section.users.erase(found);
}

void State::put_group(const Event& event, const doc::Value& about) {
  Section& section = sections_[std::string(about.text("section"))];
  const std::string id(about.text("group"));
  const auto before = section.groups.find(id);
  const Time created = before == section.groups.end() ? event.time : before->second.created;
  drop_group(section, id);
  const doc::Value* resource = event.private_part ? event.private_part->find("group") : nullptr;
  if (id.empty() || resource == nullptr || !resource->is_object()) return;
  section.group_of_name[scim::lower(resource->text("displayName"))] = id;
  section.groups.insert_or_assign(id, Group{*resource, created, event.time});
}

void State::drop_group(Section& section, std::string_view id) {
  const auto found = section.groups.find(id);
  if (found == section.groups.end()) return;
  forget_name(section.group_of_name, scim::lower(found->second.resource.text("displayName")), id);
  section.groups.erase(found);
}

void State::fold(const Event& event) {
  if (event.type == "identity.person_deactivated" || event.type == "identity.person_activated") {
    const std::string person = event.stream.substr(event.stream.find('/') + 1);
    const doc::Value* about = event.body.find("person");
    if (event.type == "identity.person_activated")
      why_.erase(person);
    else
      why_[person] = about == nullptr ? std::string() : std::string(about->text("why"));
    return;
  }
  if (event.type == "identity.person_forgotten") {
    for (auto& [name, section] : sections_)
      drop_user(section, event.stream.substr(event.stream.find('/') + 1));
    return;
  }
  if (!event.type.starts_with("identity.scim_")) return;
  const doc::Value* about = event.body.find("scim");
  if (about == nullptr || about->text("section").empty()) return;
  if (event.type == "identity.scim_user") return put_user(event, *about);
  if (event.type == "identity.scim_group") return put_group(event, *about);
  Section& section = sections_[std::string(about->text("section"))];
  if (event.type == "identity.scim_user_removed") drop_user(section, about->text("person"));
  if (event.type == "identity.scim_group_removed") drop_group(section, about->text("group"));
}

EventDraft user_written(std::string_view section, std::string_view person, const doc::Value& user,
                        const std::set<std::string>& groups) {
  EventDraft out = draft("person/" + std::string(person), "identity.scim_user",
                         doc::object({{"section", section}, {"person", person}}));
  out.private_part = doc::object(
      {{"user", user},
       {"groups", doc::array_of(std::vector<std::string>(groups.begin(), groups.end()))}});
  return out;
}

EventDraft user_removed(std::string_view section, std::string_view person) {
  return draft("person/" + std::string(person), "identity.scim_user_removed",
               doc::object({{"section", section}, {"person", person}}));
}

EventDraft group_written(std::string_view section, std::string_view id, const doc::Value& group) {
  EventDraft out = draft("scim/" + std::string(id), "identity.scim_group",
                         doc::object({{"section", section}, {"group", id}}));
  out.private_part = doc::object({{"group", group}});
  return out;
}

EventDraft group_removed(std::string_view section, std::string_view id) {
  return draft("scim/" + std::string(id), "identity.scim_group_removed",
               doc::object({{"section", section}, {"group", id}}));
}

std::string source_of(std::string_view section) {
  return "scim:" + std::string(section);
}

}  // namespace keyturn::provisioning
