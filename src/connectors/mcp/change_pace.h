// How often it is recorded that a server says something else of a tool: at once, but one that says
// something else each time does not fill the record.
#pragma once

#include <map>
#include <string>

#include "base/time.h"

namespace keyturn::connectors::mcp {

// Of each tool so many changes in a row, then one a minute. In memory: a new process begins anew.
class ChangePace {
 public:
  static constexpr int kInARow = 5;
  static constexpr Duration kEach = std::chrono::minutes(1);

  // `tool`: its server's name and its own.
  bool may_record(const std::string& tool, Time now) const;
  void recorded(const std::string& tool, Time now);

 private:
  static constexpr std::size_t kTidyAt = 10'000;  // tools; what is long quiet is forgotten then
  std::map<std::string, Time> free_at_;  // when the tool's changes of late are all paid off
};

}  // namespace keyturn::connectors::mcp
