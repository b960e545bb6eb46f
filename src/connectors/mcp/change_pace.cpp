#include "connectors/mcp/change_pace.h"

#include <algorithm>

namespace keyturn::connectors::mcp {

// Each change costs a minute, and kInARow minutes can be owed.
bool ChangePace::may_record(const std::string& tool, Time now) const {
  const auto found = free_at_.find(tool);
  return found == free_at_.end() || found->second <= now + kEach * (kInARow - 1);
}

void ChangePace::recorded(const std::string& tool, Time now) {
  if (free_at_.size() >= kTidyAt)
    std::erase_if(free_at_, [&](const auto& one) { return one.second <= now; });
  Time& free_at = free_at_[tool];
  free_at = std::max(free_at, now) + kEach;
}

}  // namespace keyturn::connectors::mcp
