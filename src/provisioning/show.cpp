// Reading: one resource, lists.
#include <algorithm>

#include "provisioning/impl.h"

namespace keyturn::provisioning {
namespace {

// Comparisons that one list may cost: resources times terms.
constexpr std::size_t kComparisonsMax = 500'000;

std::unexpected<Refusal> not_there(Kind kind, const std::string& id) {
  return refuse("not_found", std::string("there is no ") +
                                 (kind == Kind::kUser ? "User " : "Group ") + id +
                                 " of this section");
}

// Whether the filter is one comparison `name eq "text"`: the text.
std::optional<std::string> equal_to(const scim::Filter& filter, std::string_view name) {
  if (filter.kind != scim::Filter::Kind::kCompare || filter.comparison != scim::Comparison::kEq ||
      !filter.attribute.sub.empty() || !scim::same_name(filter.attribute.name, name) ||
      !filter.value.is_string())
    return std::nullopt;
  return filter.value.as_string();
}

template <class Map>
std::optional<std::vector<std::string>> looked_up(const Map& map, const std::string& key) {
  const auto found = map.find(key);
  if (found == map.end()) return std::vector<std::string>{};
  return std::vector<std::string>{found->second};
}

// Those that can match, where an index says; nothing: any can. What providers ask all day.
std::optional<std::vector<std::string>> candidates(const Section& section, Kind kind,
                                                   const scim::Filter& filter) {
  if (const auto id = equal_to(filter, "id")) return std::vector<std::string>{*id};
  if (kind == Kind::kGroup) {
    if (const auto name = equal_to(filter, "displayName"))
      return looked_up(section.group_of_name, scim::lower(*name));
    return std::nullopt;
  }
  if (const auto name = equal_to(filter, "userName"))
    return looked_up(section.user_of_name, scim::lower(*name));
  if (const auto external = equal_to(filter, "externalId"))
    return looked_up(section.user_of_external, *external);
  return std::nullopt;
}

template <class Map>
std::vector<std::string> all_of(const Map& resources) {
  std::vector<std::string> out;
  out.reserve(resources.size());
  for (const auto& [id, resource] : resources) out.push_back(id);
  return out;
}

bool mentions(const scim::Filter& filter, std::string_view attribute) {
  return scim::same_name(filter.attribute.name, attribute) ||
         std::ranges::any_of(filter.parts,
                             [&](const scim::Filter& part) { return mentions(part, attribute); });
}

}  // namespace

doc::Value Provisioning::Impl::shown_user(const Section& section, const std::string& id,
                                          const User& user) const {
  doc::Value resource = user.resource;
  doc::Array groups;
  for (const std::string& group : user.groups) {
    const Group* known = section.group(group);
    if (known == nullptr) continue;
    groups.push_back(doc::object({{"value", group},
                                  {"$ref", ports.base_url + "/Groups/" + group},
                                  {"display", known->resource.text("displayName")},
                                  {"type", "direct"}}));
  }
  resource.set("groups", std::move(groups));
  return scim::shown(scim::user_schema(), {id, user.created, user.modified}, resource,
                     ports.base_url);
}

doc::Value Provisioning::Impl::shown_group(const Section& section, const std::string& id,
                                           const Group& group, bool with_members) const {
  doc::Value resource = group.resource;
  doc::Array members;
  if (with_members) {
    for (const std::string& person : section.members_of(id)) {
      const User* user = section.user(person);
      if (user == nullptr) continue;
      members.push_back(doc::object({{"value", person},
                                     {"$ref", ports.base_url + "/Users/" + person},
                                     {"type", "User"},
                                     {"display", user->resource.text("userName")}}));
    }
    resource.set("members", std::move(members));
  }
  return scim::shown(scim::group_schema(), {id, group.created, group.modified}, resource,
                     ports.base_url);
}

Result<doc::Value> Provisioning::Impl::find(const std::string& name, Kind kind,
                                            const std::string& id) const {
  const Section& section = state.section(name);
  if (kind == Kind::kUser) {
    const User* user = section.user(id);
    if (user == nullptr) return not_there(kind, id);
    return shown_user(section, id, *user);
  }
  const Group* group = section.group(id);
  if (group == nullptr) return not_there(kind, id);
  return shown_group(section, id, *group, true);
}

Result<doc::Value> Provisioning::Impl::resource_of(const std::string& name, Kind kind,
                                                   const std::string& id) const {
  const Section& section = state.section(name);
  if (kind == Kind::kUser) {
    const User* user = section.user(id);
    if (user == nullptr) return not_there(kind, id);
    return user->resource;
  }
  const Group* group = section.group(id);
  if (group == nullptr) return not_there(kind, id);
  doc::Value out = group->resource;
  doc::Array members;
  for (const std::string& person : section.members_of(id))
    members.push_back(doc::object({{"value", person}}));
  if (!members.empty()) out.set("members", std::move(members));
  return out;
}

Result<doc::Value> Provisioning::Impl::list(const std::string& name, Kind kind,
                                            const Query& query) const {
  const Section& section = state.section(name);
  const scim::Schema& schema = schema_of(kind);
  const bool leaves_members = kind == Kind::kGroup &&
                              scim::leaves_out(query.projection, schema, "members") &&
                              !(query.filter && mentions(*query.filter, "members"));
  const auto one = [&](const std::string& id) -> std::optional<doc::Value> {
    if (kind == Kind::kUser) {
      const User* user = section.user(id);
      return user == nullptr ? std::nullopt : std::optional(shown_user(section, id, *user));
    }
    const Group* group = section.group(id);
    if (group == nullptr) return std::nullopt;
    return shown_group(section, id, *group, !leaves_members);
  };
  std::vector<std::string> ids;
  std::optional<std::vector<std::string>> few =
      query.filter ? candidates(section, kind, *query.filter) : std::nullopt;
  if (!few) few = kind == Kind::kUser ? all_of(section.users) : all_of(section.groups);
  if (query.filter && few->size() * scim::terms_of(*query.filter) > kComparisonsMax)
    return refuse("tooMany", "too much to compare: ask with a shorter filter");
  if (query.filter) {
    // Once of nothing: what makes no sense is refused, whoever is there.
    if (Result<bool> sane = scim::matches(*query.filter, schema, doc::Value(doc::Object{})); !sane)
      return std::unexpected(sane.error());
    for (const std::string& id : *few) {
      const std::optional<doc::Value> resource = one(id);
      if (!resource) continue;
      Result<bool> found = scim::matches(*query.filter, schema, *resource);
      if (!found) return std::unexpected(found.error());
      if (*found) ids.push_back(id);
    }
  } else {
    ids = std::move(*few);
  }
  doc::Array page;
  const std::uint64_t count = std::min<std::uint64_t>(query.count, scim::kPageMax);
  for (std::uint64_t at = query.start - 1; at < ids.size() && page.size() < count; ++at) {
    if (std::optional<doc::Value> resource = one(ids[at]))
      page.push_back(scim::projected(query.projection, schema, std::move(*resource)));
  }
  return scim::list_response(std::move(page), ids.size(), query.start);
}

}  // namespace keyturn::provisioning
