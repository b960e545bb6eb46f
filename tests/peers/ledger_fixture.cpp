// Writes a log as it is served, for verifiers that others wrote.
//   keyturn_ledger_fixture DIR SIZE OLD_SIZE
// DIR gets
//   checkpoint, vkey, tile/...    the log
//   old-checkpoint                of its first OLD_SIZE leaves
//   other-history                 of OLD_SIZE leaves that are not this log's, by the same key
//   other-origin                  of another log, signed by this key under this log's name
//   other-vkey                    the same name, another key
//   inclusion, consistency        proofs made by Keyturn: "INDEX HASH..." and "OLD_SIZE HASH..." a
//   line
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "doc/json.h"
#include "ledger/bundle.h"
#include "ledger/checkpoint.h"
#include "ledger/tile.h"
#include "ledger/verify.h"

namespace {

using namespace keyturn;
using namespace keyturn::ledger;

constexpr const char* kOrigin = "log.example/fixture";

crypto::Ed25519Key key_of(char seed) {
  return crypto::Ed25519Key::from_seed(Secret(std::string(32, seed)));
}

struct Log {
  std::vector<std::string> leaves;
  MemoryTree tree;
};

Log make_log(std::uint64_t size) {
  Log log;
  constexpr std::uint64_t kStreams = 5;
  for (std::uint64_t i = 0; i < size; ++i) {
    const std::string prev = i < kStreams ? "" : to_hex(view(leaf_hash(log.leaves[i - kStreams])));
    log.leaves.push_back(doc::canonical_or_die(doc::object({
        {"position", i / kStreams + 1},
        {"prev", prev},
        {"stream", "action/" + std::to_string(i % kStreams)},
        {"text", std::string(i % 50, 'x')},
        {"type", "action.decided"},
        {"v", 1},
    })));
    log.tree.append(log.leaves.back());
  }
  return log;
}

void write(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string line_of(std::uint64_t number, const Proof& proof) {
  std::string out = std::to_string(number);
  for (const Digest& hash : proof) out += " " + to_hex(view(hash));
  return out + "\n";
}

void write_resources(const std::filesystem::path& dir, Log& log) {
  for (Tile tile : tiles_of(log.leaves.size())) {
    write(dir / tile_path(tile), hash_tile(log.tree, tile).value());
    if (tile.level > 0) continue;
    const auto begin = log.leaves.begin() + static_cast<std::ptrdiff_t>(tile.index * kTileWidth);
    tile.entries = true;
    write(dir / tile_path(tile), encode_entries({begin, begin + tile.width}));
  }
}

void write_proofs(const std::filesystem::path& dir, Log& log) {
  const std::uint64_t size = log.leaves.size();
  std::string inclusion;
  std::string consistency;
  for (std::uint64_t i = 0; i < size; ++i) {
    inclusion += line_of(i, inclusion_proof(log.tree, i, size).value());
    consistency += line_of(i + 1, consistency_proof(log.tree, i + 1, size).value());
  }
  write(dir / "inclusion", inclusion);
  write(dir / "consistency", consistency);
}

int run(const std::filesystem::path& dir, std::uint64_t size, std::uint64_t old_size) {
  Log log = make_log(size);
  Ed25519Signer signer(kOrigin, key_of('k'));
  const auto checkpoint = [&](const std::string& origin, std::uint64_t n) {
    return sign_checkpoint({origin, n, log.tree.root(n), {}}, signer).value();
  };
  write(dir / "checkpoint", checkpoint(kOrigin, size));
  write(dir / "old-checkpoint", checkpoint(kOrigin, old_size));
  write(dir / "other-origin", checkpoint("log.example/other", size));
  write(dir / "other-history",
        sign_checkpoint({kOrigin, old_size, leaf_hash("another past"), {}}, signer).value());
  write(dir / "vkey", signer.verifier().text() + "\n");
  write(dir / "other-vkey", Ed25519Signer(kOrigin, key_of('o')).verifier().text() + "\n");
  write_resources(dir, log);
  write_proofs(dir, log);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: keyturn_ledger_fixture DIR SIZE OLD_SIZE\n");
    return 2;
  }
  return run(argv[1], std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10));
}
