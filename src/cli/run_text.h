// A run of a runbook, and runbooks, as people read them in a terminal. Pure.
#pragma once

#include <string>

#include "cli/console.h"
#include "doc/value.h"

namespace keyturn::cli {

// "held: sure (1 of dba (0 so far))", "waiting: for lock db/a, held by act_…", "paused: by olga",
// "stopped: two (nobody knows how it ended)", "failed: two: …".
std::string run_line(const doc::Value& run);

// "succeeded one in 12 ms", "pending   sure: needs …", "failed    two: exited with code 3": where
// one of its steps stands.
std::string step_line(const doc::Value& step);

// What people type so that a stopped run goes on: a few lines for each step of which nobody knows
// how it ended. "" when there is none.
std::string how_to_settle(const doc::Value& run);

// Why it was started and with what: the words of whoever asked, then its inputs, on one short line.
std::string why_started(const doc::Value& run);

// The last line of a step's stderr that is not blank, marked where a terminal must not see it as it
// is; "" when its action (API "An action") has none, or does not say.
std::string last_words(const doc::Value& action);

// The plan of a run (API "Plan a runbook"): a row a step, with what policy says and whom it asks.
std::string plan_text(const doc::Value& plan);

// A runbook: its inputs, locks, triggers and steps.
std::string runbook_text(const doc::Value& runbook);

}  // namespace keyturn::cli
