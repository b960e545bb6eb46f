// How far an export is, in a file of its own: written whole or not at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace keyturn::exports {

struct Cursor {
  std::uint64_t next = 0;      // the first index that was not delivered
  std::string origin;          // of the ledger
  std::string last_leaf_hash;  // hex, of entry next-1; "": not known
};

// Nothing: there is none yet. Code: unreadable.
[[nodiscard]] Result<std::optional<Cursor>> read_cursor(const std::string& path);
// Durable when it returns. Code: unwritable.
[[nodiscard]] Result<void> write_cursor(const std::string& path, const Cursor& cursor);

}  // namespace keyturn::exports
