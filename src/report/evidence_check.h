// Whether the files of an evidence bundle are what its entries give. Pure.
#pragma once

#include <string>
#include <vector>

#include "report/evidence.h"

namespace keyturn::report {

// One sentence each, beginning with the file that it is about.
struct Checked {
  std::vector<std::string> wrong;        // it contradicts the entries, or the manifest
  std::vector<std::string> missing;      // it is not there
  std::vector<std::string> not_checked;  // nothing was found against it, and nothing proves it
  std::vector<std::string> remarks;
};

// Makes every file again and compares bytes. `proven` holds what the log's key proves (entries,
// from, origin, root, size, checkpoint, cosigners, bundle, revealed, erased), and in
// made_by_version the version of this program; `before` are entries from outside of the range that
// are proven. What only the maker can have said (asked, made_at, controls, the sample's size and
// seed) comes from the manifest.
Checked check_evidence(const Files& files, const EvidenceInput& proven,
                       const std::vector<std::string>& before);

}  // namespace keyturn::report
