#include "gate/whom.h"

#include <algorithm>
#include <set>

#include "review/review.h"

namespace keyturn::gate {

std::vector<std::string> asked_people(const World& world, const ActionRecord& record) {
  std::vector<std::string> here, away;
  if (record.state != State::kPending || !record.review) return here;
  const people::Directory& directory = world.directory;
  std::set<std::string> groups = groups_of(record.review->plan);
  if (!record.review->escalated_to.empty()) groups.insert(record.review->escalated_to);
  std::set<std::string> candidates;
  for (const std::string& group : groups) {
    const std::set<std::string>& members = directory.members(group);
    candidates.insert(members.begin(), members.end());
  }
  for (const auto& [id, delegation] : directory.delegations()) {
    if (directory.in_any(delegation.from, groups)) candidates.insert(delegation.to);
  }
  const review::Asked asked = review::asked_now(*record.review, directory);
  for (const std::string& id : candidates) {
    if (!review::is_for(*record.review, directory, asked, id)) continue;
    const people::Person* person = directory.person(id);
    const bool is_away = person->away_until && directory.now() < *person->away_until;
    (is_away ? away : here).push_back(id);
  }
  return here.empty() ? away : here;
}

}  // namespace keyturn::gate
