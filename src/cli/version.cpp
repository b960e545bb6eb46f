// keyturn version.
#include <ostream>

#include "cli/commands.h"
#include "cli/exit_codes.h"

namespace keyturn::cli {

void add_version(CLI::App& app, Session& session) {
  CLI::App* version = leaf(app, session, "version", "Which Keyturn this is");
  version->callback([&session] {
    if (session.json)
      print_json(session.console, doc::object({{"name", "keyturn"}, {"version", KEYTURN_VERSION}}));
    else
      session.console.out << "keyturn " << KEYTURN_VERSION << '\n';
    session.exit = code(Exit::kOk);
  });
}

}  // namespace keyturn::cli
