#include "store/sqlite/tree.h"

#include <algorithm>
#include <stdexcept>

namespace keyturn::store::sqlite {
namespace {

constexpr unsigned kTileHeight = 8;

Digest digest_at(std::string_view hashes, std::size_t number) {
  Digest digest;
  std::ranges::copy(hashes.substr(number * digest.size(), digest.size()), digest.begin());
  return digest;
}

}  // namespace

Tree::Tree(Database& database)
    : insert_(database, "INSERT OR REPLACE INTO tile(id, hashes) VALUES(?, ?)") {
  Statement last(database, "SELECT max(idx) FROM event");
  {
    Query query(last);
    if (!query.step() || query.is_null(0)) return;
    size_ = static_cast<std::uint64_t>(query.integer(0)) + 1;
  }
  load_leaves(database);
  load_tiles(database);
}

void Tree::load_leaves(Database& database) {
  Level& level = level_at(0);
  level.tile = size_ / kTileWidth;
  Statement statement(database, "SELECT leaf FROM event WHERE idx >= ? ORDER BY idx");
  Query query(statement);
  query.bind(level.tile * kTileWidth);
  while (query.step()) {
    const Digest hash = ledger::leaf_hash(query.bytes(0));
    level.hashes += view(hash);
    level.frontier.append(hash);
  }
  if (level.frontier.size() != size_ % kTileWidth) {
    throw std::runtime_error("the journal lacks some of its last entries; run: keyturn fsck");
  }
}

void Tree::load_tiles(Database& database) {
  Statement statement(database, "SELECT hashes FROM tile WHERE id = ?");
  for (unsigned number = 1; (size_ >> (kTileHeight * number)) > 0; ++number) {
    const std::uint64_t hashes = size_ >> (kTileHeight * number);
    Level& level = level_at(number);
    level.tile = hashes / kTileWidth;
    const std::size_t width = hashes % kTileWidth;
    if (width == 0) continue;
    Query query(statement);
    const bool found = query.bind(tile_id(number, level.tile)).step();
    if (!found || query.bytes(0).size() != width * sizeof(Digest)) {
      throw std::runtime_error("a tile of the journal's tree is missing; run: keyturn fsck");
    }
    level.hashes = query.bytes(0);
    for (std::size_t i = 0; i < width; ++i) level.frontier.append(digest_at(level.hashes, i));
  }
}

Tree::Level& Tree::level_at(std::size_t number) {
  if (levels_.size() <= number) levels_.resize(number + 1);
  return levels_[number];
}

// The edges of all levels, highest first, are the edge of the whole tree.
Digest Tree::root() const {
  std::vector<Digest> edge;
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
    const std::vector<Digest>& hashes = level->frontier.hashes();
    edge.insert(edge.end(), hashes.begin(), hashes.end());
  }
  return ledger::Frontier(size_, std::move(edge)).root();
}

void Tree::append(const Digest& leaf_hash) {
  push(0, leaf_hash);
  ++size_;
}

void Tree::push(std::size_t number, const Digest& hash) {
  Level& level = level_at(number);
  level.hashes += view(hash);
  level.frontier.append(hash);
  level.changed = true;
  if (level.frontier.size() < kTileWidth) return;
  const Digest top = level.frontier.root();
  full_.push_back({tile_id(static_cast<unsigned>(number), level.tile), std::move(level.hashes)});
  level = Level{.tile = level.tile + 1};
  push(number + 1, top);  // may move the levels: `level` is gone
}

void Tree::save() {
  for (const FullTile& tile : full_) {
    Query(insert_).bind(tile.id).bind_blob(tile.hashes).run();
  }
  full_.clear();
  for (std::size_t number = 1; number < levels_.size(); ++number) {
    Level& level = levels_[number];
    if (!level.changed) continue;
    const std::int64_t id = tile_id(static_cast<unsigned>(number), level.tile);
    Query(insert_).bind(id).bind_blob(level.hashes).run();
    level.changed = false;
  }
}

}  // namespace keyturn::store::sqlite
