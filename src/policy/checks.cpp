// What only shows when all rules are known.
#include <algorithm>

#include "base/bytes.h"
#include "catalog/upstream.h"
#include "policy/decide.h"
#include "policy/implies.h"
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
      check_always(rule);
      check_tiers(rule);
      check_claims(rule);
      check_costs(rule);
      for_each_plan(rule, [&](const Plan& plan, doc::Position at) {
        check_people(rule, plan, at);
        check_vote(rule, plan, at);
      });
    }
    for (const Variable& variable : document_.variables) {
      check_cost("variable \"" + variable.name + "\"", variable.value);
    }
    for (const RiskTerm& term : document_.risk) check_cost("a term of risk", term.when);
    for (const DocumentTest& test : document_.tests) check_test(test);
    check_emergencies();
  }

 private:
  void check_selectors(const Rule& rule);
  void check_always(const Rule& rule);
  void check_vote(const Rule& rule, const Plan& plan, doc::Position at);
  void check_test(const DocumentTest& test);
  void check_tiers(const Rule& rule);
  void check_claims(const Rule& rule);
  void check_costs(const Rule& rule);
  void check_cost(const std::string& what, const Condition& condition) {
    policy::check_cost(document_, what, condition, problems_);
  }
  void check_emergencies();
  void check_people(const Rule& rule, const Plan& plan, doc::Position at);

  template <class Visit>
  static void for_each_plan(const Rule& rule, const Visit& visit) {
    if (rule.tiers.empty() && rule.effect == Effect::kRequire) visit(rule.plan, rule.plan_at);
    for (const Tier& tier : rule.tiers) {
      if (tier.effect == Effect::kRequire) visit(tier.plan, tier.plan_at);
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
    add(rule, "no_selector",
        "has no selector and is evaluated for every action; name tools, operations or envs in "
        "match",
        rule.match_at, true);
    const bool always =
        !rule.when || (rule.when->program.constant() && rule.when->program.constant()->is_true());
    if (rule.effect == Effect::kAllow && always && rule.tiers.empty()) {
      add(rule, "allows_everything",
          "allows everything that no other rule speaks against; name what is allowed in match",
          rule.match_at, true);
    }
  }
  if (options_.tools != nullptr)
    check_known(rule.match, "rule \"" + rule.id + "\"", rule.match_at, *options_.tools, problems_);
}

void Checks::check_always(const Rule& rule) {
  const auto is = [](const std::optional<Condition>& condition, bool wanted) {
    if (!condition || !condition->program.constant()) return false;
    const cel::Value& value = *condition->program.constant();
    return wanted ? value.is_true() : value.is_false();
  };
  if (is(rule.when, false))
    add(rule, "never_applies",
        "its condition is never true; remove the rule, or mend the condition", rule.when->at, true);
  if (is(rule.unless, true))
    add(rule, "never_applies", "its exception always holds; remove the rule, or mend `unless`",
        rule.unless->at, true);
}

// The strongest proof that a vote can carry where it is cast.
Assurance strongest_in(std::string_view channel) {
  if (channel == "web") return Assurance::kPasskey;
  return channel == "slack" || channel == "teams" ? Assurance::kChat : Assurance::kToken;
}

void Checks::check_vote(const Rule& rule, const Plan& plan, doc::Position at) {
  if (!plan.channels || plan.channels->empty()) return;
  Assurance best = Assurance::kToken;
  for (const std::string& channel : *plan.channels) best = std::max(best, strongest_in(channel));
  if (best >= plan.assurance) return;
  add(rule, "no_vote_possible",
      "no vote that is cast there can be a " + std::string(to_text(plan.assurance)) +
          ": add web to channels, or say assurance: " + std::string(to_text(best)),
      at, true);
}

void Checks::check_test(const DocumentTest& test) {
  const auto known = [&](std::string_view id) {
    return std::ranges::find(document_.rules, id, &Rule::id) != document_.rules.end();
  };
  std::vector<std::string> named = test.expect.rules;
  if (test.expect.by && *test.expect.by != "default") {
    const std::string& by = *test.expect.by;
    named.push_back(by.starts_with("error:") ? by.substr(6) : by);
  }
  for (const std::string& id : named) {
    if (known(id)) continue;
    std::vector<std::string_view> ids{"default"};
    for (const Rule& rule : document_.rules) ids.push_back(rule.id);
    problems_.push_back({"unknown_rule",
                         "test \"" + test.name + "\" expects \"" + id + "\", which is no rule" +
                             did_you_mean(id, ids),
                         "", test.expect.at});
  }
}

void Checks::check_tiers(const Rule& rule) {
  for (std::size_t i = 0; i < rule.tiers.size(); ++i) {
    const Tier& tier = rule.tiers[i];
    const std::string name = "tier " + std::to_string(i + 1);
    const auto& constant = tier.when.program.constant();
    if (constant && constant->is_false()) {
      add(rule, "shadowed_tier", name + " can never hold; remove it, or mend its condition",
          tier.at, true);
    }
    for (std::size_t j = 0; j < i; ++j) {
      const auto& earlier = rule.tiers[j].when;
      const bool always = earlier.program.constant() && earlier.program.constant()->is_true();
      if (!always && !implies(tier.when.source, earlier.source)) continue;
      add(rule, "shadowed_tier",
          name + " is never reached: tier " + std::to_string(j + 1) +
              (always ? " always holds" : " holds wherever it does") + "; put " + name +
              " before it, or remove it",
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
        what +
            " depends on what the agent says of itself (claims, action.reason); let it depend on "
            "facts, resource or actor",
        condition->at, true);
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

// Who is said to have a part in emergencies is there; and what a rule waits for can come.
void Checks::check_emergencies() {
  if (options_.roster != nullptr) {
    for (const std::string& group : groups_of(document_.emergencies)) {
      if (options_.roster->groups.contains(group)) continue;
      problems_.push_back({"unknown_group",
                           "emergencies: nobody is in a group \"" + group +
                               "\"; put people into it, or name another",
                           "/emergencies", document_.emergencies_at, !options_.sealed});
    }
  }
  const auto warn = [&](const Rule& rule, const Condition& condition, std::string_view path,
                        std::string_view section) {
    if (!compiler_.reads(condition, [&](std::string_view read) { return read == path; })) return;
    add(rule, "never_opened",
        std::string(path) +
            " is always \"\": nobody may open one before the document says who, "
            "in emergencies." +
            std::string(section),
        condition.at, true);
  };
  for (const Rule& rule : document_.rules) {
    for (const auto* condition : {&rule.when, &rule.unless}) {
      if (!*condition) continue;
      if (!document_.emergencies.incident) warn(rule, **condition, "request.incident", "incident");
      if (!document_.emergencies.break_glass)
        warn(rule, **condition, "request.break_glass", "break_glass");
    }
  }
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
    const std::string close = did_you_mean(group, names);
    add(rule, "unknown_group",
        "nobody is in a group \"" + group + "\"" +
            (close.empty() ? "; put people into it, or name another" : close),
        at, !options_.sealed);
  }
  if (!all_known) return;
  std::string why;
  if (!satisfiable(plan, *options_.roster, {}, &why)) {
    add(rule, "unsatisfiable", "nobody could agree: " + why + "; add people, or ask for fewer", at,
        !options_.sealed);
    return;
  }
  for (const std::string& owner : options_.roster->owners) {
    if (satisfiable(plan, *options_.roster, {owner}, &why)) continue;
    add(rule, "unsatisfiable",
        "nobody could agree to what an agent of " + owner + " asks: " + why +
            "; add people, or ask for fewer",
        at, true);
  }
}

}  // namespace

void check_known(const Match& match, const std::string& what, doc::Position at,
                 const catalog::Catalog& catalog, doc::Problems& problems) {
  const auto& tools = catalog.tools();
  const auto warn = [&](std::string code, std::string message) {
    problems.push_back({std::move(code), what + ": " + std::move(message), "", at, true});
  };
  std::vector<std::string_view> names, envs, kinds, operations{"read", "write", "execute"};
  for (const catalog::Tool& tool : tools) {
    names.push_back(tool.name);
    envs.push_back(tool.resource.env);
    kinds.push_back(tool.resource.kind);
    operations.push_back(tool.operation);
  }
  for (const auto& upstream : catalog.upstreams()) {
    envs.push_back(upstream->resource.env);
    kinds.push_back(upstream->resource.kind);
    for (const auto& [glob, operation] : upstream->operations) operations.push_back(operation);
  }
  // Which tools an MCP server has, it says itself, later.
  const auto may_be_of_a_server = [&](std::string_view begin, bool whole) {
    return std::ranges::any_of(catalog.upstreams(), [&](const auto& upstream) {
      const std::string place = upstream->name + ".";
      return begin.starts_with(place) || (!whole && place.starts_with(begin));
    });
  };
  // And Keyturn's own (keyturn.hold …) are in no file.
  const auto is_own = [](std::string_view name) { return name.starts_with("keyturn."); };
  for (const std::string& name : match.tool.exact) {
    if (catalog.find(name) != nullptr || is_own(name) || may_be_of_a_server(name, true)) continue;
    const std::string close = did_you_mean(name, names);
    warn("unknown_tool",
         "no tool is called \"" + name + "\"" +
             (close.empty() ? "; define it in the tools' file, or leave it out" : close));
  }
  for (const std::string& prefix : match.tool.prefixes) {
    const auto begins = [&](std::string_view name) { return name.starts_with(prefix); };
    if (std::ranges::any_of(names, begins) || is_own(prefix) || may_be_of_a_server(prefix, false))
      continue;
    warn("unknown_tool", "no tool's name begins with \"" + prefix +
                             "\"; define one in the tools' file, or leave it out");
  }
  const auto slips = [&](const Selector& selector, const std::string& kind,
                         const std::vector<std::string_view>& known) {
    for (const std::string& word : selector.exact) {
      if (std::ranges::find(known, word) != known.end()) continue;
      const std::string close = did_you_mean(word, known);
      if (close.empty()) continue;
      warn("unknown_" + kind, "no tool has the " + kind + " \"" + word + "\"" + close);
    }
  };
  slips(match.env, "env", envs);
  slips(match.kind, "kind", kinds);
  slips(match.operation, "operation", operations);
}

void check_cost(const Document::Rep& document, const std::string& what, const Condition& condition,
                doc::Problems& problems) {
  cel::SizeHints hints;
  hints.otherwise = kAssumed;
  const cel::CostBounds cost = condition.program.cost_bounds(hints);
  const std::uint64_t limit = document.cost_limit;
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
  problems.push_back(
      {never ? "too_costly" : "may_be_too_costly", std::move(message), "", condition.at, !never});
}

void check_document(const Document::Rep& document, const Compiler& compiler,
                    const LoadOptions& options, doc::Problems& problems) {
  Checks(document, compiler, options, problems).run();
  check_standing(document, compiler, options, problems);
  check_overlaps(document, problems);
}

}  // namespace keyturn::policy
