// Finds the rules whose selectors match, without looking at the others: a tree of hash tables over
// tool, operation, env and kind.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/match.h"

namespace keyturn::policy {

class Index {
 public:
  // `rule` is its place in the document; the actor selector is not looked at.
  void add(std::uint32_t rule, const Match& match);

  // Places of all rules that may match, in document order, each once. The caller still checks the
  // whole match.
  void candidates(const PolicyInput& input, std::vector<std::uint32_t>& out) const;

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct Node;
  using Branches =
      std::unordered_map<std::string, std::unique_ptr<Node>, TextHash, std::equal_to<>>;
  struct Node {
    Branches exact;
    Branches prefixes;
    std::vector<std::size_t> prefix_lengths;  // that occur, ascending
    std::unique_ptr<Node> any;
    std::vector<std::uint32_t> rules;  // at the last level
  };
  static void add_at(Node& node, std::uint32_t rule, const Selector* const* selectors);
  static void find_at(const Node& node, const std::string_view* keys, std::size_t left,
                      std::vector<std::uint32_t>& out);

  Node root_;
};

}  // namespace keyturn::policy
