// Short codes that people carry from one screen to another.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"

namespace keyturn::channels {

// "7Q3K-9MWP": 40 random bits in Crockford's base 32.
std::string make_code(Random& random);
// As it was meant: without spaces and dashes, in capitals, O as 0, I and L as 1.
std::string folded_code(std::string_view text);

}  // namespace keyturn::channels
