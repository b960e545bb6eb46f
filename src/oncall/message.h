// What a webhook sends: Standard Webhooks (standardwebhooks.com, specification 1.0.0), symmetric.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace keyturn::oncall {

struct Message {
  std::string id, timestamp, signatures;  // webhook-id, webhook-timestamp, webhook-signature
  std::string body;                       // as it came
};

inline constexpr Duration kMessageAge = std::chrono::minutes(5);  // either way

// The key that a secret is: "whsec_" and base64, or the base64 alone, of 24 bytes or more. Code
// invalid_secret; the message never holds any of it.
[[nodiscard]] Result<Secret> key_of(const Secret& secret);

// When it was sent. Codes: bad_signature (none of the signatures "v1,…" over id, timestamp and body
// is right; compared in constant time), stale_message (not within kMessageAge of now).
[[nodiscard]] Result<Time> check_message(const Message& message, const Secret& key, Time now);

}  // namespace keyturn::oncall
