// Runs that wait for their turn: how many of a runbook go on at once, and locks. What lasts is
// run.locked in the run's own stream: who has that, and has not ended, holds what it asked for,
// also after a crash.
#include <algorithm>

#include "runs/impl.h"

namespace keyturn::runs {
namespace {

// Behind all that have begun.
constexpr std::uint64_t kBeginning = 1ULL << 62;

std::string said(const std::vector<runbook::WaitsFor>& waits, const std::string& runbook) {
  std::string out;
  for (const runbook::WaitsFor& one : waits) {
    out += (out.empty() ? "" : "; ") +
           (one.lock.empty() ? "as many runs of " + runbook + " as may be are under way"
                             : "lock \"" + one.lock + "\" is taken");
    std::string by;
    for (const std::string& run : one.by) by += (by.empty() ? " (" : ", ") + run;
    out += by.empty() ? " (others wait for it already)" : by + ")";
  }
  return out;
}

}  // namespace

std::vector<runbook::Claimant> Runs::Impl::claimants() const {
  std::vector<runbook::Claimant> out;
  const auto add_one = [&](const One& one, std::uint64_t order) {
    if (!one.document->takes_turns()) return;
    runbook::Claimant claimant;
    claimant.run = one.run.id;
    claimant.runbook = one.run.runbook;
    claimant.limit = one.document->concurrency.limit;
    claimant.locks.insert(one.run.locks.begin(), one.run.locks.end());
    claimant.ancestors = one.ancestors;
    claimant.holds = one.run.holds.has_value() || one.taking;
    claimant.stands_aside = pausing(one) != nullptr || !one.run.cancelled_by.empty();
    claimant.order = order;
    out.push_back(std::move(claimant));
  };
  for (const auto& [id, one] : open) add_one(*one, one->run.order);
  for (std::size_t i = 0; i < beginning.size(); ++i) add_one(*beginning[i], kBeginning + i);
  std::ranges::sort(out, {}, &runbook::Claimant::order);
  return out;
}

std::vector<std::string> Runs::Impl::ancestors_of(const gate::ActionRecord& record) const {
  std::vector<std::string> out;
  std::optional<RunStep> step = record.run;
  while (step && out.size() <= kNestedMax) {
    out.push_back(step->run);
    const gate::RecordPtr parent = ports.gate.find_open(ActionId(step->run));
    step = parent ? parent->run : std::nullopt;
  }
  return out;
}

Result<bool> Runs::Impl::ask_for_turn(std::shared_ptr<One> one) {
  if (!one->document->takes_turns()) return true;
  Result<std::vector<std::string>> locks = one->document->locks_of(one->run);
  if (!locks) return std::unexpected(locks.error());
  one->run.locks = std::move(*locks);
  beginning.push_back(one);
  const std::vector<runbook::Claimant> all = claimants();
  const std::vector<runbook::WaitsFor> waits = runbook::waits_for(all, one->run.id);
  one->taking = waits.empty();
  if (one->taking) return true;
  const bool circle = runbook::would_deadlock(all, one->run.id);
  if (!circle && !one->document->concurrency.refuses) return false;
  std::erase(beginning, one);
  if (circle)
    return refuse("deadlock",
                  "it would wait for a run that waits for it: " + said(waits, one->run.runbook));
  return refuse("busy", said(waits, one->run.runbook));
}

void Runs::Impl::take_turns() {
  for (const std::string& id : runbook::can_take(claimants())) {
    const auto found = open.find(id);
    if (found == open.end()) continue;
    found->second->taking = true;
    ports.spawn(take_turn(found->second));
  }
}

Task<void> Runs::Impl::take_turn(std::shared_ptr<One> one) {
  std::vector<EventDraft> drafts{runbook::locked(one->run)};
  const Result<void> done = co_await append(one, std::move(drafts));
  one->taking = false;
  if (!done) one->look_again = now() + kTryAgain;
  carry_on(one);
}

}  // namespace keyturn::runs
