#include "cli/host.h"

#include <filesystem>
#include <ostream>

#include "server/host_call.h"

namespace keyturn::cli {

void add_place(CLI::App& command, Place& place) {
  command.add_option("--data", place.data, "Data folder (default ./keyturn-data)");
  command.add_option("--config", place.config, "Configuration (default ./keyturn.yaml, if there)");
}

Attempt<server::Settings> settings_of(const Place& place) {
  server::Settings settings;
  std::string config = place.config;
  if (config.empty() && std::filesystem::exists("keyturn.yaml")) config = "keyturn.yaml";
  if (!config.empty()) {
    Result<server::Settings> read = server::read_settings(config, settings);
    if (!read) return std::unexpected(Failure{Exit::kUsage, read.error(), {}});
    settings = std::move(*read);
  }
  if (!place.data.empty()) settings.data = place.data;
  return settings;
}

Attempt<doc::Value> call_host(const Place& place, const std::string& path, const doc::Value& body) {
  const Attempt<server::Settings> settings = settings_of(place);
  if (!settings) return std::unexpected(settings.error());
  Result<doc::Value> answer = server::host_call(*settings, path, body);
  if (answer) return std::move(*answer);
  const bool unreachable = answer.error().code == "cannot_connect";
  return std::unexpected(
      Failure{unreachable ? Exit::kUnreachable : Exit::kFailed, answer.error(), {}});
}

int run_host(Session& session, const Place& place, const std::string& path, const doc::Value& body,
             const std::string& done) {
  const Attempt<doc::Value> answer = call_host(place, path, body);
  if (!answer) return complain(session, answer.error());
  if (session.json)
    print_json(session.console, *answer);
  else
    session.console.out << printable(done) << '\n';
  return code(Exit::kOk);
}

}  // namespace keyturn::cli
