// Standard Webhooks (standardwebhooks.com, specification 1.0.0), symmetric: how what is sent to a
// webhook is signed.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace keyturn::crypto {

// The key in "whsec_" and the base64 of 24 to 64 bytes. Code: malformed_key; the message holds
// nothing of it.
[[nodiscard]] Result<Secret> webhook_key(const Secret& text);

// The value of webhook-signature, "v1,…": HMAC-SHA256 over id.timestamp.body. `timestamp`: seconds
// since 1970 in decimal, as webhook-timestamp has it.
std::string webhook_signature(const Secret& key, std::string_view id, std::string_view timestamp,
                              std::string_view body);

}  // namespace keyturn::crypto
