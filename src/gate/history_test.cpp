#include "gate/history.h"

#include <doctest/doctest.h>

using namespace keyturn;
using namespace keyturn::gate;

namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

const Time kNow = *from_rfc3339("2026-06-10T12:00:30Z");
const History::Use kUse{"bot", "deploy", "service", "web"};

History known() {
  History history;
  history.load({}, {}, {});
  return history;
}

}  // namespace

TEST_CASE("before the past is loaded nothing is known, not even that nothing was asked for") {
  History history;
  history.asked(kUse, kNow);
  CHECK(!history.of(kUse, kNow).has_value());
  history.load({}, {}, {});
  CHECK(history.of(kUse, kNow)->count_1h == 1);
}

TEST_CASE("windows hold what they say, and forget what is older") {
  struct Row {
    Duration ago;
    std::int64_t in_1h, in_24h, in_7d;
  };
  for (const Row& row :
       {Row{minutes(0), 1, 1, 1}, Row{minutes(59), 1, 1, 1}, Row{minutes(60), 1, 1, 1},
        Row{minutes(62), 0, 1, 1}, Row{hours(24), 0, 1, 1}, Row{hours(26), 0, 0, 1},
        Row{days(7), 0, 0, 1}, Row{days(7) + hours(2), 0, 0, 0}}) {
    History history = known();
    history.asked(kUse, kNow - row.ago);
    const policy::HistoryInput seen = *history.of(kUse, kNow);
    CAPTURE(std::chrono::duration_cast<minutes>(row.ago).count());
    CHECK(seen.count_1h == row.in_1h);
    CHECK(seen.count_24h == row.in_24h);
    CHECK(seen.count_7d == row.in_7d);
    CHECK(!seen.first_time);
  }
}

TEST_CASE("another actor, tool or resource has a history of its own") {
  History history = known();
  history.asked(kUse, kNow);
  for (const History::Use& other : {History::Use{"bot2", "deploy", "service", "web"},
                                    {"bot", "restart", "service", "web"},
                                    {"bot", "deploy", "service", "api"}}) {
    CHECK(history.of(other, kNow)->first_time);
    CHECK(history.of(other, kNow)->count_7d == 0);
  }
}

TEST_CASE("denials count apart, from when they were asked for") {
  History history = known();
  history.asked(kUse, kNow - hours(30));
  history.denied(kUse, kNow - hours(30));
  history.asked(kUse, kNow - hours(2));
  history.denied(kUse, kNow - hours(2));
  CHECK(history.of(kUse, kNow)->denied_24h == 1);
  CHECK(history.of(kUse, kNow)->count_24h == 1);
}

TEST_CASE("a request that is decided again does not count itself") {
  History history = known();
  history.asked(kUse, kNow - hours(2));
  const policy::HistoryInput own = *history.of(kUse, kNow, kNow - hours(2));
  CHECK(own.count_1h == 0);
  CHECK(own.count_24h == 0);
  CHECK(own.count_7d == 0);
  history.asked(kUse, kNow);
  CHECK(history.of(kUse, kNow, kNow - hours(2))->count_24h == 1);
  history.not_asked(kUse, kNow);
  CHECK(history.of(kUse, kNow)->count_24h == 1);
}

TEST_CASE("what comes in while the past is read adds to it") {
  History history;
  history.asked(kUse, kNow);
  history.load({{kUse.actor, kUse.tool, kUse.kind, kUse.name, kNow - minutes(1), 2, 1}},
               {{kUse.actor, kUse.tool, kUse.kind, kUse.name, kNow - hours(3), 5, 1}},
               {{"old", kUse.tool, kUse.kind, kUse.name, kNow - days(300), 1, 0}});
  const policy::HistoryInput seen = *history.of(kUse, kNow);
  CHECK(seen.count_1h == 3);
  CHECK(seen.count_24h == 6);
  CHECK(seen.denied_24h == 1);
  CHECK(!history.of({"old", kUse.tool, kUse.kind, kUse.name}, kNow)->first_time);
}
