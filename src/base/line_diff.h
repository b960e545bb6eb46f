// What differs between two texts, line by line. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace keyturn {

// The changed lines with `context` lines around them, each with what it is in front: "- " only in
// `before`, "+ " only in `after`, "  " in both, "@ " our own words, "@ line 41", where lines were
// left out. "" when nothing differs. A last line without an end is another line than one with it,
// and is said to be so. The least number of changed lines, up to a thousand of them; past that
// what lies between the common beginning and end is given whole, still exactly.
std::string line_diff(std::string_view before, std::string_view after, std::size_t context = 3);

}  // namespace keyturn
