// Runs that wait for their turn: how many of a runbook go on at once, and locks. What lasts is
// run.locked in the run's own stream: who has that, and has not ended, holds what it asked for,
// also after a crash.
#include <algorithm>

#include "runs/impl.h"

namespace keyturn::runs {
namespace {

constexpr std::size_t kNamedMax = 5;

std::string said(const std::vector<runbook::WaitsFor>& waits, const std::string& runbook) {
  std::string out;
  for (const runbook::WaitsFor& one : waits) {
    out += (out.empty() ? "" : "; ") +
           (one.lock.empty() ? "as many runs of " + runbook + " as may be are under way"
                             : "lock \"" + one.lock + "\" is taken");
    if (one.by.empty()) out += " (others wait for it already)";
    for (std::size_t i = 0; i < std::min(one.by.size(), kNamedMax); ++i)
      out += (i == 0 ? " (" : ", ") + one.by[i];
    if (one.by.size() > kNamedMax)
      out += " and " + std::to_string(one.by.size() - kNamedMax) + " more";
    if (!one.by.empty()) out += ")";
  }
  return out;
}

}  // namespace

runbook::Claimant Runs::Impl::claimant_of(const One& one) const {
  runbook::Claimant out;
  out.run = one.run.id;
  out.runbook = one.run.runbook;
  out.limit = one.document->concurrency.limit;
  out.locks.insert(one.run.locks.begin(), one.run.locks.end());
  out.ancestors = one.ancestors;
  out.holds = one.run.holds.has_value();
  out.stands_aside = pausing(one) != nullptr || !one.run.cancelled_by.empty();
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

// Those that hold something first: what others hold is free for nobody.
void Runs::Impl::join_loaded() {
  std::vector<const One*> all;
  for (const auto& [id, one] : open) {
    if (one->document->takes_turns()) all.push_back(one.get());
  }
  std::ranges::sort(all, {},
                    [](const One* one) { return std::pair(!one->run.holds, one->run.order); });
  for (const One* one : all) turns.join(claimant_of(*one));
}

Result<bool> Runs::Impl::ask_for_turn(std::shared_ptr<One> one) {
  if (!one->document->takes_turns()) return true;
  Result<std::vector<std::string>> locks = one->document->locks_of(one->run);
  if (!locks) return std::unexpected(locks.error());
  one->run.locks = std::move(*locks);
  const std::string& id = one->run.id;
  turns.join(claimant_of(*one));
  if (turns.holds(id)) {
    take_turns();
    return true;
  }
  const bool circle = turns.would_deadlock(id);
  const bool stays = !circle && !one->document->concurrency.refuses;
  const std::string why = stays ? "" : said(turns.waits_for(id), one->run.runbook);
  if (!stays) turns.leave(id);
  take_turns();
  if (stays) return false;
  if (circle) return refuse("deadlock", "it would wait for a run that waits for it: " + why);
  return refuse("busy", why);
}

// Of one whose start is being recorded, begin() does.
void Runs::Impl::take_turns() {
  for (const std::string& id : turns.granted()) {
    const auto found = open.find(id);
    if (found != open.end()) ports.spawn(take_turn(found->second));
  }
}

Task<void> Runs::Impl::take_turn(std::shared_ptr<One> one) {
  one->take_again.reset();
  if (one->taking || one->run.holds || one->run.end || !one->run.cancelled_by.empty()) co_return;
  one->taking = true;
  std::vector<EventDraft> drafts{runbook::locked(one->run)};
  const Result<void> done = co_await append(one, std::move(drafts));
  one->taking = false;
  if (!done) one->take_again = now() + kTryAgain;
  if (done) carry_on(one);
}

void Runs::Impl::stand(const One& one) {
  std::vector<std::string> all = turns.waiting_within(one.run.id);
  all.push_back(one.run.id);
  for (const std::string& id : all) {
    const auto found = open.find(id);
    if (found != open.end()) turns.stand_aside(id, claimant_of(*found->second).stands_aside);
  }
  take_turns();
}

doc::Value Runs::Impl::waits_for(const One& one, std::size_t most) const {
  doc::Array out;
  for (runbook::WaitsFor& kept : turns.waits_for(one.run.id)) {
    kept.by.resize(std::min(kept.by.size(), most));
    doc::Value what = doc::object({{"held_by", doc::array_of(kept.by)}});
    if (!kept.lock.empty()) what.set("lock", kept.lock);
    out.push_back(std::move(what));
  }
  return out;
}

}  // namespace keyturn::runs
