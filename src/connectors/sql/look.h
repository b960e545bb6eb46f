// What would these statements touch? Asked of the database itself, in a transaction that can change
// nothing, before anybody has agreed to run them.
#pragma once

#include <vector>

#include "base/result.h"
#include "connectors/sql/run.h"
#include "facts/touch.h"
#include "gate/executor.h"

namespace keyturn::connectors::sql {

inline constexpr Duration kLookStatementMax = std::chrono::seconds(5);
inline constexpr Duration kLookMax = std::chrono::seconds(10);  // for all of it, or the timeout
inline constexpr std::size_t kLookedAtMax = 50;                 // statements of a list

// Of `order` what says where and as whom, and the values of parameters. Blocking, for at most
// kLookMax. `shown`:
//   {"kind": "sql", "state": "count" | "rows", "statements": [
//     {"verb": "DELETE", "rows": 12, "at_most": true, "not_counted": "why",
//      "tables": [{"name", "kind", "row_security", "triggers": [text], "reaches": [text]}],
//      "plan": ["Delete on orders", "  Index Scan …, about 12 rows"]}], "more": N}
// with what applies. Rows are exact for the moment, each statement as if it ran alone and now. No
// value of the database and no literal of a statement is in it; what the server says of data that
// it could not read (SQLSTATE class 22) is its code alone.
// The fingerprint is over verbs, rows, tables, triggers and what foreign keys reach; and, with
// `rows`, over which rows in which version. "" where nothing is touched.
// Refuses state_unavailable: the database cannot be asked.
[[nodiscard]] Result<gate::Previewed> look_at(const SqlOrder& order,
                                              const std::vector<facts::Touch>& touches, bool rows);

// The fingerprint alone, in a transaction that has begun, and that is afterwards as it was before.
// Refuses state_unavailable.
[[nodiscard]] Result<std::string> state_within(postgres::Connection& connection,
                                               const SqlOrder& order,
                                               const std::vector<facts::Touch>& touches, bool rows);

}  // namespace keyturn::connectors::sql
