#include "channels/slack/signature.h"

#include <charconv>

#include "base/bytes.h"
#include "crypto/crypto.h"

namespace keyturn::channels::slack {
namespace {

constexpr std::size_t kSignaturesMax = 100'000;

}  // namespace

std::string sign(const Secret& secret, std::string_view timestamp, std::string_view body) {
  std::string text = "v0:";
  text.append(timestamp).append(":").append(body);
  return "v0=" + to_hex(view(crypto::hmac_sha256(secret.reveal(), text)));
}

Result<void> Signatures::check(std::string_view timestamp, std::string_view signature,
                               std::string_view body, Time now) {
  if (timestamp.empty() || signature.empty())
    return refuse("no_signature", "the request is not signed");
  std::int64_t seconds = 0;
  const auto [end, error] =
      std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), seconds);
  if (error != std::errc{} || end != timestamp.data() + timestamp.size() || timestamp.size() > 12)
    return refuse("bad_signature", "the request's timestamp is none");
  const Time signed_at{std::chrono::seconds(seconds)};
  const bool good = equal_constant_time(sign(secret_, timestamp, body), signature);
  if (secret_.empty() || !good)
    return refuse("bad_signature", "the request's signature is not Slack's");
  if (signed_at > now + kSignatureWindow || signed_at < now - kSignatureWindow)
    return refuse("stale_signature",
                  "the request was signed more than five minutes away from now: it is old, or a "
                  "clock is wrong");
  if (signed_at + std::chrono::seconds(1) <= since_)  // it is in whole seconds
    return refuse("stale_signature",
                  "the request was signed before this server started, so it may have come before: "
                  "do it again");
  std::erase_if(seen_, [&](const auto& one) { return one.second < now; });
  if (seen_.size() >= kSignaturesMax ||
      !seen_.emplace(signature, signed_at + kSignatureWindow).second)
    return refuse("replayed", "the very same request came before");
  return {};
}

}  // namespace keyturn::channels::slack
