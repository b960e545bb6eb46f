// Private parts at rest: each under AES-256-GCM with a key of its own, made from the master key and
// 32 random bytes, the seed, that stand in front of it. Where seed and sealed bytes are overwritten
// nothing opens the part any more; every other part stays as it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace keyturn::store::sqlite {

// What stands in event.sealed of the entry `index`: seed, GCM nonce, ciphertext, tag.
std::string seal_part(const Secret& master, std::string_view nonce32, std::string_view payload,
                      std::uint64_t index, Random& random);

// Overwritten with zeros: it was erased.
bool is_erased(std::string_view sealed);

struct OpenedPayload {
  std::string nonce32;
  std::string payload;
};
// nullopt: erased. A refusal: damaged (or the master key is another).
[[nodiscard]] Result<std::optional<OpenedPayload>> open_part(const Secret& master,
                                                             std::string_view sealed,
                                                             std::uint64_t index);

}  // namespace keyturn::store::sqlite
