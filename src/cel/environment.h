// What an expression may name: variables with their types, functions, extensions; and how large it
// may be.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cel/type.h"
#include "cel/value.h"

namespace keyturn::cel {

struct Limits {
  std::size_t expression_bytes_max = 32 * 1024;
  std::size_t depth_max = 250;     // nesting of the expression, after macros
  std::size_t nodes_max = 20'000;  // after macros
  std::size_t diagnostics_max = 20;
  std::uint64_t cost_limit = 100'000;  // see Program::evaluate
  // Patterns of matches() and time zones must be known when compiled, so that none fails, or is
  // compiled anew, in an evaluation.
  bool constant_patterns = false;
};

// One way to call a function. A member overload is called as `parameters[0].name(parameters[1..])`.
struct Overload {
  std::string id;  // "size_list", as in cel-spec
  std::vector<Type> parameters;
  Type result;
  bool member = false;
};

// Receives the arguments (none is an error), returns the result or an error value. Must be pure.
using FunctionBody = std::function<Value(std::span<const Value>)>;

struct Function {
  std::string name;
  std::vector<Overload> overloads;
  FunctionBody body;  // null: one of the evaluator's own
};

class PathTable;  // interns `action.args.amount` to a slot; shared by all programs of one
                  // environment

// Build once, then use from any thread. Programs and activations keep what they need of it alive.
class Environment {
 public:
  Environment();  // the standard definitions and the extensions (strings, optionals, ...), no
                  // variable
  ~Environment();
  Environment(const Environment&);  // a copy has its own slots: do not mix their activations
  Environment& operator=(const Environment&);
  Environment(Environment&&) noexcept;
  Environment& operator=(Environment&&) noexcept;

  // Declares (or declares again) a variable. The name may be qualified ("a.b").
  Environment& variable(std::string name, Type type);
  Environment& function(Function function);
  Environment& container(
      std::string name);  // names resolve in it first (cel-spec, name resolution)

  const Type* find_variable(std::string_view name) const;
  const Function* find_function(std::string_view name) const;
  const std::string& container() const;
  std::vector<std::string> variable_names() const;
  std::vector<std::string> function_names() const;
  const std::shared_ptr<PathTable>& paths() const;

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace keyturn::cel
