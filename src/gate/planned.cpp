// A step of a run that people approved as a whole: what they saw of it, and nothing else, is
// allowed by that. Whatever differs is asked for by itself.
#include <algorithm>

#include "gate/impl.h"

namespace keyturn::gate {
namespace {

// The step as the approved plan shows it; null: it is not in there, or not as it is now.
const doc::Value* covered_step(const doc::Value& description, const Case& c) {
  const doc::Value* plan = description.find("plan");
  const doc::Value* steps = plan == nullptr ? nullptr : plan->find("steps");
  if (steps == nullptr || !steps->is_array()) return nullptr;
  if (plan->text("review") != "plan") return nullptr;  // they agreed to its start only
  const RunStep& step = *c.request.run;
  for (const doc::Value& one : steps->as_array()) {
    if (one.text("path") != step.step) continue;
    const bool same =
        one.flag("covered") && one.text("tool") == c.request.tool &&
        one.text("tool_digest") == c.tool->digest &&
        one.text("args_sha256") == crypto::sha256_text(doc::canonical_or_die(c.args)) &&
        one.text("description_sha256") ==
            crypto::sha256_text(doc::canonical_or_die(c.described.description)) &&
        one.text("operation") == c.described.facts.operation &&
        step.attempt <= one.integer("tries");
    return same ? &one : nullptr;
  }
  return nullptr;
}

review::Review as_asked_by(const ActionRecord& run, const people::Lineage& lineage) {
  review::Review out = *run.review;
  for (const people::Party& party : lineage.parties) out.lineage.add(party.role, party.id);
  return out;
}

}  // namespace

const ActionRecord* Gate::Impl::plan_of(const Case& c, const Plan& asked) const {
  if (!c.request.run || c.tool == nullptr) return nullptr;
  const std::shared_ptr<ActionRecord> run = open_record(ActionId(c.request.run->run));
  if (!run || run->state != State::kExecuting || !run->review ||
      run->review->status != review::Status::kApproved)
    return nullptr;
  const bool same_requester =
      run->requester.kind == c.requester.kind && run->requester.id == c.requester.id;
  if (!same_requester || covered_step(run->description, c) == nullptr ||
      !at_least_as_strict(run->review->plan, asked))
    return nullptr;
  return review::meets(as_asked_by(*run, c.lineage), asked, world.directory) ? run.get() : nullptr;
}

void Gate::Impl::plan_in(Case& c) const {
  if (c.verdict.effect != Effect::kRequire || c.verdict.observed) return;
  const ActionRecord* run = plan_of(c, c.verdict.plan);
  if (run == nullptr) return;
  std::set<std::string> streams =
      review::streams_read(as_asked_by(*run, c.lineage), world.directory);
  for (const std::string& stream : streams) {
    if (std::ranges::find(c.expects, stream, &store::Expect::stream) == c.expects.end() &&
        stream != stream_of(run->id))
      c.expects.push_back({stream, seen(stream)});
  }
  c.expects.push_back({stream_of(run->id), run->version});
  c.planned_by = run->id.str();
  c.stood_in_for.effect = Effect::kRequire;
  c.stood_in_for.decided_by = c.verdict.decided_by;
  c.stood_in_for.plan = c.verdict.plan;
  std::set<std::string> who;
  for (const review::Vote& vote : run->review->votes) who.insert(vote.reviewer);
  for (RuleHit& hit : c.verdict.hits) {
    if (hit.effect == Effect::kRequire && !hit.shadow && hit.exceptions.empty())
      hit.exceptions.push_back("plan:" + c.planned_by);
  }
  c.verdict.reasons.insert(c.verdict.reasons.begin(),
                           "step " + c.request.run->step + " of the plan that " +
                               people::in_words(who) + " agreed to in " + c.planned_by +
                               ", exactly as it was shown there");
  c.verdict.effect = Effect::kAllow;
  c.verdict.decided_by = "plan:" + c.planned_by;
}

}  // namespace keyturn::gate
