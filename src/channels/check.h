// What `keyturn channels test` finds of a channel.
#pragma once

#include <string>
#include <vector>

namespace keyturn::channels {

struct Check {
  std::string what;  // "the bot token", "scope chat:write"
  bool good = false;
  std::string words;  // what was found; and when it is not good, what to do about it
};
using Checks = std::vector<Check>;

}  // namespace keyturn::channels
