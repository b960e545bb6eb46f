// The look that somebody takes afterwards: at what was possible only because the glass was broken,
// and wherever policy asks for it. Open until it is done.
#include <algorithm>

#include "base/bytes.h"
#include "gate/impl.h"
#include "policy/emergencies.h"

namespace keyturn::gate {

std::optional<EventDraft> Gate::Impl::review_due(const ActionRecord& record) const {
  if (record.after_review && !record.after_review->is_open()) return std::nullopt;
  const Verdict& verdict = record.standing.empty() ? record.verdict : record.stood_in_for;
  const Plan& plan = verdict.plan;
  const bool asked = verdict.effect == Effect::kRequire && plan.review_after.count() > 0;
  if (!asked && record.break_glass.empty()) return std::nullopt;
  const auto& rules = world.configuration->policy->emergencies().break_glass;
  std::set<std::string> groups;
  Duration within = asked ? plan.review_after : Duration(std::chrono::hours(24));
  if (!record.break_glass.empty() && rules) {
    groups = rules->reviewers;
    within = asked ? std::min(within, rules->review_within) : rules->review_within;
  }
  if (groups.empty()) groups = groups_of(plan);
  if (groups.empty()) groups = {std::string(people::kAdministrators)};  // policy names nobody now
  EventDraft draft;
  draft.stream = stream_of(record.id);
  draft.type = "breakglass.review_due";
  draft.body = doc::object(
      {{"after_review",
        doc::object(
            {{"due", to_rfc3339(record.after_review ? record.after_review->due : now() + within)},
             {"groups", doc::array_of(std::vector<std::string>(groups.begin(), groups.end()))}})}});
  if (!record.break_glass.empty())
    draft.body.set("emergency", doc::object({{"id", record.break_glass}}));
  return draft;
}

void Gate::Impl::index_after_review(const std::shared_ptr<ActionRecord>& record) {
  if (record->after_review && record->after_review->is_open())
    reviews_due[record->id.str()] = record;
  else
    reviews_due.erase(record->id.str());
}

Result<void> can_look_after(const World& world, const Principal& who, const ActionRecord& record) {
  const people::Directory& directory = world.directory;
  if (who.kind != PrincipalKind::kPerson)
    return refuse("not_a_reviewer", "only people look at it afterwards");
  const people::Person* person = directory.person(who.id);
  if (person == nullptr || !person->active) return refuse("inactive", who.id + " is not active");
  if (const auto relation = people::related(directory, record.lineage, who.id))
    return refuse(relation->code, relation->why + " and so cannot look at it for the others");
  if (!record.after_review) return refuse("not_due", "nobody has to look at this one afterwards");
  if (!person->service_of.empty() || !directory.in_any(who.id, record.after_review->groups))
    return refuse("not_a_reviewer", who.id + " is in none of the groups asked: " +
                                        people::in_words(record.after_review->groups));
  if (const people::Standing* by = world.standing.find(record.standing)) {
    for (const people::Standing::Approval& one : by->approvals) {
      if (directory.same_human(one.reviewer, who.id) ||
          (!one.instead_of.empty() && directory.same_human(one.instead_of, who.id)))
        return refuse("not_a_reviewer", who.id +
                                            " agreed to what it was allowed by; somebody else "
                                            "has to look");
    }
  }
  if (record.review) {
    for (const review::Vote& vote : record.review->votes) {
      const bool theirs =
          directory.same_human(vote.reviewer, who.id) ||
          (!vote.instead_of.empty() && directory.same_human(vote.instead_of, who.id));
      if (theirs && vote.decision == review::Decision::kApprove)
        return refuse("not_a_reviewer", who.id + " approved it; somebody else has to look");
    }
  }
  return {};
}

Result<void> Gate::Impl::check_reason(std::string_view text, std::string_view what,
                                      const std::string& where) const {
  if (text.empty()) return refuse("empty_text", std::string(what) + " says why", where);
  if (text.size() > kReasonBytesMax)
    return refuse("text_too_large", "at most " + std::to_string(kReasonBytesMax) + " bytes", where);
  if (first_invalid_utf8(text)) return refuse("invalid_text", "the text is not valid UTF-8", where);
  return check_words(text, what, where);
}

Task<Result<RecordPtr>> Gate::look_after(Principal who, ActionId id, bool justified,
                                         std::string note) {
  Serial::Hold hold = co_await impl_->serial.take(id.str());
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    std::shared_ptr<ActionRecord> record = co_await impl_->load_record(id);
    impl_->pass_time();
    if (!record || !may_read(who, *record))
      co_return refuse("not_found", "there is no such action, or not for you");
    if (Result<void> ok = can_look_after(world_, who, *record); !ok)
      co_return std::unexpected(ok.error());
    if (!record->after_review->is_open())
      co_return refuse("closed", record->after_review->by + " has looked at it already");
    if (who.assurance < Assurance::kSession)
      co_return refuse("assurance_too_low", "this is done in a signed-in browser");
    if (Result<void> ok = impl_->check_reason(note, "the note", "/note"); !ok)
      co_return std::unexpected(ok.error());
    EventDraft draft;
    draft.stream = stream_of(id);
    draft.type = "breakglass.reviewed";
    draft.body = doc::object(
        {{"after_review", doc::object({{"by", who.id},
                                       {"verdict", justified ? "justified" : "unjustified"},
                                       {"assurance", to_text(who.assurance)},
                                       {"channel", who.channel},
                                       {"credential", who.credential}})}});
    draft.private_part = doc::object({{"note", note}});
    std::set<std::string> streams{"person/" + who.id};
    for (const std::string& group : record->after_review->groups) streams.insert("group/" + group);
    if (record->review) streams.merge(review::streams_read(*record->review, world_.directory));
    std::vector<EventDraft> drafts;
    drafts.push_back(std::move(draft));
    Result<std::vector<Event>> appended =
        co_await impl_->append(record, std::move(drafts), std::move(streams), {});
    if (!appended && appended.error().code == "conflict") continue;
    if (!appended) co_return std::unexpected(appended.error());
    impl_->changed(record);
    co_return record;
  }
  co_return refuse("conflict", "too many changes at once; try again");
}

std::vector<RecordPtr> Gate::to_look_after(const std::string& person) const {
  std::vector<RecordPtr> out;
  for (const auto& [id, record] : impl_->reviews_due) {
    if (person.empty() ||
        can_look_after(world_, {.kind = PrincipalKind::kPerson, .id = person}, *record))
      out.push_back(record);
  }
  return out;
}

}  // namespace keyturn::gate
