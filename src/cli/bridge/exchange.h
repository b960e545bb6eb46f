// How the bridge waits for Keyturn, and the answers that it goes by. Private to cli/bridge/.
#pragma once

#include <chrono>

namespace keyturn::cli::bridge {

// Between tries of one request: twice as long each time.
inline constexpr std::chrono::milliseconds kBackoffFirst{100}, kBackoffMost{2'000};
// For an answer that needs no people; and for one that nobody needs any more.
inline constexpr std::chrono::seconds kAnswerWithin{30}, kEndWithin{2};

inline constexpr int kNotFound = 404, kConflict = 409;  // RFC 9110

}  // namespace keyturn::cli::bridge
