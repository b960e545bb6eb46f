// What a card says: the same words in every chat.
#include <algorithm>

#include "channels/case.h"
#include "channels/desk.h"
#include "review/review.h"

namespace keyturn::channels {
namespace {

using render::Card;
using render::CardButton;

constexpr std::size_t kReasonInShortMax = 280;  // bytes; a longer one stands in the case only

void say(Card& card, std::string label, std::string_view value,
         render::Style style = render::Style::kCode) {
  if (value.empty()) return;
  card.status.push_back({{render::own(std::move(label))}, render::render_text(value, style).runs});
}

std::string ended(const gate::ActionRecord& record) {
  if (!record.amended_by.empty()) return "Replaced by a changed request";
  const bool by_people = record.review && record.review->status == review::Status::kDenied;
  switch (record.state) {
    case State::kDenied:
      return by_people ? "Denied by people" : "Denied by policy";
    case State::kExpired:
      return "Expired: nobody decided in time";
    case State::kCancelled:
      return "Cancelled";
    case State::kSucceeded:
      return "Done";
    case State::kFailed:
      return "Ran, and failed";
    default:
      return "Ran: what became of it is not known";
  }
}

std::string heading_of(const gate::ActionRecord& record) {
  switch (record.state) {
    case State::kPending:
      return record.review && !record.review->escalated_to.empty() ? "Waits for people, escalated"
                                                                   : "Waits for people";
    case State::kDeferred:
      return "Waits for its time";
    case State::kApproved:
      return "Approved, not started yet";
    case State::kExecuting:
      return "Approved: it runs";
    default:
      return ended(record);
  }
}

std::string what_of(const gate::ActionRecord& record) {
  std::string out = record.tool + ": " + record.operation;
  if (!record.resource.name.empty())
    out += " on " + record.resource.kind + " " + record.resource.name;
  if (!record.resource.env.empty()) out += " (" + record.resource.env + ")";
  return out;
}

std::string needed_of(const gate::World& world, const gate::ActionRecord& record) {
  std::string out;
  for (const review::Needed& one : review::tally_of(*record.review, world.directory).needed) {
    if (!out.empty()) out += ", ";
    out += one.group + " " + std::to_string(one.have) + " of " + std::to_string(one.count);
  }
  return out;
}

void say_votes(Card& card, const gate::ActionRecord& record) {
  if (!record.review) return;
  for (const review::Vote& vote : record.review->votes) {
    std::string text = vote.decision == review::Decision::kApprove ? "approved" : "denied";
    if (!vote.instead_of.empty()) text += " in the place of " + vote.instead_of;
    text += " over " + vote.channel + ", " + to_rfc3339(vote.at);
    if (!vote.note.empty()) text += ": " + vote.note;
    const std::string name = render::to_plain_text(render::render_text(vote.reviewer).runs);
    say(card, name, text, render::Style::kProse);
  }
}

void say_status(Card& card, const gate::World& world, const gate::ActionRecord& record) {
  say(card, "What", what_of(record));
  const bool by_agent = record.requester.kind == PrincipalKind::kAgent;
  say(card, "Asked by",
      std::string(keyturn::to_text(record.requester.kind)) + " " + record.requester.id +
          (by_agent && !record.owner.empty() ? ", owned by " + record.owner : ""));
  say(card, "On behalf of (claimed)", record.claims.text("on_behalf_of"));
  if (!record.request_erased && record.reason.size() <= kReasonInShortMax)
    say(card, "Why, in its words", record.reason, render::Style::kProse);
  if (record.state == State::kPending) {
    std::string because;
    for (const std::string& reason : record.verdict.reasons)
      because += (because.empty() ? "" : "; ") + reason;
    say(card, "Policy", because, render::Style::kProse);
    if (record.review) say(card, "Needed", needed_of(world, record));
    say(card, "Until", to_rfc3339(record.expires_at));
  }
  say_votes(card, record);
}

void remark(Card& card, const gate::ActionRecord& record) {
  if (record.repeats > 0)
    card.remarks.push_back("The very same was denied before: " + std::to_string(record.repeats) +
                           (record.repeats == 1 ? " time." : " times."));
  if (!record.break_glass.empty())
    card.remarks.emplace_back("Somebody has broken the glass: look closely.");
  if (!record.canary_result.empty())
    card.remarks.push_back("This was an exercise, and is over: " + record.canary_result + ".");
  if (record.request_erased) card.remarks.emplace_back("What was asked for has been erased.");
}

}  // namespace

Card Desk::card_of(std::string_view channel, const gate::ActionRecord& record,
                   const people::Person* reader) const {
  Card card;
  card.action = record.id.str();
  card.digest = record.case_digest;
  card.heading = heading_of(record);
  card.page = page_of(record);
  say_status(card, gate_.world(), record);
  remark(card, record);
  const auto button = [&](CardButton::Kind kind, std::string label) {
    card.buttons.push_back({kind, std::move(label)});
  };
  if (record.state == State::kPending && record.review) {
    render::CaseView view = render::view_of(case_of(gate_.world(), record, fingerprint_key_));
    card.shown = std::move(view.sections);
    card.whole = view.complete;
    const bool has_voted = std::ranges::any_of(record.review->votes, [&](const review::Vote& vote) {
      return reader == nullptr || vote.reviewer == reader->id;
    });
    const bool may_vote = reader == nullptr || gate_.may_vote(reader->id, record);
    const Result<void> approve = can_decide_in(channel, record, review::Decision::kApprove);
    const Result<void> deny = can_decide_in(channel, record, review::Decision::kDeny);
    if (may_vote && !approve)
      card.remarks.push_back("Not by a click here: " + approve.error().message + ".");
    if (may_vote && approve) button(CardButton::Kind::kApprove, "Approve");
    if (may_vote && deny) button(CardButton::Kind::kDeny, "Deny");
    if (has_voted) button(CardButton::Kind::kTakeBack, "Take back");
  }
  if (record.review) button(CardButton::Kind::kComment, "Comment");
  button(CardButton::Kind::kOpen, "See all of it");
  return card;
}

}  // namespace keyturn::channels
