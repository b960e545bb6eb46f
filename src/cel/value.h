// A CEL value: 16 bytes, cheap to copy. Strings, lists and maps are shared and immutable; a string
// may also be borrowed, and then its bytes must outlive every copy of the value.
//
// Threads: values may be shared between threads (reference counts are atomic, contents never
// change).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keyturn::cel {

enum class Kind : std::uint8_t {
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kTimestamp,
  kDuration,
  kType,
  kList,
  kMap,
  kOptional,
  kAddress,  // net.IP, see address.h
  kNetwork,  // net.CIDR
  kError,
};

std::string_view name_of(Kind kind);  // "null_type", "int", "google.protobuf.Timestamp", ...

struct Timestamp {
  std::int64_t seconds = 0;  // since the Unix epoch
  std::int32_t nanos = 0;    // 0 .. 999'999'999
  bool operator==(const Timestamp&) const = default;
};

struct Duration {
  std::int64_t seconds = 0;
  std::int32_t nanos = 0;  // the sign of seconds, or any sign when seconds is 0
  bool operator==(const Duration&) const = default;
};

class Value;
struct MapEntry;

class Value {
 public:
  Value() noexcept = default;  // null
  Value(const Value& other) noexcept : bits_(other.bits_), head_(other.head_) { retain(); }
  Value(Value&& other) noexcept : bits_(other.bits_), head_(other.head_) { other.head_ = Head{}; }
  Value& operator=(const Value& other) noexcept {
    Value copy(other);
    swap(copy);
    return *this;
  }
  Value& operator=(Value&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Value() { release(); }
  void swap(Value& other) noexcept {
    std::swap(bits_, other.bits_);
    std::swap(head_, other.head_);
  }

  static Value null() { return {}; }
  static Value boolean(bool b) { return scalar(Kind::kBool, b ? 1 : 0); }
  static Value integer(std::int64_t i) { return scalar(Kind::kInt, static_cast<std::uint64_t>(i)); }
  static Value uinteger(std::uint64_t u) { return scalar(Kind::kUint, u); }
  static Value number(double d);
  static Value timestamp(Timestamp t);
  static Value duration(Duration d);
  static Value string(std::string_view text);    // copies; text must be UTF-8
  static Value bytes(std::string_view bytes);    // copies
  static Value borrowed(std::string_view text);  // a string that the caller keeps alive
  static Value type(std::string_view name);      // "int", "list", "google.protobuf.Duration", ...
  static Value list(std::vector<Value> items);
  // Keys are bool, int, uint or string, and differ (2 and 2u are one key): otherwise an error
  // value.
  static Value map(std::vector<MapEntry> entries);
  static Value optional(Value value);
  static Value no_optional();
  static Value opaque(Kind kind, std::string_view bytes);  // kAddress, kNetwork: see address.h
  static Value error(std::string_view message);
  static Value no_such_key(std::string_view key);  // error "no such key: ..."

  Kind kind() const noexcept { return head_.kind; }
  bool is_null() const { return kind() == Kind::kNull; }
  bool is_bool() const { return kind() == Kind::kBool; }
  bool is_int() const { return kind() == Kind::kInt; }
  bool is_uint() const { return kind() == Kind::kUint; }
  bool is_double() const { return kind() == Kind::kDouble; }
  bool is_number() const { return is_int() || is_uint() || is_double(); }
  bool is_string() const { return kind() == Kind::kString; }
  bool is_bytes() const { return kind() == Kind::kBytes; }
  bool is_list() const { return kind() == Kind::kList; }
  bool is_map() const { return kind() == Kind::kMap; }
  bool is_error() const { return kind() == Kind::kError; }
  bool is_true() const { return is_bool() && bits_.u != 0; }
  bool is_false() const { return is_bool() && bits_.u == 0; }

  // The caller has checked the kind.
  bool as_bool() const { return bits_.u != 0; }
  std::int64_t as_int() const { return static_cast<std::int64_t>(bits_.u); }
  std::uint64_t as_uint() const { return bits_.u; }
  double as_double() const { return bits_.d; }
  Timestamp as_timestamp() const { return {as_int(), static_cast<std::int32_t>(head_.size)}; }
  Duration as_duration() const { return {as_int(), static_cast<std::int32_t>(head_.size)}; }
  // Bytes of a string, bytes, type (its name), error (its message), address or network. Valid while
  // this value lives.
  std::string_view text() const { return {bits_.chars, head_.size}; }
  std::span<const Value> items() const;       // of a list
  std::span<const MapEntry> entries() const;  // of a map, in the order they were given
  // The value under `key` in a map, or null pointer. Numeric keys compare across types (1 == 1u
  // == 1.0).
  const Value* find(std::string_view key) const;
  const Value* find(const Value& key) const;
  bool has_value() const { return bits_.rep != nullptr; }  // of an optional
  const Value& unwrapped() const;                          // of an optional that has a value
  std::size_t size() const;  // elements of a list or map; code points of a string; bytes of bytes

 private:
  struct Counted;
  struct ListRep;
  struct MapRep;
  struct BoxRep;
  struct Head {
    Kind kind = Kind::kNull;
    bool counted = false;  // bits_ leads to memory with a reference count
    std::uint16_t spare = 0;
    std::uint32_t size = 0;  // bytes of text, or nanoseconds
  };
  union Bits {
    std::uint64_t u = 0;
    double d;
    const char* chars;
    Counted* rep;
  };
  friend class MapBuilder;

  static Value scalar(Kind kind, std::uint64_t bits) {
    Value v;
    v.head_.kind = kind;
    v.bits_.u = bits;
    return v;
  }
  static Value text_of(Kind kind, std::string_view bytes);
  Counted* counted() const;
  void retain() const noexcept {
    if (head_.counted) retain_slow();
  }
  void release() noexcept {
    if (head_.counted) release_slow();
  }
  void retain_slow() const noexcept;
  void release_slow() noexcept;

  Bits bits_;
  Head head_;
};

struct MapEntry {
  Value key;
  Value value;
};

enum class Equality : std::uint8_t { kUnequal, kEqual, kError };

// CEL equality: numbers compare across int, uint and double; NaN equals nothing; values of other
// different kinds are unequal. kError when an error value is met inside, or when more than
// `steps_max` comparisons are needed. `steps`, if given, is raised by the comparisons made.
Equality equal(const Value& a, const Value& b, std::uint64_t* steps = nullptr,
               std::uint64_t steps_max = 1'000'000);
inline bool operator==(const Value& a, const Value& b) {
  return equal(a, b) == Equality::kEqual;
}

// -1, 0, 1; 2: not comparable (other kinds, or NaN). Numbers compare across int, uint and double.
int compare(const Value& a, const Value& b);

// For people: CEL literal syntax, cut off after some 2,000 bytes.
std::string to_text(const Value& value);

}  // namespace keyturn::cel
