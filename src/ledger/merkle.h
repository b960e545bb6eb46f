// The Merkle tree of RFC 6962 §2.1 (SHA-256): growing it, reading it, proving with it. No storage
// of its own.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace keyturn::ledger {

Digest leaf_hash(std::string_view leaf);                    // SHA-256(0x00 || leaf)
Digest node_hash(const Digest& left, const Digest& right);  // SHA-256(0x01 || left || right)
Digest empty_root();                                        // SHA-256()

// The root of a complete subtree: it covers the leaves [index << level, (index + 1) << level).
struct NodeId {
  unsigned level = 0;
  std::uint64_t index = 0;
  auto operator<=>(const NodeId&) const = default;
};

// The fewest complete subtrees that cover the leaves [begin, end), left to right. At most 2
// log2(end) of them; begin >= end gives none.
std::vector<NodeId> cover(std::uint64_t begin, std::uint64_t end);

// The right edge of a growing tree: the roots of cover(0, size()). All that appending needs.
class Frontier {
 public:
  Frontier() = default;
  // Restores an edge; `hashes` belong to cover(0, size), in that order. Throws
  // std::invalid_argument when their number is wrong.
  Frontier(std::uint64_t size, std::vector<Digest> hashes);

  void append(const Digest& leaf_hash) { append_subtree(0, leaf_hash); }
  // Appends 2^level leaves at once; size() must be a multiple of that, else std::invalid_argument.
  void append_subtree(unsigned level, Digest hash);

  std::uint64_t size() const { return size_; }
  Digest root() const;
  const std::vector<Digest>& hashes() const { return hashes_; }

 private:
  std::uint64_t size_ = 0;
  std::vector<Digest> hashes_;  // left (largest) to right
};

// The hashes of a stored tree. Refusals are the implementation's (a tile that cannot be read).
class HashReader {
 public:
  virtual ~HashReader() = default;
  // One hash a node, in order. Every node lies within the tree that is read.
  [[nodiscard]] virtual Result<std::vector<Digest>> read(const std::vector<NodeId>& nodes) = 0;
};

using Proof = std::vector<Digest>;

// A proof in terms of stored nodes: the i-th hash of the proof is the fold of the next counts[i] of
// `nodes`. Who cannot read hashes synchronously fetches `nodes` first and calls fold().
struct ProofPlan {
  std::vector<NodeId> nodes;
  std::vector<std::size_t> counts;
  Proof fold(const std::vector<Digest>& hashes) const;  // hashes: one a node, in order
};

// RFC 6962 §2.1.1, for index < size. Throws std::out_of_range otherwise.
ProofPlan inclusion_plan(std::uint64_t index, std::uint64_t size);
// RFC 6962 §2.1.2, for old_size <= size; empty when old_size is 0 or size.
ProofPlan consistency_plan(std::uint64_t old_size, std::uint64_t size);

[[nodiscard]] Result<Proof> inclusion_proof(HashReader& reader, std::uint64_t index,
                                            std::uint64_t size);
[[nodiscard]] Result<Proof> consistency_proof(HashReader& reader, std::uint64_t old_size,
                                              std::uint64_t size);
[[nodiscard]] Result<Digest> tree_root(HashReader& reader, std::uint64_t size);

// RFC 9162 §2.1.3.2 and §2.1.4.2. A size-0 tree is consistent with every tree, by an empty proof.
bool verify_inclusion(const Digest& leaf_hash, std::uint64_t index, std::uint64_t size,
                      const Proof& proof, const Digest& root);
bool verify_consistency(std::uint64_t old_size, const Digest& old_root, std::uint64_t size,
                        const Digest& root, const Proof& proof);

// A whole tree in memory: every complete subtree's hash. For tests, tools and small logs.
class MemoryTree final : public HashReader {
 public:
  void append(std::string_view leaf) { append_hash(leaf_hash(leaf)); }
  void append_hash(const Digest& leaf_hash);
  std::uint64_t size() const { return levels_.empty() ? 0 : levels_[0].size(); }
  Digest root(
      std::uint64_t size) const;  // of the first `size` leaves; std::out_of_range beyond size()
  Result<std::vector<Digest>> read(const std::vector<NodeId>& nodes) override;

 private:
  std::vector<std::vector<Digest>> levels_;
};

}  // namespace keyturn::ledger
