// Commands of the server's own machine: options that say where its data is, and the call itself.
#pragma once

#include <optional>
#include <string>

#include "cli/commands.h"
#include "cli/remote.h"
#include "server/settings.h"

namespace keyturn::cli {

struct Place {
  std::string data;    // --data; "" : what the configuration says
  std::string config;  // --config; "" : ./keyturn.yaml, if it is there
};
void add_place(CLI::App& command, Place& place);

// Defaults, then the configuration file, then --data.
[[nodiscard]] Attempt<server::Settings> settings_of(const Place& place);

// Through DATA/admin.sock while a server runs, else on the data folder itself.
[[nodiscard]] Attempt<doc::Value> call_host(const Place& place, const std::string& path,
                                            const doc::Value& body);

// Runs it; says `done` on stdout (or the answer, with --json), or complains. The exit code.
int run_host(Session& session, const Place& place, const std::string& path, const doc::Value& body,
             const std::string& done);

}  // namespace keyturn::cli
