// What would these statements touch? Asked of the database itself, in a transaction that can change
// nothing, before anybody has agreed to run them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "connectors/sql/run.h"
#include "facts/touch.h"
#include "gate/executor.h"

namespace keyturn::connectors::sql {

inline constexpr Duration kLookStatementMax = std::chrono::seconds(5);
inline constexpr Duration kLookMax = std::chrono::seconds(10);  // for all of it, or the timeout
inline constexpr std::size_t kLookedAtMax = 50;                 // statements of a list
inline constexpr std::int64_t kPlacedMax = 100'000;             // rows whose places are compared

// Of `order` what says where and as whom, and the values of parameters. Blocking, for at most
// kLookMax. `shown`:
//   {"kind": "sql", "state": "count" | "rows", "statements": [
//     {"verb": "DELETE", "rows": 12, "at_most": true, "not_counted": "why",
//      "tables": [{"name", "kind", "row_security", "triggers": [text], "rules": [text],
//                  "reaches": [text]}],
//      "plan": ["Delete on orders", "  Index Scan …, about 12 rows"]}], "more": N}
// with what applies; with neither rows, not_counted nor tables the statement only reads. Rows are
// exact for the moment, each statement as if it ran alone and now; where a count could be of fewer
// rows than the statement touches there is none. No value of the database and no literal of a
// statement is in it, but for what the definition of a rule says; of what the server refuses there
// is the SQLSTATE in words of our own.
// The fingerprint is over verbs, rows, tables, triggers, rules, what foreign keys reach and how
// many rows of that; and, with `rows`, over which rows in which version. "" where nothing is
// touched.
// Refuses state_unavailable: the database cannot be asked.
[[nodiscard]] Result<gate::Previewed> look_at(const SqlOrder& order,
                                              const std::vector<facts::Touch>& touches, bool rows);

// Where rows of one statement's table lie, as array literals.
struct Places {
  std::string tables, rows;  // tableoid, ctid
};
struct Seen {
  std::string fingerprint;
  std::vector<std::optional<std::int64_t>> rows;  // of each statement, the most; nullopt: no count
  std::vector<std::optional<Places>> places;      // of each statement of which rows are compared
};

// The same in a transaction that has begun, and that is afterwards as it was before.
// Refuses state_unavailable.
[[nodiscard]] Result<Seen> seen_within(postgres::Connection& connection, const SqlOrder& order,
                                       const std::vector<facts::Touch>& touches, bool rows);

}  // namespace keyturn::connectors::sql
