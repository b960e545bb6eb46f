// Tokens, key sets and an issuer's metadata: read or refused in words, no crash; nothing that no
// key signed is ever accepted.
#include "identity/jwt.h"

#include "base/bytes.h"
#include "identity/provider.h"
#include "require.h"

using namespace keyturn;

namespace {

const identity::KeySet& keys() {
  // The public key of RFC 8037 §A.2; nobody here has the other half of it.
  static const identity::KeySet set = *identity::KeySet::parse(
      R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})");
  return set;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto token = identity::read_jwt(text)) {
    fuzz::require(token->claims.is_object() && !token->kid.empty() && !token->signature.empty());
    const auto claims = identity::verify_jwt(*token, keys(), {.issuer = "i", .audience = "a"}, {});
    fuzz::require(!claims.has_value() && !claims.error().message.empty());
  } else {
    fuzz::require(token.error().code == "invalid_token");
  }
  if (const auto set = identity::KeySet::parse(text)) fuzz::require(set->size() <= 100);
  if (const auto metadata = identity::parse_metadata(text, "https://i.example"))
    fuzz::require(trust::is_safe_url(metadata->jwks) && metadata->issuer == "https://i.example");
  return 0;
}
