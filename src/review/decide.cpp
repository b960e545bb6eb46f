// What a command would cause. Refusals of a vote come in the order of the contract.
#include <algorithm>

#include "base/bytes.h"
#include "people/delegation.h"
#include "review/review.h"

namespace keyturn::review {
namespace {

using Drafts = std::vector<EventDraft>;
constexpr std::chrono::hours kLookedMax{1};  // a page left open says no more than that
using people::Directory;

EventDraft draft(const std::string& action, std::string type, std::string_view key,
                 doc::Value part) {
  EventDraft out;
  out.stream = "action/" + action;
  out.type = std::move(type);
  out.body = doc::object({{key, std::move(part)}});
  return out;
}

doc::Value names_of(const std::set<std::string>& names) {
  return doc::array_of(std::vector<std::string>(names.begin(), names.end()));
}

EventDraft closed(const Review& review, std::string_view result, std::string_view by,
                  std::string_view reason) {
  doc::Value v = doc::object({{"result", result}, {"round", review.round}});
  if (!by.empty()) v.set("by", by);
  if (!reason.empty()) v.set("reason", reason);
  return draft(review.action, "review.closed", "review", std::move(v));
}

EventDraft approved(const Review& review, const Tally& count) {
  EventDraft out = closed(review, "approved", {}, {});
  doc::Value places{doc::Array{}};
  for (const Place& place : count.places) {
    doc::Value filled = doc::object({{"group", place.group}, {"reviewer", place.reviewer}});
    if (!place.instead_of.empty()) filled.set("instead_of", place.instead_of);
    places.push(std::move(filled));
  }
  doc::Value part = *out.body.find("review");
  part.set("places", std::move(places));
  out.body.set("review", std::move(part));
  return out;
}

EventDraft opened(const std::string& action, int round, const Plan& plan, std::string_view digest,
                  const people::Lineage& lineage, Time expires_at) {
  doc::Value v = doc::object({{"round", round},
                              {"digest", digest},
                              {"expires_at", to_rfc3339(expires_at)},
                              {"plan", keyturn::to_value(plan)},
                              {"lineage", people::to_value(lineage)}});
  return draft(action, "review.opened", "review", std::move(v));
}

// The state after these drafts, as evolve() will see them.
Review after(const Review& review, const Drafts& drafts, Time now) {
  Review out = review;
  for (const EventDraft& d : drafts) {
    Event event;
    event.stream = d.stream;
    event.type = d.type;
    event.time = now;
    event.body = d.body;
    out = evolve(std::move(out), event);
  }
  return out;
}

bool is_open(const Review& review, Time now) {
  return review.status == Status::kOpen && now < review.expires_at;
}

std::unexpected<Refusal> refuse_closed(const Review& review) {
  const std::string state = review.status == Status::kOpen
                                ? "expired at " + to_rfc3339(review.expires_at)
                                : std::string(to_text(review.status));
  return refuse("closed", "the review is closed: " + state);
}

Result<void> check_text(std::string_view text, std::size_t bytes_max, std::string code) {
  if (text.size() > bytes_max) {
    return refuse(std::move(code), "at most " + std::to_string(bytes_max) + " bytes");
  }
  if (first_invalid_utf8(text)) return refuse("invalid_text", "the text is not valid UTF-8");
  return {};
}

const Vote* vote_of(const Review& review, const Directory& directory, std::string_view person) {
  for (const Vote& vote : review.votes) {
    if (vote.reviewer == person || directory.same_human(vote.reviewer, person)) return &vote;
  }
  return nullptr;
}

// The vote that fills this person's place already, their own or another's.
const Vote* vote_in_place_of(const Review& review, const Directory& directory,
                             std::string_view person) {
  for (const Vote& vote : review.votes) {
    const std::string& place = vote.instead_of.empty() ? vote.reviewer : vote.instead_of;
    if (place == person || directory.same_human(place, person)) return &vote;
  }
  return nullptr;
}

// inactive, own_request, related_to_requester, not_a_reviewer: who the voter is.
Result<std::string> check_voter_is_agent(const Review& review, const Principal& by,
                                         const Directory& directory) {
  const people::Agent* agent = directory.agent(by.id);
  if (agent != nullptr && agent->suspended) {
    return refuse("inactive", "agent " + by.id + " is suspended");
  }
  if (review.lineage.requester_kind == PrincipalKind::kAgent && review.lineage.requester == by.id) {
    return refuse("own_request", by.id + " asked for it and cannot review it");
  }
  return refuse("not_a_reviewer", "only people review; " + by.id + " is an agent");
}

// Who is asked about it, and could have a say in this vote now.
std::set<std::string> groups_asked(const Review& review, const CastVote& vote,
                                   const Directory& directory) {
  std::set<std::string> asked = groups_of(review.plan);
  const bool denies = vote.decision == Decision::kDeny;
  if (denies && !review.plan.veto_any)
    asked.insert(review.plan.veto_groups.begin(), review.plan.veto_groups.end());
  if (!denies && review.status == Status::kOpen && !review.plan.stages.empty())
    asked = open_groups(review.plan, approvals_for(review, review.plan, directory), directory,
                        review.lineage, escalation_of(review, review.plan));
  return with_escalation(std::move(asked), escalation_of(review, review.plan));
}

// Whose place the vote fills: "" the voter's own. Codes not_a_reviewer, ambiguous_place.
Result<std::string> place_of(const Review& review, const CastVote& vote,
                             const Directory& directory) {
  const std::string& by = vote.by.id;
  const std::set<std::string> asked = groups_asked(review, vote, directory);
  const auto excluded = people::humans_of(directory, review.lineage);
  std::vector<std::string> places = people::places_for(directory, excluded, by, asked);
  if (!accepts_stand_ins(review.plan)) std::erase_if(places, [](auto& p) { return !p.empty(); });
  if (vote.instead_of) {
    const std::string wanted = *vote.instead_of == by ? std::string() : *vote.instead_of;
    if (std::ranges::find(places, wanted) != places.end()) return wanted;
    return refuse("not_a_reviewer",
                  wanted.empty()
                      ? by + " is in none of the groups asked: " + people::in_words(asked)
                      : by + " does not stand in for " + wanted +
                            " here: no delegation that covers " + people::in_words(asked),
                  "/instead_of");
  }
  if (places.empty()) {
    const std::set<std::string> all =
        with_escalation(groups_of(review.plan), escalation_of(review, review.plan));
    if (asked != all && !people::places_for(directory, excluded, by, all).empty())
      return refuse("not_a_reviewer", by + " is asked at a later stage; now it is the turn of: " +
                                          people::in_words(asked));
    return refuse("not_a_reviewer",
                  by + " is in none of the groups asked: " + people::in_words(asked));
  }
  if (places.size() > 1 && !places.front().empty()) {
    return refuse("ambiguous_place",
                  by + " stands in for " + people::in_words({places.begin(), places.end()}) +
                      "; say for whom this vote is, with instead_of",
                  "/instead_of");
  }
  return places.front();
}

Result<std::string> check_voter(const Review& review, const CastVote& vote,
                                const Directory& directory) {
  const Principal& by = vote.by;
  if (by.kind == PrincipalKind::kAgent) return check_voter_is_agent(review, by, directory);
  if (by.kind == PrincipalKind::kHost) {
    return refuse("not_a_reviewer", "the host cannot vote; a person has to");
  }
  const people::Person* person = directory.person(by.id);
  if (person != nullptr && !person->active) {
    return refuse("inactive", by.id + " is deactivated");
  }
  if (const auto relation = people::related(directory, review.lineage, by.id)) {
    return refuse(relation->code, relation->why + " and so cannot review it");
  }
  if (person == nullptr) return refuse("not_a_reviewer", "nobody here is known as " + by.id);
  if (!person->service_of.empty()) {
    return refuse("not_a_reviewer", by.id + " is a service account; only people review");
  }
  return place_of(review, vote, directory);
}

Result<void> check_strength(const Plan& plan, const CastVote& vote) {
  if (vote.by.assurance < plan.assurance) {
    if (plan.assurance == Assurance::kPasskey) {
      return refuse("passkey_required", "this case asks for a passkey; open its page to sign");
    }
    return refuse("assurance_too_low", "this case asks for at least \"" +
                                           std::string(to_text(plan.assurance)) +
                                           "\"; this vote came with \"" +
                                           std::string(to_text(vote.by.assurance)) + "\"");
  }
  if (plan.channels && !plan.channels->contains(vote.by.channel)) {
    return refuse("wrong_channel",
                  "votes on this case are taken over: " + people::in_words(*plan.channels) +
                      "; not over " + vote.by.channel);
  }
  if (vote.decision == Decision::kDeny) return {};
  if (plan.look.count() > 0 && (!vote.looked || *vote.looked < plan.look)) {
    return refuse("look_too_short", "this case asks for a look of at least " +
                                        keyturn::to_text(plan.look) + " on its page");
  }
  if (!plan.retype.empty() && !vote.retyped) {
    return refuse("retype_mismatch", "this case asks to type " + plan.retype + " again");
  }
  return {};
}

EventDraft voted(const Review& review, const CastVote& vote, const std::string& place,
                 const Directory& directory) {
  doc::Value v = doc::object({{"reviewer", vote.by.id},
                              {"decision", to_text(vote.decision)},
                              {"assurance", to_text(vote.by.assurance)},
                              {"channel", vote.by.channel},
                              {"digest", vote.digest}});
  if (!place.empty()) v.set("instead_of", place);
  if (!vote.by.credential.empty()) v.set("credential", vote.by.credential);
  if (!vote.provider.empty()) v.set("provider", vote.provider);
  if (vote.assertion) v.set("assertion", *vote.assertion);
  if (vote.looked)
    v.set("looked_s", std::min(std::chrono::duration_cast<std::chrono::seconds>(*vote.looked),
                               std::chrono::seconds(kLookedMax))
                          .count());
  const people::Person* person = directory.person(vote.by.id);
  if (person != nullptr && person->simulated) v.set("simulated", true);
  if (!vote.note.empty()) v.set("note_bytes", static_cast<std::uint64_t>(vote.note.size()));
  EventDraft out = draft(review.action, "review.voted", "vote", std::move(v));
  if (!vote.note.empty()) out.private_part = doc::object({{"note", vote.note}});
  return out;
}

struct Decider {
  const Review& review;
  const Directory& directory;
  Time now;

  Result<Drafts> operator()(const Open& c) const {
    if (review.status != Status::kNone) {
      return refuse("exists", c.action + " is or was under review already");
    }
    const Time expires_at = std::chrono::floor<std::chrono::milliseconds>(c.expires_at);
    return Drafts{opened(c.action, 1, c.plan, c.digest, c.lineage, expires_at)};
  }

  Result<Drafts> operator()(const CastVote& c) const {
    const Result<std::string> place = check_voter(review, c, directory);
    if (!place) return std::unexpected(place.error());
    if (!is_open(review, now)) return refuse_closed(review);
    if (const Vote* standing = vote_of(review, directory, c.by.id)) {
      return refuse("already_voted", standing->reviewer + " voted " +
                                         std::string(to_text(standing->decision)) +
                                         " already; take that back first");
    }
    const std::string& whose = place->empty() ? c.by.id : *place;
    const Vote* there = vote_in_place_of(review, directory, whose);
    if (there != nullptr && c.decision == Decision::kApprove) {
      return refuse("already_voted", there->reviewer + " voted already in the place of " + whose);
    }
    if (c.digest != review.digest) {
      return refuse("digest_mismatch", "the vote names another case than the one under review (" +
                                           review.digest + "); look at it again");
    }
    if (auto ok = check_strength(review.plan, c); !ok) return std::unexpected(ok.error());
    if (auto ok = check_text(c.note, kNoteBytesMax, "note_too_large"); !ok) {
      return std::unexpected(ok.error());
    }
    if (review.votes.size() >= kVotesMax) {
      return refuse("closed", "too many votes stand on this review already");
    }
    Drafts out{voted(review, c, *place, directory)};
    if (c.decision == Decision::kDeny) {
      if (vetoes(review, directory, whose)) {
        out.push_back(closed(review, "denied", c.by.id, {}));
      }
      return out;
    }
    const Review next = after(review, out, now);
    if (meets(next, next.plan, directory)) {
      out.push_back(approved(next, tally_of(next, directory)));
    }
    return out;
  }

  Result<Drafts> operator()(const TakeBack& c) const {
    const people::Person* person = directory.person(c.by.id);
    if (c.by.kind != PrincipalKind::kPerson || person == nullptr) {
      return refuse("not_a_reviewer", c.by.id + " is nobody who votes");
    }
    if (!person->active) return refuse("inactive", c.by.id + " is deactivated");
    if (!is_open(review, now)) return refuse_closed(review);
    const Vote* standing = vote_of(review, directory, c.by.id);
    if (standing == nullptr) return refuse("no_vote", c.by.id + " has no vote to take back");
    return Drafts{draft(review.action, "review.vote_withdrawn", "vote",
                        doc::object({{"reviewer", standing->reviewer}}))};
  }

  Result<Drafts> operator()(const Comment& c) const {
    if (auto ok = check_commenter(c.by); !ok) return std::unexpected(ok.error());
    if (c.text.empty()) return refuse("empty_text", "a comment says something", "/text");
    if (auto ok = check_text(c.text, kCommentBytesMax, "text_too_large"); !ok) {
      return std::unexpected(ok.error());
    }
    if (review.comments >= kCommentsMax) {
      return refuse("too_many_comments", "this action has " + std::to_string(kCommentsMax) +
                                             " comments; that is the most");
    }
    EventDraft out = draft(review.action, "review.commented", "comment",
                           doc::object({{"author", c.by.id},
                                        {"author_kind", to_text(c.by.kind)},
                                        {"bytes", static_cast<std::uint64_t>(c.text.size())}}));
    out.private_part = doc::object({{"text", c.text}});
    return Drafts{std::move(out)};
  }

  Result<Drafts> operator()(const Cancel& c) const {
    if (!people::may_cancel(directory, review.lineage, c.by)) {
      return refuse("not_allowed",
                    "only its requester, the requester's owner or an administrator cancels it");
    }
    if (!is_open(review, now)) return refuse_closed(review);
    EventDraft out = closed(review, "cancelled", c.by.id, "cancelled");
    if (!c.reason.empty()) out.private_part = doc::object({{"reason", c.reason}});
    return Drafts{std::move(out)};
  }

  Result<Drafts> operator()(const Amend& c) const {
    if (!is_open(review, now)) return refuse_closed(review);
    EventDraft out = closed(review, "cancelled", c.by.id, "amended");
    doc::Value part = *out.body.find("review");
    part.set("successor", c.successor);
    out.body.set("review", std::move(part));
    return Drafts{std::move(out)};
  }

  Result<Drafts> operator()(const Expire&) const {
    if (review.status != Status::kOpen) return refuse_closed(review);
    if (now < review.expires_at) {
      return refuse("not_due", "it expires at " + to_rfc3339(review.expires_at));
    }
    return Drafts{closed(review, "expired", {}, {})};
  }

  Result<Drafts> operator()(const Remind&) const {
    if (!is_open(review, now)) return refuse_closed(review);
    const std::optional<Time> due = reminder_due(review);
    if (!due || now < *due) return refuse("not_due", "nobody is to be reminded yet");
    Review next = review;
    for (std::optional<Time> at = due; at && *at <= now; at = reminder_due(next)) ++next.reminders;
    std::set<std::string> groups;
    for (const Needed& n : tally_of(review, directory).needed) {
      if (n.have < n.count) groups.insert(n.group);
    }
    return Drafts{draft(
        review.action, "review.reminded", "review",
        doc::object(
            {{"round", review.round}, {"of", next.reminders}, {"groups", names_of(groups)}}))};
  }

  Result<Drafts> operator()(const Escalate&) const {
    if (!is_open(review, now)) return refuse_closed(review);
    const std::optional<Time> due = escalation_due(review);
    if (!due || now < *due) return refuse("not_due", "it is not to be escalated, or not yet");
    const Plan& plan = review.plan;
    doc::Value part = doc::object({{"round", review.round}, {"to", plan.escalate_to}});
    if (!plan.escalate_instead_of.empty())
      part.set("instead_of", names_of(plan.escalate_instead_of));
    return Drafts{draft(review.action, "review.escalated", "review", std::move(part))};
  }

  Result<Drafts> operator()(const ReturnToReview& c) const {
    if (review.status != Status::kOpen && review.status != Status::kApproved) {
      return refuse_closed(review);
    }
    const Time expires_at = std::chrono::floor<std::chrono::milliseconds>(c.expires_at);
    EventDraft reopened =
        opened(review.action, review.round + 1, c.plan, c.digest, c.lineage, expires_at);
    doc::Value part = *reopened.body.find("review");
    part.set("reason", c.reason);
    part.set("kept", doc::array_of(kept_votes(c)));
    reopened.body.set("review", std::move(part));
    Drafts out{closed(review, "returned", {}, c.reason), std::move(reopened)};
    const Review next = after(review, out, now);
    // Votes that stand and suffice need nobody to press a button again.
    if (now < expires_at && meets(next, next.plan, directory)) {
      out.push_back(approved(next, tally_of(next, directory)));
    }
    return out;
  }

  std::vector<std::string> kept_votes(const ReturnToReview& c) const {
    std::vector<std::string> out;
    if (c.votes == ReturnToReview::Votes::kVoidAll) return out;
    // Who could vote by the escalation only is asked again: it begins anew.
    const auto excluded = people::humans_of(directory, c.lineage);
    const std::set<std::string> asked = groups_of(c.plan);
    for (const Vote& vote : review.votes) {
      const bool by_escalation =
          vote.escalated &&
          people::groups_for(directory, excluded, vote.reviewer, vote.instead_of, asked).empty();
      if (vote.assurance < Assurance::kPasskey && vote.assurance >= c.plan.assurance &&
          !by_escalation) {
        out.push_back(vote.reviewer);
      }
    }
    return out;
  }

  Result<void> check_commenter(const Principal& by) const {
    if (by.kind == PrincipalKind::kHost) return refuse("not_allowed", "the host has no voice here");
    if (by.kind == PrincipalKind::kAgent) {
      const people::Agent* agent = directory.agent(by.id);
      if (agent == nullptr) return refuse("not_allowed", "nobody here is known as " + by.id);
      if (agent->suspended) return refuse("inactive", "agent " + by.id + " is suspended");
      return {};
    }
    const people::Person* person = directory.person(by.id);
    if (person == nullptr) return refuse("not_allowed", "nobody here is known as " + by.id);
    if (!person->active) return refuse("inactive", by.id + " is deactivated");
    return {};
  }
};

}  // namespace

Result<std::vector<EventDraft>> decide(const Review& review, const Command& command,
                                       const people::Directory& directory, Time now) {
  return std::visit(Decider{review, directory, now}, command);
}

}  // namespace keyturn::review
