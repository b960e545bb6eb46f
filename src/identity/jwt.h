// JSON Web Tokens (RFC 7519, RFC 7515, RFC 8725) of issuers that are trusted. Pure; the signatures
// are OpenSSL's (crypto/).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "doc/value.h"
#include "identity/jwks.h"

namespace keyturn::identity {

inline constexpr std::size_t kJwtBytesMax = 16 * 1024;
inline constexpr Duration kJwtLeeway = std::chrono::seconds(60);

// The parts of a compact token, decoded, none of them believed.
struct UnverifiedJwt {
  std::string algorithm, kid, type;  // of the header
  doc::Value claims;                 // an object
  std::string signed_text, signature;
  std::string issuer() const { return std::string(claims.text("iss")); }
};

// Code invalid_token: what is not three parts of base64url, JSON without double keys, with `alg`
// and `kid`; and what has `crit`, or is longer than kJwtBytesMax.
[[nodiscard]] Result<UnverifiedJwt> read_jwt(std::string_view token);

struct JwtExpected {
  std::string issuer, audience;
  std::optional<std::string> nonce;  // must be there, and be this
  bool is_id_token = false;          // OpenID Connect Core §3.1.3.7: sub, iat, azp
};

// The claims, once everything holds: a signature by the key that `kid` names, with that key's
// algorithm, iss, aud, exp (which must be there), nbf, iat, each with kJwtLeeway. Codes:
// unknown_key (the keys may be old), invalid_token, expired_token.
[[nodiscard]] Result<doc::Value> verify_jwt(const UnverifiedJwt& token, const KeySet& keys,
                                            const JwtExpected& expected, Time now);

}  // namespace keyturn::identity
