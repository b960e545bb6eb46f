#include "identity/webauthn.h"

#include <cbor.h>
#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <fido/rs256.h>

#include <algorithm>
#include <memory>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::identity::webauthn {
namespace {

constexpr std::uint8_t kUserPresent = 0x01, kUserVerified = 0x04, kBackedUp = 0x10,
                       kAttested = 0x40;
constexpr std::size_t kHeaderBytes = 37;  // rpIdHash 32, flags 1, counter 4
constexpr int kAlgorithms[] = {COSE_ES256, COSE_EDDSA, COSE_RS256};

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::unexpected<Refusal> malformed(std::string_view what) {
  return refuse("malformed_credential", "the browser's answer is malformed: " + std::string(what));
}

Result<std::string> member(const doc::Value& response, std::string_view name) {
  const doc::Value* inner = response.is_object() ? response.find("response") : nullptr;
  const doc::Value* text = inner != nullptr && inner->is_object() ? inner->find(name) : nullptr;
  if (text == nullptr || !text->is_string()) return malformed(std::string(name) + " is missing");
  std::optional<std::string> raw = from_base64url(text->as_string());
  if (!raw) return malformed(std::string(name) + " is not base64url");
  return std::move(*raw);
}

Result<void> check_client_data(std::string_view json, std::string_view type,
                               const Expected& expected) {
  Result<doc::Value> parsed = doc::parse_json(json);
  if (!parsed || !parsed->is_object()) return malformed("clientDataJSON is no JSON object");
  if (parsed->text("type") != type)
    return refuse("wrong_type", "clientDataJSON has another type than " + std::string(type));
  const std::optional<std::string> challenge = from_base64url(parsed->text("challenge"));
  if (!challenge || !equal_constant_time(*challenge, expected.challenge)) {
    return refuse("wrong_challenge", "the answer is for another challenge; start again");
  }
  const std::string_view origin = parsed->text("origin");
  if (std::ranges::find(expected.origins, origin) == expected.origins.end()) {
    return refuse("wrong_origin", "the answer comes from another origin");
  }
  const doc::Value* cross = parsed->find("crossOrigin");
  if (cross != nullptr && (!cross->is_bool() || cross->as_bool()))
    return refuse("cross_origin", "the answer comes from a frame of another origin");
  return {};
}

Result<std::uint8_t> check_authenticator_data(std::string_view data, const Expected& expected) {
  if (data.size() < kHeaderBytes) return malformed("authenticator data is too short");
  const Digest rp = crypto::sha256(expected.rp_id);
  if (data.substr(0, 32) != view(rp))
    return refuse("wrong_rp", "the passkey belongs to another site");
  const auto flags = static_cast<std::uint8_t>(data[32]);
  if ((flags & kUserPresent) == 0 || (flags & kUserVerified) == 0) {
    return refuse("not_verified_user",
                  "the authenticator did not verify its user (PIN or biometric)");
  }
  return flags;
}

std::uint32_t counter_of(std::string_view data) {
  std::uint32_t out = 0;
  for (std::size_t i = 33; i < kHeaderBytes; ++i)
    out = out << 8 | static_cast<std::uint8_t>(data[i]);
  return out;
}

struct CborDeleter {
  void operator()(cbor_item_t* item) const { cbor_decref(&item); }
};
struct CredDeleter {
  void operator()(fido_cred_t* cred) const { fido_cred_free(&cred); }
};
struct AssertDeleter {
  void operator()(fido_assert_t* assertion) const { fido_assert_free(&assertion); }
};

// authData out of an attestationObject: a CBOR map {fmt, attStmt, authData}.
Result<std::string> authenticator_data_of(std::string_view attestation_object) {
  cbor_load_result loaded{};
  const std::unique_ptr<cbor_item_t, CborDeleter> root(
      cbor_load(bytes(attestation_object), attestation_object.size(), &loaded));
  if (!root || loaded.read != attestation_object.size() || !cbor_isa_map(root.get()))
    return malformed("attestationObject is no CBOR map");
  const cbor_pair* pairs = cbor_map_handle(root.get());
  for (std::size_t i = 0; i < cbor_map_size(root.get()); ++i) {
    if (!cbor_isa_string(pairs[i].key) || !cbor_string_is_definite(pairs[i].key)) continue;
    const std::string_view key(reinterpret_cast<const char*>(cbor_string_handle(pairs[i].key)),
                               cbor_string_length(pairs[i].key));
    if (key != "authData" || !cbor_isa_bytestring(pairs[i].value) ||
        !cbor_bytestring_is_definite(pairs[i].value))
      continue;
    return std::string(reinterpret_cast<const char*>(cbor_bytestring_handle(pairs[i].value)),
                       cbor_bytestring_length(pairs[i].value));
  }
  return malformed("attestationObject has no authData");
}

std::string owned(const unsigned char* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// libfido2 parses the attested credential data when told the algorithm: the first that fits is the
// key's.
Result<Credential> attested_credential(std::string_view data, const Expected& expected) {
  for (const int algorithm : kAlgorithms) {
    const std::unique_ptr<fido_cred_t, CredDeleter> cred(fido_cred_new());
    if (!cred || fido_cred_set_type(cred.get(), algorithm) != FIDO_OK ||
        fido_cred_set_rp(cred.get(), expected.rp_id.c_str(), nullptr) != FIDO_OK ||
        fido_cred_set_authdata_raw(cred.get(), bytes(data), data.size()) != FIDO_OK) {
      continue;
    }
    Credential out;
    out.algorithm = algorithm;
    out.id = owned(fido_cred_id_ptr(cred.get()), fido_cred_id_len(cred.get()));
    out.public_key = owned(fido_cred_pubkey_ptr(cred.get()), fido_cred_pubkey_len(cred.get()));
    out.aaguid = owned(fido_cred_aaguid_ptr(cred.get()), fido_cred_aaguid_len(cred.get()));
    if (out.id.empty() || out.public_key.empty()) return malformed("the credential has no key");
    return out;
  }
  return refuse("unsupported_key", "the passkey's key type is not supported (ES256, EdDSA, RS256)");
}

int verify_with(const fido_assert_t* assertion, const Credential& credential) {
  const char* key = credential.public_key.data();
  const std::size_t size = credential.public_key.size();
  if (credential.algorithm == COSE_ES256) {
    const std::unique_ptr<es256_pk_t, void (*)(es256_pk_t*)> pk(
        es256_pk_new(), [](es256_pk_t* p) { es256_pk_free(&p); });
    return pk && es256_pk_from_ptr(pk.get(), key, size) == FIDO_OK
               ? fido_assert_verify(assertion, 0, COSE_ES256, pk.get())
               : FIDO_ERR_INTERNAL;
  }
  if (credential.algorithm == COSE_EDDSA) {
    const std::unique_ptr<eddsa_pk_t, void (*)(eddsa_pk_t*)> pk(
        eddsa_pk_new(), [](eddsa_pk_t* p) { eddsa_pk_free(&p); });
    return pk && eddsa_pk_from_ptr(pk.get(), key, size) == FIDO_OK
               ? fido_assert_verify(assertion, 0, COSE_EDDSA, pk.get())
               : FIDO_ERR_INTERNAL;
  }
  const std::unique_ptr<rs256_pk_t, void (*)(rs256_pk_t*)> pk(
      rs256_pk_new(), [](rs256_pk_t* p) { rs256_pk_free(&p); });
  return pk && rs256_pk_from_ptr(pk.get(), key, size) == FIDO_OK
             ? fido_assert_verify(assertion, 0, COSE_RS256, pk.get())
             : FIDO_ERR_INTERNAL;
}

}  // namespace

Result<Credential> verify_registration(const doc::Value& response, const Expected& expected) {
  Result<std::string> client = member(response, "clientDataJSON");
  if (!client) return std::unexpected(client.error());
  if (Result<void> ok = check_client_data(*client, "webauthn.create", expected); !ok)
    return std::unexpected(ok.error());
  Result<std::string> object = member(response, "attestationObject");
  if (!object) return std::unexpected(object.error());
  Result<std::string> data = authenticator_data_of(*object);
  if (!data) return std::unexpected(data.error());
  Result<std::uint8_t> flags = check_authenticator_data(*data, expected);
  if (!flags) return std::unexpected(flags.error());
  if ((*flags & kAttested) == 0) return malformed("no credential in the authenticator data");
  // fido_cred_set_authdata_raw wants exactly the data; it refuses trailing bytes itself.
  Result<Credential> credential = attested_credential(*data, expected);
  if (!credential) return credential;
  credential->counter = counter_of(*data);
  credential->backed_up = (*flags & kBackedUp) != 0;
  return credential;
}

Result<std::string> credential_id_of(const doc::Value& response) {
  const doc::Value* id = response.is_object() ? response.find("rawId") : nullptr;
  if (id == nullptr) id = response.is_object() ? response.find("id") : nullptr;
  if (id == nullptr || !id->is_string()) return malformed("id is missing");
  std::optional<std::string> raw = from_base64url(id->as_string());
  if (!raw || raw->empty()) return malformed("id is not base64url");
  return std::move(*raw);
}

Result<Assertion> verify_assertion(const doc::Value& response, const Credential& credential,
                                   const Expected& expected) {
  Result<std::string> id = credential_id_of(response);
  if (!id) return std::unexpected(id.error());
  if (*id != credential.id) return refuse("bad_signature", "another passkey was used");
  Result<std::string> client = member(response, "clientDataJSON"),
                      data = member(response, "authenticatorData"),
                      signature = member(response, "signature");
  for (const Result<std::string>* part : {&client, &data, &signature}) {
    if (!*part) return std::unexpected(part->error());
  }
  if (Result<void> ok = check_client_data(*client, "webauthn.get", expected); !ok)
    return std::unexpected(ok.error());
  if (Result<std::uint8_t> flags = check_authenticator_data(*data, expected); !flags)
    return std::unexpected(flags.error());
  const Digest hash = crypto::sha256(*client);
  const std::unique_ptr<fido_assert_t, AssertDeleter> assertion(fido_assert_new());
  const bool set =
      assertion && fido_assert_set_count(assertion.get(), 1) == FIDO_OK &&
      fido_assert_set_rp(assertion.get(), expected.rp_id.c_str()) == FIDO_OK &&
      fido_assert_set_clientdata_hash(assertion.get(), hash.data(), hash.size()) == FIDO_OK &&
      fido_assert_set_authdata_raw(assertion.get(), 0, bytes(*data), data->size()) == FIDO_OK &&
      fido_assert_set_sig(assertion.get(), 0, bytes(*signature), signature->size()) == FIDO_OK &&
      fido_assert_set_up(assertion.get(), FIDO_OPT_TRUE) == FIDO_OK &&
      fido_assert_set_uv(assertion.get(), FIDO_OPT_TRUE) == FIDO_OK;
  if (!set) return malformed("authenticator data or signature");
  if (verify_with(assertion.get(), credential) != FIDO_OK)
    return refuse("bad_signature", "the passkey's signature does not verify");
  return Assertion{*id, counter_of(*data), std::move(*data), std::move(*client),
                   std::move(*signature)};
}

}  // namespace keyturn::identity::webauthn
