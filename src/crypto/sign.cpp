#include <openssl/err.h>
#include <openssl/rsa.h>

#include <utility>

#include "crypto/crypto.h"
#include "crypto/openssl.h"

namespace keyturn::crypto {
namespace {

EVP_PKEY* pkey(void* key) {
  return static_cast<EVP_PKEY*>(key);
}

// Leaves no errors of a refused signature behind in the thread's OpenSSL queue, where a later
// caller (TLS) would take them for its own.
struct ErrorMark {
  ErrorMark() { ERR_set_mark(); }
  ~ErrorMark() { ERR_pop_to_mark(); }
  ErrorMark(const ErrorMark&) = delete;
  ErrorMark& operator=(const ErrorMark&) = delete;
};

// `method` is null for Ed25519, which hashes by itself.
bool verify(EVP_PKEY* key, const EVP_MD* method, std::string_view message,
            std::string_view signature) {
  const MdContext context(EVP_MD_CTX_new());
  must(context != nullptr, "EVP_MD_CTX_new");
  return EVP_DigestVerifyInit(context.get(), nullptr, method, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message),
                          message.size()) == 1;
}

Pkey public_key_from(const char* algorithm, OSSL_PARAM_BLD* builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr));
  must(params && context, "EVP_PKEY_CTX_new_from_name");
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  return Pkey(key);
}

Pkey p256_key(std::string_view x32, std::string_view y32) {
  if (x32.size() != 32 || y32.size() != 32) return nullptr;
  std::string point = "\x04";
  point += x32;
  point += y32;
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  must(builder &&
           OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1",
                                           0) == 1 &&
           OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                            point.size()) == 1,
       "OSSL_PARAM_BLD");
  Pkey key = public_key_from("EC", builder.get());
  if (!key) return nullptr;
  const PkeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (!check || EVP_PKEY_public_check(check.get()) != 1)
    return nullptr;  // the point is on the curve
  return key;
}

Pkey rsa_key(std::string_view modulus, std::string_view exponent) {
  if (modulus.size() > 1025 || exponent.size() > 8) return nullptr;
  const Bignum n(BN_bin2bn(bytes_of(modulus), static_cast<int>(modulus.size()), nullptr));
  const Bignum e(BN_bin2bn(bytes_of(exponent), static_cast<int>(exponent.size()), nullptr));
  must(n && e, "BN_bin2bn");
  if (BN_num_bits(n.get()) < 2048 || BN_num_bits(n.get()) > 8192) return nullptr;
  if (!BN_is_odd(e.get()) || BN_is_one(e.get())) return nullptr;
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  must(builder && OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
           OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1,
       "OSSL_PARAM_BLD");
  return public_key_from("RSA", builder.get());
}

}  // namespace

Ed25519Key Ed25519Key::from_seed(const Secret& seed32) {
  if (seed32.reveal().size() != 32) throw std::invalid_argument("an Ed25519 seed has 32 bytes");
  Ed25519Key out;
  out.key_ = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(seed32.reveal()), 32);
  must(out.key_ != nullptr, "EVP_PKEY_new_raw_private_key");
  out.public_key_.resize(32);
  std::size_t size = 32;
  must(EVP_PKEY_get_raw_public_key(pkey(out.key_), bytes_of(out.public_key_), &size) == 1,
       "EVP_PKEY_get_raw_public_key");
  return out;
}

std::string Ed25519Key::sign(std::string_view message) const {
  const MdContext context(EVP_MD_CTX_new());
  std::string signature(64, '\0');
  std::size_t size = signature.size();
  must(context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, pkey(key_)) == 1 &&
           EVP_DigestSign(context.get(), bytes_of(signature), &size, bytes_of(message),
                          message.size()) == 1,
       "Ed25519");
  return signature;
}

Ed25519Key::~Ed25519Key() {
  EVP_PKEY_free(pkey(key_));
}

Ed25519Key::Ed25519Key(Ed25519Key&& other) noexcept
    : key_(std::exchange(other.key_, nullptr)), public_key_(std::move(other.public_key_)) {}

Ed25519Key& Ed25519Key::operator=(Ed25519Key&& other) noexcept {
  std::swap(key_, other.key_);
  std::swap(public_key_, other.public_key_);
  return *this;
}

bool ed25519_verify(std::string_view public_key32, std::string_view message,
                    std::string_view signature64) {
  if (public_key32.size() != 32 || signature64.size() != 64) return false;
  const ErrorMark mark;
  const Pkey key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(public_key32), 32));
  return key && verify(key.get(), nullptr, message, signature64);
}

bool ecdsa_p256_verify(std::string_view x32, std::string_view y32, std::string_view message,
                       std::string_view der_signature) {
  const ErrorMark mark;
  const Pkey key = p256_key(x32, y32);
  return key && verify(key.get(), sha256_method(), message, der_signature);
}

bool ecdsa_p256_verify_raw(std::string_view x32, std::string_view y32, std::string_view message,
                           std::string_view signature64) {
  if (signature64.size() != 64) return false;
  const EcdsaSignature signature(ECDSA_SIG_new());
  must(signature != nullptr, "ECDSA_SIG_new");
  BIGNUM* r = BN_bin2bn(bytes_of(signature64), 32, nullptr);
  BIGNUM* s = BN_bin2bn(bytes_of(signature64) + 32, 32, nullptr);
  must(r != nullptr && s != nullptr && ECDSA_SIG_set0(signature.get(), r, s) == 1, "ECDSA_SIG");
  std::string der(static_cast<std::size_t>(i2d_ECDSA_SIG(signature.get(), nullptr)), '\0');
  unsigned char* end = bytes_of(der);
  i2d_ECDSA_SIG(signature.get(), &end);
  return ecdsa_p256_verify(x32, y32, message, der);
}

bool rsa_verify(std::string_view modulus, std::string_view exponent, std::string_view message,
                std::string_view signature) {
  const ErrorMark mark;
  const Pkey key = rsa_key(modulus, exponent);
  return key && verify(key.get(), sha256_method(), message, signature);
}

bool rsa_pss_verify(std::string_view modulus, std::string_view exponent, std::string_view message,
                    std::string_view signature) {
  const ErrorMark mark;
  const Pkey key = rsa_key(modulus, exponent);
  const MdContext context(EVP_MD_CTX_new());
  must(context != nullptr, "EVP_MD_CTX_new");
  EVP_PKEY_CTX* how = nullptr;  // belongs to `context`
  return key &&
         EVP_DigestVerifyInit(context.get(), &how, sha256_method(), nullptr, key.get()) == 1 &&
         EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message),
                          message.size()) == 1;
}

}  // namespace keyturn::crypto
