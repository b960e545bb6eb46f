#include "gate/replay.h"

#include "gate/record.h"

namespace keyturn::gate {
namespace {

using policy::Unrepeatable;
using Input = std::expected<policy::PolicyInput, Unrepeatable>;

// Built-in tools are named so.
constexpr std::string_view kBuiltIn = "keyturn.";

// `inputs` as case.cpp recorded them, without what is said there of the arguments as they were
// asked for, and of the verdict before a plan's people joined it.
Input read_inputs(const ActionRecord& record) {
  doc::Value tree = record.inputs;
  std::erase_if(tree.as_object(), [](const doc::Member& member) {
    return member.key == "asked" || member.key == "said";
  });
  policy::PolicyInput base;
  base.history.reset();  // not known, where the record says nothing of it
  doc::Problems problems;
  tree.set("resource", to_value(record.resource));
  policy::PolicyInput input = policy::input_from_value(tree, base, problems);
  if (doc::has_errors(problems)) return std::unexpected(Unrepeatable::kUnreadable);
  input.tool = record.tool;
  input.reason = record.reason;
  input.claims = record.claims.is_object() ? record.claims : doc::Value(doc::Object{});
  input.claims.set("reason", record.reason);
  return input;
}

void only_what_policy_said(const ActionRecord& record, Verdict& verdict) {
  if (!record.standing.empty() || !record.planned_by.empty()) {
    verdict.effect = record.stood_in_for.effect;
    verdict.decided_by = record.stood_in_for.decided_by;
    verdict.plan = record.stood_in_for.plan;
  }
  const doc::Value* said = record.inputs.find("said");  // before its plan asked people as well
  if (said == nullptr) return;
  const doc::Value* plan = said->find("plan");
  verdict.effect =
      said->text("effect") == to_text(Effect::kAllow) ? Effect::kAllow : Effect::kRequire;
  verdict.plan = plan == nullptr || plan->is_null() ? Plan{} : plan_from_value(*plan);
}

}  // namespace

std::expected<policy::RecordedDecision, Unrepeatable> recorded_decision(const Event& event) {
  ActionRecord record;
  evolve(record, event);
  if (record.tool.starts_with(kBuiltIn)) return std::unexpected(Unrepeatable::kBuiltIn);
  if (record.verdict.decided_by == "unknown-tool")
    return std::unexpected(Unrepeatable::kUnknownTool);
  if (!event.private_part) return std::unexpected(Unrepeatable::kErased);
  if (!record.inputs.is_object()) return std::unexpected(Unrepeatable::kNoInputs);
  Input input = read_inputs(record);
  if (!input) return std::unexpected(input.error());
  policy::RecordedDecision out;
  out.id = record.id.str();
  out.time = event.time;
  out.verdict = std::move(record.verdict);
  only_what_policy_said(record, out.verdict);
  out.input = std::move(*input);
  if (record.original_args.is_null()) {
    out.input.args = std::move(record.args);
    out.input.operation = record.operation;
    out.input.facts = std::move(record.facts.tree);
    return out;
  }
  const doc::Value* asked = record.inputs.find("asked");
  const doc::Value* facts = asked == nullptr ? nullptr : asked->find("facts");
  if (facts == nullptr) return std::unexpected(Unrepeatable::kNoInputs);
  out.input.args = std::move(record.original_args);
  out.input.operation = asked->text("operation");
  out.input.facts = *facts;
  out.verdict.modified_args = record.args;
  out.changed = {std::move(record.args), std::move(record.facts.tree), record.operation};
  return out;
}

}  // namespace keyturn::gate
