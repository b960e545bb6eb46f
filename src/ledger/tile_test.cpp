#include "ledger/tile.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

using namespace keyturn;
using namespace keyturn::ledger;

TEST_CASE("paths are those of C2SP tlog-tiles") {
  const std::pair<const char*, Tile> table[] = {
      {"tile/0/000", {false, 0, 0, 256}},
      {"tile/0/x001/234", {false, 0, 1234, 256}},
      {"tile/3/x001/x234/067", {false, 3, 1234067, 256}},
      {"tile/0/x001/x234/067.p/128", {false, 0, 1234067, 128}},
      {"tile/entries/x999/999.p/1", {true, 0, 999999, 1}},
      {"tile/63/255", {false, 63, 255, 256}},
  };
  for (const auto& [path, tile] : table) {
    CAPTURE(path);
    CHECK(tile_path(tile) == path);
    CHECK(parse_tile_path(path) == tile);
  }
  for (const char* path : {"",
                           "tile",
                           "tile/0",
                           "tile/0/",
                           "tile/0/0",
                           "tile/0/00",
                           "tile/0/0000",
                           "tile/00/000",
                           "tile/64/000",
                           "tile/-1/000",
                           "tile/0/x000/001",
                           "tile/0/001/x002",
                           "tile/0/x001",
                           "tile/0/x001/",
                           "tile/0/001/002",
                           "tile/0/000.p/0",
                           "tile/0/000.p/256",
                           "tile/0/000.p/01",
                           "tile/0/000.p/",
                           "tile/0/000.p/1/",
                           "/tile/0/000",
                           "tile/0/000/",
                           "tile/entries/../000",
                           "tile/entry/000",
                           "tile/0/x1/234",
                           "tile/0/000.p/+1",
                           "tile//000",
                           "tile/0/x001/x001/x001/x001/x001/x001/001",
                           "tile/ 0/000"}) {
    CAPTURE(path);
    CHECK_FALSE(parse_tile_path(path));
  }
  CHECK(rc::check("what is written is read back", [] {
    const Tile tile{*rc::gen::arbitrary<bool>(), 0, *rc::gen::inRange<std::uint64_t>(0, 1ULL << 48),
                    *rc::gen::inRange(1U, 257U)};
    RC_ASSERT((parse_tile_path(tile_path(tile)) == tile));
  }));
}

TEST_CASE("widths at the edge of a tree") {
  CHECK(tile_width(0, 0, 0) == 0);
  CHECK(tile_width(0, 0, 1) == 1);
  CHECK(tile_width(0, 0, 256) == 256);
  CHECK(tile_width(0, 1, 256) == 0);
  CHECK(tile_width(0, 1, 257) == 1);
  CHECK(tile_width(1, 0, 255) == 0);
  CHECK(tile_width(1, 0, 70000) == 256);
  CHECK(tile_width(1, 1, 70000) == 17);
  CHECK(tile_width(2, 0, 70000) == 1);
  CHECK(tile_width(63, 0, UINT64_MAX) == 0);
  CHECK(tile_width(0, UINT64_MAX, UINT64_MAX) == 0);
  CHECK(tiles_of(0).empty());
  CHECK(tiles_of(257).size() == 3);
}

TEST_CASE("a tree read from its tiles is the tree") {
  constexpr std::uint64_t kMost = 70'000;
  MemoryTree tree;
  for (std::uint64_t i = 0; i < kMost; ++i) tree.append(std::to_string(i));
  std::size_t reads = 0;
  const auto resources = [&](const std::string& path) {
    ++reads;
    return hash_tile(tree, *parse_tile_path(path));
  };
  for (const std::uint64_t size :
       {1ULL, 2ULL, 255ULL, 256ULL, 257ULL, 1000ULL, 65536ULL, 65537ULL, 70000ULL}) {
    CAPTURE(size);
    TileHashReader reader(resources, size);
    CHECK(tree_root(reader, size).value() == tree.root(size));
    for (const std::uint64_t index : {std::uint64_t{0}, size / 3, size / 2, size - 1}) {
      TileHashReader cold(resources, size);
      reads = 0;
      const Proof proof = inclusion_proof(cold, index, size).value();
      CHECK(reads <= 6);
      CHECK(
          verify_inclusion(leaf_hash(std::to_string(index)), index, size, proof, tree.root(size)));
      CHECK(verify_consistency(index, tree.root(index), size, tree.root(size),
                               consistency_proof(cold, index, size).value()));
    }
    CHECK(reader.read({{0, size}}).error().code == "not_found");
  }
  TileHashReader cut([](const std::string&) { return Result<std::string>("short"); }, 300);
  CHECK(tree_root(cut, 300).error().code == "malformed_tile");
}

TEST_CASE("entry bundles") {
  CHECK(encode_entries({"ab", "", "c"}) == std::string("\0\2ab\0\0\0\1c", 9));
  CHECK(rc::check("round trip", [](const std::vector<std::string>& entries) {
    RC_ASSERT((decode_entries(encode_entries(entries), entries.size()).value() == entries));
  }));
  const std::string largest(65535, 'x');
  CHECK(decode_entries(encode_entries({largest}), 1).value()[0] == largest);
  CHECK_THROWS(encode_entries({largest + "x"}));
  for (const std::string& bytes :
       {std::string("\0", 1), std::string("\0\2a", 3), std::string("\0\1ab", 4), std::string(),
        std::string("\0\1a\0\1b", 6)}) {
    CHECK(decode_entries(bytes, 1).error().code == "malformed_entries");
  }
}
