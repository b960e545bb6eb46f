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
  std::string tool;           // "" any
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
  virtual Task<Result<std::vector<std::pair<std::string, std::int64_t>>>> denied_prints(
      Time from, std::uint64_t before) = 0;

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
