#include "cli/app.h"

#include <cstdlib>
#include <ostream>

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
    "verify: 0 intact, 1 tampered, 2 usage, 3 incomplete or untrusted.";

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
  add_token(app, session);
  add_request(app, session);
  add_read(app, session);
  add_review(app, session);
  add_watch(app, session);
  add_policy(app, session);
  add_cel(app, session);
  add_verify(app, session);
  add_completion(app, session);
  add_version(app, session);
}

int run(int argc, const char* const* argv, Console& console, const Environment& environment) {
  Session session{.console = console, .environment = environment};
  CLI::App app{"Keyturn stands between AI agents and everything privileged.", "keyturn"};
  add_commands(app, session);
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
