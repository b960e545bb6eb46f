// A run of a runbook, as it goes on, in a terminal.
#pragma once

#include <string>

#include "cli/app.h"

namespace keyturn::cli {

// A line on stderr whenever a step begins to wait, runs or has ended, with the last line of the
// stderr of one that failed, until the run is over; then its outputs on stdout. What a stopped run
// asks people for is told as they type it. With --json each state of the run as a line on stdout
// instead. A server that goes away is waited for, for a minute. Returns 4 for a run that was
// cancelled, else the exit code of its action.
int follow_run(Session& session, const std::string& id);

}  // namespace keyturn::cli
