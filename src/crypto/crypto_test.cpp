#include "crypto/crypto.h"

#include <doctest/doctest.h>
#include <openssl/rsa.h>
#include <rapidcheck.h>

#include "crypto/openssl.h"

using namespace keyturn;

namespace {

std::string unhex(std::string_view hex) {
  return *from_hex(hex);
}
std::string hex(const Digest& digest) {
  return to_hex(view(digest));
}

}  // namespace

TEST_CASE("SHA-256 (FIPS 180-4 examples)") {
  CHECK(hex(crypto::sha256("")) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(crypto::sha256_text("abc") ==
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(rc::check("incremental is the same", [](const std::string& a, const std::string& b) {
    crypto::Sha256 hash;
    hash.update(a);
    hash.update(b);
    RC_ASSERT(hash.finish() == crypto::sha256(a + b));
  }));
}

TEST_CASE("HMAC-SHA-256 (RFC 4231 cases 1, 2 and 6)") {
  CHECK(hex(crypto::hmac_sha256(std::string(20, '\x0b'), "Hi There")) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(hex(crypto::hmac_sha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex(crypto::hmac_sha256(std::string(131, '\xaa'),
                                "Test Using Larger Than Block-Size Key - Hash Key First")) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  CHECK(hex(crypto::hmac_sha256("", "")) ==
        "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("a commitment binds nonce and payload") {
  const std::string nonce(32, 'n');
  CHECK(crypto::commit_payload(nonce, "{}") == crypto::sha256("keyturn/v1/payload" + nonce + "{}"));
  CHECK_THROWS(crypto::commit_payload("short", "{}"));
}

TEST_CASE("what is sealed opens only with the same key, data and bytes") {
  SystemRandom random;
  const Secret key(random.bytes(32));
  for (const std::string& text : {std::string(), std::string("a"), std::string(5000, 'x')}) {
    const std::string sealed = crypto::seal(key, text, "row 7", random);
    CHECK(sealed.size() == text.size() + 28);
    CHECK(crypto::open(key, sealed, "row 7") == text);
    CHECK(crypto::open(key, sealed, "row 8").error().code == "cannot_open");
    CHECK_FALSE(crypto::open(Secret(random.bytes(32)), sealed, "row 7"));
    CHECK(crypto::seal(key, text, "row 7", random) != sealed);
    for (std::size_t i = 0; i < std::min<std::size_t>(sealed.size(), 64); ++i) {
      std::string changed = sealed;
      changed[i] = static_cast<char>(changed[i] ^ 1);
      CHECK_FALSE(crypto::open(key, changed, "row 7"));
    }
    CHECK_FALSE(crypto::open(key, sealed.substr(0, sealed.size() - 1), "row 7"));
  }
  CHECK_FALSE(crypto::open(key, "short", ""));
  CHECK_THROWS(crypto::seal(Secret("short"), "", "", random));
}

TEST_CASE("Ed25519 (RFC 8032 §7.1, tests 1 to 3)") {
  const struct {
    const char *seed, *public_key, *message, *signature;
  } table[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf"
       "9b46b"
       "d25bf5f0595bbe24655141438e7a100b"},
      {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
       "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f"
       "11d8c"
       "387b2eaeb4302aeeb00d291612bb0c00"},
      {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
       "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
       "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984"
       "dc659"
       "4a7c15e9716ed28dc027beceea1ec40a"},
  };
  for (const auto& row : table) {
    const auto key = crypto::Ed25519Key::from_seed(Secret(unhex(row.seed)));
    CHECK(key.public_key() == unhex(row.public_key));
    std::string signature = key.sign(unhex(row.message));
    CHECK(signature == unhex(row.signature));
    CHECK(crypto::ed25519_verify(key.public_key(), unhex(row.message), signature));
    CHECK_FALSE(crypto::ed25519_verify(key.public_key(), "other", signature));
    signature[0] = static_cast<char>(signature[0] ^ 1);
    CHECK_FALSE(crypto::ed25519_verify(key.public_key(), unhex(row.message), signature));
  }
  CHECK_FALSE(crypto::ed25519_verify("short", "", std::string(64, 'x')));
  CHECK_FALSE(crypto::ed25519_verify(std::string(32, 'x'), "", "short"));
}

namespace {

std::string sign_with(EVP_PKEY* key, std::string_view message) {
  const crypto::MdContext context(EVP_MD_CTX_new());
  std::size_t size = 0;
  REQUIRE(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1);
  REQUIRE(EVP_DigestSign(context.get(), nullptr, &size, crypto::bytes_of(message),
                         message.size()) == 1);
  std::string out(size, '\0');
  REQUIRE(EVP_DigestSign(context.get(), crypto::bytes_of(out), &size, crypto::bytes_of(message),
                         message.size()) == 1);
  out.resize(size);
  return out;
}

std::string number_of(EVP_PKEY* key, const char* name, int size = 0) {
  BIGNUM* raw = nullptr;
  REQUIRE(EVP_PKEY_get_bn_param(key, name, &raw) == 1);
  const crypto::Bignum number(raw);
  std::string out(static_cast<std::size_t>(size > 0 ? size : BN_num_bytes(raw)), '\0');
  BN_bn2binpad(raw, crypto::bytes_of(out), static_cast<int>(out.size()));
  return out;
}

}  // namespace

TEST_CASE("ES256 (RFC 6979 A.2.5, message 'sample'), raw") {
  const std::string x = unhex("60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6");
  const std::string y = unhex("7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
  const std::string signature = unhex(
      "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
      "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
  CHECK(crypto::ecdsa_p256_verify_raw(x, y, "sample", signature));
  CHECK_FALSE(crypto::ecdsa_p256_verify_raw(x, y, "sampl", signature));
  CHECK_FALSE(crypto::ecdsa_p256_verify_raw(x, x, "sample", signature));  // no point of the curve
  CHECK_FALSE(crypto::ecdsa_p256_verify_raw(x, y, "sample", std::string(64, '\0')));
  CHECK_FALSE(crypto::ecdsa_p256_verify_raw("", "", "sample", signature));
}

TEST_CASE("ES256 in DER and RS256, from coordinates") {
  const crypto::Pkey ec(EVP_EC_gen("P-256"));
  const std::string x = number_of(ec.get(), OSSL_PKEY_PARAM_EC_PUB_X, 32);
  const std::string y = number_of(ec.get(), OSSL_PKEY_PARAM_EC_PUB_Y, 32);
  std::string signature = sign_with(ec.get(), "hello");
  CHECK(crypto::ecdsa_p256_verify(x, y, "hello", signature));
  CHECK_FALSE(crypto::ecdsa_p256_verify(x, y, "hullo", signature));
  CHECK_FALSE(crypto::ecdsa_p256_verify(x, y, "hello", signature + "x"));
  CHECK_FALSE(crypto::ecdsa_p256_verify(x, y, "hello", ""));

  const crypto::Pkey rsa(EVP_RSA_gen(2048U));
  const std::string n = number_of(rsa.get(), OSSL_PKEY_PARAM_RSA_N);
  const std::string e = number_of(rsa.get(), OSSL_PKEY_PARAM_RSA_E);
  signature = sign_with(rsa.get(), "hello");
  CHECK(crypto::rsa_verify(n, e, "hello", signature));
  CHECK(crypto::rsa_verify(std::string(1, '\0') + n, e, "hello", signature));
  CHECK_FALSE(crypto::rsa_verify(n, e, "hullo", signature));
  CHECK_FALSE(crypto::rsa_verify(n.substr(1), e, "hello", signature));
  CHECK_FALSE(crypto::rsa_verify(n, "\x01", "hello", signature));
  CHECK_FALSE(crypto::rsa_verify(n.substr(0, 128), e, "hello", signature));
}
