// Processes that got away from the one that was started: they carry its mark.
#pragma once

#include <string>

namespace keyturn::connectors::exec {

// Kills every process in whose environment `mark` ("NAME=value") stands. Marks are random: no other
// process has it. Reads /proc; what may not be read there is not ours.
void kill_marked(const std::string& mark);

}  // namespace keyturn::connectors::exec
