// Lines of the texts of C2SP: checkpoints, proofs, requests to witnesses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ledger/merkle.h"

namespace keyturn::ledger {

inline constexpr std::size_t kProofHashesMax = 63;  // of a tree of 2^64 leaves

// Takes one line with its break; nullopt at the end.
std::optional<std::string_view> take_line(std::string_view& text);
// The whole text is a number, without leading zeros.
std::optional<std::uint64_t> plain_number(std::string_view text);
// A SHA-256 hash in base64.
std::optional<Digest> hash_of_line(std::string_view line);
// Hash lines up to and with the empty line that ends them.
std::optional<Proof> take_hashes(std::string_view& text);

}  // namespace keyturn::ledger
