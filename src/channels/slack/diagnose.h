// `keyturn channels test slack`: what of an installation is right, what is wrong, and what to do.
#pragma once

#include "channels/config.h"
#include "channels/slack/config.h"

namespace keyturn::channels::slack {

// Asks Slack (and, where Slack calls us, our own public address). Says nothing to anybody there.
Task<Checks> diagnose(Settings settings, CheckPorts ports);

}  // namespace keyturn::channels::slack
