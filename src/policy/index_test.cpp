#include "policy/index.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "policy/tests.h"

using namespace keyturn::policy;

namespace {

Selector random_selector() {
  static const std::vector<std::string> kWords{"a", "ab", "abc", "b", "ba"};
  static const std::vector<std::string> kPrefixes{"", "a", "ab", "b"};
  Selector selector;
  for (int n = *rc::gen::inRange(0, 3); n > 0; --n) {
    if (*rc::gen::arbitrary<bool>()) {
      selector.exact.push_back(*rc::gen::elementOf(kWords));
    } else {
      selector.prefixes.push_back(*rc::gen::elementOf(kPrefixes));
    }
  }
  return selector;
}

}  // namespace

TEST_CASE("property: the index finds exactly the rules whose selectors match") {
  static const std::vector<std::string> kWords{"", "a", "ab", "abc", "b", "ba", "c"};
  CHECK(rc::check([] {
    std::vector<Match> rules;
    Index index;
    const int count = *rc::gen::inRange(0, 12);
    for (int i = 0; i < count; ++i) {
      Match match{.tool = random_selector(),
                  .operation = random_selector(),
                  .env = random_selector(),
                  .kind = random_selector()};
      index.add(static_cast<std::uint32_t>(i), match);
      rules.push_back(std::move(match));
    }
    PolicyInput in = test_base();
    in.tool = *rc::gen::elementOf(kWords);
    in.operation = *rc::gen::elementOf(kWords);
    in.resource.env = *rc::gen::elementOf(kWords);
    in.resource.kind = *rc::gen::elementOf(kWords);
    std::vector<std::uint32_t> found, wanted;
    index.candidates(in, found);
    for (std::uint32_t i = 0; i < rules.size(); ++i) {
      if (rules[i].selects(in)) wanted.push_back(i);
    }
    RC_ASSERT(found == wanted);
  }));
}

TEST_CASE("long lists in every selector do not multiply, and still match") {
  Match match;
  for (int i = 0; i < 300; ++i) {
    for (Selector* s : {&match.tool, &match.operation, &match.env, &match.kind}) {
      s->exact.push_back("x" + std::to_string(i));
    }
  }
  Index index;
  index.add(7, match);
  PolicyInput in = test_base();
  in.tool = in.operation = in.resource.env = in.resource.kind = "x299";
  std::vector<std::uint32_t> found;
  index.candidates(in, found);
  CHECK(found == std::vector<std::uint32_t>{7});
}
