// Recorded decisions taken again by another document, while the server goes on with its work.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "gate/gate.h"
#include "policy/replay.h"

namespace keyturn::admin {

// Runs `job` beside the I/O thread and comes back to it. The job owns all that it touches: who
// waits for it may be gone. Codes: overloaded.
using Aside = std::function<Task<Result<void>>(std::function<void()> job)>;

// The documents and what was counted. Used by one thread at a time, but for `stop`.
struct Replaying {
  std::shared_ptr<const gate::Configuration> active;  // when compared with the document in force
  std::optional<policy::Document> proposed, old;
  std::optional<policy::Replay> replay;
  std::optional<Time> since;
  std::uint64_t limit = 0;
  const Clock* clock = nullptr;  // outlives it; with `until`: when to be content with what there is
  std::optional<Time> until;

  std::optional<Time> oldest;  // of what was looked at
  bool limited = false;        // there was more than `limit`
  bool late = false;           // `until` came before the end
  bool at_end = false;
  std::atomic<bool> stop = false;  // nobody waits for it any more; any thread
};

// Newest first, from entry `before` of the ledger (the first that is not looked at) back to the
// run's limits. What breaks is thrown.
Task<Result<void>> replay_recorded(std::shared_ptr<Replaying> run, store::Journal* journal,
                                   std::uint64_t before, Aside aside);

}  // namespace keyturn::admin
