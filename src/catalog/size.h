// Sizes with a unit, as people write them: "512MiB".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "doc/read.h"

namespace keyturn::catalog {

// "64KiB", "512MiB", "4GiB", "1TiB": a whole number and its unit, nothing between.
std::optional<std::int64_t> parse_size(std::string_view text);
std::string size_text(std::int64_t bytes);  // in the largest unit that divides it: "4GiB", "1000B"

// The field `key`: such a text, or a number of bytes. Absent -> nullopt; anything else, or out of
// bounds, is a problem.
std::optional<std::int64_t> read_size(doc::ObjectReader& in, std::string_view key,
                                      std::int64_t least, std::int64_t most);

}  // namespace keyturn::catalog
