// How often an actor has asked for a tool on a resource: what `history.*` of a condition reads.
// Kept as events come; counted in whole minutes (the last hour) and whole hours (the rest), so that
// a window may hold up to one minute or hour more than its name says, and never less.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "policy/input.h"
#include "store/read_model.h"

namespace keyturn::gate {

class History {
 public:
  struct Use {
    std::string actor, tool, kind, name;  // of the resource the last two
    auto operator<=>(const Use&) const = default;
  };

  // Until the past is there nothing is known, and a condition that asks is an error: a denial.
  bool is_known() const { return known_; }
  // What was asked for before this process began: minutes of the last hour, hours of the last
  // seven days, and everything that was ever asked for. What was counted meanwhile stays.
  void load(const std::vector<store::Uses>& minutes, const std::vector<store::Uses>& hours,
            const std::vector<store::Uses>& ever);

  void asked(const Use& use, Time at);
  void not_asked(const Use& use, Time at);     // after all: takes one asked() back
  void denied(const Use& use, Time asked_at);  // by policy or by people
  // `own`: when the request in question was counted itself, if it was: it is left out.
  std::optional<policy::HistoryInput> of(const Use& use, Time now,
                                         std::optional<Time> own = std::nullopt) const;

 private:
  struct Counts {
    std::int64_t asked = 0, denied = 0;
  };
  using Buckets = std::map<std::int64_t, Counts>;  // by minutes, or hours, since 1970
  struct Past {
    Buckets minutes, hours;
  };
  static void add(Buckets& buckets, std::int64_t at, std::int64_t kept, Counts more);

  std::map<Use, Past> past_;
  bool known_ = false;
};

}  // namespace keyturn::gate
