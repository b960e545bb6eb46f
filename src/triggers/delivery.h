// What others deliver to a webhook: whether it is theirs, and what it tells. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "doc/value.h"
#include "runbook/trigger.h"

namespace keyturn::triggers {

// As it came over HTTP; "" for headers that were not there, or several times.
struct Delivery {
  std::string hook;
  std::string authorization;                  // Authorization
  std::string pagerduty_signature;            // X-PagerDuty-Signature: "v1=HEX,v1=HEX"
  std::string github_signature;               // X-Hub-Signature-256: "sha256=HEX"
  std::string github_delivery, github_event;  // X-GitHub-Delivery, X-GitHub-Event
  std::string signature;                      // Keyturn-Signature: "t=SECONDS,v1=HEX"
  std::string id;                             // Keyturn-Delivery
  std::string body;
};

inline constexpr std::size_t kSecretBytesMin = 16;
inline constexpr std::size_t kBodyBytesMax = 512 << 10;
inline constexpr Duration kSignatureAge = std::chrono::minutes(5);  // either way
inline constexpr std::size_t kAlertsMax = 500;
// What the alerts of a message share is kept with each of them: its bytes, so many times.
inline constexpr std::size_t kSharedBytesMax = 4 << 20;

// Whether the sender knows the secret:
//   alertmanager  Authorization: Bearer SECRET, or Basic USER:SECRET where the hook names a user
//   pagerduty     HMAC-SHA256 of the body, in hex, is one of the v1 (PagerDuty webhooks v3)
//   github        HMAC-SHA256 of the body, in hex
//   generic       HMAC-SHA256 of "SECONDS.BODY" in hex, SECONDS not more than kSignatureAge from
//   now
// All of it is compared in constant time.
bool is_from_sender(const runbook::Hook& hook, const Delivery& delivery, const Secret& secret,
                    Time now);

// One thing that a delivery tells: an alert, an incident's event, a whole body.
struct Told {
  doc::Value event;  // object: what expressions read
  // By what it is known, each taken once: whatever else comes with one of these is the same again.
  std::vector<std::string> ids;
};

// Of a delivery that is_from_sender(). Codes: invalid_json and what a strict reader says,
// wrong_type, missing_field, too_large.
[[nodiscard]] Result<std::vector<Told>> told_by(runbook::HookKind kind, const Delivery& delivery);

}  // namespace keyturn::triggers
