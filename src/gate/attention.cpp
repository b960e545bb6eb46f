// What keeps reviewers from being worn down: a request that was denied is known again, and policy
// can ask for somebody else than who agreed of late.
#include "gate/impl.h"

namespace keyturn::gate {

std::string Gate::Impl::note_denied(const Case& c) {
  std::string print = request_print(c);
  Denied& denied = denied_before[print];
  ++denied.times;
  denied.last = c.id.str();
  return print;
}

Task<Serial::Hold> Gate::Impl::take_turn(const ActionRecord& record) {
  const History::Use use = use_of(record);
  Serial::Hold hold = co_await serial.take(
      "approvals/" + doc::write_json(doc::array_of({use.actor, use.tool, use.kind, use.name})));
  co_return hold;
}

Result<void> Gate::Impl::check_another(const ActionRecord& record, const EventDraft& voted) const {
  if (!asks_another(record, voted)) return {};
  const Duration within = record.review->plan.another;
  if (!approvals.is_known())
    return refuse("another_reviewer",
                  "who approved the like of this before is not known yet; try again in a moment");
  const doc::Value& vote = *voted.body.find("vote");
  for (const std::string_view person : {vote.text("reviewer"), vote.text("instead_of")}) {
    if (person.empty()) continue;
    const std::string before =
        approvals.lately(use_of(record), record.id.str(), world.directory, person, now() - within);
    if (!before.empty())
      return refuse("another_reviewer",
                    std::string(person) + " approved the like of this within the last " +
                        to_text(within) + " (" + before + "); this case asks for another reviewer");
  }
  return {};
}

// An exercise counts like any other until it is revealed: else who was refused would tell.
void Gate::Impl::note_approvals(const ActionRecord& record, const Event& event) {
  if (event.type == "canary.revealed") approvals.forget(use_of(record), record.id.str());
  const doc::Value* vote = event.body.find("vote");
  if (vote == nullptr) return;
  const std::string reviewer(vote->text("reviewer"));
  if (event.type == "review.vote_withdrawn")
    approvals.taken_back(use_of(record), record.id.str(), reviewer);
  if (event.type != "review.voted" || vote->text("decision") != "approve") return;
  approvals.voted(use_of(record), {record.id.str(), reviewer, reviewer, event.time});
  if (const std::string_view whose = vote->text("instead_of"); !whose.empty())
    approvals.voted(use_of(record), {record.id.str(), std::string(whose), reviewer, event.time});
}

}  // namespace keyturn::gate
