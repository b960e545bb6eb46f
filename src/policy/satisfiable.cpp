// Could a plan be met at all? A matching of different people to all places.
#include <algorithm>

#include "policy/tests.h"

namespace keyturn::policy {
namespace {

using Places = std::vector<std::string>;  // each the group that a person must be of

void add_places(Places& places, const Quorum& quorum) {
  for (const auto& [group, count] : quorum)
    places.insert(places.end(), static_cast<std::size_t>(count), group);
}

class Matching {
 public:
  Matching(const Places& places, const Roster& roster, const std::set<std::string>& without)
      : places_(places), roster_(roster), without_(without) {}

  // The group of a place that stays empty, or "".
  std::string unfilled() {
    for (std::size_t place = 0; place < places_.size(); ++place) {
      std::set<std::string> tried;
      if (!fill(place, tried)) return places_[place];
    }
    return "";
  }

 private:
  bool fill(std::size_t place, std::set<std::string>& tried) {
    const auto group = roster_.groups.find(places_[place]);
    if (group == roster_.groups.end()) return false;
    for (const std::string& person : group->second) {
      if (without_.contains(person) || !tried.insert(person).second) continue;
      const auto taken = taken_.find(person);
      if (taken == taken_.end() || fill(taken->second, tried)) {
        taken_[person] = place;
        return true;
      }
    }
    return false;
  }

  const Places& places_;
  const Roster& roster_;
  const std::set<std::string>& without_;
  std::map<std::string, std::size_t> taken_;
};

constexpr int kCombinationsMax = 1000;

// Tries the alternatives of plan.any from `next` on, all together with `places`.
bool try_all(const Plan& plan, std::size_t next, const Places& places, const Roster& roster,
             const std::set<std::string>& without, int& left, std::string& short_of) {
  if (next == plan.any.size()) {
    if (left-- <= 0) return true;  // too many to try: not said to be impossible
    std::string group = Matching(places, roster, without).unfilled();
    if (group.empty()) return true;
    short_of = std::move(group);
    return false;
  }
  return std::ranges::any_of(plan.any[next], [&](const Quorum& alternative) {
    Places more = places;
    add_places(more, alternative);
    return try_all(plan, next + 1, more, roster, without, left, short_of);
  });
}

}  // namespace

bool satisfiable(const Plan& plan, const Roster& roster, const std::set<std::string>& without,
                 std::string* why_not) {
  Places places;
  add_places(places, plan.quorum);
  for (const auto& stages : plan.stages) {
    for (const Quorum& stage : stages) add_places(places, stage);
  }
  int left = kCombinationsMax;
  std::string short_of;
  if (try_all(plan, 0, places, roster, without, left, short_of)) return true;
  if (why_not != nullptr) {
    const auto group = roster.groups.find(short_of);
    const std::size_t members = group == roster.groups.end() ? 0 : group->second.size();
    *why_not =
        "not enough different people in \"" + short_of + "\", which has " + std::to_string(members);
  }
  return false;
}

}  // namespace keyturn::policy
