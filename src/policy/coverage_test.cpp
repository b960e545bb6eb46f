#include "policy/coverage.h"

#include "policy/testing.h"

using namespace keyturn;
using namespace keyturn::policy;
using policy::testing::rules;

namespace {

constexpr const char* kRules = R"(
- {id: pay, match: {tool: [pay]}, effect: require, tiers: [
    {when: action.args.n > 100, require: {quorum: {cfo: 1}}},
    {when: action.args.n > 10, require: {quorum: {fin: 1}}}]}
- {id: export, match: {tool: [export]}, when: action.args.n > 5, unless: '"ops" in actor.groups', effect: deny, waivable: true}
- {id: glass, match: {}, when: request.break_glass != "", effect: require, waives: [export], require: {quorum: {sec: 1}}}
- {id: never, match: {tool: [nothing]}, when: action.args.n > 5, effect: deny}
- {id: always, match: {tool: [export]}, when: "true", effect: allow}
)";

std::vector<std::string> gaps(const std::string& tests) {
  std::vector<std::string> out;
  for (const Gap& gap : coverage(rules(kRules, "tests:\n" + tests)).gaps) {
    out.push_back(gap.rule + ": " + gap.message);
  }
  return out;
}

}  // namespace

TEST_CASE("what the tests of a document do not reach is told, branch by branch") {
  CHECK(gaps("- {name: big, set: {action.tool: pay, action.args.n: 101}, expect: {}}\n"
             "- {name: few, set: {action.tool: export, action.args.n: 1}, expect: {}}\n") ==
        std::vector<std::string>{
            "pay: tier 2 is taken in no test", "pay: in no test none of its tiers holds",
            "export: `when` is true in no test", "export: `unless` applies in no test",
            "export: `unless` applies in every test that asks it",
            "glass: `when` is true in no test", "glass: waives \"export\" in no test",
            "never: no test reaches it"});
  CHECK(
      gaps("- {name: big, set: {action.tool: pay, action.args.n: 101}, expect: {}}\n"
           "- {name: mid, set: {action.tool: pay, action.args.n: 11}, expect: {}}\n"
           "- {name: low, set: {action.tool: pay, action.args.n: 1}, expect: {}}\n"
           "- {name: few, set: {action.tool: export, action.args.n: 1}, expect: {}}\n"
           "- {name: many, set: {action.tool: export, action.args.n: 6}, expect: {}}\n"
           "- {name: ops, set: {action.tool: export, action.args.n: 6, actor.groups: [ops]}, "
           "expect: {}}\n"
           "- {name: broken, set: {action.tool: export, action.args.n: 6, request.break_glass: x}, "
           "expect: {}}\n"
           "- {name: nothing, set: {action.tool: nothing, action.args.n: 6}, expect: {}}\n") ==
      std::vector<std::string>{"never: `when` is false in no test"});
}

TEST_CASE("coverage counts errors as neither side, and both forms of a modified action") {
  const Document document = rules(
      "- {id: cap, match: {tool: [t]}, effect: modify, modify: {set: {args.n: 1}}}\n"
      "- {id: few, match: {tool: [t]}, when: action.args.n < 5, effect: allow}\n"
      "- {id: wrong, match: {tool: [u]}, when: action.args.m, effect: deny}\n",
      "tests:\n- {name: a, set: {action.tool: t, action.args.n: 9}, expect: {}}\n"
      "- {name: b, set: {action.tool: u}, expect: {by: 'error:wrong'}}\n");
  const Coverage seen = coverage(document);
  REQUIRE(seen.rules.size() == 3);
  CHECK(seen.rules[1].when->held == 1);
  CHECK(seen.rules[1].when->not_held == 1);
  CHECK(seen.rules[2].when->failed == 1);
  CHECK(seen.branches == 7);
  CHECK(seen.reached == 5);
  const doc::Value json = to_value(seen);
  CHECK(json.integer("branches") == 7);
  CHECK(json.find("gaps")->as_array().size() == 2);
  CHECK(json.find("gaps")->as_array()[0].text("message") == "`when` is true in no test");
  CHECK(json.find("rules")->as_array()[2].find("when")->integer("error") == 1);
}
