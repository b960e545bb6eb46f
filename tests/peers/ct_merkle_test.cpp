// The tree of Certificate Transparency's C++ log (Debian:
// golang-github-google-certificate-transparency-dev) beside ours: the same roots and the same
// proofs for every size, the same verdict on every proof, whether true or changed.
#include <doctest/doctest.h>
#include <merkletree/merkle_tree.h>
#include <merkletree/merkle_verifier.h>

#include <random>

#include "ledger/merkle.h"

using namespace keyturn;
using namespace keyturn::ledger;

namespace {

using Dice = std::mt19937_64;

std::uint64_t roll(Dice& dice, std::uint64_t from, std::uint64_t to) {
  return std::uniform_int_distribution<std::uint64_t>(from, to)(dice);
}

std::string text_of(const Digest& digest) {
  return std::string(view(digest));
}

std::vector<std::string> texts_of(const Proof& proof) {
  std::vector<std::string> out;
  for (const Digest& digest : proof) out.push_back(text_of(digest));
  return out;
}

// One log, grown in both trees at once.
struct Both {
  std::vector<std::string> leaves;
  MemoryTree tree;
  Frontier frontier;
  MerkleTree theirs{std::make_unique<Sha256Hasher>()};
  MerkleVerifier their_verifier{std::make_unique<Sha256Hasher>()};

  void append(std::string leaf) {
    tree.append(leaf);
    frontier.append(leaf_hash(leaf));
    theirs.AddLeaf(leaf);
    leaves.push_back(std::move(leaf));
  }
  Both(Dice& dice, std::uint64_t size) {
    for (std::uint64_t i = 0; i < size; ++i) {
      std::string leaf = std::to_string(i) + ":";  // no two alike
      for (std::uint64_t more = roll(dice, 0, 90); more > 0; --more)
        leaf += static_cast<char>(roll(dice, 0, 255));
      append(std::move(leaf));
    }
  }

  bool we_accept_inclusion(const std::string& leaf, std::uint64_t index, std::uint64_t size,
                           const Proof& proof, const Digest& root) {
    const bool ours = verify_inclusion(leaf_hash(leaf), index, size, proof, root);
    const bool their =
        their_verifier.VerifyPath(index + 1, size, texts_of(proof), text_of(root), leaf);
    CHECK(ours == their);
    return ours;
  }
  bool we_accept_consistency(std::uint64_t from, const Digest& old_root, std::uint64_t to,
                             const Digest& root, const Proof& proof) {
    const bool ours = verify_consistency(from, old_root, to, root, proof);
    const bool their = their_verifier.VerifyConsistency(from, to, text_of(old_root), text_of(root),
                                                        texts_of(proof));
    CHECK(ours == their);
    return ours;
  }
};

void flip(Dice& dice, Digest& digest) {
  digest[roll(dice, 0, 31)] ^= static_cast<unsigned char>(1u << roll(dice, 0, 7));
}

// A proof that is not the one that was made: a bit, a hash too few or too many, two that changed
// places.
bool change(Dice& dice, Proof& proof) {
  const Proof before = proof;
  switch (roll(dice, 0, 4)) {
    case 0:
      if (!proof.empty()) flip(dice, proof[roll(dice, 0, proof.size() - 1)]);
      break;
    case 1:
      if (!proof.empty())
        proof.erase(proof.begin() + static_cast<std::ptrdiff_t>(roll(dice, 0, proof.size() - 1)));
      break;
    case 2:
      proof.insert(proof.begin() + static_cast<std::ptrdiff_t>(roll(dice, 0, proof.size())),
                   proof.empty() ? Digest{} : proof[roll(dice, 0, proof.size() - 1)]);
      break;
    case 3:
      if (proof.size() > 1) std::swap(proof.front(), proof.back());
      break;
    default:
      proof.clear();
  }
  return proof != before;
}

}  // namespace

TEST_CASE("every root is that of Certificate Transparency's tree, however the log grows") {
  Dice dice(20261121);
  Both both(dice, 0);
  CHECK(text_of(both.frontier.root()) == both.theirs.CurrentRoot());
  for (int size = 1; size <= 1100; ++size) {
    both.append("leaf " + std::to_string(size));
    REQUIRE(text_of(both.frontier.root()) == both.theirs.CurrentRoot());
    REQUIRE(text_of(both.tree.root(both.tree.size())) == both.theirs.CurrentRoot());
  }
  for (int i = 0; i < 300; ++i) {
    const std::uint64_t past = roll(dice, 0, both.leaves.size());
    REQUIRE(text_of(both.tree.root(past)) == both.theirs.RootAtSnapshot(past));
  }
}

TEST_CASE("every proof of a small tree is theirs, hash by hash") {
  Dice dice(7);
  Both both(dice, 70);
  for (std::uint64_t size = 1; size <= 70; ++size) {
    const Digest root = both.tree.root(size);
    for (std::uint64_t i = 0; i < size; ++i) {
      const Proof inclusion = inclusion_proof(both.tree, i, size).value();
      REQUIRE(texts_of(inclusion) == both.theirs.PathToRootAtSnapshot(i + 1, size));
      REQUIRE(both.we_accept_inclusion(both.leaves[i], i, size, inclusion, root));
      const Proof consistency = consistency_proof(both.tree, i + 1, size).value();
      REQUIRE(texts_of(consistency) == both.theirs.SnapshotConsistency(i + 1, size));
      REQUIRE(both.we_accept_consistency(i + 1, both.tree.root(i + 1), size, root, consistency));
    }
  }
}

TEST_CASE("proofs of trees of any size are theirs") {
  Dice dice(20261122);
  for (const std::uint64_t most : {255, 256, 257, 1'000, 4'096, 5'000, 65'537}) {
    Both both(dice, most);
    for (int i = 0; i < 400; ++i) {
      const std::uint64_t size = roll(dice, 1, most), index = roll(dice, 0, size - 1),
                          old_size = roll(dice, 1, size);
      CAPTURE(size);
      const Proof inclusion = inclusion_proof(both.tree, index, size).value();
      REQUIRE(texts_of(inclusion) == both.theirs.PathToRootAtSnapshot(index + 1, size));
      const Proof consistency = consistency_proof(both.tree, old_size, size).value();
      REQUIRE(texts_of(consistency) == both.theirs.SnapshotConsistency(old_size, size));
    }
  }
}

TEST_CASE("a changed inclusion proof is refused by both") {
  Dice dice(20261123);
  Both both(dice, 1500);
  std::uint64_t accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::uint64_t size = roll(dice, 1, 1500), index = roll(dice, 0, size - 1);
    Proof proof = inclusion_proof(both.tree, index, size).value();
    Digest root = both.tree.root(size);
    std::string leaf = both.leaves[index];
    bool changed = true, larger = false;
    switch (roll(dice, 0, 4)) {
      case 0:
        flip(dice, root);
        break;
      case 1:
        leaf += 'x';
        break;
      case 2: {
        const std::uint64_t other = roll(dice, 0, size - 1);
        changed = other != index;
        index = other;
        break;
      }
      case 3:
        size += roll(dice, 1, 3), larger = true;
        break;  // the same path where the shape is the same
      default:
        changed = change(dice, proof);
    }
    CAPTURE(size);
    CAPTURE(index);
    const bool believed = both.we_accept_inclusion(leaf, index, size, proof, root);
    if (!changed) CHECK(believed);
    if (changed && !larger) CHECK(!believed);
    accepted += believed;
  }
  CHECK(accepted > 0);
}

TEST_CASE("a changed consistency proof is refused by both") {
  Dice dice(20261124);
  Both both(dice, 1500);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t size = roll(dice, 2, 1500), old_size = roll(dice, 1, size - 1);
    Proof proof = consistency_proof(both.tree, old_size, size).value();
    Digest root = both.tree.root(size), old_root = both.tree.root(old_size);
    bool changed = true;
    switch (roll(dice, 0, 3)) {
      case 0:
        flip(dice, root);
        break;
      case 1:
        flip(dice, old_root);
        break;
      case 2:
        std::swap(root, old_root);
        break;
      default:
        changed = change(dice, proof);
    }
    CAPTURE(size);
    CAPTURE(old_size);
    CHECK(both.we_accept_consistency(old_size, old_root, size, root, proof) == !changed);
  }
}
