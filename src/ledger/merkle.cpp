#include "ledger/merkle.h"

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "crypto/crypto.h"

namespace keyturn::ledger {
namespace {

// The root over subtrees that stand side by side, each no larger than the one to its left.
Digest fold_right(const Digest* first, std::size_t count) {
  Digest out = first[count - 1];
  for (std::size_t i = count - 1; i > 0; --i) out = node_hash(first[i - 1], out);
  return out;
}

struct Range {
  std::uint64_t begin;
  std::uint64_t end;
  std::uint64_t size() const { return end - begin; }
  // RFC 6962's k, the largest power of two smaller than the size (which is at least 2), as a place
  // to split.
  std::uint64_t split() const { return begin + std::bit_floor(size() - 1); }
};

ProofPlan plan_for(const std::vector<Range>& ranges) {
  ProofPlan plan;
  for (const Range& range : ranges) {
    const std::vector<NodeId> nodes = cover(range.begin, range.end);
    plan.nodes.insert(plan.nodes.end(), nodes.begin(), nodes.end());
    plan.counts.push_back(nodes.size());
  }
  return plan;
}

Result<Proof> prove(HashReader& reader, const ProofPlan& plan) {
  auto hashes = reader.read(plan.nodes);
  if (!hashes) return std::unexpected(std::move(hashes.error()));
  return plan.fold(*hashes);
}

}  // namespace

Digest leaf_hash(std::string_view leaf) {
  std::string text;
  text.reserve(leaf.size() + 1);
  text += '\0';
  text += leaf;
  return crypto::sha256(text);
}

Digest node_hash(const Digest& left, const Digest& right) {
  char text[65];
  text[0] = 1;
  std::ranges::copy(left, text + 1);
  std::ranges::copy(right, text + 33);
  return crypto::sha256({text, sizeof text});
}

Digest empty_root() {
  return crypto::sha256({});
}

std::vector<NodeId> cover(std::uint64_t begin, std::uint64_t end) {
  std::vector<NodeId> out;
  while (begin < end) {
    const int fits = std::bit_width(end - begin) - 1;
    const auto level = static_cast<unsigned>(std::min(fits, std::countr_zero(begin)));
    out.push_back({level, begin >> level});
    begin += std::uint64_t{1} << level;
  }
  return out;
}

Frontier::Frontier(std::uint64_t size, std::vector<Digest> hashes)
    : size_(size), hashes_(std::move(hashes)) {
  if (hashes_.size() != static_cast<std::size_t>(std::popcount(size))) {
    throw std::invalid_argument("a frontier has one hash for each bit of its size");
  }
}

void Frontier::append_subtree(unsigned level, Digest hash) {
  if (level > 62 || size_ % (std::uint64_t{1} << level) != 0) {
    throw std::invalid_argument("a subtree is appended where its size divides the tree's");
  }
  for (std::uint64_t carry = size_ >> level; carry % 2 == 1; carry /= 2) {
    hash = node_hash(hashes_.back(), hash);
    hashes_.pop_back();
  }
  hashes_.push_back(hash);
  size_ += std::uint64_t{1} << level;
}

Digest Frontier::root() const {
  return hashes_.empty() ? empty_root() : fold_right(hashes_.data(), hashes_.size());
}

Proof ProofPlan::fold(const std::vector<Digest>& hashes) const {
  if (hashes.size() != nodes.size()) throw std::invalid_argument("one hash a node");
  Proof proof;
  proof.reserve(counts.size());
  const Digest* next = hashes.data();
  for (const std::size_t count : counts) {
    proof.push_back(fold_right(next, count));
    next += count;
  }
  return proof;
}

ProofPlan inclusion_plan(std::uint64_t index, std::uint64_t size) {
  if (index >= size) throw std::out_of_range("no such leaf in a tree of this size");
  std::vector<Range> siblings;
  Range at{0, size};
  while (at.size() > 1) {
    const std::uint64_t split = at.split();
    if (index < split) {
      siblings.push_back({split, at.end});
      at.end = split;
    } else {
      siblings.push_back({at.begin, split});
      at.begin = split;
    }
  }
  std::reverse(siblings.begin(), siblings.end());
  return plan_for(siblings);
}

ProofPlan consistency_plan(std::uint64_t old_size, std::uint64_t size) {
  if (old_size > size) throw std::out_of_range("the old tree is larger than the new one");
  if (old_size == 0 || old_size == size) return {};
  std::vector<Range> ranges;
  Range at{0, size};
  while (at.end != old_size) {
    const std::uint64_t split = at.split();
    if (old_size <= split) {
      ranges.push_back({split, at.end});
      at.end = split;
    } else {
      ranges.push_back({at.begin, split});
      at.begin = split;
    }
  }
  // What is left is a complete subtree that ends the old tree; the verifier has it if it is all of
  // that tree.
  if (at.begin != 0) ranges.push_back(at);
  std::reverse(ranges.begin(), ranges.end());
  return plan_for(ranges);
}

Result<Proof> inclusion_proof(HashReader& reader, std::uint64_t index, std::uint64_t size) {
  return prove(reader, inclusion_plan(index, size));
}

Result<Proof> consistency_proof(HashReader& reader, std::uint64_t old_size, std::uint64_t size) {
  return prove(reader, consistency_plan(old_size, size));
}

Result<Digest> tree_root(HashReader& reader, std::uint64_t size) {
  if (size == 0) return empty_root();
  auto hashes = reader.read(cover(0, size));
  if (!hashes) return std::unexpected(std::move(hashes.error()));
  return fold_right(hashes->data(), hashes->size());
}

bool verify_inclusion(const Digest& leaf, std::uint64_t index, std::uint64_t size,
                      const Proof& proof, const Digest& root) {
  if (index >= size) return false;
  std::uint64_t node = index;
  std::uint64_t last = size - 1;
  Digest hash = leaf;
  for (const Digest& sibling : proof) {
    if (last == 0) return false;
    if (node % 2 == 1 || node == last) {
      hash = node_hash(sibling, hash);
      for (; node % 2 == 0 && node != 0; last /= 2) node /= 2;
    } else {
      hash = node_hash(hash, sibling);
    }
    node /= 2;
    last /= 2;
  }
  return last == 0 && hash == root;
}

bool verify_consistency(std::uint64_t old_size, const Digest& old_root, std::uint64_t size,
                        const Digest& root, const Proof& proof) {
  if (old_size > size) return false;
  if (old_size == size) return proof.empty() && old_root == root;
  if (old_size == 0) return proof.empty() && old_root == empty_root();

  std::uint64_t node = old_size - 1;
  std::uint64_t last = size - 1;
  const int complete = std::countr_one(node);
  node >>= complete;
  last >>= complete;
  auto next = proof.begin();
  if (node != 0 && next == proof.end()) return false;
  Digest old_hash = node == 0 ? old_root : *next++;
  Digest new_hash = old_hash;
  for (; next != proof.end(); ++next) {
    if (last == 0) return false;
    if (node % 2 == 1 || node == last) {
      old_hash = node_hash(*next, old_hash);
      new_hash = node_hash(*next, new_hash);
      for (; node % 2 == 0 && node != 0; last /= 2) node /= 2;
    } else {
      new_hash = node_hash(new_hash, *next);
    }
    node /= 2;
    last /= 2;
  }
  return last == 0 && old_hash == old_root && new_hash == root;
}

void MemoryTree::append_hash(const Digest& leaf) {
  Digest hash = leaf;
  for (std::size_t level = 0;; ++level) {
    if (level == levels_.size()) levels_.emplace_back();
    std::vector<Digest>& row = levels_[level];
    row.push_back(hash);
    if (row.size() % 2 == 1) return;
    hash = node_hash(row[row.size() - 2], row.back());
  }
}

Digest MemoryTree::root(std::uint64_t size) const {
  if (size > this->size()) throw std::out_of_range("the tree is smaller");
  Frontier frontier;
  for (const NodeId& node : cover(0, size)) {
    frontier.append_subtree(node.level, levels_[node.level][node.index]);
  }
  return frontier.root();
}

Result<std::vector<Digest>> MemoryTree::read(const std::vector<NodeId>& nodes) {
  std::vector<Digest> out;
  out.reserve(nodes.size());
  for (const NodeId& node : nodes) {
    if (node.level >= levels_.size() || node.index >= levels_[node.level].size()) {
      return refuse("not_found", "no such node in the tree");
    }
    out.push_back(levels_[node.level][node.index]);
  }
  return out;
}

}  // namespace keyturn::ledger
