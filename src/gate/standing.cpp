// Standing approvals at work: where people would be asked, one that fits exactly stands in for
// them. Each use has a case, a digest and a release of its own, and counts in the commit that
// decides.
#include "people/standing.h"

#include <algorithm>

#include "gate/impl.h"
#include "gate/standing.h"
#include "policy/standing.h"

namespace keyturn::gate {
namespace {

using people::Standing;

// Its votes, as a review of this lineage would have them. Whoever had a part in asking for it is
// out, too.
review::Review review_of(const Standing& one, const people::Lineage& lineage) {
  review::Review out;
  out.plan = one.plan;
  out.lineage = lineage;
  out.lineage.add(people::Role::kProposer, one.proposer);
  for (const people::Party& party : one.lineage.parties) out.lineage.add(party.role, party.id);
  for (const Standing::Approval& approval : one.approvals) {
    review::Vote vote;
    vote.reviewer = approval.reviewer;
    vote.instead_of = approval.instead_of;
    vote.at = one.granted_at;
    vote.assurance = approval.assurance;
    vote.channel = approval.channel;
    out.votes.push_back(std::move(vote));
  }
  return out;
}

bool permits(const std::vector<policy::StandingTerms>& all, const Standing& one, bool used,
             Time now) {
  return std::ranges::any_of(all, [&](const policy::StandingTerms& terms) {
    const bool bounds = std::ranges::all_of(
        one.bounds, [&](const auto& bound) { return terms.bounds.contains(bound.first); });
    return bounds && now < one.granted_at + terms.lasts && (used || one.uses < terms.uses);
  });
}

}  // namespace

std::set<std::string> changed_by_policy(const doc::Value& original, const doc::Value& args) {
  std::set<std::string> out;
  if (!original.is_object() || !args.is_object()) return out;
  const auto differs = [](const doc::Value* a, const doc::Value* b) {
    if (a == nullptr || b == nullptr) return a != b;
    return people::plainly_written(*a) != people::plainly_written(*b);
  };
  for (const doc::Value* one : {&original, &args}) {
    for (const doc::Member& member : one->as_object()) {
      if (differs(original.find(member.key), args.find(member.key))) out.insert(member.key);
    }
  }
  return out;
}

std::string what_runs(doc::Value description, bool bounded) {
  if (bounded && description.is_object()) {
    std::erase_if(description.as_object(), [](const doc::Member& member) {
      return std::ranges::find(kSayArguments, member.key) != kSayArguments.end();
    });
  }
  return crypto::sha256_text(doc::canonical_or_die(description));
}

bool Gate::Impl::stands(const Standing& one, const Case& c, const policy::PolicyInput& input,
                        const Plan& asked, bool used) const {
  const people::Agent* agent = world.directory.agent(one.agent);
  const bool same =
      c.requester.kind == PrincipalKind::kAgent && c.requester.id == one.agent &&
      c.owner == one.owner && agent != nullptr && !agent->suspended &&
      agent->owners_since(one.granted_at) == std::set<std::string>{one.owner} &&
      c.tool != nullptr && c.tool->name == one.tool && c.tool->digest == one.tool_digest &&
      c.described.facts.operation == one.operation && c.tool->resource == one.resource;
  if (!same || revoking.contains(one.id) || !one.in_force(now()) || !one.fits(c.args) ||
      changed_by_policy(c.original_args, c.args) != one.changed_by_policy ||
      what_runs(c.described.description, !one.bounds.empty()) != one.runs)
    return false;
  // As policy and people are now.
  if (!permits(policy::standing_terms(*c.configuration->policy, input), one, used, now()) ||
      !at_least_as_strict(one.plan, asked))
    return false;
  const review::Review review = review_of(one, c.lineage);
  return review::meets(review, one.plan, world.directory) &&
         review::meets(review, asked, world.directory);
}

const Standing* Gate::Impl::standing_for(const Case& c, const policy::PolicyInput& input) const {
  const Verdict& verdict = c.verdict;
  if (verdict.effect != Effect::kRequire || verdict.observed || !is_standable(c, input))
    return nullptr;
  for (const Standing* one : world.standing.of(c.requester.id, now())) {
    if (stands(*one, c, input, verdict.plan, false)) return one;
  }
  return nullptr;
}

bool is_standable(const Case& c, const policy::PolicyInput& input) {
  const Facts& facts = c.described.facts;
  return c.requester.kind == PrincipalKind::kAgent && !facts.uninspectable &&
         !facts.tree.flag("uninspectable") && input.request.repeats_of_denied == 0 &&
         c.incident.empty() && c.break_glass.empty() && c.canary.empty() &&
         c.verdict.plan.another.count() == 0 && evidence_rank(c.verdict.plan.evidence) == 0;
}

// Who uses one, one after the other: else many at once would conflict, and all but one be asked to
// ask again.
Task<Case> Gate::Impl::stand_in(Case c, policy::PolicyInput input) {
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    pass_time();
    const Standing* one = standing_for(c, input);
    if (one == nullptr) break;
    if (c.turn && c.standing == one->id) {
      use_standing(c, *one);
      co_return c;
    }
    c.standing = one->id;
    c.turn.reset();
    c.turn = std::make_shared<Serial::Hold>(co_await serial.take("standing/" + c.standing));
  }
  c.standing.clear();
  c.turn.reset();
  co_return c;
}

std::set<std::string> Gate::Impl::streams_of(const Standing& one,
                                             const people::Lineage& lineage) const {
  std::set<std::string> out = review::streams_read(review_of(one, lineage), world.directory);
  out.insert("standing/" + one.id);
  return out;
}

void Gate::Impl::use_standing(Case& c, const Standing& one) const {
  for (const std::string& stream : streams_of(one, c.lineage)) {
    if (std::ranges::find(c.expects, stream, &store::Expect::stream) == c.expects.end())
      c.expects.push_back({stream, seen(stream)});
  }
  c.standing = one.id;
  c.stood_in_for.effect = Effect::kRequire;
  c.stood_in_for.decided_by = c.verdict.decided_by;
  c.stood_in_for.plan = c.verdict.plan;
  c.lineage.add(people::Role::kProposer, one.proposer);
  for (RuleHit& hit : c.verdict.hits) {
    if (hit.effect == Effect::kRequire && !hit.shadow && hit.exceptions.empty())
      hit.exceptions.push_back("standing:" + one.id);
  }
  std::set<std::string> who;
  for (const Standing::Approval& approval : one.approvals) who.insert(approval.reviewer);
  c.verdict.reasons.insert(c.verdict.reasons.begin(),
                           "standing approval " + one.id + ", which " + people::in_words(who) +
                               " agreed to in " + one.action + ", stands in for them: use " +
                               std::to_string(one.uses + 1) + " of " +
                               std::to_string(one.uses_max) + ", until " + to_rfc3339(one.until));
  c.verdict.effect = Effect::kAllow;
  c.verdict.decided_by = "standing:" + one.id;
}

std::vector<EventDraft> Gate::Impl::used_standing(const Case& c) const {
  std::vector<EventDraft> out;
  if (const Standing* one = world.standing.find(c.standing))
    out.push_back(people::standing_used(*one, c.id.str()));
  return out;
}

void Gate::Impl::fold_standing(const std::vector<Event>& appended) {
  for (const Event& event : appended) {
    if (event.stream.starts_with("standing/")) fold(event);
  }
}

Result<void> Gate::Impl::check_still_decided(const ActionRecord& record) const {
  const Configuration& configuration = *world.configuration;
  if (configuration.digest == record.config_digest && !emergency_is_over(record) &&
      record.standing.empty())
    return {};
  Case again = case_of(record);
  again.args = record.args;
  again.original_args = record.original_args;
  policy::PolicyInput input = policy_input(again);
  // Only what it was decided under counts, while that is in force.
  if (input.request.incident != record.incident) input.request.incident.clear();
  if (input.request.break_glass != record.break_glass) input.request.break_glass.clear();
  const Verdict now = policy::decide(*configuration.policy, input);
  const bool asks = now.effect == Effect::kRequire && record.review &&
                    review::meets(*record.review, now.plan, world.directory);
  const Standing* one = world.standing.find(record.standing);
  const bool stood_in = now.effect == Effect::kRequire && one != nullptr &&
                        stands(*one, again, input, now.plan, true);
  if (!now.modified_args && (now.effect == Effect::kAllow || asks || stood_in)) return {};
  if (one != nullptr)
    return refuse("closed", "the standing approval that this was allowed by, " + one->id +
                                ", does not stand for it any more; ask again");
  return refuse("digest_mismatch",
                "policy, or the emergency that this was decided under, is not what it was, and "
                "decides otherwise now; ask again",
                "/digest");
}

}  // namespace keyturn::gate
