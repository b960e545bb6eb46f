// A step of a run that people approved as a whole: what they saw of it, and nothing else, is
// allowed by that. Whatever differs is asked for by itself.
#include <algorithm>

#include "gate/impl.h"

namespace keyturn::gate {
namespace {

// What was approved; null: not a plan, or its start only.
const doc::Array* approved_steps(const doc::Value& description) {
  const doc::Value* plan = description.find("plan");
  const doc::Value* steps = plan == nullptr ? nullptr : plan->find("steps");
  const bool whole = steps != nullptr && steps->is_array() && plan->text("review") == "plan";
  return whole ? &steps->as_array() : nullptr;
}

// Whether the approved plan shows the step, as it is now.
bool covers(const doc::Value& description, const Case& c) {
  const doc::Array* steps = approved_steps(description);
  if (steps == nullptr) return false;
  const RunStep& step = *c.request.run;
  const auto one = std::ranges::find_if(
      *steps, [&](const doc::Value& shown) { return shown.text("path") == step.step; });
  return one != steps->end() && one->flag("covered") && one->text("tool") == c.request.tool &&
         one->text("tool_digest") == c.tool->digest &&
         one->text("args_sha256") == crypto::sha256_text(doc::canonical_or_die(c.args)) &&
         one->text("description_sha256") ==
             crypto::sha256_text(doc::canonical_or_die(c.described.description)) &&
         one->text("operation") == c.described.facts.operation &&
         step.attempt <= one->integer("tries");
}

doc::Value without_verdicts(const doc::Value& description) {
  const doc::Value* plan = description.find("plan");
  const doc::Value* steps = plan == nullptr ? nullptr : plan->find("steps");
  if (steps == nullptr || !steps->is_array()) return description;
  doc::Array kept;
  for (doc::Value step : steps->as_array()) {
    std::erase_if(step.as_object(), [](const doc::Member& member) {
      return member.key == "verdict" || member.key == "covered";
    });
    kept.push_back(std::move(step));
  }
  doc::Value shown = *plan;
  shown.set("steps", std::move(kept));
  doc::Value out = description;
  out.set("plan", std::move(shown));
  return out;
}

review::Review as_asked_by(const ActionRecord& run, const people::Lineage& lineage) {
  review::Review out = *run.review;
  for (const people::Party& party : lineage.parties) out.lineage.add(party.role, party.id);
  return out;
}

}  // namespace

std::vector<const doc::Value*> steps_asked_for(const doc::Value& description) {
  std::vector<const doc::Value*> out;
  const doc::Array* steps = approved_steps(description);
  if (steps == nullptr) return out;
  for (const doc::Value& step : *steps) {
    const doc::Value* verdict = step.find("verdict");
    if (step.flag("covered") && verdict != nullptr &&
        verdict->text("effect") == to_text(Effect::kRequire))
      out.push_back(&step);
  }
  return out;
}

bool runs_the_same(const catalog::Tool& tool, const doc::Value& now, const doc::Value& reviewed) {
  return tool.kind == catalog::ToolKind::kRunbook
             ? without_verdicts(now) == without_verdicts(reviewed)
             : now == reviewed;
}

bool is_state_of(const ActionRecord& agreed, const Previewed& now) {
  if (agreed.preview.text("kind") != "plan") return now.fingerprint == agreed.state_print;
  const doc::Value* steps = agreed.preview.find("steps");
  if (steps == nullptr || !steps->is_array()) return false;
  return std::ranges::all_of(steps->as_array(), [&](const doc::Value& step) {
    const std::string_view state = step.text("state");
    return state.empty() || state_in_plan(now.shown, step.text("path")) == state;
  });
}

std::string state_in_plan(const doc::Value& preview, std::string_view path) {
  const doc::Value* steps = preview.find("steps");
  if (steps == nullptr || !steps->is_array()) return "";
  for (const doc::Value& step : steps->as_array()) {
    if (step.text("path") == path) return std::string(step.text("state"));
  }
  return "";
}

const ActionRecord* Gate::Impl::plan_of(const Case& c, const Plan& asked) const {
  if (!c.request.run || c.tool == nullptr) return nullptr;
  const std::shared_ptr<ActionRecord> run = open_record(ActionId(c.request.run->run));
  if (!run || run->state != State::kExecuting || !run->review ||
      run->review->status != review::Status::kApproved)
    return nullptr;
  const bool same_requester =
      run->requester.kind == c.requester.kind && run->requester.id == c.requester.id;
  if (!same_requester || !covers(run->description, c) ||
      !at_least_as_strict(run->review->plan, asked))
    return nullptr;
  return review::meets(as_asked_by(*run, c.lineage), asked, world.directory) ? run.get() : nullptr;
}

Task<void> Gate::Impl::plan_in(Case& c) {
  if (c.verdict.effect != Effect::kRequire || c.verdict.observed) co_return;
  if (plan_of(c, c.verdict.plan) == nullptr) co_return;
  if (!co_await is_as_planned(c)) co_return;
  const ActionRecord* run = plan_of(c, c.verdict.plan);  // it may be over by now
  if (run == nullptr) co_return;
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
