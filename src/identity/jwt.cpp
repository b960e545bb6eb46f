#include "identity/jwt.h"

#include <algorithm>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::identity {
namespace {

constexpr doc::ParseLimits kLimits{
    .bytes_max = kJwtBytesMax, .depth_max = 16, .values_max = 4'000, .number_digits_max = 40};

std::unexpected<Refusal> bad(std::string why) {
  return refuse("invalid_token", "this JWT is not accepted: " + std::move(why));
}

Result<doc::Value> part(std::string_view text, const char* what) {
  const std::optional<std::string> bytes = from_base64url(text);
  if (!bytes) return bad(std::string("its ") + what + " is no base64url");
  Result<doc::Value> tree = doc::parse_json(*bytes, kLimits);
  if (!tree || !tree->is_object())
    return bad(std::string("its ") + what + " is no JSON object" +
               (tree ? "" : " (" + tree.error().code + ")"));
  return tree;
}

// NumericDate: seconds, with a fraction perhaps.
Result<std::optional<Time>> time_in(const doc::Value& claims, std::string_view name) {
  const doc::Value* value = claims.find(name);
  if (value == nullptr) return std::optional<Time>{};
  const std::optional<double> seconds = value->as_double();
  if (!seconds || !(*seconds >= 0) || *seconds > 1e11)
    return bad("its " + std::string(name) + " is no time");
  return std::optional<Time>(Time(Duration(static_cast<std::int64_t>(*seconds * 1e6))));
}

bool signature_holds(const JwtKey& key, const UnverifiedJwt& token) {
  switch (key.algorithm) {
    case JwtAlgorithm::kRs256:
      return crypto::rsa_verify(key.a, key.b, token.signed_text, token.signature);
    case JwtAlgorithm::kPs256:
      return crypto::rsa_pss_verify(key.a, key.b, token.signed_text, token.signature);
    case JwtAlgorithm::kEs256:
      return crypto::ecdsa_p256_verify_raw(key.a, key.b, token.signed_text, token.signature);
    case JwtAlgorithm::kEdDsa:
      return crypto::ed25519_verify(key.a, token.signed_text, token.signature);
  }
  return false;
}

Result<void> check_times(const doc::Value& claims, const JwtExpected& expected, Time now) {
  const auto expires = time_in(claims, "exp"), from = time_in(claims, "nbf"),
             issued = time_in(claims, "iat");
  for (const auto* one : {&expires, &from, &issued})
    if (!*one) return std::unexpected(one->error());
  if (!*expires) return bad("it never expires (exp is missing)");
  if (now >= **expires + kJwtLeeway)
    return refuse("expired_token", "this JWT expired at " + to_rfc3339(**expires));
  if (*from && now + kJwtLeeway < **from) return bad("it is not valid yet (nbf)");
  if (*issued && now + kJwtLeeway < **issued) return bad("it was issued in the future (iat)");
  if (expected.is_id_token && !*issued) return bad("iat is missing");
  return {};
}

Result<void> check_audience(const doc::Value& claims, const JwtExpected& expected) {
  const doc::Value* audience = claims.find("aud");
  std::size_t count = 0;
  bool found = false;
  if (audience != nullptr && audience->is_string()) {
    count = 1;
    found = audience->as_string() == expected.audience;
  } else if (audience != nullptr && audience->is_array()) {
    count = audience->as_array().size();
    found = std::ranges::any_of(audience->as_array(), [&](const doc::Value& one) {
      return one.is_string() && one.as_string() == expected.audience;
    });
  }
  if (!found) return bad("it is for somebody else (aud)");
  if (!expected.is_id_token) return {};
  const doc::Value* party = claims.find("azp");
  if (party == nullptr && count > 1) return bad("it has several audiences and no azp");
  if (party != nullptr && (!party->is_string() || party->as_string() != expected.audience))
    return bad("it was made for another client (azp)");
  return {};
}

Result<void> check_claims(const doc::Value& claims, const JwtExpected& expected, Time now) {
  if (expected.issuer.empty() || claims.text("iss") != expected.issuer)
    return bad("it is of another issuer (iss)");
  if (Result<void> ok = check_audience(claims, expected); !ok) return ok;
  if (Result<void> ok = check_times(claims, expected, now); !ok) return ok;
  if (expected.is_id_token && claims.text("sub").empty()) return bad("sub is missing");
  if (expected.nonce && !equal_constant_time(claims.text("nonce"), *expected.nonce))
    return bad("it belongs to another sign-in (nonce)");
  return {};
}

}  // namespace

Result<UnverifiedJwt> read_jwt(std::string_view token) {
  if (token.size() > kJwtBytesMax) return bad("it is longer than 16 KiB");
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
    return bad("it has not three parts");
  const Result<doc::Value> header = part(token.substr(0, first), "header");
  if (!header) return std::unexpected(header.error());
  Result<doc::Value> claims = part(token.substr(first + 1, second - first - 1), "payload");
  if (!claims) return std::unexpected(claims.error());
  UnverifiedJwt out;
  out.algorithm = header->text("alg");
  out.kid = header->text("kid");
  out.type = header->text("typ");
  if (header->find("crit") != nullptr) return bad("it has critical extensions (crit)");
  if (out.algorithm.empty()) return bad("its header has no alg");
  if (out.kid.empty() || out.kid.size() > 256) return bad("its header names no key (kid)");
  const std::optional<std::string> signature = from_base64url(token.substr(second + 1));
  if (!signature || signature->empty()) return bad("it is not signed");
  out.claims = std::move(*claims);
  out.signed_text = token.substr(0, second);
  out.signature = *signature;
  return out;
}

Result<doc::Value> verify_jwt(const UnverifiedJwt& token, const KeySet& keys,
                              const JwtExpected& expected, Time now) {
  const JwtKey* key = keys.find(token.kid);
  if (key == nullptr)
    return refuse("unknown_key",
                  "this JWT is not accepted: its issuer publishes no key of that id that can be "
                  "used here");
  const std::string_view wanted = to_text(key->algorithm);
  const bool also = key->algorithm == JwtAlgorithm::kEdDsa && token.algorithm == "Ed25519";
  if (token.algorithm != wanted && !also)
    return bad("its key is for " + std::string(wanted) + ", and alg says another");
  if (!signature_holds(*key, token)) return bad("the signature does not hold");
  if (expected.is_id_token && !token.type.empty() && token.type != "JWT")
    return bad("it is no id token (typ)");
  if (Result<void> ok = check_claims(token.claims, expected, now); !ok)
    return std::unexpected(ok.error());
  return token.claims;
}

}  // namespace keyturn::identity
