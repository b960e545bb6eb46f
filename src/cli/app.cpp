#include "cli/app.h"

#include <algorithm>
#include <cstdlib>
#include <ostream>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"

namespace keyturn::cli {
namespace {

constexpr const char* kFooter =
    "\nKEYTURN_URL says where the server is (default http://localhost:7717), KEYTURN_TOKEN who you "
    "are.\n"
    "Exit codes: 0 succeeded or approved, 1 denied, 2 usage, 3 expired, 4 cancelled, 5 failed or "
    "refused,\n"
    "6 unknown outcome, 7 the server cannot be reached, 8 not settled yet.\n"
    "verify, fsck: 0 intact, 1 tampered, 2 usage, 3 incomplete or untrusted.";

// Says so of a first word that is no command. CLI11 would only say that one is missing.
bool knows_command(const CLI::App& app, std::string_view word, Console& console) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  if (word.starts_with('-') || std::ranges::find(names, word) != names.end()) return true;
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string_view nearest = nearest_word(word, views.data(), views.size());
  console.err << "keyturn: there is no command \"" << one_line(word) << "\"";
  if (!nearest.empty()) console.err << " (did you mean " << nearest << "?)";
  console.err << "; keyturn --help lists them\n";
  return false;
}

}  // namespace

Environment environment_of_process() {
  Environment out;
  if (const char* url = std::getenv("KEYTURN_URL"); url != nullptr && *url != '\0') out.url = url;
  if (const char* token = std::getenv("KEYTURN_TOKEN"); token != nullptr) out.token = token;
  return out;
}

void add_commands(CLI::App& app, Session& session) {
  app.require_subcommand(1);
  app.footer(kFooter);
  add_serve(app, session);
  add_seal(app, session);
  add_person(app, session);
  add_agent(app, session);
  add_oncall(app, session);
  add_channels(app, session);
  add_token(app, session);
  add_login(app, session);
  add_request(app, session);
  add_read(app, session);
  add_review(app, session);
  add_standing(app, session);
  add_runbook(app, session);
  add_upstream(app, session);
  add_watch(app, session);
  add_policy(app, session);
  add_cel(app, session);
  add_verify(app, session);
  add_witness(app, session);
  add_ledger(app, session);
  add_prove(app, session);
  add_evidence(app, session);
  add_fsck(app, session);
  add_export(app, session);
  add_mcp(app, session);
  add_completion(app, session);
  add_version(app, session);
}

int run(int argc, const char* const* argv, Console& console, const Environment& environment) {
  Session session{.console = console, .environment = environment};
  CLI::App app{"Keyturn stands between AI agents and everything privileged.", "keyturn"};
  add_commands(app, session);
  if (argc > 1 && !knows_command(app, argv[1], console)) return code(Exit::kUsage);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool is_help = error.get_exit_code() == 0;
    app.exit(error, console.out, console.err);
    console.out.flush();
    return is_help ? code(Exit::kOk) : code(Exit::kUsage);
  }
  console.out.flush();
  return session.exit;
}

}  // namespace keyturn::cli
