#include "audit/fsck_tree.h"

#include "ledger/tile.h"
#include "store/sqlite/tree.h"

namespace keyturn::audit {
namespace {

constexpr unsigned kWidth = ledger::kTileWidth;
constexpr std::size_t kBytes = sizeof(Digest);

std::string name_of(unsigned level, std::uint64_t index, std::size_t bytes) {
  return ledger::tile_path(
      {.level = level, .index = index, .width = static_cast<unsigned>(bytes / kBytes)});
}

}  // namespace

FsckTree::FsckTree(store::sqlite::Database& database, Damage damage)
    : database_(database),
      find_(database, "SELECT hashes FROM tile WHERE id = ?"),
      damage_(std::move(damage)),
      levels_(1) {
  roots_[0] = ledger::empty_root();
  load_next();
}

std::optional<std::string> FsckTree::stored(unsigned level, std::uint64_t index) {
  store::sqlite::Query query(find_);
  if (!query.bind(store::sqlite::tile_id(level, index)).step()) return std::nullopt;
  return std::string(query.bytes(0));
}

void FsckTree::load_next() {
  expected_ = stored(0, levels_[0].tile).value_or("");
  if (!expected_.empty()) ++tiles_;
}

bool FsckTree::append(std::uint64_t index, const Digest& hash) {
  const std::size_t at = index % kWidth * kBytes;
  const bool is_there = at + kBytes <= expected_.size();
  const bool same = !is_there || std::string_view(expected_).substr(at, kBytes) == view(hash);
  if (!same) {
    damaged_.insert(index / kWidth);
    damage_(index, "it does not hash to what its tile has for it: it was changed");
  }
  if (is_there && same && vouched_ == index) vouched_ = index + 1;
  if (gap_) {
    if (index % kWidth == kWidth - 1) {
      levels_[0].tile = index / kWidth + 1;
      load_next();
    }
    return same;
  }
  tree_.append(hash);
  push(0, hash);
  return same;
}

void FsckTree::skip_to(std::uint64_t index) {
  gap_ = true;
  levels_[0].tile = index / kWidth;
  load_next();
}

void FsckTree::push(unsigned number, const Digest& hash) {
  if (levels_.size() <= number) levels_.resize(number + 1);
  Level& level = levels_[number];
  level.hashes += view(hash);
  level.frontier.append(hash);
  if (level.frontier.size() < kWidth) return;
  const Digest top = level.frontier.root();
  if (number > 0 || expected_.empty()) compare(number, level.tile, level.hashes);
  level = Level{.tile = level.tile + 1};
  if (number == 0) load_next();
  push(number + 1, top);  // may move the levels: `level` is gone
}

void FsckTree::compare(unsigned level, std::uint64_t index, const std::string& hashes) {
  const std::optional<std::string> found = stored(level, index);
  const std::uint64_t first = (index * kWidth) << (ledger::kTileHeight * level);
  if (!found) {
    damage_(first, name_of(level, index, hashes.size()) + ", which begins with it, is missing");
    return;
  }
  ++tiles_;
  if (*found == hashes) return;
  std::size_t at = 0;
  while (at < hashes.size() && found->substr(at, kBytes) == hashes.substr(at, kBytes)) at += kBytes;
  const std::uint64_t from = first + ((at / kBytes) << (ledger::kTileHeight * level));
  const auto below = damaged_.lower_bound(from / kWidth);
  const std::uint64_t to = from + (std::uint64_t{1} << (ledger::kTileHeight * level));
  if (below != damaged_.end() && *below * kWidth < to) return;  // it follows from what was said
  damage_(from,
          name_of(level, index, hashes.size()) + " does not follow from the entries, from this on");
}

void FsckTree::finish() {
  if (gap_) return;
  for (unsigned number = 1; number < levels_.size(); ++number) {
    if (!levels_[number].hashes.empty())
      compare(number, levels_[number].tile, levels_[number].hashes);
  }
  const auto rows = static_cast<std::uint64_t>(database_.integer("SELECT count(*) FROM tile"));
  if (rows > tiles_)
    damage_(std::nullopt, std::to_string(rows - tiles_) + " tiles are there that the log has not");
}

void FsckTree::keep_root_at(std::uint64_t size) {
  if (!gap_ && tree_.size() == size && !roots_.contains(size)) roots_[size] = tree_.root();
}

std::optional<Digest> FsckTree::root_at(std::uint64_t size) const {
  const auto found = roots_.find(size);
  return found == roots_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace keyturn::audit
