// One event's public part as the bytes of a ledger leaf (LEDGER "Leaf"), and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "model/event.h"

namespace keyturn::store::sqlite {

inline constexpr std::size_t kLeafBytesMax = 65'535;  // C2SP tlog-tiles: a uint16 length

// RFC 8785 JSON, complete but for two hashes that are known only when the leaves before it are:
// their places hold zeros.
struct LeafDraft {
  std::string bytes;
  std::size_t prev_at = 0;  // offset of 64 hex digits; 0: the first of its stream, nothing to fill
  std::size_t private_at = 0;  // offset of 64 hex digits; 0: no private part
};

// Codes: malformed (a reserved or non-ASCII member name, a number that RFC 8785 cannot write, no
// object) and too_large. `time` is written to the millisecond.
[[nodiscard]] Result<LeafDraft> draft_leaf(const EventDraft& event, std::uint64_t position,
                                           Time time, std::string_view node);

void fill_in(LeafDraft& leaf, std::size_t offset, const Digest& digest);

// The event that a leaf tells of: stream, position, type, time and body, no index and no hash.
// Code: damaged.
[[nodiscard]] Result<Event> read_leaf(std::string_view bytes);

}  // namespace keyturn::store::sqlite
