// Which runs may go on, and which wait for others: how many of a runbook run at once, and locks by
// name. A run takes all that it asks for at once, before its first step, and gives it back when it
// ends. Pure.
//
// Whoever asked first takes first. A run that others started, and that hold something themselves,
// does not stand in line: what the runs above it hold is its own too, and it waits only for what
// others really hold. So nobody who holds anything waits for anybody who waits in line, and the
// only circle that there could be is one of runs within runs: would_deadlock() tells before it is
// closed.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace keyturn::runbook {

struct Claimant {
  std::string run;  // act_…
  std::string runbook;
  int limit = 0;                       // so many runs of its runbook at once; 0: any number
  std::set<std::string> locks;         // by name
  std::vector<std::string> ancestors;  // the runs that it is a step of, the nearest first
  bool holds = false;
  bool stands_aside = false;  // paused or cancelled while it waits: keeps nobody waiting
  std::uint64_t order = 0;    // of its start
};

// What keeps a run waiting.
struct WaitsFor {
  std::string lock;             // its name; "": as many runs of the runbook as may be
  std::vector<std::string> by;  // the runs that hold it; none: others wait for it longer
  bool operator==(const WaitsFor&) const = default;
};

// The runs that may take what they ask for now, all of them together.
std::vector<std::string> can_take(const std::vector<Claimant>& all);
// Empty when it holds already, or could take.
std::vector<WaitsFor> waits_for(const std::vector<Claimant>& all, const std::string& run);
// Whether waiting would never end: it waits, in the end, for a run that waits for it.
bool would_deadlock(const std::vector<Claimant>& all, const std::string& run);

}  // namespace keyturn::runbook
