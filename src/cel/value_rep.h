// What list, map and optional values point to. Private to the room.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "cel/value.h"

namespace keyturn::cel {

struct Value::Counted {
  std::atomic<std::uint64_t> count{1};
};

struct Value::ListRep : Value::Counted {
  std::vector<Value> items;
};

struct Value::BoxRep : Value::Counted {
  Value value;
};

// Entries in their own order; past a few of them, an open-addressing index beside.
struct Value::MapRep : Value::Counted {
  std::vector<MapEntry> entries;
  std::vector<std::uint32_t> index;  // entry number + 1; 0: free; size a power of two

  const char* build_index();  // what is wrong with the keys, or null pointer
  const Value* find(std::string_view key) const;
  const Value* find(const Value& key) const;

 private:
  template <class Same>
  const Value* probe(std::uint64_t hash, Same same) const;
};

}  // namespace keyturn::cel
