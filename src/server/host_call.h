// Commands of the server's own machine: through DATA/admin.sock while a server runs, else on the
// data folder itself.
#pragma once

#include <string>

#include "base/result.h"
#include "doc/value.h"
#include "server/settings.h"

namespace keyturn::server {

// POSTs `body` to a route of api/host.h ("/host/person") and returns the answer's body. Refusals
// are the route's, or cannot_connect, data_dir_locked, not_initialised.
[[nodiscard]] Result<doc::Value> host_call(const Settings& settings, const std::string& path,
                                           const doc::Value& body);

}  // namespace keyturn::server
