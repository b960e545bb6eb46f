// How long does a decision take? Documents of 10 to 10,000 rules, most of them for other
// tools, as a real policy is. Prints nanoseconds a decision, input included (the whole of
// decide()).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "doc/json.h"
#include "policy/decide.h"
#include "policy/tests.h"

using namespace keyturn;

namespace {

std::string rule(int i) {
  const std::string id = std::to_string(i);
  switch (i % 4) {
    case 0:
      return "- {id: r" + id + ", match: {tool: [tool-" + id +
             "]}, when: action.args.amount > 100, effect: require, "
             "require: {quorum: {sre: 1}}}\n";
    case 1:
      return "- {id: r" + id + ", match: {tool: [tool-" + id +
             "], env: [prod]}, when: variables.night || risk.score > 50, "
             "effect: require, require: {quorum: {sre: 2}}}\n";
    case 2:
      return "- {id: r" + id + ", match: {tool: [\"pre" + id +
             ".*\"]}, when: '!(\"ops\" in actor.groups)', effect: deny}\n";
    default:
      return "- {id: r" + id + ", match: {tool: [tool-" + id +
             "], operation: [read]}, effect: allow}\n";
  }
}

std::string document_of(int rules, bool everywhere) {
  std::string text =
      "apiVersion: keyturn/v1\nkind: Policy\nmetadata: {name: bench}\n"
      "variables: {night: 'request.time.getHours(\"UTC\") < 6'}\nrules:\n";
  for (int i = 0; i < rules; ++i) text += rule(i);
  text +=
      "- {id: mine, match: {tool: [bench]}, when: action.args.amount < 100, effect: allow}\n"
      "- {id: mine-prod, match: {tool: [bench], env: [prod]}, when: action.args.env == 'x', "
      "effect: deny}\n";
  if (everywhere) {
    text +=
        "- {id: any, match: {}, when: facts.uninspectable, effect: require, require: {quorum: "
        "{sre: 2}}}\n"
        "- {id: glass, match: {}, when: request.break_glass != '', effect: require, require: "
        "{quorum: {sec: 1}}}\n";
  }
  return text;
}

void measure(int rules, bool everywhere) {
  doc::Problems problems;
  const auto before_load = std::chrono::steady_clock::now();
  const auto document = policy::Document::load(document_of(rules, everywhere), {}, problems);
  const std::chrono::duration<double, std::milli> load =
      std::chrono::steady_clock::now() - before_load;
  if (!document) {
    for (const auto& p : problems) std::fprintf(stderr, "%s\n", doc::to_text(p, "bench").c_str());
    return;
  }
  policy::PolicyInput input = policy::test_base();
  input.tool = "bench";
  input.args = doc::object({{"amount", 7}, {"env", "y"}});
  constexpr int kRounds = 200'000;
  std::vector<double> each;
  each.reserve(kRounds);
  int allowed = 0;
  for (int i = 0; i < kRounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    allowed += policy::decide(*document, input).effect == Effect::kAllow ? 1 : 0;
    each.push_back(
        std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count());
  }
  std::ranges::sort(each);
  const auto quantile = [&](double q) {
    return each[static_cast<std::size_t>(q * static_cast<double>(kRounds - 1))];
  };
  std::printf("%6d rules%s  load %8.1f ms  decide p50 %6.0f ns  p99 %6.0f ns%s\n", rules,
              everywhere ? " + 2 without selector" : "                     ", load.count(),
              quantile(0.5), quantile(0.99), allowed == kRounds ? "" : "  WRONG VERDICT");
}

}  // namespace

int main() {
  for (const int rules : {10, 100, 1'000, 10'000}) {
    measure(rules, false);
    measure(rules, true);
  }
}
