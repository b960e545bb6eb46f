// Lists and search over actions: a second store, rebuilt from the journal at will, never the truth.
//
// Threads: everything here is called on, and resumes on, the I/O thread. It follows the journal on
// a thread of its own, a moment behind it; wait_for() bridges the moment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "model/action.h"

namespace keyturn::store {

// Whose eyes: API "Readers of an action". A person sees what an agent of theirs asked for, what
// they asked for themselves, what they voted on, and what one of their groups was asked about.
struct SeesAll {};
struct SeesAsAgent {
  std::string name;
};
struct SeesAsPerson {
  std::string id;
  std::vector<std::string> groups;
};
using Visibility = std::variant<SeesAll, SeesAsAgent, SeesAsPerson>;

struct ActionFilter {
  std::vector<State> states;  // any of these; empty: any
  std::string tool;           // "" any; "runbook.*": all that begin so
  std::string actor;          // the agent or person that asked; "" any
  std::string q;              // in the id, tool, operation, actor or resource; "" any
  std::optional<Time> from;   // created at or after
  std::optional<Time> to;     // created before
  Visibility visible_to = SeesAll{};
  std::string after;       // ActionPage::next of the page before; "" from the newest
  std::size_t limit = 50;  // 1..200
};

struct ActionPage {
  std::vector<std::string> ids;  // "act_…", newest first
  std::string next;              // "" when there are no more
};

// How often one actor asked for one tool on one resource within [from, from + step).
struct Uses {
  std::string actor, tool, kind, name;  // of the resource the last two
  Time from{};
  std::int64_t asked = 0, denied = 0;
};

// Numbers of a day. `what` says which:
//   outcome  name: tool; detail: allowed | denied (by policy), approved | refused (by people),
//            expired | cancelled. An action counts once, on the day it was decided.
//   hour     name: asked | answered; detail: hour of the day, UTC. Reviews opened, votes given.
//   asked    name: group. Reviews opened.
//   vote     name: group asked; detail: "approve REVIEWER" | "deny REVIEWER", in whatever group.
//   look     name: group asked; detail: "BUCKET REVIEWER": how long the page was open before.
//   took     name: group asked, "" any; detail: bucket: from asking to the decision of people.
//   canary   name: group asked, "" any; detail: caught | missed | expired | cancelled
// A bucket is of duration_bucket().
struct Figure {
  std::int64_t day = 0;  // since 1970, UTC
  std::string what, name, detail;
  std::int64_t n = 0;
};

// Durations by their order of magnitude, eight buckets a doubling: within 9 % of what they were.
int duration_bucket(Duration duration);
Duration bucket_start(int bucket);

// What was denied more than once: the same agent, tool and arguments.
struct Repeats {
  std::string actor, tool;
  std::int64_t times = 0;
  std::string last;  // "act_…"
};

// Somebody's standing approval of an action.
struct Approved {
  std::string actor, tool, kind, name;  // of the resource the last two
  std::string action;
  std::string person;  // whose: who gave it, or in whose place it was given
  std::string by;      // who gave it
  Time at;
};

// Requests that were denied: how often, and the latest of them.
struct DeniedPrint {
  std::string print;
  std::int64_t times = 0;
  std::string last;  // "act_…"
};

using Counts = std::vector<std::pair<State, std::uint64_t>>;

class ReadModel {
 public:
  virtual ~ReadModel() = default;

  // Codes: bad_cursor, read_model_unavailable (its disk failed; the journal is not touched by
  // that).
  virtual Task<Result<ActionPage>> query(ActionFilter filter) = 0;

  // How many actions stand in each state, of those created at or after `from`; states without any
  // are absent. Code: read_model_unavailable.
  virtual Task<Result<Counts>> count_by_state(std::optional<Time> from) = 0;

  // What was asked for at or after `from`, by actions that begin before ledger index `before`,
  // added up over steps of this length since 1970. Code: read_model_unavailable.
  virtual Task<Result<std::vector<Uses>>> uses(Time from, Duration step, std::uint64_t before) = 0;

  // Fingerprints of the requests denied at or after `from`, as recorded, and how often. Code:
  // read_model_unavailable.
  virtual Task<Result<std::vector<DeniedPrint>>> denied_prints(Time from, std::uint64_t before) = 0;

  // Standing approvals given at or after `from`, in actions that begin before ledger index
  // `before`. Code: read_model_unavailable.
  virtual Task<Result<std::vector<Approved>>> approvals(Time from, std::uint64_t before) = 0;

  // The days from that of `from` to before that of `to`. Code: read_model_unavailable.
  virtual Task<Result<std::vector<Figure>>> figures(Time from, Time to) = 0;
  // Within the same span, the most often denied first; `limit` at most. Code:
  // read_model_unavailable.
  virtual Task<Result<std::vector<Repeats>>> repeats(Time from, Time to, std::size_t limit) = 0;

  // Everybody whose words private parts of actions may be, as the entries name them: who asked (a
  // person), on whose behalf it was said to be, who voted, commented, changed or ended it. And the
  // actions, oldest first, from which a private part may be of one of `names`. Code:
  // read_model_unavailable.
  virtual Task<Result<std::vector<std::string>>> names_in_private() = 0;
  virtual Task<Result<std::vector<std::string>>> private_of(std::vector<std::string> names) = 0;

  // Resumes when the event of this ledger index is visible to queries. False: not within `timeout`.
  virtual Task<bool> wait_for(std::uint64_t index, Duration timeout) = 0;
};

}  // namespace keyturn::store
