// Internal to runs/: words that are written where a run ends and read where it is shown.
#pragma once

#include <string>

#include "runbook/run.h"

namespace keyturn::runs {

// Why the action of a cancelled run failed. What fails otherwise begins with a step's path.
std::string cancelled_by(const runbook::Run& run);

}  // namespace keyturn::runs
