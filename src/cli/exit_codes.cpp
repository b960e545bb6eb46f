#include "cli/exit_codes.h"

namespace keyturn::cli {

Exit exit_of(State state) {
  switch (state) {
    case State::kDeferred:
    case State::kPending:
    case State::kExecuting:
      return Exit::kOpen;
    case State::kApproved:
    case State::kSucceeded:
      return Exit::kOk;
    case State::kFailed:
      return Exit::kFailed;
    case State::kUnknown:
      return Exit::kUnknown;
    case State::kDenied:
      return Exit::kDenied;
    case State::kExpired:
      return Exit::kExpired;
    case State::kCancelled:
      return Exit::kCancelled;
  }
  return Exit::kUnknown;
}

Exit exit_of_status(int http_status) {
  switch (http_status) {
    case 400:
    case 413:
    case 415:
    case 422:
      return Exit::kUsage;
    default:
      return Exit::kFailed;
  }
}

}  // namespace keyturn::cli
