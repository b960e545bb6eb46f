// Which runs may go on, and which wait for others: how many of a runbook run at once, and locks by
// name. A run takes all that it asks for at once, before its first step, and gives it back when it
// ends. Pure; each call costs what it changes, and not how many wait.
//
// Whoever asked first takes first. Who waits keeps the locks that it waits for from those behind
// it, and a turn only while nothing else keeps it: a place that is free is not kept for a run that
// waits for a lock.
//
// A run that others started, and that hold something themselves, does not stand in line: what the
// runs above it hold is its own too, and it waits only for what others really hold. So nobody who
// holds anything waits for anybody who waits in line, and the only circle that there could be is
// one of runs within runs: would_deadlock() tells before it is closed.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
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
};

// What keeps a run waiting.
struct WaitsFor {
  std::string lock;             // its name; "": as many runs of the runbook as may be
  std::vector<std::string> by;  // the runs that hold it; none: others wait for it longer
  bool operator==(const WaitsFor&) const = default;
};

class Turns {
 public:
  Turns() = default;
  Turns(const Turns&) = delete;  // its lines point into it
  Turns& operator=(const Turns&) = delete;

  // Behind all that are there. It holds what it asks for from now on if it can. One of the same
  // name that is there leaves first; what it is within joined before, and leaves after it.
  void join(Claimant one);
  void leave(const std::string& run);
  void stand_aside(const std::string& run, bool aside);  // of one that waits

  // Who has got what they asked for since this was last asked, without those who left again.
  std::vector<std::string> granted();
  bool holds(const std::string& run) const;  // false also of those who are not there
  // Empty when it holds, or stands aside.
  std::vector<WaitsFor> waits_for(const std::string& run) const;
  // Those that are within it, at any depth, and wait.
  std::vector<std::string> waiting_within(const std::string& run) const;
  // Whether waiting would never end: of what it asks for, too much is held by runs that wait, in
  // the end, for a run that waits for it.
  bool would_deadlock(const std::string& run) const;

 private:
  // The place in line: whoever is within a run that holds something first, and then as they came.
  using Place = std::pair<bool, std::uint64_t>;
  struct Entry {
    Claimant who;
    Place place;
    bool in_line = false;  // it waits, and does not stand aside
    bool ready = false;    // in line, and no lock keeps it
  };
  struct Lock {
    std::set<std::string> holders;
    std::map<Place, Entry*> line;
  };
  struct Book {
    std::set<std::string> holders;
    std::map<Place, Entry*> ready;
    std::size_t claimants = 0;
    // Of all that were there: documents change while their runs go on.
    std::size_t limit_max = 0, above_max = 0;
  };

  void enter(Entry& one);     // into the line
  void step_out(Entry& one);  // out of it
  void take(Entry& one);
  void give_back(const Entry& one);
  void set_ready(Entry& one, bool ready);
  void look_at(const Lock& lock, bool only_ready);
  void look_at(const Book& book);
  void settle();  // until nobody in line can take anything
  bool has_locks(const Entry& one) const;
  bool has_turn(const Entry& one) const;
  std::size_t ready_before(const Book& book, const Entry& one) const;
  std::vector<std::string> keepers(const std::set<std::string>& holders, const Entry& one) const;
  const Entry* find(const std::string& run) const;
  bool can_end(const std::string& holder, const std::set<std::string>& will_take) const;
  bool can_take(const Entry& one, const std::set<std::string>& will_take) const;

  std::map<std::string, Entry> entries_;                 // by run
  std::map<std::string, Lock> locks_;                    // by name
  std::map<std::string, Book> books_;                    // by the runbook's name
  std::map<std::string, std::set<std::string>> within_;  // run -> those that are within it
  std::map<Place, Entry*> to_look_at_;                   // whose readiness may have changed
  std::vector<std::string> granted_;
  std::uint64_t joined_ = 0;
};

}  // namespace keyturn::runbook
