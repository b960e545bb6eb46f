// keyturn prove: one entry, and why the log must hold it, as a file that can be verified anywhere.
#include "ledger/prove.h"

#include <algorithm>
#include <charconv>
#include <ostream>
#include <thread>

#include "base/percent.h"
#include "cli/commands.h"
#include "cli/host.h"
#include "cli/output_file.h"
#include "cli/record.h"
#include "cli/remote.h"
#include "doc/json.h"
#include "server/host_record.h"

namespace keyturn::cli {
namespace {

struct ProveWords {
  std::string what, url, out;
  Place place;
  std::uint64_t position = 0;  // 0: the last
};

std::optional<std::uint64_t> number(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Attempt<std::uint64_t> chosen(const std::vector<std::uint64_t>& indexes, const ProveWords& words) {
  if (indexes.empty())
    return std::unexpected(
        Failure{Exit::kFailed, {"not_found", words.what + ": there is no such action", ""}, {}});
  if (words.position > indexes.size())
    return usage("--position: " + words.what + " has " + std::to_string(indexes.size()) +
                 " entries");
  return words.position == 0 ? indexes.back() : indexes[words.position - 1];
}

Attempt<std::vector<std::uint64_t>> indexes_over_http(const Remote& remote, const std::string& id) {
  const auto timeline = remote.get("/v1/actions/" + percent_encoded(id) + "/timeline");
  if (!timeline) return std::unexpected(timeline.error());
  std::vector<std::uint64_t> out;
  const doc::Value* items = timeline->find("items");
  if (items == nullptr || !items->is_array()) return out;
  for (const doc::Value& item : items->as_array())
    out.push_back(static_cast<std::uint64_t>(item.integer("index")));
  return out;
}

Attempt<ledger::TlogProof> prove_on_host(const ProveWords& words) {
  const Attempt<server::Settings> settings = settings_of(words.place);
  if (!settings) return std::unexpected(settings.error());
  auto record = server::HostRecord::open(*settings);
  if (!record) return failed(record.error());
  std::optional<std::uint64_t> index = number(words.what);
  if (!index) {
    const auto found = chosen((*record)->indexes_of("action/" + words.what), words);
    if (!found) return std::unexpected(found.error());
    index = *found;
  }
  const Result<std::string> note = (*record)->checkpoint();
  if (!note) return failed(note.error());
  auto proof = ledger::prove_entry((*record)->resources(), *note, *index);
  if (!proof) return failed(proof.error());
  return *std::move(proof);
}

// A server signs at most a second after an entry: a checkpoint that covers it is waited for.
Result<ledger::TlogProof> prove_when_signed(const ledger::ResourceReader& resources,
                                            std::uint64_t index) {
  constexpr int kLooks = 30;
  constexpr std::chrono::milliseconds kApart(100);
  for (int look = 0;; ++look) {
    const Result<std::string> note = resources("checkpoint");
    if (!note) return std::unexpected(note.error());
    Result<ledger::TlogProof> proof = ledger::prove_entry(resources, *note, index);
    if (proof || proof.error().code != "not_covered" || look == kLooks) return proof;
    std::this_thread::sleep_for(kApart);
  }
}

Attempt<ledger::TlogProof> prove_over_http(const Session& session, const ProveWords& words) {
  Environment environment = session.environment;
  if (!words.url.empty()) environment.url = words.url;
  std::optional<std::uint64_t> index = number(words.what);
  if (!index) {
    const auto indexes = indexes_over_http(Remote(environment), words.what);
    if (!indexes) return std::unexpected(indexes.error());
    const auto found = chosen(*indexes, words);
    if (!found) return std::unexpected(found.error());
    index = *found;
  }
  auto proof = prove_when_signed(over_http(environment.url, environment), *index);
  if (!proof) return failed(proof.error());
  return *std::move(proof);
}

int run_prove(Session& session, const ProveWords& words) {
  const bool on_host = !words.place.data.empty();
  if (on_host && !words.url.empty())
    return complain(session, usage("--data and --url: choose one").error());
  const auto proof = on_host ? prove_on_host(words) : prove_over_http(session, words);
  if (!proof) return complain(session, proof.error());
  const std::string text = ledger::write_tlog_proof(*proof);
  if (session.json) {
    print_json(session.console, doc::object({{"index", proof->index}, {"proof", text}}));
    return code(Exit::kOk);
  }
  if (words.out.empty()) {
    session.console.out << text;
    return code(Exit::kOk);
  }
  if (Result<void> wrote = write_file(words.out, text); !wrote)
    return complain(session, {Exit::kFailed, wrote.error(), {}});
  session.console.err << "entry " << proof->index << ": " << one_line(words.out)
                      << "\nverify it anywhere: keyturn verify " << one_line(words.out)
                      << " --key KEY\n";
  return code(Exit::kOk);
}

}  // namespace

void add_prove(CLI::App& app, Session& session) {
  CLI::App* prove = leaf(app, session, "prove", "Prove offline that the ledger holds one entry");
  auto words = std::make_shared<ProveWords>();
  prove->add_option("WHAT", words->what, "An entry's index, or an action's id")->required();
  prove->add_option("--position", words->position,
                    "Of an action: which of its entries, from 1 (default: its last)");
  prove->add_option("--url", words->url, "The server (default KEYTURN_URL)");
  add_place(*prove, words->place);
  prove->add_option("--out", words->out, "Write it to this file, not to stdout");
  prove->footer(
      "A C2SP tlog-proof with the entry in it. With --data it is read from the data "
      "folder of this machine.");
  prove->callback([&session, words] { session.exit = run_prove(session, *words); });
}

}  // namespace keyturn::cli
