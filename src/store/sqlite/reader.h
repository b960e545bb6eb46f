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

// What an entry keeps apart, as it was committed to. No nonce: it was erased.
struct PrivatePart {
  std::uint64_t index = 0;
  std::string nonce;    // 32 bytes
  std::string payload;  // canonical JSON
};

class Reader {
 public:
  // kReadOnly writes nothing at all, not even when it is the last to close the file.
  Reader(const std::string& path, const Secret& master, Access access = Access::kReadWrite);

  // Throw SqliteError, or std::runtime_error naming the entry that is damaged.
  std::vector<Event> stream_events(const std::string& stream, std::uint64_t from_position,
                                   bool with_private);
  std::vector<Event> range(std::uint64_t from, std::size_t limit, bool with_private);
  FirstEvents first_events(const std::string& prefix, std::uint64_t before, std::size_t limit);
  std::vector<std::string> leaves(std::uint64_t from, std::size_t limit);
  // Of the entries [from, from+limit) that have one.
  std::vector<PrivatePart> private_parts(std::uint64_t from, std::size_t limit);
  std::vector<std::uint64_t> indexes_of(const std::string& stream);
  std::string tile(unsigned level, std::uint64_t index, unsigned width);
  std::optional<std::string> claim(const std::string& key);
  Signed last_signed();
  std::vector<std::string> open_streams(const std::string& prefix,
                                        bool all);  // names, oldest first
  std::optional<Time> last_time();                  // of the last event

 private:
  Event event_at(const Query& row, bool with_private);
  std::optional<PrivatePart> opened(const Query& row, std::uint64_t index);  // nullopt: erased
  std::optional<doc::Value> private_part(const Query& row, const Event& event);

  const Secret master_;
  Database database_;
  Statement stream_, stream_private_, range_, range_private_, first_, leaves_, tile_, claim_,
      signed_;
};

}  // namespace keyturn::store::sqlite
