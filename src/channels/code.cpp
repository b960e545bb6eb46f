#include "channels/code.h"

#include "base/ascii.h"

namespace keyturn::channels {

std::string make_code(Random& random) {
  constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const std::string bytes = random.bytes(8);
  std::string out;
  for (const char byte : bytes) {
    if (out.size() == 4) out += '-';
    out += kDigits[static_cast<unsigned char>(byte) % kDigits.size()];
  }
  return out;
}

std::string folded_code(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == ' ' || c == '-') continue;
    if (is_lower(c)) c = static_cast<char>(c - 'a' + 'A');
    if (c == 'O') c = '0';
    if (c == 'I' || c == 'L') c = '1';
    out += c;
  }
  return out;
}

}  // namespace keyturn::channels
