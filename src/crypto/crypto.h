// Digests, commitments, signatures and AEAD over OpenSSL 3.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace keyturn::crypto {

Digest sha256(std::string_view bytes);
std::string sha256_text(std::string_view bytes);  // "sha256:" + hex

class Sha256 {  // incremental
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view bytes);
  Digest finish();

 private:
  void* context_;
};

Digest hmac_sha256(std::string_view key, std::string_view message);

// LEDGER: SHA-256("keyturn/v1/payload" || nonce32 || canonical payload).
Digest commit_payload(std::string_view nonce32, std::string_view canonical_payload);

// AES-256-GCM, 12-byte nonce chosen at random and put in front, 16-byte tag behind.
std::string seal(const Secret& key32, std::string_view plaintext, std::string_view associated,
                 Random& random);
[[nodiscard]] Result<std::string> open(const Secret& key32, std::string_view sealed,
                                       std::string_view associated);  // code: cannot_open

// Ed25519 (RFC 8032). The seed is the 32-byte private key; the public key is 32 bytes.
class Ed25519Key {
 public:
  static Ed25519Key from_seed(const Secret& seed32);
  const std::string& public_key() const { return public_key_; }
  std::string sign(std::string_view message) const;  // 64 bytes
  ~Ed25519Key();
  Ed25519Key(Ed25519Key&&) noexcept;
  Ed25519Key& operator=(Ed25519Key&&) noexcept;

 private:
  Ed25519Key() = default;
  void* key_ = nullptr;
  std::string public_key_;
};
bool ed25519_verify(std::string_view public_key32, std::string_view message,
                    std::string_view signature64);

// ES256: ECDSA on P-256 over SHA-256(message). x32 and y32 are the big-endian coordinates of the
// public key (COSE -2 and -3, JWK x and y); the signature is DER (WebAuthn) or, in the _raw form, r
// || s (JOSE). A malformed key or signature is false.
bool ecdsa_p256_verify(std::string_view x32, std::string_view y32, std::string_view message,
                       std::string_view der_signature);
bool ecdsa_p256_verify_raw(std::string_view x32, std::string_view y32, std::string_view message,
                           std::string_view signature64);

// RS256: RSASSA-PKCS1-v1_5 over SHA-256(message). Modulus and exponent are big-endian (JWK n and
// e); a modulus below 2048 or above 8192 bits is refused.
bool rsa_verify(std::string_view modulus, std::string_view exponent, std::string_view message,
                std::string_view signature);

// PS256: RSASSA-PSS over SHA-256(message), MGF1 with SHA-256, a salt of 32 bytes (RFC 7518 §3.5).
// Keys as in rsa_verify().
bool rsa_pss_verify(std::string_view modulus, std::string_view exponent, std::string_view message,
                    std::string_view signature);

}  // namespace keyturn::crypto
