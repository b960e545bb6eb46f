// Amending: a changed copy is decided by policy and takes the place of the action that waits. Both
// happen in one commit: never is each of them open, never neither.
#include <algorithm>

#include "gate/impl.h"

namespace keyturn::gate {

Task<Result<Submitted>> Gate::amend(Principal who, ActionId id, doc::Value args, std::string note) {
  Serial::Hold hold = co_await impl_->serial.take(id.str());
  std::shared_ptr<ActionRecord> record = co_await impl_->load_record(id);
  if (!record || !may_read(who, *record))
    co_return refuse("not_found", "there is no such action, or not for you");
  if (Result<void> ok = impl_->can_amend(who, *record); !ok) co_return std::unexpected(ok.error());
  if (note.size() > review::kNoteBytesMax) {
    co_return refuse("note_too_large",
                     "a note has at most " + std::to_string(review::kNoteBytesMax) + " bytes",
                     "/note");
  }
  if (Result<void> ok = impl_->check_words(note, "the note", "/note"); !ok)
    co_return std::unexpected(ok.error());
  if (Result<void> ok = impl_->admit(who, false); !ok) co_return std::unexpected(ok.error());
  if (!record->canary.empty()) {
    Result<void> ended = co_await impl_->end_amended(who, record);
    if (!ended) co_return std::unexpected(ended.error());
    co_return refuse("closed", "this was an exercise, planted by " + record->canary +
                                   "; to change it ends it, as to deny it would");
  }
  ++numbers_.requested;
  ActionRequest request;
  request.tool = record->tool;
  request.args = std::move(args);
  request.reason = record->reason;
  request.claims = record->claims;
  request.traceparent = record->traceparent;
  request.attended = record->attended;
  request.run = record->run;  // what takes a step's place is the step
  // When the world moves before the record of it is durable, decide again on the new one.
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    Result<Case> successor = co_await impl_->build_case(who, request, id.str(), record.get());
    if (!successor) co_return std::unexpected(successor.error());
    Result<Closing> closes = impl_->close_for(who, record, *successor, note);
    if (!closes) co_return std::unexpected(closes.error());
    Result<Submitted> recorded =
        co_await impl_->record_case(std::move(*successor), {}, std::move(*closes));
    if (!recorded && recorded.error().code == "conflict") continue;
    co_return recorded;
  }
  co_return refuse("conflict", "the configuration keeps changing; ask again");
}

// The requester and who stands for it; and whoever is asked to review it: they propose other
// arguments instead of denying, and may not approve what they made. What an agent claims (on whose
// behalf it acts) allows nobody anything.
bool Gate::Impl::may_amend(const Principal& who, const ActionRecord& record) const {
  if (who.kind == PrincipalKind::kHost) return false;
  if (who.kind == PrincipalKind::kAgent)
    return record.requester.kind == PrincipalKind::kAgent && record.requester.id == who.id;
  const people::Directory& directory = world.directory;
  const people::Person* person = directory.person(who.id);
  if (person == nullptr || !person->active) return false;
  if (record.requester.kind == PrincipalKind::kPerson) {
    if (directory.same_human(record.requester.id, who.id)) return true;
  } else if (const people::Agent* agent = directory.agent(record.requester.id)) {
    if (directory.same_human(agent->owner(), who.id)) return true;
  }
  const bool amended = std::ranges::any_of(record.lineage.parties, [&](const people::Party& party) {
    return party.role == people::Role::kAmender && directory.same_human(party.id, who.id);
  });
  if (amended) return true;
  if (!record.review || !people::may_review(directory, record.review->lineage, who.id))
    return false;
  const std::set<std::string> asked = groups_of(record.review->plan);
  return std::ranges::any_of(asked,
                             [&](const std::string& g) { return directory.in_group(who.id, g); });
}

Result<void> Gate::Impl::can_amend(const Principal& who, const ActionRecord& record) const {
  if (!may_amend(who, record)) {
    return refuse("not_allowed",
                  "only the requester, its owner and the people asked to review it may amend it");
  }
  if (record.state != State::kPending && record.state != State::kDeferred) {
    return refuse("closed", "only an action that waits can be amended; this one is " +
                                std::string(to_text(record.state)));
  }
  if (is_suspended(record.requester))
    return refuse("suspended", "agent " + record.requester.id + " is suspended");
  if (built_ins.contains(record.tool))
    return refuse("not_allowed", "propose the change anew instead");
  if (record.run && record.state != State::kPending)
    return refuse("not_allowed", "a step of a runbook can be changed while people are asked");
  if (record.run && who.kind == PrincipalKind::kAgent)
    return refuse("not_allowed",
                  "a step of a runbook does what the runbook says; people may change "
                  "it, the agent that started the run does not");
  return {};
}

Result<Closing> Gate::Impl::close_for(const Principal& who, std::shared_ptr<ActionRecord> record,
                                      const Case& successor, const std::string& note) const {
  // The amender, too, is who they were when it was decided.
  if (Result<void> still = can_amend(who, *record); !still) return std::unexpected(still.error());
  Closing out;
  out.expects.push_back({stream_of(record->id), record->version});
  std::set<std::string> streams;
  if (who.kind == PrincipalKind::kPerson) streams.insert("person/" + who.id);
  if (record->review) {
    streams.merge(review::streams_read(*record->review, world.directory));
    if (record->review->status == review::Status::kOpen) {
      Result<std::vector<EventDraft>> closed = review::decide(
          *record->review, review::Amend{who, successor.id.str()}, world.directory, now());
      if (!closed) return std::unexpected(closed.error());
      out.events = std::move(*closed);
    }
  }
  for (const std::string& stream : streams) out.expects.push_back({stream, seen(stream)});
  EventDraft amended{stream_of(record->id), "action.amended",
                     doc::object({{"by", who.id}, {"successor", successor.id.str()}}),
                     std::nullopt};
  if (!note.empty()) amended.private_part = doc::object({{"note", note}});
  amended.body.set("state", to_text(State::kCancelled));
  out.events.push_back(std::move(amended));
  out.record = std::move(record);
  return out;
}

void Gate::Impl::fold_closing(const Closing& closes, std::vector<Event>& appended) {
  const std::string stream = stream_of(closes.record->id);
  const State before = closes.record->state;
  std::erase_if(appended, [&](const Event& event) {
    if (event.stream != stream) return false;
    evolve(*closes.record, event);
    return true;
  });
  index_open(closes.record, before, true);
  settle(closes.record);
}

}  // namespace keyturn::gate
