// The record, as verify, prove and evidence read it: a resource at a time (ledger/tile.h), over
// HTTP, from a folder, or from the data folder of this machine.
#pragma once

#include <string>

#include "cli/app.h"
#include "ledger/tile.h"

namespace keyturn::cli {

// The token goes to the server it is for (KEYTURN_URL), and to nobody else.
ledger::ResourceReader over_http(const std::string& base, const Environment& environment);
ledger::ResourceReader in_folder(const std::string& folder);

}  // namespace keyturn::cli
