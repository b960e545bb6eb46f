// Compile once, evaluate many times.
//
//   Environment env;
//   env.variable("action", Type::object("action", {{"tool", Type::string()}}));
//   auto program = compile("action.tool == 'sql'", env, {}, Type::boolean());
//   Activation input(env);
//   input.set("action", action);
//   Value verdict = program->evaluate(input);   // true, false, or an error value
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cel/cost.h"
#include "cel/diagnostic.h"
#include "cel/environment.h"
#include "cel/type.h"
#include "cel/value.h"

namespace keyturn::cel {

// Gives the fields of one root when they are first asked for.
class Resolver {
 public:
  virtual ~Resolver() = default;
  // The field `name` of the root this resolver was set for. Called at most once for each name and
  // activation; may evaluate other programs with the same activation. Absent:
  // Value::no_such_key(name).
  virtual Value resolve(std::string_view name) = 0;
};

// The input of an evaluation. Every path (`action.args.amount`) is looked up at most once in the
// life of an activation, however many programs read it. One thread at a time. The environment's
// paths stay alive with it.
class Activation {
 public:
  explicit Activation(const Environment& environment);
  ~Activation();
  Activation(Activation&&) noexcept;
  Activation& operator=(Activation&&) noexcept;

  // Gives a root its value. Set roots before the first evaluation; setting one later forgets what
  // was looked up. A declared root that is never set reads as the error "no such attribute: NAME".
  void set(std::string_view root, Value value);
  // The fields of `root` come from `resolver`, which is borrowed. The root as a whole
  // (`size(variables)`) cannot be read then.
  void set(std::string_view root, Resolver& resolver);
  void clear();  // forgets all roots; keeps the memory

  // For tests and explain: the value at a path "action.args.amount" now (an error value when
  // missing).
  Value get(std::string_view path) const;

  class Impl;
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// An attribute that a program reads.
struct AttributePath {
  std::string text;  // "action.args.amount": the longest chain of field names known when compiled
  std::size_t offset = 0;  // where in the expression it is read first
  Type type;               // as the checker knows it
  // One is the other, or a part of it: reading all of `claims` may read claims.model.
  bool depends_on(std::string_view path) const;
};

// Immutable; may be evaluated from many threads (each with its own activation). Cheap to copy.
class Program {
 public:
  // The value, or an error value: a missing attribute, an overflow, ..., "cost limit exceeded". &&
  // and || absorb errors as in cel-spec. Cost: one a step (node visited, element compared or
  // iterated), plus one for every 16 bytes of text made or searched; evaluation stops once it is
  // past `cost_limit`, so time and memory are bounded by it. `cost_used`, if given, is set.
  // `cost_limit` 0: the limit given to compile().
  Value evaluate(const Activation& input, std::uint64_t* cost_used = nullptr,
                 std::uint64_t cost_limit = 0) const;

  const Type& result_type() const;
  // Every attribute that the expression may read, each once, in the order of the text.
  std::span<const AttributePath> paths() const;
  bool depends_on(std::string_view path) const;  // "claims" or "claims.model"
  // Set when the expression has the same value whatever the input is ("true", "1 < 2").
  const std::optional<Value>& constant() const;
  const std::string& source() const;
  // Bounds of what evaluate() costs; `most` holds for input within `hints` and for roots that are
  // values (a Resolver's own work is not in it).
  CostBounds cost_bounds(const SizeHints& hints = {}) const;

  class Impl;
  explicit Program(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<const Impl> impl_;
};

enum class Checking : std::uint8_t {
  kOn,
  kOff,  // parse only, types at run time: for conformance tests
};

// Lex, parse, check, resolve paths to slots, fold constants, compile constant regexes. All problems
// found, at most limits.diagnostics_max. With `expected` the result must be of that type (dyn
// passes).
[[nodiscard]] std::expected<Program, Diagnostics> compile(
    std::string_view expression, const Environment& environment, const Limits& limits = {},
    const std::optional<Type>& expected = std::nullopt, Checking checking = Checking::kOn);

}  // namespace keyturn::cel
