// What a Group comes to: who is in which group here, where the section maps it.
#include <algorithm>

#include "base/id.h"
#include "base/random.h"
#include "people/roles.h"
#include "provisioning/impl.h"

namespace keyturn::provisioning {
namespace {

std::set<std::string> members_in(const doc::Value& group) {
  std::set<std::string> out;
  const doc::Value* members = group.find("members");
  if (members == nullptr || !members->is_array()) return out;
  for (const doc::Value& one : members->as_array()) out.emplace(one.text("value"));
  return out;
}

Result<void> check_members(const Section& section, const doc::Value& group) {
  const doc::Value* members = group.find("members");
  if (members == nullptr || !members->is_array()) return {};
  for (const doc::Value& one : members->as_array()) {
    const std::string_view type = one.text("type");
    if (!type.empty() && !scim::same_name(type, "User"))
      return refuse("invalidValue", "members are Users: a Group has no Groups in it here");
    if (section.user(one.text("value")) == nullptr)
      return refuse("invalidValue", "there is no User \"" + std::string(one.text("value")) +
                                        "\" of this section; write the User first");
  }
  return {};
}

}  // namespace

std::set<std::string> Provisioning::Impl::mapped(const std::string& name,
                                                 const std::set<std::string>& groups,
                                                 const Renamed& renamed) const {
  std::set<std::string> out;
  const trust::ScimSection* config = configured(name);
  if (config == nullptr) return out;
  const Section& section = state.section(name);
  for (const std::string& id : groups) {
    const Group* group = section.group(id);
    std::string_view called = group == nullptr ? "" : group->resource.text("displayName");
    if (id == renamed.id) called = renamed.name;
    const auto found = config->groups.find(called);
    if (found != config->groups.end()) out.insert(found->second);
  }
  return out;
}

void Provisioning::Impl::add_vouched(Plan& plan, const std::string& section,
                                     const std::string& person,
                                     const std::set<std::string>& groups) const {
  const people::Person* known = directory().person(person);
  const std::string source = source_of(section);
  const auto before =
      known == nullptr ? decltype(known->vouched.end()){} : known->vouched.find(source);
  const bool is_there = known != nullptr && before != known->vouched.end();
  const std::set<std::string> said = is_there ? before->second.groups : std::set<std::string>{};
  if (said == groups) return;
  plan.events.push_back(people::groups_vouched(person, source, groups, std::nullopt));
  plan.streams.insert("person/" + person);
  // Flags go with their groups, as they do for people of the host - where identity.yaml says so.
  if (known == nullptr || people::flags_of(said) == people::flags_of(groups)) return;
  std::set<std::string> all = groups;
  all.insert(known->own_groups.begin(), known->own_groups.end());
  for (const auto& [other, snapshot] : known->vouched) {
    if (other != source && snapshot.known)
      all.insert(snapshot.groups.begin(), snapshot.groups.end());
  }
  if (people::flags_of(all) == people::flags_of(*known)) return;
  people::Person next = *known;
  people::set_flags(next, people::flags_of(all));
  plan.events.push_back(people::person_changed(next));
}

Result<Plan> Provisioning::Impl::plan_group(const std::string& name, std::string id,
                                            doc::Value group) {
  const Section& section = state.section(name);
  const Group* before = section.group(id);
  if (!id.empty() && before == nullptr)
    return refuse("not_found", "there is no Group " + id + " of this section");
  if (Result<void> ok = scim::check_complete(scim::group_schema(), group); !ok)
    return std::unexpected(ok.error());
  const std::string called(group.text("displayName"));
  const auto same = section.group_of_name.find(scim::lower(called));
  if (same != section.group_of_name.end() && same->second != id)
    return refuse("uniqueness", "another Group has that displayName");
  if (Result<void> ok = check_members(section, group); !ok) return std::unexpected(ok.error());

  Plan plan;
  plan.id = id.empty()
                ? make_sortable_id("grp_", unix_ms(ports.gate.clock().now()), ports.gate.random())
                : id;
  const std::set<std::string> now = members_in(group);
  const std::set<std::string>& then = section.members_of(plan.id);
  doc::Value kept = doc::object({{"displayName", called}});
  const doc::Value* external = group.find("externalId");
  if (external == nullptr && before != nullptr) external = before->resource.find("externalId");
  if (external != nullptr) kept.set("externalId", *external);
  const bool is_renamed = before == nullptr || before->resource.text("displayName") != called;
  if (before == nullptr || before->resource != kept)
    plan.events.push_back(group_written(name, plan.id, kept));
  plan.streams.insert("scim/" + plan.id);

  std::set<std::string> concerned;
  std::ranges::set_symmetric_difference(now, then, std::inserter(concerned, concerned.end()));
  const std::set<std::string> changed = concerned;
  if (is_renamed) concerned.insert(now.begin(), now.end());
  if (concerned.size() > kChangedMax)
    return refuse("tooMany", "one request changes the groups of at most " +
                                 std::to_string(kChangedMax) + " people: send it in parts");
  for (const std::string& person : concerned) {
    const User& user = *section.user(person);
    std::set<std::string> groups = user.groups;
    if (now.contains(person))
      groups.insert(plan.id);
    else
      groups.erase(plan.id);
    if (changed.contains(person)) {
      plan.events.push_back(user_written(name, person, user.resource, groups));
      plan.streams.insert("person/" + person);
    }
    add_vouched(plan, name, person, mapped(name, groups, {plan.id, called}));
  }
  return plan;
}

Result<Plan> Provisioning::Impl::plan_group_removal(const std::string& name,
                                                    const std::string& id) const {
  const Section& section = state.section(name);
  if (section.group(id) == nullptr)
    return refuse("not_found", "there is no Group " + id + " of this section");
  Plan plan;
  plan.id = id;
  for (const std::string& person : section.members_of(id)) {
    const User& user = *section.user(person);
    std::set<std::string> groups = user.groups;
    groups.erase(id);
    plan.events.push_back(user_written(name, person, user.resource, groups));
    plan.streams.insert("person/" + person);
    add_vouched(plan, name, person, mapped(name, groups, {id, ""}));
  }
  plan.events.push_back(group_removed(name, id));
  plan.streams.insert("scim/" + id);
  return plan;
}

}  // namespace keyturn::provisioning
