#include <algorithm>

#include "facts/sql_walk.h"

namespace keyturn::facts {
namespace {

// The same expression, wherever it stands in the text.
bool is_same(const doc::Value& a, const doc::Value& b) {
  if (a.kind() != b.kind()) return false;
  if (a.is_array()) {
    return std::ranges::equal(a.as_array(), b.as_array(), is_same);
  }
  if (!a.is_object()) return a == b;
  const auto matches = [&](const doc::Member& m) {
    const doc::Value* other = b.find(m.key);
    return m.key == "location" || (other != nullptr && is_same(m.value, *other));
  };
  return a.as_object().size() == b.as_object().size() &&
         std::ranges::all_of(a.as_object(), matches);
}

bool looks_at_a_column(const doc::Value& condition) {
  std::vector<const doc::Value*> stack{&condition};
  while (!stack.empty()) {
    const doc::Value* v = stack.back();
    stack.pop_back();
    if (v->is_array()) {
      for (const doc::Value& e : v->as_array()) stack.push_back(&e);
    } else if (v->is_object()) {
      for (const doc::Member& m : v->as_object()) {
        if (m.key == "ColumnRef" || m.key == "CurrentOfExpr") return true;
        stack.push_back(&m.value);
      }
    }
  }
  return false;
}

bool limits_rows(const doc::Value& condition, bool negated);

// AND restricts if one side does, OR if all do; NOT swaps them.
bool of_bool_expr(const doc::Value& body, bool negated) {
  const doc::Value* args = body.find("args");
  if (args == nullptr || !args->is_array()) return false;
  const std::string_view op = body.text("boolop");
  if (op == "NOT_EXPR") {
    return !args->as_array().empty() && limits_rows(args->as_array().front(), !negated);
  }
  const auto restricting = [&](const doc::Value& arg) { return limits_rows(arg, negated); };
  return (op == "AND_EXPR") != negated ? std::ranges::any_of(args->as_array(), restricting)
                                       : std::ranges::all_of(args->as_array(), restricting);
}

bool limits_rows(const doc::Value& condition, bool negated) {
  if (const doc::Value* expr = condition.find("BoolExpr")) return of_bool_expr(*expr, negated);
  if (const doc::Value* expr = condition.find("A_Expr")) {
    const doc::Value* left = expr->find("lexpr");
    const doc::Value* right = expr->find("rexpr");
    if (left != nullptr && right != nullptr && is_same(*left, *right)) return false;
  }
  return looks_at_a_column(condition);
}

}  // namespace

bool restricts(const doc::Value* condition) {
  return condition != nullptr && limits_rows(*condition, false);
}

}  // namespace keyturn::facts
