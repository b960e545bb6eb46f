// `keyturn channels test email`.
#pragma once

#include "base/task.h"
#include "channels/check.h"
#include "channels/config.h"
#include "channels/email/settings.h"

namespace keyturn::channels::email {

// The password, and whether the server can be reached by TLS and takes the login. Sends no mail.
Task<Checks> check(Settings settings, CheckPorts ports);

}  // namespace keyturn::channels::email
