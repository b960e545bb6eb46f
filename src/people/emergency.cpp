#include "people/emergency.h"

#include <algorithm>

namespace keyturn::people {
namespace {

EventDraft draft(const Emergency& emergency, std::string_view what, doc::Value part) {
  EventDraft out;
  out.stream = "emergency/" + emergency.id;
  out.type = std::string(to_text(emergency.kind)) + "." + std::string(what);
  out.body = doc::object({{"emergency", std::move(part)}});
  return out;
}

}  // namespace

std::string_view to_text(EmergencyKind kind) {
  return kind == EmergencyKind::kIncident ? "incident" : "breakglass";
}

const Emergency* Emergencies::find(std::string_view id) const {
  const auto it = all_.find(id);
  return it == all_.end() ? nullptr : &it->second;
}

const Emergency* Emergencies::in_force(EmergencyKind kind, std::string_view agent, Time now) const {
  const Emergency* found = nullptr;
  for (const std::string& id : open_) {
    const Emergency& one = all_.at(id);
    if (one.kind != kind || !one.in_force(now) || !one.covers(agent)) continue;
    if (found == nullptr || one.opened_at < found->opened_at) found = &one;
  }
  return found;
}

void Emergencies::pass_time(Time now) {
  std::erase_if(open_, [&](const std::string& id) { return all_.at(id).until <= now; });
}

void Emergencies::evolve(const Event& event) {
  if (!event.stream.starts_with("emergency/")) return;
  if (event.type == "payload.erased") {
    const auto erased = all_.find(event.stream.substr(event.stream.find('/') + 1));
    if (erased != all_.end()) erased->second.reason.clear();
    return;
  }
  const doc::Value* part = event.body.find("emergency");
  if (part == nullptr) return;
  const std::string id(part->text("id"));
  if (event.type.ends_with(".opened")) {
    Emergency one;
    one.kind = event.type.starts_with("breakglass.") ? EmergencyKind::kBreakGlass
                                                     : EmergencyKind::kIncident;
    one.id = id;
    one.opener = part->text("opener");
    if (const doc::Value* agents = part->find("agents"); agents != nullptr && agents->is_array()) {
      for (const doc::Value& agent : agents->as_array()) {
        if (agent.is_string()) one.agents.insert(agent.as_string());
      }
    }
    one.opened_at = event.time;
    one.until = from_rfc3339(part->text("until")).value_or(Time{});  // unreadable: over
    if (event.private_part) one.reason = event.private_part->text("reason");
    open_.insert(id);
    all_.insert_or_assign(id, std::move(one));
    return;
  }
  const auto it = all_.find(id);
  if (it == all_.end()) return;
  if (event.type.ends_with(".closed")) {
    it->second.until = std::min(it->second.until, event.time);
    it->second.closed_by = part->text("by");
  } else if (event.type.ends_with(".used")) {
    ++it->second.uses;
  }
}

EventDraft emergency_opened(const Emergency& emergency, const doc::Value& assertion) {
  doc::Value v = doc::object(
      {{"id", emergency.id}, {"opener", emergency.opener}, {"until", to_rfc3339(emergency.until)}});
  if (!emergency.agents.empty())
    v.set("agents", doc::array_of(std::vector<std::string>(emergency.agents.begin(),
                                                           emergency.agents.end())));
  if (!assertion.is_null()) v.set("assertion", assertion);
  EventDraft out = draft(emergency, "opened", std::move(v));
  out.private_part = doc::object({{"reason", emergency.reason}});
  return out;
}

EventDraft emergency_closed(const Emergency& emergency, std::string_view by) {
  return draft(emergency, "closed", doc::object({{"id", emergency.id}, {"by", by}}));
}

EventDraft emergency_used(const Emergency& emergency, std::string_view action,
                          std::string_view agent) {
  EventDraft out =
      draft(emergency, "used", doc::object({{"id", emergency.id}, {"opener", emergency.opener}}));
  out.body.set("used_by", doc::object({{"action", action}, {"agent", agent}}));
  return out;
}

}  // namespace keyturn::people
