#include "identity/jwt.h"

#include <doctest/doctest.h>

#include "crypto/crypto.h"
#include "doc/json.h"

using namespace keyturn;
using namespace keyturn::identity;

namespace {

const Time kNow = *from_rfc3339("2026-11-21T12:00:00Z");

std::int64_t seconds(int from_now) {
  return unix_ms(kNow) / 1000 + from_now;
}

// An issuer with one Ed25519 key, k1.
struct Issuer {
  crypto::Ed25519Key key = crypto::Ed25519Key::from_seed(Secret(std::string(32, 's')));
  KeySet keys = *KeySet::parse(doc::write_json(
      doc::object({{"keys", doc::Array{doc::object({{"kty", "OKP"},
                                                    {"crv", "Ed25519"},
                                                    {"kid", "k1"},
                                                    {"x", to_base64url(key.public_key())}})}}})));
  JwtExpected expected{.issuer = "https://i.example", .audience = "us", .is_id_token = true};

  static doc::Value claims() {
    return doc::object({{"iss", "https://i.example"},
                        {"aud", "us"},
                        {"sub", "s"},
                        {"iat", seconds(-10)},
                        {"exp", seconds(300)}});
  }
  std::string token(const std::string& header, const std::string& payload) const {
    const std::string text = to_base64url(header) + "." + to_base64url(payload);
    return text + "." + to_base64url(key.sign(text));
  }
  std::string token(const doc::Value& payload) const {
    return token(R"({"alg":"EdDSA","kid":"k1"})", doc::write_json(payload));
  }
  // "" when it is accepted, else why not.
  std::string why_not(const std::string& text) const {
    const Result<UnverifiedJwt> read = read_jwt(text);
    if (!read) return read.error().code + " " + read.error().message;
    const Result<doc::Value> verified = verify_jwt(*read, keys, expected, kNow);
    return verified ? "" : verified.error().code + " " + verified.error().message;
  }
  std::string with(const char* claim, doc::Value value) const {
    doc::Value payload = claims();
    payload.set(claim, std::move(value));
    return why_not(token(payload));
  }
  std::string without(const char* claim) const {
    doc::Value payload = claims();
    std::erase_if(payload.as_object(), [&](const doc::Member& m) { return m.key == claim; });
    return why_not(token(payload));
  }
};

}  // namespace

TEST_CASE("a token counts for its issuer, its audience and its time, and nothing less") {
  const Issuer issuer;
  CHECK(issuer.why_not(issuer.token(Issuer::claims())) == "");
  CHECK(issuer.with("iss", "https://i.example/").contains("(iss)"));
  CHECK(issuer.with("aud", "them").contains("(aud)"));
  CHECK(issuer.with("aud", doc::array_of({"them", "us"})).contains("no azp"));
  CHECK(issuer.with("aud", doc::array_of({"us"})) == "");
  CHECK(issuer.with("azp", "them").contains("(azp)"));
  CHECK(issuer.without("exp").contains("never expires"));
  CHECK(issuer.without("iat").contains("iat is missing"));
  CHECK(issuer.without("sub").contains("sub is missing"));
  CHECK(issuer.with("exp", seconds(-59)) == "");
  CHECK(issuer.with("exp", seconds(-61)).starts_with("expired_token"));
  CHECK(issuer.with("nbf", seconds(59)) == "");
  CHECK(issuer.with("nbf", seconds(61)).contains("(nbf)"));
  CHECK(issuer.with("iat", seconds(61)).contains("(iat)"));
  CHECK(issuer.with("exp", "tomorrow").contains("no time"));
  CHECK(issuer.with("exp", doc::Number{"1e300"}).contains("no time"));
}

TEST_CASE("the nonce of a sign-in must be in its token") {
  Issuer issuer;
  issuer.expected.nonce = "n1";
  CHECK(issuer.with("nonce", "n1") == "");
  CHECK(issuer.with("nonce", "n2").contains("(nonce)"));
  CHECK(issuer.without("nonce").contains("(nonce)"));
}

TEST_CASE("the algorithm is the key's own, whatever the header says") {
  const Issuer issuer;
  const std::string payload = doc::write_json(Issuer::claims());
  const auto header = [&](const char* text) { return issuer.why_not(issuer.token(text, payload)); };
  CHECK(header(R"({"alg":"EdDSA","kid":"k1","typ":"JWT"})") == "");
  CHECK(header(R"({"alg":"EdDSA","kid":"k1","typ":"at+jwt"})").contains("(typ)"));
  for (const char* other : {"none", "HS256", "RS256", "ES256", "eddsa"})
    CHECK_MESSAGE(header((R"({"alg":")" + std::string(other) + R"(","kid":"k1"})").c_str())
                      .contains("alg says another"),
                  other);
  CHECK(header(R"({"alg":"EdDSA"})").contains("(kid)"));
  CHECK(header(R"({"alg":"EdDSA","kid":"k2"})").starts_with("unknown_key"));
  CHECK(header(R"({"kid":"k1"})").contains("no alg"));
  CHECK(header(R"({"alg":"EdDSA","kid":"k1","crit":["exp"],"exp":1})").contains("(crit)"));
  CHECK(header(R"({"alg":"EdDSA","kid":"k1","alg":"EdDSA"})").contains("duplicate_key"));
  CHECK(header("[]").contains("no JSON object"));
}

TEST_CASE("a token that was changed, cut or padded is none") {
  const Issuer issuer;
  const std::string good = issuer.token(Issuer::claims());
  std::string changed = good;
  changed[good.find('.') + 8] = changed[good.find('.') + 8] == 'A' ? 'B' : 'A';
  CHECK(issuer.why_not(changed) != "");
  CHECK(issuer.why_not(good.substr(0, good.rfind('.') + 1)).contains("not signed"));
  CHECK(issuer.why_not(good + "=").contains("not signed"));
  CHECK(issuer.why_not(good + ".x").contains("three parts"));
  CHECK(issuer.why_not("") != "");
  CHECK(issuer.why_not(issuer.token(R"({"alg":"EdDSA","kid":"k1"})", R"({"iss":"a","iss":"b"})"))
            .contains("duplicate_key"));
  CHECK(issuer.with("padding", std::string(kJwtBytesMax, 'x')).contains("16 KiB"));
}

TEST_CASE("a key set gives the keys that can be used, and no others") {
  const auto size = [](const std::string& keys) {
    const Result<KeySet> set = KeySet::parse(R"({"keys":[)" + keys + "]}");
    return set ? static_cast<int>(set->size()) : -1;
  };
  const std::string x = to_base64url(std::string(32, '\1'));
  const std::string ed = R"({"kty":"OKP","crv":"Ed25519","kid":"a","x":")" + x + "\"";
  const auto rsa = [](std::size_t bytes) {
    return R"({"kty":"RSA","kid":"r","e":"AQAB","n":")" + to_base64url(std::string(bytes, '\xff')) +
           "\"}";
  };
  CHECK(size(ed + "}") == 1);
  CHECK(size(ed + R"(,"use":"sig","key_ops":["verify"],"alg":"EdDSA"})") == 1);
  CHECK(size(ed + R"(,"use":"enc"})") == 0);
  CHECK(size(ed + R"(,"key_ops":["encrypt"]})") == 0);
  CHECK(size(ed + R"(,"alg":"HS256"})") == 0);
  CHECK(size(R"({"kty":"EC","crv":"P-384","kid":"e","x":")" + x + R"(","y":")" + x + "\"}") == 0);
  CHECK(size(R"({"kty":"EC","crv":"secp256k1","kid":"e","x":")" + x + R"(","y":")" + x + "\"}") ==
        0);
  CHECK(size(R"({"kty":"oct","kid":"o","k":")" + x + "\"}") == 0);
  CHECK(size(R"({"kty":"OKP","crv":"Ed25519","x":")" + x + "\"}") == 0);
  CHECK(size(rsa(256)) == 1);
  CHECK(size(rsa(255)) == 0);
  CHECK(size(ed + "}," + ed + "}") == -1);
  CHECK_FALSE(KeySet::parse("[]").has_value());
  CHECK_FALSE(KeySet::parse(R"({"keys":[],"keys":[]})").has_value());
  std::string many;
  for (int i = 0; i < 101; ++i) many += (i == 0 ? "" : ",") + std::string("{}");
  CHECK(size(many) == -1);
}
