// The parsed expression. Macros are expanded already (has, all, exists, map, ...).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cel/type.h"
#include "cel/value.h"

namespace keyturn::cel {

enum class ExprKind : std::uint8_t {
  kLiteral,
  kIdent,
  kSelect,         // args[0].name; test_only: has(args[0].name); optional: args[0].?name
  kCall,           // name(args) or args[0].name(args[1..]) when member
  kList,           // args; optional_items
  kMap,            // args: key, value, key, value, ...; optional_items per pair
  kMessage,        // parsed, then refused: there are no protobuf messages here
  kComprehension,  // see Comprehension
};

// The macro that a comprehension came from. The planner evaluates each in its own way; the expanded
// form is the reference's, and gives them their meaning.
enum class Macro : std::uint8_t {
  kNone,
  kAll,
  kExists,
  kExistsOne,
  kCollect,       // map, filter, transformList: step appends to a list
  kCollectMap,    // transformMap: step inserts under the key of the range
  kCollectEntry,  // transformMapEntry: step inserts the entries of a map
  kBind,          // cel.bind, optMap: one name for one value
};

// What an ident or a select chain stands for, once names are resolved.
enum class Named : std::uint8_t { kNothing, kLocal, kVariable, kType };

// Indices into args of a comprehension.
enum Part : std::uint8_t { kRange, kInit, kCondition, kStep, kResult };

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

struct Expr {
  ExprKind kind = ExprKind::kLiteral;
  Macro macro = Macro::kNone;
  bool member = false;
  bool test_only = false;
  bool optional = false;
  std::uint32_t offset = 0;  // of its characteristic token
  std::uint32_t depth = 1;
  std::string name;  // ident (may begin with '.'), field, function, message; accumulator variable
  std::string iter_var;   // comprehension
  std::string iter_var2;  // comprehension over two variables, or ""
  Value literal;
  std::vector<ExprPtr> args;
  std::vector<bool> optional_items;

  // Set by resolve_names().
  Named named = Named::kNothing;
  std::string variable;  // the declared variable or the type that this ident or select chain names

  // Set by check().
  Type type;
  std::vector<std::string> overloads;  // ids of the overloads that a call may mean
};

inline constexpr const char* kAccumulator = "@result";

}  // namespace keyturn::cel
