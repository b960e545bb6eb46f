// From an approval to an outcome: once, for these bytes (promises one-release, same-bytes,
// evidence-first).
#include "catalog/credentials.h"
#include "gate/impl.h"

namespace keyturn::gate {
namespace {

EventDraft draft_of(const ActionRecord& r, std::string type, doc::Value body) {
  EventDraft draft;
  draft.stream = stream_of(r.id);
  draft.type = std::move(type);
  draft.body = std::move(body);
  return draft;
}

// What of an outcome may stand in the open record: numbers and words of ours, no output.
doc::Value public_outcome(const Outcome& outcome) {
  doc::Value out = doc::object({{"outcome", to_text(outcome.kind)},
                                {"duration_ms", outcome.duration_ms},
                                {"truncated", outcome.truncated}});
  if (outcome.exit_code) out.set("exit_code", *outcome.exit_code);
  if (outcome.row_count) out.set("row_count", *outcome.row_count);
  out.set("bytes",
          static_cast<std::int64_t>(outcome.stdout_text.size() + outcome.stderr_text.size()));
  return out;
}

std::string_view connector_of(const catalog::Tool& tool) {
  switch (tool.kind) {
    case catalog::ToolKind::kSql:
      return "sql";
    case catalog::ToolKind::kMcp:
      return "mcp";
    case catalog::ToolKind::kHttp:
      return "http";
    case catalog::ToolKind::kRunbook:
      return "runbook";
    case catalog::ToolKind::kExec:
    case catalog::ToolKind::kGrantOnly:  // the built-in tools
      return "exec";
  }
  return "exec";
}

State state_of(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::kSucceeded:
      return State::kSucceeded;
    case OutcomeKind::kFailed:
      return State::kFailed;
    case OutcomeKind::kUnknown:
      return State::kUnknown;
  }
  return State::kUnknown;
}

}  // namespace

std::string Gate::Impl::grant_text(const GrantId& id) const {
  const Digest mac = crypto::hmac_sha256(ports.hmac_key.reveal(), "grant/" + id.str());
  return id.str() + "." + to_base64url(view(mac));
}

// Grant mode: the grant. Execute mode: the intent, before anything starts.
std::vector<EventDraft> Gate::Impl::start_events(const ActionId& id, const catalog::Tool& tool,
                                                 Time expires_at, bool waits,
                                                 std::vector<store::Claim>& claims) {
  EventDraft draft;
  draft.stream = stream_of(id);
  if (tool.mode == catalog::Mode::kGrant) {
    const GrantId grant(make_sortable_id("gr_", unix_ms(now()), ports.random));
    draft.type = "grant.issued";
    draft.body = doc::object(
        {{"state", to_text(State::kApproved)},
         {"grant", doc::object({{"id", grant.str()},
                                {"enforcement_point", tool.enforcement_point},
                                {"secret_digest", crypto::sha256_text(grant_text(grant))},
                                {"expires_at", to_rfc3339(expires_at)}})}});
    claims.push_back({"grant-issued/" + grant.str(), id.str(), true});
  } else if (waits) {
    draft.type = "release.awaited";
    draft.body = doc::object({{"state", to_text(State::kApproved)},
                              {"release", doc::object({{"awaits", "requester"},
                                                       {"expires_at", to_rfc3339(expires_at)}})}});
  } else {
    draft.type = "execution.intended";
    doc::Value execution = doc::object({{"connector", connector_of(tool)}});
    if (const auto names = catalog::credentials_of(tool); !names.empty())
      execution.set("credentials", doc::array_of(names));
    draft.body =
        doc::object({{"state", to_text(State::kExecuting)}, {"execution", std::move(execution)}});
    claims.push_back({"release/" + id.str(), "1"});
  }
  return {std::move(draft)};
}

bool Gate::Impl::is_suspended(const Principal& requester) const {
  if (requester.kind != PrincipalKind::kAgent) return false;
  const people::Agent* agent = world.directory.agent(requester.id);
  return agent == nullptr || agent->suspended;
}

Result<void> Gate::Impl::check_not_suspended(const Principal& requester) const {
  if (!is_suspended(requester)) return {};
  return refuse("suspended", "agent " + requester.id +
                                 " is suspended: nothing of it is released before its owner or an "
                                 "administrator resumes it");
}

// Whatever comes of looking again, what was issued for that is in the record: with the release, or
// by itself when there is none.
Task<Result<Gate::Impl::Release>> Gate::Impl::prepare_release(std::shared_ptr<ActionRecord> voted,
                                                              Time at, bool there) {
  const ActionId id = voted->id;
  const auto noted = std::make_shared<std::vector<EventDraft>>();
  Result<Release> release = co_await look_again(std::move(voted), at, there, noted);
  if (noted->empty()) co_return release;
  if (release) {
    std::ranges::move(release->events, std::back_inserter(*noted));
    release->events = std::move(*noted);
  } else if (const auto record = open_record(id)) {
    const Result<std::vector<Event>> appended = co_await append(record, std::move(*noted), {}, {});
    if (appended) changed(record);
  }
  co_return release;
}

// The vote that completes the plan is folded into `voted` already. Looks again at everything that
// the approval rests on: the people, the configuration, the world. What no longer holds returns to
// review; else the start.
Task<Result<Gate::Impl::Release>> Gate::Impl::look_again(std::shared_ptr<ActionRecord> voted,
                                                         Time at, bool there, Noted noted) {
  Release release;
  if (Result<void> ok = check_not_suspended(voted->requester); !ok)
    co_return std::unexpected(ok.error());
  const std::string voted_evidence = voted->verdict.plan.evidence;
  Case c = case_of(*voted);
  c.releasing = true;
  c.noted = noted;
  const auto put_back = [&](std::string reason,
                            review::ReturnToReview::Votes votes) -> Result<Release> {
    review::ReturnToReview command{votes,     std::move(reason), c.verdict.plan,
                                   c.lineage, c.digest,          c.expires_at};
    Result<std::vector<EventDraft>> returned =
        review::decide(*voted->review, command, world.directory, at);
    if (!returned) return std::unexpected(returned.error());
    release.events = used_emergencies(c);
    release.events.push_back(decided_draft(c, State::kPending));
    for (EventDraft& draft : *returned) release.events.push_back(std::move(draft));
    return release;
  };
  const auto deny = [&](std::string why) -> Result<Release> {
    c.verdict.effect = Effect::kDeny;
    c.verdict.reasons = {std::move(why)};
    release.events.push_back(decided_draft(c, State::kDenied));
    release.events.back().body.set("request_print", request_print(c));
    return release;
  };
  if (c.tool == nullptr) {
    c.verdict = policy::deny_unknown_tool(*c.configuration->policy, voted->tool);
    co_return deny("the tool is not configured any more");
  }
  // same-bytes: what would run now must be what was reviewed.
  Result<Described> described = co_await describe(
      {voted->requester, *c.tool, voted->args, c.request.claims, voted->id}, voted->description);
  if (!described && described.error().code == "overloaded")
    co_return std::unexpected(described.error());
  if (!described) {
    c.verdict = voted->verdict;
    co_return deny("cannot be described any more: " + described.error().message);
  }
  bool drifted = c.tool->digest != voted->tool_digest ||
                 !runs_the_same(*c.tool, described->description, voted->description);
  if (!drifted) {
    const Result<bool> other = co_await moved(*c.tool, voted, noted);
    if (!other) co_return std::unexpected(other.error());
    drifted = *other;
  }
  const bool reconfigured = world.configuration->digest != voted->config_digest;
  if (drifted || reconfigured || emergency_is_over(*voted)) {
    // Decided again from what was asked for, before any modification.
    if (!(c.args == voted->args)) described = co_await describe(of(c));
    if (!described) co_return std::unexpected(described.error());
    c.described = std::move(*described);
    Result<Case> again = co_await decide_case(std::move(c), std::nullopt);
    if (!again) co_return std::unexpected(again.error());
    c = std::move(*again);
    drifted = drifted || !(c.args == voted->args);  // policy would change the arguments otherwise
    if (c.verdict.effect == Effect::kDeny || c.verdict.effect == Effect::kDefer) {
      co_return deny("decided again at release under the present configuration: " +
                     std::string(to_text(c.verdict.effect)));
    }
    if (c.verdict.effect != Effect::kRequire) {
      c.verdict.plan = voted->verdict.plan;  // people were asked: that stands
      c.previewed = co_await preview(c);
      note_look(c.id, c.previewed.shown, noted);
      seal_digest(c);
    }
    // Or it moved while it was decided again.
    drifted = drifted || !is_state_of(*voted, c.previewed);
    if (drifted) co_return put_back("drift", review::ReturnToReview::Votes::kVoidAll);
    // Another emergency than it was agreed under: people see that, and its opener is not one of
    // them.
    const bool under_another = (!c.incident.empty() && c.incident != voted->incident) ||
                               (!c.break_glass.empty() && c.break_glass != voted->break_glass);
    if (under_another)
      co_return put_back("emergency", review::ReturnToReview::Votes::kVoidPasskeys);
    if (!review::meets(*voted->review, c.verdict.plan, world.directory)) {
      co_return put_back("policy_changed", review::ReturnToReview::Votes::kVoidPasskeys);
    }
  }
  // The world may have moved while it was described.
  if (c.configuration != world.configuration || is_suspended(voted->requester))
    co_return refuse("conflict", "the configuration has changed meanwhile");
  if (Result<void> wanted = check_wanted(voted->run); !wanted)
    co_return std::unexpected(wanted.error());
  world.directory.pass_time(at);
  if (Result<void> counted = review::check_release(*voted->review, world.directory, at); !counted) {
    co_return std::unexpected(counted.error());
  }
  release.streams = review::streams_read(*voted->review, world.directory);
  // What was agreed to, or what policy asks for by now: the stricter.
  const std::string kind = evidence_rank(c.verdict.plan.evidence) > evidence_rank(voted_evidence)
                               ? c.verdict.plan.evidence
                               : voted_evidence;
  const Result<bool> evidence = has_evidence(*voted, kind);
  if (!evidence) co_return std::unexpected(evidence.error());
  if (!*evidence) {
    if (voted->held_for != kind) release.events.push_back(held_draft(*voted, kind));
    co_return release;
  }
  const bool waits = voted->attended && !there;
  release.events = start_events(
      voted->id, *c.tool, std::max(voted->expires_at, now() + Duration(std::chrono::minutes(1))),
      waits, release.claims);
  if (reconfigured) release.events.front().body.set("configuration", world.configuration->digest);
  release.executes = c.tool->mode == catalog::Mode::kExecute && !waits;
  co_return release;
}

void Gate::Impl::start_execution(const std::shared_ptr<ActionRecord>& record) {
  ++gate.numbers_.released;
  ports.spawn(execute(record));
}

// The intent is durable. Runs it, once; whatever comes back is recorded before anybody hears of it.
Task<void> Gate::Impl::execute(std::shared_ptr<ActionRecord> record) {
  Result<Outcome> outcome = Outcome{};
  try {
    if (!record->canary.empty()) {
      outcome = refuse("not_allowed", "this is an exercise: nothing of it ever runs");
    } else if (const auto built_in = built_ins.find(record->tool); built_in != built_ins.end()) {
      outcome = co_await built_in->second.what.run(*record);
    } else {
      const std::shared_ptr<const Configuration> configuration = world.configuration;
      const catalog::Tool* tool = configuration->tools->find(record->tool);
      if (tool == nullptr) {
        outcome =
            refuse("unknown_tool", "the tool is not configured any more; nothing was started");
      } else if (tool->digest != record->tool_digest) {
        outcome = refuse("digest_mismatch",
                         "the tool's definition has changed since this was decided; nothing was "
                         "started");
      } else if (tool->kind == catalog::ToolKind::kRunbook) {
        Result<void> begun;
        if (runner.begin)
          begun = co_await runner.begin(record);
        else
          begun = refuse("not_executable", "runbooks are not run from here");
        if (begun) co_return;  // conclude() says how it ended
        outcome = std::unexpected(begun.error());
      } else {
        outcome = co_await ports.executor.execute(
            {record->id, tool, record->args, record->description, record->attended,
             record->requester.id,
             [this, record](std::string type, doc::Value body) {
               return note(record, std::move(type), std::move(body));
             },
             record->state_print});
      }
    }
  } catch (const std::exception& error) {
    outcome = Outcome{};
    outcome->reason = std::string("the executor broke: ") + error.what();
  }
  Outcome result;
  if (outcome) {
    result = std::move(*outcome);
  } else {
    result.kind = OutcomeKind::kFailed;
    result.reason = outcome.error().message;
  }
  ++gate.numbers_.executed;
  co_await record_outcome(record, std::move(result));
}

Task<Result<void>> Gate::Impl::note(std::shared_ptr<ActionRecord> record, std::string type,
                                    doc::Value body) {
  Serial::Hold hold = co_await serial.take(record->id.str());
  if (is_final(record->state)) co_return refuse("closed", "its outcome is recorded");
  std::vector<EventDraft> drafts{draft_of(*record, std::move(type), std::move(body))};
  Result<std::vector<Event>> appended = co_await append(record, std::move(drafts), {}, {});
  if (!appended) co_return std::unexpected(appended.error());
  changed(record);
  co_return Result<void>{};
}

Task<void> Gate::Impl::record_outcome(std::shared_ptr<ActionRecord> record, Outcome outcome) {
  Serial::Hold hold = co_await serial.take(record->id.str());
  co_await finish(record, std::move(outcome));
}

// Appends the outcome. The caller holds the action.
Task<void> Gate::Impl::finish(std::shared_ptr<ActionRecord> record, Outcome outcome) {
  if (is_final(record->state)) co_return;
  const State state = state_of(outcome.kind);
  doc::Value body =
      doc::object({{"state", to_text(state)}, {"execution", public_outcome(outcome)}});
  EventDraft draft =
      draft_of(*record, state == State::kUnknown ? "execution.unknown" : "execution.finished",
               std::move(body));
  draft.private_part = doc::object({{"outcome", to_value(outcome)}});
  const auto drafts = [&] {
    std::vector<EventDraft> out{draft};
    if (std::optional<EventDraft> due = review_due(*record)) out.push_back(std::move(*due));
    return out;
  };
  Result<std::vector<Event>> appended = co_await append(record, drafts(), {}, {});
  if (!appended && appended.error().code != "overloaded" && !is_final(record->state)) {
    // An output that cannot be kept must not keep the outcome from being known.
    outcome.stdout_text.clear();
    outcome.stderr_text.clear();
    outcome.rows.reset();
    outcome.truncated = true;
    draft.private_part = doc::object({{"outcome", to_value(outcome)}});
    appended = co_await append(record, drafts(), {}, {});
  }
  if (appended) {
    record->outcome = std::move(outcome);
    changed(record);
  } else if (!is_final(record->state)) {
    unrecorded.emplace_back(std::move(record), std::move(outcome));
  }
}

Task<Result<RecordPtr>> Gate::consume_grant(Principal who, std::string text, std::string digest) {
  const auto nothing = [] { return refuse("not_found", "there is no such grant for you"); };
  const std::string grant = text.substr(0, text.find('.'));
  const std::optional<std::string> claimed =
      co_await ports_.journal.find_claim("grant-issued/" + grant);
  if (!claimed || !equal_constant_time(text, impl_->grant_text(GrantId(grant))))
    co_return nothing();
  const ActionId id(*claimed);
  Serial::Hold hold = co_await impl_->serial.take(id.str());
  std::shared_ptr<ActionRecord> record = co_await impl_->load_record(id);
  if (!record || !record->grant || who.kind != PrincipalKind::kAgent ||
      record->grant->enforcement_point != who.id)
    co_return nothing();
  if (record->grant->consumed)
    co_return refuse("already_used", "this grant was used; ask for a new one");
  if (record->state != State::kApproved)
    co_return refuse("closed", "the action is " + std::string(to_text(record->state)));
  if (now_passed(record->expires_at)) co_return refuse("closed", "the grant has expired");
  if (digest != record->case_digest)
    co_return refuse("digest_mismatch", "this grant is for another case; it was not used",
                     "/digest");
  const Configuration& configuration = *world_.configuration;
  const catalog::Tool* tool =
      configuration.tools ? configuration.tools->find(record->tool) : nullptr;
  if (tool == nullptr || tool->digest != record->tool_digest) {
    co_return refuse("digest_mismatch",
                     "the tool's definition has changed since this was approved; ask again",
                     "/digest");
  }
  impl_->pass_time();
  // Whatever else the standing approval is used for waits, so that nothing here conflicts with it.
  Serial::Hold turn;
  if (!record->standing.empty()) turn = co_await impl_->serial.take("standing/" + record->standing);
  if (Result<void> still = impl_->check_still_decided(*record); !still)
    co_return std::unexpected(still.error());
  if (record->review) {
    Result<void> still =
        review::check_release(*record->review, world_.directory, ports_.clock.now());
    if (!still && still.error().code != "closed") co_return std::unexpected(still.error());
  }
  if (impl_->is_suspended(record->requester))
    co_return refuse("closed", "the requesting agent is suspended");
  doc::Value body = doc::object(
      {{"state", to_text(State::kExecuting)},
       {"grant", doc::object({{"id", grant},
                              {"by", who.id},
                              {"outcome_due",
                               to_rfc3339(ports_.clock.now() + options_.grant_outcome_within)}})}});
  std::vector<EventDraft> events;
  events.push_back(draft_of(*record, "grant.consumed", std::move(body)));
  events.push_back(draft_of(
      *record, "execution.intended",
      doc::object({{"execution", doc::object({{"connector", "grant"}, {"by", who.id}})}})));
  std::set<std::string> streams{"policy", "tools", "config"};
  if (record->requester.kind == PrincipalKind::kAgent)
    streams.insert("agent/" + record->requester.id);
  if (record->review) streams.merge(review::streams_read(*record->review, world_.directory));
  if (const people::Standing* by = world_.standing.find(record->standing))
    streams.merge(impl_->streams_of(*by, record->lineage));
  Result<std::vector<Event>> appended = co_await impl_->append(
      record, std::move(events), std::move(streams), {{"release/" + id.str(), "1"}});
  if (!appended) co_return std::unexpected(appended.error());
  ++numbers_.released;
  impl_->changed(record);
  co_return record;
}

bool Gate::now_passed(Time time) const {
  return ports_.clock.now() >= time;
}

Task<Result<RecordPtr>> Gate::report_outcome(Principal who, ActionId id, OutcomeKind kind,
                                             doc::Value result) {
  Serial::Hold hold = co_await impl_->serial.take(id.str());
  std::shared_ptr<ActionRecord> record = co_await impl_->load_record(id);
  if (!record || !record->grant || who.kind != PrincipalKind::kAgent ||
      record->grant->enforcement_point != who.id) {
    co_return refuse("not_found", "there is no such action for you");
  }
  const bool late =
      record->state == State::kUnknown && (!record->outcome || !record->outcome->result);
  if (record->state != State::kExecuting && !late)
    co_return refuse("closed", "the action is " + std::string(to_text(record->state)));
  Outcome outcome;
  outcome.kind = kind;
  outcome.result = std::move(result);
  if (options_.redact_report) {
    const catalog::Tool* tool = impl_->find_tool(*world_.configuration, record->tool);
    options_.redact_report(*outcome.result, tool, record->args);
  }
  doc::Value body = doc::object({{"execution", public_outcome(outcome)}});
  if (late) body.set("late", true);
  body.set("state", to_text(late ? State::kUnknown : state_of(kind)));
  EventDraft draft = draft_of(*record, "execution.finished", std::move(body));
  draft.private_part = doc::object({{"outcome", to_value(outcome)}});
  std::vector<EventDraft> events;
  events.push_back(std::move(draft));
  if (std::optional<EventDraft> look = impl_->review_due(*record))
    events.push_back(std::move(*look));
  Result<std::vector<Event>> appended = co_await impl_->append(record, std::move(events), {}, {});
  if (!appended) co_return std::unexpected(appended.error());
  impl_->changed(record);
  co_return record;
}

std::optional<std::string> Gate::take_grant(const Principal& who, const ActionRecord& record) {
  if (!record.grant || record.grant->consumed || record.state != State::kApproved ||
      !(who.kind == record.requester.kind && who.id == record.requester.id)) {
    return std::nullopt;
  }
  if (!impl_->grants_shown.insert(record.grant->id.str()).second) return std::nullopt;
  return impl_->grant_text(record.grant->id);
}

}  // namespace keyturn::gate
