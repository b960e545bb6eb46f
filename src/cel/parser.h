// Lexemes to an expression, macros expanded (cel-spec "Syntax", "Macros").
#pragma once

#include <string_view>

#include "cel/ast.h"
#include "cel/environment.h"
#include "cel/reporter.h"

namespace keyturn::cel {

// How much of the language: with kStandard no extension, only what cel-spec itself defines (the
// reference suites are of that language).
enum class Syntax : std::uint8_t { kExtended, kStandard };

// Null when it does not parse; the reporter knows why.
ExprPtr parse(std::string_view source, const Limits& limits, Reporter& reporter,
              Syntax syntax = Syntax::kExtended);

// Makes expressions, and keeps them within the limits: past one of them it reports, once, and the
// parser stops.
class ExprFactory {
 public:
  ExprFactory(const Limits& limits, Reporter& reporter) : limits_(limits), reporter_(reporter) {}

  ExprPtr literal(std::uint32_t offset, Value value);
  ExprPtr ident(std::uint32_t offset, std::string name);
  ExprPtr select(std::uint32_t offset, ExprPtr operand, std::string field);
  ExprPtr call(std::uint32_t offset, std::string name, std::vector<ExprPtr> args,
               bool member = false);
  ExprPtr list(std::uint32_t offset, std::vector<ExprPtr> items = {});
  ExprPtr map(std::uint32_t offset, std::vector<ExprPtr> keys_and_values = {});
  ExprPtr comprehension(std::uint32_t offset, Macro macro, std::vector<ExprPtr> parts);
  ExprPtr clone(const Expr& expr);  // null past a limit
  void error(std::uint32_t offset, std::string message, std::string suggestion = {});
  bool failed() const { return reporter_.failed(); }

 private:
  ExprPtr make(ExprKind kind, std::uint32_t offset, std::vector<ExprPtr> args = {});

  const Limits& limits_;
  Reporter& reporter_;
  std::size_t nodes_ = 0;
};

template <class... T>
std::vector<ExprPtr> exprs(T... expr) {
  std::vector<ExprPtr> out;
  out.reserve(sizeof...(expr));
  (out.push_back(std::move(expr)), ...);
  return out;
}

// If `call` is a macro, what it expands to; else `call` itself. Null when a macro is used wrongly
// (reported).
ExprPtr expand_macro(ExprPtr call, ExprFactory& factory, Syntax syntax);

}  // namespace keyturn::cel
