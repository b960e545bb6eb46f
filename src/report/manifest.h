// manifest.json: how a bundle was made, and the digest of each of its other files.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "report/evidence.h"

namespace keyturn::report {

inline constexpr std::string_view kManifest = "manifest.json";

struct Manifest {
  EvidenceInput said;  // asked, made_at, made_by_version, seed, sample, controls, erased
  std::string pdf_missing;
  std::map<std::string, std::string> digests;  // name -> SHA-256 in hex; not of the manifest
};

// Of all files that are there.
std::map<std::string, std::string> digests_of(const Files& files);

std::string write_manifest(const EvidenceInput& in, const std::string& seed,
                           const std::string& pdf_missing,
                           const std::map<std::string, std::string>& digests);
// What a verifier cannot have from elsewhere; the rest is compared by writing it again. Code:
// malformed_manifest.
[[nodiscard]] Result<Manifest> read_manifest(std::string_view text);

}  // namespace keyturn::report
