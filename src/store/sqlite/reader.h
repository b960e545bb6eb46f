// Reads what is committed, over a connection of its own. One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "store/journal.h"
#include "store/sqlite/database.h"

namespace keyturn::store::sqlite {

class Reader {
 public:
  Reader(const std::string& path, const Secret& master);

  // Throw SqliteError, or std::runtime_error naming the entry that is damaged.
  std::vector<Event> stream_events(const std::string& stream, std::uint64_t from_position,
                                   bool with_private);
  std::vector<Event> range(std::uint64_t from, std::size_t limit, bool with_private);
  FirstEvents first_events(const std::string& prefix, std::uint64_t before, std::size_t limit);
  std::vector<std::string> leaves(std::uint64_t from, std::size_t limit);
  std::string tile(unsigned level, std::uint64_t index, unsigned width);
  std::optional<std::string> claim(const std::string& key);
  Signed last_signed();
  std::vector<std::string> open_streams(const std::string& prefix);  // names, oldest first
  std::optional<Time> last_time();                                   // of the last event

 private:
  Event event_at(const Query& row, bool with_private);
  std::optional<doc::Value> private_part(const Query& row, const Event& event);

  const Secret master_;
  Database database_;
  Statement stream_, stream_private_, range_, range_private_, first_, leaves_, tile_, claim_,
      signed_;
};

}  // namespace keyturn::store::sqlite
