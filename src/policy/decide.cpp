#include "policy/decide.h"

#include <algorithm>
#include <span>

#include "doc/json.h"
#include "policy/evaluate.h"

namespace keyturn::policy {
namespace {

using Findings = std::vector<Finding>;

Findings evaluate_all(const Document::Rep& document, const PolicyInput& input) {
  std::vector<std::uint32_t> places;
  document.index.candidates(input, places);
  Findings findings;
  if (places.empty()) return findings;
  const Scope scope(document, input);
  for (const std::uint32_t place : places) {
    const Rule& rule = document.rules[place];
    if (!rule.match.selects(input)) continue;
    if (auto finding = evaluate(rule, scope, input)) findings.push_back(std::move(*finding));
  }
  return findings;
}

// The enforced findings of one effect.
std::vector<const Finding*> enforced(const Findings& findings, Effect effect) {
  std::vector<const Finding*> out;
  for (const Finding& finding : findings) {
    if (finding.enforced() && finding.effect == effect) out.push_back(&finding);
  }
  return out;
}

// The rule whose waiver counts against a denial of `rule`, or null. Errors are never waived.
const Rule* waiver_of(const Finding& denial, const Findings& findings) {
  if (denial.error || !denial.rule->waivable) return nullptr;
  for (const Finding& finding : findings) {
    if (!finding.enforced() || finding.error || finding.effect == Effect::kDeny) continue;
    const auto& waives = finding.rule->waives;
    if (std::ranges::find(waives, denial.rule->id) != waives.end()) return finding.rule;
  }
  return nullptr;
}

RuleHit to_hit(const Finding& finding, const Findings& all) {
  RuleHit hit{.rule = finding.rule->id,
              .effect = finding.effect,
              .contribution = finding.words,
              .shadow = finding.rule->shadow};
  if (finding.excepted) hit.exceptions.push_back("unless:" + finding.rule->id);
  if (finding.enforced() && finding.effect == Effect::kDeny) {
    if (const Rule* waiver = waiver_of(finding, all)) {
      hit.exceptions.push_back("waived by:" + waiver->id);
      hit.contribution += "; waived by " + waiver->id;
    }
  }
  return hit;
}

std::string reason(const Finding& finding) {
  return finding.rule->id + " " + finding.words;
}

Verdict start(const Document::Rep& document, const Findings& findings) {
  Verdict verdict;
  verdict.policy_digest = document.digest;
  verdict.hits.reserve(findings.size());
  for (const Finding& finding : findings) verdict.hits.push_back(to_hit(finding, findings));
  return verdict;
}

void decide_by(Verdict& verdict, Effect effect, std::string by) {
  verdict.effect = effect;
  verdict.decided_by = std::move(by);
}

// Denials that stand; true when there is one.
bool settle_denials(Verdict& verdict, const Findings& findings) {
  bool denied = false;
  for (const Finding* denial : enforced(findings, Effect::kDeny)) {
    if (const Rule* waiver = waiver_of(*denial, findings)) {
      verdict.reasons.push_back(denial->rule->id + " is waived by " + waiver->id);
      continue;
    }
    verdict.reasons.push_back(reason(*denial));
    if (!denied) {
      decide_by(verdict, Effect::kDeny, (denial->error ? "error:" : "") + denial->rule->id);
    }
    denied = true;
  }
  return denied;
}

bool settle_deferrals(Verdict& verdict, const Findings& findings) {
  const auto deferrals = enforced(findings, Effect::kDefer);
  for (const Finding* deferral : deferrals) {
    verdict.reasons.push_back(reason(*deferral));
    if (!verdict.defer_until || deferral->until > *verdict.defer_until) {
      verdict.defer_until = deferral->until;
      decide_by(verdict, Effect::kDefer, deferral->rule->id);
    }
  }
  return !deferrals.empty();
}

bool settle_requirements(Verdict& verdict, const Findings& findings) {
  const auto asking = enforced(findings, Effect::kRequire);
  if (asking.empty()) return false;
  decide_by(verdict, Effect::kRequire, asking.front()->rule->id);
  verdict.plan = *asking.front()->plan;
  for (const Finding* finding : asking) {
    verdict.reasons.push_back(reason(*finding));
    auto merged = merge_plans(verdict.plan, *finding->plan);
    if (!merged) {
      verdict.plan = {};
      verdict.reasons.push_back("denied: " + merged.error().message);
      decide_by(verdict, Effect::kDeny, finding->rule->id);
      return true;
    }
    verdict.plan = std::move(*merged);
  }
  return true;
}

void settle_rest(Verdict& verdict, const Findings& findings, const Document::Rep& document) {
  const auto allowing = enforced(findings, Effect::kAllow);
  if (!allowing.empty()) {
    decide_by(verdict, Effect::kAllow, allowing.front()->rule->id);
    for (const Finding* finding : allowing) verdict.reasons.push_back(reason(*finding));
    return;
  }
  decide_by(verdict, document.fallback, "default");
  verdict.reasons.push_back(document.fallback == Effect::kDeny ? "no rule allows it"
                                                               : "no rule speaks against it");
}

// Meaning 3, after modifications.
void settle(Verdict& verdict, const Findings& findings, const Document::Rep& document) {
  if (settle_denials(verdict, findings)) return;
  if (settle_deferrals(verdict, findings)) return;
  if (settle_requirements(verdict, findings)) return;
  settle_rest(verdict, findings, document);
}

void set_path(doc::Value& object, std::span<const std::string> keys, const doc::Value& value) {
  if (keys.size() == 1) {
    object.set(keys[0], value);
    return;
  }
  const doc::Value* inner = object.find(keys[0]);
  doc::Value child = inner != nullptr && inner->is_object() ? *inner : doc::Value(doc::Object{});
  set_path(child, keys.subspan(1), value);
  object.set(keys[0], std::move(child));
}

// The arguments after all modifications, or in words why they cannot be combined.
std::expected<doc::Value, std::string> modified(const std::vector<const Finding*>& modifying,
                                                const doc::Value& args) {
  std::vector<std::pair<const Rule*, const Change*>> changes;
  for (const Finding* finding : modifying) {
    for (const Change& change : finding->rule->changes) {
      for (const auto& [rule, other] : changes) {
        if (rule != finding->rule && collide(change, *other)) {
          return std::unexpected("rules " + rule->id + " and " + finding->rule->id + " set " +
                                 change.path + " differently");
        }
      }
      changes.emplace_back(finding->rule, &change);
    }
  }
  doc::Value out = args;
  for (const auto& [rule, change] : changes) set_path(out, change->keys, change->value);
  return out;
}

// Denies when a rule would still change the arguments.
bool settle_again(Verdict& verdict, const Findings& findings, const PolicyInput& input) {
  const auto modifying = enforced(findings, Effect::kModify);
  const auto again = modified(modifying, input.args);
  if (again && *again == input.args) return false;
  verdict.reasons.push_back(again ? "denied: " + modifying.front()->rule->id +
                                        " would change the arguments a second time"
                                  : "denied: " + again.error());
  decide_by(verdict, Effect::kDeny, modifying.front()->rule->id);
  return true;
}

void keep_modifications(Verdict& verdict, const std::vector<RuleHit>& first) {
  std::vector<RuleHit> kept;
  for (const RuleHit& hit : first) {
    const bool modifies = hit.effect == Effect::kModify && !hit.shadow && hit.exceptions.empty();
    const bool known = std::ranges::any_of(verdict.hits, [&](const RuleHit& h) {
      return h.rule == hit.rule && h.effect == Effect::kModify;
    });
    if (modifies && !known) kept.push_back(hit);
  }
  verdict.hits.insert(verdict.hits.begin(), kept.begin(), kept.end());
}

Verdict second_round(const Document::Rep& document, const PolicyInput& input,
                     const std::vector<RuleHit>& first) {
  const Findings findings = evaluate_all(document, input);
  Verdict verdict = start(document, findings);
  keep_modifications(verdict, first);
  verdict.modified_args = input.args;
  if (settle_denials(verdict, findings)) return verdict;
  verdict.reasons.clear();
  if (!settle_again(verdict, findings, input)) settle(verdict, findings, document);
  return verdict;
}

// mode: observe - it runs, and what would have been is said.
Verdict observed(Verdict verdict) {
  std::string would = "observed only; would have been: " + std::string(to_text(verdict.effect)) +
                      " (" + verdict.decided_by + ")";
  verdict.reasons.insert(verdict.reasons.begin(), std::move(would));
  verdict.effect = Effect::kAllow;
  verdict.observed = true;
  verdict.defer_until.reset();
  verdict.modified_args.reset();
  return verdict;
}

}  // namespace

bool collide(const Change& a, const Change& b) {
  if (a.path == b.path) return !(a.value == b.value);
  return a.path.starts_with(b.path + ".") || b.path.starts_with(a.path + ".");
}

Verdict decide_enforced(const Document::Rep& document, const PolicyInput& input) {
  const Findings findings = evaluate_all(document, input);
  Verdict verdict = start(document, findings);
  const auto modifying = enforced(findings, Effect::kModify);
  if (modifying.empty()) {
    settle(verdict, findings, document);
    return verdict;
  }
  // A denial of what was asked for stands: a modification must not argue it away.
  if (settle_denials(verdict, findings)) return verdict;
  const auto args = modified(modifying, input.args);
  if (!args) {
    verdict.reasons.push_back("denied: " + args.error());
    decide_by(verdict, Effect::kDeny, modifying.back()->rule->id);
    return verdict;
  }
  if (*args == input.args) {
    verdict.reasons.clear();
    settle(verdict, findings, document);
    return verdict;
  }
  PolicyInput changed = input;
  changed.args = *args;
  return second_round(document, changed, verdict.hits);
}

Verdict decide(const Document& document, const PolicyInput& input) {
  Verdict verdict = decide_enforced(document.rep(), input);
  return document.observe() ? observed(std::move(verdict)) : verdict;
}

Verdict decide_again(const Document& document, const PolicyInput& input, const Verdict& first) {
  Verdict verdict = second_round(document.rep(), input, first.hits);
  return document.observe() ? observed(std::move(verdict)) : verdict;
}

Verdict deny_unknown_tool(const Document& document, std::string_view tool) {
  Verdict verdict;
  verdict.policy_digest = document.digest();
  decide_by(verdict, Effect::kDeny, "unknown-tool");
  verdict.hits.push_back(
      {.rule = "unknown-tool",
       .effect = Effect::kDeny,
       .contribution = "denies: nobody configured a tool \"" + std::string(tool) + "\""});
  verdict.reasons.push_back("no tool \"" + std::string(tool) + "\" is configured");
  return verdict;
}

Risk assess_risk(const Document& document, const PolicyInput& input) {
  Scope scope(document.rep(), input);
  return scope.risk();
}

CalendarState calendar_at(const Document& document, Time time) {
  return document.rep().calendar.at(time);
}

}  // namespace keyturn::policy
