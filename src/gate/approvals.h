// Who has lately approved what of the same kind: the same agent, tool and resource. For plans that
// ask for another reviewer (Plan::another).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gate/history.h"
#include "people/directory.h"
#include "store/read_model.h"

namespace keyturn::gate {

class Approvals {
 public:
  static constexpr Duration kKept = std::chrono::days(30);

  struct Vote {
    std::string action;
    std::string person;  // whose approval it is: who gave it, or in whose place it was given
    std::string by;      // who gave it
    Time at;
  };

  // Until the past is there it is not known whether somebody has.
  bool is_known() const { return known_; }
  void load(const std::vector<store::Approved>& past);
  void voted(const History::Use& use, Vote vote);
  void taken_back(const History::Use& use, const std::string& action, const std::string& by);
  void forget(const History::Use& use, const std::string& action);

  // The action that this human approved at `since` or later, and that is not `action`; "": none.
  std::string lately(const History::Use& use, const std::string& action,
                     const people::Directory& directory, std::string_view person, Time since) const;

 private:
  std::map<History::Use, std::vector<Vote>> votes_;
  bool known_ = false;
};

}  // namespace keyturn::gate
