// What `keyturn channels test` finds of a channel.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace keyturn::channels {

struct Check {
  std::string what;  // "the bot token", "scope chat:write"
  bool good = false;
  std::string words;  // what was found; and when it is not good, what to do about it
};
using Checks = std::vector<Check>;

// Whether ours agrees with theirs, as the Date of an answer says it (RFC 9110 §6.6.1).
Check check_clock(std::string_view date, Time now);

}  // namespace keyturn::channels
