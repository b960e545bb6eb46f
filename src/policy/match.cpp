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

std::optional<Selector> Selector::common(const Selector& other) const {
  if (any()) return other;
  if (other.any()) return *this;
  Selector out;
  for (const std::string& text : exact) {
    if (other.matches(text)) out.exact.push_back(text);
  }
  for (const std::string& text : other.exact) {
    if (matches(text) && std::ranges::find(out.exact, text) == out.exact.end())
      out.exact.push_back(text);
  }
  for (const std::string& a : prefixes) {
    for (const std::string& b : other.prefixes) {
      if (a.starts_with(b)) {
        out.prefixes.push_back(a);
      } else if (b.starts_with(a)) {
        out.prefixes.push_back(b);
      }
    }
  }
  if (out.any()) return std::nullopt;
  return out;
}

bool Match::selects(const PolicyInput& input) const {
  return refused_by(input).empty();
}

bool Match::overlaps(const Match& other) const {
  return tool.overlaps(other.tool) && operation.overlaps(other.operation) &&
         env.overlaps(other.env) && kind.overlaps(other.kind) && actor.overlaps(other.actor);
}

std::optional<Match> Match::common(const Match& other) const {
  auto of_tool = tool.common(other.tool), of_operation = operation.common(other.operation),
       of_env = env.common(other.env), of_kind = kind.common(other.kind),
       of_actor = actor.common(other.actor);
  if (!of_tool || !of_operation || !of_env || !of_kind || !of_actor) return std::nullopt;
  return Match{*std::move(of_tool), *std::move(of_operation), *std::move(of_env),
               *std::move(of_kind), *std::move(of_actor)};
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
