// The ledger's Merkle tree as the journal keeps it: full tiles of level 0 in the table `tile`, and
// of the levels above every hash so far, so that opening reads one edge and not the whole log.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "ledger/merkle.h"
#include "store/sqlite/database.h"

namespace keyturn::store::sqlite {

inline constexpr std::uint64_t kTileWidth = 256;

// Row id of a tile: levels are below 8, indexes below 2^56.
inline std::int64_t tile_id(unsigned level, std::uint64_t index) {
  return static_cast<std::int64_t>((static_cast<std::uint64_t>(level) << 56) | index);
}

// The right edge. Owned by the writer thread.
class Tree {
 public:
  // Reads the edge of what is committed; throws std::runtime_error when a tile is missing.
  explicit Tree(Database& database);

  std::uint64_t size() const { return size_; }
  Digest root() const;

  void append(const Digest& leaf_hash);
  void save();  // writes what append() changed, inside the caller's transaction

 private:
  struct Level {
    std::uint64_t tile = 0;     // index of the tile that grows
    std::string hashes;         // its hashes so far, fewer than 256
    ledger::Frontier frontier;  // over these hashes
    bool changed = false;
  };
  struct FullTile {
    std::int64_t id;
    std::string hashes;
  };
  void load_leaves(Database& database);
  void load_tiles(Database& database);
  Level& level_at(std::size_t number);
  void push(std::size_t level, const Digest& hash);

  std::uint64_t size_ = 0;
  std::vector<Level> levels_;
  std::vector<FullTile> full_;
  Statement insert_;
};

}  // namespace keyturn::store::sqlite
