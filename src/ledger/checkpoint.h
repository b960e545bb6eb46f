// C2SP tlog-checkpoint: what a log says about itself at one size, as a signed note.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "ledger/note.h"

namespace keyturn::ledger {

struct Checkpoint {
  std::string origin;  // the log's identity; equal to its key's name
  std::uint64_t size = 0;
  Digest root{};
  std::vector<std::string> extensions;  // further lines, none empty
  bool operator==(const Checkpoint&) const = default;
};

std::string checkpoint_text(const Checkpoint& checkpoint);
// Strict: no leading zeros in the size, exactly 32 bytes of root. Code: malformed_checkpoint.
[[nodiscard]] Result<Checkpoint> parse_checkpoint_text(std::string_view text);

// The signed note. Refusals are the signer's.
[[nodiscard]] Result<std::string> sign_checkpoint(const Checkpoint& checkpoint, NoteSigner& signer);

// Reads a signed checkpoint and believes it only if `key` signed it and its origin is the key's
// name. Codes: malformed_note, malformed_checkpoint, untrusted (no line of this key),
// bad_signature, wrong_origin.
[[nodiscard]] Result<Checkpoint> open_checkpoint(std::string_view note, const VerifierKey& key);

}  // namespace keyturn::ledger
