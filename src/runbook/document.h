// A runbook as people wrote it: steps, in order, each an action, a hold
// point, a mark, or a group of steps. Immutable after loading.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "catalog/tool.h"
#include "doc/read.h"
#include "model/verdict.h"
#include "runbook/expression.h"
#include "runbook/run.h"
#include "runbook/trigger.h"

namespace keyturn::policy {
struct Roster;
}

namespace keyturn::runbook {

enum class StepKind {
  kAction,   // tool: NAME, or runbook: NAME
  kApprove,  // people agree to going on
  kPass,     // does nothing; a mark in the record
  kGroup,    // steps: […]
  kBranches  // branches: {NAME: […]}, side by side
};

// Of a step that may be done twice (`idempotent: true`): when it failed, again after `backoff`,
// then twice that, and so on up to `backoff_max`.
struct Retry {
  int tries = 1;
  Duration backoff = std::chrono::seconds(1), backoff_max = std::chrono::minutes(1);
};

// Undoes a step that succeeded, when the run fails or is cancelled after it.
struct Compensation {
  std::string tool;
  Template args;
};

struct Step;
struct Branch {
  std::string name;  // "" of a group
  std::vector<Step> steps;
};

struct Step {
  std::string id;    // unique in the document
  std::string name;  // for people; the id when there is none
  StepKind kind = StepKind::kPass;
  std::string tool;
  Template args;
  std::optional<Expression> when;
  std::optional<Expression> foreach;  // a list: once for each, as `item`
  int at_once = 1;                    // of a foreach
  bool idempotent = false;
  Retry retry;
  Duration timeout{};  // from its beginning to its end, people's time counted; 0: none
  std::vector<std::pair<std::string, Expression>> outputs;
  bool goes_on = false;          // on_failure: continue
  std::vector<Step> on_failure;  // done when it failed; the run fails all the same
  std::optional<Compensation> compensate;
  Template message, shows;  // kApprove
  Plan plan;                // kApprove
  std::vector<Branch> branches;
};

// How many runs of a runbook there are at once, the longest waiting first; `refuses`: who cannot
// go on at once, for that or for a lock, fails instead of waiting.
struct Concurrency {
  int limit = 0;  // 0: any number
  bool refuses = false;
};

// Who there is, to warn of whoever is named and is not there; null: not known.
struct Known {
  const policy::Roster* roster = nullptr;
  const std::set<std::string>* agents = nullptr;
};

struct Document {
  std::string name;
  bool approves_plan = false;  // review: plan
  Duration timeout{};          // of the whole run; 0: none
  std::vector<Step> steps;
  std::vector<std::pair<std::string, Expression>> outputs;
  Concurrency concurrency;
  std::vector<Template> locks;  // texts over `inputs`
  std::vector<Trigger> triggers;

  // Whether its runs take something before their first step (runbook/turns.h).
  bool takes_turns() const { return concurrency.limit > 0 || !locks.empty(); }
  // Codes: expression, invalid_lock.
  [[nodiscard]] Result<std::vector<std::string>> locks_of(const Run& run) const;

  // `tool` is the runbook as the catalog has it (ToolKind::kRunbook). `tools`: which tools there
  // are, to tell a slip early; may be null. Every problem is reported with its position, errors
  // before warnings.
  static std::shared_ptr<const Document> load(const catalog::Tool& tool,
                                              const catalog::Catalog* tools,
                                              doc::Problems& problems, const Known& known = {});
};

// Every runbook among the tools, with what it says of tools; how many there are.
std::size_t check_runbooks(const catalog::Catalog& tools, doc::Problems& problems,
                           const Known& known = {});

inline constexpr std::size_t kStepsMax = 500;   // of a document, nested ones counted
inline constexpr std::size_t kItemsMax = 1000;  // of a foreach
inline constexpr std::size_t kDepthMax = 8;     // of groups in groups
inline constexpr std::size_t kLocksMax = 20, kLockBytesMax = 200, kTriggersMax = 50;

}  // namespace keyturn::runbook
