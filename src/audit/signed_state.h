// What was signed last, in a file outside the database: a restored backup does not bring it back.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "ledger/merkle.h"

namespace keyturn::audit {

struct SignedState {
  std::uint64_t size = 0;
  Digest root = ledger::empty_root();
};

// The log's epoch: 1, and one more for each restart of it. DATA/keys/epoch; a file that is not
// there is the first.
unsigned epoch_of(const std::string& data);
[[nodiscard]] bool write_epoch(const std::string& data, unsigned epoch);
// Where this epoch keeps what was signed last: DATA/keys/last-signed, then last-signed.2 and so on.
std::string signed_path(const std::string& data);

// A file that is not there: nothing was signed yet. Code: unreadable.
[[nodiscard]] Result<SignedState> read_signed(const std::string& path);

// Durable when it returns true: written beside, synced, renamed, the folder synced.
[[nodiscard]] bool write_signed(const std::string& path, const SignedState& state);

}  // namespace keyturn::audit
