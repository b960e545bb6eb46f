// WebAuthn Level 2 verification: pure functions over what a browser sent. libfido2 checks
// signatures and authenticator data; the client data is parsed here, strictly.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "doc/value.h"

namespace keyturn::identity::webauthn {

struct Expected {
  std::string rp_id;
  std::vector<std::string> origins;  // exact
  std::string challenge;             // raw bytes
};

// A public key credential as it is kept. `algorithm` is a COSE number: -7 ES256, -8 EdDSA, -257
// RS256.
struct Credential {
  std::string id;  // raw bytes
  int algorithm = 0;
  std::string public_key;  // libfido2's raw form of the key
  std::string aaguid;      // 16 bytes
  std::uint32_t counter = 0;
  bool backed_up = false;
};

// §7.1, attestation "none": user presence and verification required. Codes: malformed_credential,
// wrong_origin, wrong_challenge, wrong_type, cross_origin, wrong_rp, not_verified_user,
// unsupported_key.
[[nodiscard]] Result<Credential> verify_registration(const doc::Value& response,
                                                     const Expected& expected);

struct Assertion {
  std::string credential_id;  // raw bytes
  std::uint32_t counter = 0;
  std::string authenticator_data, client_data_json, signature;  // raw: what the ledger keeps
};

// §7.2 with the key of a credential that the caller looked up by credential_id_of(). Codes as above
// and bad_signature.
[[nodiscard]] Result<Assertion> verify_assertion(const doc::Value& response,
                                                 const Credential& credential,
                                                 const Expected& expected);

// The raw id in an AuthenticationResponseJSON; malformed_credential.
[[nodiscard]] Result<std::string> credential_id_of(const doc::Value& response);

}  // namespace keyturn::identity::webauthn
