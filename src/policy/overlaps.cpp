// What only shows where several rules match one action: plans without a common channel,
// modifications that differ, waivers that meet nothing.
#include <algorithm>
#include <bit>

#include "policy/decide.h"
#include "policy/evaluate.h"
#include "policy/reader.h"

namespace keyturn::policy {
namespace {

// Beyond these the time would be felt; decide() denies all the same.
constexpr std::size_t kComparedMax = 500;
constexpr int kStepsMax = 200'000;

// Says something of every action that its selectors match.
bool always(const Rule& rule) {
  return !rule.when && !rule.unless && rule.tiers.empty();
}

struct Asking {
  const Rule* rule;
  const Plan* plan;
  doc::Position at;
};

std::vector<Asking> plans_of(const Rule& rule) {
  std::vector<Asking> out;
  if (rule.shadow) return out;
  if (rule.tiers.empty() && rule.effect == Effect::kRequire)
    out.push_back({&rule, &rule.plan, rule.plan_at});
  for (const Tier& tier : rule.tiers) {
    if (tier.effect == Effect::kRequire) out.push_back({&rule, &tier.plan, tier.plan_at});
  }
  return out;
}

class Overlaps {
 public:
  Overlaps(const Document::Rep& document, doc::Problems& problems)
      : document_(document), problems_(problems) {}

  void run() {
    check_plans();
    check_modifications();
    for (const Rule& rule : document_.rules) check_waives(rule);
  }

 private:
  void add(const Rule& rule, std::string code, std::string message, doc::Position at,
           bool warning) {
    problems_.push_back(
        {std::move(code), "rule \"" + rule.id + "\": " + std::move(message), "", at, warning});
  }
  void check_plans();
  void check_pair(const Asking& a, const Asking& b);
  void check_more(const std::vector<Asking>& asking);
  bool extend(const std::vector<Asking>& asking, std::size_t before, const Match& match,
              const std::set<std::string>& channels, std::vector<const Asking*>& chosen);
  void check_modifications();
  void check_waives(const Rule& rule);

  const Document::Rep& document_;
  doc::Problems& problems_;
  int steps_ = kStepsMax;
};

std::string what_to_do(std::string_view code) {
  if (code == "no_common_channel") return "allow one channel in both, or match fewer actions";
  return "ask for the same in both, or match fewer actions";
}

void Overlaps::check_pair(const Asking& a, const Asking& b) {
  const auto merged = merge_plans(*a.plan, *b.plan);
  if (merged) return;
  add(*b.rule, merged.error().code,
      "together with rule \"" + a.rule->id + "\": " + merged.error().message +
          "; where both hold it denies: " + what_to_do(merged.error().code),
      b.at, !(always(*a.rule) && always(*b.rule)));
}

std::set<std::string> in_both(const std::set<std::string>& a, const std::set<std::string>& b) {
  std::set<std::string> out;
  std::ranges::set_intersection(a, b, std::inserter(out, out.end()));
  return out;
}

// Each of them is needed for the channels to come to nothing.
bool minimal(const std::vector<const Asking*>& chosen) {
  for (std::size_t without = 0; without < chosen.size(); ++without) {
    std::optional<std::set<std::string>> left;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      if (i == without) continue;
      left = left ? in_both(*left, *chosen[i]->plan->channels) : *chosen[i]->plan->channels;
    }
    if (left->empty()) return false;
  }
  return true;
}

// Each rule that is added takes a channel away, so that there are few of them.
bool Overlaps::extend(const std::vector<Asking>& asking, std::size_t before, const Match& match,
                      const std::set<std::string>& channels, std::vector<const Asking*>& chosen) {
  if (channels.empty()) return chosen.size() > 2 && minimal(chosen);
  for (std::size_t i = before; i-- > 0;) {
    if (--steps_ <= 0) return false;
    const bool same_rule = std::ranges::any_of(
        chosen, [&](const Asking* other) { return other->rule == asking[i].rule; });
    if (same_rule) continue;
    std::set<std::string> left = in_both(channels, *asking[i].plan->channels);
    if (left.size() == channels.size()) continue;
    const auto both = match.common(asking[i].rule->match);
    if (!both) continue;
    chosen.push_back(&asking[i]);
    if (extend(asking, i, *both, left, chosen)) return true;
    chosen.pop_back();
  }
  return false;
}

// Three or more that leave no channel although any two of them do.
void Overlaps::check_more(const std::vector<Asking>& asking) {
  for (std::size_t i = asking.size(); i-- > 0 && steps_ > 0;) {
    std::vector<const Asking*> chosen{&asking[i]};
    if (!extend(asking, i, asking[i].rule->match, *asking[i].plan->channels, chosen)) continue;
    std::string others;
    for (std::size_t k = 1; k < chosen.size(); ++k)
      others += (k > 1 ? "\" and \"" : "") + chosen[k]->rule->id;
    const bool meet =
        std::ranges::all_of(chosen, [](const Asking* one) { return always(*one->rule); });
    add(*asking[i].rule, "no_common_channel",
        "together with rules \"" + others +
            "\": no channel is allowed by all rules that ask people; where all hold it denies: "
            "allow one channel in all of them, or match fewer actions",
        asking[i].at, !meet);
  }
}

void Overlaps::check_plans() {
  std::vector<Asking> narrow, with_channels;
  for (const Rule& rule : document_.rules) {
    for (const Asking& one : plans_of(rule)) {
      if (one.plan->channels || !one.plan->retype.empty()) narrow.push_back(one);
      if (one.plan->channels && !one.plan->channels->empty()) with_channels.push_back(one);
    }
  }
  if (narrow.size() > kComparedMax) return;
  for (std::size_t i = 0; i < narrow.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (narrow[i].rule != narrow[j].rule && narrow[i].rule->match.overlaps(narrow[j].rule->match))
        check_pair(narrow[j], narrow[i]);
    }
  }
  check_more(with_channels);
}

void Overlaps::check_modifications() {
  std::vector<const Rule*> modifying;
  for (const Rule& rule : document_.rules) {
    if (rule.effect == Effect::kModify && !rule.shadow) modifying.push_back(&rule);
  }
  if (modifying.size() > kComparedMax) return;
  const auto differ = [&](const Rule& a, const Rule& b) {
    for (const Change& one : a.changes) {
      for (const Change& other : b.changes) {
        if (!collide(one, other)) continue;
        add(b, "conflict",
            "sets " + other.path + " otherwise than rule \"" + a.id + "\" sets " + one.path +
                "; where both hold it denies: set one value, or match fewer actions",
            other.at, !(always(a) && always(b)));
        return;
      }
    }
  };
  for (std::size_t i = 0; i < modifying.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (modifying[i]->match.overlaps(modifying[j]->match)) differ(*modifying[j], *modifying[i]);
    }
  }
}

void Overlaps::check_waives(const Rule& rule) {
  for (const std::string& target : rule.waives) {
    const auto found = std::ranges::find(document_.rules, target, &Rule::id);
    if (found == document_.rules.end()) {
      std::vector<std::string_view> ids;
      for (const Rule& other : document_.rules) ids.push_back(other.id);
      add(rule, "unknown_rule",
          "waives \"" + target + "\", which is no rule" + did_you_mean(target, ids), rule.waives_at,
          false);
    } else if (!found->waivable) {
      add(rule, "not_waivable",
          "waives \"" + target +
              "\", which does not say waivable: true; say so there, or leave it out here",
          rule.waives_at, false);
    } else if (!rule.match.overlaps(found->match)) {
      add(rule, "waives_nothing",
          "waives \"" + target + "\", but no action matches both; widen match of one of them",
          rule.waives_at, true);
    }
  }
}

}  // namespace

void check_overlaps(const Document::Rep& document, doc::Problems& problems) {
  Overlaps(document, problems).run();
}

}  // namespace keyturn::policy
