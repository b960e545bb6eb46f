#include <cstdio>

#include "audit/fsck.h"

namespace keyturn::audit {
namespace {

std::string kind_of(const FsckFinding& finding) {
  return finding.verdict == ledger::Verdict::kIntact ? "note"
                                                     : std::string(to_text(finding.verdict));
}

}  // namespace

std::string to_text(const FsckReport& report) {
  std::string out;
  switch (report.verdict) {
    case ledger::Verdict::kIntact:
      out = "INTACT";
      break;
    case ledger::Verdict::kTampered:
      out = "TAMPERED OR DAMAGED";
      if (report.first_bad_index) out += " at entry " + std::to_string(*report.first_bad_index);
      break;
    case ledger::Verdict::kIncomplete:
      out = "INCOMPLETE";
      break;
  }
  const auto line = [&](const char* name, const std::string& value) {
    out += std::string(name) + value + "\n";
  };
  out += "\n";
  line("entries  ", std::to_string(report.entries) + ", of which " +
                        std::to_string(report.signed_size) + " were signed");
  line("root     ", report.root);
  line("streams  ", std::to_string(report.streams));
  line("private  ", std::to_string(report.private_parts) + " opened, " +
                        std::to_string(report.erased) + " ERASED");
  line("tiles    ", std::to_string(report.tiles));
  line("claims   ", std::to_string(report.claims));
  for (const FsckFinding& finding : report.findings) {
    out += finding.verdict == ledger::Verdict::kIntact ? "note     " : "problem  ";
    if (finding.index) out += "entry " + std::to_string(*finding.index) + ": ";
    out += finding.message + "\n";
  }
  if (report.damages > kFindingsMax)
    line("", "… and " + std::to_string(report.damages - kFindingsMax) + " more");
  char speed[96];
  std::snprintf(speed, sizeof speed, "%.2f s, %.0f entries/s", report.seconds,
                report.seconds > 0 ? static_cast<double>(report.entries) / report.seconds : 0);
  line("took     ", speed);
  return out +
         "Entries that were signed and are kept elsewhere can tell more: keyturn verify --since.\n";
}

doc::Value to_value(const FsckReport& report) {
  doc::Array findings;
  for (const FsckFinding& finding : report.findings) {
    doc::Value item = doc::object({{"kind", kind_of(finding)}, {"message", finding.message}});
    if (finding.index) item.set("index", *finding.index);
    findings.push_back(std::move(item));
  }
  doc::Value out = doc::object({{"verdict", to_text(report.verdict)},
                                {"exit_code", ledger::exit_code(report.verdict)},
                                {"entries", report.entries},
                                {"signed_size", report.signed_size},
                                {"root", report.root},
                                {"streams", report.streams},
                                {"private_parts", report.private_parts},
                                {"erased", report.erased},
                                {"tiles", report.tiles},
                                {"claims", report.claims},
                                {"damages", report.damages},
                                {"milliseconds", static_cast<std::uint64_t>(report.seconds * 1000)},
                                {"findings", std::move(findings)}});
  if (report.first_bad_index) out.set("first_bad_index", *report.first_bad_index);
  return out;
}

}  // namespace keyturn::audit
