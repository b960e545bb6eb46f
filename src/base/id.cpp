#include "base/id.h"

#include <array>
#include <cstdint>

#include "base/random.h"

namespace keyturn {

std::string make_sortable_id(std::string_view prefix, std::int64_t unix_ms, Random& random) {
  constexpr char kCrockford[] = "0123456789abcdefghjkmnpqrstvwxyz";
  std::array<std::uint8_t, 16> bits{};
  for (int i = 0; i < 6; ++i) {
    bits[static_cast<std::size_t>(i)] =
        static_cast<std::uint8_t>(static_cast<std::uint64_t>(unix_ms) >> (40 - 8 * i));
  }
  random.fill(bits.data() + 6, 10);

  // 128 bits in 26 characters of 5: two zero bits stand in front.
  std::string out(prefix);
  out.reserve(prefix.size() + 26);
  std::uint32_t pending = 0;
  int count = 2;
  for (const std::uint8_t byte : bits) {
    pending = pending << 8 | byte;
    count += 8;
    while (count >= 5) {
      count -= 5;
      out += kCrockford[pending >> count & 31];
    }
  }
  return out;
}

}  // namespace keyturn
