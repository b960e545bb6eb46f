#include "policy/replay.h"

#include <algorithm>

#include "policy/decide.h"
#include "policy/rep.h"

namespace keyturn::policy {
namespace {

int rank(Effect effect) {
  switch (effect) {
    case Effect::kAllow:
    case Effect::kModify:
      return 0;
    case Effect::kRequire:
    case Effect::kDefer:
      return 1;
    case Effect::kDeny:
      return 2;
  }
  return 2;
}

Turn between_plans(const Plan& before, const Plan& after) {
  if (before == after) return Turn::kUnchanged;
  const bool as_strict = at_least_as_strict(after, before);
  const bool as_loose = at_least_as_strict(before, after);
  if (as_strict == as_loose) return Turn::kOther;
  return as_strict ? Turn::kStricter : Turn::kLooser;
}

Turn between_times(const std::optional<Time>& before, const std::optional<Time>& after) {
  if (before == after) return Turn::kUnchanged;
  if (!before || !after) return Turn::kOther;
  return *after > *before ? Turn::kStricter : Turn::kLooser;
}

Turn between_effects(const Verdict& before, const Verdict& after) {
  const int from = rank(before.effect), to = rank(after.effect);
  if (from != to) return to > from ? Turn::kStricter : Turn::kLooser;
  if (before.effect != after.effect) return Turn::kOther;
  switch (after.effect) {
    case Effect::kRequire:
      return between_plans(before.plan, after.plan);
    case Effect::kDefer:
      return between_times(before.defer_until, after.defer_until);
    case Effect::kAllow:
    case Effect::kDeny:
    case Effect::kModify:
      return Turn::kUnchanged;
  }
  return Turn::kOther;
}

// A classifier that found nothing at all: nothing of the facts depends on the arguments.
bool says_nothing(const doc::Value& facts) {
  if (facts.is_null()) return true;
  if (!facts.is_object()) return false;
  return std::ranges::all_of(facts.as_object(), [](const doc::Member& member) {
    if (member.key == "uninspectable") return member.value.is_bool() && !member.value.as_bool();
    return member.key == "why" && member.value.is_array() && member.value.as_array().empty();
  });
}

Side side_of(const Verdict& verdict) {
  Side side{.effect = verdict.effect, .decided_by = verdict.decided_by, .reasons = verdict.reasons};
  for (const RuleHit& hit : verdict.hits) {
    if (!hit.shadow) side.rules.push_back(hit.rule);
  }
  if (verdict.effect == Effect::kRequire) side.plan = verdict.plan;
  return side;
}

// The order in which people want to read: what becomes looser first.
int order_of(Turn turn) {
  switch (turn) {
    case Turn::kLooser:
      return 0;
    case Turn::kOther:
      return 1;
    case Turn::kStricter:
      return 2;
    case Turn::kUnchanged:
      return 3;
  }
  return 3;
}

doc::Value to_value(const Side& side) {
  doc::Value out = doc::object({{"effect", to_text(side.effect)},
                                {"decided_by", side.decided_by},
                                {"rules", doc::array_of(side.rules)},
                                {"reasons", doc::array_of(side.reasons)}});
  if (side.plan) {
    out.set("plan", keyturn::to_value(*side.plan));
    out.set("asks", in_words(*side.plan));
  }
  return out;
}

doc::Value to_value(const Flip& flip) {
  doc::Array examples;
  for (const Flip::Example& example : flip.examples) {
    examples.push_back(doc::object({{"id", example.id},
                                    {"time", to_rfc3339(example.time)},
                                    {"tool", example.tool},
                                    {"operation", example.operation},
                                    {"agent", example.agent},
                                    {"before", to_value(example.before)},
                                    {"after", to_value(example.after)}}));
  }
  return doc::object({{"turn", to_text(flip.turn)},
                      {"from", to_text(flip.from)},
                      {"to", to_text(flip.to)},
                      {"count", flip.count},
                      {"examples", std::move(examples)}});
}

}  // namespace

std::string_view to_text(Unrepeatable why) {
  switch (why) {
    case Unrepeatable::kNoInputs:
      return "no_inputs";
    case Unrepeatable::kErased:
      return "erased";
    case Unrepeatable::kUnreadable:
      return "unreadable";
    case Unrepeatable::kUnknownTool:
      return "unknown_tool";
    case Unrepeatable::kBuiltIn:
      return "built_in";
    case Unrepeatable::kChangedArguments:
      return "changed_arguments";
  }
  return "";
}

std::string_view to_text(Turn turn) {
  switch (turn) {
    case Turn::kUnchanged:
      return "unchanged";
    case Turn::kStricter:
      return "stricter";
    case Turn::kLooser:
      return "looser";
    case Turn::kOther:
      return "other";
  }
  return "";
}

Turn turn_between(const Verdict& before, const Verdict& after) {
  const Turn turn = between_effects(before, after);
  const bool denies = before.effect == Effect::kDeny || after.effect == Effect::kDeny;
  return denies || before.modified_args == after.modified_args ? turn : Turn::kOther;
}

std::optional<Verdict> repeat(const Document& document, const RecordedDecision& decision) {
  Verdict first = decide(document, decision.input);
  if (!first.modified_args) return first;
  PolicyInput again = decision.input;
  again.args = *first.modified_args;
  if (decision.changed && decision.changed->args == *first.modified_args) {
    again.facts = decision.changed->facts;
    again.operation = decision.changed->operation;
  } else if (!says_nothing(decision.input.facts)) {
    return std::nullopt;
  }
  return decide_again(document, again, first);
}

Replay::Replay(const Document& proposed, const Document* old, std::size_t examples_max)
    : proposed_(proposed), old_(old), examples_max_(examples_max) {
  for (const Rule& rule : proposed.rep().rules) {
    places_.emplace(rule.id, report_.rules.size());
    report_.rules.push_back({.rule = rule.id, .shadow = rule.shadow});
  }
}

void Replay::add(const RecordedDecision& decision) {
  const std::optional<Verdict> after = repeat(proposed_, decision);
  const std::optional<Verdict> before =
      old_ != nullptr ? repeat(*old_, decision) : decision.verdict;
  if (!before || !after) {
    add(Unrepeatable::kChangedArguments);
    return;
  }
  ++report_.looked_at;
  ++report_.repeated;
  if (after->decided_by.starts_with("error:")) ++report_.errors;
  count_rules(*after);
  const Turn turn = turn_between(*before, *after);
  switch (turn) {
    case Turn::kUnchanged:
      ++report_.unchanged;
      return;
    case Turn::kStricter:
      ++report_.stricter;
      break;
    case Turn::kLooser:
      ++report_.looser;
      break;
    case Turn::kOther:
      ++report_.other;
      break;
  }
  count_flip(decision, turn, *before, *after);
}

void Replay::add(Unrepeatable why) {
  ++report_.looked_at;
  ++report_.unrepeatable[why];
}

void Replay::count_rules(const Verdict& verdict) {
  for (const RuleHit& hit : verdict.hits) {
    const auto place = places_.find(hit.rule);
    if (place == places_.end()) continue;
    const std::string excepted = "unless:" + hit.rule;
    if (std::ranges::find(hit.exceptions, excepted) != hit.exceptions.end()) continue;
    ReplayReport::RuleCount& count = report_.rules[place->second];
    ++(hit.shadow ? count.shadowed : count.matched);
  }
}

void Replay::count_flip(const RecordedDecision& decision, Turn turn, const Verdict& before,
                        const Verdict& after) {
  Flip& flip = flips_[Key(order_of(turn), before.effect, after.effect)];
  flip.turn = turn;
  flip.from = before.effect;
  flip.to = after.effect;
  if (++flip.count > examples_max_) return;
  flip.examples.push_back({.id = decision.id,
                           .tool = decision.input.tool,
                           .operation = decision.input.operation,
                           .agent = decision.input.actor.id,
                           .time = decision.time,
                           .before = side_of(before),
                           .after = side_of(after)});
}

const ReplayReport& Replay::report() {
  report_.flips.clear();
  for (const auto& [key, flip] : flips_) report_.flips.push_back(flip);
  return report_;
}

doc::Value to_value(const ReplayReport& report) {
  doc::Value unrepeatable = doc::Object{};
  std::uint64_t total = 0;
  for (const auto& [why, count] : report.unrepeatable) {
    unrepeatable.set(std::string(to_text(why)), count);
    total += count;
  }
  doc::Array flips, rules;
  for (const Flip& flip : report.flips) flips.push_back(to_value(flip));
  for (const ReplayReport::RuleCount& rule : report.rules) {
    doc::Value one = doc::object({{"rule", rule.rule}, {"matched", rule.matched}});
    if (rule.shadow) one.set("shadowed", rule.shadowed);
    rules.push_back(std::move(one));
  }
  return doc::object({{"looked_at", report.looked_at},
                      {"repeated", report.repeated},
                      {"unchanged", report.unchanged},
                      {"stricter", report.stricter},
                      {"looser", report.looser},
                      {"other", report.other},
                      {"errors", report.errors},
                      {"not_repeatable", total},
                      {"not_repeatable_because", std::move(unrepeatable)},
                      {"flips", std::move(flips)},
                      {"rules", std::move(rules)}});
}

}  // namespace keyturn::policy
