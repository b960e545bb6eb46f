#include "net/retry_after.h"

#include <curl/curl.h>

#include <algorithm>
#include <string>

#include "base/ascii.h"

namespace keyturn::net {
namespace {

bool is_decimal(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_digit);
}

}  // namespace

std::optional<Duration> retry_after(const Headers& headers, Time now) {
  const std::optional<std::string_view> text = headers.find("retry-after");
  if (!text) return std::nullopt;
  constexpr std::size_t kDigitsMax = 9;
  if (is_decimal(*text)) {
    if (text->size() > kDigitsMax) return kRetryAfterMax;
    return std::min<Duration>(std::chrono::seconds(std::stol(std::string(*text))), kRetryAfterMax);
  }
  const std::time_t at = curl_getdate(std::string(*text).c_str(), nullptr);
  if (at < 0) return std::nullopt;
  const Duration wait = Time{std::chrono::seconds(at)} - now;
  return std::clamp<Duration>(wait, Duration::zero(), kRetryAfterMax);
}

}  // namespace keyturn::net
