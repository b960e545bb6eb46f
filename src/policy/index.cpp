#include "policy/index.h"

#include <algorithm>
#include <array>

namespace keyturn::policy {
namespace {

constexpr std::size_t kLevels = 4;
// A rule with long lists in several selectors would fill the tree with their product: then the
// later selectors are left to Match.
constexpr std::size_t kLeavesMax = 1024;

template <class Slot>
auto& made(Slot& slot) {
  using Node = typename Slot::element_type;
  if (!slot) slot = std::make_unique<Node>();
  return *slot;
}

}  // namespace

// `selectors` ends with a null pointer.
void Index::add_at(Node& node, std::uint32_t rule, const Selector* const* selectors) {
  const Selector* selector = *selectors;
  if (selector == nullptr) {
    if (node.rules.empty() || node.rules.back() != rule) node.rules.push_back(rule);
    return;
  }
  if (selector->any()) return add_at(made(node.any), rule, selectors + 1);
  for (const std::string& text : selector->exact) {
    add_at(made(node.exact[text]), rule, selectors + 1);
  }
  for (const std::string& prefix : selector->prefixes) {
    auto& lengths = node.prefix_lengths;
    const auto place = std::ranges::lower_bound(lengths, prefix.size());
    if (place == lengths.end() || *place != prefix.size()) lengths.insert(place, prefix.size());
    add_at(made(node.prefixes[prefix]), rule, selectors + 1);
  }
}

void Index::add(std::uint32_t rule, const Match& match) {
  std::array<const Selector*, kLevels + 1> selectors{&match.tool, &match.operation, &match.env,
                                                     &match.kind, nullptr};
  static const Selector kAny;
  std::size_t leaves = 1;
  for (std::size_t i = 0; i < kLevels; ++i) {
    leaves *= std::max<std::size_t>(1, selectors[i]->exact.size() + selectors[i]->prefixes.size());
    if (leaves > kLeavesMax) selectors[i] = &kAny;
  }
  add_at(root_, rule, selectors.data());
}

void Index::find_at(const Node& node, const std::string_view* keys, std::size_t left,
                    std::vector<std::uint32_t>& out) {
  if (left == 0) {
    out.insert(out.end(), node.rules.begin(), node.rules.end());
    return;
  }
  if (!node.exact.empty()) {
    if (const auto found = node.exact.find(*keys); found != node.exact.end()) {
      find_at(*found->second, keys + 1, left - 1, out);
    }
  }
  for (const std::size_t length : node.prefix_lengths) {
    if (length > keys->size()) break;
    const auto found = node.prefixes.find(keys->substr(0, length));
    if (found != node.prefixes.end()) find_at(*found->second, keys + 1, left - 1, out);
  }
  if (node.any) find_at(*node.any, keys + 1, left - 1, out);
}

void Index::candidates(const PolicyInput& input, std::vector<std::uint32_t>& out) const {
  const std::array<std::string_view, kLevels> keys{input.tool, input.operation, input.resource.env,
                                                   input.resource.kind};
  find_at(root_, keys.data(), kLevels, out);
  std::ranges::sort(out);
  const auto twice = std::ranges::unique(out);
  out.erase(twice.begin(), twice.end());
}

}  // namespace keyturn::policy
