// Evidence bundles on disk: a folder or a ZIP archive.
#pragma once

#include <string>

#include "ledger/verify.h"
#include "report/evidence.h"

namespace keyturn::cli {

// Into a folder that is new or empty, or, where the name ends with ".zip", one archive. Codes:
// unwritable, not_empty, too_large.
[[nodiscard]] Result<void> write_evidence(const std::string& path, const report::Files& files);

// Whether `path` is a folder with a bundle in it, or an archive.
bool is_evidence(const std::string& path);
// The entries' proof, then what goes with it: lists, figures, documents, proofs of other entries.
// Codes: those of reading it.
[[nodiscard]] Result<ledger::Report> verify_evidence(const std::string& path,
                                                     const ledger::VerifyOptions& options);

}  // namespace keyturn::cli
