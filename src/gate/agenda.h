// When which action has to be looked at again: what is not due costs nothing.
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/time.h"
#include "model/principal.h"

namespace keyturn::gate {

// One entry an action, at most.
class Agenda {
 public:
  void put(Time at, const ActionId& id) {
    forget(id);
    at_.emplace(id, at);
    in_order_.emplace(at, id);
  }

  void forget(const ActionId& id) {
    const auto found = at_.find(id);
    if (found == at_.end()) return;
    in_order_.erase({found->second, id});
    at_.erase(found);
  }

  // At most `most`, the earliest first; they are gone from here.
  std::vector<ActionId> take_due(Time now, std::size_t most) {
    std::vector<ActionId> out;
    while (!in_order_.empty() && in_order_.begin()->first <= now && out.size() < most) {
      out.push_back(in_order_.begin()->second);
      forget(out.back());
    }
    return out;
  }

  std::size_t size() const { return at_.size(); }

 private:
  std::map<ActionId, Time> at_;
  std::set<std::pair<Time, ActionId>> in_order_;
};

}  // namespace keyturn::gate
