// Runs a statement list once, in one transaction, and says how it went.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "model/action.h"
#include "postgres/connection.h"
#include "secrets/redact.h"

namespace keyturn::connectors::sql {

class Guard;

struct SqlOrder {
  std::string dsn;   // without a password
  std::string user;  // instead of the dsn's; may be empty
  Secret password;
  std::string sql;
  std::vector<std::optional<std::string>> values;  // for $1, $2, …
  bool one_statement =
      true;               // the server refuses a second one; false only for a list that was parsed
  bool read_only = true;  // the transaction is READ ONLY: what lies about being a read fails
  std::int64_t rows_max = 1000;
  std::int64_t output_bytes_max = 1 << 20;
  Duration timeout{};
  secrets::Redactor redactor;
  // What people agreed to: looked at in this transaction, of which the statements then see the very
  // same (REPEATABLE READ), and compared with what they did before it is committed. Null: any state
  // will do.
  std::shared_ptr<Guard> guard;
  // Called when the next step may change something; a refusal stops it, and nothing was run.
  std::function<Result<void>()> before_change;
};

// Blocking, for at most the timeout and some seconds. Refuses cannot_connect and what the guard and
// before_change refuse: nothing was run. An outcome other than what people agreed to is failed, and
// rolled back. It is unknown when the connection was lost after COMMIT was sent, and only then.
[[nodiscard]] Result<Outcome> run_sql(const SqlOrder& order);

}  // namespace keyturn::connectors::sql
