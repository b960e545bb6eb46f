#include "cli/bundle_files.h"

#include <algorithm>
#include <filesystem>

#include "cli/arguments.h"
#include "cli/output_file.h"
#include "ledger/proof_text.h"
#include "report/evidence_check.h"
#include "report/zip.h"

namespace keyturn::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kBytesMax = std::uintmax_t{1} << 30;

Result<report::Files> read_folder(const std::string& path) {
  report::Files out;
  std::uintmax_t total = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator at(path, error), end; !error && at != end;
       at.increment(error)) {
    const fs::file_type type = at->symlink_status(error).type();
    if (type == fs::file_type::directory) continue;
    if (type != fs::file_type::regular)
      return refuse("unreadable", at->path().string() + " is neither a file nor a folder");
    total += at->file_size();
    if (total > kBytesMax) return refuse("too_large", path + " holds more than 1 GiB");
    Result<std::string> content = read_file(at->path().string());
    if (!content) return std::unexpected(content.error());
    out[fs::relative(at->path(), path).generic_string()] = std::move(*content);
  }
  if (error) return refuse("unreadable", path + ": " + error.message());
  return out;
}

void find(ledger::Report& report, ledger::Verdict verdict, std::string message) {
  report.findings.push_back({verdict, std::nullopt, std::move(message)});
  if (verdict == ledger::Verdict::kTampered) report.verdict = verdict;
  if (verdict == ledger::Verdict::kIncomplete && report.verdict == ledger::Verdict::kIntact)
    report.verdict = verdict;
}

// The entries that they prove.
std::vector<std::string> check_proofs(const report::Files& files,
                                      const ledger::VerifyOptions& options,
                                      ledger::Report& report) {
  ledger::VerifyOptions alone = options;
  alone.since.reset();
  std::vector<std::string> out;
  for (const auto& [name, content] : files) {
    if (!name.starts_with("proofs/")) continue;
    const ledger::Report one = ledger::verify_proof_text(content, alone);
    if (one.verdict != ledger::Verdict::kIntact) {
      find(report, one.verdict, name + ": " + one.findings.back().message);
      continue;
    }
    if (name != "proofs/policy-" + std::to_string(one.from) + ".tlog-proof")
      find(report, ledger::Verdict::kTampered,
           name + " is the proof of entry " + std::to_string(one.from));
    out.push_back(ledger::parse_tlog_proof(content)->extra.value_or(""));
  }
  return out;
}

// What the key proved, to make the rest from.
report::EvidenceInput proven_by(const ledger::Report& report, const ledger::Bundle& bundle) {
  report::EvidenceInput out;
  out.origin = report.origin;
  out.root = report.root;
  out.size = report.size;
  out.cosigners = ledger::cosigner_names(bundle.checkpoint, report.origin);
  out.entries = bundle.entries;
  out.from = bundle.from;
  out.bundle = ledger::write_bundle(bundle);
  out.checkpoint = bundle.checkpoint;
  out.made_by_version = KEYTURN_VERSION;
  out.revealed = bundle.revealed.size();
  out.erased = bundle.erased.size();
  return out;
}

void check_files(const report::Files& files, const ledger::Bundle& bundle,
                 const std::vector<std::string>& before, const ledger::VerifyOptions& options,
                 ledger::Report& report) {
  const report::EvidenceInput proven = proven_by(report, bundle);
  report::Checked checked = report::check_evidence(files, proven, before);
  for (std::string& wrong : checked.wrong)
    find(report, ledger::Verdict::kTampered, std::move(wrong));
  for (std::string& missing : checked.missing)
    find(report, ledger::Verdict::kIncomplete, std::move(missing));
  for (std::string& remark : checked.remarks)
    find(report, ledger::Verdict::kIntact, std::move(remark));
  report.not_checked = std::move(checked.not_checked);
  for (const std::string& name : proven.cosigners)
    if (std::ranges::find(options.witnesses, name, &ledger::VerifierKey::name) ==
        options.witnesses.end())
      report.not_checked.push_back("checkpoint: the cosignature of " + name +
                                   ", as no --witness gave its key");
}

}  // namespace

Result<void> write_evidence(const std::string& path, const report::Files& files) {
  if (path.ends_with(".zip")) {
    const Result<std::string> archive = report::write_zip(files);
    if (!archive) return std::unexpected(archive.error());
    return write_file(path, *archive);
  }
  std::error_code error;
  if (fs::exists(path) && !fs::is_empty(path, error))
    return refuse("not_empty", path + " is there already and not empty: nothing was written");
  for (const auto& [name, content] : files) {
    const fs::path file = fs::path(path) / name;
    fs::create_directories(file.parent_path(), error);
    if (error) return refuse("unwritable", file.parent_path().string() + ": " + error.message());
    if (Result<void> wrote = write_file(file.string(), content); !wrote) return wrote;
  }
  return {};
}

bool is_evidence(const std::string& path) {
  if (fs::is_directory(path)) return fs::exists(path + "/bundle.json");
  if (!fs::is_regular_file(path)) return false;
  const Result<std::string> content = read_file(path);
  return content && report::is_zip(*content);
}

Result<ledger::Report> verify_evidence(const std::string& path,
                                       const ledger::VerifyOptions& options) {
  Result<report::Files> files = refuse("unreadable", "");
  if (fs::is_directory(path)) {
    files = read_folder(path);
  } else {
    const Result<std::string> archive = read_file(path);
    if (!archive) return std::unexpected(archive.error());
    files = report::read_zip(*archive);
  }
  if (!files) {
    ledger::Report report;
    find(report, ledger::Verdict::kIncomplete, files.error().message);
    return report;
  }
  const std::string& text = (*files)["bundle.json"];
  ledger::Report report = ledger::verify_bundle_text(text, options);
  const Result<ledger::Bundle> bundle = ledger::parse_bundle(text);
  if (!bundle || report.verdict == ledger::Verdict::kTampered) return report;
  if (report.root.empty()) return report;  // another key's: there is nothing to compare with
  const std::vector<std::string> before = check_proofs(*files, options, report);
  check_files(*files, *bundle, before, options, report);
  return report;
}

}  // namespace keyturn::cli
