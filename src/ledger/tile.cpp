#include "ledger/tile.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "base/ascii.h"

namespace keyturn::ledger {
namespace {

constexpr std::size_t kHashSize = 32;

// C2SP: groups of three digits; every group but the last has an "x" in front.
void append_index(std::string& out, std::uint64_t index) {
  const auto group = [](std::uint64_t value) {
    std::string digits = std::to_string(value % 1000);
    return std::string(3 - digits.size(), '0') + digits;
  };
  std::string path = group(index);
  while ((index /= 1000) > 0) path = "x" + group(index) + "/" + path;
  out += path;
}

std::optional<std::uint64_t> take_index(std::string_view& path) {
  std::uint64_t index = 0;
  for (int groups = 0; groups < 6; ++groups) {
    const bool more = path.starts_with('x');
    if (more) path.remove_prefix(1);
    if (path.size() < 3 || !std::ranges::all_of(path.substr(0, 3), is_digit)) return std::nullopt;
    std::uint64_t value = 0;
    std::from_chars(path.data(), path.data() + 3, value);
    path.remove_prefix(3);
    if (groups == 0 && more && value == 0) return std::nullopt;  // a leading group of zeros
    index = index * 1000 + value;
    if (!more) return index;
    if (!path.starts_with('/')) return std::nullopt;
    path.remove_prefix(1);
  }
  return std::nullopt;
}

// A decimal number without leading zeros.
std::optional<unsigned> take_number(std::string_view& path, unsigned least, unsigned most) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(path.data(), path.data() + path.size(), value);
  const auto size = static_cast<std::size_t>(end - path.data());
  if (error != std::errc{} || value < least || value > most || (path[0] == '0' && size > 1)) {
    return std::nullopt;
  }
  path.remove_prefix(size);
  return value;
}

bool take(std::string_view& path, std::string_view word) {
  if (!path.starts_with(word)) return false;
  path.remove_prefix(word.size());
  return true;
}

Digest hash_at(std::string_view tile, std::size_t offset) {
  Digest out;
  std::ranges::copy(tile.substr(offset * kHashSize, kHashSize), out.begin());
  return out;
}

// Where in its tile the hashes of a node begin, and how many they are.
struct Span {
  std::size_t begin;
  std::size_t count;
};
Span span_of(const NodeId& node) {
  const unsigned above = node.level % kTileHeight;
  return {static_cast<std::size_t>((node.index << above) % kTileWidth), std::size_t{1} << above};
}

}  // namespace

std::string tile_path(const Tile& tile) {
  std::string out = "tile/";
  out += tile.entries ? "entries" : std::to_string(tile.level);
  out += '/';
  append_index(out, tile.index);
  if (tile.width != kTileWidth) out += ".p/" + std::to_string(tile.width);
  return out;
}

std::optional<Tile> parse_tile_path(std::string_view path) {
  Tile tile;
  if (!take(path, "tile/")) return std::nullopt;
  if (take(path, "entries")) {
    tile.entries = true;
  } else {
    const auto level = take_number(path, 0, 63);
    if (!level) return std::nullopt;
    tile.level = *level;
  }
  if (!take(path, "/")) return std::nullopt;
  const auto index = take_index(path);
  if (!index) return std::nullopt;
  tile.index = *index;
  if (take(path, ".p/")) {
    const auto width = take_number(path, 1, kTileWidth - 1);
    if (!width) return std::nullopt;
    tile.width = *width;
  }
  return path.empty() ? std::optional(tile) : std::nullopt;
}

unsigned tile_width(unsigned level, std::uint64_t index, std::uint64_t size) {
  const unsigned shift = level * kTileHeight;
  const std::uint64_t nodes = shift < 64 ? size >> shift : 0;
  if (index >= nodes / kTileWidth + (nodes % kTileWidth != 0 ? 1 : 0)) return 0;
  return static_cast<unsigned>(
      std::min<std::uint64_t>(kTileWidth, nodes - index * std::uint64_t{kTileWidth}));
}

std::vector<Tile> tiles_of(std::uint64_t size) {
  std::vector<Tile> out;
  for (unsigned level = 0; level * kTileHeight < 64; ++level) {
    const std::uint64_t nodes = size >> level * kTileHeight;
    for (std::uint64_t index = 0; index * kTileWidth < nodes; ++index) {
      out.push_back({false, level, index, tile_width(level, index, size)});
    }
  }
  return out;
}

Tile tile_for(const NodeId& node, std::uint64_t size) {
  const unsigned level = node.level / kTileHeight;
  const std::uint64_t index = (node.index << node.level % kTileHeight) / kTileWidth;
  return {false, level, index, tile_width(level, index, size)};
}

Result<std::string> hash_tile(HashReader& reader, const Tile& tile) {
  std::vector<NodeId> nodes;
  nodes.reserve(tile.width);
  for (unsigned i = 0; i < tile.width; ++i) {
    nodes.push_back({tile.level * kTileHeight, tile.index * kTileWidth + i});
  }
  const auto hashes = reader.read(nodes);
  if (!hashes) return std::unexpected(hashes.error());
  std::string out;
  out.reserve(hashes->size() * kHashSize);
  for (const Digest& hash : *hashes) out += view(hash);
  return out;
}

std::string encode_entries(const std::vector<std::string>& entries) {
  std::string out;
  for (const std::string& entry : entries) {
    if (entry.size() > kLeafBytesMax) throw std::length_error("an entry has at most 65535 bytes");
    out += static_cast<char>(entry.size() >> 8);
    out += static_cast<char>(entry.size() & 0xff);
    out += entry;
  }
  return out;
}

Result<std::vector<std::string>> decode_entries(std::string_view bytes, std::size_t count) {
  std::vector<std::string> out;
  while (!bytes.empty()) {
    if (out.size() == count) {
      return refuse("malformed_entries", "bytes follow the last entry of the bundle");
    }
    const auto byte = [&](std::size_t i) {
      return static_cast<std::size_t>(static_cast<unsigned char>(bytes[i]));
    };
    const std::size_t size = bytes.size() < 2 ? bytes.size() : byte(0) << 8 | byte(1);
    if (bytes.size() < 2 || bytes.size() - 2 < size) {
      return refuse("malformed_entries", "an entry of the bundle is cut short");
    }
    out.emplace_back(bytes.substr(2, size));
    bytes.remove_prefix(2 + size);
  }
  if (out.size() != count) {
    return refuse("malformed_entries", "the bundle has " + std::to_string(out.size()) +
                                           " entries instead of " + std::to_string(count));
  }
  return out;
}

Result<const std::string*> TileHashReader::load(const Tile& tile) {
  const auto found = tiles_.find(tile);
  if (found != tiles_.end()) return &found->second;
  const std::string path = tile_path(tile);
  auto bytes = resources_(path);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  if (bytes->size() != tile.width * kHashSize) {
    return refuse("malformed_tile", path + " has " + std::to_string(bytes->size()) +
                                        " bytes instead of " +
                                        std::to_string(tile.width * kHashSize));
  }
  return &tiles_.emplace(tile, *std::move(bytes)).first->second;
}

Result<std::vector<Digest>> TileHashReader::read(const std::vector<NodeId>& nodes) {
  std::vector<Digest> out;
  out.reserve(nodes.size());
  for (const NodeId& node : nodes) {
    const Tile tile = tile_for(node, size_);
    const Span span = span_of(node);
    if (tile.width < span.begin + span.count) {
      return refuse("not_found", "no such node in a tree of this size");
    }
    const auto bytes = load(tile);
    if (!bytes) return std::unexpected(bytes.error());
    Frontier fold;
    for (std::size_t i = 0; i < span.count; ++i) fold.append(hash_at(**bytes, span.begin + i));
    out.push_back(fold.root());
  }
  return out;
}

}  // namespace keyturn::ledger
