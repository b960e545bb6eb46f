// Selectors: sets and prefix globs. They cannot fail.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/input.h"

namespace keyturn::policy {

struct Selector {
  std::vector<std::string> exact;
  std::vector<std::string> prefixes;  // "iam.*" is the prefix "iam."

  bool any() const { return exact.empty() && prefixes.empty(); }
  bool matches(std::string_view text) const;
  // Could one text match both? (Sound: false means never.)
  bool overlaps(const Selector& other) const;
  std::optional<Selector> common(const Selector& other) const;
};

struct Match {
  Selector tool, operation, env, kind, actor;

  bool selects(const PolicyInput& input) const;
  bool overlaps(const Match& other) const;
  // What both match; nothing when there is no such action.
  std::optional<Match> common(const Match& other) const;
  bool empty() const;
  // The first selector that does not match: "tool", "operation", …, or "" when all do.
  std::string_view refused_by(const PolicyInput& input) const;
};

}  // namespace keyturn::policy
