#include "runbook/locks.h"

#include <algorithm>
#include <map>
#include <utility>

namespace keyturn::runbook {
namespace {

bool is_above(const Claimant& one, const std::string& run) {
  return std::ranges::find(one.ancestors, run) != one.ancestors.end();
}

const Claimant* find(const std::vector<Claimant>& all, const std::string& run) {
  const auto found = std::ranges::find(all, run, &Claimant::run);
  return found == all.end() ? nullptr : &*found;
}

// Part of a run that holds something.
bool is_within_holder(const std::vector<Claimant>& all, const Claimant& one) {
  return std::ranges::any_of(one.ancestors, [&](const std::string& above) {
    const Claimant* run = find(all, above);
    return run != nullptr && run->holds;
  });
}

// What is taken, by whom; runs that wait in line are whoever is none of `holders`.
struct Taken {
  std::map<std::string, std::vector<const Claimant*>> locks;
  std::map<std::string, std::vector<const Claimant*>> runbooks;

  void add(const Claimant& one) {
    for (const std::string& lock : one.locks) locks[lock].push_back(&one);
    if (one.limit > 0) runbooks[one.runbook].push_back(&one);
  }
};

std::vector<const Claimant*> others(const std::vector<const Claimant*>& taken,
                                    const Claimant& one) {
  std::vector<const Claimant*> out;
  for (const Claimant* by : taken) {
    if (!is_above(one, by->run)) out.push_back(by);
  }
  return out;
}

std::vector<std::string> names(const std::vector<const Claimant*>& runs) {
  std::vector<std::string> out;
  for (const Claimant* run : runs) {
    if (run->holds) out.push_back(run->run);
  }
  return out;
}

std::vector<WaitsFor> kept_by(const Taken& taken, const Claimant& one) {
  std::vector<WaitsFor> out;
  for (const std::string& lock : one.locks) {
    const auto found = taken.locks.find(lock);
    if (found == taken.locks.end()) continue;
    const std::vector<const Claimant*> by = others(found->second, one);
    if (!by.empty()) out.push_back({lock, names(by)});
  }
  const auto same = taken.runbooks.find(one.runbook);
  if (one.limit > 0 && same != taken.runbooks.end()) {
    const std::vector<const Claimant*> by = others(same->second, one);
    if (by.size() >= static_cast<std::size_t>(one.limit)) out.push_back({"", names(by)});
  }
  return out;
}

// Whoever is within a run that holds something first, and then in the order of their starts.
std::vector<const Claimant*> line_of(const std::vector<Claimant>& all) {
  std::vector<std::pair<bool, const Claimant*>> line;
  for (const Claimant& one : all) {
    if (!one.holds && !one.stands_aside) line.emplace_back(!is_within_holder(all, one), &one);
  }
  std::ranges::sort(line, {},
                    [](const auto& one) { return std::make_pair(one.first, one.second->order); });
  std::vector<const Claimant*> out;
  for (const auto& [in_line, one] : line) out.push_back(one);
  return out;
}

// Walks the line: `each` hears of everybody in it, with what keeps them.
template <class Each>
void walk_line(const std::vector<Claimant>& all, Each each) {
  Taken held, spoken_for;  // the second: with what those wait for who are ahead in the line
  for (const Claimant& one : all) {
    if (!one.holds) continue;
    held.add(one);
    spoken_for.add(one);
  }
  for (const Claimant* one : line_of(all)) {
    std::vector<WaitsFor> kept = kept_by(is_within_holder(all, *one) ? held : spoken_for, *one);
    if (kept.empty()) held.add(*one);
    spoken_for.add(*one);
    each(*one, std::move(kept));
  }
}

// The runs that really hold what this one asks for.
std::set<std::string> holders_for(const std::vector<Claimant>& all, const Claimant& one) {
  Taken taken;
  for (const Claimant& other : all) {
    if (other.holds) taken.add(other);
  }
  std::set<std::string> out;
  for (const WaitsFor& kept : kept_by(taken, one)) out.insert(kept.by.begin(), kept.by.end());
  return out;
}

}  // namespace

std::vector<std::string> can_take(const std::vector<Claimant>& all) {
  std::vector<std::string> out;
  walk_line(all, [&](const Claimant& one, const std::vector<WaitsFor>& kept) {
    if (kept.empty()) out.push_back(one.run);
  });
  return out;
}

std::vector<WaitsFor> waits_for(const std::vector<Claimant>& all, const std::string& run) {
  std::vector<WaitsFor> out;
  walk_line(all, [&](const Claimant& one, std::vector<WaitsFor> kept) {
    if (one.run == run) out = std::move(kept);
  });
  return out;
}

// From whoever holds what it asks for, over the runs within those that wait themselves, to a run
// that it is a step of.
bool would_deadlock(const std::vector<Claimant>& all, const std::string& run) {
  const Claimant* self = find(all, run);
  if (self == nullptr || self->ancestors.empty()) return false;
  std::set<std::string> seen, ahead = holders_for(all, *self);
  while (!ahead.empty()) {
    const std::string holder = *ahead.begin();
    ahead.erase(ahead.begin());
    if (is_above(*self, holder)) return true;
    if (!seen.insert(holder).second) continue;
    for (const Claimant& one : all) {  // a run ends when those within it have
      if (one.holds || !is_above(one, holder)) continue;
      for (const std::string& next : holders_for(all, one)) ahead.insert(next);
    }
  }
  return false;
}

}  // namespace keyturn::runbook
