// An evidence bundle as a folder of files: what docs/formats/evidence-bundle.md lists. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "report/controls.h"
#include "report/document.h"
#include "report/figures.h"
#include "report/story.h"

namespace keyturn::report {

using Files = std::map<std::string, std::string>;  // path inside the bundle -> content

struct PolicyText {
  std::string digest;     // hex
  std::string text;       // as it was written (YAML); "": not shown
  std::string canonical;  // RFC 8785; its SHA-256 is `digest`
};

struct EvidenceInput {
  std::string origin, root;  // of the checkpoint
  std::uint64_t size = 0;
  std::vector<std::string> cosigners;  // names on the checkpoint beside the log's
  std::vector<std::string> entries;    // leaves from `from` on
  std::uint64_t from = 0;
  std::string bundle;      // bundle.json
  std::string checkpoint;  // the signed note
  std::string asked;       // "2026-10-01 to 2026-10-31", as asked for
  std::string made_at, made_by_version;
  std::string seed;  // of the sample; "": the checkpoint's root in hex
  std::size_t sample = 25;
  std::string controls;  // "": all
  std::vector<PolicyText> policies;
  std::map<std::string, std::string> proofs;  // name -> tlog-proof of an entry before the period
  std::size_t revealed = 0, erased = 0;
};

struct Evidence {
  Files files;
  std::size_t actions = 0, sampled = 0;
  std::string pdf_missing;  // why there is no report.pdf; "": it is there
};

// Code: usage (a control that is not known), cannot_draw.
[[nodiscard]] Result<Evidence> make_evidence(const EvidenceInput& input);

// Internal: all files but the PDF and what depends on it.
struct Drawn {
  Evidence evidence;
  std::string seed;
  Document printed;  // of the PDF
};
[[nodiscard]] Result<Drawn> draw_evidence(const EvidenceInput& input);
std::string write_readme(const EvidenceInput& input, const Drawn& drawn);

// Internal: the report itself. Of long lists at most `rows_max` rows are shown, and it is said.
Document compose(const EvidenceInput& input, const Story& story, const Figures& figures,
                 const std::set<std::string>& sample, const std::string& seed,
                 const std::vector<const Control*>& controls, std::size_t rows_max);

}  // namespace keyturn::report
