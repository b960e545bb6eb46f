// Bytes are std::string / std::string_view; text is bytes that were checked to be UTF-8.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keyturn {

using Digest = std::array<std::uint8_t, 32>;  // SHA-256

inline std::string_view view(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string to_hex(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view hex);  // even length, either case

// RFC 4648 §4 (padded) and §5 (URL-safe, unpadded). Decoders are strict: no whitespace, no stray
// bits.
std::string to_base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);
std::string to_base64url(std::string_view bytes);
std::optional<std::string> from_base64url(std::string_view text);

// Offset of the first byte that is not well-formed UTF-8 (RFC 3629: no surrogates, no overlongs),
// or nullopt when all of it is.
std::optional<std::size_t> first_invalid_utf8(std::string_view text);

// Decodes one code point at `offset` of valid UTF-8 and moves `offset` past it.
char32_t next_code_point(std::string_view utf8, std::size_t& offset);
void append_utf8(std::string& out, char32_t code_point);

// Compares in time that depends on the lengths only.
bool equal_constant_time(std::string_view a, std::string_view b);

// The nearest of `candidates` to `word` by edit distance (at most 1 in 3 characters wrong), or "".
std::string_view nearest_word(std::string_view word, const std::string_view* first,
                              std::size_t count);

}  // namespace keyturn
