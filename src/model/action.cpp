#include "model/action.h"

namespace keyturn {

doc::Value to_value(const Resource& resource) {
  doc::Value labels{doc::Object{}};
  for (const auto& [key, value] : resource.labels) labels.set(key, value);
  return doc::object({{"kind", resource.kind},
                      {"name", resource.name},
                      {"env", resource.env},
                      {"labels", std::move(labels)}});
}

doc::Value to_value(const RunStep& step) {
  return doc::object({{"id", step.run},
                      {"runbook", step.runbook},
                      {"step", step.step},
                      {"attempt", step.attempt}});
}

RunStep run_step_from_value(const doc::Value& value) {
  return {std::string(value.text("id")), std::string(value.text("runbook")),
          std::string(value.text("step")), static_cast<int>(value.integer("attempt"))};
}

Resource resource_from_value(const doc::Value& value) {
  Resource out{std::string(value.text("kind")),
               std::string(value.text("name")),
               std::string(value.text("env")),
               {}};
  const doc::Value* labels = value.find("labels");
  if (labels != nullptr && labels->is_object()) {
    for (const doc::Member& m : labels->as_object()) {
      if (m.value.is_string()) out.labels[m.key] = m.value.as_string();
    }
  }
  return out;
}

doc::Value to_value(const Outcome& outcome) {
  doc::Value out = doc::object({{"outcome", to_text(outcome.kind)}});
  if (!outcome.reason.empty()) out.set("reason", outcome.reason);
  if (outcome.exit_code) out.set("exit_code", *outcome.exit_code);
  if (outcome.exit_code || !outcome.stdout_text.empty()) out.set("stdout", outcome.stdout_text);
  if (outcome.exit_code || !outcome.stderr_text.empty()) out.set("stderr", outcome.stderr_text);
  if (outcome.rows) out.set("rows", *outcome.rows);
  if (outcome.row_count) out.set("row_count", *outcome.row_count);
  if (outcome.result) out.set("result", *outcome.result);
  if (outcome.interrupted) out.set("interrupted", true);
  out.set("truncated", outcome.truncated);
  out.set("duration_ms", outcome.duration_ms);
  return out;
}

Outcome outcome_from_value(const doc::Value& value) {
  Outcome out;
  const std::string_view kind = value.text("outcome");
  if (kind == "succeeded") out.kind = OutcomeKind::kSucceeded;
  if (kind == "failed") out.kind = OutcomeKind::kFailed;
  out.reason = value.text("reason");
  if (const doc::Value* code = value.find("exit_code")) {
    if (const auto n = code->as_int64()) out.exit_code = static_cast<int>(*n);
  }
  out.stdout_text = value.text("stdout");
  out.stderr_text = value.text("stderr");
  if (const doc::Value* rows = value.find("rows")) out.rows = *rows;
  if (const doc::Value* count = value.find("row_count")) out.row_count = count->as_int64();
  if (const doc::Value* result = value.find("result")) out.result = *result;
  out.truncated = value.flag("truncated");
  out.duration_ms = value.integer("duration_ms");
  out.interrupted = value.flag("interrupted");
  return out;
}

}  // namespace keyturn
