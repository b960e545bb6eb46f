// Expressions of a runbook: CEL where a condition or a list is wanted, "{{ CEL }}" inside texts.
// They read `inputs`, `steps` (what ended before: {outcome, outputs}), `item` and `index` of a
// foreach, `run` ({id, runbook, started_by}), and, where a step's outputs are made, `result`. Those
// of triggers read `event` only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cel/program.h"
#include "doc/read.h"
#include "doc/value.h"

namespace keyturn::runbook {

// What ended before, as later steps read it: {outcome, outputs} by the step's id. A list that grows
// at its head and shares its tail, so that every step can have its own at no cost.
struct Before {
  std::string id;
  doc::Value shown;
  std::shared_ptr<const Before> rest;
};

// The values that an expression reads. Absent ones are null. Cheap to copy.
struct Scope {
  std::shared_ptr<const doc::Value> inputs, run;
  std::shared_ptr<const Before> steps;
  doc::Value item, index, result;
  doc::Value event;  // of a trigger, and then nothing else

  void show(std::string id, doc::Value shown) {
    steps = std::make_shared<const Before>(std::move(id), std::move(shown), std::move(steps));
  }
};

class Expression {
 public:
  Expression(std::shared_ptr<const cel::Environment> environment, cel::Program program)
      : environment_(std::move(environment)), program_(std::move(program)) {}

  // A value that can be recorded (RFC 8785: no integer beyond 2^53). Code `expression`: what went
  // wrong, with the expression.
  [[nodiscard]] Result<doc::Value> evaluate(const Scope& scope) const;
  // Of a condition, and of a list; code `expression` also when it is of another type.
  [[nodiscard]] Result<bool> holds(const Scope& scope) const;
  [[nodiscard]] Result<doc::Array> items(const Scope& scope) const;
  bool depends_on(std::string_view path) const { return program_.depends_on(path); }
  const std::string& text() const { return program_.source(); }
  std::vector<std::string> paths() const;

 private:
  Result<doc::Value> value_of(const Scope& scope) const;

  std::shared_ptr<const cel::Environment> environment_;
  cel::Program program_;
};

// A value whose texts may hold expressions. "{{ x }}" alone is the value of x, whatever its type;
// inside a longer text it is written as text (scalars only).
class Template {
 public:
  const doc::Value& source() const { return source_; }
  [[nodiscard]] Result<doc::Value> fill(const Scope& scope) const;
  bool depends_on(std::string_view path) const;
  std::vector<std::string> paths() const;
  // The expressions that stand inside longer texts.
  std::vector<std::string> inside_texts() const;

 private:
  friend class Expressions;
  struct Piece {
    std::string text;  // literal, when there is no expression
    std::optional<Expression> expression;
  };
  using Pieces = std::vector<Piece>;
  Result<doc::Value> fill(const doc::Value& value, const Scope& scope) const;
  static Result<doc::Value> fill_text(const Pieces& pieces, const Scope& scope);

  doc::Value source_;
  std::map<std::string, Pieces, std::less<>> texts_;  // by the text as written
};

class Expressions {
 public:
  enum class Of { kSteps, kTriggers };
  explicit Expressions(Of of = Of::kSteps);
  // The text of `value` as one expression of that type. Problems are positioned.
  std::optional<Expression> compile(const doc::Value& value, const std::string& pointer,
                                    const cel::Type& wanted, doc::Problems& problems) const;
  Template compile_template(const doc::Value& value, const std::string& pointer,
                            doc::Problems& problems) const;

 private:
  std::optional<Expression> compile_text(std::string_view text, const doc::Value& at,
                                         const std::string& pointer, const cel::Type& wanted,
                                         doc::Problems& problems) const;
  void compile_texts(const doc::Value& value, const std::string& pointer, Template& out,
                     doc::Problems& problems) const;
  Template::Pieces compile_pieces(const doc::Value& text, const std::string& pointer,
                                  doc::Problems& problems) const;

  std::shared_ptr<const cel::Environment> environment_;
};

}  // namespace keyturn::runbook
