// C2SP tlog-tiles: the tree and its entries as files that never change. Tiles are 8 levels high
// (256 hashes).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ledger/merkle.h"

namespace keyturn::ledger {

inline constexpr unsigned kTileHeight = 8;
inline constexpr unsigned kTileWidth = 256;
inline constexpr std::size_t kLeafBytesMax = 65'535;  // an entry's length is a uint16

// One resource. A tile of hashes holds the nodes (kTileHeight * level, kTileWidth * index +
// 0..width-1).
struct Tile {
  bool entries = false;  // an entry bundle; level is 0 then
  unsigned level = 0;    // 0..7 in a tree that can exist
  std::uint64_t index = 0;
  unsigned width = kTileWidth;  // 1..255: partial
  auto operator<=>(const Tile&) const = default;
};

// "tile/0/x001/234", "tile/entries/000.p/12": below the log's prefix, without a leading slash.
std::string tile_path(const Tile& tile);
// Strict: only what tile_path() writes is accepted. nullopt: no such path can exist.
std::optional<Tile> parse_tile_path(std::string_view path);

// How many hashes of tile (level, index) a tree of `size` leaves has: 0..256.
unsigned tile_width(unsigned level, std::uint64_t index, std::uint64_t size);
// Every tile of a tree of `size` leaves (full ones and the partial ones of its right edge), without
// entry bundles.
std::vector<Tile> tiles_of(std::uint64_t size);
// The tile that has what `node` is folded from, as wide as a tree of `size` leaves has it.
Tile tile_for(const NodeId& node, std::uint64_t size);

// The bytes of a tile of hashes: width x 32.
[[nodiscard]] Result<std::string> hash_tile(HashReader& reader, const Tile& tile);

// An entry bundle: for each entry its length as a big-endian uint16, and its bytes. Throws
// std::length_error for an entry beyond kLeafBytesMax. Decoding wants exactly `count` entries and
// nothing after them (code: malformed_entries).
std::string encode_entries(const std::vector<std::string>& entries);
[[nodiscard]] Result<std::vector<std::string>> decode_entries(std::string_view bytes,
                                                              std::size_t count);

// Reads a resource by its path ("tile/0/000", "checkpoint"): from a directory, over HTTP, from
// memory.
using ResourceReader = std::function<Result<std::string>(const std::string& path)>;

// Hashes out of served tiles, which are kept. They are believed: whoever needs to know compares the
// root.
class TileHashReader final : public HashReader {
 public:
  TileHashReader(ResourceReader resources, std::uint64_t size)
      : resources_(std::move(resources)), size_(size) {}
  Result<std::vector<Digest>> read(const std::vector<NodeId>& nodes) override;

 private:
  Result<const std::string*> load(const Tile& tile);
  ResourceReader resources_;
  std::uint64_t size_;
  std::map<Tile, std::string> tiles_;
};

}  // namespace keyturn::ledger
