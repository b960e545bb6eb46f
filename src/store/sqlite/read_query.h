// Questions to read.db, over a connection of their own.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "store/read_model.h"
#include "store/sqlite/database.h"

namespace keyturn::store::sqlite {

class ReadQueries {
 public:
  explicit ReadQueries(const std::string& path);

  // Throw SqliteError; a question that takes longer than 2 s is interrupted (SQLITE_INTERRUPT).
  Result<ActionPage> page(const ActionFilter& filter);
  std::vector<std::pair<State, std::uint64_t>> count_by_state(std::optional<Time> from);
  std::vector<Uses> uses(Time from, Duration step, std::uint64_t before);
  std::vector<DeniedPrint> denied_prints(Time from, std::uint64_t before);
  std::vector<Approved> approvals(Time from, std::uint64_t before);
  std::vector<Figure> figures(Time from, Time to);
  std::vector<Repeats> repeats(Time from, Time to, std::size_t limit);
  std::vector<std::string> names_in_private();
  std::vector<std::string> private_of(const std::vector<std::string>& names);

 private:
  static int is_over(void* deadline);

  std::chrono::steady_clock::time_point deadline_{};
  Database database_;
};

}  // namespace keyturn::store::sqlite
