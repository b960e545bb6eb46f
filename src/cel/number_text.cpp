#include "cel/number_text.h"

#include <array>
#include <charconv>
#include <cmath>

namespace keyturn::cel {

std::string double_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  std::array<char, 40> out{};
  const auto end = std::to_chars(out.data(), out.data() + out.size(), value).ptr;
  return {out.data(), end};
}

}  // namespace keyturn::cel
