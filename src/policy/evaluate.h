// What one rule says of one input. Shared by decide() and explain().
#pragma once

#include <optional>
#include <string>

#include "policy/rep.h"
#include "policy/scope.h"

namespace keyturn::policy {

struct Finding {
  const Rule* rule = nullptr;
  Effect effect = Effect::kDeny;  // of the tier that holds, or of the rule
  const Plan* plan = nullptr;     // kRequire
  Time until{};                   // kDefer
  bool error = false;             // effect is kDeny
  bool excepted = false;          // `unless` holds: the rule does not apply
  std::string words;

  bool enforced() const { return !excepted && !rule->shadow; }
};

// Nothing, when the rule's selectors match and its condition does not hold.
std::optional<Finding> evaluate(const Rule& rule, const Scope& scope, const PolicyInput& input);

// decide(), as if the document's mode were enforce.
Verdict decide_enforced(const Document::Rep& document, const PolicyInput& input);

// The input of a test, or in words what is wrong with it.
std::expected<PolicyInput, std::string> input_of(const DocumentTest& test);

// Two paths collide when they are one with two values, or one lies inside the other.
bool collide(const Change& a, const Change& b);

// true or false, or in words what is wrong.
std::expected<bool, std::string> truth(const cel::Value& value);

}  // namespace keyturn::policy
