// keyturn fsck: is the data folder whole?
#include "audit/fsck.h"

#include <fmt/format.h>

#include <ostream>

#include "cli/commands.h"
#include "cli/host.h"
#include "cli/wait.h"

namespace keyturn::cli {
namespace {

int run_fsck(Session& session, const Place& place) {
  const Attempt<server::Settings> settings = settings_of(place);
  if (!settings) return complain(session, settings.error());
  audit::FsckOptions options{.data = settings->data};
  audit::FsckReport report;
  {
    Progress progress(session.console);
    options.progress = [&](std::uint64_t done, std::uint64_t total) {
      progress.say(fmt::format("{} of {} entries", done, total), true);
    };
    report = audit::fsck(options);
  }
  if (session.json)
    print_json(session.console, audit::to_value(report));
  else
    session.console.out << printable(audit::to_text(report));
  return ledger::exit_code(report.verdict);
}

}  // namespace

void add_fsck(CLI::App& app, Session& session) {
  CLI::App* fsck =
      leaf(app, session, "fsck", "Check the whole data folder; a server may run beside it");
  auto place = std::make_shared<Place>();
  add_place(*fsck, *place);
  fsck->footer("Reads only. Exit codes: 0 intact, 1 tampered or damaged, 2 usage, 3 incomplete.");
  fsck->callback([&session, place] { session.exit = run_fsck(session, *place); });
}

}  // namespace keyturn::cli
