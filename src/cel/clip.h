// The beginning of a text, for messages.
#pragma once

#include <string>
#include <string_view>

namespace keyturn::cel {

// At most `bytes_max` bytes, never half a code point.
inline std::string clip(std::string_view text, std::size_t bytes_max = 80) {
  if (text.size() <= bytes_max) return std::string(text);
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0U) == 0x80U)
    --bytes_max;
  return std::string(text.substr(0, bytes_max)) + "...";
}

}  // namespace keyturn::cel
