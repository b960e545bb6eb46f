// The state of one run: the fold of its stream "run/act_…". Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "doc/value.h"
#include "model/event.h"
#include "model/principal.h"

namespace keyturn::runbook {

enum class StepState { kSucceeded, kFailed, kUnknown, kSkipped };
std::string_view to_text(StepState state);

// What is behind a failed attempt, where that decides what follows.
enum class Behind {
  kNothingSaid,
  kEffect,       // its action succeeded, and its outputs could not be made: it is undone
  kInterrupted,  // Keyturn stopped before anything took effect: it is begun anew
  kRefused,      // people or policy denied it: it is not tried again
};
std::string_view to_text(Behind behind);

// How an attempt at a step ended.
struct StepRecord {
  StepState state = StepState::kSucceeded;
  Behind behind = Behind::kNothingSaid;
  int attempt = 1;
  std::string action;  // act_…; "" where nothing was asked for
  std::string reason;  // of failed, unknown and skipped, for people
  doc::Value outputs = doc::Object{};
  std::optional<Time> began;  // of an attempt that asked for an action
  Time ended;
  std::size_t order = 0;    // among all ends of the run
  std::string resolved_by;  // who said how an unknown one ended
};

// What a person said of a step whose outcome nobody knew.
struct Resolution {
  std::string path;
  int attempt = 1;
  std::string outcome;  // succeeded, failed, again
  std::string by, note;
  Time at;
};

enum class RunEnd { kSucceeded, kFailed, kCancelled };
std::string_view to_text(RunEnd end);

struct Run {
  std::string id;       // the action that it is, act_…
  std::string runbook;  // name
  std::string digest;   // of the document that it began with, and goes on with
  std::string started_by;
  doc::Value inputs = doc::Object{};
  Time started;
  std::uint64_t order = 0;         // of its start among all runs
  std::vector<std::string> locks;  // that it asks for (runbook/turns.h)
  std::optional<Time> holds;       // since when it has them, and its turn; absent: it waits
  std::map<std::string, StepRecord> steps;  // by path; the last attempt's end
  std::vector<Resolution> resolutions;
  bool paused = false;
  std::string paused_by;  // while it is
  std::string cancelled_by, cancel_reason;
  std::optional<RunEnd> end;
  std::string end_reason;
  Time ended;
  doc::Value outputs = doc::Object{};
  std::size_t ends = 0;
  // Paths that were begun and have not ended. Of no event: whoever carries the run on keeps it.
  std::set<std::string> under_way;
};

inline std::string stream_of_run(const std::string& id) {
  return "run/" + id;
}

// ---- what is appended
EventDraft started(const Run& run);
// It has what it asks for, from now to its end.
EventDraft locked(const Run& run);
EventDraft step_ended(const Run& run, const std::string& path, const StepRecord& record);
// Whoever says how a step whose outcome nobody knew ended. kUnknown: it is to be done again.
EventDraft step_resolved(const Run& run, const std::string& path, StepState state,
                         const std::string& by, const std::string& note);
EventDraft paused(const Run& run, const std::string& by);
EventDraft resumed(const Run& run, const std::string& by);
EventDraft cancelled(const Run& run, const std::string& by, const std::string& reason);
EventDraft run_ended(const Run& run, RunEnd end, const std::string& reason, doc::Value outputs);

// What an event changes. Total: it never refuses history.
void evolve(Run& run, const Event& event);

}  // namespace keyturn::runbook
