// Standing approvals: what people agreed to once, for one agent of one owner, one tool, operation
// and resource, and for parameters that are equal or within bounds; counted, and for a time. A fold
// over the streams standing/ID. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "doc/value.h"
#include "model/action.h"
#include "model/event.h"
#include "model/principal.h"
#include "model/verdict.h"
#include "people/bounds.h"
#include "people/lineage.h"

namespace keyturn::people {

struct Standing {
  // Whose agreement it is, as their votes were recorded.
  struct Approval {
    std::string reviewer, instead_of, channel;
    Assurance assurance = Assurance::kToken;
    bool operator==(const Approval&) const = default;
  };

  std::string id;            // sa_…
  std::string agent, owner;  // for this agent while it has this owner
  std::string tool, tool_digest, operation;
  Resource resource;
  Plan plan;               // under which it was agreed to; it stands in for none that asks for more
  Time granted_at, until;  // until: moved forward when it is revoked
  std::uint64_t uses_max = 0, uses = 0;
  std::string action;    // that it was agreed to in
  std::string model;     // the action that it was made from
  std::string proposer;  // person id
  Lineage lineage;       // of `action`: none of them agrees
  std::vector<Approval> approvals;
  std::string revoked_by;

  // Private: empty when erased, and then it stands for nothing.
  doc::Value params;                        // every parameter of the model, numbers plainly written
  Bounds bounds;                            // of some of them; the others are equal
  std::set<std::string> changed_by_policy;  // parameters that a `modify` rule set
  std::string runs;  // digest of what else would run: files, server, limits (gate/executor.h)
  std::string reason;
  bool operator==(const Standing&) const = default;

  bool in_force(Time now) const { return granted_at <= now && now < until; }
  bool has_uses() const { return uses < uses_max; }
  // Every parameter of `args` equal or within its bound, and none missing or more.
  bool fits(const doc::Value& args) const;
};

class Standings {
 public:
  const Standing* find(std::string_view id) const;
  // Of this agent, in force and with uses left; the oldest first.
  std::vector<const Standing*> of(std::string_view agent, Time now) const;
  const std::map<std::string, Standing, std::less<>>& all() const { return all_; }
  // What is over by then is not looked through any more. Time never goes back.
  void pass_time(Time now);

  // Applies one event. Total.
  void evolve(const Event& event);

 private:
  std::map<std::string, Standing, std::less<>> all_;
  std::map<std::string, std::set<std::string>, std::less<>> open_;  // agent -> ids
};

// "standing.granted": {"standing": {id, agent, owner, tool, tool_digest, operation, resource, plan,
// until, uses, action, model, proposer, approvals, lineage}}, private {params, bounds,
// changed_by_policy, runs, reason}
EventDraft standing_granted(const Standing& standing);
// "standing.used": {"standing": {id}, "used_by": {action, agent}}
EventDraft standing_used(const Standing& standing, std::string_view action);
// "standing.revoked": {"standing": {id, by}}, private {"reason"}
EventDraft standing_revoked(const Standing& standing, std::string_view by, std::string_view reason);

}  // namespace keyturn::people
