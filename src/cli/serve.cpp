// keyturn serve, keyturn init.
#include "server/serve.h"

#include <ostream>

#include "cli/host.h"

namespace keyturn::cli {
namespace {

struct ServeWords {
  Place place;
  std::string listen, policy, tools, credentials, runbooks, identity;
  bool check = false, demo = false;
};

int run_serve(Session& session, const ServeWords& words) {
  Attempt<server::Settings> settings = settings_of(words.place);
  if (!settings) {  // as every other mistake in a document: file:line:column first
    session.console.err << printable(settings.error().refusal.message) << '\n';
    if (words.check) session.console.out << "configuration has errors\n";
    return code(Exit::kDenied);
  }
  if (!words.listen.empty()) {
    if (const Result<void> set = server::set_listen(*settings, words.listen); !set)
      return complain(session, {Exit::kUsage, set.error(), {}});
  }
  if (!words.policy.empty()) settings->policy = words.policy;
  if (!words.tools.empty()) settings->tools = words.tools;
  if (!words.credentials.empty()) settings->credentials = words.credentials;
  if (!words.runbooks.empty()) settings->runbooks = words.runbooks;
  if (!words.identity.empty()) settings->identity = words.identity;
  settings->demo = settings->demo || words.demo;
  return server::serve(
      {.settings = std::move(*settings), .check = words.check, .demo = words.demo});
}

int run_init(Session& session, const Place& place) {
  const Attempt<server::Settings> settings = settings_of(place);
  if (!settings) return complain(session, settings.error());
  const Result<std::string> vkey = server::initialise(*settings);
  if (!vkey) return complain(session, {Exit::kFailed, vkey.error(), {}});
  Console& console = session.console;
  if (session.json) {
    print_json(console, doc::object({{"data", settings->data}, {"vkey", *vkey}}));
    return code(Exit::kOk);
  }
  console.err << "Made " << printable(settings->data)
              << ". Keep the next line: with it, and nothing else of ours, anybody can verify the "
                 "ledger.\n";
  console.out << *vkey << '\n';
  return code(Exit::kOk);
}

}  // namespace

void add_serve(CLI::App& app, Session& session) {
  CLI::App* serve = app.add_subcommand("serve", "Run the server");
  auto words = std::make_shared<ServeWords>();
  add_place(*serve, words->place);
  serve->add_option("--listen", words->listen, "ADDRESS:PORT (default 127.0.0.1:7717)");
  serve->add_option("--policy", words->policy, "Policy (default policy.yaml)");
  serve->add_option("--tools", words->tools, "Tools (default tools.yaml)");
  serve->add_option("--credentials", words->credentials, "Providers of credentials (default none)");
  serve->add_option("--runbooks", words->runbooks, "Folder of runbooks (default none)");
  serve->add_option("--identity", words->identity, "Identity providers (default none)");
  serve->add_flag("--check", words->check, "Validate everything and stop");
  serve->add_flag("--demo", words->demo, "With simulated colleagues, for a look");
  serve->footer(
      "Documents that change are read again at SIGHUP, or by themselves with watch: true in\n"
      "keyturn.yaml; with mistakes in them what is in force stays. A run of a runbook keeps the\n"
      "document that it began with.");
  serve->callback([&session, words] { session.exit = run_serve(session, *words); });

  CLI::App* init = leaf(app, session, "init", "Make the data folder: store and keys");
  auto place = std::make_shared<Place>();
  add_place(*init, *place);
  init->callback([&session, place] { session.exit = run_init(session, *place); });
}

}  // namespace keyturn::cli
