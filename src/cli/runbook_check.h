// keyturn runbook check: mistakes in runbooks, told without a server.
#pragma once

#include <string>
#include <vector>

#include "cli/app.h"

namespace keyturn::cli {

// `files`: of runbooks, or folders of them; `tools_file`: tools.yaml, or "". Problems on stdout,
// one a line. The exit code: 1 when something is wrong, 2 when a file cannot be read.
int check_runbooks(Session& session, const std::string& tools_file,
                   const std::vector<std::string>& files);

}  // namespace keyturn::cli
