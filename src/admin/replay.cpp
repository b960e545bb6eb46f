#include "admin/replay.h"

#include "base/task_impl.h"
#include "gate/replay.h"

namespace keyturn::admin {
namespace {

constexpr std::size_t kChunk = 2048;  // entries of the ledger

// False: that was the last.
bool take(Replaying& run, const Event& event) {
  if (run.stop) return false;
  if (event.type != "action.decided") return true;
  if (run.since && event.time < *run.since) {
    run.at_end = true;
    return false;
  }
  run.limited = run.replay->looked_at() >= run.limit;
  run.late = run.until && run.clock->now() >= *run.until;
  if (run.limited || run.late) {
    run.at_end = true;
    return false;
  }
  run.oldest = event.time;
  const auto decision = gate::recorded_decision(event);
  if (decision)
    run.replay->add(*decision);
  else
    run.replay->add(decision.error());
  return true;
}

void evaluate(Replaying& run, const store::FirstEvents& chunk) {
  for (std::uint64_t i = 0; i < chunk.unreadable; ++i)
    run.replay->add(policy::Unrepeatable::kUnreadable);
  for (const Event& event : chunk.events) {
    if (!take(run, event)) return;
  }
}

}  // namespace

Task<Result<void>> replay_recorded(std::shared_ptr<Replaying> run, store::Journal* journal,
                                   std::uint64_t before, Aside aside) {
  while (before > 0 && !run->stop && !run->at_end) {
    store::FirstEvents read = co_await journal->read_first_events("action/", before, kChunk);
    before = read.from;
    const auto chunk = std::make_shared<const store::FirstEvents>(std::move(read));
    Result<void> evaluated = co_await aside([run, chunk] { evaluate(*run, *chunk); });
    if (!evaluated) co_return evaluated;
  }
  co_return Result<void>{};
}

}  // namespace keyturn::admin
