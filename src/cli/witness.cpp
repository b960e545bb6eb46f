// keyturn witness: remembers what others' ledgers have shown, and signs that it did.
#include "server/witness.h"

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/keys.h"
#include "cli/remote.h"
#include "server/settings.h"

namespace keyturn::cli {
namespace {

struct WitnessWords {
  std::string data = "./keyturn-witness", name, listen;
  std::vector<std::string> logs, hosts;
  bool key_only = false;
};

int run_witness(Session& session, const WitnessWords& words) {
  server::WitnessOptions options{
      .data = words.data, .name = words.name, .hosts = words.hosts, .key_only = words.key_only};
  if (!words.listen.empty()) {
    server::Settings place;
    if (const Result<void> set = server::set_listen(place, words.listen); !set)
      return complain(session, {Exit::kUsage, set.error(), {}});
    options.address = place.address;
    options.port = place.port;
  }
  for (const std::string& word : words.logs) {
    Result<ledger::VerifierKey> key = key_of(word);
    if (!key) return complain(session, {Exit::kUsage, key.error(), {}});
    if (key->type != ledger::KeyType::kEd25519)
      return complain(session, {Exit::kUsage, {"usage", "--log: this is a witness's key", ""}, {}});
    options.logs.push_back(std::move(*key));
  }
  if (options.logs.empty() && !options.key_only) {
    return complain(session, {Exit::kUsage,
                              {"usage",
                               "say which ledgers: --log KEY (as keyturn init prints it), once for "
                               "each",
                               ""},
                              {}});
  }
  return server::witness(options);
}

}  // namespace

void add_witness(CLI::App& app, Session& session) {
  CLI::App* witness = app.add_subcommand(
      "witness", "Cosign other machines' ledgers, so that none can have two histories");
  auto words = std::make_shared<WitnessWords>();
  witness->add_option("--data", words->data, "Its folder (default ./keyturn-witness)");
  witness->add_option("--listen", words->listen, "ADDRESS:PORT (default 127.0.0.1:7720)");
  witness->add_option("--log", words->logs, "A ledger's verifier key, or a file with it")
      ->allow_extra_args(false);
  witness->add_option("--name", words->name, "The name it signs with");
  witness->add_option("--host", words->hosts, "A further name allowed in Host")
      ->allow_extra_args(false);
  witness->add_flag("--print-key", words->key_only, "Print its verifier key and stop");
  witness->callback([&session, words] { session.exit = run_witness(session, *words); });
}

}  // namespace keyturn::cli
