#include "channels/check.h"

#include <cstdlib>
#include <ctime>
#include <optional>

namespace keyturn::channels {
namespace {

constexpr std::int64_t kSkewMax = 300;  // seconds; signatures and tokens allow no more

// RFC 9110 §5.6.7, the form that everybody sends: "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<std::int64_t> seconds_of(const std::string& date) {
  std::tm parts{};
  const char* end = ::strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return ::timegm(&parts);
}

}  // namespace

Check check_clock(std::string_view date, Time now) {
  Check out{.what = "the clock", .good = false, .words = ""};
  const std::optional<std::int64_t> theirs = seconds_of(std::string(date));
  if (!theirs) {
    out.words = "the other side does not say what time it is (Date): look at the clock yourself";
    return out;
  }
  const std::int64_t apart = unix_ms(now) / 1000 - *theirs;
  out.good = std::llabs(apart) < kSkewMax;
  out.words = std::to_string(std::llabs(apart)) + " s " + (apart < 0 ? "behind" : "ahead of") +
              " theirs" + (out.good ? "" : ": set the clock (NTP), or nothing they send is taken");
  return out;
}

}  // namespace keyturn::channels
