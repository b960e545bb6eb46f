// What a leaf of type payload.erased says: which private parts were destroyed, and by whose
// agreement (docs/formats/ledger-leaf.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keyturn::ledger {

// First and last index, both included.
using EntryRange = std::pair<std::uint64_t, std::uint64_t>;

struct Erasure {
  std::vector<EntryRange> entries;  // ascending, apart from each other, all before its own leaf
  std::string authorised_by;        // the action that people agreed to
};

// nullopt: the leaf at `index` is of another type, or says it in another form.
std::optional<Erasure> read_erasure(std::string_view leaf, std::uint64_t index);

bool covers(const Erasure& erasure, std::uint64_t index);

}  // namespace keyturn::ledger
