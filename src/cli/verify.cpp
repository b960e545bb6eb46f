// keyturn verify: does the record contradict what the key signed?
#include "ledger/verify.h"

#include <fmt/format.h>

#include <filesystem>
#include <ostream>

#include "cli/arguments.h"
#include "cli/bundle_files.h"
#include "cli/commands.h"
#include "cli/keys.h"
#include "cli/record.h"
#include "cli/remote.h"

namespace keyturn::cli {
namespace {

struct VerifyWords {
  std::string what, key, since;
  std::vector<std::string> witnesses;
};

bool is_url(const std::string& text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

Result<ledger::VerifyOptions> options_of(const VerifyWords& words) {
  Result<ledger::VerifierKey> key = key_of(words.key);
  if (!key) return refuse("usage", "--key: " + key.error().message);
  ledger::VerifyOptions options{.key = std::move(*key)};
  for (const std::string& word : words.witnesses) {
    Result<ledger::VerifierKey> witness = key_of(word);
    if (!witness) return refuse("usage", "--witness: " + witness.error().message);
    options.witnesses.push_back(std::move(*witness));
  }
  if (!words.since.empty()) {
    Result<std::string> since = read_file(words.since);
    if (!since) return refuse("usage", "--since: " + since.error().message);
    options.since = std::move(*since);
  }
  return options;
}

Result<ledger::Report> report_of(const VerifyWords& words, const ledger::VerifyOptions& options,
                                 const Environment& environment) {
  if (is_url(words.what)) return verify_log(over_http(words.what, environment), options);
  if (is_evidence(words.what)) return verify_evidence(words.what, options);
  if (std::filesystem::is_directory(words.what)) return verify_log(in_folder(words.what), options);
  const Result<std::string> bundle = read_file(words.what);
  if (!bundle) return std::unexpected(bundle.error());
  if (ledger::is_tlog_proof(*bundle)) return ledger::verify_proof_text(*bundle, options);
  return ledger::verify_bundle_text(*bundle, options);
}

int run_verify(Session& session, const VerifyWords& words) {
  const Result<ledger::VerifyOptions> options = options_of(words);
  if (!options) return complain(session, {Exit::kUsage, options.error(), {}});
  const Result<ledger::Report> report = report_of(words, *options, session.environment);
  if (!report) return complain(session, {Exit::kUsage, report.error(), {}});
  if (session.json)
    print_json(session.console, ledger::to_value(*report));
  else
    session.console.out << printable(ledger::to_text(*report));
  return ledger::exit_code(report->verdict);
}

}  // namespace

void add_verify(CLI::App& app, Session& session) {
  CLI::App* verify = leaf(app, session, "verify", "Prove that the record was not changed");
  auto words = std::make_shared<VerifyWords>();
  verify
      ->add_option("WHAT", words->what,
                   "An evidence bundle, a proof, the URL of a log, or a folder of its files")
      ->required();
  verify
      ->add_option("--key", words->key,
                   "The log's verifier key, or a file with it. From somebody you trust, never from "
                   "the log")
      ->required();
  verify->add_option("--witness", words->witnesses, "A witness's key that must have cosigned")
      ->allow_extra_args(false);
  verify->add_option("--since", words->since,
                     "An older checkpoint of yours: nothing of it changed");
  verify->footer("Exit codes: 0 intact, 1 tampered, 2 usage, 3 incomplete or untrusted.");
  verify->callback([&session, words] { session.exit = run_verify(session, *words); });
}

}  // namespace keyturn::cli
