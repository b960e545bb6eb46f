#include "audit/audit.h"

#include <algorithm>
#include <map>
#include <utility>

#include "audit/signed_state.h"
#include "base/task_impl.h"
#include "crypto/crypto.h"
#include "ledger/checkpoint.h"
#include "ledger/merkle.h"
#include "ledger/tile.h"

namespace keyturn::audit {
namespace {

constexpr std::size_t kEntriesMax = 256;

doc::Value hex_array(const std::vector<Digest>& hashes) {
  doc::Array out;
  for (const Digest& hash : hashes) out.push_back(to_hex(view(hash)));
  return out;
}

// The node's hash out of the tile that holds what it is folded from.
Digest folded(const ledger::NodeId& node, const ledger::Tile& tile, const std::string& bytes) {
  const unsigned below = node.level - tile.level * ledger::kTileHeight;
  const std::uint64_t first = (node.index << below) - tile.index * ledger::kTileWidth;
  ledger::Frontier subtree;
  for (std::uint64_t i = 0; i < (std::uint64_t{1} << below); ++i) {
    Digest hash;
    const auto at = static_cast<std::ptrdiff_t>((first + i) * sizeof(Digest));
    std::copy_n(bytes.begin() + at, sizeof(Digest), hash.begin());
    subtree.append(hash);
  }
  return subtree.root();
}

}  // namespace

// A checkpoint on its way to the readers: the witnesses have been asked.
struct Round {
  std::string note;
  std::uint64_t size = 0;
  std::size_t outstanding = 0;
  std::vector<ledger::NoteSignature> lines;
};

struct Audit::Impl : std::enable_shared_from_this<Impl> {
  Impl(store::Journal& j, const Clock& c, AuditOptions o, ledger::Ed25519Signer s)
      : journal(j), clock(c), options(std::move(o)), signer(std::move(s)) {
    for (Witness& witness : options.witnesses) {
      cosigners.push_back({Cosigner(std::move(witness), prover()), {}, {}});
    }
  }

  // The hashes of nodes below `size`, from the journal's tiles.
  Task<Result<std::vector<Digest>>> hashes(std::vector<ledger::NodeId> nodes, std::uint64_t size);
  Task<Result<Digest>> root_at(std::uint64_t size);
  Task<Result<std::vector<Digest>>> consistency(std::uint64_t from, std::uint64_t to);
  ProveConsistency prover() {
    return [this](std::uint64_t from, std::uint64_t to) { return consistency(from, to); };
  }

  Task<Result<void>> look_back(const SignedState& last);
  Task<void> meet_witnesses();
  Task<Result<bool>> sign(std::uint64_t size, Digest root);
  void publish(const std::shared_ptr<Round>& round);
  std::uint64_t served_size() const { return alarm ? journal.size() : published; }
  void raise(Refusal why) {
    note.clear();
    journal.stop_appends(why.message);
    alarm = std::move(why);
  }

  struct Asked {
    Cosigner cosigner;
    Time rests_until;
    std::string problem;
  };
  // A witness that could not be asked has rested, and the last checkpoint lacks its line.
  bool owed_a_cosignature(Time now) const {
    return cosigned < last.size && std::ranges::any_of(
                                       cosigners,
                                       [&](const Asked& asked) {
                                         return !asked.problem.empty() && now >= asked.rests_until;
                                       });
  }
  static Task<void> ask(std::shared_ptr<Impl> self, Asked& asked, std::shared_ptr<Round> round);
  Task<Result<ledger::NoteSignature>> cosignature(Asked& asked, std::string note,
                                                  std::uint64_t size);

  store::Journal& journal;
  const Clock& clock;
  AuditOptions options;
  ledger::Ed25519Signer signer;
  std::vector<Asked> cosigners;
  SignedState last;  // signed
  std::string note;  // published
  std::uint64_t published = 0;
  std::uint64_t cosigned = 0;
  Time signed_at;
  bool busy = false;
  std::optional<Refusal> alarm;
};

// Each tile is read once: what a proof needs of one level lies in one or two of them.
Task<Result<std::vector<Digest>>> Audit::Impl::hashes(std::vector<ledger::NodeId> nodes,
                                                      std::uint64_t size) {
  std::map<ledger::Tile, std::string> tiles;
  for (const ledger::NodeId& node : nodes) tiles[ledger::tile_for(node, size)];
  std::vector<store::Journal::TileRange> wanted;
  for (const auto& [tile, bytes] : tiles) wanted.push_back({tile.level, tile.index, tile.width});
  std::vector<std::string> read = co_await journal.read_tiles(std::move(wanted));
  for (std::size_t i = 0; auto& [tile, bytes] : tiles) {
    bytes = std::move(read[i++]);
    if (bytes.size() < std::size_t{tile.width} * sizeof(Digest))
      co_return refuse("not_found", "tile " + ledger::tile_path(tile) + " is not there");
  }
  std::vector<Digest> out;
  out.reserve(nodes.size());
  for (const ledger::NodeId& node : nodes) {
    const auto& [tile, bytes] = *tiles.find(ledger::tile_for(node, size));
    out.push_back(folded(node, tile, bytes));
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

Task<Result<std::vector<Digest>>> Audit::Impl::consistency(std::uint64_t from, std::uint64_t to) {
  const ledger::ProofPlan plan = ledger::consistency_plan(from, to);
  Result<std::vector<Digest>> found = co_await hashes(plan.nodes, to);
  if (!found) co_return std::unexpected(found.error());
  co_return plan.fold(*found);
}

Task<Result<bool>> Audit::Impl::sign(std::uint64_t size, Digest root) {
  const std::uint64_t before = last.size;
  if (size > 0 && before < size) {
    if (!write_signed(options.signed_path, {size, root}))
      co_return refuse("unwritable", "cannot write " + options.signed_path);
    const bool advanced = co_await journal.advance_signed(before, size, root);
    if (!advanced) {
      raise({"forked", "another signer has advanced the log; nothing was signed", ""});
      co_return std::unexpected(*alarm);
    }
  }
  last = {size, root};
  Result<std::string> made = ledger::sign_checkpoint({options.origin, size, root, {}}, signer);
  if (!made) co_return std::unexpected(made.error());
  signed_at = clock.now();
  const auto round = std::make_shared<Round>();
  round->note = std::move(*made);
  round->size = size;
  for (Asked& asked : cosigners) {
    if (clock.now() < asked.rests_until) continue;
    ++round->outstanding;
    options.spawn(ask(shared_from_this(), asked, round));
  }
  busy = round->outstanding > 0;
  if (!busy || note.empty()) publish(round);  // the first goes out without waiting for witnesses
  co_return true;
}

Task<Result<ledger::NoteSignature>> Audit::Impl::cosignature(Asked& asked, std::string text,
                                                             std::uint64_t size) {
  constexpr std::chrono::seconds kRest(5);
  Result<ledger::NoteSignature> line = co_await asked.cosigner.cosign(std::move(text), size);
  if (line) {
    if (!std::exchange(asked.problem, "").empty())
      options.log("witness " + asked.cosigner.key().name + " cosigns again");
    co_return line;
  }
  asked.rests_until = clock.now() + kRest;
  if (std::exchange(asked.problem, line.error().message) != line.error().message)
    options.log("witness " + asked.cosigner.key().name + ": " + line.error().message);
  co_return line;
}

// Holds the whole of it: the question may outlive who asked.
Task<void> Audit::Impl::ask(std::shared_ptr<Impl> self, Asked& asked,
                            std::shared_ptr<Round> round) {
  Result<ledger::NoteSignature> line = co_await self->cosignature(asked, round->note, round->size);
  if (line) round->lines.push_back(std::move(*line));
  if (--round->outstanding > 0) co_return;
  self->busy = false;
  self->publish(round);
}

void Audit::Impl::publish(const std::shared_ptr<Round>& round) {
  if (alarm) return;
  Result<ledger::Note> parsed = ledger::parse_note(round->note);
  if (!parsed) return;  // our own: it parses
  std::ranges::copy(round->lines, std::back_inserter(parsed->signatures));
  note = ledger::write_note(*parsed);
  published = round->size;
  if (!cosigners.empty() && round->lines.size() >= options.cosignatures_needed)
    cosigned = round->size;
}

// Is the log that is stored the one that was signed?
Task<Result<void>> Audit::Impl::look_back(const SignedState& signed_last) {
  const store::Signed in_store = co_await journal.last_signed();
  const std::uint64_t most = std::max(signed_last.size, in_store.size);
  if (most > journal.size()) {
    co_return refuse("rolled_back", "the log has " + std::to_string(journal.size()) +
                                        " entries, but " + std::to_string(most) +
                                        " were signed: it was restored from a backup or truncated");
  }
  if (in_store.size < signed_last.size) {  // a crash between the file and the store
    const bool caught_up =
        co_await journal.advance_signed(in_store.size, signed_last.size, signed_last.root);
    if (!caught_up) co_return refuse("forked", "what was signed and what is stored disagree");
  }
  Result<Digest> root = co_await root_at(signed_last.size);
  if (!root) co_return std::unexpected(root.error());
  if (signed_last.size > 0 && *root != signed_last.root) {
    co_return refuse("forked", "the first " + std::to_string(signed_last.size) +
                                   " entries are not those that were signed");
  }
  co_return Result<void>{};
}

// Before anything new is signed: a witness may remember more than this machine does. What a witness
// says of that is not signed, so one that still cosigns what we have outweighs it; and later, while
// the log grows under our own eyes, no answer of a witness stops it.
Task<void> Audit::Impl::meet_witnesses() {
  if (last.size == 0) co_return;
  Result<std::string> again =
      ledger::sign_checkpoint({options.origin, last.size, last.root, {}}, signer);
  if (!again) co_return;
  std::optional<Refusal> rolled_back;
  bool agrees = false;
  for (Asked& asked : cosigners) {
    const Result<ledger::NoteSignature> line = co_await cosignature(asked, *again, last.size);
    agrees = agrees || line.has_value();
    if (!line && line.error().code == "rolled_back") rolled_back = line.error();
  }
  if (rolled_back && !agrees) raise(*rolled_back);
}

Task<Result<std::unique_ptr<Audit>>> Audit::open(store::Journal& journal, const Clock& clock,
                                                 AuditOptions options) {
  ledger::Ed25519Signer signer(options.origin, crypto::Ed25519Key::from_seed(options.signing_seed));
  auto impl = std::make_shared<Impl>(journal, clock, std::move(options), std::move(signer));
  Result<SignedState> last = read_signed(impl->options.signed_path);
  if (!last) co_return std::unexpected(last.error());
  const Result<void> sound = co_await impl->look_back(*last);
  if (!sound && sound.error().code != "rolled_back" && sound.error().code != "forked")
    co_return std::unexpected(sound.error());
  impl->last = *last;
  if (!sound)
    impl->raise(sound.error());
  else
    co_await impl->meet_witnesses();
  if (!impl->alarm) {
    const Result<bool> first = co_await impl->sign(journal.size(), journal.root());
    if (!first && !impl->alarm) co_return std::unexpected(first.error());
  }
  co_return std::unique_ptr<Audit>(new Audit(std::move(impl)));
}

Audit::Audit(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
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
  return impl_->published;
}
std::uint64_t Audit::cosigned_size() const {
  return impl_->cosigned;
}
const std::optional<Refusal>& Audit::alarm() const {
  return impl_->alarm;
}
std::vector<std::string> Audit::witness_problems() const {
  std::vector<std::string> out;
  for (const Impl::Asked& asked : impl_->cosigners) {
    if (!asked.problem.empty()) out.push_back(asked.cosigner.key().name + ": " + asked.problem);
  }
  return out;
}

Task<Result<bool>> Audit::tick() {
  if (impl_->alarm) co_return std::unexpected(*impl_->alarm);
  const Time now = impl_->clock.now();
  const bool grew = impl_->journal.size() > impl_->last.size;
  const bool due = grew ? now - impl_->signed_at >= impl_->options.at_most_apart
                        : now - impl_->signed_at >= impl_->options.heartbeat;
  if ((!due && !impl_->owed_a_cosignature(now)) || std::exchange(impl_->busy, true))
    co_return false;
  const Result<bool> done = co_await impl_->sign(impl_->journal.size(), impl_->journal.root());
  if (!done) impl_->busy = false;
  co_return done;
}

Task<Result<Audit::Tile>> Audit::tile(std::string path) {
  const std::optional<ledger::Tile> tile = ledger::parse_tile_path(path);
  const auto missing = [] { return refuse("not_found", "there is no such tile"); };
  if (!tile) co_return missing();
  const std::uint64_t size = impl_->served_size();
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
  const std::uint64_t size = wanted.value_or(impl_->served_size());
  if (index >= size || size > impl_->journal.size()) {
    co_return refuse("not_found", "entry " + std::to_string(index) +
                                      " is not in the tree of size " + std::to_string(size));
  }
  const ledger::ProofPlan plan = ledger::inclusion_plan(index, size);
  std::vector<ledger::NodeId> nodes = plan.nodes;
  nodes.push_back({0, index});
  Result<std::vector<Digest>> found = co_await impl_->hashes(std::move(nodes), size);
  if (!found) co_return std::unexpected(found.error());
  const Digest leaf = found->back();
  found->pop_back();
  Result<Digest> root = co_await impl_->root_at(size);
  if (!root) co_return std::unexpected(root.error());
  co_return doc::object(
      {{"index", index},
       {"size", size},
       {"leaf_hash", to_hex(view(leaf))},
       {"root", to_hex(view(*root))},
       {"proof", hex_array(plan.fold(*found))},
       {"checkpoint", size == signed_size() ? doc::Value(checkpoint()) : doc::Value()}});
}

Task<Result<doc::Value>> Audit::consistency(std::uint64_t from, std::uint64_t to) {
  if (from > to || to > impl_->journal.size()) co_return refuse("not_found", "no such sizes");
  Result<std::vector<Digest>> proof = co_await impl_->consistency(from, to);
  if (!proof) co_return std::unexpected(proof.error());
  co_return doc::object({{"from", from}, {"to", to}, {"proof", hex_array(*proof)}});
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
