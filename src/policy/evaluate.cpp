#include "policy/evaluate.h"

#include "doc/json.h"
#include "policy/decide.h"

namespace keyturn::policy {
namespace {

Finding failed(const Rule& rule, std::string words) {
  Finding finding{.rule = &rule, .error = true};
  finding.words = "error: " + std::move(words);
  return finding;
}

std::string change_words(const Rule& rule) {
  std::string out;
  for (const Change& change : rule.changes) {
    out += (out.empty() ? "sets " : ", ") + change.path + " to " + doc::write_json(change.value);
  }
  return out;
}

std::string words_of(const Rule& rule, Effect effect, const Plan* plan) {
  switch (effect) {
    case Effect::kAllow:
      return "allows";
    case Effect::kDeny:
      return "denies";
    case Effect::kRequire:
      return in_words(*plan);
    case Effect::kModify:
      return change_words(rule);
    case Effect::kDefer:
      return "defers";
  }
  return "";
}

Finding settled(const Rule& rule, Effect effect, const Plan* plan) {
  Finding finding{.rule = &rule, .effect = effect, .plan = plan};
  finding.words = words_of(rule, effect, plan);
  if (!rule.description.empty()) finding.words += ": " + rule.description;
  return finding;
}

std::optional<Finding> first_tier(const Rule& rule, const Scope& scope) {
  for (std::size_t i = 0; i < rule.tiers.size(); ++i) {
    const Tier& tier = rule.tiers[i];
    const auto holds = truth(scope.evaluate(tier.when));
    if (!holds) return failed(rule, "tier " + std::to_string(i + 1) + ": " + holds.error());
    if (!*holds) continue;
    Finding finding = settled(rule, tier.effect, &tier.plan);
    finding.words += " (tier " + std::to_string(i + 1) + ")";
    return finding;
  }
  return std::nullopt;
}

Finding deferred(const Rule& rule, const Scope& scope, const PolicyInput& input) {
  const cel::Value value = scope.evaluate(rule.defer->until);
  const auto until = time_from(value);
  if (!until) {
    return failed(rule,
                  "defer until: " + (value.is_error() ? std::string(value.text()) : "is no time"));
  }
  const Time now = input.request.time;
  if (*until <= now) return failed(rule, "defer until " + to_rfc3339(*until) + ", which is over");
  const Time latest = input.request.deferred_since.value_or(now) + rule.defer->latest;
  if (latest <= now) return failed(rule, "deferred longer than " + to_text(rule.defer->latest));
  Finding finding = settled(rule, Effect::kDefer, nullptr);
  finding.until = std::min(*until, latest);
  finding.words = "defers until " + to_rfc3339(finding.until) +
                  (rule.description.empty() ? "" : ": " + rule.description);
  return finding;
}

}  // namespace

std::expected<bool, std::string> truth(const cel::Value& value) {
  if (value.is_bool()) return value.as_bool();
  if (value.is_error()) return std::unexpected(std::string(value.text()));
  return std::unexpected("gives " + std::string(cel::name_of(value.kind())) +
                         ", not true or false");
}

std::optional<Finding> evaluate(const Rule& rule, const Scope& scope, const PolicyInput& input) {
  if (rule.when) {
    const auto holds = truth(scope.evaluate(*rule.when));
    if (!holds) return failed(rule, holds.error());
    if (!*holds) return std::nullopt;
  }
  if (rule.unless) {
    const auto excepted = truth(scope.evaluate(*rule.unless));
    if (!excepted) return failed(rule, "unless: " + excepted.error());
    if (*excepted) {
      Finding finding{.rule = &rule, .effect = rule.effect, .excepted = true};
      finding.words = "does not apply: excepted by unless " + rule.unless->source;
      return finding;
    }
  }
  if (!rule.tiers.empty()) return first_tier(rule, scope);
  if (rule.effect == Effect::kDefer) return deferred(rule, scope, input);
  return settled(rule, rule.effect, &rule.plan);
}

}  // namespace keyturn::policy
