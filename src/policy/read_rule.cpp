// One rule.
#include <algorithm>

#include "catalog/schema.h"
#include "policy/evaluate.h"
#include "policy/reader.h"

namespace keyturn::policy {
namespace {

using doc::ObjectReader;

constexpr Duration kDeferLatest = std::chrono::hours(24 * 7);

Selector read_selector(ObjectReader& in, std::string_view key) {
  Selector selector;
  const auto texts = in.strings_or_one(key);
  if (!texts) return selector;
  if (texts->empty())
    in.problem("out_of_range", "an empty list matches nothing; leave it out for everything", key);
  for (const std::string& text : *texts) {
    if (text == "*") return Selector{};
    const std::size_t star = text.find('*');
    if (star == std::string::npos) {
      selector.exact.push_back(text);
    } else if (star + 1 == text.size()) {
      selector.prefixes.push_back(text.substr(0, star));
    } else {
      in.problem("invalid_glob",
                 "\"" + text + "\": only a * at the end, for a prefix, is understood", key);
    }
  }
  return selector;
}

class RuleReader {
 public:
  RuleReader(const doc::Value& value, const std::string& pointer, Compiler& compiler,
             const catalog::Catalog* tools, doc::Problems& problems)
      : in_(value, pointer, problems), compiler_(compiler), tools_(tools), problems_(problems) {}

  std::optional<Rule> read() {
    rule_.id = in_.require_string("id");
    if (rule_.id.empty() && in_.value().find("id") != nullptr)
      in_.problem("missing_field",
                  "a rule needs an id that says what it is for: it is what people read", "id");
    rule_.at = in_.value().position();
    what_ = "rule \"" + rule_.id + "\"";
    rule_.description = in_.string("description").value_or("");
    read_match_part();
    rule_.when = condition("when");
    rule_.unless = condition("unless");
    rule_.shadow = read_mode();
    read_effect_part();
    rule_.waives = in_.strings_or_one("waives").value_or(std::vector<std::string>{});
    rule_.match_at = place_of("match");
    rule_.plan_at = place_of("require");
    rule_.waives_at = place_of("waives");
    rule_.waivable = in_.boolean("waivable").value_or(false);
    check_waivers();
    in_.finish();
    if (rule_.id.empty()) return std::nullopt;
    return std::move(rule_);
  }

 private:
  void read_match_part();
  bool read_mode();
  void read_effect_part();
  void read_tiers(const doc::Value& tiers);
  void read_tier(const doc::Value& value, const std::string& pointer);
  void read_modify();
  void check_change(const Change& change, const doc::Value& at, const std::string& pointer);
  void read_defer();
  void check_waivers();
  void belongs(std::string_view key, bool fits, std::string_view to);

  doc::Position place_of(std::string_view key) const {
    const doc::Value* value = in_.value().find(key);
    return value == nullptr ? in_.value().position() : value->position();
  }

  std::optional<Condition> condition(std::string_view key) {
    const doc::Value* value = in_.any(key);
    if (value == nullptr) return std::nullopt;
    return compiler_.compile(*value, in_.pointer_to(key), what_, cel::Type::boolean(), tool_);
  }

  ObjectReader in_;
  Compiler& compiler_;
  const catalog::Catalog* tools_;
  doc::Problems& problems_;
  Rule rule_;
  std::string what_;
  std::string tool_;  // the one tool that match names, or ""
};

void RuleReader::read_match_part() {
  const doc::Value* match = in_.object("match");
  if (match == nullptr) {
    if (in_.value().find("match") == nullptr) {
      in_.problem("missing_field",
                  what_ + " needs match: {tool: […], env: […], …}; match: {} for every action");
    }
    return;
  }
  rule_.match = read_match(*match, in_.pointer_to("match"), problems_);
  const Selector& tool = rule_.match.tool;
  if (tool.exact.size() == 1 && tool.prefixes.empty()) tool_ = tool.exact[0];
}

bool RuleReader::read_mode() {
  const std::string mode = in_.string("mode").value_or("enforce");
  if (mode != "enforce" && mode != "shadow") {
    in_.problem("unknown_choice", "mode of a rule is enforce or shadow", "mode");
  }
  return mode == "shadow";
}

void RuleReader::belongs(std::string_view key, bool fits, std::string_view to) {
  if (in_.value().find(key) == nullptr || fits) return;
  in_.problem("conflict",
              what_ + ": " + std::string(key) + " belongs to effect: " + std::string(to), key);
}

void RuleReader::read_effect_part() {
  const auto effect = read_effect(in_, "effect", true);
  if (in_.value().find("effect") == nullptr) {
    in_.problem("missing_field", what_ + " needs effect: allow, deny, require, modify or defer");
  }
  rule_.effect = effect.value_or(Effect::kDeny);
  const doc::Value* tiers = in_.array("tiers");
  const doc::Value* require = in_.object("require");
  belongs("require", rule_.effect == Effect::kRequire, "require");
  belongs("modify", rule_.effect == Effect::kModify, "modify");
  belongs("defer", rule_.effect == Effect::kDefer, "defer");
  if (tiers != nullptr) {
    if (rule_.effect == Effect::kModify || rule_.effect == Effect::kDefer) {
      in_.problem("conflict", what_ + ": tiers allow, deny or require", "tiers");
    }
    if (require != nullptr) {
      in_.problem("conflict", what_ + ": a rule with tiers says require in each of them",
                  "require");
    }
    read_tiers(*tiers);
  } else if (rule_.effect == Effect::kRequire) {
    if (require != nullptr) {
      rule_.plan = read_plan(*require, in_.pointer_to("require"), problems_);
    } else if (in_.value().find("require") == nullptr) {
      in_.problem("missing_field", what_ + " needs require: {quorum: {GROUP: COUNT}}");
    }
  }
  read_modify();
  read_defer();
}

void RuleReader::read_tiers(const doc::Value& tiers) {
  if (tiers.as_array().empty()) in_.problem("out_of_range", what_ + ": tiers is empty", "tiers");
  for (std::size_t i = 0; i < tiers.as_array().size(); ++i) {
    read_tier(tiers.as_array()[i], in_.pointer_to("tiers") + "/" + std::to_string(i));
  }
}

void RuleReader::read_tier(const doc::Value& value, const std::string& pointer) {
  ObjectReader in(value, pointer, problems_);
  if (!value.is_object()) return;
  const doc::Value* when = in.any("when");
  if (when == nullptr)
    in.problem("missing_field", what_ + ": a tier needs when: \"true\" for always");
  auto holds = when == nullptr ? std::nullopt
                               : compiler_.compile(*when, in.pointer_to("when"), what_,
                                                   cel::Type::boolean(), tool_);
  const Effect effect = read_effect(in, "effect", false).value_or(rule_.effect);
  const doc::Value* require = in.object("require");
  Plan plan;
  if (effect == Effect::kRequire) {
    if (require != nullptr) {
      plan = read_plan(*require, in.pointer_to("require"), problems_);
    } else {
      in.problem("missing_field",
                 what_ + ": this tier needs require: {quorum: …} or effect: allow or deny");
    }
  } else if (require != nullptr) {
    in.problem("conflict", what_ + ": require belongs to effect: require", "require");
  }
  in.finish();
  if (!holds) return;
  rule_.tiers.push_back({std::move(*holds), effect, std::move(plan), value.position(),
                         require == nullptr ? value.position() : require->position()});
}

// A constant must be one that the tools it may be set for accept.
void RuleReader::check_change(const Change& change, const doc::Value& at,
                              const std::string& pointer) {
  if (tools_ == nullptr || change.keys.empty()) return;
  for (const std::string& name : rule_.match.tool.exact) {
    const catalog::Tool* tool = tools_->find(name);
    if (tool == nullptr || tool->kind == catalog::ToolKind::kMcp) continue;
    const auto param = std::ranges::find(tool->params, change.keys[0], &catalog::Param::name);
    if (param == tool->params.end()) {
      std::vector<std::string_view> names;
      for (const catalog::Param& one : tool->params) names.push_back(one.name);
      problems_.push_back({"unknown_param",
                           what_ + ": tool \"" + name + "\" has no parameter \"" + change.keys[0] +
                               "\"" + did_you_mean(change.keys[0], names),
                           pointer, change.at});
    } else if (change.keys.size() == 1) {
      if (const auto ok = catalog::check_value(*param->checked, change.value, ""); !ok) {
        problems_.push_back({"wrong_type", what_ + ": " + change.path + " " + ok.error().message,
                             pointer, at.position()});
      }
    }
  }
}

void RuleReader::read_modify() {
  const doc::Value* modify = in_.object("modify");
  if (modify == nullptr) {
    if (rule_.effect == Effect::kModify) {
      in_.problem("missing_field", what_ + " needs modify: {set: {\"args.NAME\": VALUE}}");
    }
    return;
  }
  ObjectReader in(*modify, in_.pointer_to("modify"), problems_);
  const doc::Value* set = in.object("set");
  in.finish();
  if (set == nullptr || set->as_object().empty()) {
    in.problem("missing_field", what_ + ": modify needs set: {\"args.NAME\": VALUE}");
    return;
  }
  for (const doc::Member& member : set->as_object()) {
    const std::string pointer = in.pointer_to("set") + "/" + doc::pointer_escape(member.key);
    Change change{member.key, {}, member.value, member.key_position};
    std::string_view rest = member.key;
    if (rest.starts_with("args.")) {
      rest.remove_prefix(5);
      while (true) {
        change.keys.emplace_back(rest.substr(0, rest.find('.')));
        if (rest.find('.') == std::string_view::npos) break;
        rest.remove_prefix(rest.find('.') + 1);
      }
    }
    if (change.keys.empty() || std::ranges::any_of(change.keys, &std::string::empty)) {
      problems_.push_back({"invalid_path", what_ + ": only arguments can be set, as \"args.NAME\"",
                           pointer, member.key_position});
      continue;
    }
    check_change(change, member.value, pointer);
    const auto other = std::ranges::find_if(
        rule_.changes, [&](const Change& before) { return collide(before, change); });
    if (other != rule_.changes.end()) {
      problems_.push_back({"conflict",
                           what_ + ": sets " + change.path + " and " + other->path +
                               ", of which one lies inside the other; keep one",
                           pointer, member.key_position});
    }
    rule_.changes.push_back(std::move(change));
  }
}

void RuleReader::read_defer() {
  const doc::Value* defer = in_.object("defer");
  if (rule_.effect != Effect::kDefer) return;
  if (defer == nullptr) {
    in_.problem("missing_field", what_ + " needs defer: {until: EXPRESSION}");
    return;
  }
  ObjectReader in(*defer, in_.pointer_to("defer"), problems_);
  const Duration latest = in.duration("latest").value_or(kDeferLatest);
  const doc::Value* until = in.any("until");
  if (until == nullptr) {
    in.problem("missing_field",
               what_ + ": defer needs until: a time, such as calendar.freeze_ends");
  } else if (auto time = compiler_.compile(*until, in.pointer_to("until"), what_,
                                           cel::Type::timestamp(), tool_)) {
    rule_.defer = Defer{std::move(*time), latest};
  }
  in.finish();
}

void RuleReader::check_waivers() {
  const auto has_effect = [&](Effect effect) {
    return rule_.effect == effect ||
           std::ranges::any_of(rule_.tiers, [&](const Tier& t) { return t.effect == effect; });
  };
  if (rule_.waivable && !has_effect(Effect::kDeny)) {
    in_.problem("conflict", what_ + ": waivable belongs to effect: deny", "waivable");
  }
  if (!rule_.waives.empty() && rule_.effect != Effect::kRequire && rule_.effect != Effect::kAllow) {
    in_.problem("conflict", what_ + ": waives belongs to effect: require or allow", "waives");
  }
}

}  // namespace

std::optional<Effect> read_effect(ObjectReader& in, std::string_view key, bool modifications) {
  const auto text = in.string(key);
  if (!text) return std::nullopt;
  std::vector<std::string_view> words;
  for (const Effect effect :
       {Effect::kAllow, Effect::kDeny, Effect::kRequire, Effect::kModify, Effect::kDefer}) {
    const bool offered = modifications || (effect != Effect::kModify && effect != Effect::kDefer);
    if (to_text(effect) == *text && offered) return effect;
    if (offered) words.push_back(to_text(effect));
  }
  in.problem("unknown_choice",
             "\"" + *text + "\" is none of allow, deny, require" +
                 (modifications ? ", modify, defer" : "") + did_you_mean(*text, words),
             key);
  return std::nullopt;
}

Match read_match(const doc::Value& value, const std::string& pointer, doc::Problems& problems) {
  ObjectReader in(value, pointer, problems);
  Match match;
  match.tool = read_selector(in, "tool");
  match.operation = read_selector(in, "operation");
  match.env = read_selector(in, "env");
  match.kind = read_selector(in, "kind");
  match.actor = read_selector(in, "actor");
  in.finish();
  return match;
}

std::optional<Rule> read_rule(const doc::Value& value, const std::string& pointer,
                              Compiler& compiler, const catalog::Catalog* tools,
                              doc::Problems& problems) {
  RuleReader reader(value, pointer, compiler, tools, problems);
  if (!value.is_object()) return std::nullopt;
  return reader.read();
}

}  // namespace keyturn::policy
