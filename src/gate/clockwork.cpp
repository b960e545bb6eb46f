// What time does: expiry, the end of a deferral, overdue outcomes, and what a crash left behind.
#include <algorithm>

#include "gate/impl.h"

namespace keyturn::gate {

namespace {

constexpr std::size_t kDueAtOnce = 4096;
constexpr Duration kInboxUnusedMax = std::chrono::minutes(5);

// When time does something to it.
std::optional<Time> due_at(const ActionRecord& r) {
  if (is_final(r.state)) return std::nullopt;
  if (r.state == State::kDeferred) return r.defer_until;
  if (r.state == State::kExecuting) return r.grant ? r.grant->outcome_due : std::nullopt;
  Time at = r.expires_at;
  if (r.state == State::kPending && r.review) {
    for (const std::optional<Time>& due :
         {review::reminder_due(*r.review), review::escalation_due(*r.review)})
      at = std::min(at, due.value_or(at));
  }
  return at;
}

}  // namespace

void Gate::Impl::put_on_agenda(const ActionRecord& record) {
  if (const std::optional<Time> at = due_at(record))
    agenda.put(*at, record.id);
  else
    agenda.forget(record.id);
}

void Gate::tick() {
  impl_->pass_time();
  const Time now = ports_.clock.now();
  if (now - impl_->inboxes_tidied > kInboxUnusedMax) {
    impl_->inboxes.tidy();
    impl_->inboxes_tidied = now;
  }
  for (const ActionId& id : impl_->agenda.take_due(now, kDueAtOnce)) {
    const std::shared_ptr<ActionRecord> record = impl_->open_record(id);
    if (!record) continue;
    const Impl::Due what = impl_->due(*record, now);
    if (what == Impl::Due::kNothing)
      impl_->put_on_agenda(*record);
    else if (!impl_->begin_due(*record, what))
      impl_->agenda.put(now, id);  // behind the others that wait for room
  }
  for (auto& [record, outcome] : std::exchange(impl_->unrecorded, {}))
    ports_.spawn(impl_->record_outcome(record, std::move(outcome)));
  std::ranges::move(std::exchange(impl_->broken_recoveries, {}),
                    std::back_inserter(impl_->left_by_crash));
  ++impl_->recovery_round;  // whoever has not answered by now does not count any more
  impl_->recoveries_under_way = 0;
  impl_->ask_after_crash();
}

Gate::Impl::Due Gate::Impl::due(const ActionRecord& r, Time at) const {
  const std::optional<Time> when = due_at(r);
  if (!when || at < *when) return Due::kNothing;
  return r.state == State::kDeferred ? Due::kWake : Due::kClosing;
}

// False for want of room: it is due at the next tick, too.
bool Gate::Impl::begin_due(const ActionRecord& record, Due what) {
  const std::string requester(record.requester.id);
  if (under_way.actions.contains(record.id.str())) return true;
  if (what == Due::kClosing) {
    if (under_way.closings >= options.closings_at_once) return false;
    ++under_way.closings;
  } else {
    const auto of_one = under_way.wakes_of.find(requester);
    const std::size_t its_own = of_one == under_way.wakes_of.end() ? 0 : of_one->second;
    if (under_way.wakes >= options.wakes_at_once || its_own >= options.wakes_of_one_at_once)
      return false;
    ++under_way.wakes;
    ++under_way.wakes_of[requester];
  }
  under_way.actions.insert(record.id.str());
  ports.spawn(run_due(record.id, what, requester));
  return true;
}

Task<void> Gate::Impl::run_due(ActionId id, Due what, std::string requester) {
  try {
    co_await one_due(id);
    broken.erase(id.str());
  } catch (const std::exception& error) {
    say_broken(id, "what is due", error.what());
  }
  under_way.actions.erase(id.str());
  if (const std::shared_ptr<ActionRecord> still = open_record(id)) put_on_agenda(*still);
  if (what == Due::kClosing) {
    --under_way.closings;
    co_return;
  }
  --under_way.wakes;
  if (--under_way.wakes_of[requester] == 0) under_way.wakes_of.erase(requester);
}

// Once a reason: it is tried again five times a second.
void Gate::Impl::say_broken(const ActionId& id, std::string_view what, std::string_view why) {
  if (!options.log || std::exchange(broken[id.str()], std::string(why)) == why) return;
  options.log("action " + id.str() + ": " + std::string(what) +
              " failed and is tried again: " + std::string(why));
}

Task<void> Gate::Impl::one_due(ActionId id) {
  Serial::Hold hold = co_await serial.take(id.str());
  const std::shared_ptr<ActionRecord> record = open_record(id);
  if (!record || due(*record, now()) == Due::kNothing) co_return;
  if (record->state == State::kDeferred) {
    co_await wake(record);
  } else if (record->state == State::kExecuting) {
    Outcome unknown;
    unknown.reason = "the enforcement point reported no outcome in time";
    co_await finish(record, std::move(unknown));
  } else if (record->state == State::kPending && now() < record->expires_at) {
    co_await nudge(record);
  } else {
    co_await expire(record);
  }
}

// Nobody has answered for long: people are reminded, or others are told. In one commit, once for
// what is due, and told when it is recorded.
Task<void> Gate::Impl::nudge(std::shared_ptr<ActionRecord> record) {
  pass_time();
  std::vector<EventDraft> drafts;
  for (const review::Command& command :
       {review::Command(review::Escalate{}), review::Command(review::Remind{})}) {
    Result<std::vector<EventDraft>> due =
        review::decide(*record->review, command, world.directory, now());
    if (due) std::ranges::move(*due, std::back_inserter(drafts));
  }
  if (drafts.empty()) co_return;
  Result<std::vector<Event>> appended = co_await append(record, std::move(drafts), {}, {});
  if (!appended) co_return;  // the next tick
  changed(record);
  for (const Event& event : *appended) {
    const bool escalated = event.type == "review.escalated";
    notify({escalated ? Notice::Kind::kEscalation : Notice::Kind::kReminder, record,
            escalated ? review::escalated_to(*record->review, world.directory)
                      : review::waiting_for(*record->review, world.directory)});
  }
}

Task<void> Gate::Impl::expire(std::shared_ptr<ActionRecord> record) {
  std::vector<EventDraft> drafts;
  if (record->review && record->review->status == review::Status::kOpen) {
    Result<std::vector<EventDraft>> closed =
        review::decide(*record->review, review::Expire{}, world.directory, now());
    if (!closed) co_return;
    drafts = std::move(*closed);
  } else {
    drafts.push_back({stream_of(record->id), record->grant ? "grant.expired" : "action.expired",
                      doc::Object{}, std::nullopt});
  }
  drafts.back().body.set("state", to_text(State::kExpired));
  if (!record->canary.empty()) reveal(*record, "expired", State::kExpired, drafts);
  Result<std::vector<Event>> appended = co_await append(record, std::move(drafts), {}, {});
  if (appended) changed(record);
}

// A deferral is over. What its requester waits for (ActionRequest::attended) starts when they take
// it up.
Task<void> Gate::Impl::wake(std::shared_ptr<ActionRecord> record) {
  Result<Release> release = co_await decide_anew(record, false);
  if (!release) co_return;  // the next tick
  Result<std::vector<Event>> appended = co_await append(
      record, std::move(release->events), std::move(release->streams), std::move(release->claims));
  if (!appended) co_return;  // the configuration moved: the next tick decides again
  if (record->state == State::kExecuting) start_execution(record);
  changed(record);
}

void Gate::recover() {
  for (const auto& [id, record] : impl_->open) {
    // A run goes on by itself: conclude().
    if (record->state == State::kExecuting && !record->grant &&
        !record->tool.starts_with(catalog::kRunbookPrefix))
      impl_->left_by_crash.push_back(record);
  }
  impl_->ask_after_crash();
}

void Gate::Impl::ask_after_crash() {
  while (!left_by_crash.empty() && recoveries_under_way < options.recoveries_at_once) {
    ++recoveries_under_way;
    ports.spawn(run_recovery(std::move(left_by_crash.front()), recovery_round));
    left_by_crash.pop_front();
  }
}

Task<void> Gate::Impl::run_recovery(std::shared_ptr<ActionRecord> record, std::uint64_t round) {
  try {
    co_await recover_one(record);
  } catch (const std::exception& error) {
    say_broken(record->id, "asking what became of it", error.what());
  }
  if (!is_final(record->state)) {
    broken_recoveries.push_back(record);
  }
  if (round == recovery_round) {
    --recoveries_under_way;
    ask_after_crash();
  }
}

// Nobody here knows what became of a call of an MCP server. (Where its tool is gone, an attended
// action was one.)
bool Gate::Impl::ran_at_mcp_server(const ActionRecord& record) const {
  const catalog::Tool* tool = find_tool(*world.configuration, record.tool);
  return tool != nullptr ? tool->kind == catalog::ToolKind::kMcp : record.attended;
}

Task<void> Gate::Impl::recover_one(std::shared_ptr<ActionRecord> record) {
  Outcome outcome;
  const auto built_in = built_ins.find(record->tool);
  if (built_in != built_ins.end() && built_in->second.what.recover) {
    outcome = co_await built_in->second.what.recover(record->id);
  } else if (built_in != built_ins.end()) {
    outcome.reason =
        "Keyturn stopped while the change was being made; look at the configuration's history";
  } else if (ran_at_mcp_server(*record)) {
    outcome.reason =
        "Keyturn stopped while the MCP server did it; whether it took effect is not known";
  } else {
    outcome = co_await ports.executor.recover(record->id);
  }
  Serial::Hold hold = co_await serial.take(record->id.str());
  co_await finish(record, std::move(outcome));
}

}  // namespace keyturn::gate
