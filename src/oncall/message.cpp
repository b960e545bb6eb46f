#include "oncall/message.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "crypto/webhook.h"

namespace keyturn::oncall {
namespace {

constexpr std::string_view kSecretPrefix = "whsec_";
constexpr std::size_t kKeyBytesMin = 24;
constexpr std::size_t kIdBytesMax = 256;
constexpr std::size_t kSignaturesMax = 16;

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= kIdBytesMax &&
         std::ranges::all_of(id, [](char c) { return c > ' ' && c < '\x7f'; });
}

std::optional<std::int64_t> seconds_of(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  constexpr std::int64_t kMost = 1'000'000'000'000;
  const bool read = error == std::errc{} && end == text.data() + text.size() && !text.empty();
  if (!read || out < 0 || out > kMost) return std::nullopt;
  return out;
}

// Every one is compared, whatever the others were.
bool has_signature(std::string_view signatures, std::string_view wanted) {
  bool found = false;
  for (std::size_t n = 0; n < kSignaturesMax && !signatures.empty(); ++n) {
    const std::size_t end = std::min(signatures.find(' '), signatures.size());
    found |= equal_constant_time(signatures.substr(0, end), wanted);
    signatures.remove_prefix(std::min(end + 1, signatures.size()));
  }
  return found;
}

}  // namespace

Result<Secret> key_of(const Secret& secret) {
  std::string_view text = secret.reveal();
  if (text.starts_with(kSecretPrefix)) text.remove_prefix(kSecretPrefix.size());
  std::optional<std::string> key = from_base64(text);
  if (!key || key->size() < kKeyBytesMin)
    return refuse("invalid_secret",
                  "a webhook's secret is \"whsec_\" and the base64 of 24 bytes or more; make one: "
                  "echo whsec_$(openssl rand -base64 32)");
  return Secret(std::move(*key));
}

Result<Time> check_message(const Message& message, const Secret& key, Time now) {
  const std::optional<std::int64_t> seconds = seconds_of(message.timestamp);
  const bool is_signed =
      has_signature(message.signatures,
                    crypto::webhook_signature(key, message.id, message.timestamp, message.body));
  if (!is_signed || !seconds || !is_id(message.id))
    return refuse("bad_signature",
                  "webhook-id, webhook-timestamp and webhook-signature do not sign this body with "
                  "the schedule's secret (Standard Webhooks, v1)");
  const Time sent{std::chrono::seconds(*seconds)};
  if (sent < now - kMessageAge || now + kMessageAge < sent)
    return refuse("stale_message", "webhook-timestamp is not within 5 minutes of " +
                                       to_rfc3339(now) + "; is a clock wrong?");
  return sent;
}

}  // namespace keyturn::oncall
