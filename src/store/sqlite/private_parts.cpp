#include "store/sqlite/private_parts.h"

#include <algorithm>

#include "base/bytes.h"
#include "crypto/crypto.h"

namespace keyturn::store::sqlite {
namespace {

constexpr std::size_t kSeedBytes = 32;
constexpr std::size_t kNonceBytes = 32;  // of the commitment, in front of the payload

Secret key_of(const Secret& master, std::string_view seed) {
  std::string message("keyturn/v1/private-part-key\n");
  message += seed;
  return Secret(std::string(view(crypto::hmac_sha256(master.reveal(), message))));
}

std::string context(std::uint64_t index) {
  return "keyturn/v1/private-part\n" + std::to_string(index);
}

}  // namespace

std::string seal_part(const Secret& master, std::string_view nonce32, std::string_view payload,
                      std::uint64_t index, Random& random) {
  std::string out = random.bytes(kSeedBytes);
  std::string plain(nonce32);
  plain += payload;
  out += crypto::seal(key_of(master, out), plain, context(index), random);
  return out;
}

bool is_erased(std::string_view sealed) {
  return std::ranges::all_of(sealed, [](char byte) { return byte == 0; });
}

Result<std::optional<OpenedPayload>> open_part(const Secret& master, std::string_view sealed,
                                               std::uint64_t index) {
  if (sealed.size() < kSeedBytes) return refuse("damaged", "a private part is cut short");
  if (is_erased(sealed)) return std::nullopt;
  const Secret key = key_of(master, sealed.substr(0, kSeedBytes));
  Result<std::string> plain = crypto::open(key, sealed.substr(kSeedBytes), context(index));
  if (!plain || plain->size() < kNonceBytes) {
    return refuse("damaged", "the private part of entry " + std::to_string(index) +
                                 " does not open: it was changed, or the master key is another");
  }
  return OpenedPayload{plain->substr(0, kNonceBytes), plain->substr(kNonceBytes)};
}

}  // namespace keyturn::store::sqlite
