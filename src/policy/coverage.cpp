#include "policy/coverage.h"

#include <algorithm>

#include "policy/evaluate.h"
#include "policy/tests.h"

namespace keyturn::policy {
namespace {

// What the condition gives, counted; nothing when that is an error.
std::optional<bool> ask(const Condition& condition, const Scope& scope, Outcomes& out) {
  const auto holds = truth(scope.evaluate(condition));
  if (!holds) {
    ++out.failed;
    return std::nullopt;
  }
  ++(*holds ? out.held : out.not_held);
  return *holds;
}

// The way of evaluate(), counted.
void walk(const Rule& rule, const Scope& scope, RuleCoverage& out) {
  ++out.selected;
  if (rule.when && ask(*rule.when, scope, *out.when) != true) return;
  if (rule.unless && ask(*rule.unless, scope, *out.unless) != false) return;
  for (std::size_t i = 0; i < rule.tiers.size(); ++i) {
    if (ask(rule.tiers[i].when, scope, out.tiers[i].when) != false) return;
  }
}

void walk_all(const Document::Rep& document, const PolicyInput& input, Coverage& out) {
  const Scope scope(document, input);
  for (std::size_t i = 0; i < document.rules.size(); ++i) {
    if (document.rules[i].match.selects(input)) walk(document.rules[i], scope, out.rules[i]);
  }
}

void count_hits(const Verdict& verdict, Coverage& out) {
  for (const RuleHit& hit : verdict.hits) {
    for (RuleCoverage& rule : out.rules) {
      if (rule.rule == hit.rule) ++rule.contributed;
      for (WaiverCoverage& waiver : rule.waives) {
        if (waiver.target != hit.rule) continue;
        waiver.times +=
            static_cast<std::size_t>(std::ranges::count(hit.exceptions, "waived by:" + rule.rule));
      }
    }
  }
}

RuleCoverage nothing_of(const Rule& rule) {
  RuleCoverage out{.rule = rule.id, .at = rule.at};
  if (rule.when) out.when.emplace();
  if (rule.unless) out.unless.emplace();
  for (const Tier& tier : rule.tiers) out.tiers.push_back({tier.at, {}});
  for (const std::string& target : rule.waives) out.waives.push_back({target, 0});
  return out;
}

bool can_be(const Condition& condition, bool wanted) {
  const auto& constant = condition.program.constant();
  return !constant || (wanted ? constant->is_true() : constant->is_false());
}

// Counts the branches of one rule, and says which of them stay open.
class Branches {
 public:
  Branches(const Rule& rule, const RuleCoverage& seen, Coverage& out)
      : rule_(rule), seen_(seen), out_(out) {}

  void count() {
    branch(seen_.contributed > 0 || seen_.selected > 0, "no test reaches it", rule_.at);
    if (rule_.when) count_when(*rule_.when);
    if (rule_.unless) count_unless(*rule_.unless);
    count_tiers();
    for (const WaiverCoverage& waiver : seen_.waives) {
      branch(waiver.times > 0, "waives \"" + waiver.target + "\" in no test", rule_.at);
    }
  }

 private:
  void branch(bool reached, std::string message, doc::Position at) {
    ++out_.branches;
    if (reached) {
      ++out_.reached;
    } else if (out_.gaps.empty() || out_.gaps.back().rule != rule_.id || seen_.selected > 0) {
      out_.gaps.push_back({rule_.id, std::move(message), at});
    }
  }
  void count_when(const Condition& when) {
    if (can_be(when, true)) branch(seen_.when->held > 0, "`when` is true in no test", when.at);
    if (can_be(when, false))
      branch(seen_.when->not_held > 0, "`when` is false in no test", when.at);
  }
  void count_unless(const Condition& unless) {
    if (can_be(unless, true))
      branch(seen_.unless->held > 0, "`unless` applies in no test", unless.at);
    if (can_be(unless, false))
      branch(seen_.unless->not_held > 0, "`unless` applies in every test that asks it", unless.at);
  }
  void count_tiers() {
    if (rule_.tiers.empty()) return;
    for (std::size_t i = 0; i < rule_.tiers.size(); ++i) {
      if (!can_be(rule_.tiers[i].when, true)) continue;
      branch(seen_.tiers[i].when.held > 0, "tier " + std::to_string(i + 1) + " is taken in no test",
             rule_.tiers[i].at);
    }
    if (can_be(rule_.tiers.back().when, false))
      branch(seen_.tiers.back().when.not_held > 0, "in no test none of its tiers holds", rule_.at);
  }

  const Rule& rule_;
  const RuleCoverage& seen_;
  Coverage& out_;
};

doc::Value place(const doc::Position& at, doc::Value out) {
  out.set("line", at.line);
  out.set("column", at.column);
  return out;
}

doc::Value to_value(const RuleCoverage& rule) {
  doc::Value out = place(rule.at, doc::object({{"rule", rule.rule}}));
  out.set("selected", rule.selected);
  out.set("contributed", rule.contributed);
  if (rule.when) {
    out.set("when", doc::object({{"true", rule.when->held},
                                 {"false", rule.when->not_held},
                                 {"error", rule.when->failed}}));
  }
  if (rule.unless) {
    out.set("unless", doc::object({{"applied", rule.unless->held},
                                   {"not_applied", rule.unless->not_held},
                                   {"error", rule.unless->failed}}));
  }
  doc::Array tiers, waives;
  for (const TierCoverage& tier : rule.tiers) {
    tiers.push_back(place(tier.at, doc::object({{"taken", tier.when.held},
                                                {"passed", tier.when.not_held},
                                                {"error", tier.when.failed}})));
  }
  for (const WaiverCoverage& waiver : rule.waives)
    waives.push_back(doc::object({{"rule", waiver.target}, {"times", waiver.times}}));
  if (!tiers.empty()) out.set("tiers", std::move(tiers));
  if (!waives.empty()) out.set("waives", std::move(waives));
  return out;
}

}  // namespace

Coverage coverage(const Document& document) {
  const Document::Rep& rep = document.rep();
  Coverage out;
  out.rules.reserve(rep.rules.size());
  for (const Rule& rule : rep.rules) out.rules.push_back(nothing_of(rule));
  for (const DocumentTest& test : rep.tests) {
    auto input = input_of(test);
    if (!input) continue;
    const Verdict verdict = decide_enforced(rep, *input);
    walk_all(rep, *input, out);
    if (verdict.modified_args && !(*verdict.modified_args == input->args)) {
      input->args = *verdict.modified_args;
      walk_all(rep, *input, out);
    }
    count_hits(verdict, out);
  }
  for (std::size_t i = 0; i < rep.rules.size(); ++i)
    Branches(rep.rules[i], out.rules[i], out).count();
  return out;
}

doc::Value to_value(const Coverage& coverage) {
  doc::Array rules, gaps;
  for (const RuleCoverage& rule : coverage.rules) rules.push_back(to_value(rule));
  for (const Gap& gap : coverage.gaps)
    gaps.push_back(place(gap.at, doc::object({{"rule", gap.rule}, {"message", gap.message}})));
  return doc::object({{"branches", coverage.branches},
                      {"reached", coverage.reached},
                      {"gaps", std::move(gaps)},
                      {"rules", std::move(rules)}});
}

}  // namespace keyturn::policy
