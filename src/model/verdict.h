// What policy says of a case, and whom it asks.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "doc/value.h"
#include "model/principal.h"

namespace keyturn {

enum class Effect { kAllow, kDeny, kRequire, kModify, kDefer };
std::string_view to_text(Effect effect);
std::optional<Effect> effect_from_text(std::string_view text);

// group -> how many different people of it. Every place is filled by a different person.
using Quorum = std::map<std::string, int>;

// Whom to ask and how. Merged to the strictest from all rules that require (POLICY "Meaning" 3).
// Satisfied when `quorum` is, one alternative of every entry of `any` is, and every stage of every
// entry of `stages` is, in order - by one assignment of distinct people to all places together.
struct Plan {
  Quorum quorum;
  std::vector<std::vector<Quorum>> any;
  std::vector<std::vector<Quorum>> stages;
  bool veto_any = true;               // one denial by any eligible person closes
  std::set<std::string> veto_groups;  // used when !veto_any
  Duration expires = std::chrono::hours(24);
  Assurance assurance = Assurance::kSession;
  std::optional<std::set<std::string>> channels;  // where votes may be cast; absent: anywhere
  std::set<std::string> notify;
  Duration look{};     // the least time between opening the page and voting; 0: none
  Duration another{};  // nobody who approved the like of it within this time approves; 0: anybody
  std::string retype;  // e.g. "resource.name"; "" none
  std::string evidence = "durable";  // durable | published | cosigned
  Duration review_after{};           // break-glass: a later review is due; 0: none
  Duration remind{};
  Duration escalate_after{};
  std::string escalate_to;
  // From the escalation on, members of escalate_to may fill the places of these groups, too.
  std::set<std::string> escalate_instead_of;
  bool operator==(const Plan&) const = default;
};
doc::Value to_value(const Plan& plan);  // durations as text; canonical: equal plans, equal bytes
Plan plan_from_value(const doc::Value& value);
std::set<std::string> groups_of(const Plan& plan);
// True when whatever satisfies `candidate` also satisfies `reference` (per group counts, flags,
// expiry).
bool at_least_as_strict(const Plan& candidate, const Plan& reference);

// One rule that matched, and what it contributed, in words a reviewer understands.
struct RuleHit {
  std::string rule;
  Effect effect = Effect::kDeny;
  std::string contribution;  // "asks 2 of sre, 30m", "error: no such key: action.args.member"
  bool shadow = false;       // recorded apart, not enforced
  std::vector<std::string> exceptions;  // unless / waives that applied, by name
};

// Of the kinds of evidence that a plan may ask for: durable 0, published 1, cosigned 2.
int evidence_rank(std::string_view evidence);

struct Verdict {
  Effect effect = Effect::kDeny;  // never kModify: a modification leads to one of the others
  std::vector<RuleHit> hits;
  std::vector<std::string> reasons;
  std::string decided_by;  // "rule-id", "default", "error:rule-id", "unknown-tool"
  Plan plan;               // meaningful for kRequire
  std::optional<Time> defer_until;
  std::optional<doc::Value> modified_args;  // when a modify rule changed them
  std::string policy_digest;                // "sha256:…"
  bool observed = false;                    // mode: observe - this is what would have happened
};
// {"effect","rules","policy","reasons","decided_by","hits","plan",…}: fit for the public part of an
// event, and for the wire. modified_args are arguments, so private: only "modified": true is said
// of them, and verdict_from_value() leaves them absent. "rules" are the ids of hits that are not
// shadow.
doc::Value to_value(const Verdict& verdict);
Verdict verdict_from_value(const doc::Value& value);

}  // namespace keyturn
