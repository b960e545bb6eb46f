#include "gate/record.h"

#include <algorithm>

namespace keyturn::gate {
namespace {

Time time_of(std::string_view text) {
  return from_rfc3339(text).value_or(Time{});
}

std::string list_in_words(const doc::Value* list) {
  std::set<std::string> names;
  if (list != nullptr && list->is_array()) {
    for (const doc::Value& one : list->as_array()) {
      if (one.is_string()) names.insert(one.as_string());
    }
  }
  return names.empty() ? std::string() : people::in_words(names);
}

std::string reminded_in_words(const doc::Value& body) {
  const std::string groups = list_in_words(body.find_path({"review", "groups"}));
  const doc::Value* of = body.find_path({"review", "of"});
  std::string out = "reminded";
  if (of != nullptr) out += " (" + std::to_string(of->as_int64().value_or(0)) + ")";
  return groups.empty() ? out : out + ": waits for " + groups;
}

std::string escalated_in_words(const doc::Value& body) {
  const doc::Value* to = body.find_path({"review", "to"});
  const std::string places = list_in_words(body.find_path({"review", "instead_of"}));
  const std::string out =
      "escalated to " + (to == nullptr || !to->is_string() ? std::string("?") : to->as_string());
  return places.empty() ? out : out + ", who may fill the places of " + places;
}

std::string in_words(const Event& event) {
  const doc::Value& body = event.body;
  if (event.type == "action.decided" && body.find("standing") != nullptr)
    return "allowed by standing approval " + std::string(body.find("standing")->text("id"));
  if (event.type == "action.decided" && body.find("planned") != nullptr)
    return "allowed by the approved plan of " + std::string(body.find("planned")->text("run"));
  if (event.type == "action.decided") {
    const doc::Value* verdict = body.find_path({"policy", "verdict"});
    return "policy decided: " + std::string(verdict == nullptr ? "?" : verdict->text("effect"));
  }
  if (event.type == "review.opened") return "review opened";
  if (event.type == "review.reminded") return reminded_in_words(body);
  if (event.type == "review.escalated") return escalated_in_words(body);
  if (event.type == "review.voted")
    return std::string(body.find_path({"vote", "decision"})->as_string()) == "deny" ? "denied"
                                                                                    : "approved";
  if (event.type == "review.vote_withdrawn") return "took the vote back";
  if (event.type == "review.commented" && event.has_private && !event.private_part) return "ERASED";
  if (event.type == "review.commented")
    return event.private_part ? std::string(event.private_part->text("text")) : "commented";
  if (event.type == "review.closed") {
    const doc::Value* review = body.find("review");
    return "review closed: " + std::string(review == nullptr ? "" : review->text("result"));
  }
  if (event.type == "release.held") {
    return "approved; waits until this entry is " + std::string(body.text("evidence"));
  }
  if (event.type == "release.awaited") return "starts when whoever asked for it takes it up";
  if (event.type == "canary.revealed") {
    const doc::Value* canary = body.find("canary");
    return "this was an exercise: " + std::string(canary == nullptr ? "" : canary->text("result"));
  }
  if (event.type == "grant.issued") return "grant issued";
  if (event.type == "grant.consumed") return "grant used";
  if (event.type == "execution.intended") return "execution started";
  if (event.type == "credential.issued" || event.type == "credential.revoked") {
    const doc::Value* one = body.find("credential");
    return (event.type == "credential.issued" ? "credential issued: " : "credential revoked: ") +
           std::string(one == nullptr ? "" : one->text("name")) +
           (body.text("for") == "look" ? ", to look at what it would touch" : "");
  }
  if (event.type == "execution.finished")
    return "execution finished: " + std::string(body.text("state"));
  if (event.type == "execution.unknown") return "nobody can say whether it took effect";
  if (event.type == "payload.erased") return "private parts erased";
  if (event.type == "breakglass.review_due") return "somebody has to look at it afterwards";
  if (event.type == "breakglass.reviewed") {
    const doc::Value* look = body.find("after_review");
    return "looked at afterwards: " + std::string(look == nullptr ? "" : look->text("verdict"));
  }
  return event.type;
}

void read_parts(ActionRecord& r, const doc::Value& body) {
  if (const doc::Value* agent = body.find("agent")) {
    r.requester.kind =
        agent->text("kind") == "person" ? PrincipalKind::kPerson : PrincipalKind::kAgent;
    r.requester.id = agent->text("id");
    r.requester.credential = agent->text("credential");
    r.requester.channel = agent->text("channel");
    r.owner = agent->text("owner");
  }
  if (const doc::Value* action = body.find("action")) {
    r.tool = action->text("tool");
    r.tool_digest = action->text("tool_digest");
    r.operation = action->text("operation");
    r.mode = action->text("mode");
    r.case_digest = action->text("digest");
    r.created_at = time_of(action->text("created_at"));
    if (const doc::Value* resource = action->find("resource"))
      r.resource = resource_from_value(*resource);
  }
  if (const doc::Value* policy = body.find("policy")) {
    r.policy_digest = policy->text("digest");
    r.config_digest = policy->text("configuration");
    if (const doc::Value* verdict = policy->find("verdict"))
      r.verdict = verdict_from_value(*verdict);
  }
  if (const doc::Value* lineage = body.find("lineage"))
    r.lineage = people::lineage_from_value(*lineage);
  if (const doc::Value* claims = body.find("claims")) r.claims = *claims;
  r.incident.clear();
  r.break_glass.clear();
  if (const doc::Value* used = body.find("emergency")) {
    r.incident = used->text("incident");
    r.break_glass = used->text("break_glass");
  }
  const doc::Value* repeats = body.find("repeats");
  r.repeats_of = repeats == nullptr ? "" : repeats->text("of");
  r.repeats = repeats == nullptr ? 0 : repeats->integer("times");
  r.standing.clear();
  r.stood_in_for = Verdict{};
  if (const doc::Value* used = body.find("standing")) {
    r.standing = used->text("id");
    r.stood_in_for.effect = Effect::kRequire;
    r.stood_in_for.decided_by = used->text("stands_in_for");
    if (const doc::Value* plan = used->find("plan")) r.stood_in_for.plan = plan_from_value(*plan);
  }
  r.run.reset();
  if (const doc::Value* step = body.find("run")) r.run = run_step_from_value(*step);
  r.planned_by.clear();
  if (const doc::Value* used = body.find("planned")) {
    r.planned_by = used->text("run");
    r.stood_in_for.effect = Effect::kRequire;
    r.stood_in_for.decided_by = used->text("stands_in_for");
    if (const doc::Value* plan = used->find("plan")) r.stood_in_for.plan = plan_from_value(*plan);
  }
  r.amends = body.text("amends");
  r.traceparent = body.text("traceparent");
  r.observed = body.flag("observed");
  r.attended = body.flag("attended");
  r.expires_at = time_of(body.text("expires_at"));
  r.defer_until = from_rfc3339(body.text("defer_until"));
}

void decided(ActionRecord& r, const Event& event) {
  r.id = ActionId(event.stream.substr(event.stream.find('/') + 1));
  read_parts(r, event.body);
  if (!event.private_part) {
    r.request_erased = r.request_erased || event.has_private;
    return;
  }
  const doc::Value& part = *event.private_part;
  if (const doc::Value* args = part.find("args")) r.args = *args;
  if (const doc::Value* args = part.find("original_args")) r.original_args = *args;
  if (const doc::Value* claims = part.find("claims")) r.claims = *claims;
  if (const doc::Value* d = part.find("description")) r.description = *d;
  if (const doc::Value* inputs = part.find("inputs")) r.inputs = *inputs;
  const doc::Value* preview = part.find("preview");
  r.preview = preview == nullptr ? doc::Value() : *preview;
  r.state_print = part.text("state");
  if (const doc::Value* facts = part.find("facts")) {
    r.facts.tree = *facts;
    r.facts.uninspectable = facts->flag("uninspectable");
  }
  r.facts.operation = r.operation;
  r.reason = part.text("reason");
  r.canary = part.text("canary");
}

// It waits for evidence, or its requester, no more.
void let_go(ActionRecord& r) {
  r.held_at.reset();
  r.held_for.clear();
  r.awaits_requester = false;
}

void approved(ActionRecord& r, const Event& event) {
  r.awaits_requester = event.type == "release.awaited";
  if (r.awaits_requester) {
    r.held_at.reset();
    if (const doc::Value* release = event.body.find("release"))
      r.expires_at = time_of(release->text("expires_at"));
    return;
  }
  r.held_at = event.index;
  r.held_for = event.body.text("evidence");
}

void granted(ActionRecord& r, const Event& event) {
  const doc::Value* grant = event.body.find("grant");
  if (grant == nullptr) return;
  if (event.type == "grant.issued") {
    r.grant = Grant{GrantId(std::string(grant->text("id"))),
                    std::string(grant->text("enforcement_point")),
                    std::string(grant->text("secret_digest"))};
    r.expires_at = time_of(grant->text("expires_at"));
  } else if (event.type == "grant.consumed" && r.grant) {
    r.grant->consumed = true;
    r.grant->outcome_due = from_rfc3339(grant->text("outcome_due"));
  }
}

void executed(ActionRecord& r, const Event& event) {
  if (event.type != "execution.finished" && event.type != "execution.unknown") return;
  const doc::Value* execution = event.body.find("execution");
  Outcome outcome;
  if (event.private_part && event.private_part->find("outcome") != nullptr) {
    outcome = outcome_from_value(*event.private_part->find("outcome"));
  } else if (execution != nullptr) {
    outcome = outcome_from_value(*execution);
  }
  if (event.type == "execution.unknown") {
    outcome.kind = OutcomeKind::kUnknown;
    if (execution != nullptr && outcome.reason.empty()) outcome.reason = execution->text("reason");
  }
  r.outcome = std::move(outcome);
}

void looked_after(ActionRecord& r, const Event& event) {
  const doc::Value* look = event.body.find("after_review");
  if (look == nullptr) return;
  AfterReview next = r.after_review.value_or(AfterReview{});
  if (event.type == "breakglass.review_due") {
    next.due = time_of(look->text("due"));
    if (const doc::Value* groups = look->find("groups"); groups != nullptr && groups->is_array()) {
      for (const doc::Value& group : groups->as_array()) {
        if (group.is_string()) next.groups.insert(group.as_string());
      }
    }
  } else if (event.type == "breakglass.reviewed") {
    next.by = look->text("by");
    next.justified = look->text("verdict") == "justified";
    next.at = event.time;
    if (event.private_part) next.note = event.private_part->text("note");
  }
  r.after_review = std::move(next);
}

}  // namespace

std::string who_did(const Event& event) {
  for (const auto& path :
       {std::pair{"vote", "reviewer"}, std::pair{"comment", "author"}, std::pair{"review", "by"},
        std::pair{"after_review", "by"}, std::pair{"grant", "by"}, std::pair{"execution", "by"},
        std::pair{"agent", "id"}}) {
    if (const doc::Value* found = event.body.find_path({path.first, path.second});
        found != nullptr && found->is_string()) {
      return found->as_string();
    }
  }
  return {};
}

void evolve(ActionRecord& r, const Event& event) {
  if (!event.stream.starts_with("action/")) return;
  r.version = event.position;
  if (!r.first_index) r.first_index = event.index;
  r.last_index = event.index;
  r.timeline.push_back({event.time, event.type, who_did(event), in_words(event), event.index});
  if (event.type == "action.decided") decided(r, event);
  if (event.type.starts_with("review.")) {
    r.review = review::evolve(r.review.value_or(review::Review{}), event);
    if (event.type == "review.opened") {
      r.case_digest = r.review->digest;
      r.verdict.plan = r.review->plan;
      r.expires_at = r.review->expires_at;
    }
    if (event.type == "review.commented" && event.private_part) {
      r.comments.push_back(
          {who_did(event), std::string(event.private_part->text("text")), event.time});
    } else if (event.type == "review.commented" && event.has_private) {
      r.comments.push_back({who_did(event), "", event.time, true});
    }
  }
  if (event.type == "payload.erased") {
    const doc::Value* erased = event.body.find("erased");
    r.erased = Erased{erased == nullptr ? "" : std::string(erased->text("authorised_by")),
                      event.time, event.index};
  }
  if (event.type == "release.held" || event.type == "release.awaited") approved(r, event);
  if (event.type == "grant.issued" || event.type == "execution.intended" ||
      event.type == "action.decided") {
    let_go(r);
  }
  granted(r, event);
  executed(r, event);
  looked_after(r, event);
  if (event.type == "canary.revealed") {
    const doc::Value* canary = event.body.find("canary");
    r.canary = canary == nullptr ? "" : canary->text("by");
    r.canary_result = canary == nullptr ? "" : canary->text("result");
  }
  if (event.type == "action.amended") r.amended_by = event.body.text("successor");
  if (const std::optional<State> state = state_from_text(event.body.text("state"))) {
    r.state = *state;
    if (is_final(*state) && !r.settled_at) r.settled_at = event.time;
    if (is_final(*state)) let_go(r);
  }
}

}  // namespace keyturn::gate
