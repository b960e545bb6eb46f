// The whole story of an action on one page: identify, describe, decide, record - and only then act.
#include <algorithm>
#include <cmath>

#include "gate/impl.h"

namespace keyturn::gate {

Task<Result<Submitted>> Gate::submit(Principal who, ActionRequest request) {
  ++numbers_.requested;
  Result<Submitted> answer = co_await impl_->submit(who, std::move(request), "", nullptr);
  if (!answer) ++numbers_.refused;
  co_return answer;
}

Task<Result<Submitted>> Gate::Impl::submit(Principal who, ActionRequest request, std::string amends,
                                           const ActionRecord* before) {
  std::string body_print;
  std::vector<store::Claim> claims;
  Serial::Hold one_at_a_time;
  const std::string claim = claim_of(who, request);
  if (!claim.empty()) {
    body_print =
        keyed_print(ports.hmac_key, {request.tool, doc::write_json(request.args), request.reason,
                                     request.mode.value_or(""), request.operation.value_or(""),
                                     doc::write_json(request.resource.value_or(doc::Value()))});
    one_at_a_time = co_await serial.take(claim);
    std::optional<Result<Submitted>> there = co_await attach(claim, body_print);
    if (there) co_return std::move(*there);
  }
  if (Result<void> admitted = admit(who, request.run.has_value()); !admitted)
    co_return std::unexpected(admitted.error());

  // Identify, describe and decide; nothing has taken effect yet. When the world moves before the
  // record of it is durable, decide again on the new one.
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    Result<Case> built = co_await build_case(who, request, amends, before);
    if (!built) co_return std::unexpected(built.error());
    claims.clear();
    if (!claim.empty()) claims.push_back({claim, built->id.str() + " " + body_print});
    Result<Submitted> recorded = co_await record_case(std::move(*built), std::move(claims));
    if (!recorded && recorded.error().code == "conflict") continue;
    co_return recorded;
  }
  co_return refuse("conflict", "the configuration keeps changing; ask again");
}

// The record comes first: when this append is durable the decision stands, and only then may it
// take effect.
Task<Result<Submitted>> Gate::Impl::record_case(Case c, std::vector<store::Claim> claims,
                                                Closing closes) {
  if (is_suspended(c.requester))
    co_return refuse("suspended", "agent " + c.requester.id + " is suspended");
  if (Result<void> wanted = check_wanted(c.request.run); !wanted)
    co_return std::unexpected(wanted.error());
  // Groups are part of the configuration; their streams are not among those expected.
  if (c.configuration != world.configuration)
    co_return refuse("conflict", "the configuration has changed meanwhile; ask again");
  State state = State::kDenied;
  std::vector<EventDraft> events = first_events(c, state);
  const bool makes_room = closes.record && closes.record->state == State::kPending;
  const bool counts = c.tool != nullptr && c.canary.empty();  // exercises are no agent's doing
  if (state == State::kPending && !makes_room && c.canary.empty() && !c.request.run &&
      pending_by_agent[c.requester.id] >= options.pending_per_agent_max) {
    co_return refuse("too_many_pending",
                     c.requester.id + " has " + std::to_string(options.pending_per_agent_max) +
                         " requests waiting for people; cancel some or wait for decisions");
  }
  if (state == State::kApproved || state == State::kExecuting) {
    std::ranges::move(start_events(c.id, *c.tool, c.expires_at, waits_for_requester(c), claims),
                      std::back_inserter(events));
  }
  store::AppendRequest request{std::move(events), c.expects, std::move(claims)};
  std::ranges::copy(closes.events, std::back_inserter(request.events));
  std::ranges::copy(closes.expects, std::back_inserter(request.expects));
  // Counted before it is durable: many requests at once are not each the first.
  if (counts) history.asked(use_of(c), c.created_at);
  store::Appended appended = co_await ports.journal.append(std::move(request));
  if (!appended) {
    ++gate.numbers_.conflicts;
    if (counts) history.not_asked(use_of(c), c.created_at);
    co_return refused(appended.error());
  }
  if (state == State::kDenied && counts) history.denied(use_of(c), c.created_at);
  fold_standing(*appended);
  if (closes.record) fold_closing(closes, *appended);
  if (!c.canary.empty()) exercises.insert(c.id.str());
  const std::shared_ptr<ActionRecord> record = take_in(c.id, *appended);
  if (record->version == appended->back().position) {  // else a reader was quicker, and more came
    record->args = c.args;
    record->original_args = c.original_args;
    record->reason = c.request.reason;
    record->claims = c.request.claims;
    record->facts = c.described.facts;
    record->description = c.described.description;
    record->inputs = c.inputs;
    record->preview = c.previewed.shown;
    record->state_print = c.previewed.fingerprint;
    record->canary = c.canary;
  }

  if (state == State::kExecuting) start_execution(record);
  if (closes.record) changed(closes.record);
  changed(record);
  Submitted submitted{record, true};
  co_return submitted;
}

// The same request again? Then the same action, never a second one.
Task<std::optional<Result<Submitted>>> Gate::Impl::attach(std::string claim,
                                                          std::string body_print) {
  const std::optional<std::string> claimed = co_await ports.journal.find_claim(claim);
  if (!claimed) co_return std::nullopt;
  const std::size_t space = claimed->find(' ');
  if (claimed->substr(space + 1) != body_print) {
    co_return refuse("idempotency_mismatch",
                     "this idempotency key was used for another request; use a new key",
                     "/idempotency_key");
  }
  std::shared_ptr<ActionRecord> record = co_await load_record(ActionId(claimed->substr(0, space)));
  if (!record) co_return refuse("not_found", "the action of this idempotency key is gone");
  co_return Submitted{record, false};
}

// Asked for by a trigger, in the name of an agent (triggers/). No caller says so of itself.
bool Gate::Impl::is_triggered(const Principal& who) {
  return who.kind == PrincipalKind::kAgent &&
         (who.channel == "schedule" || who.channel == "webhook");
}

std::string Gate::Impl::claim_of_step(const RunStep& step) {
  return "step/" + step.run + "/" + std::to_string(step.attempt) + "/" + step.step;
}

// What one request is told from another by: the key that its caller chose, the step of a run that
// it is, or what triggered it. "": by nothing, each is a new one.
std::string Gate::Impl::claim_of(const Principal& who, const ActionRequest& request) {
  if (request.run) return claim_of_step(*request.run);
  if (request.idempotency_key.empty()) return "";
  if (is_triggered(who)) return "trigger/" + request.idempotency_key;
  return "idem/" + who.id + "/" + request.idempotency_key;
}

// A suspended or unknown requester asks for nothing; a busy one waits, but for the steps of what it
// was given.
Result<void> Gate::Impl::admit(const Principal& who, bool is_step) {
  if (who.kind == PrincipalKind::kAgent) {
    const people::Agent* agent = world.directory.agent(who.id);
    if (agent == nullptr) return refuse("inactive", "there is no agent " + who.id);
    if (agent->suspended)
      return refuse("suspended", "agent " + who.id +
                                     " is suspended; its owner or an administrator can resume it");
  } else {
    const people::Person* person = world.directory.person(who.id);
    if (person == nullptr || !person->active)
      return refuse("inactive", who.id + " is not an active person");
  }
  if (is_step) return {};
  const double per_second = options.requests_per_second_max;
  const double wait = rates[who.id].take({std::max(1.0, per_second * 10), per_second}, now());
  if (wait > 0) {
    const auto whole = static_cast<unsigned>(std::clamp(std::ceil(wait), 1.0, 86'400.0));
    Refusal refusal{"rate_limited",
                    who.id + " asks too often; wait " + std::to_string(whole) + " s", "", whole};
    return std::unexpected(std::move(refusal));
  }
  return {};
}

// What the decision appends first, and the state that it leads to.
std::vector<EventDraft> Gate::Impl::first_events(const Case& c, State& state) {
  auto& n = gate.numbers_;
  switch (c.verdict.effect) {
    case Effect::kAllow:
      ++n.allowed;
      state = c.tool->mode == catalog::Mode::kGrant || waits_for_requester(c) ? State::kApproved
                                                                              : State::kExecuting;
      break;
    case Effect::kRequire:
      ++n.required;
      state = State::kPending;
      break;
    case Effect::kDefer:
      ++n.deferred;
      state = State::kDeferred;
      break;
    case Effect::kDeny:
    case Effect::kModify:  // decide() leaves none; were there one, it would be a denial
      ++n.denied;
      state = State::kDenied;
      break;
  }
  std::vector<EventDraft> events = used_emergencies(c);
  std::ranges::move(used_standing(c), std::back_inserter(events));
  events.push_back(decided_draft(c, state));
  if (state == State::kDenied && c.tool != nullptr) {
    events.back().body.set("request_print", note_denied(c));
  }
  if (state == State::kDeferred) {
    events.push_back({stream_of(c.id), "action.deferred", doc::object({{"state", to_text(state)}}),
                      std::nullopt});
  }
  if (state == State::kPending) {
    const review::Open open{c.id.str(), c.verdict.plan, c.digest, c.lineage, c.expires_at};
    Result<std::vector<EventDraft>> opened =
        review::decide(review::Review{}, open, world.directory, now());
    if (opened) std::ranges::move(*opened, std::back_inserter(events));
  }
  std::ranges::copy(*c.noted, std::back_inserter(events));
  return events;
}

// Every stream that the decision read must stand where it stood.
std::vector<store::Expect> Gate::Impl::expects_of(const Case& c) const {
  std::vector<store::Expect> out{{stream_of(c.id), 0, true}};
  for (const std::string& stream :
       {std::string("policy"), std::string("tools"), std::string("config")})
    out.push_back({stream, seen(stream)});
  const std::string who =
      (c.requester.kind == PrincipalKind::kAgent ? "agent/" : "person/") + c.requester.id;
  out.push_back({who, seen(who)});
  if (c.requester.kind == PrincipalKind::kAgent && !c.owner.empty())
    out.push_back({"person/" + c.owner, seen("person/" + c.owner)});
  return out;
}

}  // namespace keyturn::gate
