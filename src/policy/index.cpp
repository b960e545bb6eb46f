#include "policy/index.h"

#include <algorithm>
#include <array>

namespace keyturn::policy {
namespace {

constexpr std::size_t kLevels = 4;

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
    auto known =
        std::ranges::find_if(node.prefixes, [&](const auto& p) { return p.first == prefix; });
    if (known == node.prefixes.end()) {
      known = node.prefixes.emplace(node.prefixes.end(), prefix, nullptr);
    }
    add_at(made(known->second), rule, selectors + 1);
  }
}

void Index::add(std::uint32_t rule, const Match& match) {
  const std::array<const Selector*, kLevels + 1> selectors{&match.tool, &match.operation,
                                                           &match.env, &match.kind, nullptr};
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
  for (const auto& [prefix, child] : node.prefixes) {
    if (keys->starts_with(prefix)) find_at(*child, keys + 1, left - 1, out);
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
