// What only shows when all rules are known.
#include <algorithm>

#include "base/bytes.h"
#include "policy/decide.h"
#include "policy/reader.h"
#include "policy/tests.h"
#include "policy/types.h"

namespace keyturn::policy {
namespace {

// How large the lists and texts of an action are taken to be, for the worst case of its rules.
constexpr cel::SizeMax kAssumed{.text_bytes = 1024, .items = 32, .values = 256};

class Checks {
 public:
  Checks(const Document::Rep& document, const Compiler& compiler, const LoadOptions& options,
         doc::Problems& problems)
      : document_(document), compiler_(compiler), options_(options), problems_(problems) {}

  void run() {
    for (const Rule& rule : document_.rules) {
      check_selectors(rule);
      check_waives(rule);
      check_tiers(rule);
      check_claims(rule);
      check_costs(rule);
      for_each_plan(rule,
                    [&](const Plan& plan, doc::Position at) { check_people(rule, plan, at); });
    }
    check_channels();
    for (const Variable& variable : document_.variables) {
      check_cost("variable \"" + variable.name + "\"", variable.value);
    }
    for (const RiskTerm& term : document_.risk) check_cost("a term of risk", term.when);
  }

 private:
  void check_selectors(const Rule& rule);
  void check_waives(const Rule& rule);
  void check_tiers(const Rule& rule);
  void check_claims(const Rule& rule);
  void check_costs(const Rule& rule);
  void check_cost(const std::string& what, const Condition& condition);
  void check_people(const Rule& rule, const Plan& plan, doc::Position at);
  void check_channels();
  void check_common_channel(const Rule& a, const Rule& b);

  template <class Visit>
  static void for_each_plan(const Rule& rule, const Visit& visit) {
    if (rule.tiers.empty() && rule.effect == Effect::kRequire) visit(rule.plan, rule.at);
    for (const Tier& tier : rule.tiers) {
      if (tier.effect == Effect::kRequire) visit(tier.plan, tier.at);
    }
  }

  void add(const Rule& rule, std::string code, std::string message, doc::Position at,
           bool warning) {
    problems_.push_back(
        {std::move(code), "rule \"" + rule.id + "\": " + std::move(message), "", at, warning});
  }

  const Document::Rep& document_;
  const Compiler& compiler_;
  const LoadOptions& options_;
  doc::Problems& problems_;
};

void Checks::check_selectors(const Rule& rule) {
  if (rule.match.empty()) {
    add(rule, "no_selector", "has no selector and is evaluated for every action", rule.at, true);
    const bool always =
        !rule.when || (rule.when->program.constant() && rule.when->program.constant()->is_true());
    if (rule.effect == Effect::kAllow && always && rule.tiers.empty()) {
      add(rule, "allows_everything", "allows everything that no other rule speaks against", rule.at,
          true);
    }
  }
  if (options_.tools == nullptr) return;
  std::vector<std::string_view> names;
  for (const catalog::Tool& tool : options_.tools->tools()) names.push_back(tool.name);
  for (const std::string& name : rule.match.tool.exact) {
    if (options_.tools->find(name) != nullptr) continue;
    const std::string_view nearest = nearest_word(name, names.data(), names.size());
    add(rule, "unknown_tool",
        "no tool is called \"" + name + "\"" +
            (nearest.empty() ? "" : " (did you mean \"" + std::string(nearest) + "\"?)"),
        rule.at, true);
  }
}

void Checks::check_waives(const Rule& rule) {
  for (const std::string& target : rule.waives) {
    const auto found = std::ranges::find(document_.rules, target, &Rule::id);
    if (found == document_.rules.end()) {
      std::vector<std::string_view> ids;
      ids.reserve(document_.rules.size());
      for (const Rule& other : document_.rules) ids.push_back(other.id);
      const std::string_view nearest = nearest_word(target, ids.data(), ids.size());
      add(rule, "unknown_rule",
          "waives \"" + target + "\", which is no rule" +
              (nearest.empty() ? "" : " (did you mean \"" + std::string(nearest) + "\"?)"),
          rule.at, false);
    } else if (!found->waivable) {
      add(rule, "not_waivable", "waives \"" + target + "\", which does not say waivable: true",
          rule.at, false);
    }
  }
}

void Checks::check_tiers(const Rule& rule) {
  for (std::size_t i = 0; i < rule.tiers.size(); ++i) {
    const Tier& tier = rule.tiers[i];
    const auto& constant = tier.when.program.constant();
    if (constant && constant->is_false()) {
      add(rule, "shadowed_tier", "tier " + std::to_string(i + 1) + " can never hold", tier.at,
          true);
    }
    for (std::size_t j = 0; j < i; ++j) {
      const auto& earlier = rule.tiers[j].when;
      const bool always = earlier.program.constant() && earlier.program.constant()->is_true();
      if (!always && earlier.source != tier.when.source) continue;
      add(rule, "shadowed_tier",
          "tier " + std::to_string(i + 1) + " is never reached: tier " + std::to_string(j + 1) +
              (always ? " always holds" : " has the same condition"),
          tier.at, false);
      break;
    }
  }
}

// Own facts: what an agent says of itself may make things stricter, never looser.
void Checks::check_claims(const Rule& rule) {
  const auto warn = [&](const std::optional<Condition>& condition, const std::string& what) {
    if (!condition || !compiler_.reads(*condition, is_claim)) return;
    add(rule, "depends_on_claims",
        what + " depends on what the agent says of itself (claims, action.reason)", condition->at,
        true);
  };
  warn(rule.unless, "its exception");
  const bool looser = rule.effect == Effect::kAllow || !rule.waives.empty() || !rule.tiers.empty();
  if (looser) warn(rule.when, rule.waives.empty() ? "what it allows" : "its waiver");
  const bool choice = rule.tiers.size() > 1;
  for (const Tier& tier : rule.tiers) {
    if (choice || tier.effect == Effect::kAllow) warn(tier.when, "the choice of a tier");
  }
}

void Checks::check_costs(const Rule& rule) {
  const std::string of = "rule \"" + rule.id + "\": ";
  if (rule.when) check_cost(of + "its condition", *rule.when);
  if (rule.unless) check_cost(of + "its exception", *rule.unless);
  for (std::size_t i = 0; i < rule.tiers.size(); ++i) {
    check_cost(of + "tier " + std::to_string(i + 1), rule.tiers[i].when);
  }
  if (rule.defer) check_cost(of + "the time it defers to", rule.defer->until);
}

// Past costLimit an expression is an error, and that denies.
void Checks::check_cost(const std::string& what, const Condition& condition) {
  cel::SizeHints hints;
  hints.otherwise = kAssumed;
  const cel::CostBounds cost = condition.program.cost_bounds(hints);
  const std::uint64_t limit = document_.cost_limit;
  if (cost.most <= limit) return;
  const bool never = cost.least > limit;
  const std::uint64_t need = never ? cost.least : cost.most;
  const bool settable = need <= static_cast<std::uint64_t>(kCostLimitMax);
  const std::string steps =
      settable ? std::to_string(need) + " steps" : "more steps than can be allowed";
  std::string message = what + (never ? " takes at least " : " may take ") + steps;
  if (!never) {
    message += " with lists of " + std::to_string(kAssumed.items) + " items and texts of " +
               std::to_string(kAssumed.text_bytes) + " bytes";
  }
  message += ", and is an error past costLimit " + std::to_string(limit) + ", which denies; ";
  if (settable) message += "set defaults.costLimit to " + std::to_string(need) + ", or ";
  message += "split it into rules, or put fewer loops inside loops";
  problems_.push_back(
      {never ? "too_costly" : "may_be_too_costly", std::move(message), "", condition.at, !never});
}

void Checks::check_people(const Rule& rule, const Plan& plan, doc::Position at) {
  if (options_.roster == nullptr) return;
  std::set<std::string> asked = groups_of(plan);
  asked.insert(plan.veto_groups.begin(), plan.veto_groups.end());
  if (!plan.escalate_to.empty()) asked.insert(plan.escalate_to);
  std::vector<std::string_view> names;
  names.reserve(options_.roster->groups.size());
  for (const auto& [name, people] : options_.roster->groups) names.push_back(name);
  bool all_known = true;
  for (const std::string& group : asked) {
    if (options_.roster->groups.contains(group)) continue;
    all_known = false;
    const std::string_view nearest = nearest_word(group, names.data(), names.size());
    add(rule, "unknown_group",
        "nobody is in a group \"" + group + "\"" +
            (nearest.empty() ? "" : " (did you mean \"" + std::string(nearest) + "\"?)"),
        at, !options_.sealed);
  }
  if (!all_known) return;
  std::string why;
  if (!satisfiable(plan, *options_.roster, {}, &why)) {
    add(rule, "unsatisfiable", "nobody could agree: " + why, at, !options_.sealed);
    return;
  }
  for (const std::string& owner : options_.roster->owners) {
    if (satisfiable(plan, *options_.roster, {owner}, &why)) continue;
    add(rule, "unsatisfiable", "nobody could agree to what an agent of " + owner + " asks: " + why,
        at, true);
  }
}

void Checks::check_common_channel(const Rule& a, const Rule& b) {
  for_each_plan(a, [&](const Plan& one, doc::Position) {
    for_each_plan(b, [&](const Plan& other, doc::Position at) {
      if (const auto merged = merge_plans(one, other); !merged) {
        const bool always =
            !a.when && !b.when && !a.unless && !b.unless && a.tiers.empty() && b.tiers.empty();
        add(b, merged.error().code,
            "together with rule \"" + a.id + "\": " + merged.error().message +
                "; where both hold it denies",
            at, !always);
      }
    });
  });
}

void Checks::check_channels() {
  std::vector<const Rule*> asking;
  for (const Rule& rule : document_.rules) {
    bool narrow = false;
    for_each_plan(rule, [&](const Plan& plan, doc::Position) {
      narrow |= plan.channels || !plan.retype.empty();
    });
    if (narrow && !rule.shadow) asking.push_back(&rule);
  }
  constexpr std::size_t kPairsOf =
      500;  // beyond that the time would be felt; decide() denies all the same
  if (asking.size() > kPairsOf) return;
  for (std::size_t i = 0; i < asking.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (asking[i]->match.overlaps(asking[j]->match)) check_common_channel(*asking[j], *asking[i]);
    }
  }
}

}  // namespace

void check_document(const Document::Rep& document, const Compiler& compiler,
                    const LoadOptions& options, doc::Problems& problems) {
  Checks(document, compiler, options, problems).run();
}

}  // namespace keyturn::policy
