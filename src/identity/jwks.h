// JSON Web Key Sets (RFC 7517): the public keys of an issuer, by key id. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace keyturn::identity {

// One algorithm a key: what a token's header says of it must agree, and decides nothing.
enum class JwtAlgorithm { kRs256, kPs256, kEs256, kEdDsa };
using keyturn::to_text;
std::string_view to_text(JwtAlgorithm algorithm);  // "RS256" …

struct JwtKey {
  JwtAlgorithm algorithm = JwtAlgorithm::kRs256;
  std::string a, b;  // RSA: modulus, exponent; EC: x, y; Ed25519: the key
};

class KeySet {
 public:
  static constexpr std::size_t kBytesMax = 256 * 1024;
  static constexpr std::size_t kKeysMax = 100;

  // Keys that cannot be used here (of another kind, curve or use, RSA below 2048 bits, without a
  // key id) are left out, as RFC 7517 §5 has it. An RSA key without `alg` is for RS256. Refuses
  // what is no key set, has more keys or bytes than the limits, or two keys with one id: code
  // invalid_keys.
  static Result<KeySet> parse(std::string_view json);

  const JwtKey* find(std::string_view kid) const;
  std::size_t size() const { return keys_.size(); }

 private:
  std::map<std::string, JwtKey, std::less<>> keys_;
};

}  // namespace keyturn::identity
