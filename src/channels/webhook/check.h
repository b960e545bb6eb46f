// `keyturn channels test NAME` for webhooks.
#pragma once

#include "base/task.h"
#include "channels/check.h"
#include "channels/config.h"
#include "channels/webhook/settings.h"

namespace keyturn::channels::webhook {

// The secret, and whether the receiver answers. A standard webhook is sent a message of the type
// keyturn.test; a pager is only reached, so that nobody is called.
Task<Checks> check(Settings settings, CheckPorts ports);

}  // namespace keyturn::channels::webhook
