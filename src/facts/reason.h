// Reasons quote what was read: they are kept short. Private to facts/.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace keyturn::facts {

// At most 200 bytes of UTF-8, cut between characters; what is not UTF-8 is left out.
inline std::string short_reason(std::string text) {
  constexpr std::size_t bytes_max = 200;
  std::size_t end = first_invalid_utf8(text).value_or(text.size());
  if (end > bytes_max) {
    end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  }
  if (end < text.size()) text.replace(end, std::string::npos, "…");
  return text;
}

}  // namespace keyturn::facts
