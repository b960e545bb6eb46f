// The types that the checker reasons with. Immutable, cheap to copy.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace keyturn::cel {

enum class TypeKind : std::uint8_t {
  kDyn,
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kTimestamp,
  kDuration,
  kType,       // type(T)
  kList,       // list(T)
  kMap,        // map(K, V)
  kObject,     // a map at run time, with declared fields
  kOpaque,     // optional_type(T), and other named types with parameters
  kParameter,  // a type parameter of a function: T
  kError,      // of an expression that was refused already
};

struct Field;

class Type {
 public:
  Type() = default;  // dyn
  static Type dyn() { return {}; }
  static Type null() { return Type(TypeKind::kNull); }
  static Type boolean() { return Type(TypeKind::kBool); }
  static Type integer() { return Type(TypeKind::kInt); }
  static Type uinteger() { return Type(TypeKind::kUint); }
  static Type number() { return Type(TypeKind::kDouble); }
  static Type string() { return Type(TypeKind::kString); }
  static Type bytes() { return Type(TypeKind::kBytes); }
  static Type timestamp() { return Type(TypeKind::kTimestamp); }
  static Type duration() { return Type(TypeKind::kDuration); }
  static Type error() { return Type(TypeKind::kError); }
  static Type type();  // of any type, the type of the name "type"
  static Type type(Type of);
  static Type list(Type of);
  static Type map(Type key, Type value);
  // Fields that are not declared are refused by the checker, or dyn when `open`.
  static Type object(std::string name, std::vector<Field> fields, bool open = false);
  static Type opaque(std::string name, std::vector<Type> parameters = {});
  static Type optional(Type of) { return opaque("optional_type", {std::move(of)}); }
  static Type parameter(std::string name);

  TypeKind kind() const { return kind_; }
  bool is(TypeKind kind) const { return kind_ == kind; }
  bool is_optional() const;
  std::string_view name() const;                // of object, opaque, parameter
  const std::vector<Type>& parameters() const;  // list: 1, map: 2, type: 1, opaque: any
  const Type& parameter_at(std::size_t i) const { return parameters()[i]; }
  const std::vector<Field>& fields() const;  // of an object
  bool open() const;
  const Type* field(std::string_view name) const;  // of an object; null when not declared

  bool operator==(const Type& other) const;  // objects and opaques by name and parameters

 private:
  struct Rep;
  static Type with_parameters(TypeKind kind, std::string name, std::vector<Type> parameters);
  explicit Type(TypeKind kind) : kind_(kind) {}
  Type(TypeKind kind, std::shared_ptr<const Rep> rep) : kind_(kind), rep_(std::move(rep)) {}

  TypeKind kind_ = TypeKind::kDyn;
  std::shared_ptr<const Rep> rep_;
};

struct Field {
  std::string name;
  Type type;
};

std::string to_text(const Type& type);  // "map(string, list(int))"

}  // namespace keyturn::cel
