// keyturn ledger restart: a new epoch of the record, when what was signed is lost.
#include <fmt/format.h>

#include <ostream>

#include "cli/arguments.h"
#include "cli/host.h"
#include "server/restart.h"

namespace keyturn::cli {
namespace {

struct RestartWords {
  Place place;
  std::string reason, checkpoint;
  std::vector<std::string> tokens;
};

Result<server::RestartRequest> request_of(const RestartWords& words) {
  server::RestartRequest request{.reason = words.reason, .approvers = {}, .checkpoint = {}};
  for (const std::string& file : words.tokens) {
    Result<std::string> text = read_file(file);
    if (!text) return std::unexpected(text.error());
    while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
    request.approvers.emplace_back(std::move(*text));
  }
  if (!words.checkpoint.empty()) {
    Result<std::string> note = read_file(words.checkpoint);
    if (!note) return std::unexpected(note.error());
    request.checkpoint = std::move(*note);
  }
  return request;
}

int run_restart(Session& session, const RestartWords& words) {
  Attempt<server::Settings> settings = settings_of(words.place);
  if (!settings) return complain(session, settings.error());
  Result<server::RestartRequest> request = request_of(words);
  if (!request) return complain(session, {Exit::kUsage, request.error(), {}});
  Result<server::Restarted> done = server::restart_log(*settings, std::move(*request));
  if (!done) return complain(session, {Exit::kFailed, done.error(), {}});
  if (session.json) {
    print_json(
        session.console,
        doc::object({{"epoch", done->epoch}, {"missing", done->missing}, {"vkey", done->vkey}}));
    return code(Exit::kOk);
  }
  session.console.err << fmt::format(
      "Epoch {} of the ledger begins; {} signed entries are missing from it. The ledger says so "
      "for "
      "ever. Give the next line to whoever verifies, and to the witnesses.\n",
      done->epoch, done->missing);
  session.console.out << done->vkey << '\n';
  return code(Exit::kOk);
}

int run_rotate(Session& session, const RestartWords& words) {
  Attempt<server::Settings> settings = settings_of(words.place);
  if (!settings) return complain(session, settings.error());
  Result<server::RestartRequest> request = request_of(words);
  if (!request) return complain(session, {Exit::kUsage, request.error(), {}});
  Result<server::Rotated> done = server::rotate_key(*settings, std::move(*request));
  if (!done) return complain(session, {Exit::kFailed, done.error(), {}});
  if (session.json) {
    print_json(session.console,
               doc::object({{"last_checkpoint", done->last_checkpoint}, {"vkey", done->vkey}}));
    return code(Exit::kOk);
  }
  session.console.err << "A new key signs the ledger. This is the old key's last checkpoint; it "
                         "covers the entry that names the new one:\n\n"
                      << done->last_checkpoint
                      << "\nGive the next line to whoever verifies, and to the witnesses.\n";
  session.console.out << done->vkey << '\n';
  return code(Exit::kOk);
}

void add_approval(CLI::App& command, const std::shared_ptr<RestartWords>& words) {
  add_place(command, words->place);
  command.add_option("--reason", words->reason, "Why")->required();
  command
      .add_option("--approver-token", words->tokens,
                  "A file with an administrator's personal token; two, once sealed")
      ->allow_extra_args(false);
}

}  // namespace

void add_ledger(CLI::App& app, Session& session) {
  CLI::App* ledger = app.add_subcommand("ledger", "The record itself");
  ledger->require_subcommand(1);
  CLI::App* restart =
      leaf(*ledger, session, "restart",
           "Begin a new epoch when signed entries are lost, with the server stopped");
  auto words = std::make_shared<RestartWords>();
  add_approval(*restart, words);
  restart->add_option("--checkpoint", words->checkpoint,
                      "The newest checkpoint that anybody kept of this ledger");
  restart->callback([&session, words] { session.exit = run_restart(session, *words); });
  CLI::App* rotate = leaf(*ledger, session, "rotate-key",
                          "Sign with a new key from now on, with the server stopped");
  auto rotation = std::make_shared<RestartWords>();
  add_approval(*rotate, rotation);
  rotate->callback([&session, rotation] { session.exit = run_rotate(session, *rotation); });
}

}  // namespace keyturn::cli
