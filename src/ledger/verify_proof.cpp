// One entry, offline: a C2SP tlog-proof whose `extra` is the entry.
#include "base/bytes.h"
#include "ledger/proof_text.h"
#include "ledger/verify.h"

namespace keyturn::ledger {
namespace {

Report concluded(Report report, Verdict verdict, std::string message,
                 std::optional<std::uint64_t> index = {}) {
  report.verdict = verdict;
  report.findings.push_back({verdict, index, std::move(message)});
  if (verdict == Verdict::kTampered) report.first_bad_index = index;
  return report;
}

// The worst of what the witnesses' lines say.
void check_witnesses(const std::string& checkpoint, const VerifyOptions& options, Report& report) {
  const auto note = parse_note(checkpoint);
  for (const VerifierKey& witness : options.witnesses) {
    switch (check_signature(*note, witness)) {
      case SignatureCheck::kValid:
        report.findings.push_back({Verdict::kIntact, {}, "cosigned by " + witness.name});
        break;
      case SignatureCheck::kAbsent:
        report.findings.push_back({Verdict::kIncomplete, {}, "not cosigned by " + witness.name});
        if (report.verdict == Verdict::kIntact) report.verdict = Verdict::kIncomplete;
        break;
      case SignatureCheck::kBad:
        report.findings.push_back(
            {Verdict::kTampered, {}, "the cosignature of " + witness.name + " does not verify"});
        report.verdict = Verdict::kTampered;
        break;
    }
  }
}

}  // namespace

bool is_tlog_proof(std::string_view text) {
  return text.starts_with("c2sp.org/tlog-proof@");
}

Report verify_proof_text(std::string_view text, const VerifyOptions& options) {
  Report report;
  const auto proof = parse_tlog_proof(text);
  if (!proof) return concluded(report, Verdict::kIncomplete, proof.error().message);
  const auto tree = open_checkpoint(proof->checkpoint, options.key);
  if (!tree) {
    const bool bad = tree.error().code == "bad_signature";
    return concluded(report, bad ? Verdict::kTampered : Verdict::kIncomplete, tree.error().message);
  }
  report.origin = tree->origin;
  report.size = tree->size;
  report.root = to_hex(view(tree->root));
  report.from = proof->index;
  report.to = proof->index + 1;
  report.streams = 1;
  if (options.since) {
    return concluded(report, Verdict::kIncomplete,
                     "a proof of one entry cannot tell about an older checkpoint");
  }
  if (!proof->extra) {
    return concluded(report, Verdict::kIncomplete, "the entry itself is not in this file");
  }
  if (proof->index >= tree->size || !verify_inclusion(leaf_hash(*proof->extra), proof->index,
                                                      tree->size, proof->proof, tree->root)) {
    return concluded(report, Verdict::kTampered,
                     "this entry, at this place, is not in the log that was signed", proof->index);
  }
  report.verdict = Verdict::kIntact;
  report.findings.push_back(
      {Verdict::kIntact, proof->index, "it is what was signed, at this place"});
  check_witnesses(proof->checkpoint, options, report);
  return report;
}

}  // namespace keyturn::ledger
