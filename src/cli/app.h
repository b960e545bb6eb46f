// The command line: argv in, exit code out.
#pragma once

#include <string>

#include "cli/console.h"

namespace CLI {
class App;
}

namespace keyturn::cli {

// KEYTURN_URL and KEYTURN_TOKEN.
struct Environment {
  std::string url = "http://localhost:7717";
  std::string token;  // "" : none
};
Environment environment_of_process();

// What every command works with.
struct Session {
  Console& console;
  Environment environment;
  bool json = false;  // --json
  int exit = 0;       // set by the command that ran
};

// Adds every command to `app`. Borrows both for as long as `app` parses.
void add_commands(CLI::App& app, Session& session);

// Parses and runs. Returns the exit code (exit_codes.h).
int run(int argc, const char* const* argv, Console& console, const Environment& environment);

}  // namespace keyturn::cli
