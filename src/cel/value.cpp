#include "cel/value.h"

#include <atomic>
#include <bit>
#include <cstring>
#include <new>

#include "base/bytes.h"
#include "cel/value_rep.h"

namespace keyturn::cel {

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "null_type";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kUint:
      return "uint";
    case Kind::kDouble:
      return "double";
    case Kind::kString:
      return "string";
    case Kind::kBytes:
      return "bytes";
    case Kind::kTimestamp:
      return "google.protobuf.Timestamp";
    case Kind::kDuration:
      return "google.protobuf.Duration";
    case Kind::kType:
      return "type";
    case Kind::kList:
      return "list";
    case Kind::kMap:
      return "map";
    case Kind::kOptional:
      return "optional_type";
    case Kind::kAddress:
      return "net.IP";
    case Kind::kNetwork:
      return "net.CIDR";
    case Kind::kError:
      return "error";
  }
  return "error";
}

Value Value::number(double d) {
  Value v;
  v.head_.kind = Kind::kDouble;
  v.bits_.d = d;
  return v;
}

Value Value::timestamp(Timestamp t) {
  Value v = scalar(Kind::kTimestamp, static_cast<std::uint64_t>(t.seconds));
  v.head_.size = static_cast<std::uint32_t>(t.nanos);
  return v;
}

Value Value::duration(Duration d) {
  Value v = scalar(Kind::kDuration, static_cast<std::uint64_t>(d.seconds));
  v.head_.size = static_cast<std::uint32_t>(d.nanos);
  return v;
}

// Text keeps its reference count just before its first byte, so that counted and borrowed text read
// alike.
Value Value::text_of(Kind kind, std::string_view bytes) {
  Value v;
  v.head_.kind = kind;
  if (bytes.empty()) {
    v.bits_.chars = "";
    return v;
  }
  void* memory = ::operator new(sizeof(Counted) + bytes.size());
  auto* counted = new (memory) Counted;
  char* chars = reinterpret_cast<char*>(counted + 1);
  std::memcpy(chars, bytes.data(), bytes.size());
  v.bits_.chars = chars;
  v.head_.size = static_cast<std::uint32_t>(bytes.size());
  v.head_.counted = true;
  return v;
}

Value Value::string(std::string_view text) {
  return text_of(Kind::kString, text);
}
Value Value::bytes(std::string_view bytes) {
  return text_of(Kind::kBytes, bytes);
}
Value Value::type(std::string_view name) {
  return text_of(Kind::kType, name);
}
Value Value::opaque(Kind kind, std::string_view bytes) {
  return text_of(kind, bytes);
}
Value Value::error(std::string_view message) {
  return text_of(Kind::kError, message);
}

Value Value::no_such_key(std::string_view key) {
  return error("no such key: " + std::string(key));
}

Value Value::borrowed(std::string_view text) {
  Value v;
  v.head_.kind = Kind::kString;
  v.bits_.chars = text.data();
  v.head_.size = static_cast<std::uint32_t>(text.size());
  return v;
}

Value Value::list(std::vector<Value> items) {
  Value v;
  v.head_.kind = Kind::kList;
  v.head_.counted = true;
  auto* rep = new ListRep;
  rep->items = std::move(items);
  v.bits_.rep = rep;
  return v;
}

Value Value::map(std::vector<MapEntry> entries) {
  auto* rep = new MapRep;
  Value v;
  v.head_.kind = Kind::kMap;
  v.head_.counted = true;
  v.bits_.rep = rep;
  rep->entries = std::move(entries);
  if (const char* problem = rep->build_index()) return error(problem);
  return v;
}

Value Value::optional(Value value) {
  Value v;
  v.head_.kind = Kind::kOptional;
  v.head_.counted = true;
  auto* rep = new BoxRep;
  rep->value = std::move(value);
  v.bits_.rep = rep;
  return v;
}

Value Value::no_optional() {
  Value v;
  v.head_.kind = Kind::kOptional;
  v.bits_.rep = nullptr;
  return v;
}

Value::Counted* Value::counted() const {
  switch (kind()) {
    case Kind::kString:
    case Kind::kBytes:
    case Kind::kType:
    case Kind::kAddress:
    case Kind::kNetwork:
    case Kind::kError:
      return reinterpret_cast<Counted*>(const_cast<char*>(bits_.chars)) - 1;
    default:
      return bits_.rep;  // list, map, optional
  }
}

void Value::retain_slow() const noexcept {
  counted()->count.fetch_add(1, std::memory_order_relaxed);
}

void Value::release_slow() noexcept {
  Counted* rep = counted();
  if (rep->count.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  switch (kind()) {
    case Kind::kList:
      delete static_cast<ListRep*>(rep);
      return;
    case Kind::kMap:
      delete static_cast<MapRep*>(rep);
      return;
    case Kind::kOptional:
      delete static_cast<BoxRep*>(rep);
      return;
    default:
      ::operator delete(rep);
      return;  // text
  }
}

std::span<const Value> Value::items() const {
  return static_cast<const ListRep*>(bits_.rep)->items;
}

std::span<const MapEntry> Value::entries() const {
  return static_cast<const MapRep*>(bits_.rep)->entries;
}

const Value* Value::find(std::string_view key) const {
  return static_cast<const MapRep*>(bits_.rep)->find(key);
}

const Value* Value::find(const Value& key) const {
  return static_cast<const MapRep*>(bits_.rep)->find(key);
}

const Value& Value::unwrapped() const {
  return static_cast<const BoxRep*>(bits_.rep)->value;
}

std::size_t Value::size() const {
  switch (kind()) {
    case Kind::kList:
      return items().size();
    case Kind::kMap:
      return entries().size();
    case Kind::kString: {
      std::size_t count = 0;
      for (const char c : text()) count += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
      return count;
    }
    default:
      return head_.size;
  }
}

}  // namespace keyturn::cel
