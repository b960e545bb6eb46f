#include "ledger/merkle.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <bit>

using namespace keyturn;
using namespace keyturn::ledger;

namespace {

// RFC 6962 §2.1, word by word: the oracle.
Digest definition(const std::vector<Digest>& leaves, std::size_t begin, std::size_t end) {
  if (begin == end) return empty_root();
  if (end - begin == 1) return leaves[begin];
  const std::size_t k = std::bit_floor(end - begin - 1);
  return node_hash(definition(leaves, begin, begin + k), definition(leaves, begin + k, end));
}

std::vector<Digest> some_leaves(std::size_t count) {
  std::vector<Digest> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(leaf_hash("leaf " + std::to_string(i)));
  return out;
}

MemoryTree tree_of(const std::vector<Digest>& leaves) {
  MemoryTree tree;
  for (const Digest& leaf : leaves) tree.append_hash(leaf);
  return tree;
}

std::string hex(const Digest& digest) {
  return to_hex(view(digest));
}

void flip(Digest& digest, std::size_t bit) {
  digest[bit / 8] = static_cast<std::uint8_t>(digest[bit / 8] ^ (1U << bit % 8));
}

}  // namespace

TEST_CASE("roots of the well-known Certificate Transparency test tree") {
  const char* leaves[] = {"",
                          "00",
                          "10",
                          "2021",
                          "3031",
                          "40414243",
                          "5051525354555657",
                          "606162636465666768696a6b6c6d6e6f"};
  const char* roots[] = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                         "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                         "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                         "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                         "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                         "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                         "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                         "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  MemoryTree tree;
  Frontier frontier;
  CHECK(hex(frontier.root()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  for (std::size_t i = 0; i < 8; ++i) {
    const std::string leaf = *from_hex(leaves[i]);
    tree.append(leaf);
    frontier.append(leaf_hash(leaf));
    CHECK(hex(tree.root(i + 1)) == roots[i]);
    CHECK(hex(frontier.root()) == roots[i]);
  }
}

TEST_CASE("for all sizes to 300 the root is RFC 6962's, and every inclusion proof holds") {
  constexpr std::size_t kMost = 300;
  const auto leaves = some_leaves(kMost);
  MemoryTree tree;
  Frontier frontier;
  for (std::size_t size = 0; size <= kMost; ++size) {
    const Digest root = definition(leaves, 0, size);
    REQUIRE(tree.root(size) == root);
    REQUIRE(frontier.root() == root);
    REQUIRE(Frontier(size, frontier.hashes()).root() == root);
    for (std::size_t i = 0; i < size; ++i) {
      const Proof proof = *inclusion_proof(tree, i, size);
      REQUIRE(proof.size() <= static_cast<std::size_t>(std::bit_width(size)));
      REQUIRE(verify_inclusion(leaves[i], i, size, proof, root));
    }
    if (size < kMost) {
      tree.append_hash(leaves[size]);
      frontier.append(leaves[size]);
    }
  }
}

TEST_CASE("for all pairs of sizes to 130 consistency holds, and only then") {
  const auto leaves = some_leaves(130);
  MemoryTree tree = tree_of(leaves);
  for (std::size_t size = 0; size <= leaves.size(); ++size) {
    for (std::size_t old = 0; old <= size; ++old) {
      const Proof proof = *consistency_proof(tree, old, size);
      REQUIRE(verify_consistency(old, tree.root(old), size, tree.root(size), proof));
      Digest wrong = tree.root(old);
      flip(wrong, 3);
      REQUIRE_FALSE(verify_consistency(old, wrong, size, tree.root(size), proof));
      if (old > 0) {
        wrong = tree.root(size);
        flip(wrong, 3);
        REQUIRE_FALSE(verify_consistency(old, tree.root(old), size, wrong, proof));
      }
    }
  }
}

TEST_CASE("every bit flip is refused") {
  for (const std::size_t size : {1U, 2U, 3U, 7U, 8U, 11U}) {
    const auto leaves = some_leaves(size);
    MemoryTree tree = tree_of(leaves);
    const Digest root = tree.root(size);
    for (std::size_t i = 0; i < size; ++i) {
      const Proof proof = *inclusion_proof(tree, i, size);
      for (std::size_t bit = 0; bit < 256; ++bit) {
        Digest bad = leaves[i];
        flip(bad, bit);
        REQUIRE_FALSE(verify_inclusion(bad, i, size, proof, root));
        for (std::size_t k = 0; k < proof.size(); ++k) {
          Proof changed = proof;
          flip(changed[k], bit);
          REQUIRE_FALSE(verify_inclusion(leaves[i], i, size, changed, root));
        }
      }
      const Proof consistency = *consistency_proof(tree, i + 1, size);
      for (std::size_t k = 0; k < consistency.size() * 256; ++k) {
        Proof changed = consistency;
        flip(changed[k / 256], k % 256);
        REQUIRE_FALSE(verify_consistency(i + 1, tree.root(i + 1), size, root, changed));
      }
    }
  }
}

TEST_CASE("a proof of another place, size or length is refused") {
  CHECK(rc::check("mutations", [] {
    const auto size = *rc::gen::inRange<std::size_t>(1, 400);
    const auto index = *rc::gen::inRange<std::size_t>(0, size);
    const auto leaves = some_leaves(size);
    MemoryTree tree = tree_of(leaves);
    const Digest root = tree.root(size);
    const Proof proof = *inclusion_proof(tree, index, size);
    const auto other = *rc::gen::inRange<std::size_t>(0, size);
    if (other != index) RC_ASSERT(!verify_inclusion(leaves[index], other, size, proof, root));
    Proof longer = proof;
    longer.push_back(root);
    RC_ASSERT(!verify_inclusion(leaves[index], index, size, longer, root));
    if (!proof.empty()) {
      Proof shorter = proof;
      shorter.pop_back();
      RC_ASSERT(!verify_inclusion(leaves[index], index, size, shorter, root));
    }
    RC_ASSERT(!verify_inclusion(leaves[index], size, size, proof, root));

    const auto old = *rc::gen::inRange<std::size_t>(1, size + 1);
    Proof consistency = *consistency_proof(tree, old, size);
    consistency.push_back(root);
    RC_ASSERT(!verify_consistency(old, tree.root(old), size, root, consistency));
    consistency.pop_back();
    if (!consistency.empty()) {
      consistency.pop_back();
      RC_ASSERT(!verify_consistency(old, tree.root(old), size, root, consistency));
    }
  }));
}

TEST_CASE("an inner node or the root cannot pass for a leaf or for an older tree") {
  MemoryTree tree = tree_of(some_leaves(8));
  const Digest root = tree.root(8);
  const Digest left = tree.root(4);
  const Digest right = tree.read({{2, 1}}).value()[0];
  CHECK_FALSE(verify_inclusion(root, 0, 8, {}, root));
  CHECK_FALSE(verify_inclusion(left, 0, 8, {right}, root));
  CHECK_FALSE(verify_inclusion(right, 7, 8, {left}, root));
  CHECK(verify_consistency(4, left, 8, root, {right}));
  CHECK_FALSE(verify_consistency(2, left, 8, root, {right}));
  CHECK_FALSE(verify_consistency(1, root, 8, root, {}));
}

TEST_CASE("cover is exact and small; frontiers can be joined from it") {
  CHECK(rc::check("cover", [] {
    const auto end = *rc::gen::inRange<std::uint64_t>(0, 2000);
    const auto begin = *rc::gen::inRange<std::uint64_t>(0, end + 1);
    std::uint64_t at = begin;
    for (const NodeId& node : cover(begin, end)) {
      RC_ASSERT((node.index << node.level) == at);
      at = (node.index + 1) << node.level;
    }
    RC_ASSERT(at == end);
    RC_ASSERT(cover(begin, end).size() <= 2 * std::bit_width(end + 1));
  }));
  CHECK(rc::check("before, leaves, after", [] {
    const auto size = *rc::gen::inRange<std::size_t>(1, 300);
    const auto to = *rc::gen::inRange<std::size_t>(0, size + 1);
    const auto from = *rc::gen::inRange<std::size_t>(0, to + 1);
    const auto leaves = some_leaves(size);
    MemoryTree tree = tree_of(leaves);
    Frontier frontier;
    const auto add = [&](std::uint64_t begin, std::uint64_t end) {
      for (const NodeId& node : cover(begin, end)) {
        frontier.append_subtree(node.level, (*tree.read({node}))[0]);
      }
    };
    add(0, from);
    for (std::size_t i = from; i < to; ++i) frontier.append(leaves[i]);
    add(to, size);
    RC_ASSERT(frontier.root() == tree.root(size));
  }));
  CHECK_THROWS(Frontier(3, {}));
  CHECK_THROWS(Frontier().append_subtree(64, {}));
  CHECK_THROWS(inclusion_plan(3, 3));
  CHECK_THROWS(consistency_plan(4, 3));
}
