// Do these people satisfy that plan? Distinct, active, authorised, unrelated humans to places: a
// maximum matching. Pure; the same question is asked at every vote and again in the commit that
// releases.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "doc/value.h"
#include "model/verdict.h"
#include "people/directory.h"
#include "people/lineage.h"

namespace keyturn::review {

// Past these a plan counts as not satisfied and not satisfiable (fail-closed).
inline constexpr int kPlacesMax = 128;  // in one choice of alternatives
inline constexpr std::size_t kChoicesMax =
    2048;  // combinations of alternatives and stage borders tried

// A place of the plan that people are still, or were, needed for. `stage` is 0 outside stages, else
// from 1.
struct Needed {
  std::string group;
  int count = 0;
  int have = 0;
  int stage = 0;
  bool operator==(const Needed&) const = default;
};

// An approval on the table: whose, and in whose place ("" in their own; people/delegation.h).
struct Approval {
  // NOLINTNEXTLINE(google-explicit-constructor): a name is an approval in its own place
  Approval(std::string reviewer, std::string instead_of = {}, bool escalated = false)
      : reviewer(std::move(reviewer)), instead_of(std::move(instead_of)), escalated(escalated) {}
  Approval(const char* reviewer) : reviewer(reviewer) {}  // NOLINT(google-explicit-constructor)

  std::string reviewer;
  std::string instead_of;
  bool escalated = false;  // given after the escalation
};

// An escalation in force: members of `to` may fill the places of these groups, never those of
// administrators. None: {}.
struct Escalation {
  std::string to;
  std::set<std::string> instead_of;
};

// Whose members have a say where these groups are asked: theirs, and those of `to` where it may
// fill a place of one of them.
std::set<std::string> with_escalation(std::set<std::string> groups, const Escalation& escalation);

// Who fills which place, for the record of an approval.
struct Place {
  std::string group;
  std::string reviewer;
  std::string instead_of;
  bool operator==(const Place&) const = default;
};

struct Tally {
  bool satisfied = false;
  std::vector<Needed> needed;  // by stage, then group; of the alternatives nearest to done
  std::vector<Place> places;   // filled places
};

// Where a passkey is asked for, it is of the person whose place it is.
inline bool accepts_stand_ins(const Plan& plan) {
  return plan.assurance < Assurance::kPasskey;
}

// Counts `approvals` (in the order of the votes; a stage is filled by votes cast
// after those of the stage before it). An id that is unknown, inactive, a service account, related
// to the lineage, outside the groups, or a second account of a human counted already, adds nothing;
// nor does one in the place of a human who counts already, or who could not approve themselves.
// A plan without any place is never satisfied. A person in two groups fills the place that leaves
// the most people for the other. A member of an escalation's `to` counts for its places as well,
// when the approval was given after it.
Tally tally(const Plan& plan, const std::vector<Approval>& approvals,
            const people::Directory& directory, const people::Lineage& lineage,
            const Escalation& escalation = {});

// How many people the plan asks for, of each `any` by its smallest alternative.
int people_asked(const Plan& plan);

// Could the people there are satisfy the plan, for this lineage, without an escalation? An empty
// lineage asks "for somebody unrelated".
bool satisfiable(const Plan& plan, const people::Directory& directory,
                 const people::Lineage& lineage);

// Groups whose approvals can count now: of quorum, of any, and of stages up to the first that is
// not filled. With whom it was escalated to, where they can fill a place of one.
std::set<std::string> open_groups(const Plan& plan, const std::vector<Approval>& approvals,
                                  const people::Directory& directory,
                                  const people::Lineage& lineage,
                                  const Escalation& escalation = {});

// [{"group","count","have"}], with "stage" where there is one.
doc::Value to_value(const std::vector<Needed>& needed);

}  // namespace keyturn::review
