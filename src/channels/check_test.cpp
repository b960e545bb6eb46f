#include "channels/check.h"

#include <doctest/doctest.h>

using namespace keyturn;
using namespace keyturn::channels;

TEST_CASE("a clock may be a little off, and not five minutes") {
  const auto at = [](const char* text) { return *from_rfc3339(text); };
  constexpr const char* kDate = "Sun, 06 Nov 1994 08:49:37 GMT";
  CHECK(check_clock(kDate, at("1994-11-06T08:49:47Z")).good);
  CHECK(check_clock(kDate, at("1994-11-06T08:49:47Z")).words == "10 s ahead of theirs");
  CHECK_FALSE(check_clock(kDate, at("1994-11-06T08:54:38Z")).good);
  CHECK_FALSE(check_clock(kDate, at("1994-11-06T08:44:36Z")).good);
  CHECK_FALSE(check_clock("yesterday", at("1994-11-06T08:49:37Z")).good);
}
