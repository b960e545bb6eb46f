// Is the data folder whole? Every stored leaf is hashed again and held against the tiles, the
// roots, its stream, what was last signed, its private part, and the tables beside it. Reads one
// snapshot; writes nothing; a server may run beside it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "doc/value.h"
#include "ledger/verify.h"

namespace keyturn::audit {

struct FsckOptions {
  std::string data;
  // Called now and then on the caller's thread: entries looked at, entries there are.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

struct FsckFinding {
  ledger::Verdict verdict = ledger::Verdict::kIntact;  // kIntact: a remark
  std::optional<std::uint64_t> index;
  std::string message;
};

struct FsckReport {
  ledger::Verdict verdict = ledger::Verdict::kIncomplete;
  std::uint64_t entries = 0;
  std::uint64_t streams = 0;
  std::uint64_t private_parts = 0;  // that were opened and are what their entry committed to
  std::uint64_t erased = 0;
  std::uint64_t tiles = 0;
  std::uint64_t claims = 0;
  std::uint64_t signed_size = 0;
  std::string root;  // hex, at `entries`
  double seconds = 0;
  std::optional<std::uint64_t> first_bad_index;
  std::uint64_t damages = 0;          // all of them
  std::vector<FsckFinding> findings;  // at most kFindingsMax damages
};
inline constexpr std::size_t kFindingsMax = 100;

// Never throws: what cannot be read is a finding.
FsckReport fsck(const FsckOptions& options);

std::string to_text(const FsckReport& report);
doc::Value to_value(const FsckReport& report);

}  // namespace keyturn::audit
