#include "review/quorum.h"

#include <algorithm>
#include <climits>
#include <cstdint>
#include <functional>
#include <map>
#include <tuple>

#include "people/delegation.h"

namespace keyturn::review {
namespace {

// One human whose approval is on the table: the groups of the accounts that voted.
struct Voter {
  std::string reviewer;    // the account that voted first
  std::string instead_of;  // whose place it is, when not its own
  std::set<std::string> groups;
};

// One place of one choice of alternatives. Voters in [first, last) may fill it.
struct Slot {
  std::string group;
  int stage = 0;
  std::size_t first = 0;
  std::size_t last = 0;
  std::size_t entry = 0;  // of Plan::stages
};

using people::Humans;

enum class SecondAccount {
  kAddsNothing,   // its human has voted already
  kAddsItsGroups  // its human could have voted with either
};

// Those of the groups asked whose places others may fill now.
std::set<std::string> replaceable(const std::set<std::string>& asked,
                                  const Escalation& escalation) {
  std::set<std::string> out;
  for (const std::string& group : escalation.instead_of) {
    if (asked.contains(group) && group != people::kAdministrators) out.insert(group);
  }
  return out;
}

// The groups that an approval counts for.
std::set<std::string> groups_of(const Approval& approval, const people::Directory& directory,
                                const Humans& excluded, const std::set<std::string>& asked,
                                const Escalation& escalation) {
  const auto of = [&](const std::set<std::string>& groups) {
    return people::groups_for(directory, excluded, approval.reviewer, approval.instead_of, groups);
  };
  std::set<std::string> out = of(asked);
  std::set<std::string> more = replaceable(asked, escalation);
  if (approval.escalated && !more.empty() && !of({escalation.to}).empty()) out.merge(more);
  return out;
}

std::vector<Voter> voters_of(const std::vector<Approval>& approvals,
                             const people::Directory& directory, const Humans& excluded,
                             const std::set<std::string>& asked, SecondAccount second,
                             const Escalation& escalation = {}) {
  std::vector<Voter> out;
  std::map<std::string, std::size_t, std::less<>> seen;  // human -> index
  for (const Approval& approval : approvals) {
    const auto& [id, instead_of, escalated] = approval;
    std::set<std::string> groups = groups_of(approval, directory, excluded, asked, escalation);
    if (groups.empty()) continue;
    const std::string human(directory.human_of(id));
    const std::string in_place_of(directory.human_of(instead_of.empty() ? id : instead_of));
    const auto it = seen.find(human);
    if (it == seen.end() && !seen.contains(in_place_of)) {
      seen[human] = seen[in_place_of] = out.size();
      out.push_back({id, instead_of, std::move(groups)});
    } else if (it != seen.end() && second == SecondAccount::kAddsItsGroups) {
      out[it->second].groups.merge(groups);
    }
  }
  return out;
}

// Maximum bipartite matching by augmenting paths (Kuhn). Slots are offered in the given order; one
// that was filled stays filled, so that earlier slots win: the filled set has the greatest total
// weight when the order is by weight (transversal matroid).
class Matching {
 public:
  Matching(const std::vector<Voter>& voters, const std::vector<Slot>& slots)
      : voters_(voters),
        slots_(slots),
        slot_of_(voters.size(), kNone),
        voter_of_(slots.size(), kNone) {}

  bool fill(std::size_t slot) {
    visited_.assign(voters_.size(), false);
    return augment(slot);
  }
  bool filled(std::size_t slot) const { return voter_of_[slot] != kNone; }
  std::size_t voter(std::size_t slot) const { return voter_of_[slot]; }

 private:
  static constexpr std::size_t kNone = SIZE_MAX;

  bool fits(std::size_t voter, const Slot& slot) const {
    return voter >= slot.first && voter < slot.last && voters_[voter].groups.contains(slot.group);
  }

  bool augment(std::size_t slot) {
    for (std::size_t v = 0; v < voters_.size(); ++v) {
      if (visited_[v] || !fits(v, slots_[slot])) continue;
      visited_[v] = true;
      if (slot_of_[v] == kNone || augment(slot_of_[v])) {
        slot_of_[v] = slot;
        voter_of_[slot] = v;
        return true;
      }
    }
    return false;
  }

  const std::vector<Voter>& voters_;
  const std::vector<Slot>& slots_;
  std::vector<std::size_t> slot_of_;
  std::vector<std::size_t> voter_of_;
  std::vector<bool> visited_;
};

bool add_slots(std::vector<Slot>& out, const Quorum& quorum, int stage, std::size_t first,
               std::size_t last, std::size_t entry = 0) {
  for (const auto& [group, count] : quorum) {
    if (count > kPlacesMax || out.size() + static_cast<std::size_t>(std::max(count, 0)) >
                                  static_cast<std::size_t>(kPlacesMax)) {
      return false;
    }
    for (int i = 0; i < count; ++i) out.push_back({group, stage, first, last, entry});
  }
  return true;
}

// True when the quorum asks for somebody. An alternative or a stage that asks nobody would be a way
// around the others: it satisfies nothing.
bool asks(const Quorum& quorum) {
  return std::ranges::any_of(quorum, [](const auto& place) { return place.second > 0; });
}

// Visits every way to choose one alternative of each `any` and the borders of each `stages` among
// `voters` votes; stops when visit returns true. False when there are more than kChoicesMax ways,
// or the plan asks nobody.
class Choices {
 public:
  using Visit = std::function<bool(const std::vector<Slot>&)>;

  // `ordered`: stages are filled by votes in order; otherwise by anybody (could it be satisfied?).
  Choices(const Plan& plan, std::size_t voters, bool ordered)
      : plan_(plan), voters_(voters), ordered_(ordered) {}

  bool each(const Visit& visit) {
    std::vector<Slot> slots;
    if (!add_slots(slots, plan_.quorum, 0, 0, voters_)) return false;
    return choose_any(0, std::move(slots), visit) && tried_ <= kChoicesMax;
  }

 private:
  // Both return false to stop: a limit, or visit said so.
  bool choose_any(std::size_t entry, std::vector<Slot> slots, const Visit& visit) {
    if (entry == plan_.any.size()) return choose_stages(0, 0, 0, std::move(slots), visit);
    for (const Quorum& alternative : plan_.any[entry]) {
      std::vector<Slot> with = slots;
      if (!asks(alternative) || !add_slots(with, alternative, 0, 0, voters_)) continue;
      if (!choose_any(entry + 1, std::move(with), visit)) return false;
    }
    return true;
  }

  bool choose_stages(std::size_t entry, std::size_t stage, std::size_t from,
                     std::vector<Slot> slots, const Visit& visit) {
    if (entry == plan_.stages.size()) return offer(slots, visit);
    const auto& stages = plan_.stages[entry];
    if (stage == stages.size()) return choose_stages(entry + 1, 0, 0, std::move(slots), visit);
    if (!asks(stages[stage])) return true;
    const bool last_stage = stage + 1 == stages.size();
    const std::size_t least = ordered_ && !last_stage ? from : voters_;
    for (std::size_t border = least; border <= voters_; ++border) {
      std::vector<Slot> with = slots;
      const std::size_t first = ordered_ ? from : 0;
      if (!add_slots(with, stages[stage], static_cast<int>(stage) + 1, first, border, entry)) {
        return true;
      }
      if (!choose_stages(entry, stage + 1, border, std::move(with), visit)) return false;
    }
    return true;
  }

  bool offer(const std::vector<Slot>& slots, const Visit& visit) {
    if (++tried_ > kChoicesMax) return false;
    return slots.empty() || !visit(slots);
  }

  const Plan& plan_;
  std::size_t voters_;
  bool ordered_;
  std::size_t tried_ = 0;
};

// group -> how many more humans could still vote for it.
std::map<std::string, std::size_t> still_to_vote(const std::set<std::string>& groups,
                                                 const std::vector<Voter>& voters,
                                                 const people::Directory& directory,
                                                 const Humans& excluded,
                                                 const Escalation& escalation) {
  Humans voted;
  for (const Voter& v : voters) {
    voted.emplace(directory.human_of(v.reviewer));
    if (!v.instead_of.empty()) voted.emplace(directory.human_of(v.instead_of));
  }
  std::map<std::string, std::size_t> out;
  const std::set<std::string> others_may = replaceable(groups, escalation);
  for (const std::string& group : groups) {
    std::set<std::string> humans;
    std::set<std::string> candidates = directory.members(group);
    if (others_may.contains(group)) {
      const auto& others = directory.members(escalation.to);
      candidates.insert(others.begin(), others.end());
    }
    for (const std::string& id : candidates) {
      std::string human(directory.human_of(id));
      if (voted.contains(human) || !people::may_review(directory, excluded, id)) continue;
      humans.insert(std::move(human));
    }
    out[group] = humans.size();
  }
  return out;
}

std::vector<std::size_t> by_scarcity(const std::vector<Slot>& slots,
                                     const std::map<std::string, std::size_t>& left) {
  std::vector<std::size_t> order(slots.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](std::size_t i) {
    return std::tuple(slots[i].stage, left.at(slots[i].group), i);
  });
  return order;
}

struct Standing {
  bool possible = false;  // as far as the people left in each group tell
  std::size_t missing = SIZE_MAX;
  std::size_t ways = 0;  // people left for the places still open
  Tally tally;

  bool better_than(const Standing& other) const {
    if (possible != other.possible) return possible;
    return missing != other.missing ? missing < other.missing : ways > other.ways;
  }
};

Standing stand(const std::vector<Slot>& slots, const std::vector<Voter>& voters,
               const std::map<std::string, std::size_t>& left) {
  Matching matching(voters, slots);
  for (const std::size_t slot : by_scarcity(slots, left)) matching.fill(slot);
  // Behind a stage that is not full nobody counts yet: their votes would have come too early.
  std::map<std::size_t, int> first_open;  // entry -> stage
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].stage == 0 || matching.filled(i)) continue;
    int& stage = first_open.try_emplace(slots[i].entry, slots[i].stage).first->second;
    stage = std::min(stage, slots[i].stage);
  }
  const auto counts = [&](std::size_t i) {
    const auto it = first_open.find(slots[i].entry);
    const bool too_early =
        slots[i].stage > 0 && it != first_open.end() && slots[i].stage > it->second;
    return matching.filled(i) && !too_early;
  };
  Standing out{true, 0, 0, {}};
  std::map<std::pair<int, std::string>, Needed> needed;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const Slot& slot = slots[i];
    Needed& n = needed[{slot.stage, slot.group}];
    n.group = slot.group;
    n.stage = slot.stage;
    ++n.count;
    if (counts(i)) {
      ++n.have;
      const Voter& voter = voters[matching.voter(i)];
      out.tally.places.push_back({slot.group, voter.reviewer, voter.instead_of});
    } else {
      ++out.missing;
      out.ways += left.at(slot.group);
    }
  }
  for (auto& [key, n] : needed) {
    const auto open_places = static_cast<std::size_t>(n.count - n.have);
    out.possible = out.possible && open_places <= left.at(n.group);
    out.tally.needed.push_back(std::move(n));
  }
  out.tally.satisfied = out.missing == 0;
  return out;
}

// What is asked, when the choices are too many to try: every place of the plain quorum.
std::vector<Needed> plainly_needed(const Plan& plan) {
  std::vector<Needed> out;
  for (const auto& [group, count] : plan.quorum) {
    if (count > 0) out.push_back({group, count, 0, 0});
  }
  return out;
}

}  // namespace

std::set<std::string> with_escalation(std::set<std::string> groups, const Escalation& escalation) {
  if (!replaceable(groups, escalation).empty()) groups.insert(escalation.to);
  return groups;
}

Tally tally(const Plan& plan, const std::vector<Approval>& approvals,
            const people::Directory& directory, const people::Lineage& lineage,
            const Escalation& escalation) {
  const std::set<std::string> asked = keyturn::groups_of(plan);
  const Humans excluded = people::humans_of(directory, lineage);
  const auto voters =
      voters_of(approvals, directory, excluded, asked, SecondAccount::kAddsNothing, escalation);
  const auto left = still_to_vote(asked, voters, directory, excluded, escalation);
  Standing best;
  Choices choices(plan, voters.size(), true);
  choices.each([&](const std::vector<Slot>& slots) {
    Standing now = stand(slots, voters, left);
    if (best.missing == SIZE_MAX || now.better_than(best)) {
      best = std::move(now);
    }
    return best.missing == 0;
  });
  if (best.missing == SIZE_MAX) best.tally.needed = plainly_needed(plan);
  return std::move(best.tally);
}

int people_asked(const Plan& plan) {
  const auto of = [](const Quorum& quorum) {
    int sum = 0;
    for (const auto& [group, count] : quorum) sum += count;
    return sum;
  };
  int sum = of(plan.quorum);
  for (const auto& alternatives : plan.any) {
    int least = INT_MAX;
    for (const Quorum& alternative : alternatives) least = std::min(least, of(alternative));
    if (!alternatives.empty()) sum += least;
  }
  for (const auto& stages : plan.stages) {
    for (const Quorum& stage : stages) sum += of(stage);
  }
  return sum;
}

bool satisfiable(const Plan& plan, const people::Directory& directory,
                 const people::Lineage& lineage) {
  const std::set<std::string> asked = keyturn::groups_of(plan);
  std::set<std::string> everybody;
  for (const std::string& group : asked) {
    const auto& members = directory.members(group);
    everybody.insert(members.begin(), members.end());
  }
  const auto voters =
      voters_of({everybody.begin(), everybody.end()}, directory,
                people::humans_of(directory, lineage), asked, SecondAccount::kAddsItsGroups);
  bool found = false;
  Choices choices(plan, voters.size(), false);
  choices.each([&](const std::vector<Slot>& slots) {
    Matching matching(voters, slots);
    found = true;
    for (std::size_t i = 0; i < slots.size() && found; ++i) found = matching.fill(i);
    return found;
  });
  return found;
}

std::set<std::string> open_groups(const Plan& plan, const std::vector<Approval>& approvals,
                                  const people::Directory& directory,
                                  const people::Lineage& lineage, const Escalation& escalation) {
  Plan unstaged = plan;
  unstaged.stages.clear();
  std::set<std::string> out = keyturn::groups_of(unstaged);
  for (const auto& stages : plan.stages) {
    Plan sofar;
    sofar.stages.emplace_back();
    for (const Quorum& stage : stages) {
      for (const auto& [group, count] : stage) {
        if (count > 0) out.insert(group);
      }
      sofar.stages[0].push_back(stage);
      if (!tally(sofar, approvals, directory, lineage, escalation).satisfied) break;
    }
  }
  return with_escalation(std::move(out), escalation);
}

doc::Value to_value(const std::vector<Needed>& needed) {
  doc::Value out{doc::Array{}};
  for (const Needed& n : needed) {
    doc::Value v = doc::object({{"group", n.group}, {"count", n.count}, {"have", n.have}});
    if (n.stage > 0) v.set("stage", n.stage);
    out.push(std::move(v));
  }
  return out;
}

}  // namespace keyturn::review
