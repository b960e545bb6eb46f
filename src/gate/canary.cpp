// Exercises: a request that should be denied, planted by an administrator or auditor as if an agent
// had made it. To reviewers and in the record it looks like any other until it is decided; then it
// is revealed, and never runs, whatever they said.
//
// That it is one stands in the private part of its first event, to which the ledger has committed.
#include "gate/impl.h"

namespace keyturn::gate {
namespace {

constexpr std::size_t kExercisesMax = 20;

Result<void> may_plant(const people::Directory& directory, const Principal& who) {
  const people::Person* person =
      who.kind == PrincipalKind::kPerson ? directory.person(who.id) : nullptr;
  if (person == nullptr || !person->active || (!person->admin && !person->auditor))
    return refuse("not_allowed", "administrators and auditors plant exercises");
  if (who.assurance < Assurance::kSession)
    return refuse("assurance_too_low", "this is done in a signed-in browser");
  return {};
}

}  // namespace

EventDraft canary_revealed(const ActionRecord& record, std::string_view result, State state) {
  EventDraft draft;
  draft.stream = stream_of(record.id);
  draft.type = "canary.revealed";
  draft.body = doc::object({{"canary", doc::object({{"result", result}, {"by", record.canary}})},
                            {"state", to_text(state)}});
  return draft;
}

Task<Result<RecordPtr>> Gate::plant_canary(Principal who, std::string agent,
                                           ActionRequest request) {
  if (Result<void> ok = may_plant(world_.directory, who); !ok)
    co_return std::unexpected(ok.error());
  if (world_.directory.agent(agent) == nullptr)
    co_return refuse("unknown_agent", "there is no agent " + agent, "/agent");
  Principal requester;
  requester.kind = PrincipalKind::kAgent;
  requester.id = std::move(agent);
  requester.channel = "api";
  const Serial::Hold one_at_a_time = co_await impl_->serial.take("exercises");
  if (impl_->exercises.size() >= kExercisesMax)
    co_return refuse("too_many_pending",
                     std::to_string(kExercisesMax) + " exercises wait for people already");
  ++numbers_.requested;  // as any other does
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    Result<Case> built = co_await impl_->build_case(requester, request, "", nullptr);
    if (!built) co_return std::unexpected(built.error());
    if (built->verdict.effect != Effect::kRequire || impl_->built_ins.contains(request.tool))
      co_return refuse("canary_not_asked",
                       "nobody would be asked about this: it would come out as \"" +
                           std::string(to_text(built->verdict.effect)) + "\" by itself",
                       "/tool");
    built->canary = who.id;
    Result<Submitted> recorded = co_await impl_->record_case(std::move(*built), {});
    if (!recorded && recorded.error().code == "conflict") continue;
    if (!recorded) co_return std::unexpected(recorded.error());
    co_return recorded->record;
  }
  co_return refuse("conflict", "the configuration keeps changing; try again");
}

// Whoever planted it knows what it is.
Result<void> Gate::Impl::check_not_planted_by(const ActionRecord& record,
                                              const Principal& who) const {
  if (record.canary.empty() || !world.directory.same_human(record.canary, who.id)) return {};
  return refuse("related_to_requester", who.id + " planted this exercise and so cannot review it");
}

// Changing it ends it, as a denial does: nothing follows from an exercise.
Task<Result<void>> Gate::Impl::end_amended(Principal who, std::shared_ptr<ActionRecord> record) {
  Result<std::vector<EventDraft>> closed =
      review::decide(*record->review, review::Amend{who, record->id.str()}, world.directory, now());
  if (!closed) co_return std::unexpected(closed.error());
  reveal(*record, "amended", State::kCancelled, *closed);
  Result<std::vector<Event>> appended = co_await append(record, std::move(*closed), {}, {});
  if (!appended) co_return std::unexpected(appended.error());
  changed(record);
  co_return Result<void>{};
}

// In place of a release, and of every other end.
void Gate::Impl::reveal(const ActionRecord& record, std::string_view result, State state,
                        std::vector<EventDraft>& drafts) const {
  std::erase_if(drafts.back().body.as_object(),
                [](const doc::Member& member) { return member.key == "state"; });
  drafts.push_back(canary_revealed(record, result, state));
}

}  // namespace keyturn::gate
