#include "policy/tests.h"

#include <algorithm>

#include "policy/evaluate.h"

namespace keyturn::policy {
namespace {

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> keys;
  while (true) {
    const std::size_t dot = path.find('.');
    keys.emplace_back(path.substr(0, dot));
    if (dot == std::string_view::npos) return keys;
    path.remove_prefix(dot + 1);
  }
}

void set_in(doc::Value& tree, const std::vector<std::string>& keys, std::size_t at,
            const doc::Value& value) {
  if (at + 1 == keys.size()) {
    tree.set(keys[at], value);
    return;
  }
  const doc::Value* inner = tree.find(keys[at]);
  doc::Value child = inner != nullptr && inner->is_object() ? *inner : doc::Value(doc::Object{});
  set_in(child, keys, at + 1, value);
  tree.set(keys[at], std::move(child));
}

void unset_in(doc::Value& tree, const std::vector<std::string>& keys, std::size_t at) {
  if (!tree.is_object()) return;
  doc::Object& members = tree.as_object();
  for (auto member = members.begin(); member != members.end(); ++member) {
    if (member->key != keys[at]) continue;
    if (at + 1 < keys.size()) {
      unset_in(member->value, keys, at + 1);
    } else {
      members.erase(member);
    }
    return;
  }
}

std::string words(const Quorum& quorum) {
  std::string out = "{";
  for (const auto& [group, count] : quorum) {
    out += (out.size() > 1 ? ", " : "") + group + ": " + std::to_string(count);
  }
  return out + "}";
}

std::string words(const std::set<std::string>& set) {
  std::string out;
  for (const std::string& one : set) out += (out.empty() ? "" : ", ") + one;
  return "[" + out + "]";
}

// What differs from the expectation, in words; "" when nothing does.
std::string difference(const Expectation& expect, const Verdict& verdict) {
  std::string out;
  const auto differ = [&](const std::string& what, const std::string& wanted,
                          const std::string& got) {
    out += (out.empty() ? "" : "; ") + what + " should be " + wanted + " and is " + got;
  };
  const auto text = [](auto&& value) { return std::string(to_text(value)); };
  if (expect.effect && *expect.effect != verdict.effect) {
    differ("effect", text(*expect.effect), text(verdict.effect));
  }
  if (expect.by && *expect.by != verdict.decided_by) differ("by", *expect.by, verdict.decided_by);
  if (expect.quorum && *expect.quorum != verdict.plan.quorum) {
    differ("quorum", words(*expect.quorum), words(verdict.plan.quorum));
  }
  if (expect.channels && expect.channels != verdict.plan.channels) {
    differ("channels", words(*expect.channels),
           verdict.plan.channels ? words(*verdict.plan.channels) : "any");
  }
  if (expect.assurance && *expect.assurance != verdict.plan.assurance) {
    differ("assurance", text(*expect.assurance), text(verdict.plan.assurance));
  }
  if (expect.expires && *expect.expires != verdict.plan.expires) {
    differ("expires", text(*expect.expires), text(verdict.plan.expires));
  }
  for (const std::string& rule : expect.rules) {
    const bool hit =
        std::ranges::any_of(verdict.hits, [&](const RuleHit& h) { return h.rule == rule; });
    if (!hit) out += (out.empty() ? "" : "; ") + ("rule " + rule + " should have matched");
  }
  return out;
}

std::string came_from(const Verdict& verdict) {
  std::string out;
  for (const RuleHit& hit : verdict.hits) {
    out += (out.empty() ? "" : "; ") + hit.rule + " " + hit.contribution;
  }
  return out.empty() ? "no rule matched" : out;
}

TestResult run(const Document& document, const DocumentTest& test, const Roster* roster) {
  TestResult result{.name = test.name, .position = test.at};
  const auto input = input_of(test);
  if (!input) {
    result.message = input.error();
    return result;
  }
  const Verdict verdict = decide_enforced(document.rep(), *input);
  result.message = difference(test.expect, verdict);
  if (!result.message.empty()) {
    result.message += " (" + came_from(verdict) + ")";
    return result;
  }
  std::string why_not;
  if (roster != nullptr && verdict.effect == Effect::kRequire &&
      !satisfiable(verdict.plan, *roster, {input->actor.owner}, &why_not)) {
    result.message = "nobody could agree to it: " + why_not;
    return result;
  }
  result.passed = true;
  return result;
}

}  // namespace

std::expected<PolicyInput, std::string> input_of(const DocumentTest& test) {
  doc::Value tree = to_value(test_base());
  for (const auto& [path, value] : test.set) set_in(tree, split_path(path), 0, value);
  for (const std::string& path : test.unset) unset_in(tree, split_path(path), 0);
  doc::Problems problems;
  PolicyInput input = input_from_value(tree, test_base(), problems);
  if (problems.empty()) return input;
  return std::unexpected("set: " + problems[0].message + " at " + problems[0].pointer);
}

std::vector<TestResult> run_tests(const Document& document, const Roster* roster,
                                  const std::function<bool()>& go_on) {
  std::vector<TestResult> results;
  for (const DocumentTest& test : document.rep().tests) {
    if (go_on && !go_on()) break;
    results.push_back(run(document, test, roster));
  }
  return results;
}

PolicyInput test_base() {
  PolicyInput input;
  input.tool = "test-tool";
  input.operation = "execute";
  input.resource = {.kind = "service", .name = "test", .env = "prod"};
  input.actor = {.id = "test-agent", .owner = "test-owner"};
  input.request.time = *from_rfc3339("2026-01-05T03:00:00Z");
  return input;
}

doc::Value to_value(const std::vector<TestResult>& results) {
  doc::Array out;
  for (const TestResult& result : results) {
    out.push_back(doc::object({{"name", result.name},
                               {"passed", result.passed},
                               {"message", result.message},
                               {"line", result.position.line}}));
  }
  return out;
}

}  // namespace keyturn::policy
