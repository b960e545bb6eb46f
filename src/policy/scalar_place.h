// Where in a YAML file a byte of a scalar's value stood.
#pragma once

#include <string_view>

#include "doc/value.h"

namespace keyturn::policy {

// `start` is where the scalar began in `source`, `value` its text after folding and unescaping,
// `offset` a byte of `value`. Exact for plain, quoted (without escapes other than of quotes) and
// block scalars; else `start`.
doc::Position place_in_scalar(std::string_view source, doc::Position start, std::string_view value,
                              std::size_t offset);

}  // namespace keyturn::policy
