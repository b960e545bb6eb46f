// What a run would do, with what policy says of each step now.
#include "crypto/crypto.h"
#include "doc/json.h"
#include "policy/decide.h"
#include "runs/impl.h"

namespace keyturn::runs {
namespace {

using runbook::ForeseenStep;
using runbook::StepKind;

doc::Value shown(const ForeseenStep& step) {
  doc::Value out = doc::object({{"path", step.path},
                                {"name", step.step->name},
                                {"kind", runbook::to_text(step.kind)},
                                {"tries", step.undoes ? 1 : step.step->retry.tries}});
  if (!step.tool.empty()) out.set("tool", step.tool);
  if (step.args) out.set("args", *step.args);
  if (!step.waits_for.empty()) out.set("waits_for", step.waits_for);
  if (!step.when.empty()) out.set("when", step.when);
  if (step.skipped) out.set("skipped", true);
  if (step.undoes) out.set("undoes", true);
  if (step.kind == StepKind::kApprove) out.set("asks", to_value(step.step->plan));
  return out;
}

}  // namespace

// A step is covered by the approval of the plan when all of it is known: its tool, its arguments,
// what exactly would run.
Task<doc::Value> Runs::Impl::plan_step(Principal who, const runbook::Document& document,
                                       const ForeseenStep& step, const doc::Value& claims) {
  doc::Value out = shown(step);
  const bool nested = step.tool.starts_with(catalog::kRunbookPrefix);
  if (step.kind != StepKind::kAction || !step.args || step.skipped || nested) co_return out;
  ActionRequest request;
  request.tool = step.tool;
  request.args = *step.args;
  request.claims = claims;
  request.run = RunStep{"", document.name, step.path, 1};
  Result<gate::Gate::Foreseen> told = co_await ports.gate.foresee(who, std::move(request));
  if (!told) {
    out.set("refused", told.error().message);
    co_return out;
  }
  const Verdict& verdict = told->verdict;
  doc::Value said =
      doc::object({{"effect", to_text(verdict.effect)}, {"decided_by", verdict.decided_by}});
  if (verdict.effect == Effect::kRequire) said.set("plan", to_value(verdict.plan));
  if (verdict.effect != Effect::kAllow) said.set("reasons", doc::array_of(verdict.reasons));
  out.set("verdict", std::move(said));
  if (told->tool == nullptr) co_return out;
  out.set("args", told->args);
  out.set("tool_digest", told->tool->digest);
  out.set("operation", told->facts.operation);
  out.set("description", told->description);
  out.set("args_sha256", crypto::sha256_text(doc::canonical_or_die(told->args)));
  out.set("description_sha256", crypto::sha256_text(doc::canonical_or_die(told->description)));
  out.set("covered", verdict.effect == Effect::kAllow || verdict.effect == Effect::kRequire);
  co_return out;
}

Task<Result<doc::Value>> Runs::Impl::plan(Principal who, const catalog::Tool& tool,
                                          doc::Value inputs, doc::Value claims, std::string id) {
  doc::Problems problems;
  const auto document = document_of(tool, problems);
  if (!document)
    co_return refuse("invalid_runbook",
                     problems.empty() ? "the runbook does not load" : problems.front().message);
  runbook::Run run;
  run.id = std::move(id);
  run.runbook = document->name;
  run.started_by = who.id;
  run.inputs = std::move(inputs);
  Result<std::vector<ForeseenStep>> told = runbook::foresee(*document, run);
  if (!told) co_return std::unexpected(told.error());
  doc::Array steps;
  for (const ForeseenStep& step : *told)
    steps.push_back(co_await plan_step(who, *document, step, claims));
  co_return doc::object(
      {{"plan", doc::object({{"runbook", document->name},
                             {"digest", tool.digest},
                             {"review", document->approves_plan ? "plan" : "steps"},
                             {"steps", std::move(steps)}})}});
}

// Everybody whom a covered step asks, together.
Result<std::optional<Plan>> asks_of(const doc::Value& description) {
  const doc::Value* plan = description.find("plan");
  const doc::Value* steps = plan == nullptr ? nullptr : plan->find("steps");
  if (steps == nullptr || plan->text("review") != "plan") return std::optional<Plan>();
  std::optional<Plan> out;
  for (const doc::Value& step : steps->as_array()) {
    const doc::Value* said = step.find("verdict");
    if (said == nullptr || !step.flag("covered")) continue;
    const Verdict verdict = verdict_from_value(*said);
    if (verdict.effect != Effect::kRequire) continue;
    if (!out) {
      out = verdict.plan;
      continue;
    }
    Result<Plan> merged = policy::merge_plans(*out, verdict.plan);
    if (!merged) return std::unexpected(merged.error());
    out = std::move(*merged);
  }
  return out;
}

}  // namespace keyturn::runs
