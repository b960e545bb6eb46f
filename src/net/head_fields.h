// What the heads of requests and of responses have in common (RFC 9112 §5): strict field lines.
// Pure. Internal to net/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "net/http.h"
#include "net/request_head.h"

namespace keyturn::net {

std::unexpected<Malformed> malformed(std::string detail);

// Takes one line off `rest`, in which every LF follows a CR (find_head_end).
std::string_view take_line(std::string_view& rest);
std::string_view trim(std::string_view text);  // of spaces and tabs
// One decimal number of at most 18 digits.
std::optional<std::uint64_t> parse_length(std::string_view digits);

// The lines up to and with the empty one.
std::expected<void, Malformed> read_fields(std::string_view& rest, std::size_t fields_max,
                                           Headers& headers);
// Whether a field `name`, a list, has `word` as one of its elements.
bool has_word(const Headers& headers, std::string_view name, std::string_view word);

}  // namespace keyturn::net
