// When which action has to be looked at again: what is not due costs nothing.
#pragma once

#include <queue>
#include <utility>
#include <vector>

#include "base/time.h"
#include "model/principal.h"

namespace keyturn::gate {

// A hint, never the truth: an entry may be out of date, and an action may have several. Whoever
// takes one asks the action itself.
class Agenda {
 public:
  void put(Time at, const ActionId& id) { entries_.emplace(at, id); }

  // At most `most`, the earliest first; they are gone from here.
  std::vector<ActionId> take_due(Time now, std::size_t most) {
    std::vector<ActionId> out;
    while (!entries_.empty() && entries_.top().first <= now && out.size() < most) {
      out.push_back(entries_.top().second);
      entries_.pop();
    }
    return out;
  }

 private:
  using Entry = std::pair<Time, ActionId>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> entries_;
};

}  // namespace keyturn::gate
