// What `keyturn channels test teams` looks at.
#pragma once

#include "channels/check.h"
#include "channels/config.h"
#include "channels/teams/config.h"

namespace keyturn::channels::teams {

// The secret and whether it gives a token of that tenant and app, the keys that requests of Teams
// are checked with, the clock, each room, and whether Teams could reach this server. Sends nobody
// anything.
Task<Checks> diagnose(Config config, CheckPorts ports);

}  // namespace keyturn::channels::teams
