// The envelope of a leaf without a tree of it: for who looks at millions of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace keyturn::ledger {

// Texts point into the leaf, as written: escapes (there are none in what Keyturn names) stay
// escapes.
struct LeafEnvelope {
  std::string_view stream, prev, type, time, private_part;
  std::uint64_t position = 0;
};

// nullopt: this is no JSON object of the form that Keyturn writes (RFC 8785: no white space), or it
// lacks stream, position, prev, type or time. It looks at the top level; what is inside other
// members is stepped over, not judged.
std::optional<LeafEnvelope> skim_leaf(std::string_view leaf);

}  // namespace keyturn::ledger
