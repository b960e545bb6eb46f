#include "policy/explain.h"

#include "cel/convert.h"
#include "policy/decide.h"
#include "policy/evaluate.h"

namespace keyturn::policy {
namespace {

doc::Value shown(const cel::Value& value) {
  if (value.is_error()) return doc::object({{"error", value.text()}});
  if (auto converted = cel::to_doc(value)) return std::move(*converted);
  return cel::to_text(value);
}

// {"source", "value" | "error", "reads"}
doc::Value explained(const Condition& condition, const Scope& scope) {
  doc::Value out = doc::object({{"source", condition.source}});
  const cel::Value value = scope.evaluate(condition);
  if (value.is_error()) {
    out.set("error", value.text());
  } else {
    out.set("value", shown(value));
  }
  doc::Value reads = doc::Object{};
  for (const cel::AttributePath& path : condition.program.paths()) {
    reads.set(path.text, shown(scope.get(path.text)));
  }
  out.set("reads", std::move(reads));
  return out;
}

doc::Value explained_tiers(const Rule& rule, const Scope& scope) {
  doc::Array tiers;
  for (const Tier& tier : rule.tiers) {
    doc::Value one =
        doc::object({{"effect", to_text(tier.effect)}, {"when", explained(tier.when, scope)}});
    if (tier.effect == Effect::kRequire) one.set("plan", to_value(tier.plan));
    tiers.push_back(std::move(one));
  }
  return tiers;
}

doc::Value explained_rule(const Rule& rule, const Scope& scope, const PolicyInput& input) {
  doc::Value out = doc::object({{"rule", rule.id}, {"effect", to_text(rule.effect)}});
  if (!rule.description.empty()) out.set("description", rule.description);
  if (rule.shadow) out.set("shadow", true);
  const std::string_view refused_by = rule.match.refused_by(input);
  out.set("selected", refused_by.empty());
  if (!refused_by.empty()) {
    out.set("not_selected_by", refused_by);
    return out;
  }
  if (rule.when) out.set("when", explained(*rule.when, scope));
  if (rule.unless) out.set("unless", explained(*rule.unless, scope));
  if (!rule.tiers.empty()) out.set("tiers", explained_tiers(rule, scope));
  const auto finding = evaluate(rule, scope, input);
  out.set("matched", finding.has_value() && !finding->excepted);
  if (finding) out.set("contribution", finding->words);
  return out;
}

// What may be agreed to for a while, of this action.
doc::Value explained_standing(const StandingPermission& permission, const Scope& scope,
                              const PolicyInput& input) {
  doc::Value out = doc::object({{"permission", permission.id}});
  if (!permission.description.empty()) out.set("description", permission.description);
  const std::string_view refused_by = permission.match.refused_by(input);
  out.set("selected", refused_by.empty());
  if (!refused_by.empty()) {
    out.set("not_selected_by", refused_by);
    return out;
  }
  bool holds = true;
  if (permission.when) {
    out.set("when", explained(*permission.when, scope));
    holds = truth(scope.evaluate(*permission.when)).value_or(false);
  }
  out.set("permits", holds);
  out.set("lasts", to_text(permission.lasts));
  out.set("uses", permission.uses);
  out.set("bounds", doc::array_of(std::vector<std::string>(permission.bounds.begin(),
                                                           permission.bounds.end())));
  return out;
}

}  // namespace

doc::Value explain(const Document& document, const PolicyInput& input) {
  const Document::Rep& rep = document.rep();
  Scope scope(rep, input);
  doc::Array rules;
  for (const Rule& rule : rep.rules) rules.push_back(explained_rule(rule, scope, input));
  doc::Array standing;
  for (const StandingPermission& permission : rep.standing)
    standing.push_back(explained_standing(permission, scope, input));
  doc::Value variables = doc::Object{};
  for (const Variable& variable : rep.variables) {
    variables.set(variable.name, shown(scope.evaluate(variable.value)));
  }
  const Risk& risk = scope.risk();
  return doc::object(
      {{"verdict", to_value(decide(document, input))},
       {"rules", std::move(rules)},
       {"standing", std::move(standing)},
       {"variables", std::move(variables)},
       {"risk", doc::object({{"score", risk.score}, {"why", doc::array_of(risk.why)}})},
       {"calendar", to_value(scope.calendar())}});
}

}  // namespace keyturn::policy
