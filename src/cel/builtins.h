// The functions of the language at run time: by name; each looks at the kinds of its arguments.
#pragma once

#include <string_view>

#include "cel/node.h"

namespace keyturn::cel {

struct BuiltinEntry {
  std::string_view name;
  Builtin call;
  std::size_t least;  // number of arguments, the target of a member call included
  std::size_t most;
  CallBounds bound = nullptr;  // null: bound_of_any
};

const BuiltinEntry* find_builtin(std::string_view name);  // null: not one of ours

// One table a file.
std::span<const BuiltinEntry> arithmetic_builtins();
std::span<const BuiltinEntry> conversion_builtins();
std::span<const BuiltinEntry> collection_builtins();
std::span<const BuiltinEntry> string_builtins();
std::span<const BuiltinEntry> format_builtins();
std::span<const BuiltinEntry> time_builtins();
std::span<const BuiltinEntry> math_builtins();
std::span<const BuiltinEntry> network_builtins();

}  // namespace keyturn::cel
