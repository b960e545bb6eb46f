// keyturn seal: from now on, changes of configuration need people.
#include "cli/host.h"

namespace keyturn::cli {
namespace {

struct SealWords {
  Place place;
  bool break_seal = false;
  std::string reason;
};

int run_seal(Session& session, const SealWords& words) {
  if (words.break_seal != !words.reason.empty())
    return complain(session, {Exit::kUsage, {"usage", "--break and --reason go together", ""}, {}});
  if (words.break_seal) {
    return run_host(session, words.place, "/host/seal/break",
                    doc::object({{"reason", words.reason}}),
                    "The seal is broken. The ledger says so for ever.");
  }
  return run_host(
      session, words.place, "/host/seal", doc::Object{},
      "Sealed: policy, tools, groups and identity settings now change only by an action "
      "that two unrelated people agree to. Tokens that this host made for people have ended: they "
      "make their own, signed in.");
}

}  // namespace

void add_seal(CLI::App& app, Session& session) {
  CLI::App* seal = leaf(app, session, "seal", "Seal the configuration");
  auto words = std::make_shared<SealWords>();
  add_place(*seal, words->place);
  seal->add_flag("--break", words->break_seal,
                 "Break the seal, with the server stopped; marks the ledger for ever");
  seal->add_option("--reason", words->reason, "Why it is broken");
  seal->callback([&session, words] { session.exit = run_seal(session, *words); });
}

}  // namespace keyturn::cli
