#include <algorithm>

#include "cel/parser.h"

namespace keyturn::cel {

ExprPtr ExprFactory::make(ExprKind kind, std::uint32_t offset, std::vector<ExprPtr> args) {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->offset = offset;
  expr->args = std::move(args);
  for (const ExprPtr& arg : expr->args) {
    if (arg) expr->depth = std::max(expr->depth, arg->depth + 1);
  }
  if (failed()) return expr;
  if (expr->depth > limits_.depth_max) {
    error(offset, "the expression is nested more than " + std::to_string(limits_.depth_max) +
                      " levels deep");
  } else if (++nodes_ > limits_.nodes_max) {
    error(offset, "the expression has more than " + std::to_string(limits_.nodes_max) + " parts");
  }
  return expr;
}

ExprPtr ExprFactory::literal(std::uint32_t offset, Value value) {
  ExprPtr expr = make(ExprKind::kLiteral, offset);
  expr->literal = std::move(value);
  return expr;
}

ExprPtr ExprFactory::ident(std::uint32_t offset, std::string name) {
  ExprPtr expr = make(ExprKind::kIdent, offset);
  expr->name = std::move(name);
  return expr;
}

ExprPtr ExprFactory::select(std::uint32_t offset, ExprPtr operand, std::string field) {
  ExprPtr expr = make(ExprKind::kSelect, offset, exprs(std::move(operand)));
  expr->name = std::move(field);
  return expr;
}

ExprPtr ExprFactory::call(std::uint32_t offset, std::string name, std::vector<ExprPtr> args,
                          bool member) {
  ExprPtr expr = make(ExprKind::kCall, offset, std::move(args));
  expr->name = std::move(name);
  expr->member = member;
  return expr;
}

ExprPtr ExprFactory::list(std::uint32_t offset, std::vector<ExprPtr> items) {
  return make(ExprKind::kList, offset, std::move(items));
}

ExprPtr ExprFactory::map(std::uint32_t offset, std::vector<ExprPtr> keys_and_values) {
  return make(ExprKind::kMap, offset, std::move(keys_and_values));
}

ExprPtr ExprFactory::comprehension(std::uint32_t offset, Macro macro, std::vector<ExprPtr> parts) {
  ExprPtr expr = make(ExprKind::kComprehension, offset, std::move(parts));
  expr->macro = macro;
  expr->name = kAccumulator;
  return expr;
}

ExprPtr ExprFactory::clone(const Expr& expr) {
  std::vector<ExprPtr> args;
  args.reserve(expr.args.size());
  for (const ExprPtr& arg : expr.args) {
    ExprPtr copy = clone(*arg);
    if (!copy || failed()) return nullptr;
    args.push_back(std::move(copy));
  }
  ExprPtr copy = make(expr.kind, expr.offset, std::move(args));
  if (failed()) return nullptr;
  copy->macro = expr.macro;
  copy->member = expr.member;
  copy->test_only = expr.test_only;
  copy->optional = expr.optional;
  copy->name = expr.name;
  copy->iter_var = expr.iter_var;
  copy->iter_var2 = expr.iter_var2;
  copy->literal = expr.literal;
  copy->optional_items = expr.optional_items;
  return copy;
}

void ExprFactory::error(std::uint32_t offset, std::string message, std::string suggestion) {
  if (!failed()) reporter_.add(offset, std::move(message), std::move(suggestion));
}

}  // namespace keyturn::cel
