// OCSF 1.8.0 (schema.ocsf.io): API Activity [6003] for what agents ask and what becomes of it,
// Entity Management [3004] for people, agents, credentials and configuration, User Access
// Management [3005] where one person comes into a group or leaves it.
#include <array>

#include "doc/json.h"
#include "exports/formats.h"

namespace keyturn::exports {
namespace {

constexpr int kOther = 99;

struct Activity {
  int id = kOther;
  std::string name;  // of kOther: the event's type
};

struct Class {
  int uid, category;
  const char *name, *category_name;
};
constexpr Class kApi{6003, 6, "API Activity", "Application Activity"};
constexpr Class kEntity{3004, 3, "Entity Management", "Identity & Access Management"};
constexpr Class kAccess{3005, 3, "User Access Management", "Identity & Access Management"};

constexpr std::array<const char*, 14> kEntityActivities{
    "Unknown",  "Create", "Read",    "Update",   "Delete",     "Move",    "Enroll",
    "Unenroll", "Enable", "Disable", "Activate", "Deactivate", "Suspend", "Resume"};

Activity entity_activity(const LeafView& view) {
  static constexpr std::array<std::pair<std::string_view, int>, 21> kRows{{
      {"identity.person_added", 1},
      {"identity.agent_added", 1},
      {"identity.token_created", 1},
      {"identity.session_opened", 1},
      {"identity.enrolment_created", 1},
      {"identity.person_changed", 3},
      {"identity.agent_owner_changed", 3},
      {"identity.alias_added", 3},
      {"identity.group_changed", 3},
      {"identity.enrolment_used", 3},
      {"identity.token_revoked", 4},
      {"identity.session_closed", 4},
      {"payload.erased", 4},
      {"identity.credential_added", 6},
      {"identity.credential_removed", 7},
      {"config.sealed", 8},
      {"seal.broken", 9},
      {"identity.person_activated", 10},
      {"policy.activated", 10},
      {"tools.activated", 10},
      {"identity.person_deactivated", 11},
  }};
  for (const auto& [type, id] : kRows) {
    if (type == view.type) return {id, kEntityActivities.at(static_cast<std::size_t>(id))};
  }
  if (view.type == "identity.agent_suspended") return {12, "Suspend"};
  if (view.type == "identity.agent_resumed") return {13, "Resume"};
  return {kOther, view.type};
}

Activity api_activity(const LeafView& view) {
  if (view.operation == "read") return {2, "Read"};
  if (view.operation == "create") return {1, "Create"};
  if (view.operation == "delete" || view.operation == "drop") return {4, "Delete"};
  if (view.operation == "write" || view.operation == "update") return {3, "Update"};
  return {kOther, view.type};
}

std::pair<int, const char*> ocsf_severity(Severity severity) {
  switch (severity) {
    case Severity::kInformational:
      return {1, "Informational"};
    case Severity::kLow:
      return {2, "Low"};
    case Severity::kMedium:
      return {3, "Medium"};
    case Severity::kHigh:
      return {4, "High"};
  }
  return {0, "Unknown"};
}

std::pair<int, const char*> status_of(Status status) {
  switch (status) {
    case Status::kSuccess:
      return {1, "Success"};
    case Status::kFailure:
      return {2, "Failure"};
    case Status::kUnknown:
      return {0, "Unknown"};
  }
  return {0, "Unknown"};
}

doc::Value metadata_of(const Item& item, const LeafView& view) {
  doc::Value out =
      doc::object({{"version", "1.8.0"},
                   {"product", doc::object({{"name", "Keyturn"}, {"vendor_name", "Keyturn"}})},
                   {"uid", item.uid()},
                   {"event_code", view.type},
                   {"log_name", item.origin},
                   {"log_provider", "Keyturn"}});
  if (!view.stream.empty()) out.set("correlation_uid", view.stream);
  if (!view.time.empty()) out.set("original_time", view.time);
  return out;
}

// Somebody always acted; where the leaf does not say who, it was Keyturn.
doc::Value actor_of(const LeafView& view) {
  if (view.actor.empty() || view.actor == "host")
    return doc::object({{"app_name", view.actor.empty() ? "keyturn" : "keyturn host command"}});
  const char* type = view.actor_is_agent ? "Service" : "User";
  return doc::object({{"user", doc::object({{"uid", view.actor},
                                            {"name", view.actor},
                                            {"type", type},
                                            {"type_id", view.actor_is_agent ? 4 : 1}})}});
}

doc::Value observables_of(const LeafView& view) {
  doc::Value out{doc::Array{}};
  const auto add = [&](const char* name, const char* type, int id, const std::string& value) {
    if (value.empty()) return;
    out.push(doc::object({{"name", name}, {"type", type}, {"type_id", id}, {"value", value}}));
  };
  if (view.actor != "host") add("actor.user.name", "User Name", 4, view.actor);
  add("resources[0].name", "Resource Name", 38, view.resource);
  return out;
}

doc::Value base_of(const Item& item, const LeafView& view, const Class& kind,
                   const Activity& activity) {
  const auto [severity_id, severity] = ocsf_severity(view.severity);
  const auto [status_id, status] = status_of(view.status);
  doc::Value out =
      doc::object({{"class_uid", kind.uid},
                   {"class_name", kind.name},
                   {"category_uid", kind.category},
                   {"category_name", kind.category_name},
                   {"activity_id", activity.id},
                   {"activity_name", activity.name},
                   {"type_uid", kind.uid * 100 + activity.id},
                   {"type_name", std::string(kind.name) + ": " +
                                     (activity.id == kOther ? "Other" : activity.name)},
                   {"time", view.at ? unix_ms(*view.at) : std::int64_t{0}},
                   {"severity_id", severity_id},
                   {"severity", severity},
                   {"status_id", status_id},
                   {"status", status},
                   {"message", one_line(summary(view))},
                   {"metadata", metadata_of(item, view)},
                   {"actor", actor_of(view)}});
  if (!view.outcome.empty()) out.set("status_code", view.outcome);
  if (!view.rules.empty()) out.set("status_detail", "rules: " + view.rules);
  if (doc::Value found = observables_of(view); !found.as_array().empty())
    out.set("observables", std::move(found));
  return out;
}

// What lets anybody hold the event against the ledger.
void add_evidence(doc::Value& out, const Item& item, const LeafView& view) {
  if (!view.leaf.is_null()) {
    out.set("raw_data", item.leaf);
    out.set("raw_data_hash", doc::object({{"algorithm_id", kOther},
                                          {"algorithm", "RFC 6962 leaf hash (SHA-256)"},
                                          {"value", item.leaf_hash}}));
  }
  out.set("unmapped", doc::object({{"ledger_origin", item.origin},
                                   {"ledger_index", std::to_string(item.index)},
                                   {"leaf_hash", item.leaf_hash}}));
}

// Keyturn records no addresses: the endpoint is the channel by which the request came, and the
// node that took it.
doc::Value endpoint_of(const LeafView& view) {
  const doc::Value* channel = view.leaf.find_path({"agent", "channel"});
  const bool known = channel != nullptr && channel->is_string() && !channel->as_string().empty();
  doc::Value out = doc::object({{"svc_name", known ? channel->as_string() : "keyturn"}});
  if (!view.node.empty()) out.set("name", view.node);
  return out;
}

doc::Value api_event(const Item& item, const LeafView& view) {
  doc::Value out = base_of(item, view, kApi, api_activity(view));
  doc::Value api = doc::object({{"operation", view.tool.empty() ? view.type : view.tool},
                                {"service", doc::object({{"name", "Keyturn"}})}});
  if (view.subject_kind == "action") api.set("request", doc::object({{"uid", view.subject}}));
  out.set("api", std::move(api));
  out.set("src_endpoint", endpoint_of(view));
  if (!view.resource.empty() || !view.resource_kind.empty()) {
    doc::Value resource = doc::object({{"name", view.resource}, {"type", view.resource_kind}});
    if (!view.env.empty()) resource.set("labels", doc::Array{"env: " + view.env});
    out.set("resources", doc::Array{std::move(resource)});
  }
  return out;
}

doc::Value managed_entity(const LeafView& view) {
  doc::Value out = doc::object({{"uid", view.subject}, {"name", view.subject}});
  const doc::Value named = out;
  const auto is = [&](int id, std::string_view type) {
    out.set("type_id", id);
    out.set("type", type);
  };
  if (view.subject_kind == "person") {
    is(2, "User");
    out.set("user", named);
  } else if (view.subject_kind == "group") {
    is(3, "Group");
    out.set("group", named);
  } else if (view.subject_kind == "policy") {
    is(5, "Policy");
    out.set("policy", named);
  } else {
    is(kOther, view.subject_kind);
  }
  return out;
}

std::vector<std::string> names_in(const doc::Value* group, std::string_view key) {
  std::vector<std::string> out;
  const doc::Value* list = group == nullptr ? nullptr : group->find(key);
  if (list == nullptr || !list->is_array()) return out;
  for (const doc::Value& name : list->as_array()) {
    if (name.is_string()) out.push_back(name.as_string());
  }
  return out;
}

// One person, one group: a privilege assigned or revoked. More than that is a change of the group.
std::optional<doc::Value> access_event(const Item& item, const LeafView& view) {
  const doc::Value* group = view.leaf.find("group");
  const std::vector<std::string> added = names_in(group, "added");
  const std::vector<std::string> removed = names_in(group, "removed");
  if (added.size() + removed.size() != 1) return std::nullopt;
  const bool assigned = !added.empty();
  const std::string& person = assigned ? added.front() : removed.front();
  doc::Value out =
      base_of(item, view, kAccess,
              {assigned ? 1 : 2, assigned ? "Assign Privileges" : "Revoke Privileges"});
  out.set("user",
          doc::object({{"uid", person}, {"name", person}, {"type_id", 1}, {"type", "User"}}));
  out.set("privileges", doc::array_of({"group " + view.subject}));
  return out;
}

bool is_about_entity(const LeafView& view) {
  for (const std::string_view prefix : {"identity.", "policy.", "tools.", "config.", "seal.",
                                        "files.", "payload.", "key.", "ledger."}) {
    if (view.type.starts_with(prefix)) return true;
  }
  return false;
}

}  // namespace

doc::Value ocsf_event(const Item& item, const LeafView& view) {
  std::optional<doc::Value> out;
  if (view.type == "identity.group_changed") out = access_event(item, view);
  if (!out && is_about_entity(view)) {
    out = base_of(item, view, kEntity, entity_activity(view));
    out->set("entity", managed_entity(view));
  }
  if (!out) out = api_event(item, view);
  add_evidence(*out, item, view);
  return std::move(*out);
}

}  // namespace keyturn::exports
