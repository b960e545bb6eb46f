// A run of a runbook, as it goes on, in a terminal.
#pragma once

#include <string>

#include "cli/app.h"
#include "doc/value.h"

namespace keyturn::cli {

// "held: sure (1 of dba)", "stopped: two (nobody knows how it ended)", "failed: two: …".
std::string run_line(const doc::Value& run);

// A line on stderr whenever a step begins to wait, runs or has ended, until the run is over; then
// its outputs on stdout. With --json each state of the run as a line on stdout instead. Returns the
// exit code of the run's action.
int follow_run(Session& session, const std::string& id);

}  // namespace keyturn::cli
