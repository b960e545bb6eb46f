#include "identity/jwks.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "doc/json.h"

namespace keyturn::identity {
namespace {

std::unexpected<Refusal> bad_keys(std::string why) {
  return refuse("invalid_keys", "these are no keys of an issuer (RFC 7517): " + std::move(why));
}

std::optional<std::string> bytes_of(const doc::Value& key, std::string_view name) {
  const std::string_view text = key.text(name);
  if (text.empty()) return std::nullopt;
  return from_base64url(text);
}

bool is_for_signatures(const doc::Value& key) {
  if (const doc::Value* use = key.find("use"); use != nullptr)
    if (!use->is_string() || use->as_string() != "sig") return false;
  const doc::Value* operations = key.find("key_ops");
  if (operations == nullptr) return true;
  return operations->is_array() &&
         std::ranges::any_of(operations->as_array(), [](const doc::Value& one) {
           return one.is_string() && one.as_string() == "verify";
         });
}

// Bits of a big-endian number.
std::size_t bits_of(std::string_view number) {
  const std::size_t first = number.find_first_not_of('\0');
  if (first == std::string_view::npos) return 0;
  std::size_t bits = (number.size() - first - 1) * 8;
  for (unsigned char top = static_cast<unsigned char>(number[first]); top != 0; top >>= 1) ++bits;
  return bits;
}

std::optional<JwtKey> rsa_key(const doc::Value& key, std::string_view algorithm) {
  const auto n = bytes_of(key, "n"), e = bytes_of(key, "e");
  if (!n || !e || bits_of(*n) < 2048 || bits_of(*n) > 8192) return std::nullopt;
  if (algorithm == "PS256") return JwtKey{JwtAlgorithm::kPs256, *n, *e};
  if (algorithm == "RS256" || algorithm.empty()) return JwtKey{JwtAlgorithm::kRs256, *n, *e};
  return std::nullopt;
}

std::optional<JwtKey> usable(const doc::Value& key) {
  if (!key.is_object() || !is_for_signatures(key)) return std::nullopt;
  const doc::Value* named = key.find("alg");
  if (named != nullptr && !named->is_string()) return std::nullopt;
  const std::string_view algorithm = key.text("alg"), kind = key.text("kty"),
                         curve = key.text("crv");
  if (kind == "RSA") return rsa_key(key, algorithm);
  const auto x = bytes_of(key, "x"), y = bytes_of(key, "y");
  if (kind == "EC" && curve == "P-256" && (algorithm.empty() || algorithm == "ES256") && x && y &&
      x->size() == 32 && y->size() == 32)
    return JwtKey{JwtAlgorithm::kEs256, *x, *y};
  const bool eddsa = algorithm.empty() || algorithm == "EdDSA" || algorithm == "Ed25519";
  if (kind == "OKP" && curve == "Ed25519" && eddsa && x && x->size() == 32)
    return JwtKey{JwtAlgorithm::kEdDsa, *x, ""};
  return std::nullopt;
}

}  // namespace

std::string_view to_text(JwtAlgorithm algorithm) {
  switch (algorithm) {
    case JwtAlgorithm::kRs256:
      return "RS256";
    case JwtAlgorithm::kPs256:
      return "PS256";
    case JwtAlgorithm::kEs256:
      return "ES256";
    case JwtAlgorithm::kEdDsa:
      return "EdDSA";
  }
  return "";
}

Result<KeySet> KeySet::parse(std::string_view json) {
  const Result<doc::Value> tree =
      doc::parse_json(json, {.bytes_max = kBytesMax, .depth_max = 8, .values_max = 20'000});
  if (!tree) return bad_keys(tree.error().message);
  const doc::Value* keys = tree->find("keys");
  if (keys == nullptr || !keys->is_array()) return bad_keys("there is no list named keys");
  if (keys->as_array().size() > kKeysMax) return bad_keys("more than 100 keys");
  KeySet out;
  for (const doc::Value& one : keys->as_array()) {
    const std::string kid(one.text("kid"));
    std::optional<JwtKey> key = usable(one);
    if (!key || kid.empty() || kid.size() > 256) continue;
    if (!out.keys_.emplace(kid, std::move(*key)).second) return bad_keys("two keys have one id");
  }
  return out;
}

const JwtKey* KeySet::find(std::string_view kid) const {
  const auto found = keys_.find(kid);
  return found == keys_.end() ? nullptr : &found->second;
}

}  // namespace keyturn::identity
