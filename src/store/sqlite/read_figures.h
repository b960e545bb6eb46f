// What happened in numbers, by day: kept beside the lists as events come, so that nobody has to
// count a year of actions. Table figure(day, what, name, detail, n); store/read_model.h says which
// there are.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

#include "model/event.h"
#include "store/sqlite/database.h"

namespace keyturn::store::sqlite {

class ReadFigures {
 public:
  explicit ReadFigures(Database& database);

  // An event of an action that is listed at `seq`. Its row and its visibility are up to date.
  void note(std::int64_t seq, const Event& event);
  // Writes what was counted since the last time, inside the caller's transaction.
  void flush();

 private:
  struct Row {
    std::string tool;
    std::optional<std::int64_t> asked_ms;
    bool counted = false;
  };
  Row row_of(std::int64_t seq);
  void count(std::int64_t day, std::string_view what, std::string_view name,
             std::string_view detail);
  void note_opened(std::int64_t seq, const Event& event);
  void note_vote(std::int64_t seq, const Event& event);
  void note_outcome(std::int64_t seq, const Event& event);
  void note_canary(std::int64_t seq, const Event& event);
  std::set<std::string> groups_asked(std::int64_t seq);

  Statement read_row_, set_asked_, set_outcome_, read_groups_, add_, add_vote_, drop_vote_,
      mark_canary_;
  std::map<std::tuple<std::int64_t, std::string, std::string, std::string>, std::int64_t> counted_;
};

}  // namespace keyturn::store::sqlite
