#include "cel/resolve.h"

#include <algorithm>
#include <map>

namespace keyturn::cel {
namespace {

class NameResolver {
 public:
  explicit NameResolver(const Environment& environment) : environment_(environment) {}

  void visit(Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kLiteral:
        return;
      case ExprKind::kIdent:
        name(expr, expr.name);
        return;
      case ExprKind::kSelect:
        if (!expr.test_only && name_chain(expr)) return;
        visit(*expr.args[0]);
        return;
      case ExprKind::kCall:
        call(expr);
        return;
      case ExprKind::kList:
      case ExprKind::kMap:
      case ExprKind::kMessage:
        for (const ExprPtr& arg : expr.args) visit(*arg);
        return;
      case ExprKind::kComprehension:
        comprehension(expr);
        return;
    }
  }

 private:
  bool is_local(std::string_view name) const {
    return std::find(locals_.begin(), locals_.end(), name) != locals_.end();
  }

  bool name(Expr& expr, const std::string& text) {
    if (expr.kind == ExprKind::kIdent && is_local(text)) {
      expr.named = Named::kLocal;
      return true;
    }
    for (std::string& candidate : candidate_names(environment_.container(), text)) {
      const bool variable = environment_.find_variable(candidate) != nullptr;
      if (!variable && find_type_name(candidate) == nullptr) continue;
      expr.named = variable ? Named::kVariable : Named::kType;
      expr.variable = std::move(candidate);
      return true;
    }
    return false;
  }

  static const Expr& root_of(const Expr& expr) {
    return expr.kind == ExprKind::kSelect ? root_of(*expr.args[0]) : expr;
  }

  // a.b.c as one variable's name, the longest chain first.
  bool name_chain(Expr& expr) {
    const Expr& root = root_of(expr);
    if (root.kind != ExprKind::kIdent || is_local(root.name)) return false;
    const std::string text = qualified_name(expr);
    return !text.empty() && name(expr, text);
  }

  void call(Expr& expr) {
    if (expr.member) namespaced(expr);
    if (!expr.member) {
      for (std::string& candidate : candidate_names(environment_.container(), expr.name)) {
        if (environment_.find_function(candidate) == nullptr) continue;
        expr.name = std::move(candidate);
        break;
      }
    }
    for (const ExprPtr& arg : expr.args) visit(*arg);
  }

  void namespaced(Expr& expr) {
    const std::string prefix = qualified_name(*expr.args[0]);
    if (prefix.empty() || is_local(root_of(*expr.args[0]).name)) return;
    for (std::string& candidate :
         candidate_names(environment_.container(), prefix + "." + expr.name)) {
      if (environment_.find_function(candidate) == nullptr) continue;
      expr.name = std::move(candidate);
      expr.member = false;
      expr.args.erase(expr.args.begin());
      return;
    }
  }

  void comprehension(Expr& expr) {
    visit(*expr.args[kRange]);
    visit(*expr.args[kInit]);
    const std::size_t outer = locals_.size();
    locals_.push_back(expr.name);
    locals_.push_back(expr.iter_var);
    if (!expr.iter_var2.empty()) locals_.push_back(expr.iter_var2);
    visit(*expr.args[kCondition]);
    visit(*expr.args[kStep]);
    locals_.resize(outer + 1);
    visit(*expr.args[kResult]);
    locals_.resize(outer);
  }

  const Environment& environment_;
  std::vector<std::string> locals_;
};

}  // namespace

void resolve_names(Expr& expr, const Environment& environment) {
  NameResolver(environment).visit(expr);
}

std::string qualified_name(const Expr& expr) {
  if (expr.kind == ExprKind::kIdent) return expr.name;
  if (expr.kind != ExprKind::kSelect || expr.test_only) return {};
  const std::string operand = qualified_name(*expr.args[0]);
  return operand.empty() ? operand : operand + "." + expr.name;
}

std::vector<std::string> candidate_names(std::string_view container, std::string_view name) {
  if (name.starts_with('.')) return {std::string(name.substr(1))};
  std::vector<std::string> out;
  while (!container.empty()) {
    out.push_back(std::string(container) + "." + std::string(name));
    const std::size_t dot = container.rfind('.');
    container = dot == std::string_view::npos ? std::string_view() : container.substr(0, dot);
  }
  out.emplace_back(name);
  return out;
}

const Type* find_type_name(std::string_view name) {
  static const std::map<std::string_view, Type> types = {
      {"bool", Type::boolean()},
      {"int", Type::integer()},
      {"uint", Type::uinteger()},
      {"double", Type::number()},
      {"string", Type::string()},
      {"bytes", Type::bytes()},
      {"null_type", Type::null()},
      {"list", Type::list(Type::dyn())},
      {"map", Type::map(Type::dyn(), Type::dyn())},
      {"type", Type::type()},
      {"google.protobuf.Timestamp", Type::timestamp()},
      {"google.protobuf.Duration", Type::duration()},
      {"net.IP", Type::opaque("net.IP")},
      {"net.CIDR", Type::opaque("net.CIDR")},
      {"optional_type", Type::opaque("optional_type")}};
  const auto found = types.find(name);
  return found == types.end() ? nullptr : &found->second;
}

}  // namespace keyturn::cel
