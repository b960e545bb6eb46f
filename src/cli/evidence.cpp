// keyturn evidence: a period of the record, for an auditor.
#include "report/evidence.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <ostream>

#include "base/bytes.h"
#include "cli/bundle_files.h"
#include "cli/commands.h"
#include "cli/host.h"
#include "cli/record.h"
#include "cli/remote.h"
#include "cli/wait.h"
#include "crypto/crypto.h"
#include "doc/json.h"
#include "doc/yaml.h"
#include "ledger/erasure.h"
#include "ledger/leaf_skim.h"
#include "ledger/prove.h"
#include "server/host_record.h"

namespace keyturn::cli {
namespace {

struct EvidenceWords {
  std::string from, to, controls, out, url, seed;
  std::size_t sample = 25;
  bool reveal = false;
  Place place;
};

constexpr Duration kDay = std::chrono::days(1);

// Where everything is read from.
struct Source {
  ledger::ResourceReader resources;
  std::unique_ptr<server::HostRecord> host;  // null: over HTTP
  std::optional<Remote> remote;
  std::string checkpoint;
  ledger::Checkpoint tree;
};

// Each resource once, as long as they are few.
ledger::ResourceReader remembering(ledger::ResourceReader inner) {
  constexpr std::size_t kKept = 64;
  auto kept = std::make_shared<std::map<std::string, std::string>>();
  return [inner = std::move(inner), kept](const std::string& path) -> Result<std::string> {
    if (const auto found = kept->find(path); found != kept->end()) return found->second;
    Result<std::string> got = inner(path);
    if (!got || path == "checkpoint") return got;
    if (kept->size() >= kKept) kept->clear();
    (*kept)[path] = *got;
    return got;
  };
}

Attempt<Source> open_source(const Session& session, const EvidenceWords& words) {
  Source out;
  if (!words.place.data.empty()) {
    const Attempt<server::Settings> settings = settings_of(words.place);
    if (!settings) return std::unexpected(settings.error());
    auto host = server::HostRecord::open(*settings);
    if (!host) return failed(host.error());
    out.host = std::move(*host);
    out.resources = remembering(out.host->resources());
  } else {
    Environment environment = session.environment;
    if (!words.url.empty()) environment.url = words.url;
    out.resources = remembering(over_http(environment.url, environment));
    out.remote.emplace(environment);
  }
  Result<std::string> note = out.resources("checkpoint");
  if (!note) return failed(note.error());
  const Result<ledger::Checkpoint> tree = ledger::read_checkpoint(*note);
  if (!tree) return failed(tree.error());
  out.checkpoint = std::move(*note);
  out.tree = *tree;
  return out;
}

std::optional<std::uint64_t> index_of(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A date is its first instant; as an end, the first instant of the day after.
std::optional<Time> instant_of(const std::string& text, bool end) {
  if (text.size() != 10) return from_rfc3339(text);
  const std::optional<Time> midnight = from_rfc3339(text + "T00:00:00Z");
  return midnight && end ? std::optional(*midnight + kDay) : midnight;
}

Attempt<Time> time_at(const Source& source, std::uint64_t index) {
  const auto leaf = ledger::read_entries(source.resources, index, index + 1, source.tree.size);
  if (!leaf) return failed(leaf.error());
  const auto event =
      doc::parse_json(leaf->front(), {.bytes_max = ledger::kLeafBytesMax, .depth_max = 256});
  const auto time = event ? from_rfc3339(event->text("time")) : std::nullopt;
  if (!time) return failed({"malformed", "entry " + std::to_string(index) + " has no time", "", 0});
  return *time;
}

// The first entry that is not before `time`: entries never go back in time.
Attempt<std::uint64_t> first_from(const Source& source, Time time) {
  std::uint64_t low = 0, high = source.tree.size;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    const Attempt<Time> at = time_at(source, middle);
    if (!at) return std::unexpected(at.error());
    *at < time ? low = middle + 1 : high = middle;
  }
  return low;
}

Attempt<std::uint64_t> bound(const Source& source, const std::string& word, const char* option,
                             bool end) {
  if (word.empty()) return end ? source.tree.size : 0;
  if (const auto index = index_of(word)) {
    if (*index <= source.tree.size) return *index;
    return usage(std::string(option) + ": the checkpoint covers " +
                 std::to_string(source.tree.size) + " entries");
  }
  const std::optional<Time> time = instant_of(word, end);
  if (!time)
    return usage(std::string(option) + ": \"" + word +
                 "\" is no date (2026-10-31), time (RFC 3339) or index of an entry");
  return first_from(source, *time);
}

std::string hex_of(std::string_view digest) {
  return std::string(digest.starts_with("sha256:") ? digest.substr(7) : digest);
}

// The document as entries name it, or nothing if this text is another.
std::optional<report::PolicyText> policy_text(const std::string& text) {
  const auto tree = doc::parse_yaml(text, "policy.yaml");
  if (!tree) return std::nullopt;
  const auto canonical = doc::canonical(*tree);
  if (!canonical) return std::nullopt;
  return report::PolicyText{to_hex(view(crypto::sha256(*canonical))), text, *canonical};
}

// The entry of each document that was in force, and its text: from the data folder all that were
// not erased, over HTTP the one in force now.
class Policies {
 public:
  Policies(const Source& source, report::EvidenceInput& input, std::uint64_t to)
      : source_(source), in_(input), to_(to) {}

  Result<void> gather() {
    for (const report::PolicyVersion& version : report::read_story(in_.entries, in_.from).policies)
      wanted_[hex_of(version.digest)] = true;
    return source_.host ? from_host() : from_server();
  }

 private:
  Result<void> from_host() {
    std::optional<std::uint64_t> before;
    std::optional<report::PolicyText> of_before;
    for (const std::uint64_t index : source_.host->indexes_of("policy")) {
      if (index >= to_) break;
      const auto parts = source_.host->private_parts(index, index + 1);
      if (!parts) return std::unexpected(parts.error());
      std::optional<report::PolicyText> policy;
      if (!parts->empty() && !parts->front().nonce.empty()) {
        const auto payload = doc::parse_json(parts->front().payload, {.bytes_max = 1 << 26});
        if (payload) policy = policy_text(std::string(payload->text("text")));
      }
      if (index < in_.from) {
        before = index;
        of_before = policy;
      }
      if (policy && wanted_.contains(policy->digest)) keep(*policy);
    }
    if (of_before) keep(*of_before);
    return before ? prove(*before) : Result<void>();
  }

  Result<void> from_server() {
    const auto answer = source_.remote->get("/v1/policy");
    if (!answer) return std::unexpected(answer.error().refusal);
    const auto policy = policy_text(std::string(answer->text("text")));
    if (policy && wanted_.contains(policy->digest)) keep(*policy);
    std::optional<std::uint64_t> before;
    const doc::Value* history = answer->find("history");
    if (history == nullptr || !history->is_array()) return {};
    for (const doc::Value& version : history->as_array()) {
      const auto index = static_cast<std::uint64_t>(version.integer("index"));
      if (index < in_.from && index >= before.value_or(0)) before = index;
    }
    return before ? prove(*before) : Result<void>();
  }

  void keep(const report::PolicyText& policy) {
    const auto same = [&](const report::PolicyText& other) {
      return other.digest == policy.digest;
    };
    if (std::ranges::none_of(in_.policies, same)) in_.policies.push_back(policy);
  }

  Result<void> prove(std::uint64_t index) {
    const auto proof = ledger::prove_entry(source_.resources, source_.checkpoint, index);
    if (!proof) return std::unexpected(proof.error());
    in_.proofs["policy-" + std::to_string(index) + ".tlog-proof"] =
        ledger::write_tlog_proof(*proof);
    return {};
  }

  const Source& source_;
  report::EvidenceInput& in_;
  std::uint64_t to_;
  std::map<std::string, bool> wanted_;
};

// Which entry says that this private part was erased: a later one of its stream. With its proof
// when it is not in the bundle.
std::optional<ledger::ErasedPayload> erasure_of(const Source& source, const ledger::Bundle& bundle,
                                                std::uint64_t index) {
  const auto leaf = ledger::skim_leaf(bundle.entries[index - bundle.from]);
  if (!leaf) return std::nullopt;
  for (const std::uint64_t at : source.host->indexes_of(std::string(leaf->stream))) {
    if (at <= index) continue;
    const auto proof = ledger::prove_entry(source.resources, source.checkpoint, at);
    if (!proof || !proof->extra) break;  // the checkpoint is older
    const auto erasure = ledger::read_erasure(*proof->extra, at);
    if (!erasure || !ledger::covers(*erasure, index)) continue;
    ledger::ErasedPayload out{index, at};
    if (at < bundle.from + bundle.entries.size()) return out;
    out.entry = *proof->extra;
    out.proof = proof->proof;
    return out;
  }
  return std::nullopt;
}

Result<void> reveal(const Source& source, ledger::Bundle& bundle, report::EvidenceInput& input) {
  auto parts = source.host->private_parts(bundle.from, bundle.from + bundle.entries.size());
  if (!parts) return std::unexpected(parts.error());
  for (server::HostRecord::Part& part : *parts) {
    if (!part.nonce.empty()) {
      bundle.revealed.push_back({part.index, std::move(part.nonce), std::move(part.payload)});
      continue;
    }
    ++input.erased;
    if (auto erased = erasure_of(source, bundle, part.index))
      bundle.erased.push_back(std::move(*erased));
  }
  input.revealed = bundle.revealed.size();
  return {};
}

std::string asked_text(const EvidenceWords& words) {
  return (words.from.empty() ? "the beginning" : words.from) + " to " +
         (words.to.empty() ? "the checkpoint" : words.to);
}

Attempt<report::EvidenceInput> gather(const Source& source, const EvidenceWords& words) {
  const auto from = bound(source, words.from, "--from", false);
  if (!from) return std::unexpected(from.error());
  const auto to = bound(source, words.to, "--to", true);
  if (!to) return std::unexpected(to.error());
  if (*from > *to) return usage("--from is after --to");
  auto bundle = ledger::read_bundle(source.resources, source.checkpoint, *from, *to);
  if (!bundle) return failed(bundle.error());
  report::EvidenceInput input;
  input.origin = source.tree.origin;
  input.root = to_hex(view(source.tree.root));
  input.size = source.tree.size;
  input.cosigners = ledger::cosigner_names(source.checkpoint, source.tree.origin);
  input.from = *from;
  input.checkpoint = source.checkpoint;
  input.asked = asked_text(words);
  input.made_at = to_rfc3339(SystemClock().now());
  input.made_by_version = KEYTURN_VERSION;
  input.seed = words.seed;
  input.sample = words.sample;
  input.controls = words.controls;
  input.entries = bundle->entries;
  if (words.reveal)
    if (const auto shown = reveal(source, *bundle, input); !shown) return failed(shown.error());
  if (const auto got = Policies(source, input, *to).gather(); !got) return failed(got.error());
  for (const report::PolicyText& policy : input.policies)
    bundle->attachments.push_back(
        {"policy/" + policy.digest + ".json", "application/json", policy.canonical});
  input.bundle = ledger::write_bundle(*bundle);
  return input;
}

int run_evidence(Session& session, const EvidenceWords& words) {
  if (words.reveal && words.place.data.empty())
    return complain(session, usage("--reveal: private parts are shown from the data folder only; "
                                   "say --data on the server's machine")
                                 .error());
  if (const auto chosen = report::choose_controls(words.controls); !chosen)
    return complain(session, {Exit::kUsage, chosen.error(), {}});
  std::optional<Progress> progress;
  progress.emplace(session.console);
  progress->say("reading the record", true);
  const auto source = open_source(session, words);
  if (!source) return complain(session, source.error());
  const auto input = gather(*source, words);
  if (!input) return complain(session, input.error());
  progress->say("writing the report", true);
  const auto made = report::make_evidence(*input);
  if (!made) return complain(session, {Exit::kFailed, made.error(), {}});
  if (const auto wrote = write_evidence(words.out, made->files); !wrote)
    return complain(session, {Exit::kFailed, wrote.error(), {}});
  progress.reset();
  const std::uint64_t to = input->from + input->entries.size();
  if (session.json) {
    print_json(session.console, doc::object({{"out", words.out},
                                             {"from", input->from},
                                             {"to", to},
                                             {"size", input->size},
                                             {"actions", std::uint64_t{made->actions}},
                                             {"sampled", std::uint64_t{made->sampled}},
                                             {"pdf", made->pdf_missing.empty()}}));
    return code(Exit::kOk);
  }
  session.console.out << "entries " << input->from << " to " << to << " of " << input->size << ": "
                      << made->actions << " actions, " << made->sampled << " sampled, in "
                      << one_line(words.out) << "\n";
  if (!made->pdf_missing.empty())
    session.console.err << "without report.pdf: " << made->pdf_missing << "\n";
  return code(Exit::kOk);
}

}  // namespace

void add_evidence(CLI::App& app, Session& session) {
  CLI::App* evidence =
      leaf(app, session, "evidence", "A period of the record with its proof, for an auditor");
  auto words = std::make_shared<EvidenceWords>();
  evidence->add_option("--from", words->from,
                       "The first: a date, a time (RFC 3339) or an entry's index (default 0)");
  evidence->add_option("--to", words->to,
                       "The end: a date (with that day), or a time or an index (without it)");
  evidence->add_option("--control", words->controls, "AU-10,CC8.1,… (default: all)");
  evidence->add_option("--out", words->out, "A new folder, or a file that ends with .zip")
      ->required();
  evidence->add_option("--sample", words->sample, "How many actions to sample (default 25)");
  evidence->add_option("--seed", words->seed, "Of the sample (default: the checkpoint's root)");
  evidence->add_flag("--reveal", words->reveal,
                     "Show private parts (arguments, reasons, outputs); needs --data");
  evidence->add_option("--url", words->url, "The server (default KEYTURN_URL)");
  add_place(*evidence, words->place);
  evidence->footer(
      "Over HTTP it needs a person's token; with --data it reads the data folder of this "
      "machine. Verify the result: keyturn verify OUT --key KEY.");
  evidence->callback([&session, words] { session.exit = run_evidence(session, *words); });
}

}  // namespace keyturn::cli
