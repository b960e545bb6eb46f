// One tree for JSON and YAML: every value knows where it stood in its source. Numbers keep their
// text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace keyturn::doc {

struct Position {
  std::uint32_t line = 0;    // from 1; 0: made by the program, not read
  std::uint32_t column = 0;  // from 1, in bytes
  std::size_t byte = 0;      // from 0
};

class Value;

struct Number {
  std::string text;  // valid JSON number syntax, exactly as written
};

struct Member;
using Array = std::vector<Value>;
using Object = std::vector<Member>;  // in written order; keys are unique

enum class Kind : std::uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };

class Value {
 public:
  Value() noexcept;
  Value(std::nullptr_t);      // NOLINT(google-explicit-constructor)
  Value(bool b);              // NOLINT(google-explicit-constructor)
  Value(std::string s);       // NOLINT(google-explicit-constructor)
  Value(std::string_view s);  // NOLINT(google-explicit-constructor)
  Value(const char* s);       // NOLINT(google-explicit-constructor)
  Value(std::int64_t i);      // NOLINT(google-explicit-constructor)
  Value(int i);               // NOLINT(google-explicit-constructor)
  Value(unsigned i);          // NOLINT(google-explicit-constructor)
  Value(std::uint64_t i);     // NOLINT(google-explicit-constructor)
  Value(Number n);            // NOLINT(google-explicit-constructor)
  Value(Array a);             // NOLINT(google-explicit-constructor)
  Value(Object o);            // NOLINT(google-explicit-constructor)
  Value(const Value& other);
  Value(Value&& other) noexcept;
  Value& operator=(const Value& other);
  Value& operator=(Value&& other) noexcept;
  ~Value();

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  bool is_null() const { return kind() == Kind::kNull; }
  bool is_bool() const { return kind() == Kind::kBool; }
  bool is_number() const { return kind() == Kind::kNumber; }
  bool is_string() const { return kind() == Kind::kString; }
  bool is_array() const { return kind() == Kind::kArray; }
  bool is_object() const { return kind() == Kind::kObject; }

  // The caller has checked the kind; a wrong one throws std::bad_variant_access (a bug of ours).
  bool as_bool() const;
  const std::string& as_string() const;
  const Number& as_number() const;
  const Array& as_array() const;
  const Object& as_object() const;
  Array& as_array();
  Object& as_object();

  // Numbers, exactly: nullopt if not a number, not integral (1.0 and 1e2 are), or out of range.
  std::optional<std::int64_t> as_int64() const;
  std::optional<std::uint64_t> as_uint64() const;
  std::optional<double> as_double() const;  // nearest; nullopt on overflow to infinity

  // Member of an object by key; null when absent or when this is no object.
  const Value* find(std::string_view key) const;
  // find() for a path of keys.
  const Value* find_path(std::initializer_list<std::string_view> keys) const;
  // Text of a string member, or "" if absent or of another kind. For our own, checked documents.
  std::string_view text(std::string_view key) const;
  std::int64_t integer(std::string_view key, std::int64_t otherwise = 0) const;
  bool flag(std::string_view key) const;
  const Array& list(std::string_view key) const;  // empty if absent or of another kind

  // Sets or replaces a member; a null value becomes an object first.
  Value& set(std::string key, Value value);
  void push(Value value);  // appends to an array; a null value becomes an array first

  const Position& position() const { return position_; }
  void set_position(Position position) { position_ = position; }

  // Equality of content: positions are ignored, object order too; numbers by text.
  bool operator==(const Value& other) const;

 private:
  std::variant<std::nullptr_t, bool, Number, std::string, Array, Object> data_;
  Position position_;
};

struct Member {
  std::string key;
  Value value;
  Position key_position;
};

// Defined here, where Member is complete: a variant of an Object needs it.
inline Value::Value() noexcept = default;
inline Value::Value(std::nullptr_t) {}
inline Value::Value(bool b) : data_(b) {}
inline Value::Value(std::string s) : data_(std::move(s)) {}
inline Value::Value(std::string_view s) : data_(std::string(s)) {}
inline Value::Value(const char* s) : data_(std::string(s)) {}
inline Value::Value(std::int64_t i) : data_(Number{std::to_string(i)}) {}
inline Value::Value(int i) : Value(static_cast<std::int64_t>(i)) {}
inline Value::Value(unsigned i) : Value(static_cast<std::int64_t>(i)) {}
inline Value::Value(std::uint64_t i) : data_(Number{std::to_string(i)}) {}
inline Value::Value(Number n) : data_(std::move(n)) {}
inline Value::Value(Array a) : data_(std::move(a)) {}
inline Value::Value(Object o) : data_(std::move(o)) {}
inline Value::Value(const Value& other) = default;
inline Value::Value(Value&& other) noexcept = default;
inline Value& Value::operator=(const Value& other) = default;
inline Value& Value::operator=(Value&& other) noexcept = default;
inline Value::~Value() = default;

inline bool Value::as_bool() const {
  return std::get<bool>(data_);
}
inline const std::string& Value::as_string() const {
  return std::get<std::string>(data_);
}
inline const Number& Value::as_number() const {
  return std::get<Number>(data_);
}
inline const Array& Value::as_array() const {
  return std::get<Array>(data_);
}
inline const Object& Value::as_object() const {
  return std::get<Object>(data_);
}
inline Array& Value::as_array() {
  return std::get<Array>(data_);
}
inline Object& Value::as_object() {
  return std::get<Object>(data_);
}

// A member written down on the spot. An initializer list is const, and its values are meant to be
// moved into the tree, not copied.
struct Entry {
  std::string_view key;
  mutable Value value;
};

// An object in one expression: object({{"a", 1}, {"b", "x"}}).
Value object(std::initializer_list<Entry> members);
Value array_of(const std::vector<std::string>& texts);
Value array_of_set(const std::set<std::string>& texts);

}  // namespace keyturn::doc
