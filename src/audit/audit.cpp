#include "audit/audit.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "base/task_impl.h"
#include "crypto/crypto.h"
#include "ledger/checkpoint.h"
#include "ledger/merkle.h"
#include "ledger/tile.h"

namespace keyturn::audit {
namespace {

constexpr std::size_t kEntriesMax = 256;

struct SignedState {
  std::uint64_t size = 0;
  Digest root = ledger::empty_root();
};

Result<SignedState> read_signed(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) {
    if (errno == ENOENT) return SignedState{};
    return refuse("unreadable", "cannot read " + path);
  }
  char line[128] = {};
  const bool got = std::fgets(line, sizeof line, file) != nullptr;
  std::fclose(file);
  unsigned long long size = 0;
  char hex[65] = {};
  if (!got || std::sscanf(line, "%llu %64s", &size, hex) != 2)
    return refuse("unreadable", path + " is damaged");
  const std::optional<std::string> root = from_hex(hex);
  if (!root || root->size() != 32) return refuse("unreadable", path + " is damaged");
  SignedState state{size, {}};
  std::copy(root->begin(), root->end(), state.root.begin());
  return state;
}

// Durably, before the signature leaves: written beside, synced, renamed, the folder synced.
bool write_signed(const std::string& path, const SignedState& state) {
  const std::string beside = path + ".new",
                    text = std::to_string(state.size) + " " + to_hex(view(state.root)) + "\n";
  const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return false;
  const bool written =
      ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fdatasync(file) == 0;
  ::close(file);
  if (!written || std::rename(beside.c_str(), path.c_str()) != 0) return false;
  const int folder =
      ::open(path.substr(0, path.rfind('/')).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return false;
  const bool synced = ::fsync(folder) == 0;
  ::close(folder);
  return synced;
}

doc::Value hex_array(const std::vector<Digest>& hashes) {
  doc::Array out;
  for (const Digest& hash : hashes) out.push_back(to_hex(view(hash)));
  return out;
}

}  // namespace

struct Audit::Impl {
  Impl(store::Journal& j, const Clock& c, AuditOptions o, ledger::Ed25519Signer s)
      : journal(j), clock(c), options(std::move(o)), signer(std::move(s)) {}

  // The hashes of nodes below `size`, from the journal's tiles.
  Task<Result<std::vector<Digest>>> hashes(std::vector<ledger::NodeId> nodes, std::uint64_t size);
  Task<Result<Digest>> root_at(std::uint64_t size);
  Task<Result<bool>> sign(std::uint64_t size, Digest root);

  store::Journal& journal;
  const Clock& clock;
  AuditOptions options;
  ledger::Ed25519Signer signer;
  SignedState last;
  std::string note;
  Time signed_at;
  bool busy = false;
};

Task<Result<std::vector<Digest>>> Audit::Impl::hashes(std::vector<ledger::NodeId> nodes,
                                                      std::uint64_t size) {
  std::vector<Digest> out;
  for (const ledger::NodeId& node : nodes) {
    const ledger::Tile tile = ledger::tile_for(node, size);
    const std::string bytes = co_await journal.read_tile(tile.level, tile.index, tile.width);
    if (bytes.size() < std::size_t{tile.width} * 32)
      co_return refuse("not_found", "tile " + ledger::tile_path(tile) + " is not there");
    const unsigned below = node.level - tile.level * ledger::kTileHeight;
    const std::uint64_t first = (node.index << below) - tile.index * ledger::kTileWidth;
    ledger::Frontier subtree;
    for (std::uint64_t i = 0; i < (std::uint64_t{1} << below); ++i) {
      Digest hash;
      std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>((first + i) * 32), 32, hash.begin());
      subtree.append(hash);
    }
    out.push_back(subtree.root());
  }
  co_return out;
}

Task<Result<Digest>> Audit::Impl::root_at(std::uint64_t size) {
  if (size == 0) co_return ledger::empty_root();
  if (size == journal.size()) co_return journal.root();
  Result<std::vector<Digest>> found = co_await hashes(ledger::cover(0, size), size);
  if (!found) co_return std::unexpected(found.error());
  co_return ledger::Frontier(size, std::move(*found)).root();
}

Task<Result<bool>> Audit::Impl::sign(std::uint64_t size, Digest root) {
  const std::uint64_t before = last.size;
  if (size > 0 && before < size) {
    if (!write_signed(options.signed_path, {size, root}))
      co_return refuse("unwritable", "cannot write " + options.signed_path);
    const bool advanced = co_await journal.advance_signed(before, size, root);
    if (!advanced)
      co_return refuse("forked", "another signer has advanced the log; nothing was signed");
  }
  last = {size, root};
  Result<std::string> made = ledger::sign_checkpoint({options.origin, size, root, {}}, signer);
  if (!made) co_return std::unexpected(made.error());
  note = std::move(*made);
  signed_at = clock.now();
  co_return true;
}

Task<Result<std::unique_ptr<Audit>>> Audit::open(store::Journal& journal, const Clock& clock,
                                                 AuditOptions options) {
  ledger::Ed25519Signer signer(options.origin, crypto::Ed25519Key::from_seed(options.signing_seed));
  auto impl = std::make_unique<Impl>(journal, clock, std::move(options), std::move(signer));
  Result<SignedState> last = read_signed(impl->options.signed_path);
  if (!last) co_return std::unexpected(last.error());
  const store::Signed in_store = co_await journal.last_signed();
  if (last->size > journal.size() || in_store.size > journal.size()) {
    co_return refuse("rolled_back", "the log has " + std::to_string(journal.size()) +
                                        " entries, but " +
                                        std::to_string(std::max(last->size, in_store.size)) +
                                        " were signed: it was restored from a backup or truncated");
  }
  if (in_store.size < last->size) {  // a crash between the file and the store
    const bool caught_up = co_await journal.advance_signed(in_store.size, last->size, last->root);
    if (!caught_up) co_return refuse("forked", "what was signed and what is stored disagree");
  }
  Result<Digest> root = co_await impl->root_at(last->size);
  if (!root) co_return std::unexpected(root.error());
  if (last->size > 0 && *root != last->root) {
    co_return refuse("forked", "the first " + std::to_string(last->size) +
                                   " entries are not those that were signed");
  }
  impl->last = *last;
  const Result<bool> first = co_await impl->sign(journal.size(), journal.root());
  if (!first) co_return std::unexpected(first.error());
  co_return std::unique_ptr<Audit>(new Audit(std::move(impl)));
}

Audit::Audit(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Audit::~Audit() = default;
const std::string& Audit::origin() const {
  return impl_->options.origin;
}
std::string Audit::vkey() const {
  return impl_->signer.verifier().text();
}
std::string Audit::checkpoint() const {
  return impl_->note;
}
std::uint64_t Audit::signed_size() const {
  return impl_->last.size;
}

Task<Result<bool>> Audit::tick() {
  const Time now = impl_->clock.now();
  const bool grew = impl_->journal.size() > impl_->last.size;
  const bool due = grew ? now - impl_->signed_at >= impl_->options.at_most_apart
                        : now - impl_->signed_at >= impl_->options.heartbeat;
  if (!due || impl_->busy) co_return false;
  impl_->busy = true;
  const Result<bool> done = co_await impl_->sign(impl_->journal.size(), impl_->journal.root());
  impl_->busy = false;
  co_return done;
}

Task<Result<Audit::Tile>> Audit::tile(std::string path) {
  const std::optional<ledger::Tile> tile = ledger::parse_tile_path(path);
  const auto missing = [] { return refuse("not_found", "there is no such tile"); };
  if (!tile) co_return missing();
  const std::uint64_t size = signed_size();
  if (ledger::tile_width(tile->level, tile->index, size) < tile->width) co_return missing();
  Tile out;
  out.immutable = true;
  if (tile->entries) {
    std::vector<std::string> leaves =
        co_await impl_->journal.read_leaves(tile->index * ledger::kTileWidth, tile->width);
    if (leaves.size() != tile->width) co_return missing();
    out.bytes = ledger::encode_entries(leaves);
  } else {
    out.bytes = co_await impl_->journal.read_tile(tile->level, tile->index, tile->width);
    if (out.bytes.size() != std::size_t{tile->width} * 32) co_return missing();
  }
  co_return out;
}

Task<Result<doc::Value>> Audit::inclusion(std::uint64_t index,
                                          std::optional<std::uint64_t> wanted) {
  const std::uint64_t size = wanted.value_or(signed_size());
  if (index >= size || size > impl_->journal.size()) {
    co_return refuse("not_found", "entry " + std::to_string(index) +
                                      " is not in the tree of size " + std::to_string(size));
  }
  const ledger::ProofPlan plan = ledger::inclusion_plan(index, size);
  Result<std::vector<Digest>> found = co_await impl_->hashes(plan.nodes, size);
  if (!found) co_return std::unexpected(found.error());
  Result<std::vector<Digest>> leaf = co_await impl_->hashes({{0, index}}, size);
  if (!leaf) co_return std::unexpected(leaf.error());
  Result<Digest> root = co_await impl_->root_at(size);
  if (!root) co_return std::unexpected(root.error());
  co_return doc::object(
      {{"index", index},
       {"size", size},
       {"leaf_hash", to_hex(view(leaf->front()))},
       {"root", to_hex(view(*root))},
       {"proof", hex_array(plan.fold(*found))},
       {"checkpoint", size == signed_size() ? doc::Value(checkpoint()) : doc::Value()}});
}

Task<Result<doc::Value>> Audit::consistency(std::uint64_t from, std::uint64_t to) {
  if (from > to || to > impl_->journal.size()) co_return refuse("not_found", "no such sizes");
  const ledger::ProofPlan plan = ledger::consistency_plan(from, to);
  Result<std::vector<Digest>> found = co_await impl_->hashes(plan.nodes, to);
  if (!found) co_return std::unexpected(found.error());
  co_return doc::object({{"from", from}, {"to", to}, {"proof", hex_array(plan.fold(*found))}});
}

Task<Result<doc::Value>> Audit::entries(std::uint64_t from, std::size_t limit) {
  const std::vector<std::string> leaves =
      co_await impl_->journal.read_leaves(from, std::min(limit, kEntriesMax));
  doc::Array items;
  std::uint64_t index = from;
  for (const std::string& leaf : leaves) {
    items.push_back(doc::object({{"index", index++},
                                 {"leaf", to_base64(leaf)},
                                 {"hash", to_hex(view(ledger::leaf_hash(leaf)))}}));
  }
  co_return doc::object({{"items", std::move(items)}, {"size", impl_->journal.size()}});
}

}  // namespace keyturn::audit
