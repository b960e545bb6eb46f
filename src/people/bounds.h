// What values of a parameter a standing approval is for. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "doc/value.h"

namespace keyturn::people {

// A range of numbers, both ends included, or a list of values: one of the two.
struct Bound {
  std::optional<doc::Value> least, most;
  std::vector<doc::Value> one_of;  // texts, numbers, true and false
  bool operator==(const Bound&) const = default;
};

using Bounds = std::map<std::string, Bound>;  // by parameter
inline constexpr std::size_t kOneOfMax = 100;
inline constexpr std::size_t kBoundsMax = 32;

// {"amount": {"min": 0, "max": 100}, "ref": {"one_of": ["a", "b"]}}; null: none. Numbers become
// those of RFC 8785. Code invalid_args, with the JSON Pointer below `pointer`.
[[nodiscard]] Result<Bounds> bounds_from(const doc::Value& value, const std::string& pointer);
doc::Value to_value(const Bounds& bounds);

// Numbers are compared as numbers, exactly; never a text as a number. One that is written otherwise
// than RFC 8785 writes it (1.0, 1e2, -0) is not within: a program would be handed that spelling,
// and nobody saw it.
bool within(const Bound& bound, const doc::Value& value);

// With every number in the form of RFC 8785; nullopt when one cannot be told exactly.
std::optional<doc::Value> plainly_written(const doc::Value& value);

}  // namespace keyturn::people
