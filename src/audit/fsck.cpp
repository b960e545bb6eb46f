#include "audit/fsck.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <set>
#include <stdexcept>
#include <unordered_map>

#include "audit/fsck_tree.h"
#include "audit/signed_state.h"
#include "base/bytes.h"
#include "crypto/crypto.h"
#include "doc/json.h"
#include "ledger/erasure.h"
#include "ledger/leaf_skim.h"
#include "ledger/merkle.h"
#include "ledger/tile.h"
#include "store/sqlite/data_dir.h"
#include "store/sqlite/database.h"
#include "store/sqlite/private_parts.h"

namespace keyturn::audit {
namespace {

using ledger::Verdict;
using store::sqlite::Access;
using store::sqlite::Database;
using store::sqlite::Query;
using store::sqlite::Statement;

constexpr std::uint64_t kProgressEvery = 8192;

// What was signed says how long the log was, and how it hashed.
struct Anchor {
  std::string what;  // "DATA/keys/last-signed"
  std::uint64_t size = 0;
  Digest root{};
};

Digest digest_of(std::string_view bytes) {
  Digest out{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), out.size()), out.begin());
  return out;
}

std::string entry_name(std::uint64_t index) {
  return "entry " + std::to_string(index);
}

class Fsck {
 public:
  explicit Fsck(const FsckOptions& options) : options_(options) {}
  FsckReport run();

 private:
  // A stream between its first and its last entry.
  struct Stream {
    std::string name, last_type;
    bool open = true;
    std::uint64_t version = 0, position = 0, index = 0;
    Digest head{}, last{};
  };

  void damage(std::optional<std::uint64_t> index, std::string message);
  void incomplete(std::string message);
  void remark(std::string message);

  bool read_keys();
  void read_outside();  // before the snapshot: what is there then can only be older
  void check_journal();
  void check_entries(Database& database);
  void check_entry(const Query& row, std::uint64_t index);
  void check_link(const Query& row, const ledger::LeafEnvelope& leaf, const Stream& stream,
                  std::uint64_t index);
  void check_private(const Query& row, const ledger::LeafEnvelope& leaf, std::uint64_t index);
  Stream* stream_of(const Query& row, std::uint64_t index);
  void note_erasure(std::string_view leaf, std::uint64_t index);
  void check_anchors();
  void check_streams(Database& database);
  void check_tiles(Database& database);
  void check_claims(Database& database);
  void check_erased();
  void check_read_model();

  const FsckOptions& options_;
  FsckReport report_;
  Secret master_;
  std::string journal_path_, read_path_;
  std::vector<Anchor> anchors_;
  std::string closed_types_;  // as the journal was opened with: a JSON list
  std::optional<std::uint64_t> cursor_;
  std::string cursor_hash_;
  std::unordered_map<std::int64_t, Stream> streams_;
  std::vector<std::uint64_t> erased_;  // entries whose private part is overwritten
  std::vector<ledger::Erasure> erasures_;
  std::uint64_t shut_ = 0;  // private parts that do not open
  std::string last_time_;
  std::unique_ptr<FsckTree> tree_;
  std::unique_ptr<Statement> find_stream_;
};

void Fsck::damage(std::optional<std::uint64_t> index, std::string message) {
  ++report_.damages;
  if (index && *index < report_.first_bad_index.value_or(UINT64_MAX))
    report_.first_bad_index = index;
  if (report_.findings.size() < kFindingsMax)
    report_.findings.push_back({Verdict::kTampered, index, std::move(message)});
}

void Fsck::incomplete(std::string message) {
  report_.findings.push_back({Verdict::kIncomplete, std::nullopt, std::move(message)});
}

void Fsck::remark(std::string message) {
  report_.findings.push_back({Verdict::kIntact, std::nullopt, std::move(message)});
}

bool Fsck::read_keys() {
  Result<store::sqlite::DataDir> data = store::sqlite::DataDir::look(options_.data);
  if (!data) {
    incomplete(data.error().message);
    return false;
  }
  master_ = data->master_key();
  journal_path_ = data->journal_path();
  read_path_ = data->read_model_path();
  return true;
}

void Fsck::read_outside() {
  const std::string path = signed_path(options_.data);
  std::ifstream file(path);
  std::string line;
  if (file && std::getline(file, line)) {
    unsigned long long size = 0;
    char hex[65] = {};
    const bool read = std::sscanf(line.c_str(), "%llu %64s", &size, hex) == 2;
    const auto root = read ? from_hex(hex) : std::nullopt;
    if (root && root->size() == sizeof(Digest))
      anchors_.push_back({path, size, digest_of(*root)});
    else
      damage(std::nullopt, path + " cannot be read: it was changed");
  }
  try {
    Database database(read_path_, Access::kReadOnly);
    Statement statement(database, "SELECT next, last_hash FROM cursor");
    Query query(statement);
    if (query.step()) {
      cursor_ = static_cast<std::uint64_t>(query.integer(0));
      cursor_hash_ = query.bytes(1);
    }
  } catch (const store::sqlite::SqliteError& error) {
    remark(std::string("read.db, which can be built again: ") + error.what());
  }
}

void Fsck::check_journal() {
  Database database(journal_path_, Access::kReadOnly);
  database.run("PRAGMA query_only = ON; PRAGMA cache_size = -65536; BEGIN");
  {
    Statement statement(database, "SELECT size, root FROM signed");
    Query query(statement);
    if (query.step()) {
      report_.signed_size = static_cast<std::uint64_t>(query.integer(0));
      anchors_.push_back({"the journal's own record of what was signed", report_.signed_size,
                          digest_of(query.bytes(1))});
    }
  }
  {
    Statement statement(database, "SELECT value FROM meta WHERE key = 'closed_types'");
    Query query(statement);
    if (query.step()) closed_types_ = query.bytes(0);
  }
  find_stream_ = std::make_unique<Statement>(
      database, "SELECT name, version, head, last_type, open FROM stream WHERE id = ?");
  tree_ = std::make_unique<FsckTree>(database,
                                     [this](std::optional<std::uint64_t> index, std::string why) {
                                       damage(index, std::move(why));
                                     });
  check_entries(database);
  tree_->finish();
  report_.tiles = tree_->tiles();
  report_.root = to_hex(view(tree_->root()));
  check_anchors();
  check_streams(database);
  check_claims(database);
  check_erased();
  check_read_model();
}

void Fsck::check_entries(Database& database) {
  const auto total =
      static_cast<std::uint64_t>(database.integer("SELECT coalesce(max(idx) + 1, 0) FROM event"));
  Statement statement(database,
                      "SELECT idx, stream, position, leaf, sealed FROM event ORDER BY idx");
  Query row(statement);
  std::uint64_t expected = 0;
  try {
    while (row.step()) {
      const auto index = static_cast<std::uint64_t>(row.integer(0));
      if (index != expected) {
        damage(expected, index - expected == 1 ? "it is missing"
                                               : "entries " + std::to_string(expected) + " to " +
                                                     std::to_string(index - 1) + " are missing");
        tree_->skip_to(index);
      }
      check_entry(row, index);
      expected = index + 1;
      report_.entries = expected;
      if (expected % kProgressEvery == 0 && options_.progress) options_.progress(expected, total);
    }
  } catch (const store::sqlite::SqliteError& error) {
    damage(expected, std::string("the database cannot be read here: ") + error.what());
  }
  if (options_.progress) options_.progress(expected, total);
}

void Fsck::check_entry(const Query& row, std::uint64_t index) {
  const std::string_view bytes = row.bytes(3);
  const Digest hash = ledger::leaf_hash(bytes);
  const bool as_in_tile = tree_->append(index, hash);
  for (const Anchor& anchor : anchors_) tree_->keep_root_at(anchor.size);
  if (cursor_ && *cursor_ == index + 1 && cursor_hash_ != view(hash))
    damage(index, "read.db was built from another entry here");
  const auto leaf = ledger::skim_leaf(bytes);
  if (leaf) {
    if (std::string_view(last_time_) > leaf->time)
      damage(index, "it is earlier than the entry before it");
    last_time_ = leaf->time;
    if (leaf->type == "payload.erased") note_erasure(bytes, index);
    check_private(row, *leaf, index);
  } else if (as_in_tile) {
    damage(index, "it is no leaf");
  }
  Stream* stream = stream_of(row, index);
  if (stream == nullptr) return;
  if (leaf && as_in_tile) check_link(row, *leaf, *stream, index);
  stream->position = static_cast<std::uint64_t>(row.integer(2));
  stream->index = index;
  stream->last = hash;
  if (stream->position < stream->version) return;
  if (stream->head != hash && as_in_tile && leaf)
    damage(index, "it is not what \"" + stream->name + "\" ends with");
  if (leaf && as_in_tile && stream->last_type != leaf->type)
    damage(index, "\"" + stream->name + "\" is said to end with another type of entry");
  const bool closes = closed_types_.find("\"" + stream->last_type + "\"") != std::string::npos;
  if (!closed_types_.empty() && stream->open == closes)
    damage(index, "\"" + stream->name + "\" is said to be " + (closes ? "open" : "closed"));
  streams_.erase(row.integer(1));
}

Fsck::Stream* Fsck::stream_of(const Query& row, std::uint64_t index) {
  const auto [at, is_new] = streams_.try_emplace(row.integer(1));
  Stream& stream = at->second;
  if (!is_new) return &stream;
  Query found(*find_stream_);
  if (!found.bind(row.integer(1)).step()) {
    damage(index, "the stream it belongs to is not in the table of streams");
    streams_.erase(at);
    return nullptr;
  }
  ++report_.streams;
  stream.name = found.bytes(0);
  stream.version = static_cast<std::uint64_t>(found.integer(1));
  stream.head = digest_of(found.bytes(2));
  stream.last_type = found.bytes(3);
  stream.open = found.integer(4) != 0;
  return &stream;
}

// Which of the two entries of a broken link is at fault, the tiles tell: one that is in a full tile
// and hashes to what stands there was not changed.
void Fsck::check_link(const Query& row, const ledger::LeafEnvelope& leaf, const Stream& stream,
                      std::uint64_t index) {
  if (stream.name != leaf.stream || row.integer(2) != static_cast<std::int64_t>(leaf.position)) {
    damage(index, "it is filed under position " + std::to_string(row.integer(2)) + " of \"" +
                      stream.name + "\", and says that it is position " +
                      std::to_string(leaf.position) + " of \"" + std::string(leaf.stream) + "\"");
    return;
  }
  if (leaf.position != stream.position + 1) {
    damage(index, "\"" + stream.name + "\" goes from position " + std::to_string(stream.position) +
                      " to " + std::to_string(leaf.position));
    return;
  }
  const std::string wanted = stream.position == 0 ? "" : to_hex(view(stream.last));
  if (leaf.prev == wanted) return;
  if (stream.position == 0 || tree_->vouched(stream.index)) {
    damage(index, "it does not follow the entry of \"" + stream.name + "\" before it");
  } else {
    damage(stream.index, "it is not what " + entry_name(index) + " of the same stream follows");
  }
}

void Fsck::check_private(const Query& row, const ledger::LeafEnvelope& leaf, std::uint64_t index) {
  const bool is_sealed = !row.is_null(4);
  if (leaf.private_part.empty() != !is_sealed) {
    damage(index, is_sealed ? "there is a private part that it does not commit to"
                            : "its private part is missing, and was not erased");
    return;
  }
  if (!is_sealed) return;
  const Result<std::optional<store::sqlite::OpenedPayload>> part =
      store::sqlite::open_part(master_, row.bytes(4), index);
  if (!part) {
    ++shut_;
    damage(index, "its private part does not open: it was changed");
  } else if (!*part) {
    erased_.push_back(index);
    ++report_.erased;
  } else if (to_hex(view(crypto::commit_payload((*part)->nonce32, (*part)->payload))) !=
             leaf.private_part) {
    damage(index, "its private part is not what it commits to");
  } else {
    ++report_.private_parts;
  }
}

void Fsck::note_erasure(std::string_view leaf, std::uint64_t index) {
  if (auto erasure = ledger::read_erasure(leaf, index)) erasures_.push_back(std::move(*erasure));
}

// Every part that is gone must be one that an entry says was erased; the others are gone without a
// reason.
void Fsck::check_erased() {
  std::set<std::uint64_t> said;
  std::uint64_t explained = 0;
  for (const ledger::Erasure& erasure : erasures_) {
    for (const auto& [first, last] : erasure.entries) {
      const auto from = std::ranges::lower_bound(erased_, first);
      const auto to = std::ranges::upper_bound(erased_, last);
      for (auto at = from; at < to; ++at) said.insert(*at);
    }
  }
  for (const std::uint64_t index : erased_) {
    if (said.contains(index))
      ++explained;
    else
      report_.findings.push_back(
          {Verdict::kIncomplete, index, "its private part is gone, and no entry says why"});
  }
  if (explained > 0)
    remark("ERASED: " + std::to_string(explained) + " private part" + (explained == 1 ? "" : "s") +
           ", as the ledger says");
}

void Fsck::check_anchors() {
  for (const Anchor& anchor : anchors_) {
    if (anchor.size > report_.entries) {
      damage(report_.entries, "the log ends here, but " + anchor.what + " says that " +
                                  std::to_string(anchor.size) +
                                  " entries were signed: it was rolled back or cut off");
      continue;
    }
    const std::optional<Digest> root = tree_->root_at(anchor.size);
    if (root && *root == anchor.root) continue;
    damage(std::nullopt, "the first " + std::to_string(anchor.size) +
                             " entries do not hash to the root that was signed, by " + anchor.what);
  }
}

void Fsck::check_streams(Database& database) {
  for (const auto& [id, stream] : streams_) {
    damage(stream.index, "\"" + stream.name + "\" has " + std::to_string(stream.version) +
                             " entries, and this one, position " + std::to_string(stream.position) +
                             ", is the last that is there");
  }
  const auto rows = static_cast<std::uint64_t>(database.integer("SELECT count(*) FROM stream"));
  if (rows > report_.streams)
    damage(std::nullopt, std::to_string(rows - report_.streams) +
                             " streams in the table of streams have no entries");
}

void Fsck::check_claims(Database& database) {
  Statement claims(database, "SELECT key, value FROM claim");
  Statement stream(database, "SELECT 1 FROM stream WHERE name = ?");
  Query row(claims);
  while (row.step()) {
    ++report_.claims;
    if (!row.bytes(1).starts_with("act_")) continue;
    Query found(stream);
    const std::string_view value = row.bytes(1);  // "act_…", and perhaps more behind a space
    const std::string name = "action/" + std::string(value.substr(0, value.find(' ')));
    if (!found.bind_text(name).step())
      damage(std::nullopt, "a claim (" +
                               std::string(row.bytes(0).substr(0, row.bytes(0).find('/'))) +
                               "/…) is of an action that is not there: " + name);
  }
}

void Fsck::check_read_model() {
  if (cursor_ && *cursor_ > report_.entries)
    damage(report_.entries, "the log ends here, but read.db was built from " +
                                std::to_string(*cursor_) + " entries");
}

FsckReport Fsck::run() {
  const auto start = std::chrono::steady_clock::now();
  if (read_keys()) {
    read_outside();
    try {
      check_journal();
    } catch (const std::exception& error) {
      incomplete(journal_path_ + ": " + error.what());
    }
    if (shut_ > 0 && report_.private_parts == 0)
      incomplete("no private part opens: DATA/keys/master.key is not this journal's");
  }
  report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const bool missing = std::ranges::any_of(
      report_.findings, [](const FsckFinding& f) { return f.verdict == Verdict::kIncomplete; });
  report_.verdict = report_.damages > 0 ? Verdict::kTampered
                    : missing           ? Verdict::kIncomplete
                                        : Verdict::kIntact;
  return std::move(report_);
}

}  // namespace

FsckReport fsck(const FsckOptions& options) {
  return Fsck(options).run();
}

}  // namespace keyturn::audit
