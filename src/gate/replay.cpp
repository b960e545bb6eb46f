#include "gate/replay.h"

#include "gate/record.h"

namespace keyturn::gate {
namespace {

using policy::Unrepeatable;
using Input = std::expected<policy::PolicyInput, Unrepeatable>;

// Built-in tools are named so.
constexpr std::string_view kBuiltIn = "keyturn.";

// `inputs` as case.cpp recorded them, without what is said of the arguments as they were asked for.
Input read_inputs(const ActionRecord& record) {
  doc::Value tree = record.inputs;
  std::erase_if(tree.as_object(), [](const doc::Member& member) { return member.key == "asked"; });
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
  if (!record.standing.empty() || !record.planned_by.empty()) {  // what policy itself said
    out.verdict.effect = record.stood_in_for.effect;
    out.verdict.decided_by = std::move(record.stood_in_for.decided_by);
    out.verdict.plan = std::move(record.stood_in_for.plan);
  }
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
