#include "ledger/prove.h"

#include <algorithm>

namespace keyturn::ledger {
namespace {

std::unexpected<Refusal> not_covered(std::uint64_t end, std::uint64_t size) {
  return refuse("not_covered", "the checkpoint covers " + std::to_string(size) +
                                   " entries, and entry " + std::to_string(end - 1) +
                                   " is not among them");
}

std::unexpected<Refusal> inconsistent() {
  return refuse("inconsistent",
                "what was read does not hash to the root of the checkpoint: run keyturn verify");
}

}  // namespace

Result<Checkpoint> read_checkpoint(std::string_view bytes) {
  auto note = parse_note(bytes);
  if (!note) return std::unexpected(std::move(note.error()));
  return parse_checkpoint_text(note->text);
}

Result<std::vector<std::string>> read_entries(const ResourceReader& resources, std::uint64_t from,
                                              std::uint64_t to, std::uint64_t size) {
  std::vector<std::string> out;
  for (std::uint64_t index = from / kTileWidth; index * kTileWidth < to; ++index) {
    const Tile tile{.entries = true, .index = index, .width = tile_width(0, index, size)};
    const auto bytes = resources(tile_path(tile));
    if (!bytes) return std::unexpected(bytes.error());
    auto entries = decode_entries(*bytes, tile.width);
    if (!entries) return std::unexpected(std::move(entries.error()));
    const std::uint64_t first = index * kTileWidth;
    const std::uint64_t begin = std::max(from, first) - first;
    const std::uint64_t end = std::min<std::uint64_t>(to - first, tile.width);
    for (std::uint64_t i = begin; i < end; ++i) out.push_back(std::move((*entries)[i]));
  }
  return out;
}

Result<TlogProof> prove_entry(const ResourceReader& resources, const std::string& checkpoint,
                              std::uint64_t index) {
  const auto tree = read_checkpoint(checkpoint);
  if (!tree) return std::unexpected(tree.error());
  if (index >= tree->size) return not_covered(index + 1, tree->size);
  auto leaf = read_entries(resources, index, index + 1, tree->size);
  if (!leaf) return std::unexpected(std::move(leaf.error()));
  TileHashReader hashes(resources, tree->size);
  auto proof = inclusion_proof(hashes, index, tree->size);
  if (!proof) return std::unexpected(std::move(proof.error()));
  if (!verify_inclusion(leaf_hash(leaf->front()), index, tree->size, *proof, tree->root))
    return inconsistent();
  return TlogProof{std::move(leaf->front()), index, *std::move(proof), checkpoint};
}

Result<Bundle> read_bundle(const ResourceReader& resources, const std::string& checkpoint,
                           std::uint64_t from, std::uint64_t to) {
  const auto tree = read_checkpoint(checkpoint);
  if (!tree) return std::unexpected(tree.error());
  if (from > to || to > tree->size) return not_covered(to, tree->size);
  auto entries = read_entries(resources, from, to, tree->size);
  if (!entries) return std::unexpected(std::move(entries.error()));
  Bundle bundle;
  bundle.checkpoint = checkpoint;
  bundle.from = from;
  bundle.entries = *std::move(entries);
  TileHashReader hashes(resources, tree->size);
  if (auto proved = prove_bundle(bundle, hashes, tree->size); !proved)
    return std::unexpected(std::move(proved.error()));
  Frontier whole;
  const BundleNodes nodes = bundle_nodes(from, to, tree->size);
  for (std::size_t i = 0; i < nodes.before.size(); ++i)
    whole.append_subtree(nodes.before[i].level, bundle.before[i]);
  for (const Digest& leaf : bundle.leaf_hashes) whole.append(leaf);
  for (std::size_t i = 0; i < nodes.after.size(); ++i)
    whole.append_subtree(nodes.after[i].level, bundle.after[i]);
  if (whole.root() != tree->root) return inconsistent();
  return bundle;
}

}  // namespace keyturn::ledger
