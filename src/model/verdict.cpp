#include "model/verdict.h"

#include <algorithm>

namespace keyturn {
namespace {

doc::Value quorum_value(const Quorum& quorum) {
  doc::Value out{doc::Object{}};
  for (const auto& [group, count] : quorum) out.set(group, count);
  return out;
}

Quorum quorum_from(const doc::Value& value) {
  Quorum out;
  if (!value.is_object()) return out;
  for (const doc::Member& m : value.as_object()) {
    out[m.key] = static_cast<int>(m.value.as_int64().value_or(0));
  }
  return out;
}

doc::Value lists_value(const std::vector<std::vector<Quorum>>& lists) {
  doc::Array out;
  for (const auto& list : lists) {
    doc::Array inner;
    for (const Quorum& quorum : list) inner.push_back(quorum_value(quorum));
    out.emplace_back(std::move(inner));
  }
  return doc::Value(std::move(out));
}

std::vector<std::vector<Quorum>> lists_from(const doc::Value* value) {
  std::vector<std::vector<Quorum>> out;
  if (value == nullptr || !value->is_array()) return out;
  for (const doc::Value& list : value->as_array()) {
    std::vector<Quorum> inner;
    if (list.is_array()) {
      for (const doc::Value& quorum : list.as_array()) inner.push_back(quorum_from(quorum));
    }
    out.push_back(std::move(inner));
  }
  return out;
}

doc::Value set_value(const std::set<std::string>& set) {
  return doc::array_of(std::vector<std::string>(set.begin(), set.end()));
}

std::vector<std::string> strings_from(const doc::Value* value) {
  std::vector<std::string> out;
  if (value == nullptr || !value->is_array()) return out;
  for (const doc::Value& v : value->as_array()) {
    if (v.is_string()) out.push_back(v.as_string());
  }
  return out;
}

std::set<std::string> set_from(const doc::Value* value) {
  const auto texts = strings_from(value);
  return {texts.begin(), texts.end()};
}

void put_duration(doc::Value& out, std::string_view key, Duration duration) {
  if (duration.count() > 0) out.set(std::string(key), to_text(duration));
}

Duration duration_from(const doc::Value& value, std::string_view key) {
  return parse_duration(value.text(key)).value_or(Duration{});
}

bool covers(const Quorum& candidate, const Quorum& reference) {
  return std::ranges::all_of(reference, [&](const auto& place) {
    const auto it = candidate.find(place.first);
    return place.second <= 0 || (it != candidate.end() && it->second >= place.second);
  });
}

// Whichever alternative of `candidate` is met, one of `reference` is met by it.
bool any_covers(const std::vector<Quorum>& candidate, const std::vector<Quorum>& reference) {
  return std::ranges::all_of(candidate, [&](const Quorum& c) {
    return std::ranges::any_of(reference, [&](const Quorum& r) { return covers(c, r); });
  });
}

// The stages of `reference` are met, in order, by stages of `candidate`.
bool stages_cover(const std::vector<Quorum>& candidate, const std::vector<Quorum>& reference) {
  std::size_t next = 0;
  for (const Quorum& stage : candidate) {
    if (next < reference.size() && covers(stage, reference[next])) ++next;
  }
  return next == reference.size();
}

// Every entry of `reference` has an entry of `candidate` of its own that covers it. First fit:
// where that misses a cleverer assignment the answer is "no", which only asks people again.
template <class Covers>
bool entries_cover(const std::vector<std::vector<Quorum>>& candidate,
                   const std::vector<std::vector<Quorum>>& reference, Covers covers_one) {
  std::vector<bool> used(candidate.size(), false);
  for (const auto& wanted : reference) {
    bool found = false;
    for (std::size_t i = 0; i < candidate.size() && !found; ++i) {
      if (used[i] || !covers_one(candidate[i], wanted)) continue;
      used[i] = true;
      found = true;
    }
    if (!found) return false;
  }
  return true;
}

bool veto_at_least(const Plan& candidate, const Plan& reference) {
  if (candidate.veto_any) return true;
  return !reference.veto_any && std::ranges::includes(candidate.veto_groups, reference.veto_groups);
}

bool channels_at_least(const Plan& candidate, const Plan& reference) {
  if (!reference.channels) return true;
  return candidate.channels && std::ranges::includes(*reference.channels, *candidate.channels);
}

bool review_after_at_least(const Plan& candidate, const Plan& reference) {
  if (reference.review_after.count() == 0) return true;
  return candidate.review_after.count() > 0 && candidate.review_after <= reference.review_after;
}

// Whoever may fill places from an escalation on may do so in `reference`, and no sooner.
bool escalation_at_least(const Plan& candidate, const Plan& reference) {
  const std::set<std::string> asked = groups_of(reference);
  return std::ranges::all_of(candidate.escalate_instead_of, [&](const std::string& group) {
    if (!asked.contains(group)) return true;
    return reference.escalate_instead_of.contains(group) &&
           candidate.escalate_to == reference.escalate_to &&
           candidate.escalate_after >= reference.escalate_after;
  });
}

void add_groups(std::set<std::string>& out, const Quorum& quorum) {
  for (const auto& [group, count] : quorum) {
    if (count > 0) out.insert(group);
  }
}

doc::Value hits_value(const std::vector<RuleHit>& hits) {
  doc::Array out;
  for (const RuleHit& hit : hits) {
    doc::Value v = doc::object({{"rule", hit.rule}, {"effect", to_text(hit.effect)}});
    if (!hit.contribution.empty()) v.set("contribution", hit.contribution);
    if (hit.shadow) v.set("shadow", true);
    if (!hit.exceptions.empty()) v.set("exceptions", doc::array_of(hit.exceptions));
    out.push_back(std::move(v));
  }
  return doc::Value(std::move(out));
}

std::vector<RuleHit> hits_from(const doc::Value* value) {
  std::vector<RuleHit> out;
  if (value == nullptr || !value->is_array()) return out;
  for (const doc::Value& v : value->as_array()) {
    RuleHit hit;
    hit.rule = v.text("rule");
    hit.effect = effect_from_text(v.text("effect")).value_or(Effect::kDeny);
    hit.contribution = v.text("contribution");
    hit.shadow = v.flag("shadow");
    hit.exceptions = strings_from(v.find("exceptions"));
    out.push_back(std::move(hit));
  }
  return out;
}

}  // namespace

doc::Value to_value(const Plan& plan) {
  doc::Value out =
      doc::object({{"quorum", quorum_value(plan.quorum)},
                   {"veto", plan.veto_any ? doc::Value("any") : set_value(plan.veto_groups)},
                   {"expires", to_text(plan.expires)},
                   {"assurance", to_text(plan.assurance)}});
  if (!plan.any.empty()) out.set("any", lists_value(plan.any));
  if (!plan.stages.empty()) out.set("stages", lists_value(plan.stages));
  if (plan.channels) out.set("channels", set_value(*plan.channels));
  if (!plan.notify.empty()) out.set("notify", set_value(plan.notify));
  put_duration(out, "look", plan.look);
  put_duration(out, "another", plan.another);
  if (!plan.retype.empty()) out.set("retype", plan.retype);
  out.set("evidence", plan.evidence);
  put_duration(out, "review_after", plan.review_after);
  put_duration(out, "remind", plan.remind);
  put_duration(out, "escalate_after", plan.escalate_after);
  if (!plan.escalate_to.empty()) out.set("escalate_to", plan.escalate_to);
  if (!plan.escalate_instead_of.empty())
    out.set("escalate_instead_of", set_value(plan.escalate_instead_of));
  return out;
}

Plan plan_from_value(const doc::Value& value) {
  Plan plan;
  if (const doc::Value* quorum = value.find("quorum")) plan.quorum = quorum_from(*quorum);
  plan.any = lists_from(value.find("any"));
  plan.stages = lists_from(value.find("stages"));
  if (const doc::Value* veto = value.find("veto"); veto != nullptr && veto->is_array()) {
    plan.veto_any = false;
    plan.veto_groups = set_from(veto);
  }
  plan.expires = duration_from(value, "expires");
  // What cannot be read is the strictest: nobody gets in by a word we do not know.
  if (!assurance_from_text(value.text("assurance"), plan.assurance)) {
    plan.assurance = Assurance::kPasskey;
  }
  if (value.find("channels") != nullptr) plan.channels = set_from(value.find("channels"));
  plan.notify = set_from(value.find("notify"));
  plan.look = duration_from(value, "look");
  plan.another = duration_from(value, "another");
  plan.retype = value.text("retype");
  if (const doc::Value* evidence = value.find("evidence")) {
    plan.evidence = evidence->is_string() ? evidence->as_string() : "cosigned";
  }
  plan.review_after = duration_from(value, "review_after");
  plan.remind = duration_from(value, "remind");
  plan.escalate_after = duration_from(value, "escalate_after");
  plan.escalate_to = value.text("escalate_to");
  plan.escalate_instead_of = set_from(value.find("escalate_instead_of"));
  return plan;
}

std::set<std::string> groups_of(const Plan& plan) {
  std::set<std::string> out;
  add_groups(out, plan.quorum);
  for (const auto& entry : plan.any) {
    for (const Quorum& quorum : entry) add_groups(out, quorum);
  }
  for (const auto& entry : plan.stages) {
    for (const Quorum& quorum : entry) add_groups(out, quorum);
  }
  return out;
}

bool at_least_as_strict(const Plan& candidate, const Plan& reference) {
  return covers(candidate.quorum, reference.quorum) &&
         entries_cover(candidate.any, reference.any, any_covers) &&
         entries_cover(candidate.stages, reference.stages, stages_cover) &&
         veto_at_least(candidate, reference) && candidate.expires <= reference.expires &&
         candidate.assurance >= reference.assurance && channels_at_least(candidate, reference) &&
         candidate.look >= reference.look && candidate.another >= reference.another &&
         (reference.retype.empty() || candidate.retype == reference.retype) &&
         evidence_rank(candidate.evidence) >= evidence_rank(reference.evidence) &&
         review_after_at_least(candidate, reference) && escalation_at_least(candidate, reference);
}

int evidence_rank(std::string_view evidence) {
  if (evidence == "cosigned") return 2;
  return evidence == "published" ? 1 : 0;
}

doc::Value to_value(const Verdict& verdict) {
  std::vector<std::string> rules;
  for (const RuleHit& hit : verdict.hits) {
    if (!hit.shadow) rules.push_back(hit.rule);
  }
  doc::Value out = doc::object({{"effect", to_text(verdict.effect)},
                                {"rules", doc::array_of(rules)},
                                {"policy", verdict.policy_digest},
                                {"reasons", doc::array_of(verdict.reasons)},
                                {"decided_by", verdict.decided_by},
                                {"hits", hits_value(verdict.hits)}});
  if (verdict.effect == Effect::kRequire) out.set("plan", to_value(verdict.plan));
  if (verdict.defer_until) out.set("defer_until", to_rfc3339(*verdict.defer_until));
  if (verdict.modified_args) out.set("modified", true);
  if (verdict.observed) out.set("observed", true);
  return out;
}

Verdict verdict_from_value(const doc::Value& value) {
  Verdict out;
  out.effect = effect_from_text(value.text("effect")).value_or(Effect::kDeny);
  out.policy_digest = value.text("policy");
  out.reasons = strings_from(value.find("reasons"));
  out.decided_by = value.text("decided_by");
  out.hits = hits_from(value.find("hits"));
  if (const doc::Value* plan = value.find("plan")) out.plan = plan_from_value(*plan);
  if (value.find("defer_until") != nullptr) {
    out.defer_until = from_rfc3339(value.text("defer_until"));
  }
  out.observed = value.flag("observed");
  return out;
}

}  // namespace keyturn
