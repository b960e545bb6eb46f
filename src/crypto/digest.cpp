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

// RFC 2104. OpenSSL's own looks its parts up anew in each call, which costs more than the hashing.
Digest hmac_sha256(std::string_view key, std::string_view message) {
  constexpr std::size_t kBlock = 64;
  constexpr unsigned char kInner = 0x36, kOuter = 0x5c;
  std::array<unsigned char, kBlock> pad{};
  if (key.size() > kBlock) {
    const Digest hashed = sha256(key);
    std::ranges::copy(hashed, pad.begin());
  } else {
    std::ranges::copy(key, pad.begin());
  }
  const auto padded = [&pad](unsigned char with, std::string_view text) {
    std::array<unsigned char, kBlock> block = pad;
    for (unsigned char& byte : block) byte ^= with;
    thread_local const MdContext context(EVP_MD_CTX_new());
    Digest out;
    must(context && EVP_DigestInit_ex2(context.get(), sha256_method(), nullptr) == 1 &&
             EVP_DigestUpdate(context.get(), block.data(), block.size()) == 1 &&
             EVP_DigestUpdate(context.get(), text.data(), text.size()) == 1 &&
             EVP_DigestFinal_ex(context.get(), out.data(), nullptr) == 1,
         "HMAC-SHA-256");
    OPENSSL_cleanse(block.data(), block.size());
    return out;
  };
  const Digest inner = padded(kInner, message);
  const Digest out = padded(kOuter, view(inner));
  OPENSSL_cleanse(pad.data(), pad.size());
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
