#include "ledger/verify.h"

namespace keyturn::ledger {
namespace {

constexpr std::string_view kNotProven[] = {
    "that what an entry says was true",
    "that every action passed through Keyturn",
    "that a person understood what they approved",
};

}  // namespace

int exit_code(Verdict verdict) {
  switch (verdict) {
    case Verdict::kIntact:
      return 0;
    case Verdict::kTampered:
      return 1;
    case Verdict::kIncomplete:
      return 3;
  }
  return 3;
}

std::string_view to_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::kIntact:
      return "intact";
    case Verdict::kTampered:
      return "tampered";
    case Verdict::kIncomplete:
      return "incomplete";
  }
  return "incomplete";
}

std::string to_text(const Report& report) {
  std::string out;
  switch (report.verdict) {
    case Verdict::kIntact:
      out = "INTACT";
      break;
    case Verdict::kTampered:
      out = "TAMPERED";
      if (report.first_bad_index) out += " at entry " + std::to_string(*report.first_bad_index);
      break;
    case Verdict::kIncomplete:
      out = "INCOMPLETE OR UNTRUSTED";
      break;
  }
  out += "\n";
  if (!report.origin.empty()) {
    out += "log      " + report.origin + "\nsize     " + std::to_string(report.size) +
           "\nroot     " + report.root + "\nchecked  entries " + std::to_string(report.from) +
           " to " + std::to_string(report.to) + " (the last not included), " +
           std::to_string(report.streams) + " streams\n";
  }
  for (const Finding& finding : report.findings) {
    out += finding.verdict == Verdict::kIntact ? "note     " : "problem  ";
    if (finding.index) out += "entry " + std::to_string(*finding.index) + ": ";
    out += finding.message + "\n";
  }
  for (const std::string& what : report.not_checked) out += "not checked  " + what + "\n";
  out += "This does not prove";
  for (std::size_t i = 0; i < std::size(kNotProven); ++i) {
    out += i == 0 ? " " : ", nor ";
    out += kNotProven[i];
  }
  return out + ".\n";
}

doc::Value to_value(const Report& report) {
  doc::Value out = doc::object({{"verdict", to_text(report.verdict)},
                                {"exit_code", exit_code(report.verdict)},
                                {"origin", report.origin},
                                {"size", report.size},
                                {"root", report.root},
                                {"from", report.from},
                                {"to", report.to},
                                {"streams", std::uint64_t{report.streams}}});
  if (report.first_bad_index) out.set("first_bad_index", *report.first_bad_index);
  doc::Array findings;
  for (const Finding& finding : report.findings) {
    doc::Value item =
        doc::object({{"kind", finding.verdict == Verdict::kIntact ? std::string_view("note")
                                                                  : to_text(finding.verdict)},
                     {"message", finding.message}});
    if (finding.index) item.set("index", *finding.index);
    findings.push_back(std::move(item));
  }
  out.set("findings", std::move(findings));
  doc::Array not_checked;
  for (const std::string& what : report.not_checked) not_checked.emplace_back(what);
  out.set("not_checked", std::move(not_checked));
  doc::Array not_proven;
  for (const std::string_view statement : kNotProven) not_proven.emplace_back(statement);
  out.set("does_not_prove", std::move(not_proven));
  return out;
}

}  // namespace keyturn::ledger
