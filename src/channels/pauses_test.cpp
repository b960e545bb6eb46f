#include "channels/pauses.h"

#include <doctest/doctest.h>

namespace keyturn::channels {
namespace {

using Kind = Undelivered::Kind;
using std::chrono::seconds;

const Time kStart = *from_rfc3339("2026-11-21T05:00:00Z");
const Undelivered kAway{Kind::kUnreachable, "it does not answer", {}};

}  // namespace

TEST_CASE("one place that takes nothing holds up nobody else") {
  Pauses pauses(seconds(1), seconds(15));
  Time now = kStart;
  std::vector<Duration> waits;
  for (int n = 0; n < 6; ++n) {
    const Time again = pauses.failed("erin", kAway, now, now, 0);
    waits.push_back(again - now);
    pauses.succeeded("bob");  // others go on
    now = again;
    CHECK(pauses.whole_until() <= now);
    CHECK(pauses.until("bob") <= now);
    CHECK(pauses.until("erin") == again);
    CHECK(pauses.error(now)->message == "it does not answer");
    CHECK(pauses.failing_since() == kStart);
  }
  CHECK(waits == std::vector<Duration>{seconds(1), seconds(2), seconds(4), seconds(8), seconds(15),
                                       seconds(15)});
  pauses.succeeded("erin");
  CHECK(!pauses.error(now));
  CHECK(!pauses.failing_since());
}

TEST_CASE("where several places are silent the other side is away, and one try is one try") {
  Pauses pauses(seconds(1), seconds(60));
  for (int n = 0; n < 16; ++n)  // all on their way together
    pauses.failed("person " + std::to_string(n), kAway, kStart, kStart + seconds(n == 0 ? 0 : 1),
                  0);
  CHECK(pauses.whole_until() == kStart + seconds(2));
  const Time second = kStart + seconds(2);
  for (int n = 0; n < 16; ++n) pauses.failed("person 0", kAway, second, second, 0);
  CHECK(pauses.whole_until() == second + seconds(2));  // the second try, not the seventeenth
  pauses.succeeded("person 3");                        // it is back
  CHECK(pauses.whole_until() <= second);
}

TEST_CASE("who asks for a pause gets it, there or everywhere") {
  Pauses pauses(seconds(1), seconds(15));
  pauses.failed("room", {Kind::kPlaceBusy, "slow there", seconds(30)}, kStart, kStart, 0);
  CHECK(pauses.until("room") == kStart + seconds(30));
  CHECK(pauses.whole_until() <= kStart);
  CHECK(!pauses.error(kStart));
  pauses.failed("bob", {Kind::kBusy, "slow", seconds(20)}, kStart, kStart, 0);
  CHECK(pauses.whole_until() == kStart + seconds(20));
  pauses.succeeded("erin");  // it was on its way
  CHECK(pauses.whole_until() == kStart + seconds(20));
  CHECK(pauses.error(kStart)->code == "rate_limited");
  CHECK(!pauses.error(kStart + seconds(21)));
  pauses.failed("bob", {Kind::kUnreachable, "503", seconds(7)}, kStart, kStart, 0);
  CHECK(pauses.until("bob") == kStart + seconds(7));
}

TEST_CASE("chance shortens a pause by half at most, and who says that they are back is believed") {
  Pauses pauses(seconds(8), seconds(15));
  CHECK(pauses.failed("a", kAway, kStart, kStart, 1) == kStart + seconds(4));
  pauses.failed("b", kAway, kStart, kStart, 1);
  CHECK(pauses.whole_until() == kStart + seconds(4));
  pauses.forgive();
  CHECK(pauses.whole_until() <= kStart);
  CHECK(pauses.until("a") <= kStart);
}

}  // namespace keyturn::channels
