// The tree, grown again from the leaves, and held against every tile that is stored.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ledger/merkle.h"
#include "store/sqlite/database.h"

namespace keyturn::audit {

class FsckTree {
 public:
  using Damage = std::function<void(std::optional<std::uint64_t> index, std::string why)>;
  FsckTree(store::sqlite::Database& database, Damage damage);

  // Leaves in order. False: a full tile is there and has another hash for it (said as damage).
  bool append(std::uint64_t index, const Digest& hash);
  void skip_to(std::uint64_t index);  // leaves are missing: no root can be told from here on
  // Whether entry `index` hashes to what a full tile has for it.
  bool vouched(std::uint64_t index) const { return index < vouched_; }

  void keep_root_at(std::uint64_t size);  // if it is as large now
  std::optional<Digest> root_at(std::uint64_t size) const;
  Digest root() const { return tree_.root(); }

  void finish();  // the tiles that are not full, and tiles that should not be there
  std::uint64_t tiles() const { return tiles_; }

 private:
  struct Level {
    std::uint64_t tile = 0;
    std::string hashes;
    ledger::Frontier frontier;
  };
  std::optional<std::string> stored(unsigned level, std::uint64_t index);
  void push(unsigned level, const Digest& hash);
  void compare(unsigned level, std::uint64_t index, const std::string& hashes);
  void load_next();

  store::sqlite::Database& database_;
  store::sqlite::Statement find_;
  Damage damage_;
  ledger::Frontier tree_;
  std::vector<Level> levels_;
  std::string expected_;  // of the tile of level 0 that is being filled; "": it is not stored
  std::uint64_t vouched_ = 0;
  std::uint64_t tiles_ = 0;
  bool gap_ = false;
  std::set<std::uint64_t> damaged_;  // tiles of level 0 that do not fit their leaves
  std::map<std::uint64_t, Digest> roots_;
};

}  // namespace keyturn::audit
