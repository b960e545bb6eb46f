// `keyturn serve`: everything wired, listening, until a signal.
#pragma once

#include <string>

#include "base/result.h"
#include "server/settings.h"

namespace keyturn::server {

struct ServeOptions {
  Settings settings;
  bool check = false;  // validate configuration and stop
  bool demo = false;
};

// Returns the exit code of the process: 0 after SIGTERM or SIGINT, 1 when it cannot start (said on
// stderr). SIGHUP loads policy and tools again; a failing document leaves the old one in force and
// says so.
int serve(ServeOptions options);

// `keyturn exec-helper`: first thing in main.
int exec_helper(int argc, char** argv);

// Makes DATA with store and keys; the ledger's verifier key (C2SP vkey). Code already_initialised.
[[nodiscard]] Result<std::string> initialise(const Settings& settings);

}  // namespace keyturn::server
