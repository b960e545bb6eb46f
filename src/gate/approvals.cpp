#include "gate/approvals.h"

#include <algorithm>

namespace keyturn::gate {

void Approvals::load(const std::vector<store::Approved>& past) {
  for (const store::Approved& one : past) {
    votes_[{one.actor, one.tool, one.kind, one.name}].push_back(
        {one.action, one.person, one.by, one.at});
  }
  known_ = true;
}

void Approvals::voted(const History::Use& use, Vote vote) {
  std::vector<Vote>& votes = votes_[use];
  std::erase_if(votes, [&](const Vote& one) { return one.at < vote.at - kKept; });
  votes.push_back(std::move(vote));
}

void Approvals::taken_back(const History::Use& use, const std::string& action,
                           const std::string& by) {
  const auto found = votes_.find(use);
  if (found == votes_.end()) return;
  std::erase_if(found->second,
                [&](const Vote& vote) { return vote.action == action && vote.by == by; });
}

void Approvals::forget(const History::Use& use, const std::string& action) {
  const auto found = votes_.find(use);
  if (found != votes_.end())
    std::erase_if(found->second, [&](const Vote& vote) { return vote.action == action; });
}

std::string Approvals::lately(const History::Use& use, const std::string& action,
                              const people::Directory& directory, std::string_view person,
                              Time since) const {
  const auto found = votes_.find(use);
  if (found == votes_.end()) return {};
  const auto vote = std::ranges::find_if(found->second, [&](const Vote& one) {
    return one.at >= since && one.action != action &&
           (one.person == person || directory.same_human(one.person, person));
  });
  return vote == found->second.end() ? std::string() : vote->action;
}

}  // namespace keyturn::gate
