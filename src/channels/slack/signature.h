// Slack's signature over a request (docs.slack.dev/authentication/verifying-requests-from-slack).
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace keyturn::channels::slack {

inline constexpr Duration kSignatureWindow = std::chrono::minutes(5);

// "v0=" and the hexadecimal HMAC-SHA256 over "v0:TIMESTAMP:BODY".
std::string sign(const Secret& secret, std::string_view timestamp, std::string_view body);

// Which requests are Slack's. Each passes once: the same one again is refused.
class Signatures {
 public:
  void use(Secret secret) { secret_ = std::move(secret); }
  // What was signed before then is stale: whether it came before is not known. (Which requests came
  // is remembered in memory only: call it at the start.)
  void only_since(Time since) { since_ = since; }
  // Codes: no_signature, bad_signature (also when there is no secret), stale_signature (a timestamp
  // more than five minutes away, to either side, or before only_since()), replayed.
  Result<void> check(std::string_view timestamp, std::string_view signature, std::string_view body,
                     Time now);

 private:
  Secret secret_;
  Time since_{};
  std::map<std::string, Time, std::less<>> seen_;
};

}  // namespace keyturn::channels::slack
