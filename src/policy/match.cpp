#include "policy/match.h"

#include <algorithm>

namespace keyturn::policy {

bool Selector::matches(std::string_view text) const {
  if (any()) return true;
  for (const std::string& one : exact) {
    if (one == text) return true;
  }
  return std::ranges::any_of(prefixes, [&](const auto& p) { return text.starts_with(p); });
}

bool Selector::overlaps(const Selector& other) const {
  if (any() || other.any()) return true;
  const auto either = [](const Selector& a, const Selector& b) {
    return std::ranges::any_of(a.exact, [&](const auto& text) { return b.matches(text); });
  };
  if (either(*this, other) || either(other, *this)) return true;
  for (const std::string& a : prefixes) {
    for (const std::string& b : other.prefixes) {
      if (a.starts_with(b) || b.starts_with(a)) return true;
    }
  }
  return false;
}

bool Match::selects(const PolicyInput& input) const {
  return refused_by(input).empty();
}

bool Match::overlaps(const Match& other) const {
  return tool.overlaps(other.tool) && operation.overlaps(other.operation) &&
         env.overlaps(other.env) && kind.overlaps(other.kind) && actor.overlaps(other.actor);
}

bool Match::empty() const {
  return tool.any() && operation.any() && env.any() && kind.any() && actor.any();
}

std::string_view Match::refused_by(const PolicyInput& input) const {
  if (!tool.matches(input.tool)) return "tool";
  if (!operation.matches(input.operation)) return "operation";
  if (!env.matches(input.resource.env)) return "env";
  if (!kind.matches(input.resource.kind)) return "kind";
  if (!actor.matches(input.actor.id)) return "actor";
  return "";
}

}  // namespace keyturn::policy
