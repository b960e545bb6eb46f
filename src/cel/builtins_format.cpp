// "...".format([...]), cel-go's string extension.
#include "cel/builtins.h"

namespace keyturn::cel {

std::span<const BuiltinEntry> format_builtins() {
  return {};
}

}  // namespace keyturn::cel
