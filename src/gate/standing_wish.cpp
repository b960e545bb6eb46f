// What could stand, made from an action that people approved; who sees what stands, and ends it.
#include <algorithm>

#include "gate/impl.h"
#include "gate/standing.h"
#include "people/standing.h"
#include "policy/decide.h"
#include "policy/standing.h"

namespace keyturn::gate {
namespace {

using people::Standing;

std::unexpected<Refusal> cannot(const std::string& why) {
  return refuse("cannot_stand", why);
}

// Of the action itself: what does not change.
Result<void> check_model(const ActionRecord& model) {
  if (model.requester.kind != PrincipalKind::kAgent)
    return cannot("only what an agent asked for can be agreed to for a while");
  if (!model.review || model.review->status != review::Status::kApproved)
    return cannot("people have not approved this action: only what they approved can stand");
  switch (model.state) {
    case State::kApproved:
    case State::kExecuting:
    case State::kSucceeded:
    case State::kFailed:
    case State::kUnknown:
      break;
    case State::kDeferred:
    case State::kPending:
    case State::kDenied:
    case State::kExpired:
    case State::kCancelled:
      return cannot("the action is " + std::string(to_text(model.state)));
  }
  if (model.request_erased || !model.args.is_object())
    return cannot("what was asked for is erased");
  return {};
}

Result<void> check_params(const catalog::Tool& tool, const doc::Value& args) {
  for (const catalog::Param& param : tool.params) {
    const doc::Value* value = args.find(param.name);
    if (param.secret && value != nullptr && !value->is_null())
      return cannot("parameter " + param.name +
                    " is secret: it cannot be shown to who would agree to it");
  }
  return {};
}

// What is asked for against what the parameters were.
Result<void> check_bounds(const Gate::StandingWish& wish, const Standing& standing) {
  for (const auto& [name, bound] : wish.bounds) {
    const std::string where = "/bounds/" + doc::pointer_escape(name);
    const doc::Value* value = standing.params.find(name);
    if (value == nullptr)
      return refuse("invalid_args", "the action has no parameter " + name, where);
    if (standing.changed_by_policy.contains(name))
      return refuse("invalid_args", "policy sets parameter " + name + ": it has no bounds", where);
    if (!people::within(bound, *value))
      return refuse("invalid_args",
                    "the value that was approved is not within the bounds of " + name, where);
  }
  return {};
}

Result<void> check_terms(const std::vector<policy::StandingTerms>& all,
                         const Gate::StandingWish& wish, Time now) {
  if (all.empty())
    return cannot("policy permits no standing approval for this; it does in its section standing");
  Refusal nearest;
  for (const policy::StandingTerms& terms : all) {
    const auto unbounded = std::ranges::find_if(
        wish.bounds, [&](const auto& bound) { return !terms.bounds.contains(bound.first); });
    const std::string by = "policy (" + terms.permission + ") permits ";
    if (unbounded != wish.bounds.end())
      nearest = {"invalid_args", by + "no bounds for " + unbounded->first,
                 "/bounds/" + doc::pointer_escape(unbounded->first)};
    else if (wish.uses > terms.uses)
      nearest = {"invalid_args", by + "at most " + std::to_string(terms.uses) + " uses", "/uses"};
    else if (wish.until > now + terms.lasts)
      nearest = {"invalid_args", by + "at most " + to_text(terms.lasts), "/lasts"};
    else
      return {};
  }
  return std::unexpected(std::move(nearest));
}

bool same_values(const doc::Value& a, const doc::Value& b) {
  const std::optional<doc::Value> left = people::plainly_written(a);
  return left && left == people::plainly_written(b);
}

// Who may see it, and, but for auditors, end it.
bool has_part(const people::Directory& directory, const std::string& person, const Standing& one) {
  if (directory.same_human(one.proposer, person) || directory.same_human(one.owner, person) ||
      directory.in_any(person, groups_of(one.plan)))
    return true;
  if (const people::Agent* agent = directory.agent(one.agent);
      agent != nullptr && directory.same_human(agent->owner(), person))
    return true;
  return std::ranges::any_of(one.approvals, [&](const Standing::Approval& approval) {
    return directory.same_human(approval.reviewer, person) ||
           (!approval.instead_of.empty() && directory.same_human(approval.instead_of, person));
  });
}

// From here on it stands for nothing; again, should the record of that fail.
class Revoking {
 public:
  Revoking(std::set<std::string>& all, std::string id) : all_(all), id_(std::move(id)) {
    all_.insert(id_);
  }
  Revoking(const Revoking&) = delete;
  Revoking& operator=(const Revoking&) = delete;
  ~Revoking() { all_.erase(id_); }

 private:
  std::set<std::string>& all_;
  std::string id_;
};

}  // namespace

// `now`: the model, described and decided again.
Result<Standing> Gate::Impl::standing_like(const ActionRecord& model, const Case& now,
                                           const Gate::StandingWish& wish) const {
  const catalog::Tool& tool = *now.tool;
  if (!same_values(now.args, model.args) || !(now.described.description == model.description) ||
      now.described.facts.operation != model.operation)
    return cannot("it would not run as it was approved any more; have it approved anew");
  if (now.verdict.observed || now.verdict.effect != Effect::kRequire)
    return cannot("policy does not ask people about this now (" +
                  std::string(to_text(now.verdict.effect)) + ")");
  const policy::PolicyInput input = policy_input(now);
  if (!is_standable(now, input))
    return cannot(
        "nothing stands for what cannot be inspected, was denied before, came out otherwise for an "
        "emergency, needs another reviewer each time, or evidence outside before its release");
  Standing out;
  out.agent = model.requester.id;
  out.owner = now.owner;
  out.tool = tool.name;
  out.tool_digest = tool.digest;
  out.operation = model.operation;
  out.resource = tool.resource;
  out.plan = now.verdict.plan;
  // Those who are asked agree to what stands, and nobody for them.
  out.plan.escalate_instead_of.clear();
  out.until = wish.until;
  out.uses_max = wish.uses;
  out.model = model.id.str();
  out.params = *people::plainly_written(now.args);
  out.bounds = wish.bounds;
  out.changed_by_policy = changed_by_policy(now.original_args, now.args);
  out.runs = what_runs(now.described.description, !wish.bounds.empty());
  if (Result<void> ok = check_bounds(wish, out); !ok) return std::unexpected(ok.error());
  const Time at = this->now();
  if (wish.uses == 0)
    return refuse("invalid_args", "uses is at least 1: how often it may be used", "/uses");
  if (wish.until <= at) return refuse("invalid_args", "it would be over already", "/lasts");
  if (Result<void> ok =
          check_terms(policy::standing_terms(*now.configuration->policy, input), wish, at);
      !ok)
    return std::unexpected(ok.error());
  return out;
}

Task<Result<Standing>> Gate::standing_like(Principal who, StandingWish wish) {
  const std::shared_ptr<ActionRecord> model = co_await impl_->load_record(wish.model);
  impl_->pass_time();
  if (!model || !may_read(who, *model))
    co_return refuse("not_found", "there is no such action, or not for you");
  if (Result<void> ok = check_model(*model); !ok) co_return std::unexpected(ok.error());
  Case c = impl_->case_of(*model);
  if (c.tool == nullptr || c.tool->digest != model->tool_digest)
    co_return cannot("the tool's definition has changed since it was approved");
  if (Result<void> ok = check_params(*c.tool, model->args); !ok)
    co_return std::unexpected(ok.error());
  const people::Agent* agent = world_.directory.agent(c.requester.id);
  if (agent == nullptr || agent->owner() != model->owner)
    co_return cannot("the agent has another owner since");
  Result<Described> described = co_await impl_->describe(Impl::of(c));
  if (!described) co_return cannot("cannot be described any more: " + described.error().message);
  c.described = std::move(*described);
  Result<Case> decided = co_await impl_->decide_case(std::move(c), std::nullopt);
  if (!decided) co_return std::unexpected(decided.error());
  co_return impl_->standing_like(*model, *decided, wish);
}

bool Gate::may_see(const std::string& person, const Standing& one) const {
  const people::Person* known = world_.directory.person(person);
  return known != nullptr && known->active &&
         (known->admin || known->auditor || has_part(world_.directory, person, one));
}

std::string Gate::why_over(const Standing& one) const {
  if (!one.revoked_by.empty()) return "revoked by " + one.revoked_by;
  if (!one.in_force(ports_.clock.now())) return "its time is over";
  if (!one.has_uses()) return "every use is taken";
  if (!one.params.is_object()) return "what it stands for is erased";
  const people::Agent* agent = world_.directory.agent(one.agent);
  if (agent == nullptr || agent->owners_since(one.granted_at) != std::set<std::string>{one.owner})
    return "the agent has had another owner since";
  if (agent->suspended) return "the agent is suspended";
  const auto& tools = world_.configuration->tools;
  const catalog::Tool* tool = tools ? tools->find(one.tool) : nullptr;
  if (tool == nullptr || tool->digest != one.tool_digest) return "the tool's definition is another";
  return "";
}

Task<Result<Standing>> Gate::revoke_standing(Principal who, std::string id, std::string reason) {
  impl_->pass_time();
  const Standing* one = world_.standing.find(id);
  const bool host = who.kind == PrincipalKind::kHost;
  if (one == nullptr || (!host && (who.kind != PrincipalKind::kPerson || !may_see(who.id, *one))))
    co_return refuse("not_found", "there is no such standing approval, or not for you");
  if (!host && !world_.directory.person(who.id)->admin && !has_part(world_.directory, who.id, *one))
    co_return refuse("not_allowed", "an auditor looks at it, and does not end it");
  if (Result<void> ok = impl_->check_reason(reason, "the reason", "/reason"); !ok)
    co_return std::unexpected(ok.error());
  if (!one->revoked_by.empty() || !one->in_force(ports_.clock.now()))
    co_return refuse("closed", "it is over since " + to_rfc3339(one->until));
  std::vector<EventDraft> drafts;
  drafts.push_back(people::standing_revoked(*one, host ? "host" : who.id, reason));
  // Nothing is expected: whatever else happens to it at the same moment, it ends.
  const Revoking begun(impl_->revoking, id);
  Result<std::vector<Event>> recorded = co_await record(std::move(drafts), {});
  if (!recorded) co_return std::unexpected(recorded.error());
  const Standing* ended = world_.standing.find(id);
  co_return *ended;
}

}  // namespace keyturn::gate
