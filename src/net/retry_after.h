// How long the other side asks to be left alone.
#pragma once

#include <optional>

#include "base/time.h"
#include "net/http.h"

namespace keyturn::net {

inline constexpr Duration kRetryAfterMax = std::chrono::hours(1);

// Retry-After (RFC 9110 §10.2.3), in seconds or as a date, at most kRetryAfterMax. nullopt: not
// said, or not readable.
std::optional<Duration> retry_after(const Headers& headers, Time now);

}  // namespace keyturn::net
