// What people do to an action: vote, take back, comment, cancel. (amend.cpp: amend.)
#include <algorithm>

#include "gate/impl.h"

namespace keyturn::gate {
namespace {

std::unexpected<Refusal> not_found() {
  return refuse("not_found", "there is no such action, or not for you");
}

State state_after(const review::Review& review, State now) {
  switch (review.status) {
    case review::Status::kDenied:
      return State::kDenied;
    case review::Status::kExpired:
      return State::kExpired;
    case review::Status::kCancelled:
      return State::kCancelled;
    case review::Status::kApproved:
    case review::Status::kOpen:
    case review::Status::kNone:
      return now;
  }
  return now;
}

// A copy of the record with the drafts folded in: what it would be.
std::shared_ptr<ActionRecord> folded(const ActionRecord& record,
                                     const std::vector<EventDraft>& drafts, Time now) {
  auto next = std::make_shared<ActionRecord>(record);
  for (const EventDraft& draft : drafts)
    evolve(*next, as_if_committed(draft, next->version + 1, now));
  return next;
}

void mark_state(std::vector<EventDraft>& drafts, const ActionRecord& after, State before) {
  const State state = state_after(*after.review, before);
  if (state != before) drafts.back().body.set("state", to_text(state));
}

}  // namespace

Task<Result<RecordPtr>> Gate::vote(Principal who, ActionId id, VoteCommand command) {
  Serial::Hold hold = co_await impl_->serial.take(id.str());
  ++numbers_.votes;
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    std::shared_ptr<ActionRecord> record = co_await impl_->load_record(id);
    if (!record || !may_read(who, *record)) co_return not_found();
    if (!record->review)
      co_return refuse("closed", "nobody is asked about this action; it is " +
                                     std::string(to_text(record->state)));
    const Time at = ports_.clock.now();
    impl_->pass_time();
    if (Result<void> ok = impl_->check_not_planted_by(*record, who); !ok)
      co_return std::unexpected(ok.error());
    review::CastVote cast{.by = who,
                          .decision = command.decision,
                          .digest = command.digest,
                          .note = command.note,
                          .assertion = command.assertion,
                          .provider = command.provider,
                          .instead_of = command.instead_of,
                          .looked = command.looked,
                          .retyped = command.retyped};
    Result<std::vector<EventDraft>> drafts =
        review::decide(*record->review, cast, world_.directory, at);
    if (!drafts) co_return std::unexpected(drafts.error());
    Serial::Hold turn;  // until it is recorded, nobody else approves the like of it
    if (Impl::asks_another(*record, drafts->front())) turn = co_await impl_->take_turn(*record);
    if (Result<void> ok = impl_->check_another(*record, drafts->front()); !ok)
      co_return std::unexpected(ok.error());
    if (Result<void> ok = impl_->check_words(command.note, "the note", "/note"); !ok)
      co_return std::unexpected(ok.error());
    std::shared_ptr<ActionRecord> after = folded(*record, *drafts, at);
    std::set<std::string> streams = review::streams_read(*after->review, world_.directory);
    streams.merge(impl_->streams_behind(record->tool));
    std::vector<store::Claim> claims;
    bool executes = false;
    const bool is_over = after->review->status != review::Status::kOpen;
    if (is_over && !record->canary.empty()) {
      const bool missed = after->review->status == review::Status::kApproved;
      impl_->reveal(*record, missed ? "missed" : "caught",
                    missed ? State::kCancelled : State::kDenied, *drafts);
    } else if (after->review->status == review::Status::kApproved) {
      Result<Impl::Release> release = co_await impl_->prepare_release(after, at);
      if (!release && release.error().code == "conflict") continue;
      if (!release) co_return std::unexpected(release.error());
      std::ranges::move(release->events, std::back_inserter(*drafts));
      streams.merge(release->streams);
      claims = std::move(release->claims);
      executes = release->executes;
    } else {
      mark_state(*drafts, *after, record->state);
      if (after->review->status == review::Status::kDenied)
        drafts->back().body.set("request_print", impl_->request_print(impl_->case_of(*record)));
    }
    Result<std::vector<Event>> appended =
        co_await impl_->append(record, std::move(*drafts), std::move(streams), std::move(claims));
    if (!appended && appended.error().code == "conflict")
      continue;  // somebody changed what it read: decide again
    if (!appended) co_return std::unexpected(appended.error());
    if (executes && record->state == State::kExecuting) impl_->start_execution(record);
    if (record->grant && record->state == State::kApproved) ++numbers_.released;
    impl_->changed(record);
    co_return record;
  }
  co_return refuse("conflict", "too many changes at once; vote again");
}

Task<Result<RecordPtr>> Gate::take_back(Principal who, ActionId id) {
  return impl_->simple_command(who, id, review::TakeBack{who});
}

Task<Result<RecordPtr>> Gate::comment(Principal who, ActionId id, std::string text) {
  return impl_->simple_command(who, id, review::Comment{who, std::move(text)});
}

Task<Result<RecordPtr>> Gate::Impl::simple_command(Principal who, ActionId id,
                                                   review::Command command) {
  Serial::Hold hold = co_await serial.take(id.str());
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    std::shared_ptr<ActionRecord> record = co_await load_record(id);
    if (!record || !gate.may_read(who, *record)) co_return not_found();
    review::Review review = record->review.value_or(review::Review{});
    if (review.action.empty()) review.action = id.str();
    pass_time();
    Result<std::vector<EventDraft>> drafts =
        review::decide(review, command, world.directory, now());
    if (!drafts) co_return std::unexpected(drafts.error());
    if (const auto* comment = std::get_if<review::Comment>(&command)) {
      if (Result<void> ok = check_words(comment->text, "the comment", "/text"); !ok)
        co_return std::unexpected(ok.error());
    }
    Result<std::vector<Event>> appended = co_await append(record, std::move(*drafts), {}, {});
    if (!appended && appended.error().code == "conflict") continue;
    if (!appended) co_return std::unexpected(appended.error());
    changed(record);
    co_return record;
  }
  co_return refuse("conflict", "too many changes at once; try again");
}

Task<Result<RecordPtr>> Gate::cancel(Principal who, ActionId id) {
  Serial::Hold hold = co_await impl_->serial.take(id.str());
  std::shared_ptr<ActionRecord> record = co_await impl_->load_record(id);
  if (!record || !may_read(who, *record)) co_return not_found();
  if (record->state == State::kExecuting)
    co_return refuse("executing", record->tool.starts_with(catalog::kRunbookPrefix)
                                      ? "the run has begun: cancel it as a run (/v1/runs/" +
                                            id.str() + "/cancel, keyturn runbook cancel)"
                                      : "it runs already and cannot be cancelled");
  if (is_final(record->state))
    co_return refuse("closed", "the action is " + std::string(to_text(record->state)));
  if (!people::may_cancel(world_.directory, record->lineage, who)) {
    co_return refuse("not_allowed", "only the requester, its owner or an administrator may cancel");
  }
  std::vector<EventDraft> drafts;
  if (record->review && record->review->status == review::Status::kOpen) {
    Result<std::vector<EventDraft>> closed = review::decide(
        *record->review, review::Cancel{who, "cancelled"}, world_.directory, ports_.clock.now());
    if (!closed) co_return std::unexpected(closed.error());
    drafts = std::move(*closed);
  } else {
    drafts.push_back(
        {stream_of(id), "action.cancelled", doc::object({{"by", who.id}}), std::nullopt});
  }
  drafts.back().body.set("state", to_text(State::kCancelled));
  if (!record->canary.empty()) impl_->reveal(*record, "cancelled", State::kCancelled, drafts);
  Result<std::vector<Event>> appended = co_await impl_->append(record, std::move(drafts), {}, {});
  if (!appended) co_return std::unexpected(appended.error());
  impl_->changed(record);
  co_return record;
}

}  // namespace keyturn::gate
