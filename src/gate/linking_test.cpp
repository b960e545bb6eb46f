#include "gate/testing.h"

namespace keyturn::gate {
namespace {

using testing::Bench;

std::vector<EventDraft> linked(const std::string& person, const std::string& account) {
  std::vector<EventDraft> events;
  events.push_back(people::account_linked(person, account, "test"));
  return events;
}

TEST_CASE(
    "an account that two link at the same moment is one person's, and the other looks again") {
  Bench b;
  const auto first = b.begin(b.gate->record(linked("bob", "corp:1"), {}));
  const auto second = b.begin(b.gate->record(linked("erin", "corp:1"), {}));
  const auto other = b.begin(b.gate->record(linked("erin", "corp:2"), {}));
  REQUIRE(b.until([&] { return first->has_value() && second->has_value() && other->has_value(); }));
  CHECK((**first).has_value());
  REQUIRE_FALSE((**second).has_value());
  CHECK((**second).error().code == "conflict");
  CHECK((**other).has_value());
  CHECK(b.gate->world().directory.by_account("corp:1")->id == "bob");
  // Not later either; bob himself may, again and again.
  CHECK_FALSE(b.run(b.gate->record(linked("erin", "corp:1"), {})).has_value());
  CHECK(b.run(b.gate->record(linked("bob", "corp:1"), {})).has_value());
}

}  // namespace
}  // namespace keyturn::gate
