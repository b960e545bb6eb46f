// What a plain YAML scalar means (YAML 1.2 §10.3, core schema). Private to doc/.
#pragma once

#include <string_view>

#include "base/result.h"
#include "doc/value.h"

namespace keyturn::doc {

// Numbers come out in JSON syntax: +1 is 1, 007 is 7, .5 is 0.5, 0x1F is 31. Refuses .inf, .nan and
// hexadecimal or octal numbers beyond 64 bits.
[[nodiscard]] Result<Value> plain_scalar(std::string_view text);

}  // namespace keyturn::doc
