#include "policy/implies.h"

#include <algorithm>
#include <optional>

#include "cel/parser.h"

namespace keyturn::policy {
namespace {

using cel::Expr;
using cel::ExprKind;

bool same(const Expr& a, const Expr& b) {
  if (a.kind != b.kind || a.name != b.name || a.member != b.member || a.test_only != b.test_only ||
      a.optional != b.optional || a.iter_var != b.iter_var || a.iter_var2 != b.iter_var2 ||
      a.optional_items != b.optional_items || a.args.size() != b.args.size()) {
    return false;
  }
  if (a.kind == ExprKind::kLiteral && (a.literal.kind() != b.literal.kind() ||
                                       cel::to_text(a.literal) != cel::to_text(b.literal))) {
    return false;
  }
  return std::ranges::equal(
      a.args, b.args, [](const cel::ExprPtr& x, const cel::ExprPtr& y) { return same(*x, *y); });
}

bool is_call(const Expr& expr, std::string_view name) {
  return expr.kind == ExprKind::kCall && expr.name == name && expr.args.size() == 2;
}

// THING < LIMIT, or with >, <=, >=.
struct Bound {
  const Expr* thing;
  double limit;
  bool above;      // > or >=
  bool inclusive;  // >= or <=
};

std::optional<double> number(const Expr& expr) {
  if (expr.kind != ExprKind::kLiteral) return std::nullopt;
  constexpr std::int64_t kExact = std::int64_t{1} << 53;
  switch (expr.literal.kind()) {
    case cel::Kind::kInt:
      if (expr.literal.as_int() > kExact || expr.literal.as_int() < -kExact) return std::nullopt;
      return static_cast<double>(expr.literal.as_int());
    case cel::Kind::kDouble:
      return expr.literal.as_double();
    default:
      return std::nullopt;
  }
}

std::optional<Bound> bound(const Expr& expr) {
  for (const std::string_view op : {"_<_", "_<=_", "_>_", "_>=_"}) {
    if (!is_call(expr, op)) continue;
    const bool inclusive = op.size() == 4;
    const bool greater = op[1] == '>';
    if (const auto limit = number(*expr.args[1]))
      return Bound{expr.args[0].get(), *limit, greater, inclusive};
    if (const auto limit = number(*expr.args[0]))
      return Bound{expr.args[1].get(), *limit, !greater, inclusive};
  }
  return std::nullopt;
}

bool tighter(const Bound& a, const Bound& b) {
  if (a.above != b.above || !same(*a.thing, *b.thing)) return false;
  if (a.limit == b.limit) return b.inclusive || !a.inclusive;
  return a.above ? a.limit > b.limit : a.limit < b.limit;
}

bool implies(const Expr& from, const Expr& to) {
  if (same(from, to)) return true;
  if (is_call(from, "_||_")) return implies(*from.args[0], to) && implies(*from.args[1], to);
  if (is_call(to, "_&&_")) return implies(from, *to.args[0]) && implies(from, *to.args[1]);
  if (is_call(to, "_||_") && (implies(from, *to.args[0]) || implies(from, *to.args[1])))
    return true;
  if (is_call(from, "_&&_") && (implies(*from.args[0], to) || implies(*from.args[1], to)))
    return true;
  const auto a = bound(from), b = bound(to);
  return a && b && tighter(*a, *b);
}

cel::ExprPtr parsed(std::string_view text) {
  cel::Limits limits;
  limits.nodes_max = 300;  // beyond that the comparison of all with all would be felt
  cel::Reporter reporter(text, 1);
  return cel::parse(text, limits, reporter);
}

}  // namespace

bool implies(std::string_view from, std::string_view to) {
  if (from == to) return true;
  const cel::ExprPtr a = parsed(from), b = parsed(to);
  return a && b && implies(*a, *b);
}

}  // namespace keyturn::policy
