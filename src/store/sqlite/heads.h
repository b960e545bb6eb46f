// Where every stream stands and which claims are taken, counting what is enqueued and not yet
// committed. Owned by the I/O thread. Memory is bounded: what is committed and cold is looked up in
// the database.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "store/journal.h"
#include "store/sqlite/database.h"

namespace keyturn::store::sqlite {

class Heads {
 public:
  explicit Heads(const std::string& path);

  std::uint64_t version(const std::string& stream);
  std::optional<std::string> claim(const std::string& key);
  // The caller vouches that nobody has used this name: taken as version 0 without a look.
  void add_new(const std::string& stream);

  // Enqueued: one more event of the stream; a claim.
  void advance(const std::string& stream);
  void take(const Claim& claim);
  // Committed: what was enqueued before.
  void settle_event(const std::string& stream);
  void settle_claim(const std::string& key);

 private:
  struct Head {
    std::uint64_t version = 0;
    std::uint32_t pending = 0;  // events enqueued and not committed; such a head stays
  };
  Head& head(const std::string& stream);
  void forget_settled();

  Database database_;
  Statement find_stream_, find_claim_;
  std::unordered_map<std::string, Head> heads_;
  std::unordered_map<std::string, std::string> pending_claims_;
  std::size_t forget_at_;
};

}  // namespace keyturn::store::sqlite
