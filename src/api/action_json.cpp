#include "api/action_json.h"

#include <algorithm>

#include "channels/case.h"
#include "doc/json.h"
#include "render/case_view.h"

namespace keyturn::api {
namespace {

doc::Value text_or_null(const std::string& text) {
  return text.empty() ? doc::Value(nullptr) : doc::Value(text);
}

doc::Value object_or_empty(const doc::Value& value) {
  return value.is_null() ? doc::Value(doc::Object{}) : value;
}

doc::Value person_json(const people::Directory& directory, const std::string& id) {
  if (id.empty()) return nullptr;
  const people::Person* person = directory.person(id);
  return doc::object({{"id", id},
                      {"name", person == nullptr ? id : person->name},
                      {"kind", to_text(PrincipalKind::kPerson)}});
}

doc::Value requester_json(const people::Directory& directory, const gate::ActionRecord& record) {
  if (record.requester.kind == PrincipalKind::kPerson)
    return person_json(directory, record.requester.id);
  return doc::object({{"id", record.requester.id},
                      {"name", record.requester.id},
                      {"kind", to_text(record.requester.kind)}});
}

doc::Value shown_args(const std::set<std::string>& hidden, const doc::Value& args) {
  doc::Value out = args;
  if (!args.is_object()) return out;
  for (const std::string& name : hidden) {
    if (out.find(name) != nullptr) out.set(name, nullptr);
  }
  return out;
}

doc::Value rule_names(const Verdict& verdict) {
  std::vector<std::string> names;
  for (const RuleHit& hit : verdict.hits) {
    if (!hit.shadow) names.push_back(hit.rule);
  }
  if (names.empty() && !verdict.decided_by.empty()) names.push_back(verdict.decided_by);
  return doc::array_of(names);
}

std::string_view in_general(const Verdict& verdict) {
  if (verdict.decided_by == "unknown-tool") return "no such tool is configured";
  switch (verdict.effect) {
    case Effect::kAllow:
      return "policy allows it";
    case Effect::kDeny:
      return "policy denies it";
    case Effect::kRequire:
      return "policy asks for people";
    case Effect::kModify:
      return "policy changes it";
    case Effect::kDefer:
      return "policy says later";
  }
  return "";
}

doc::Value verdict_json(const Verdict& verdict, bool for_person) {
  if (for_person) {
    doc::Value out = to_value(verdict);
    out.set("rules", rule_names(verdict));
    return out;
  }
  return doc::object({{"effect", to_text(verdict.effect)},
                      {"rules", rule_names(verdict)},
                      {"policy", verdict.policy_digest},
                      {"reasons", doc::array_of({std::string(in_general(verdict))})}});
}

// For agents neither stages nor alternatives that have been left behind: what is still needed.
doc::Value needed_json(const gate::World& world, const gate::ActionRecord& record) {
  if (!record.review) return doc::Array{};
  return review::to_value(review::tally_of(*record.review, world.directory).needed);
}

doc::Value comments_json(const gate::ActionRecord& record) {
  doc::Array out;
  for (const gate::Comment& comment : record.comments) {
    doc::Value one =
        doc::object({{"by", comment.by}, {"text", comment.text}, {"at", to_rfc3339(comment.at)}});
    if (comment.erased) one.set("erased", true);
    out.push_back(std::move(one));
  }
  return out;
}

doc::Value ledger_json(const ActionView& view, const gate::ActionRecord& record) {
  return doc::object(
      {{"origin", view.origin},
       {"index", record.first_index ? doc::Value(*record.first_index) : doc::Value(nullptr)},
       {"last_index", record.last_index ? doc::Value(*record.last_index) : doc::Value(nullptr)}});
}

doc::Value erased_json(const gate::ActionRecord& record) {
  return doc::object({{"by", record.erased->by},
                      {"at", to_rfc3339(record.erased->at)},
                      {"index", record.erased->index},
                      {"request", record.request_erased}});
}

// What it came out otherwise for, and the look that it takes afterwards.
void set_emergency(doc::Value& out, const ActionView& view, const Principal& reader,
                   const gate::ActionRecord& r) {
  if (!r.incident.empty() || !r.break_glass.empty()) {
    out.set("emergency", doc::object({{"incident", text_or_null(r.incident)},
                                      {"break_glass", text_or_null(r.break_glass)}}));
  }
  if (!r.after_review) return;
  const gate::AfterReview& look = *r.after_review;
  doc::Value shown = doc::object(
      {{"due", to_rfc3339(look.due)},
       {"groups", doc::array_of(std::vector<std::string>(look.groups.begin(), look.groups.end()))},
       {"open", look.is_open()}});
  if (look.is_open()) {
    shown.set("waits_for_you", reader.kind == PrincipalKind::kPerson &&
                                   gate::can_look_after(view.world, reader, r).has_value());
  } else {
    shown.set("by", look.by);
    shown.set("at", to_rfc3339(look.at));
    shown.set("verdict", look.justified ? "justified" : "unjustified");
    shown.set("note", look.note);
  }
  out.set("after_review", std::move(shown));
}

// What was denied before in the very same words; and that it is an exercise, once that is told.
void set_attention(doc::Value& out, const people::Directory& directory, const Principal& reader,
                   const gate::ActionRecord& r) {
  if (r.repeats > 0) out.set("repeats", doc::object({{"of", r.repeats_of}, {"times", r.repeats}}));
  const bool told = !r.canary_result.empty() || directory.same_human(r.canary, reader.id);
  if (r.canary.empty() || !told) return;
  out.set("canary", doc::object({{"by", r.canary}, {"result", text_or_null(r.canary_result)}}));
}

void set_display(doc::Value& out, const ActionView& view, const gate::ActionRecord& record) {
  const render::CaseView shown =
      render::view_of(channels::case_of(view.world, record, view.fingerprint_key));
  out.set("display", render::to_value(shown.sections));
  out.set("display_complete", shown.complete);
}

// A vote of somebody who is deactivated since stays in the record, and counts no more.
doc::Value votes_json(const people::Directory& directory, const review::Review& review) {
  doc::Value out = review::to_value(review.votes);
  for (doc::Value& vote : out.as_array()) {
    const people::Person* voter = directory.person(vote.text("reviewer"));
    if (voter == nullptr || !voter->active) vote.set("inactive", true);
  }
  return out;
}

}  // namespace

doc::Value outcome_json(const Outcome& outcome) {
  doc::Value out = to_value(outcome);
  if (!outcome.reason.empty()) out.set("error", outcome.reason);
  if (outcome.rows && outcome.rows->is_array() && !outcome.rows->as_array().empty() &&
      outcome.rows->as_array().front().is_object()) {
    std::vector<std::string> columns;
    for (const doc::Member& member : outcome.rows->as_array().front().as_object())
      columns.push_back(member.key);
    out.set("columns", doc::array_of(columns));
  }
  return out;
}

doc::Value action_json(const ActionView& view, const Principal& reader, const gate::ActionRecord& r,
                       Detail detail, const std::optional<std::string>& grant) {
  const bool for_person = reader.kind != PrincipalKind::kAgent;
  const bool is_own = reader.kind == r.requester.kind && reader.id == r.requester.id;
  const people::Directory& directory = view.world.directory;
  doc::Value out =
      doc::object({{"id", r.id.str()},
                   {"version", r.version},
                   {"state", to_text(r.state)},
                   {"digest", r.case_digest},
                   {"created_at", to_rfc3339(r.created_at)},
                   {"expires_at", to_rfc3339(r.expires_at)},
                   {"requester", requester_json(directory, r)},
                   {"owner", person_json(directory, r.owner)},
                   {"tool", r.tool},
                   {"operation", r.operation},
                   {"mode", r.mode},
                   {"resource", to_value(r.resource)},
                   {"args", shown_args(channels::hidden_parameters(view.world, r), r.args)},
                   {"reason", r.reason},
                   {"claims", object_or_empty(r.claims)},
                   {"verdict", verdict_json(r.verdict, for_person)},
                   {"needed", needed_json(view.world, r)}});
  if (reader.kind == PrincipalKind::kPerson)
    out.set("waits_for_you", r.state == State::kPending && r.review &&
                                 review::waits_for(*r.review, directory, reader.id));
  if (r.review && !r.review->escalated_to.empty()) {
    out.set("escalated", true);
    out.set("escalated_to", r.review->escalated_to);
  }
  if (r.review && r.review->reminders > 0) out.set("reminders", r.review->reminders);
  out.set("votes", r.review ? votes_json(directory, *r.review) : doc::Value(doc::Array{}));
  out.set("comments", comments_json(r));
  out.set("review_url", std::string(view.public_url) + "/a/" + r.id.str());
  if (r.held_at) out.set("awaiting_evidence", r.held_for);
  if (r.awaits_requester) out.set("awaiting_requester", true);
  out.set("grant", grant ? doc::Value(*grant) : doc::Value(nullptr));
  out.set("outcome", r.outcome ? outcome_json(*r.outcome) : doc::Value(nullptr));
  out.set("amends", text_or_null(r.amends));
  out.set("amended_by", text_or_null(r.amended_by));
  if (r.run) {
    out.set("run", doc::object({{"id", r.run->run},
                                {"runbook", r.run->runbook},
                                {"step", r.run->step},
                                {"attempt", r.run->attempt}}));
  }
  if (r.defer_until) out.set("deferred_until", to_rfc3339(*r.defer_until));
  if (r.settled_at) out.set("settled_at", to_rfc3339(*r.settled_at));
  if (r.observed) out.set("observed", true);
  if (r.erased) out.set("erased", erased_json(r));
  if (for_person) set_emergency(out, view, reader, r);
  if (for_person) set_attention(out, directory, reader, r);
  if (for_person && !r.standing.empty()) out.set("standing", r.standing);
  out.set("ledger", ledger_json(view, r));
  if (detail == Detail::kFull && (for_person || is_own)) out.set("facts", r.facts.tree);
  if (detail == Detail::kFull && for_person) set_display(out, view, r);
  return out;
}

bool shown_whole(const ActionView& view, const gate::ActionRecord& record) {
  return render::view_of(channels::case_of(view.world, record, view.fingerprint_key)).complete;
}

doc::Value timeline_json(const Principal& reader, const gate::ActionRecord& record) {
  const bool for_person = reader.kind != PrincipalKind::kAgent;
  doc::Array items;
  for (const gate::ActionRecord::Moment& moment : record.timeline) {
    items.push_back(
        doc::object({{"at", to_rfc3339(moment.at)},
                     {"type", moment.type},
                     {"by", moment.by},
                     {"text", moment.text},
                     {"index", for_person ? doc::Value(moment.index) : doc::Value(nullptr)}}));
  }
  return doc::object({{"items", std::move(items)}, {"next", nullptr}});
}

}  // namespace keyturn::api
