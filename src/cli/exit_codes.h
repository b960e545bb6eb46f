// What the process says to scripts. Different ends are different numbers.
#pragma once

#include "model/action.h"

namespace keyturn::cli {

enum class Exit : int {
  kOk = 0,  // succeeded, approved, or the command did what it says
  kDenied = 1,
  kUsage = 2,
  kExpired = 3,
  kCancelled = 4,
  kFailed = 5,       // the action failed, or the server refused the command
  kUnknown = 6,      // nobody can say whether it took effect
  kUnreachable = 7,  // the server cannot be reached
  kOpen = 8,         // not settled yet: --no-wait, or --wait is over
};
constexpr int code(Exit exit) {
  return static_cast<int>(exit);
}

Exit exit_of(State state);

// Of an answer of the server that is no success.
Exit exit_of_status(int http_status);

}  // namespace keyturn::cli
