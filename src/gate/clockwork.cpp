// What time does: expiry, the end of a deferral, overdue outcomes, and what a crash left behind.
#include <algorithm>

#include "gate/impl.h"

namespace keyturn::gate {

Task<void> Gate::tick() {
  const Time now = ports_.clock.now();
  std::vector<ActionId> due;
  for (const auto& [id, record] : impl_->open) {
    const bool expires = (record->state == State::kPending || record->state == State::kApproved) &&
                         now >= record->expires_at;
    const bool wakes =
        record->state == State::kDeferred && record->defer_until && now >= *record->defer_until;
    const bool overdue = record->state == State::kExecuting && record->grant &&
                         record->grant->outcome_due && now >= *record->grant->outcome_due;
    if (expires || wakes || overdue) due.push_back(record->id);
  }
  for (const ActionId& id : due) co_await impl_->one_due(id);
}

Task<void> Gate::Impl::one_due(ActionId id) {
  Serial::Hold hold = co_await serial.take(id.str());
  const std::shared_ptr<ActionRecord> record = open_record(id);
  if (!record) co_return;
  const Time at = now();
  switch (record->state) {
    case State::kPending:
    case State::kApproved:
      if (at >= record->expires_at) co_await expire(record);
      co_return;
    case State::kDeferred:
      if (record->defer_until && at >= *record->defer_until) co_await wake(record);
      co_return;
    case State::kExecuting:
      if (record->grant && record->grant->outcome_due && at >= *record->grant->outcome_due) {
        Outcome unknown;
        unknown.reason = "the enforcement point reported no outcome in time";
        co_await finish(record, std::move(unknown));
      }
      co_return;
    case State::kSucceeded:
    case State::kFailed:
    case State::kUnknown:
    case State::kDenied:
    case State::kExpired:
    case State::kCancelled:
      co_return;
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
                      doc::Object{}, std::nullopt, ""});
  }
  drafts.back().body.set("state", to_text(State::kExpired));
  Result<std::vector<Event>> appended = co_await append(record, std::move(drafts), {}, {});
  if (appended) changed(record);
}

// A deferral is over: decided again from the beginning, under the configuration of now.
Task<void> Gate::Impl::wake(std::shared_ptr<ActionRecord> record) {
  Case c = case_of(*record);
  State state = State::kDenied;
  std::vector<EventDraft> events;
  std::vector<store::Claim> claims;
  const bool suspended = is_suspended(record->requester);
  if (c.tool == nullptr || suspended) {
    c.verdict = policy::deny_unknown_tool(*c.configuration->policy, record->tool);
    if (suspended) {
      c.verdict.decided_by = "suspended";
      c.verdict.hits.clear();
      c.verdict.reasons = {"agent " + record->requester.id + " is suspended"};
    }
    seal_digest(c);
    events.push_back(decided_draft(c, State::kDenied));
  } else {
    Result<Described> described = co_await describe(*c.tool, c.args);
    if (described) {
      c.described = std::move(*described);
      Result<Case> decided = co_await decide_case(c, record->created_at);
      if (decided) c = std::move(*decided);
    }
    events = first_events(c, state);
    if (state == State::kApproved || state == State::kExecuting) {
      std::ranges::move(start_events(c.id, *c.tool, now() + options.grant_expires, claims),
                        std::back_inserter(events));
    }
  }
  // What it read has moved while it was described: the next tick decides again.
  if (c.configuration != world.configuration || is_suspended(record->requester) != suspended)
    co_return;
  std::set<std::string> streams{"policy", "tools", "config"};
  if (record->requester.kind == PrincipalKind::kAgent)
    streams.insert("agent/" + record->requester.id);
  Result<std::vector<Event>> appended =
      co_await append(record, std::move(events), std::move(streams), std::move(claims));
  if (!appended) co_return;  // the configuration moved: the next tick decides again
  if (record->state == State::kExecuting) start_execution(record);
  changed(record);
}

Task<void> Gate::recover() {
  std::vector<std::shared_ptr<ActionRecord>> running;
  for (const auto& [id, record] : impl_->open) {
    if (record->state == State::kExecuting && !record->grant) running.push_back(record);
  }
  for (const std::shared_ptr<ActionRecord>& record : running) {
    Outcome outcome;
    if (impl_->built_ins.contains(record->tool)) {
      outcome.reason =
          "Keyturn stopped while the change was being made; look at the configuration's history";
    } else {
      outcome = co_await ports_.executor.recover(record->id);
    }
    Serial::Hold hold = co_await impl_->serial.take(record->id.str());
    co_await impl_->finish(record, std::move(outcome));
  }
}

}  // namespace keyturn::gate
