// Questions to a database inside a transaction: one that fails ends nothing but itself.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "postgres/connection.h"

namespace keyturn::connectors::sql {

using Cells = std::vector<std::vector<std::optional<std::string>>>;
using Values = std::vector<std::optional<std::string>>;

class Questions {
 public:
  // Borrows the connection, which is in a transaction.
  Questions(postgres::Connection& connection, postgres::Deadline deadline)
      : connection_(connection), deadline_(deadline) {}

  // Code query_failed; its words are without_data(). Nothing is asked any more once the connection
  // is gone or the time is over.
  Result<Cells> ask(const std::string& sql, const Values& values);

  // Why nothing more can be asked; nullopt: it can.
  const std::optional<std::string>& broken() const { return broken_; }

 private:
  postgres::Connection& connection_;
  postgres::Deadline deadline_;
  std::optional<std::string> broken_;
};

// What the server says went wrong, in words of our own: its words may repeat what stands in a row
// ("relation "…" does not exist", where a row's text was read as a relation's name). Words that are
// no server's stay.
std::string without_data(const std::string& problem);

}  // namespace keyturn::connectors::sql
