// The life of one review. decide() says what a command would cause; evolve() says what an event
// changes. Both are pure, so the history rebuilds the state - from the public bodies alone.
//
// Events, all on stream action/ID:
//   review.opened          {"review": {round, digest, expires_at, plan, lineage, kept: [reviewer…],
//   reason?}} review.voted           {"vote": {reviewer, decision, assurance, channel, digest,
//   instead_of?, credential?, provider?,
//                                    assertion?, simulated?, looked_s?, note_bytes?}}     private:
//                                    {"note"}
//   review.vote_withdrawn  {"vote": {reviewer}}
//   review.commented       {"comment": {author, author_kind, bytes}}           private: {"text"}
//   review.closed          {"review": {result, by?, reason?, places?: [{group, reviewer,
//   instead_of?}],
//   successor?}}
//                          result: approved | denied | expired | cancelled | returned
//   review.reminded        {"review": {round, of, groups}}   the of-th time; who is still needed
//   review.escalated       {"review": {round, to, instead_of?}}
#pragma once

#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/event.h"
#include "model/principal.h"
#include "model/verdict.h"
#include "people/directory.h"
#include "people/lineage.h"
#include "review/quorum.h"

namespace keyturn::review {

inline constexpr std::size_t kNoteBytesMax = 4096;
inline constexpr std::size_t kCommentBytesMax = 16384;
inline constexpr std::size_t kCommentsMax = 500;  // a review
inline constexpr std::size_t kVotesMax = 64;      // standing votes
inline constexpr int kRemindersMax = 5;           // a round

enum class Status { kNone, kOpen, kApproved, kDenied, kExpired, kCancelled };
std::string_view to_text(Status status);  // "none" "open" "approved" …

enum class Decision { kApprove, kDeny };
std::string_view to_text(Decision decision);  // "approve" "deny"
std::optional<Decision> decision_from_text(std::string_view text);

// A standing vote.
struct Vote {
  std::string reviewer;
  std::string instead_of;  // whose place it fills, when not the reviewer's own
  Decision decision = Decision::kApprove;
  Time at;
  Assurance assurance = Assurance::kToken;
  std::string channel;
  std::string digest;  // what was voted on; an older one when the vote was kept through a return
  bool simulated = false;  // given by a demo colleague
  bool escalated = false;  // given after the escalation
  bool note_erased = false;
  std::string note;  // only when the event came with its private part; never decides anything
  bool operator==(const Vote&) const = default;
};

struct Review {
  std::string action;  // "act_…"
  Status status = Status::kNone;
  int round = 0;  // 1 at first; one more each time it returns to review
  Plan plan;
  std::string digest;
  people::Lineage lineage;
  Time opened_at;
  Time expires_at;
  std::vector<Vote> votes;  // standing, oldest first
  std::size_t comments = 0;
  // Of this round, by what is recorded; time alone escalates nothing.
  int reminders = 0;         // the number of the last
  std::string escalated_to;  // a group; "": not escalated
  Time escalated_at;
  Time closed_at;
  std::string closed_by;
  std::string closed_reason;
  std::vector<Place> places;  // of an approval
  bool operator==(const Review&) const = default;
};

// ------------------------------------------------------------------ commands
// expires_at is cut to milliseconds, as the record keeps them.
struct Open {
  std::string action;
  Plan plan;
  std::string digest;
  people::Lineage lineage;
  Time expires_at;
};

// `by` was authenticated by identity/; by.assurance kPasskey means: the assertion over this case
// was verified.
struct CastVote {
  Principal by;
  Decision decision = Decision::kApprove;
  std::string digest;
  std::string note;
  std::optional<doc::Value> assertion;  // WebAuthn, kept in the record for anybody to verify
  std::string provider;                 // identity provider; "" local
  // Whose place it is to fill, for somebody who stands in; absent: one's own, or else the only one.
  std::optional<std::string> instead_of;
  std::optional<Duration>
      looked;            // time on the page, as the server measured it; for plans with `look`
  bool retyped = false;  // the name was retyped correctly; for plans with `retype`
};

struct TakeBack {
  Principal by;
};

// Who may read the action may comment: the caller has checked that. Open, closed, or never opened
// (then Review::action says which action).
struct Comment {
  Principal by;
  std::string text;
};

struct Cancel {
  Principal by;
  std::string reason;
};

// A changed copy takes its place: `successor` is the new action. Closed as cancelled, reason
// "amended".
struct Amend {
  Principal by;
  std::string successor;
};

struct Expire {};  // refused with not_due before expires_at

// Refused with not_due before reminder_due() and escalation_due(). However many reminders were
// missed, one is recorded: the last that is due.
struct Remind {};
struct Escalate {};

// The case is no longer what was approved: drift voids every vote; a plan that changed under it
// keeps all but those that a passkey signed (they signed another digest). Open or approved only.
struct ReturnToReview {
  enum class Votes { kVoidAll, kVoidPasskeys } votes = Votes::kVoidAll;
  std::string reason;  // "drift", "policy_changed", …: a word, public
  Plan plan;
  people::Lineage lineage;
  std::string digest;
  Time expires_at;
};

using Command = std::variant<Open, CastVote, TakeBack, Comment, Cancel, Amend, Expire, Remind,
                             Escalate, ReturnToReview>;

// What `command` would append to action/ID. A vote that completes the plan gives [voted, closed
// approved], a veto [voted, closed denied].
//
// Refusals of a vote, in this order (API "An action"; 404 is the caller's): inactive, own_request,
// related_to_requester, not_a_reviewer, ambiguous_place, closed, already_voted, digest_mismatch,
// assurance_too_low or passkey_required, wrong_channel, look_too_short, retype_mismatch,
// note_too_large. Others: exists (Open twice), closed, no_vote, not_allowed, not_due,
// text_too_large, empty_text, invalid_text, too_many_comments, inactive. At or after expires_at
// every vote is refused as closed: Expire is due.
[[nodiscard]] Result<std::vector<EventDraft>> decide(const Review& review, const Command& command,
                                                     const people::Directory& directory, Time now);

// Total: types of other rooms and bodies that make no sense change nothing.
Review evolve(Review before, const Event& event);

// ------------------------------------------------------------------ questions
// The recount in the commit that releases: every approval again, under the directory and plan as
// they are now. Codes: not_approved, closed (expired), quorum_lost (says which group lacks whom).
[[nodiscard]] Result<void> check_release(const Review& review, const people::Directory& directory,
                                         Time now);

// The same for another plan (the one that policy gives now). A vote counts when it was given with
// the assurance and over a channel that `plan` accepts.
bool meets(const Review& review, const Plan& plan, const people::Directory& directory);

// Whether a denial by this account closes, now.
bool vetoes(const Review& review, const people::Directory& directory, std::string_view person);

// When people are to be reminded next, `remind` after it was opened, and then after twice, four
// times … as long, kRemindersMax times, before it expires; and when it is to be escalated. nullopt:
// never, or it was.
std::optional<Time> reminder_due(const Review& review);
std::optional<Time> escalation_due(const Review& review);

// What of the escalation is in force where `plan` is what people are asked: nothing when that plan
// does not escalate to the same group, or would later than it was.
Escalation escalation_of(const Review& review, const Plan& plan);

// Whether it is open and was escalated to this account: a member of that group, or who stands in
// for one, unrelated. They may not be able to vote: waits_for() says.
bool is_escalated_to(const Review& review, const people::Directory& directory,
                     std::string_view person);
std::vector<std::string> escalated_to(const Review& review, const people::Directory& directory);

// Those of the standing approvals that are strong enough for `plan`, oldest first.
std::vector<Approval> approvals_for(const Review& review, const Plan& plan,
                                    const people::Directory& directory);

// Standing approvals against the plan, now.
Tally tally_of(const Review& review, const people::Directory& directory);

// Accounts that could cast a counting vote now: asked, and not voted yet. What an inbox lists.
std::vector<std::string> waiting_for(const Review& review, const people::Directory& directory);
// Whether this account is one of them, without looking at the others.
bool waits_for(const Review& review, const people::Directory& directory, std::string_view person);

// Who could still be asked, worked out once for all the accounts that are asked about: of one state
// of the review and of the directory.
struct Asked {
  std::set<std::string, std::less<>> excluded;  // humans
  std::set<std::string> groups;
};
Asked asked_now(const Review& review, const people::Directory& directory);
// As above, where `asked` is asked_now() of the same review and directory.
bool waits_for(const Review& review, const people::Directory& directory, const Asked& asked,
               std::string_view person);
// What stands in this account's inbox: it waits for their vote, or was escalated to them, and they
// have not voted.
bool is_for(const Review& review, const people::Directory& directory, const Asked& asked,
            std::string_view person);

// Whether this account may know of the review as one of its reviewers (voted or not, open or not).
bool is_reviewer(const Review& review, const people::Directory& directory, std::string_view person);

// Streams whose present versions a vote or release depends on: voters, lineage, requesting agent,
// groups.
std::set<std::string> streams_read(const Review& review, const people::Directory& directory);

// [{"reviewer","decision","at","assurance","channel","note"}] of API "An action".
doc::Value to_value(const std::vector<Vote>& votes);

}  // namespace keyturn::review
