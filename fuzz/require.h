// Ends the run with a finding when a promise does not hold.
#pragma once

#include <cstdlib>

namespace keyturn::fuzz {

inline void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace keyturn::fuzz
