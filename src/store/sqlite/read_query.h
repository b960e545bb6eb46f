// Questions to read.db, over a connection of their own.
#pragma once

#include <string>
#include <vector>

#include "store/read_model.h"
#include "store/sqlite/database.h"

namespace keyturn::store::sqlite {

class ReadQueries {
 public:
  explicit ReadQueries(const std::string& path);

  // Throw SqliteError.
  Result<ActionPage> page(const ActionFilter& filter);
  std::vector<std::pair<State, std::uint64_t>> count_by_state(std::optional<Time> from);

 private:
  Database database_;
};

}  // namespace keyturn::store::sqlite
