// How JSON writes strings. Private to doc/.
#pragma once

#include <string>
#include <string_view>

namespace keyturn::doc {

// What a text grows to without being moved, for most.
inline constexpr std::size_t kTextBytes = 256;

// Appends "text" in quotes, escaped as RFC 8785 §3.2.2.2 says: the shortest form, nothing else
// escaped.
void append_json_string(std::string& out, std::string_view text);

}  // namespace keyturn::doc
