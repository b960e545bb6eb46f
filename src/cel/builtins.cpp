#include "cel/builtins.h"

#include <unordered_map>

namespace keyturn::cel {
namespace {

using Table = std::unordered_map<std::string_view, const BuiltinEntry*>;

Table all_builtins() {
  Table out;
  for (const auto entries :
       {arithmetic_builtins(), conversion_builtins(), collection_builtins(), string_builtins(),
        format_builtins(), time_builtins(), math_builtins(), network_builtins()}) {
    for (const BuiltinEntry& entry : entries) out.emplace(entry.name, &entry);
  }
  return out;
}

}  // namespace

const BuiltinEntry* find_builtin(std::string_view name) {
  static const Table table = all_builtins();
  const auto found = table.find(name);
  return found == table.end() ? nullptr : found->second;
}

}  // namespace keyturn::cel
