// Incidents and broken glass: what people open for a while, and what policy may then decide
// otherwise (request.incident, request.break_glass). A fold over the streams emergency/ID. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "doc/value.h"
#include "model/event.h"

namespace keyturn::people {

enum class EmergencyKind { kIncident, kBreakGlass };
std::string_view to_text(EmergencyKind kind);  // "incident" "breakglass": of the event types, too

struct Emergency {
  EmergencyKind kind = EmergencyKind::kIncident;
  std::string id;                // inc_… or bg_…
  std::string opener;            // person id
  std::set<std::string> agents;  // whom it is for; empty: every agent
  Time opened_at, until;         // until: moved forward when it is closed early
  std::string closed_by;
  std::string reason;      // private: "" when it was erased
  std::uint64_t uses = 0;  // decisions that came out otherwise for it
  bool operator==(const Emergency&) const = default;

  bool in_force(Time now) const { return opened_at <= now && now < until; }
  bool covers(std::string_view agent) const {
    return agents.empty() || agents.contains(std::string(agent));
  }
};

class Emergencies {
 public:
  const Emergency* find(std::string_view id) const;
  // The oldest of the kind that is in force for the agent; nullptr: none.
  const Emergency* in_force(EmergencyKind kind, std::string_view agent, Time now) const;
  const std::map<std::string, Emergency, std::less<>>& all() const { return all_; }
  // What is over by then is not looked through any more. Time never goes back.
  void pass_time(Time now);

  // Applies one event. Total.
  void evolve(const Event& event);

 private:
  std::map<std::string, Emergency, std::less<>> all_;
  std::set<std::string> open_;  // ids of those that may be in force, now or later
};

// "incident.opened" or "breakglass.opened": {"emergency": {id, opener, agents, until, assertion?}},
// private {"reason"}. `assertion`: the opener's passkey over it, as a vote's (null: none).
EventDraft emergency_opened(const Emergency& emergency, const doc::Value& assertion);
// "….closed": {"emergency": {id, by}}
EventDraft emergency_closed(const Emergency& emergency, std::string_view by);
// "incident.used", "breakglass.used": {"emergency": {id, opener}, "used_by": {action, agent}}
EventDraft emergency_used(const Emergency& emergency, std::string_view action,
                          std::string_view agent);

}  // namespace keyturn::people
