// A case as it is recorded: the digest that names all of it, the event, and the case of a record.
#include "gate/impl.h"

namespace keyturn::gate {
namespace {

// Claims that LEDGER's leaf names and that are short go into the public record; the rest stays
// private.
doc::Value public_claims(const doc::Value& claims) {
  doc::Value out = doc::Object{};
  for (const char* key : {"session", "model", "version", "instance", "on_behalf_of"}) {
    const doc::Value* claim = claims.find(key);
    if (claim != nullptr && claim->is_string() && claim->as_string().size() <= kClaimBytesMax)
      out.set(key, *claim);
  }
  return out;
}

}  // namespace

std::string_view mode_word(catalog::Mode mode) {
  return mode == catalog::Mode::kGrant ? "grant" : "execute";
}

void Gate::Impl::seal_digest(Case& c) {
  if (c.salt.empty()) c.salt = to_hex(ports.random.bytes(32));
  Verdict verdict = c.verdict;
  verdict.modified_args.reset();
  doc::Value whole = doc::object(
      {{"v", 1},
       {"id", c.id.str()},
       {"salt", c.salt},
       {"requester", c.requester.id},
       {"owner", c.owner},
       {"lineage", people::to_value(c.lineage)},
       {"tool", c.request.tool},
       {"tool_digest", c.tool == nullptr ? "" : c.tool->digest},
       {"operation", c.described.facts.operation},
       {"resource", c.tool == nullptr ? doc::Value() : to_value(c.tool->resource)},
       {"args_sha256", crypto::sha256_text(doc::canonical_or_die(c.args))},
       {"reason_sha256", crypto::sha256_text(c.request.reason)},
       {"facts_sha256", crypto::sha256_text(doc::canonical_or_die(c.described.facts.tree))},
       {"description_sha256", crypto::sha256_text(doc::canonical_or_die(c.described.description))},
       {"verdict", to_value(verdict)},
       {"configuration", c.configuration->digest},
       {"expires_at", to_rfc3339(c.expires_at)}});
  if (c.request.run) whole.set("run", to_value(*c.request.run));
  if (!c.previewed.shown.is_null()) {
    whole.set("preview_sha256", crypto::sha256_text(doc::canonical_or_die(c.previewed.shown)));
    whole.set("state", c.previewed.fingerprint);
  }
  c.digest = crypto::sha256_text(doc::canonical_or_die(whole));
}

// The case of an action that stands: to decide it again, or to look whether the world has moved.
Case Gate::Impl::case_of(const ActionRecord& r) const {
  Case c;
  c.id = r.id;
  c.configuration = world.configuration;
  c.tool = find_tool(*c.configuration, r.tool);
  c.requester = r.requester;
  c.owner = r.owner;
  c.lineage = r.lineage;
  c.request.tool = r.tool;
  c.request.args = r.original_args.is_null() ? r.args : r.original_args;
  c.request.reason = r.reason;
  c.request.claims = r.claims.is_null() ? doc::Value(doc::Object{}) : r.claims;
  c.request.traceparent = r.traceparent;
  c.request.attended = r.attended;
  c.request.run = r.run;
  c.previewed = {r.preview, r.state_print};
  c.args = c.request.args;
  c.amends = r.amends;
  c.canary = r.canary;
  c.created_at = r.created_at;
  c.described.facts = r.facts;
  c.described.description = r.description;
  c.counted_at = r.created_at;
  c.inputs = r.inputs;
  return c;
}

EventDraft Gate::Impl::decided_draft(const Case& c, State state) const {
  Verdict verdict = c.verdict;
  verdict.modified_args.reset();
  EventDraft draft;
  draft.stream = stream_of(c.id);
  draft.type = "action.decided";
  draft.body = doc::object(
      {{"state", to_text(state)},
       {"agent",
        doc::object({{"kind", c.requester.kind == PrincipalKind::kPerson ? "person" : "agent"},
                     {"id", c.requester.id},
                     {"owner", c.owner},
                     {"credential", c.requester.credential},
                     {"channel", c.requester.channel}})},
       {"claims", public_claims(c.request.claims)},
       {"action", doc::object({{"id", c.id.str()},
                               {"tool", c.request.tool.substr(0, kClaimBytesMax)},
                               {"tool_digest", c.tool == nullptr ? "" : c.tool->digest},
                               {"operation", c.described.facts.operation},
                               {"mode", c.tool == nullptr ? "execute" : mode_word(c.tool->mode)},
                               {"resource", c.tool == nullptr ? doc::Value(doc::Object{})
                                                              : to_value(c.tool->resource)},
                               {"digest", c.digest},
                               {"created_at", to_rfc3339(c.created_at)}})},
       {"policy", doc::object({{"digest", c.verdict.policy_digest},
                               {"configuration", c.configuration->digest},
                               {"verdict", to_value(verdict)}})},
       {"lineage", people::to_value(c.lineage)},
       {"expires_at", to_rfc3339(c.expires_at)}});
  if (!c.amends.empty()) draft.body.set("amends", c.amends);
  if (!c.incident.empty() || !c.break_glass.empty()) {
    draft.body.set("emergency",
                   doc::object({{"incident", c.incident}, {"break_glass", c.break_glass}}));
  }
  if (c.repeats > 0)
    draft.body.set("repeats", doc::object({{"of", c.repeats_of}, {"times", c.repeats}}));
  if (!c.standing.empty()) {
    draft.body.set("standing", doc::object({{"id", c.standing},
                                            {"stands_in_for", c.stood_in_for.decided_by},
                                            {"plan", to_value(c.stood_in_for.plan)}}));
  }
  if (c.request.run) draft.body.set("run", to_value(*c.request.run));
  if (is_triggered(c.requester) && !c.request.idempotency_key.empty())
    draft.body.set("trigger", c.request.idempotency_key);
  if (!c.planned_by.empty()) {
    draft.body.set("planned", doc::object({{"run", c.planned_by},
                                           {"stands_in_for", c.stood_in_for.decided_by},
                                           {"plan", to_value(c.stood_in_for.plan)}}));
  }
  if (c.defer_until) draft.body.set("defer_until", to_rfc3339(*c.defer_until));
  if (c.verdict.observed) draft.body.set("observed", true);
  if (c.request.attended) draft.body.set("attended", true);
  if (!c.request.traceparent.empty())
    draft.body.set("traceparent", c.request.traceparent.substr(0, kClaimBytesMax));
  draft.private_part = doc::object({{"args", c.args},
                                    {"reason", c.request.reason},
                                    {"claims", c.request.claims},
                                    {"facts", c.described.facts.tree},
                                    {"description", c.described.description},
                                    {"inputs", c.inputs},
                                    {"salt", c.salt}});
  if (!c.original_args.is_null()) draft.private_part->set("original_args", c.original_args);
  if (!c.canary.empty()) draft.private_part->set("canary", c.canary);
  if (!c.previewed.shown.is_null()) {
    draft.private_part->set("preview", c.previewed.shown);
    draft.private_part->set("state", c.previewed.fingerprint);
  }
  return draft;
}

}  // namespace keyturn::gate
