#include "crypto/crypto.h"
#include "crypto/openssl.h"

namespace keyturn::crypto {
namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kTagSize = 16;
constexpr std::size_t kBytesMax = std::size_t{1} << 30;  // EVP counts in int

void check_sizes(const Secret& key, std::size_t text, std::size_t associated) {
  if (key.reveal().size() != kKeySize) throw std::invalid_argument("an AES-256 key has 32 bytes");
  if (text > kBytesMax || associated > kBytesMax) throw std::length_error("too long to seal");
}

const EVP_CIPHER* aes_256_gcm() {
  static const EVP_CIPHER* const method = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  must(method != nullptr, "EVP_CIPHER_fetch(AES-256-GCM)");
  return method;
}

std::unexpected<Refusal> cannot_open(std::string why) {
  return refuse("cannot_open", "sealed data cannot be opened: " + std::move(why));
}

}  // namespace

std::string seal(const Secret& key32, std::string_view plaintext, std::string_view associated,
                 Random& random) {
  check_sizes(key32, plaintext.size(), associated.size());
  std::string out = random.bytes(kNonceSize);
  out.resize(kNonceSize + plaintext.size() + kTagSize);
  unsigned char* const nonce = bytes_of(out);
  unsigned char* const body = nonce + kNonceSize;
  unsigned char* const tag = body + plaintext.size();

  const CipherContext context(EVP_CIPHER_CTX_new());
  must(context != nullptr, "EVP_CIPHER_CTX_new");
  EVP_CIPHER_CTX* const c = context.get();
  int size = 0;
  must(EVP_EncryptInit_ex2(c, aes_256_gcm(), bytes_of(key32.reveal()), nonce, nullptr) == 1 &&
           EVP_EncryptUpdate(c, nullptr, &size, bytes_of(associated),
                             static_cast<int>(associated.size())) == 1 &&
           EVP_EncryptUpdate(c, body, &size, bytes_of(plaintext),
                             static_cast<int>(plaintext.size())) == 1 &&
           EVP_EncryptFinal_ex(c, tag, &size) == 1 &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, kTagSize, tag) == 1,
       "AES-256-GCM");
  return out;
}

Result<std::string> open(const Secret& key32, std::string_view sealed,
                         std::string_view associated) {
  check_sizes(key32, sealed.size(), associated.size());
  if (sealed.size() < kNonceSize + kTagSize) return cannot_open("it is too short");
  const std::string_view nonce = sealed.substr(0, kNonceSize);
  const std::string_view body = sealed.substr(kNonceSize, sealed.size() - kNonceSize - kTagSize);
  std::string tag(sealed.substr(sealed.size() - kTagSize));
  std::string plaintext(body.size(), '\0');

  const CipherContext context(EVP_CIPHER_CTX_new());
  must(context != nullptr, "EVP_CIPHER_CTX_new");
  EVP_CIPHER_CTX* const c = context.get();
  int size = 0;
  must(EVP_DecryptInit_ex2(c, aes_256_gcm(), bytes_of(key32.reveal()), bytes_of(nonce), nullptr) ==
               1 &&
           EVP_DecryptUpdate(c, nullptr, &size, bytes_of(associated),
                             static_cast<int>(associated.size())) == 1 &&
           EVP_DecryptUpdate(c, bytes_of(plaintext), &size, bytes_of(body),
                             static_cast<int>(body.size())) == 1 &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, kTagSize, bytes_of(tag)) == 1,
       "AES-256-GCM");
  unsigned char none = 0;
  if (EVP_DecryptFinal_ex(c, &none, &size) != 1) {
    OPENSSL_cleanse(plaintext.data(), plaintext.size());
    return cannot_open("wrong key, or it was changed");
  }
  return plaintext;
}

}  // namespace keyturn::crypto
