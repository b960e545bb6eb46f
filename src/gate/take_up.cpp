// What starts only while whoever asked for it is there to take the result, as of a tool call that
// a client holds open: nothing happens that nobody hears of.
#include "gate/impl.h"

namespace keyturn::gate {

// Decided from the beginning, under the configuration of now: after a deferral, and when what was
// allowed is not what it was.
Task<Result<Gate::Impl::Release>> Gate::Impl::decide_anew(std::shared_ptr<ActionRecord> record,
                                                          bool there) {
  Release release;
  Case c = case_of(*record);
  c.absent = !there;
  State state = State::kDenied;
  const bool suspended = is_suspended(record->requester);
  if (c.tool == nullptr || suspended) {
    c.verdict = policy::deny_unknown_tool(*c.configuration->policy, record->tool);
    if (suspended) {
      c.verdict.decided_by = "suspended";
      c.verdict.hits.clear();
      c.verdict.reasons = {"agent " + record->requester.id + " is suspended"};
    }
    seal_digest(c);
    release.events.push_back(decided_draft(c, State::kDenied));
  } else {
    Result<Described> described = co_await describe(of(c));
    if (!described && described.error().code == "overloaded")
      co_return std::unexpected(described.error());
    if (described) {
      c.described = std::move(*described);
      c.may_stand = true;
      Result<Case> decided = co_await decide_case(c, record->created_at);
      if (decided)
        c = std::move(*decided);
      else
        described = std::unexpected(decided.error());
    }
    if (!described) {
      c.verdict.decided_by = "error";
      c.verdict.policy_digest = c.configuration->policy->digest();
      c.verdict.reasons = {"cannot be decided any more: " + described.error().message};
      seal_digest(c);
    }
    release.events = first_events(c, state);
    if (state == State::kApproved || state == State::kExecuting) {
      std::ranges::move(start_events(c.id, *c.tool, now() + options.grant_expires,
                                     waits_for_requester(c), release.claims),
                        std::back_inserter(release.events));
    }
  }
  // What it read has moved while it was described: decided again.
  if (c.configuration != world.configuration || is_suspended(record->requester) != suspended)
    co_return refuse("conflict", "the configuration has changed meanwhile");
  release.streams = streams_behind(record->tool);
  if (record->requester.kind == PrincipalKind::kAgent)
    release.streams.insert("agent/" + record->requester.id);
  for (const store::Expect& read : c.expects) release.streams.insert(read.stream);
  release.executes = state == State::kExecuting;
  co_return release;
}

// Nobody was asked: what policy, or what stands, allowed is started if it would be allowed so now.
Task<Result<Gate::Impl::Release>> Gate::Impl::prepare_allowed(
    std::shared_ptr<ActionRecord> record) {
  if (Result<void> ok = check_not_suspended(record->requester); !ok)
    co_return std::unexpected(ok.error());
  const std::shared_ptr<const Configuration> configuration = world.configuration;
  const catalog::Tool* tool = find_tool(*configuration, record->tool);
  bool same = tool != nullptr && tool->digest == record->tool_digest;
  if (same) {
    const Result<Described> described = co_await describe(
        {record->requester, *tool, record->args, record->claims, record->id}, record->description);
    if (!described && described.error().code == "overloaded")
      co_return std::unexpected(described.error());
    same = described && runs_the_same(*tool, described->description, record->description);
  }
  if (same) {
    if (configuration != world.configuration || is_suspended(record->requester))
      co_return refuse("conflict", "the configuration has changed meanwhile");
    pass_time();
    same = check_still_decided(*record).has_value();
  }
  if (!same) {
    Result<Release> again = co_await decide_anew(std::move(record), true);
    co_return again;
  }
  Release release;
  if (const people::Standing* by = world.standing.find(record->standing))
    release.streams = streams_of(*by, record->lineage);
  release.events = start_events(record->id, *tool, record->expires_at, false, release.claims);
  release.executes = true;
  co_return release;
}

Task<Result<Gate::Impl::Release>> Gate::Impl::prepare_taken_up(
    std::shared_ptr<ActionRecord> record) {
  if (!record->review) {
    Result<Release> allowed = co_await prepare_allowed(std::move(record));
    co_return allowed;
  }
  Result<Release> released = co_await prepare_release(record, now(), true);
  co_return released;
}

Task<Result<RecordPtr>> Gate::take_up(Principal who, ActionId id) {
  Serial::Hold hold = co_await impl_->serial.take(id.str());
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    const std::shared_ptr<ActionRecord> record = co_await impl_->load_record(id);
    if (!record || !record->canary.empty() || who.kind != record->requester.kind ||
        who.id != record->requester.id)
      co_return refuse("not_found", "there is no such action of yours");
    if (record->state == State::kExecuting || is_final(record->state)) co_return record;
    if (record->state != State::kApproved || !record->attended)
      co_return refuse("closed", "the action is " + std::string(to_text(record->state)) +
                                     ": there is nothing to take up");
    if (now_passed(record->expires_at))
      co_return refuse("closed", "what was approved has expired; ask again");
    impl_->pass_time();
    Result<Impl::Release> release = co_await impl_->prepare_taken_up(record);
    if (!release && release.error().code == "conflict") continue;
    if (!release) co_return std::unexpected(release.error());
    if (release->events.empty()) co_return record;  // its evidence is on the way
    release->streams.merge(impl_->streams_behind(record->tool));
    if (who.kind == PrincipalKind::kAgent) release->streams.insert("agent/" + who.id);
    Result<std::vector<Event>> appended =
        co_await impl_->append(record, std::move(release->events), std::move(release->streams),
                               std::move(release->claims));
    if (!appended && appended.error().code == "conflict") continue;
    if (!appended) co_return std::unexpected(appended.error());
    if (release->executes && record->state == State::kExecuting) impl_->start_execution(record);
    impl_->changed(record);
    co_return record;
  }
  co_return refuse("conflict", "too many changes at once; try again");
}

}  // namespace keyturn::gate
