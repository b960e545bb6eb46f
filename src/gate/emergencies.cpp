// Incidents and broken glass: opened and closed by people, seen by policy, and looked at
// afterwards.
#include "policy/emergencies.h"

#include <algorithm>

#include "gate/impl.h"

namespace keyturn::gate {
namespace {

using people::Emergency;
using people::EmergencyKind;

constexpr std::size_t kAgentsMax = 256;
constexpr std::size_t kInForceMax = 20;  // in force at once, of one opener

std::string_view words(EmergencyKind kind) {
  return kind == EmergencyKind::kIncident ? "open an incident" : "break the glass";
}

struct Openers {
  std::set<std::string> groups;
  Duration lasts{};
};

std::optional<Openers> openers_of(const policy::Document& policy, EmergencyKind kind) {
  const policy::EmergencyRules& rules = policy.emergencies();
  if (kind == EmergencyKind::kIncident && rules.incident)
    return Openers{rules.incident->openers, rules.incident->lasts};
  if (kind == EmergencyKind::kBreakGlass && rules.break_glass)
    return Openers{rules.break_glass->openers, rules.break_glass->lasts};
  return std::nullopt;
}

bool same_verdict(const Verdict& a, const Verdict& b) {
  return a.effect == b.effect && a.plan == b.plan && a.decided_by == b.decided_by &&
         a.modified_args == b.modified_args && a.defer_until == b.defer_until;
}

}  // namespace

// Who is shut out keeps nothing open.
bool Gate::Impl::counts(const Emergency* one) const {
  const people::Person* opener = one == nullptr ? nullptr : world.directory.person(one->opener);
  return opener != nullptr && opener->active;
}

void Gate::Impl::fill_emergencies(const Case& c, policy::RequestInput& request) const {
  // One for every agent is one for people, too, who ask themselves.
  const std::string_view agent =
      c.requester.kind == PrincipalKind::kAgent ? std::string_view(c.requester.id) : "";
  const Emergency* incident = world.emergencies.in_force(EmergencyKind::kIncident, agent, now());
  const Emergency* glass = world.emergencies.in_force(EmergencyKind::kBreakGlass, agent, now());
  if (counts(incident)) request.incident = incident->id;
  if (counts(glass)) request.break_glass = glass->id;
}

void Gate::Impl::note_emergencies(Case& c, const policy::PolicyInput& input, const Verdict& verdict,
                                  const Decide& decide) const {
  const std::string& incident = input.request.incident;
  const std::string& glass = input.request.break_glass;
  const auto same_without = [&](bool without_incident, bool without_glass) {
    policy::PolicyInput without = input;
    if (without_incident) without.request.incident.clear();
    if (without_glass) without.request.break_glass.clear();
    return same_verdict(verdict, decide(without));
  };
  const auto note = [&](const std::string& id, std::string& used) {
    used = id;
    if (const Emergency* one = world.emergencies.find(id))
      c.lineage.add(people::Role::kOpener, one->opener);
  };
  if (incident.empty() && glass.empty()) return;
  const bool by_incident = !incident.empty() && !same_without(true, false);
  const bool by_glass = !glass.empty() && !same_without(false, true);
  // Where either would do, neither alone makes the difference, and both are used.
  const bool by_either =
      !by_incident && !by_glass && !incident.empty() && !glass.empty() && !same_without(true, true);
  if (by_incident || by_either) note(incident, c.incident);
  if (by_glass || by_either) note(glass, c.break_glass);
}

std::vector<EventDraft> Gate::Impl::used_emergencies(const Case& c) const {
  std::vector<EventDraft> out;
  for (const std::string& id : {c.incident, c.break_glass}) {
    const Emergency* one = id.empty() ? nullptr : world.emergencies.find(id);
    if (one != nullptr) out.push_back(people::emergency_used(*one, c.id.str(), c.requester.id));
  }
  return out;
}

bool Gate::Impl::emergency_is_over(const ActionRecord& record) const {
  for (const std::string& id : {record.incident, record.break_glass}) {
    if (id.empty()) continue;
    const Emergency* one = world.emergencies.find(id);
    if (!counts(one) || !one->in_force(now())) return true;
  }
  return false;
}

Task<Result<Emergency>> Gate::open_emergency(Principal who, OpenEmergency wanted) {
  impl_->pass_time();
  const people::Directory& directory = world_.directory;
  const std::optional<Openers> openers = openers_of(*world_.configuration->policy, wanted.kind);
  const people::Person* person =
      who.kind == PrincipalKind::kPerson ? directory.person(who.id) : nullptr;
  if (who.kind == PrincipalKind::kPerson && (person == nullptr || !person->active))
    co_return refuse("inactive", who.id + " is not active");
  if (!openers)
    co_return refuse("not_an_opener", "the policy says of nobody that they may " +
                                          std::string(words(wanted.kind)) +
                                          "; it does in its section emergencies");
  if (person == nullptr || !person->service_of.empty() ||
      !directory.in_any(who.id, openers->groups))
    co_return refuse("not_an_opener", who.id + " may not " + std::string(words(wanted.kind)) +
                                          ": members of " + people::in_words(openers->groups) +
                                          " may");
  if (wanted.kind == EmergencyKind::kBreakGlass && wanted.assertion.is_null())
    co_return refuse("passkey_required", "breaking the glass is signed with a passkey");
  if (who.assurance < Assurance::kSession)
    co_return refuse("assurance_too_low", "this is done in a signed-in browser");
  if (Result<void> ok = impl_->check_reason(wanted.reason, "the reason", "/reason"); !ok)
    co_return std::unexpected(ok.error());
  if (wanted.agents.size() > kAgentsMax)
    co_return refuse("invalid_args", "at most " + std::to_string(kAgentsMax) + " agents",
                     "/agents");
  if (wanted.kind == EmergencyKind::kBreakGlass && wanted.agents.empty())
    co_return refuse("invalid_args", "glass is broken for agents that are named", "/agents");
  for (const std::string& agent : wanted.agents) {
    if (directory.agent(agent) == nullptr)
      co_return refuse("unknown_agent", "there is no agent " + agent, "/agents");
  }
  const Duration lasts = wanted.lasts.value_or(openers->lasts);
  if (lasts <= Duration{} || lasts > openers->lasts)
    co_return refuse("invalid_args", "it lasts at most " + to_text(openers->lasts), "/lasts");
  const Time at = ports_.clock.now();
  const auto in_force = std::ranges::count_if(world_.emergencies.all(), [&](const auto& entry) {
    return entry.second.opener == who.id && entry.second.in_force(at);
  });
  if (static_cast<std::size_t>(in_force) >= kInForceMax)
    co_return refuse("overloaded", "you have too many open at once; close some");
  Emergency one;
  one.kind = wanted.kind;
  const std::string_view prefix = wanted.kind == EmergencyKind::kIncident ? "inc_" : "bg_";
  one.id = make_sortable_id(prefix, unix_ms(at), ports_.random);
  one.opener = who.id;
  one.agents = std::move(wanted.agents);
  one.until = std::chrono::floor<std::chrono::milliseconds>(at + lasts);
  one.reason = std::move(wanted.reason);
  std::vector<store::Expect> expects;
  std::set<std::string> streams{"person/" + who.id, "policy", "config"};
  for (const std::string& group : openers->groups) streams.insert("group/" + group);
  expects.reserve(streams.size());
  for (const std::string& stream : streams) expects.push_back({stream, impl_->seen(stream)});
  std::vector<EventDraft> drafts;
  drafts.push_back(people::emergency_opened(one, wanted.assertion));
  Result<std::vector<Event>> recorded = co_await record(std::move(drafts), std::move(expects));
  if (!recorded) co_return std::unexpected(recorded.error());
  const Emergency* opened = world_.emergencies.find(one.id);
  co_return *opened;
}

bool Gate::may_open(const std::string& id, EmergencyKind kind) const {
  const std::optional<Openers> openers = openers_of(*world_.configuration->policy, kind);
  const people::Person* person = world_.directory.person(id);
  return openers && person != nullptr && person->active && person->service_of.empty() &&
         world_.directory.in_any(id, openers->groups);
}

bool Gate::concerns(const std::string& id, const Emergency& emergency) const {
  const people::Directory& directory = world_.directory;
  const people::Person* person = directory.person(id);
  if (person == nullptr || !person->active) return false;
  if (person->admin || person->auditor || directory.same_human(id, emergency.opener)) return true;
  if (directory.in_any(id, policy::groups_of(world_.configuration->policy->emergencies())))
    return true;
  return std::ranges::any_of(emergency.agents, [&](const std::string& name) {
    const people::Agent* agent = directory.agent(name);
    return agent != nullptr && directory.same_human(agent->owner(), id);
  });
}

Task<Result<Emergency>> Gate::close_emergency(Principal who, std::string id) {
  impl_->pass_time();
  const Emergency* one = world_.emergencies.find(id);
  const people::Person* person =
      who.kind == PrincipalKind::kPerson ? world_.directory.person(who.id) : nullptr;
  if (one == nullptr || person == nullptr || !person->active)
    co_return refuse("not_found", "there is no such emergency, or not for you");
  const std::optional<Openers> openers = openers_of(*world_.configuration->policy, one->kind);
  const bool may = one->opener == who.id || person->admin ||
                   (openers && world_.directory.in_any(who.id, openers->groups));
  if (!may)
    co_return refuse("not_allowed",
                     "its opener, whoever may open one, or an administrator closes it");
  if (!one->in_force(ports_.clock.now()))
    co_return refuse("closed", "it is over since " + to_rfc3339(one->until));
  std::vector<EventDraft> drafts;
  drafts.push_back(people::emergency_closed(*one, who.id));
  Result<std::vector<Event>> recorded = co_await record(std::move(drafts), {});
  if (!recorded) co_return std::unexpected(recorded.error());
  const Emergency* closed = world_.emergencies.find(id);
  co_return *closed;
}

}  // namespace keyturn::gate
