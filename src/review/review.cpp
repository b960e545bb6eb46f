// evolve() and the questions; decide.cpp has the commands.
#include "review/review.h"

#include <algorithm>

#include "people/delegation.h"

namespace keyturn::review {
namespace {

void opened(Review& r, const Event& event, const doc::Value& body) {
  const doc::Value* plan = body.find("plan");
  const doc::Value* lineage = body.find("lineage");
  r.status = Status::kOpen;
  r.round = static_cast<int>(body.integer("round", r.round + 1));
  r.plan = plan_from_value(plan == nullptr ? doc::Value() : *plan);
  r.lineage = people::lineage_from_value(lineage == nullptr ? doc::Value() : *lineage);
  r.digest = body.text("digest");
  r.opened_at = event.time;
  // Unreadable: already over.
  r.expires_at = from_rfc3339(body.text("expires_at")).value_or(Time{});
  r.closed_at = {};
  r.closed_by.clear();
  r.closed_reason.clear();
  r.places.clear();
  r.reminders = 0;
  r.escalated_to.clear();
  r.escalated_at = {};
  for (Vote& vote : r.votes) vote.escalated = false;
  const doc::Value* kept = body.find("kept");
  std::erase_if(r.votes, [&](const Vote& vote) {
    if (kept == nullptr || !kept->is_array()) return true;
    return std::ranges::find(kept->as_array(), doc::Value(vote.reviewer)) == kept->as_array().end();
  });
}

void voted(Review& r, const Event& event, const doc::Value& body) {
  const auto decision = decision_from_text(body.text("decision"));
  Vote vote;
  vote.reviewer = body.text("reviewer");
  if (!decision || vote.reviewer.empty()) return;
  vote.instead_of = body.text("instead_of");
  vote.decision = *decision;
  vote.at = event.time;
  assurance_from_text(body.text("assurance"), vote.assurance);  // unknown: the lowest
  vote.channel = body.text("channel");
  vote.digest = body.text("digest");
  vote.simulated = body.flag("simulated");
  vote.escalated = !r.escalated_to.empty();
  if (event.private_part) vote.note = event.private_part->text("note");
  vote.note_erased = event.has_private && !event.private_part;
  r.votes.push_back(std::move(vote));
}

void closed(Review& r, const Event& event, const doc::Value& body) {
  const std::string_view result = body.text("result");
  if (result == "returned") return;  // review.opened follows in the same commit
  r.status = Status::kCancelled;
  for (const Status status : {Status::kApproved, Status::kDenied, Status::kExpired}) {
    if (to_text(status) == result) r.status = status;
  }
  r.closed_at = event.time;
  r.closed_by = body.text("by");
  r.closed_reason = body.text("reason");
  r.places.clear();
  const doc::Value* places = body.find("places");
  if (places == nullptr || !places->is_array()) return;
  for (const doc::Value& place : places->as_array()) {
    r.places.push_back({std::string(place.text("group")), std::string(place.text("reviewer")),
                        std::string(place.text("instead_of"))});
  }
}

// Given before they were shut out: it does not come back with them.
bool is_void(const Vote& vote, const people::Directory& directory) {
  const auto shut_out_since = [&](const std::string& id) {
    const people::Person* person = directory.person(id);
    return person != nullptr && person->shut_out_at != Time{} && vote.at <= person->shut_out_at;
  };
  return shut_out_since(vote.reviewer) ||
         (!vote.instead_of.empty() && shut_out_since(vote.instead_of));
}

// Those whose denial closes, of whoever said so before or after the escalation.
std::set<std::string> veto_groups(const Plan& plan, const Escalation& escalation) {
  return with_escalation(plan.veto_any ? groups_of(plan) : plan.veto_groups, escalation);
}

// When the n-th is due; nullopt: not before it expires.
std::optional<Time> reminder(const Review& review, int n) {
  const Duration whole = review.expires_at - review.opened_at;
  if (review.plan.remind.count() <= 0 || n > kRemindersMax || whole < review.plan.remind)
    return std::nullopt;
  const Time at = review.opened_at + review.plan.remind * ((1 << n) - 1);
  if (at >= review.expires_at) return std::nullopt;
  return at;
}

// Or somebody has in their place.
bool has_voted(const Review& review, const people::Directory& directory, std::string_view person) {
  return std::ranges::any_of(review.votes, [&](const Vote& vote) {
    return vote.reviewer == person || directory.same_human(vote.reviewer, person) ||
           (!vote.instead_of.empty() && directory.same_human(vote.instead_of, person));
  });
}

std::string lacking(const std::vector<Needed>& needed) {
  std::string out;
  for (const Needed& n : needed) {
    if (n.have >= n.count) continue;
    if (!out.empty()) out += ", ";
    out += std::to_string(n.count - n.have) + " of " + n.group;
  }
  return out.empty() ? "its whole quorum" : out;
}

}  // namespace

std::vector<Approval> approvals_for(const Review& review, const Plan& plan,
                                    const people::Directory& directory) {
  std::vector<Approval> out;
  for (const Vote& vote : review.votes) {
    if (!vote.instead_of.empty() && !accepts_stand_ins(plan)) continue;
    if (is_void(vote, directory)) continue;
    if (vote.decision == Decision::kApprove && vote.assurance >= plan.assurance &&
        (!plan.channels || plan.channels->contains(vote.channel))) {
      out.emplace_back(vote.reviewer, vote.instead_of, vote.escalated);
    }
  }
  return out;
}

std::string_view to_text(Status status) {
  switch (status) {
    case Status::kNone:
      return "none";
    case Status::kOpen:
      return "open";
    case Status::kApproved:
      return "approved";
    case Status::kDenied:
      return "denied";
    case Status::kExpired:
      return "expired";
    case Status::kCancelled:
      return "cancelled";
  }
  return "none";
}

std::string_view to_text(Decision decision) {
  switch (decision) {
    case Decision::kApprove:
      return "approve";
    case Decision::kDeny:
      return "deny";
  }
  return "deny";
}

std::optional<Decision> decision_from_text(std::string_view text) {
  if (text == "approve") return Decision::kApprove;
  if (text == "deny") return Decision::kDeny;
  return std::nullopt;
}

Review evolve(Review before, const Event& event) {
  if (!event.type.starts_with("review.")) return before;
  before.action = event.stream.substr(event.stream.find('/') + 1);
  const auto part = [&](std::string_view key) {
    const doc::Value* v = event.body.find(key);
    return v == nullptr ? doc::Value() : *v;
  };
  if (event.type == "review.opened") opened(before, event, part("review"));
  if (event.type == "review.voted") voted(before, event, part("vote"));
  if (event.type == "review.closed") closed(before, event, part("review"));
  if (event.type == "review.commented") ++before.comments;
  if (event.type == "review.reminded")
    before.reminders = static_cast<int>(part("review").integer("of", before.reminders + 1));
  if (event.type == "review.escalated") {
    before.escalated_to = part("review").text("to");
    before.escalated_at = event.time;
  }
  if (event.type == "review.vote_withdrawn") {
    const doc::Value vote = part("vote");
    std::erase_if(before.votes, [&](const Vote& v) { return v.reviewer == vote.text("reviewer"); });
  }
  return before;
}

std::optional<Time> reminder_due(const Review& review) {
  if (review.status != Status::kOpen) return std::nullopt;
  return reminder(review, review.reminders + 1);
}

std::optional<Time> escalation_due(const Review& review) {
  const Plan& plan = review.plan;
  if (review.status != Status::kOpen || !review.escalated_to.empty() || plan.escalate_to.empty() ||
      plan.escalate_after.count() <= 0 ||
      plan.escalate_after >= review.expires_at - review.opened_at)
    return std::nullopt;
  return review.opened_at + plan.escalate_after;
}

Escalation escalation_of(const Review& review, const Plan& plan) {
  const bool same = !review.escalated_to.empty() && plan.escalate_to == review.escalated_to &&
                    plan.escalate_after.count() > 0 &&
                    plan.escalate_after <= review.escalated_at - review.opened_at;
  return same ? Escalation{plan.escalate_to, plan.escalate_instead_of} : Escalation{};
}

bool vetoes(const Review& review, const people::Directory& directory, std::string_view person) {
  return directory.in_any(person, veto_groups(review.plan, escalation_of(review, review.plan)));
}

bool meets(const Review& review, const Plan& plan, const people::Directory& directory) {
  const auto excluded = people::humans_of(directory, review.lineage);
  const Escalation escalation = escalation_of(review, plan);
  for (const Vote& vote : review.votes) {
    if (vote.decision != Decision::kDeny) continue;
    const auto groups = veto_groups(plan, vote.escalated ? escalation : Escalation{});
    if (!people::groups_for(directory, excluded, vote.reviewer, vote.instead_of, groups).empty())
      return false;
  }
  return tally(plan, approvals_for(review, plan, directory), directory, review.lineage, escalation)
      .satisfied;
}

Tally tally_of(const Review& review, const people::Directory& directory) {
  return tally(review.plan, approvals_for(review, review.plan, directory), directory,
               review.lineage, escalation_of(review, review.plan));
}

Result<void> check_release(const Review& review, const people::Directory& directory, Time now) {
  if (review.status != Status::kApproved) {
    return refuse("not_approved", "its review is " + std::string(to_text(review.status)));
  }
  if (now >= review.expires_at) {
    return refuse("closed", "the approval expired at " + to_rfc3339(review.expires_at));
  }
  if (meets(review, review.plan, directory)) return {};
  const Tally count = tally_of(review, directory);
  return refuse("quorum_lost",
                "people have changed since the votes: it now lacks " + lacking(count.needed));
}

Asked asked_now(const Review& review, const people::Directory& directory) {
  return {people::humans_of(directory, review.lineage),
          open_groups(review.plan, approvals_for(review, review.plan, directory), directory,
                      review.lineage, escalation_of(review, review.plan))};
}

bool waits_for(const Review& review, const people::Directory& directory, const Asked& asked,
               std::string_view person) {
  if (review.status != Status::kOpen || has_voted(review, directory, person)) return false;
  const auto places = people::places_for(directory, asked.excluded, person, asked.groups);
  return std::ranges::any_of(places, [&](const std::string& place) {
    return place.empty() ||
           (accepts_stand_ins(review.plan) && !has_voted(review, directory, place));
  });
}

namespace {

// And who stands in for them.
std::set<std::string> members_of(const std::set<std::string>& groups,
                                 const people::Directory& directory) {
  std::set<std::string> out;
  for (const std::string& group : groups) {
    for (const std::string& id : directory.members(group)) {
      out.insert(id);
      out.merge(people::delegates_of(directory, id));
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> waiting_for(const Review& review, const people::Directory& directory) {
  std::vector<std::string> out;
  if (review.status != Status::kOpen) return out;
  const Asked asked = asked_now(review, directory);
  for (const std::string& id : members_of(asked.groups, directory)) {
    if (waits_for(review, directory, asked, id)) out.push_back(id);
  }
  return out;
}

bool waits_for(const Review& review, const people::Directory& directory, std::string_view person) {
  return review.status == Status::kOpen &&
         waits_for(review, directory, asked_now(review, directory), person);
}

bool is_for(const Review& review, const people::Directory& directory, const Asked& asked,
            std::string_view person) {
  if (waits_for(review, directory, asked, person)) return true;
  return review.status == Status::kOpen && !review.escalated_to.empty() &&
         !has_voted(review, directory, person) &&
         !people::places_for(directory, asked.excluded, person, {review.escalated_to}).empty();
}

bool is_escalated_to(const Review& review, const people::Directory& directory,
                     std::string_view person) {
  if (review.status != Status::kOpen || review.escalated_to.empty()) return false;
  const auto excluded = people::humans_of(directory, review.lineage);
  return !people::places_for(directory, excluded, person, {review.escalated_to}).empty();
}

std::vector<std::string> escalated_to(const Review& review, const people::Directory& directory) {
  std::vector<std::string> out;
  for (const std::string& id : members_of({review.escalated_to}, directory)) {
    if (is_escalated_to(review, directory, id)) out.push_back(id);
  }
  return out;
}

bool is_reviewer(const Review& review, const people::Directory& directory,
                 std::string_view person) {
  const people::Person* p = directory.person(person);
  if (p == nullptr || !p->active || review.status == Status::kNone) return false;
  if (has_voted(review, directory, person)) return true;
  std::set<std::string> groups = groups_of(review.plan);
  groups.insert(review.plan.veto_groups.begin(), review.plan.veto_groups.end());
  if (!review.escalated_to.empty()) groups.insert(review.escalated_to);
  return !people::places_for(directory, people::humans_of(directory, review.lineage), person,
                             groups)
              .empty();
}

std::set<std::string> streams_read(const Review& review, const people::Directory& directory) {
  std::set<std::string> out;
  for (const std::string& id : people::persons_of(directory, review.lineage)) {
    out.insert("person/" + id);
  }
  std::set<std::string, std::less<>> voted;
  for (const Vote& vote : review.votes) {
    voted.emplace(directory.human_of(vote.reviewer));
    if (!vote.instead_of.empty()) voted.emplace(directory.human_of(vote.instead_of));
  }
  for (const auto& [id, person] : directory.persons()) {
    if (voted.contains(directory.human_of(id))) out.insert("person/" + id);
  }
  std::set<std::string> groups = groups_of(review.plan);
  groups.insert(review.plan.veto_groups.begin(), review.plan.veto_groups.end());
  if (!review.escalated_to.empty()) groups.insert(review.escalated_to);
  for (const std::string& group : groups) out.insert("group/" + group);
  if (review.lineage.requester_kind == PrincipalKind::kAgent) {
    out.insert("agent/" + review.lineage.requester);
  }
  for (const people::Party& party : review.lineage.parties) {
    if (directory.agent(party.id) != nullptr) out.insert("agent/" + party.id);
  }
  return out;
}

doc::Value to_value(const std::vector<Vote>& votes) {
  doc::Value out{doc::Array{}};
  for (const Vote& vote : votes) {
    doc::Value v = doc::object({{"reviewer", vote.reviewer},
                                {"decision", to_text(vote.decision)},
                                {"at", to_rfc3339(vote.at)},
                                {"assurance", to_text(vote.assurance)},
                                {"channel", vote.channel},
                                {"note", vote.note}});
    if (!vote.instead_of.empty()) v.set("instead_of", vote.instead_of);
    if (vote.simulated) v.set("simulated", true);
    if (vote.note_erased) v.set("note_erased", true);
    out.push(std::move(v));
  }
  return out;
}

}  // namespace keyturn::review
