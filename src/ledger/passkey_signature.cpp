#include "ledger/passkey_signature.h"

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::ledger {
namespace {

constexpr std::int64_t kEs256 = -7, kEdDsa = -8, kRs256 = -257;  // RFC 9053, RFC 8812
constexpr std::size_t kAuthenticatorDataMin = 37;
constexpr std::size_t kFlagsAt = 32;
constexpr unsigned char kUserPresent = 0x01, kUserVerified = 0x04;
constexpr std::size_t kCoordinate = 32, kRsaExponent = 3;

// What the browser's client data must be a signature over: the challenge that names what was
// signed.
std::optional<std::string> client_data_wrong(const std::string& client_data,
                                             std::string_view domain,
                                             std::string_view signed_text) {
  const Result<doc::Value> tree = doc::parse_json(client_data);
  if (!tree || !tree->is_object()) return "its client data are no JSON";
  if (tree->text("type") != "webauthn.get") return "its client data are not those of an assertion";
  const Digest challenge = crypto::sha256(std::string(domain) + "\n" + std::string(signed_text));
  if (from_base64url(tree->text("challenge")) != std::string(view(challenge)))
    return "the passkey signed another challenge than that of this entry";
  return std::nullopt;
}

std::optional<std::string> vote_wrong(std::string_view text, const doc::Value& leaf,
                                      const doc::Value& vote) {
  const Result<doc::Value> said = doc::parse_json(text);
  if (!said || !said->is_object()) return "what was signed is no JSON";
  const bool same = "action/" + std::string(said->text("action")) == leaf.text("stream") &&
                    said->text("digest") == vote.text("digest") &&
                    said->text("decision") == vote.text("decision") &&
                    said->text("reviewer") == vote.text("reviewer");
  if (!same) return "the passkey signed another vote than this entry says";
  return std::nullopt;
}

std::optional<std::string> opening_wrong(std::string_view text, const doc::Value& emergency) {
  const Result<doc::Value> said = doc::parse_json(text);
  if (!said || !said->is_object()) return "what was signed is no JSON";
  const doc::Value* statement = said->find("statement");
  const doc::Value* agents = statement == nullptr ? nullptr : statement->find("agents");
  const doc::Value* named = emergency.find("agents");
  const bool same = agents != nullptr && named != nullptr && *agents == *named &&
                    statement->text("kind") == "breakglass" &&
                    said->text("person") == emergency.text("opener");
  if (!same) return "the passkey signed another statement than this entry says";
  return std::nullopt;
}

bool signature_good(std::int64_t algorithm, std::string_view key, std::string_view message,
                    std::string_view signature) {
  if (algorithm == kEdDsa) return crypto::ed25519_verify(key, message, signature);
  if (algorithm == kEs256 && key.size() == 2 * kCoordinate)
    return crypto::ecdsa_p256_verify(key.substr(0, kCoordinate), key.substr(kCoordinate), message,
                                     signature);
  if (algorithm == kRs256 && key.size() > kRsaExponent)
    return crypto::rsa_verify(key.substr(0, key.size() - kRsaExponent),
                              key.substr(key.size() - kRsaExponent), message, signature);
  return false;
}

}  // namespace

std::optional<PasskeySigned> passkey_signed(const doc::Value& leaf) {
  const bool vote = leaf.text("type") == "review.voted";
  if (!vote && leaf.text("type") != "breakglass.opened") return std::nullopt;
  const doc::Value* part = leaf.find(vote ? "vote" : "emergency");
  const doc::Value* assertion = part == nullptr ? nullptr : part->find("assertion");
  if (assertion == nullptr) return std::nullopt;
  return PasskeySigned{vote ? "a vote with a passkey" : "glass broken with a passkey",
                       std::string(part->text(vote ? "reviewer" : "opener")),
                       std::string(assertion->text("credential")),
                       std::string(assertion->text("public_key"))};
}

std::optional<std::string> passkey_wrong(const doc::Value& leaf) {
  if (!passkey_signed(leaf)) return "there is no assertion";
  const bool vote = leaf.text("type") == "review.voted";
  const doc::Value* part = leaf.find(vote ? "vote" : "emergency");
  const doc::Value* assertion = part->find("assertion");
  const std::string_view text = assertion->text("signed");
  if (auto wrong = vote ? vote_wrong(text, leaf, *part) : opening_wrong(text, *part)) return wrong;
  const auto data = from_base64url(assertion->text("authenticator_data"));
  const auto client_data = from_base64url(assertion->text("client_data_json"));
  const auto signature = from_base64url(assertion->text("signature"));
  const auto key = from_base64url(assertion->text("public_key"));
  if (!data || !client_data || !signature || !key) return "a part of the assertion is no base64url";
  if (auto wrong =
          client_data_wrong(*client_data, vote ? "keyturn/v1/vote" : "keyturn/v1/statement", text))
    return wrong;
  if (data->size() < kAuthenticatorDataMin) return "its authenticator data are cut short";
  const auto flags = static_cast<unsigned char>((*data)[kFlagsAt]);
  if ((flags & kUserPresent) == 0 || (flags & kUserVerified) == 0)
    return "nobody was verified at the authenticator";
  const Digest hash = crypto::sha256(*client_data);
  const std::string message = *data + std::string(view(hash));
  if (!signature_good(assertion->integer("algorithm"), *key, message, *signature))
    return "the passkey's signature does not verify";
  return std::nullopt;
}

}  // namespace keyturn::ledger
