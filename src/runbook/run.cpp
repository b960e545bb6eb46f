#include "runbook/run.h"

#include <utility>

namespace keyturn::runbook {
namespace {

constexpr std::string_view kAgain = "again";

EventDraft draft(const Run& run, std::string type, doc::Value body,
                 std::optional<doc::Value> secret = std::nullopt) {
  return {stream_of_run(run.id), std::move(type), std::move(body), std::move(secret)};
}

std::optional<StepState> step_state_from(std::string_view text) {
  for (const StepState one :
       {StepState::kSucceeded, StepState::kFailed, StepState::kUnknown, StepState::kSkipped}) {
    if (text == to_text(one)) return one;
  }
  return std::nullopt;
}

std::optional<RunEnd> end_from(std::string_view text) {
  for (const RunEnd one : {RunEnd::kSucceeded, RunEnd::kFailed, RunEnd::kCancelled}) {
    if (text == to_text(one)) return one;
  }
  return std::nullopt;
}

Behind behind_from(std::string_view text) {
  for (const Behind one : {Behind::kEffect, Behind::kInterrupted, Behind::kRefused}) {
    if (text == to_text(one)) return one;
  }
  return Behind::kNothingSaid;
}

void fold_started(Run& run, const Event& event) {
  const doc::Value* said = event.body.find("run");
  run.id = event.stream.substr(event.stream.find('/') + 1);
  run.runbook = said == nullptr ? "" : said->text("runbook");
  run.digest = said == nullptr ? "" : said->text("digest");
  run.started_by = said == nullptr ? "" : said->text("started_by");
  run.started = event.time;
  run.order = event.index;
  if (!event.private_part) return;
  if (const doc::Value* inputs = event.private_part->find("inputs")) run.inputs = *inputs;
  run.locks.clear();
  const doc::Value* locks = event.private_part->find("locks");
  if (locks == nullptr || !locks->is_array()) return;
  for (const doc::Value& lock : locks->as_array()) {
    if (lock.is_string()) run.locks.push_back(lock.as_string());
  }
}

void fold_step(Run& run, const Event& event) {
  const doc::Value* said = event.body.find("step");
  if (said == nullptr) return;
  StepRecord record;
  record.state = step_state_from(said->text("state")).value_or(StepState::kUnknown);
  record.behind = behind_from(said->text("behind"));
  record.attempt = static_cast<int>(said->integer("attempt", 1));
  record.action = said->text("action");
  record.ended = event.time;
  record.began = from_rfc3339(said->text("began"));
  record.order = ++run.ends;
  if (event.private_part) {
    record.reason = event.private_part->text("reason");
    if (const doc::Value* outputs = event.private_part->find("outputs")) record.outputs = *outputs;
  }
  run.steps[std::string(said->text("path"))] = std::move(record);
}

void fold_resolved(Run& run, const Event& event) {
  const doc::Value* said = event.body.find("step");
  const auto found = run.steps.find(said == nullptr ? "" : std::string(said->text("path")));
  if (found == run.steps.end() || found->second.state != StepState::kUnknown) return;
  StepRecord& record = found->second;
  record.resolved_by = event.body.text("by");
  record.ended = event.time;
  record.order = ++run.ends;
  if (event.private_part) record.reason = event.private_part->text("note");
  run.resolutions.push_back({std::string(said->text("path")), record.attempt,
                             std::string(said->text("state")), record.resolved_by, record.reason,
                             event.time});
  if (said->text("state") == kAgain) return;
  record.state = step_state_from(said->text("state")).value_or(StepState::kFailed);
}

void fold_end(Run& run, const Event& event) {
  const doc::Value* said = event.body.find("run");
  run.end = end_from(said == nullptr ? "" : said->text("state")).value_or(RunEnd::kFailed);
  run.ended = event.time;
  if (!event.private_part) return;
  run.end_reason = event.private_part->text("reason");
  if (const doc::Value* outputs = event.private_part->find("outputs")) run.outputs = *outputs;
}

}  // namespace

std::string_view to_text(StepState state) {
  switch (state) {
    case StepState::kSucceeded:
      return "succeeded";
    case StepState::kFailed:
      return "failed";
    case StepState::kUnknown:
      return "unknown";
    case StepState::kSkipped:
      return "skipped";
  }
  return "";
}

std::string_view to_text(Behind behind) {
  switch (behind) {
    case Behind::kNothingSaid:
      return "";
    case Behind::kEffect:
      return "effect";
    case Behind::kInterrupted:
      return "interrupted";
    case Behind::kRefused:
      return "refused";
  }
  return "";
}

std::string_view to_text(RunEnd end) {
  switch (end) {
    case RunEnd::kSucceeded:
      return "succeeded";
    case RunEnd::kFailed:
      return "failed";
    case RunEnd::kCancelled:
      return "cancelled";
  }
  return "";
}

EventDraft started(const Run& run) {
  doc::Value secret = doc::object({{"inputs", run.inputs}});
  if (!run.locks.empty()) secret.set("locks", doc::array_of(run.locks));
  return draft(run, "run.started",
               doc::object({{"run", doc::object({{"runbook", run.runbook},
                                                 {"digest", run.digest},
                                                 {"started_by", run.started_by}})}}),
               std::move(secret));
}

EventDraft locked(const Run& run) {
  return draft(run, "run.locked", doc::object({{"run", doc::object({{"runbook", run.runbook}})}}),
               doc::object({{"locks", doc::array_of(run.locks)}}));
}

EventDraft step_ended(const Run& run, const std::string& path, const StepRecord& record) {
  doc::Value said = doc::object({{"path", path},
                                 {"attempt", record.attempt},
                                 {"state", to_text(record.state)},
                                 {"action", record.action}});
  if (record.behind != Behind::kNothingSaid) said.set("behind", to_text(record.behind));
  if (record.began) said.set("began", to_rfc3339(*record.began));
  return draft(run, "run.step_ended", doc::object({{"step", std::move(said)}}),
               doc::object({{"reason", record.reason}, {"outputs", record.outputs}}));
}

EventDraft step_resolved(const Run& run, const std::string& path, StepState state,
                         const std::string& by, const std::string& note) {
  const std::string_view word = state == StepState::kUnknown ? kAgain : to_text(state);
  return draft(run, "run.step_resolved",
               doc::object({{"step", doc::object({{"path", path}, {"state", word}})}, {"by", by}}),
               doc::object({{"note", note}}));
}

EventDraft paused(const Run& run, const std::string& by) {
  return draft(run, "run.paused", doc::object({{"by", by}}));
}

EventDraft resumed(const Run& run, const std::string& by) {
  return draft(run, "run.resumed", doc::object({{"by", by}}));
}

EventDraft cancelled(const Run& run, const std::string& by, const std::string& reason) {
  return draft(run, "run.cancelled", doc::object({{"by", by}}), doc::object({{"reason", reason}}));
}

EventDraft run_ended(const Run& run, RunEnd end, const std::string& reason, doc::Value outputs) {
  return draft(run, "run.ended", doc::object({{"run", doc::object({{"state", to_text(end)}})}}),
               doc::object({{"reason", reason}, {"outputs", std::move(outputs)}}));
}

void evolve(Run& run, const Event& event) {
  if (event.type == "run.started") fold_started(run, event);
  if (event.type == "run.locked") run.holds = event.time;
  if (event.type == "run.step_ended") fold_step(run, event);
  if (event.type == "run.step_resolved") fold_resolved(run, event);
  if (event.type == "run.paused") {
    run.paused = true;
    run.paused_by = event.body.text("by");
  }
  if (event.type == "run.resumed") {
    run.paused = false;
    run.paused_by.clear();
  }
  if (event.type == "run.cancelled") {
    run.cancelled_by = event.body.text("by");
    if (event.private_part) run.cancel_reason = event.private_part->text("reason");
  }
  if (event.type == "run.ended") fold_end(run, event);
}

}  // namespace keyturn::runbook
