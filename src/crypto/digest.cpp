#include <openssl/crypto.h>

#include <algorithm>
#include <array>

#include "crypto/crypto.h"
#include "crypto/openssl.h"

namespace keyturn::crypto {

const EVP_MD* sha256_method() {
  static const EVP_MD* const method = [] {
    const EVP_MD* fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    must(fetched != nullptr, "EVP_MD_fetch(SHA256)");
    return fetched;
  }();
  return method;
}

Digest sha256(std::string_view bytes) {
  thread_local const MdContext context(EVP_MD_CTX_new());
  Digest out;
  must(context && EVP_DigestInit_ex2(context.get(), sha256_method(), nullptr) == 1 &&
           EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1 &&
           EVP_DigestFinal_ex(context.get(), out.data(), nullptr) == 1,
       "SHA-256");
  return out;
}

std::string sha256_text(std::string_view bytes) {
  return "sha256:" + to_hex(view(sha256(bytes)));
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  must(context_ != nullptr &&
           EVP_DigestInit_ex2(static_cast<EVP_MD_CTX*>(context_), sha256_method(), nullptr) == 1,
       "SHA-256");
}

Sha256::~Sha256() {
  EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_));
}

void Sha256::update(std::string_view bytes) {
  must(EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size()) == 1,
       "SHA-256");
}

Digest Sha256::finish() {
  Digest out;
  must(EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), out.data(), nullptr) == 1, "SHA-256");
  return out;
}

namespace {

// Made once a thread: looking the method and its digest up costs more than a short MAC.
MacContext hmac_context() {
  static EVP_MAC* const method = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  MacContext context(method == nullptr ? nullptr : EVP_MAC_CTX_new(method));
  std::string digest = "SHA256";
  const std::array<OSSL_PARAM, 2> params = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  must(context && EVP_MAC_CTX_set_params(context.get(), params.data()) == 1, "HMAC");
  return context;
}

}  // namespace

Digest hmac_sha256(std::string_view key, std::string_view message) {
  thread_local const MacContext context = hmac_context();
  const unsigned char nothing = 0;  // a null key would mean the one before
  const unsigned char* const from = key.empty() ? &nothing : bytes_of(key);
  Digest out;
  std::size_t size = 0;
  must(EVP_MAC_init(context.get(), from, key.size(), nullptr) == 1 &&
           EVP_MAC_update(context.get(), bytes_of(message), message.size()) == 1 &&
           EVP_MAC_final(context.get(), out.data(), &size, out.size()) == 1 && size == out.size(),
       "HMAC-SHA-256");
  return out;
}

Digest commit_payload(std::string_view nonce32, std::string_view canonical_payload) {
  if (nonce32.size() != 32) throw std::invalid_argument("a commitment's nonce has 32 bytes");
  Sha256 hash;
  hash.update("keyturn/v1/payload");
  hash.update(nonce32);
  hash.update(canonical_payload);
  return hash.finish();
}

}  // namespace keyturn::crypto
