#include "gate/agenda.h"

#include <doctest/doctest.h>

using namespace keyturn;
using gate::Agenda;

namespace {

Time at(int seconds) {
  return Time(std::chrono::seconds(seconds));
}

ActionId id(const char* text) {
  return ActionId(text);
}

}  // namespace

TEST_CASE("what is due comes in order, as much as is asked for, and once") {
  Agenda agenda;
  agenda.put(at(3), id("c"));
  agenda.put(at(1), id("a"));
  agenda.put(at(2), id("b"));
  agenda.put(at(9), id("later"));
  CHECK(agenda.take_due(at(0), 10).empty());
  CHECK(agenda.take_due(at(5), 2) == std::vector{id("a"), id("b")});
  CHECK(agenda.take_due(at(5), 2) == std::vector{id("c")});
  CHECK(agenda.take_due(at(5), 2).empty());
  CHECK(agenda.size() == 1);
}

TEST_CASE("an action stands there once, at its last time, and not at all when it has settled") {
  Agenda agenda;
  for (int n = 0; n < 1000; ++n) agenda.put(at(n), id("voted on again and again"));
  CHECK(agenda.size() == 1);
  CHECK(agenda.take_due(at(998), 10).empty());
  agenda.forget(id("voted on again and again"));
  agenda.forget(id("never heard of"));
  CHECK(agenda.size() == 0);
  CHECK(agenda.take_due(at(5000), 10).empty());
}
