#include "people/standing.h"

#include <algorithm>

namespace keyturn::people {
namespace {

constexpr std::string_view kStream = "standing/";

EventDraft draft(const Standing& standing, std::string_view type, doc::Value part) {
  EventDraft out;
  out.stream = std::string(kStream) + standing.id;
  out.type = type;
  out.body = doc::object({{"standing", std::move(part)}});
  return out;
}

doc::Value to_value(const std::vector<Standing::Approval>& approvals) {
  doc::Array out;
  for (const Standing::Approval& one : approvals) {
    doc::Value v = doc::object({{"reviewer", one.reviewer},
                                {"assurance", to_text(one.assurance)},
                                {"channel", one.channel}});
    if (!one.instead_of.empty()) v.set("instead_of", one.instead_of);
    out.push_back(std::move(v));
  }
  return out;
}

std::vector<Standing::Approval> approvals_from(const doc::Value* value) {
  std::vector<Standing::Approval> out;
  if (value == nullptr || !value->is_array()) return out;
  for (const doc::Value& v : value->as_array()) {
    Standing::Approval one{std::string(v.text("reviewer")), std::string(v.text("instead_of")),
                           std::string(v.text("channel"))};
    // A word that we do not know is worth the least.
    if (!assurance_from_text(v.text("assurance"), one.assurance)) one.assurance = Assurance::kToken;
    out.push_back(std::move(one));
  }
  return out;
}

std::set<std::string> texts_from(const doc::Value* value) {
  std::set<std::string> out;
  if (value == nullptr || !value->is_array()) return out;
  for (const doc::Value& text : value->as_array()) {
    if (text.is_string()) out.insert(text.as_string());
  }
  return out;
}

void read_private(Standing& out, const doc::Value& part) {
  Result<Bounds> bounds =
      bounds_from(part.find("bounds") == nullptr ? doc::Value() : *part.find("bounds"), "/bounds");
  const doc::Value* params = part.find("params");
  if (!bounds || params == nullptr) return;  // unreadable: it stands for nothing
  out.bounds = std::move(*bounds);
  out.params = *params;
  out.changed_by_policy = texts_from(part.find("changed_by_policy"));
  out.runs = part.text("runs");
  out.reason = part.text("reason");
}

Standing granted(const Event& event, const doc::Value& part) {
  Standing out;
  out.id = part.text("id");
  out.agent = part.text("agent");
  out.owner = part.text("owner");
  out.tool = part.text("tool");
  out.tool_digest = part.text("tool_digest");
  out.operation = part.text("operation");
  if (const doc::Value* resource = part.find("resource"))
    out.resource = resource_from_value(*resource);
  if (const doc::Value* plan = part.find("plan")) out.plan = plan_from_value(*plan);
  out.granted_at = event.time;
  out.until = from_rfc3339(part.text("until")).value_or(Time{});  // unreadable: over
  out.uses_max = static_cast<std::uint64_t>(std::max<std::int64_t>(part.integer("uses"), 0));
  out.action = part.text("action");
  out.model = part.text("model");
  out.proposer = part.text("proposer");
  if (const doc::Value* lineage = part.find("lineage")) out.lineage = lineage_from_value(*lineage);
  out.approvals = approvals_from(part.find("approvals"));
  if (event.private_part) read_private(out, *event.private_part);
  return out;
}

void forget(Standing& standing) {
  standing.params = doc::Value();
  standing.bounds.clear();
  standing.changed_by_policy.clear();
  standing.runs.clear();
  standing.reason.clear();
}

}  // namespace

bool Standing::fits(const doc::Value& args) const {
  if (!params.is_object() || !args.is_object() ||
      params.as_object().size() != args.as_object().size())
    return false;
  return std::ranges::all_of(args.as_object(), [&](const doc::Member& given) {
    const doc::Value* meant = params.find(given.key);
    if (meant == nullptr) return false;
    const auto bound = bounds.find(given.key);
    return bound == bounds.end() ? given.value == *meant : within(bound->second, given.value);
  });
}

const Standing* Standings::find(std::string_view id) const {
  const auto it = all_.find(id);
  return it == all_.end() ? nullptr : &it->second;
}

std::vector<const Standing*> Standings::of(std::string_view agent, Time now) const {
  std::vector<const Standing*> out;
  const auto ids = open_.find(agent);
  if (ids == open_.end()) return out;
  for (const std::string& id : ids->second) {
    const Standing& one = all_.at(id);
    if (one.in_force(now) && one.has_uses()) out.push_back(&one);
  }
  std::ranges::sort(out, {},
                    [](const Standing* one) { return std::pair(one->granted_at, one->id); });
  return out;
}

void Standings::pass_time(Time now) {
  for (auto& [agent, ids] : open_) {
    std::erase_if(ids, [&](const std::string& id) {
      const Standing& one = all_.at(id);
      return one.until <= now || !one.has_uses();
    });
  }
  std::erase_if(open_, [](const auto& entry) { return entry.second.empty(); });
}

void Standings::evolve(const Event& event) {
  if (!event.stream.starts_with(kStream)) return;
  if (event.type == "payload.erased") {
    const auto erased = all_.find(event.stream.substr(kStream.size()));
    if (erased != all_.end()) forget(erased->second);
    return;
  }
  const doc::Value* part = event.body.find("standing");
  if (part == nullptr) return;
  if (event.type == "standing.granted") {
    Standing one = granted(event, *part);
    open_[one.agent].insert(one.id);
    all_.insert_or_assign(one.id, std::move(one));
    return;
  }
  const auto it = all_.find(part->text("id"));
  if (it == all_.end()) return;
  if (event.type == "standing.used") {
    ++it->second.uses;
  } else if (event.type == "standing.revoked" && it->second.revoked_by.empty()) {
    it->second.until = std::min(it->second.until, event.time);
    it->second.revoked_by = part->text("by");
  }
}

EventDraft standing_granted(const Standing& standing) {
  EventDraft out = draft(standing, "standing.granted",
                         doc::object({{"id", standing.id},
                                      {"agent", standing.agent},
                                      {"owner", standing.owner},
                                      {"tool", standing.tool},
                                      {"tool_digest", standing.tool_digest},
                                      {"operation", standing.operation},
                                      {"resource", keyturn::to_value(standing.resource)},
                                      {"plan", keyturn::to_value(standing.plan)},
                                      {"until", to_rfc3339(standing.until)},
                                      {"uses", standing.uses_max},
                                      {"action", standing.action},
                                      {"model", standing.model},
                                      {"proposer", standing.proposer},
                                      {"approvals", to_value(standing.approvals)},
                                      {"lineage", people::to_value(standing.lineage)}}));
  out.private_part =
      doc::object({{"params", standing.params},
                   {"bounds", to_value(standing.bounds)},
                   {"changed_by_policy",
                    doc::array_of(std::vector<std::string>(standing.changed_by_policy.begin(),
                                                           standing.changed_by_policy.end()))},
                   {"runs", standing.runs},
                   {"reason", standing.reason}});
  return out;
}

EventDraft standing_used(const Standing& standing, std::string_view action) {
  EventDraft out = draft(standing, "standing.used", doc::object({{"id", standing.id}}));
  out.body.set("used_by", doc::object({{"action", action}, {"agent", standing.agent}}));
  return out;
}

EventDraft standing_revoked(const Standing& standing, std::string_view by,
                            std::string_view reason) {
  EventDraft out =
      draft(standing, "standing.revoked", doc::object({{"id", standing.id}, {"by", by}}));
  out.private_part = doc::object({{"reason", reason}});
  return out;
}

}  // namespace keyturn::people
