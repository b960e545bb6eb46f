// Lookup in maps. Keys that are equal across int, uint and double are one key, and hash alike.
#include <cmath>
#include <string_view>

#include "cel/value_rep.h"

namespace keyturn::cel {
namespace {

constexpr std::size_t kScanMax = 8;  // up to here a scan beats hashing

std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  return x;
}

std::uint64_t hash_text(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325ULL ^ text.size();
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return mix(h);
}

// A number as a key: integral doubles become integers; nullopt-like false: no integer equals it.
bool key_of_double(double d, Value& out) {
  if (std::trunc(d) != d || std::isinf(d)) return false;
  if (d >= -9223372036854775808.0 && d < 9223372036854775808.0) {
    out = Value::integer(static_cast<std::int64_t>(d));
    return true;
  }
  if (d >= 0 && d < 18446744073709551616.0) {
    out = Value::uinteger(static_cast<std::uint64_t>(d));
    return true;
  }
  return false;
}

std::uint64_t hash_key(const Value& key) {
  if (key.is_string()) return hash_text(key.text());
  return mix(key.as_uint() + (key.is_bool() ? 0x9e3779b97f4a7c15ULL : 0));
}

bool same_key(const Value& a, const Value& b) {
  if (a.kind() == b.kind()) {
    return a.is_string() ? a.text() == b.text() : a.as_uint() == b.as_uint();
  }
  const bool numbers = (a.is_int() && b.is_uint()) || (a.is_uint() && b.is_int());
  return numbers && a.as_uint() == b.as_uint() && a.as_int() >= 0;
}

bool is_key(const Value& v) {
  return v.is_string() || v.is_int() || v.is_uint() || v.is_bool();
}

}  // namespace

template <class Same>
const Value* Value::MapRep::probe(std::uint64_t hash, Same same) const {
  const std::size_t mask = index.size() - 1;
  for (std::size_t i = hash & mask; index[i] != 0; i = (i + 1) & mask) {
    const MapEntry& entry = entries[index[i] - 1];
    if (same(entry.key)) return &entry.value;
  }
  return nullptr;
}

const char* Value::MapRep::build_index() {
  for (const MapEntry& entry : entries) {
    if (!is_key(entry.key)) return "unsupported map key type";
  }
  if (entries.size() <= kScanMax) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (same_key(entries[i].key, entries[j].key)) return "repeated map key";
      }
    }
    return nullptr;
  }
  std::size_t size = 16;
  while (size < entries.size() * 2) size *= 2;
  index.assign(size, 0);
  for (std::size_t n = 0; n < entries.size(); ++n) {
    std::size_t i = hash_key(entries[n].key) & (size - 1);
    for (; index[i] != 0; i = (i + 1) & (size - 1)) {
      if (same_key(entries[index[i] - 1].key, entries[n].key)) return "repeated map key";
    }
    index[i] = static_cast<std::uint32_t>(n + 1);
  }
  return nullptr;
}

const Value* Value::MapRep::find(std::string_view key) const {
  const auto same = [key](const Value& k) { return k.is_string() && k.text() == key; };
  if (!index.empty()) return probe(hash_text(key), same);
  for (const MapEntry& entry : entries) {
    if (same(entry.key)) return &entry.value;
  }
  return nullptr;
}

const Value* Value::MapRep::find(const Value& key) const {
  Value integral;
  if (key.is_double()) {
    if (!key_of_double(key.as_double(), integral)) return nullptr;
    return find(integral);
  }
  if (!is_key(key)) return nullptr;
  const auto same = [&key](const Value& k) { return same_key(k, key); };
  if (!index.empty()) return probe(hash_key(key), same);
  for (const MapEntry& entry : entries) {
    if (same(entry.key)) return &entry.value;
  }
  return nullptr;
}

}  // namespace keyturn::cel
