// Writes logs as they are served, for verifiers that others wrote: events appended to a real
// journal, signed and served by audit as the server has it.
//   keyturn_ledger_fixture DIR SIZE OLD_SIZE [SIZE OLD_SIZE]...
// DIR/SIZE gets, for each pair,
//   checkpoint, vkey, tile/...    the log
//   old-checkpoint                signed when it had OLD_SIZE leaves
//   cosigned, witness-vkey        the checkpoint with a witness's line as well (C2SP
//   tlog-cosignature v1) other-history                 of OLD_SIZE leaves that are not this log's,
//   by the same key other-origin                  of another log, signed by this key under this
//   log's name other-vkey, other-witness     the same names, other keys inclusion, consistency
//   proofs made by Keyturn, "INDEX HASH..." and "OLD_SIZE HASH..." a line; of a log of more
//                                 than 300 leaves a sample
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>

#include "audit/audit.h"
#include "base/run_task.h"
#include "doc/json.h"
#include "ledger/checkpoint.h"
#include "ledger/tile.h"
#include "store/sqlite/journal.h"

namespace {

using namespace keyturn;
using namespace keyturn::ledger;
namespace fs = std::filesystem;

constexpr const char* kOrigin = "log.example/fixture";
constexpr const char* kWitness = "witness.example/w1";
constexpr std::uint64_t kWitnessed = 1'795'237'483;  // 2026-11-21T05:04:43Z
constexpr std::uint64_t kEveryProof = 300;
constexpr std::uint64_t kAppendAtOnce = 256;

std::string seed_of(char letter) {
  return std::string(32, letter);
}
crypto::Ed25519Key key_of(char letter) {
  return crypto::Ed25519Key::from_seed(Secret(seed_of(letter)));
}

class SteppingClock final : public Clock {
 public:
  Time now() const override { return time += std::chrono::milliseconds(1); }
  mutable Time time = *from_rfc3339("2026-11-21T05:04:43.000Z");
};

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

void write(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

EventDraft numbered(std::uint64_t i) {
  EventDraft draft{.stream = "action/" + std::to_string(i % 5),
                   .type = "action.decided",
                   .body = doc::object({{"text", std::string(i % 50, 'x')}})};
  if (i % 7 == 0) draft.private_part = doc::object({{"args", i}});
  return draft;
}

class Log {
 public:
  explicit Log(const fs::path& folder) {
    journal_ = must(store::sqlite::open_journal({.path = (folder / "journal.db").string(),
                                                 .master = Secret(seed_of('m')),
                                                 .node = "fixture",
                                                 .closed_types = {"action.settled"}},
                                                clock_, random_, io_.get_executor()));
    audit_ =
        must(run_task(io_, audit::Audit::open(*journal_, clock_,
                                              {.origin = kOrigin,
                                               .signing_seed = Secret(seed_of('k')),
                                               .signed_path = (folder / "last-signed").string(),
                                               .at_most_apart = Duration::zero()})));
  }

  // Appends until there are `size` leaves, and signs.
  std::string grow_to(std::uint64_t size) {
    while (journal_->size() < size) {
      store::AppendRequest request;
      const std::uint64_t to = std::min(size, journal_->size() + kAppendAtOnce);
      for (std::uint64_t i = journal_->size(); i < to; ++i) request.events.push_back(numbered(i));
      if (!run_task(io_, journal_->append(std::move(request)))) throw std::runtime_error("append");
    }
    if (!must(run_task(io_, audit_->tick()))) throw std::runtime_error("not signed");
    return audit_->checkpoint();
  }

  std::string tile(const Tile& tile) {
    return must(run_task(io_, audit_->tile(tile_path(tile)))).bytes;
  }
  doc::Value inclusion(std::uint64_t index) {
    return must(run_task(io_, audit_->inclusion(index, std::nullopt)));
  }
  doc::Value consistency(std::uint64_t from) {
    return must(run_task(io_, audit_->consistency(from, journal_->size())));
  }
  std::string vkey() const { return audit_->vkey(); }

 private:
  SteppingClock clock_;
  SystemRandom random_;
  boost::asio::io_context io_;
  std::unique_ptr<store::Journal> journal_;
  std::unique_ptr<audit::Audit> audit_;
};

std::string line_of(std::uint64_t number, const doc::Value& answer) {
  std::string out = std::to_string(number);
  for (const doc::Value& hash : answer.find("proof")->as_array()) out += " " + hash.as_string();
  return out + "\n";
}

void write_tiles(const fs::path& dir, Log& log, std::uint64_t size) {
  for (Tile tile : tiles_of(size)) {
    write(dir / tile_path(tile), log.tile(tile));
    if (tile.level > 0) continue;
    tile.entries = true;
    write(dir / tile_path(tile), log.tile(tile));
  }
}

void write_proofs(const fs::path& dir, Log& log, std::uint64_t size) {
  std::set<std::uint64_t> indexes{0, 255, 256, size / 2, size - 2, size - 1};
  const std::uint64_t step = size <= kEveryProof ? 1 : size / 61;
  for (std::uint64_t i = 0; i < size; i += step) indexes.insert(i);
  std::string inclusion;
  std::string consistency;
  for (const std::uint64_t i : indexes) {
    if (i >= size) continue;
    inclusion += line_of(i, log.inclusion(i));
    consistency += line_of(i + 1, log.consistency(i + 1));
  }
  write(dir / "inclusion", inclusion);
  write(dir / "consistency", consistency);
}

std::string cosigned(const std::string& checkpoint) {
  Note note = must(parse_note(checkpoint));
  note.signatures.push_back(cosign(key_of('w'), kWitness, note.text, kWitnessed));
  return write_note(note);
}

std::string witness_vkey(char letter) {
  return VerifierKey{kWitness, KeyType::kCosignature, key_of(letter).public_key()}.text() + "\n";
}

void write_keys_and_lies(const fs::path& dir, const std::string& checkpoint,
                         std::uint64_t old_size) {
  Ed25519Signer signer(kOrigin, key_of('k'));
  Checkpoint of_another_log = must(open_checkpoint(checkpoint, signer.verifier()));
  of_another_log.origin = "log.example/other";
  const Digest another = leaf_hash("another past");
  write(dir / "other-origin", must(sign_checkpoint(of_another_log, signer)));
  write(dir / "other-history", must(sign_checkpoint({kOrigin, old_size, another, {}}, signer)));
  write(dir / "other-vkey", Ed25519Signer(kOrigin, key_of('o')).verifier().text() + "\n");
  write(dir / "witness-vkey", witness_vkey('w'));
  write(dir / "other-witness", witness_vkey('x'));
}

int make_logs(const fs::path& dir, const std::map<std::uint64_t, std::uint64_t>& old_size_of) {
  fs::create_directories(dir);
  Log log(dir);
  std::set<std::uint64_t> stops;
  for (const auto& [size, old_size] : old_size_of) stops.insert({size, old_size});
  std::map<std::uint64_t, std::string> checkpoints;
  for (const std::uint64_t size : stops) {
    checkpoints[size] = log.grow_to(size);
    const auto wanted = old_size_of.find(size);
    if (wanted == old_size_of.end()) continue;
    const fs::path folder = dir / std::to_string(size);
    write(folder / "checkpoint", checkpoints[size]);
    write(folder / "cosigned", cosigned(checkpoints[size]));
    write(folder / "old-checkpoint", checkpoints.at(wanted->second));
    write(folder / "vkey", log.vkey() + "\n");
    write_keys_and_lies(folder, checkpoints[size], wanted->second);
    write_tiles(folder, log, size);
    write_proofs(folder, log, size);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || argc % 2 != 0) {
    std::fprintf(stderr, "usage: keyturn_ledger_fixture DIR SIZE OLD_SIZE [SIZE OLD_SIZE]...\n");
    return 2;
  }
  std::map<std::uint64_t, std::uint64_t> sizes;
  for (int i = 2; i < argc; i += 2)
    sizes[std::strtoull(argv[i], nullptr, 10)] = std::strtoull(argv[i + 1], nullptr, 10);
  try {
    return make_logs(argv[1], sizes);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "keyturn_ledger_fixture: %s\n", error.what());
    return 1;
  }
}
