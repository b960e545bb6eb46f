// The YAML that configuration needs, and no more, with positions.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "doc/json.h"
#include "doc/read.h"
#include "doc/value.h"

namespace keyturn::doc {

// Parses one YAML 1.2 document into the tree of doc/value.h, from yaml-cpp's event handler. Plain
// scalars follow the core schema (null ~, true/false, integers, floats that JSON can write; 0x..
// and 0o.. become decimal; .inf and .nan are refused); quoted and block scalars are strings.
// Refuses: duplicate keys, non-string keys that are not plain scalars, anchors, aliases, tags,
// "<<", a second document, invalid UTF-8, depth and size past the limits. Refusal.where is
// "name:line:column" (both from 1), where `name` is the file name for messages.
[[nodiscard]] Result<Value> parse_yaml(std::string_view text, std::string_view name,
                                       const ParseLimits& limits = {});
// The same, with what is wrong as a problem that has its position.
[[nodiscard]] std::optional<Value> parse_yaml(std::string_view text, const ParseLimits& limits,
                                              Problems& problems);

}  // namespace keyturn::doc
