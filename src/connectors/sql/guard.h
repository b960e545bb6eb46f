// What people agreed to, kept to by the transaction that does it: looked at before the statements
// run, and compared with what they did before anything of that stays.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "connectors/sql/look.h"
#include "facts/touch.h"
#include "postgres/connection.h"

namespace keyturn::connectors::sql {

struct SqlOrder;

class Guard {
 public:
  // `state`: the fingerprint that people agreed to; `rows`: it says which rows.
  Guard(std::vector<facts::Touch> touches, std::string state, bool rows)
      : touches_(std::move(touches)), state_(std::move(state)), rows_(rows) {}

  // To be run before the transaction's first snapshot: TRUNCATE heeds none, so that its tables are
  // locked before their rows are counted. "LOCK TABLE …; ", or "".
  std::string locks() const;

  // Looks. Refuses drift, and state_unavailable: the statements are not to be run.
  Result<void> before(postgres::Connection& connection, const SqlOrder& order);

  // `done`: how many rows the server said of each statement, -1 for none. Why it must be rolled
  // back: more rows were touched, or others; nullopt: it is what was agreed to.
  std::optional<std::string> after(postgres::Connection& connection, postgres::Deadline deadline,
                                   const std::vector<std::int64_t>& done) const;

 private:
  std::vector<facts::Touch> touches_;
  std::string state_;
  bool rows_;
  Seen seen_;
};

}  // namespace keyturn::connectors::sql
