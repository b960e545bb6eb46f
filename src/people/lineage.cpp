#include "people/lineage.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>

#include "people/delegation.h"

namespace keyturn::people {
namespace {

constexpr std::array kRoles = {Role::kOwner,  Role::kOnBehalfOf, Role::kAmender, Role::kProposer,
                               Role::kOpener, Role::kDelegator,  Role::kOther};

std::string_view words(Role role) {
  switch (role) {
    case Role::kOwner:
      return "owned the agent that asked";
    case Role::kOnBehalfOf:
      return "is said to have prompted it";
    case Role::kAmender:
      return "amended it";
    case Role::kProposer:
      return "proposed it";
    case Role::kOpener:
      return "opened the incident it uses";
    case Role::kDelegator:
      return "delegated it";
    case Role::kOther:
      return "had a part in it";
  }
  return "had a part in it";
}

// Calls each(person id, code, why) for every known person who had a part.
template <class Each>
void for_each_party(const Directory& directory, const Lineage& lineage, Each each) {
  const auto owners_of = [&](std::string_view agent_name) {
    const Agent* agent = directory.agent(agent_name);
    if (agent == nullptr) return;
    for (const std::string& owner : agent->owners_since(lineage.requested_at)) {
      if (const Person* p = directory.resolve(owner)) {
        each(p->id, "related_to_requester", "owns or owned agent " + std::string(agent_name));
      }
    }
  };
  if (lineage.requester_kind == PrincipalKind::kAgent) {
    owners_of(lineage.requester);
  } else if (const Person* p = directory.resolve(lineage.requester)) {
    each(p->id, "own_request", std::string("asked for it"));
  }
  for (const Party& party : lineage.parties) {
    if (party.role == Role::kDelegator) owners_of(party.id);
    if (const Person* p = directory.resolve(party.id)) {
      each(p->id, "related_to_requester", std::string(words(party.role)));
    }
  }
}

// Human -> accounts that somebody of it has delegated to, now. Made once for each state of the
// directory.
using StandIns = std::multimap<std::string, std::string, std::less<>>;
const StandIns& stand_ins(const Directory& directory) {
  static thread_local struct {
    std::uint64_t of = 0;
    StandIns all;
  } kept;
  if (kept.of != directory.version()) {
    kept.all.clear();
    for (const auto& [id, delegation] : directory.delegations()) {
      const std::string_view human = directory.human_of(delegation.from);
      if (!human.empty() && delegation.in_force(directory.now()))
        kept.all.emplace(human, delegation.to);
    }
    kept.of = directory.version();
  }
  return kept.all;
}

// The same, and for whoever stands in for one of them now.
template <class Each>
void for_each_person(const Directory& directory, const Lineage& lineage, Each each) {
  for_each_party(
      directory, lineage,
      [&](const std::string& id, std::string_view code, const std::string& why) {
        each(id, code, why);
        const auto [begin, end] = stand_ins(directory).equal_range(directory.human_of(id));
        for (auto it = begin; it != end; ++it)
          each(it->second, "related_to_requester", "stands in for " + id + ", who " + why);
      });
}

}  // namespace

std::string_view to_text(Role role) {
  switch (role) {
    case Role::kOwner:
      return "owner";
    case Role::kOnBehalfOf:
      return "on_behalf_of";
    case Role::kAmender:
      return "amender";
    case Role::kProposer:
      return "proposer";
    case Role::kOpener:
      return "opener";
    case Role::kDelegator:
      return "delegator";
    case Role::kOther:
      return "other";
  }
  return "other";
}

std::optional<Role> role_from_text(std::string_view text) {
  for (const Role role : kRoles) {
    if (to_text(role) == text) return role;
  }
  return std::nullopt;
}

void Lineage::add(Role role, std::string id) {
  Party party{role, std::move(id)};
  if (party.id.empty() || std::ranges::find(parties, party) != parties.end()) return;
  parties.push_back(std::move(party));
}

Lineage lineage_of(const Directory& directory, const Principal& requester, Time now,
                   const doc::Value& claims) {
  Lineage out;
  out.requester_kind = requester.kind;
  out.requester = requester.id;
  out.requested_at = std::chrono::floor<std::chrono::milliseconds>(now);
  if (requester.kind == PrincipalKind::kAgent) {
    const Agent* agent = directory.agent(requester.id);
    if (agent != nullptr) out.add(Role::kOwner, agent->owner());
  }
  // As it was said, and who that is now: an address that goes later takes nobody out of it.
  const auto add = [&](const doc::Value& said) {
    if (!said.is_string()) return;
    out.add(Role::kOnBehalfOf, said.as_string());
    if (const Person* meant = directory.resolve(said.as_string()))
      out.add(Role::kOnBehalfOf, meant->id);
  };
  const doc::Value* claimed = claims.find("on_behalf_of");
  if (claimed != nullptr) add(*claimed);
  if (claimed != nullptr && claimed->is_array()) {
    for (const doc::Value& said : claimed->as_array()) add(said);
  }
  return out;
}

doc::Value to_value(const Lineage& lineage) {
  doc::Value parties{doc::Array{}};
  for (const Party& party : lineage.parties) {
    parties.push(doc::object({{"role", to_text(party.role)}, {"id", party.id}}));
  }
  return doc::object({{"requester", lineage.requester},
                      {"requester_kind", to_text(lineage.requester_kind)},
                      {"requested_at", to_rfc3339(lineage.requested_at)},
                      {"parties", std::move(parties)}});
}

Lineage lineage_from_value(const doc::Value& value) {
  Lineage out;
  out.requester = value.text("requester");
  out.requester_kind =
      principal_kind_from_text(value.text("requester_kind")).value_or(PrincipalKind::kAgent);
  // Unreadable: the beginning of time, so that every owner there ever was counts.
  out.requested_at = from_rfc3339(value.text("requested_at")).value_or(Time{});
  const doc::Value* parties = value.find("parties");
  if (parties == nullptr || !parties->is_array()) return out;
  for (const doc::Value& party : parties->as_array()) {
    out.add(role_from_text(party.text("role")).value_or(Role::kOther),
            std::string(party.text("id")));
  }
  return out;
}

std::optional<Relation> related(const Directory& directory, const Lineage& lineage,
                                std::string_view person) {
  std::optional<Relation> found;
  for_each_person(directory, lineage,
                  [&](const std::string& id, std::string_view code, const std::string& why) {
                    if (!directory.same_human(id, person)) return;
                    // The requester's own vote has a word of its own; it wins over the others.
                    if (found && (found->code == "own_request" || code != "own_request")) return;
                    const std::string who =
                        id == person ? id : std::string(person) + " (also " + id + ")";
                    found = Relation{std::string(code), who + " " + why};
                  });
  return found;
}

std::set<std::string, std::less<>> humans_of(const Directory& directory, const Lineage& lineage) {
  std::set<std::string, std::less<>> out;
  for_each_person(directory, lineage,
                  [&](const std::string& id, std::string_view, const std::string&) {
                    out.emplace(directory.human_of(id));
                  });
  return out;
}

bool may_review(const Directory& directory, const std::set<std::string, std::less<>>& excluded,
                std::string_view person) {
  const Person* p = directory.person(person);
  return p != nullptr && p->active && p->service_of.empty() &&
         !excluded.contains(directory.human_of(person));
}

bool may_review(const Directory& directory, const Lineage& lineage, std::string_view person) {
  return may_review(directory, humans_of(directory, lineage), person);
}

bool may_cancel(const Directory& directory, const Lineage& lineage, const Principal& principal) {
  if (principal.kind == PrincipalKind::kHost) return true;
  const bool is_requester = lineage.requester_kind == principal.kind;
  if (principal.kind == PrincipalKind::kAgent) {
    return is_requester && principal.id == lineage.requester;
  }
  const Person* p = directory.person(principal.id);
  if (p == nullptr || !p->active) return false;
  if (p->admin) return true;
  if (is_requester) return directory.same_human(principal.id, lineage.requester);
  const Agent* agent = directory.agent(lineage.requester);
  return agent != nullptr && directory.same_human(principal.id, agent->owner());
}

std::set<std::string> persons_of(const Directory& directory, const Lineage& lineage) {
  const auto humans = humans_of(directory, lineage);
  std::set<std::string> out;
  if (humans.empty()) return out;
  for (const auto& [id, p] : directory.persons()) {
    if (humans.contains(directory.human_of(id))) out.insert(id);
  }
  return out;
}

}  // namespace keyturn::people
