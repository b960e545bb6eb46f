#include "people/bounds.h"

#include <algorithm>

#include "doc/json.h"
#include "doc/read.h"

namespace keyturn::people {
namespace {

std::optional<doc::Value> read_end(doc::ObjectReader& in, std::string_view key) {
  const doc::Value* end = in.any(key);
  if (end == nullptr) return std::nullopt;
  std::optional<doc::Value> plain = end->is_number() ? plainly_written(*end) : std::nullopt;
  if (!plain) in.problem("out_of_range", std::string(key) + " is a number, exactly", key);
  return plain;
}

std::vector<doc::Value> read_list(doc::ObjectReader& in) {
  std::vector<doc::Value> out;
  const doc::Value* list = in.array("one_of");
  if (list == nullptr) return out;
  if (list->as_array().empty() || list->as_array().size() > kOneOfMax)
    in.problem("out_of_range", "one_of has 1 to " + std::to_string(kOneOfMax) + " values",
               "one_of");
  for (const doc::Value& one : list->as_array()) {
    const bool scalar = one.is_string() || one.is_number() || one.is_bool();
    std::optional<doc::Value> plain = scalar ? plainly_written(one) : std::nullopt;
    if (!plain) {
      in.problem("out_of_range", "one_of has texts, exact numbers, true and false only", "one_of");
      return out;
    }
    if (std::ranges::find(out, *plain) == out.end()) out.push_back(std::move(*plain));
  }
  return out;
}

Bound read_bound(const doc::Value& value, const std::string& pointer, doc::Problems& problems) {
  doc::ObjectReader in(value, pointer, problems);
  Bound out{read_end(in, "min"), read_end(in, "max"), read_list(in)};
  in.finish();
  const bool range = value.find("min") != nullptr || value.find("max") != nullptr;
  if (range == (value.find("one_of") != nullptr) || (out.least.has_value() != out.most.has_value()))
    in.problem("missing_field", "a bound is {\"min\": N, \"max\": N} or {\"one_of\": [VALUE, …]}");
  else if (out.least && *out.least->as_double() > *out.most->as_double())
    in.problem("out_of_range", "min is more than max");
  return out;
}

}  // namespace

std::optional<doc::Value> plainly_written(const doc::Value& value) {
  const Result<std::string> text = doc::canonical(value);
  if (!text) return std::nullopt;
  Result<doc::Value> plain = doc::parse_json(*text);
  if (!plain) return std::nullopt;
  return std::move(*plain);
}

Result<Bounds> bounds_from(const doc::Value& value, const std::string& pointer) {
  if (value.is_null()) return Bounds{};
  if (!value.is_object() || value.as_object().size() > kBoundsMax)
    return refuse("invalid_args",
                  "bounds is an object: a parameter's name, and its bound; at most " +
                      std::to_string(kBoundsMax),
                  pointer);
  Bounds out;
  doc::Problems problems;
  for (const doc::Member& member : value.as_object())
    out.emplace(member.key, read_bound(member.value,
                                       pointer + "/" + doc::pointer_escape(member.key), problems));
  if (!problems.empty())
    return refuse("invalid_args", problems.front().message, problems.front().pointer);
  return out;
}

doc::Value to_value(const Bounds& bounds) {
  doc::Value out = doc::Object{};
  for (const auto& [name, bound] : bounds) {
    if (bound.least)
      out.set(name, doc::object({{"min", *bound.least}, {"max", *bound.most}}));
    else
      out.set(name, doc::object({{"one_of", doc::Array(bound.one_of)}}));
  }
  return out;
}

bool within(const Bound& bound, const doc::Value& value) {
  const std::optional<doc::Value> plain = plainly_written(value);
  if (!plain || !(*plain == value)) return false;
  if (!bound.least) return std::ranges::find(bound.one_of, value) != bound.one_of.end();
  if (!value.is_number()) return false;
  const double given = *value.as_double();  // exact: else it had no plain form
  return *bound.least->as_double() <= given && given <= *bound.most->as_double();
}

}  // namespace keyturn::people
