#include "catalog/size.h"

#include <array>
#include <charconv>
#include <utility>

namespace keyturn::catalog {
namespace {

constexpr std::array<std::pair<std::string_view, int>, 5> kUnits{
    {{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"B", 0}}};

}  // namespace

std::optional<std::int64_t> parse_size(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const auto& [name, shift] : kUnits) {
    if (unit != name) continue;
    if (number > INT64_MAX >> shift) return std::nullopt;
    return number << shift;
  }
  return std::nullopt;
}

std::string size_text(std::int64_t bytes) {
  for (const auto& [name, shift] : kUnits) {
    const std::int64_t unit = std::int64_t{1} << shift;
    if (bytes >= unit && bytes % unit == 0) return std::to_string(bytes / unit) + std::string(name);
  }
  return std::to_string(bytes) + "B";
}

std::optional<std::int64_t> read_size(doc::ObjectReader& in, std::string_view key,
                                      std::int64_t least, std::int64_t most) {
  const doc::Value* value = in.any(key);
  if (value == nullptr) return std::nullopt;
  const std::string name = "\"" + std::string(key) + "\"";
  std::optional<std::int64_t> bytes;
  if (value->is_string()) bytes = parse_size(value->as_string());
  if (value->is_number()) bytes = value->as_int64();
  if (!bytes) {
    in.problem("bad_size",
               name +
                   " must be a size: a whole number and its unit, like 64KiB, 512MiB "
                   "or 4GiB",
               key);
    return std::nullopt;
  }
  if (*bytes >= least && *bytes <= most) return bytes;
  in.problem("out_of_range",
             name + " must be from " + size_text(least) + " to " + size_text(most) + ", not " +
                 size_text(*bytes),
             key);
  return std::nullopt;
}

}  // namespace keyturn::catalog
