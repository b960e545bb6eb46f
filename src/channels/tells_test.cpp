#include "channels/tells.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

namespace keyturn::channels {
namespace {

gate::ActionRecord asked(std::set<std::string> notify) {
  gate::ActionRecord record;
  record.state = State::kPending;
  record.review.emplace();
  record.review->status = review::Status::kOpen;
  record.review->plan.notify = std::move(notify);
  return record;
}

}  // namespace

TEST_CASE("who tells of an action is said by its plan, else by what is configured") {
  struct Case {
    std::set<std::string> notify;
    bool escalated, always;
    std::set<std::string> expected;
  };
  const std::vector<Case> cases{
      {{}, false, false, {"slack", "teams"}},
      {{}, false, true, {"slack", "teams", "email", "webhook", "pager"}},
      {{}, true, false, {"slack", "teams", "pager"}},
      {{"email"}, false, false, {"email"}},
      {{"email"}, false, true, {"email"}},
      {{"email"}, true, false, {"email", "pager"}},
      {{"pager", "slack"}, false, false, {"pager", "slack"}},
      {{"web"}, false, true, {}},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(i);
    for (const char* kind : {"slack", "teams", "email", "webhook", "pager"}) {
      CAPTURE(kind);
      const Case& one = cases[i];
      CHECK(tells(kind, asked(one.notify), one.escalated, one.always) ==
            one.expected.contains(kind));
    }
  }
}

TEST_CASE("what never waited for people is told of by nobody") {
  gate::ActionRecord record = asked({"slack", "pager"});
  record.review->status = review::Status::kNone;
  CHECK(!tells("slack", record, true, true));
  record.review.reset();
  CHECK(!tells("pager", record, true, true));
}

TEST_CASE("what was decided was asked all the same") {
  gate::ActionRecord record = asked({});
  record.state = State::kDenied;
  record.review->status = review::Status::kDenied;
  CHECK(tells("slack", record, false));
}

}  // namespace keyturn::channels
