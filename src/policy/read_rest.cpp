// Risk terms and the tests inside a document.
#include "policy/reader.h"

namespace keyturn::policy {
namespace {

using doc::ObjectReader;

Expectation read_expectation(const doc::Value& value, const std::string& pointer,
                             doc::Problems& problems) {
  Expectation expect;
  ObjectReader in(value, pointer, problems);
  expect.at = value.position();
  expect.effect = read_effect(in, "effect", true);
  if (expect.effect == Effect::kModify) {
    in.problem("unknown_choice",
               "a verdict is never modify: expect what comes after it, and rules: [ID]", "effect");
  }
  if (const doc::Value* quorum = in.object("quorum")) {
    expect.quorum = read_quorum(*quorum, in.pointer_to("quorum"), problems);
  }
  expect.by = in.string("by");
  if (const auto channels = in.strings_or_one("channels")) {
    expect.channels = std::set<std::string>(channels->begin(), channels->end());
  }
  if (const auto assurance = in.string("assurance")) {
    expect.assurance.emplace();
    if (!assurance_from_text(*assurance, *expect.assurance)) {
      in.problem("unknown_choice", "assurance is token, chat, session or passkey", "assurance");
    }
  }
  expect.expires = in.duration("expires");
  expect.rules = in.strings_or_one("rules").value_or(std::vector<std::string>{});
  in.finish();
  return expect;
}

}  // namespace

std::vector<RiskTerm> read_risk_terms(const doc::Value& value, const std::string& pointer,
                                      Compiler& compiler, doc::Problems& problems) {
  std::vector<RiskTerm> terms;
  for (std::size_t i = 0; i < value.as_array().size(); ++i) {
    const doc::Value& item = value.as_array()[i];
    ObjectReader in(item, pointer + "/" + std::to_string(i), problems);
    if (!item.is_object()) continue;
    const doc::Value* when = in.any("when");
    const std::string what = "risk term " + std::to_string(i + 1);
    if (when == nullptr) in.problem("missing_field", what + " needs when: EXPRESSION");
    const auto weight = in.integer("weight", 1, 100);
    if (item.find("weight") == nullptr)
      in.problem("missing_field", what + " needs weight: 1 to 100");
    const std::string reason = in.require_string("reason");
    in.finish();
    if (when == nullptr) continue;
    auto condition = compiler.compile(*when, in.pointer_to("when"), what, cel::Type::boolean());
    if (!condition) continue;
    if (compiler.reads(*condition,
                       [](std::string_view path) { return path.starts_with("risk."); })) {
      in.problem("cyclic_risk", what + " depends on risk itself", "when");
    }
    terms.push_back({std::move(*condition), weight.value_or(0), reason});
  }
  return terms;
}

DocumentTest read_test(const doc::Value& value, const std::string& pointer,
                       doc::Problems& problems) {
  DocumentTest test;
  ObjectReader in(value, pointer, problems);
  if (!value.is_object()) return test;
  test.name = in.require_string("name");
  test.at = value.position();
  if (const doc::Value* set = in.object("set")) {
    for (const doc::Member& member : set->as_object())
      test.set.emplace_back(member.key, member.value);
  }
  for (const std::string& path : in.strings_or_one("unset").value_or(std::vector<std::string>{})) {
    bool can = false;
    for (const std::string_view start : {"action.args.", "resource.labels.", "facts.", "claims."}) {
      can |= path.starts_with(start);
    }
    if (!can) {
      in.problem(
          "invalid_path",
          "\"" + path + "\" is always there; arguments, labels, facts and claims can be unset",
          "unset");
    }
    test.unset.push_back(path);
  }
  if (const doc::Value* expect = in.object("expect")) {
    test.expect = read_expectation(*expect, in.pointer_to("expect"), problems);
  } else if (value.find("expect") == nullptr) {
    in.problem("missing_field", "a test needs expect: {effect: …}");
  }
  in.finish();
  return test;
}

}  // namespace keyturn::policy
