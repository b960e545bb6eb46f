// One action as the gate knows it: the fold of its stream, private parts included while they are at
// hand.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/action.h"
#include "model/event.h"
#include "people/lineage.h"
#include "review/review.h"

namespace keyturn::gate {

// The single use that an approval allows to the enforcement point (mode: grant).
struct Grant {
  GrantId id;
  std::string enforcement_point;
  std::string secret_digest;  // "sha256:…" of the grant as it was handed out
  bool consumed = false;
  std::optional<Time> outcome_due;  // set when consumed
};

// The look that somebody has to take at it afterwards.
struct AfterReview {
  Time due;
  std::set<std::string> groups;  // whose members may
  std::string by;                // "": still to be done
  bool justified = false;
  Time at;
  std::string note;

  bool is_open() const { return by.empty(); }
};

struct Comment {
  std::string by, text;
  Time at;
  bool erased = false;  // the text is gone
};

// That private parts of it were destroyed, by the last erasure that did.
struct Erased {
  std::string by;  // the action that people agreed to
  Time at;
  std::uint64_t index = 0;
};

struct ActionRecord {
  ActionId id;
  std::uint64_t version = 0;  // position of the last event of its stream
  State state = State::kPending;
  Principal requester;
  std::string owner;  // of the requesting agent; the person itself when a person asks
  people::Lineage lineage;
  std::string tool, tool_digest, operation, mode;
  bool attended = false;  // starts only while its requester is there: Gate::take_up
  Resource resource;
  std::string case_digest, config_digest, policy_digest;
  std::string traceparent;
  doc::Value claims;  // what the agent says of itself
  Time created_at, expires_at;
  std::optional<Time> defer_until, settled_at;
  Verdict verdict;
  std::optional<review::Review> review;
  std::optional<Grant> grant;
  std::optional<std::uint64_t> held_at;  // approved there; released once that entry has evidence
  std::string held_for;                  // `published` or `cosigned`; kept while it then awaits
  bool awaits_requester = false;         // approved, and starts when its requester takes it up
  std::string incident, break_glass;     // that the decision came out otherwise for
  std::string canary, canary_result;     // an exercise: who planted it, and how it ended
  std::string repeats_of;                // the latest denial of the very same request; "" none
  std::int64_t repeats = 0;
  std::optional<RunStep> run;  // the step that it is
  std::string planned_by;      // the run whose plan people approved, with this step in it; "" none
  std::string standing;        // the standing approval that it was allowed by, sa_…
  Verdict stood_in_for;  // then what policy asked: `effect`, `plan` and `decided_by` of it only
  std::optional<AfterReview> after_review;
  std::string amends, amended_by;
  std::optional<std::uint64_t> first_index, last_index;
  bool observed = false;
  std::optional<Erased> erased;
  bool request_erased = false;  // what was asked for is among it

  // Private: from the encrypted parts; null/empty when erased or not loaded.
  doc::Value args, original_args;  // what will run, and what was sent when a modify rule changed it
  std::string reason;
  Facts facts;
  doc::Value description;   // of the executor
  doc::Value preview;       // Previewed::shown; what to say of it where there is none
  std::string state_print;  // Previewed::fingerprint; "" none
  doc::Value inputs;        // what else the decision was made from
  std::optional<Outcome> outcome;
  std::vector<Comment> comments;

  // Every event of the stream, in words for a timeline.
  struct Moment {
    Time at;
    std::string type, by, text;
    std::uint64_t index = 0;
  };
  std::vector<Moment> timeline;
};

using RecordPtr = std::shared_ptr<const ActionRecord>;

// Who did what an event of an action says, where it says so.
std::string who_did(const Event& event);

// What an event changes. Total: it never refuses history. Events of other streams change nothing.
void evolve(ActionRecord& record, const Event& event);

}  // namespace keyturn::gate
