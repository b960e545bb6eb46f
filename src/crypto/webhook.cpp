#include "crypto/webhook.h"

#include <optional>

#include "base/bytes.h"
#include "crypto/crypto.h"

namespace keyturn::crypto {
namespace {

constexpr std::string_view kPrefix = "whsec_";
constexpr std::size_t kKeyBytesMin = 24;  // Standard Webhooks: 24 to 64
constexpr std::size_t kKeyBytesMax = 64;

}  // namespace

Result<Secret> webhook_key(const Secret& text) {
  const std::string_view all = text.reveal();
  std::optional<std::string> key;
  if (all.starts_with(kPrefix)) key = from_base64(all.substr(kPrefix.size()));
  if (!key || key->size() < kKeyBytesMin || key->size() > kKeyBytesMax)
    return refuse("malformed_key",
                  "a webhook's secret is whsec_ and the base64 of 24 to 64 random bytes");
  return Secret(std::move(*key));
}

std::string webhook_signature(const Secret& key, std::string_view id, std::string_view timestamp,
                              std::string_view body) {
  std::string message(id);
  message += ".";
  message += timestamp;
  message += ".";
  message += body;
  return "v1," + to_base64(view(hmac_sha256(key.reveal(), message)));
}

}  // namespace keyturn::crypto
