#include "cel/checker.h"

#include <algorithm>

#include "base/bytes.h"
#include "cel/resolve.h"
#include "cel/unify.h"

namespace keyturn::cel {
namespace {

std::string nearest(std::string_view word, const std::vector<std::string>& words) {
  const std::vector<std::string_view> views(words.begin(), words.end());
  return std::string(nearest_word(word, views.data(), views.size()));
}

// "_+_" is written "+" in messages.
std::string shown(std::string_view function) {
  if (function == "@in") return "in";
  if (function == "_?_:_") return "?:";
  if (function == "_[_]" || function == "_[?_]") return "[]";
  std::string out;
  for (const char c : function) {
    if (c != '_') out += c;
  }
  return out.find_first_of("+-*/%<>=!&|") == std::string::npos ? std::string(function) : out;
}

Type literal_type(const Value& value) {
  switch (value.kind()) {
    case Kind::kNull:
      return Type::null();
    case Kind::kBool:
      return Type::boolean();
    case Kind::kInt:
      return Type::integer();
    case Kind::kUint:
      return Type::uinteger();
    case Kind::kDouble:
      return Type::number();
    case Kind::kString:
      return Type::string();
    case Kind::kBytes:
      return Type::bytes();
    default:
      return Type::dyn();
  }
}

class Checker {
 public:
  Checker(const Environment& environment, Reporter& reporter)
      : environment_(environment), reporter_(reporter) {}

  void visit(Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kLiteral:
        expr.type = literal_type(expr.literal);
        return;
      case ExprKind::kIdent:
        ident(expr);
        return;
      case ExprKind::kSelect:
        select(expr);
        return;
      case ExprKind::kCall:
        call(expr);
        return;
      case ExprKind::kList:
        list(expr);
        return;
      case ExprKind::kMap:
        map(expr);
        return;
      case ExprKind::kMessage:
        refuse(expr, "messages cannot be built here: there is no type " + expr.name, "a map in {}");
        return;
      case ExprKind::kComprehension:
        comprehension(expr);
        return;
    }
  }

  void finish(Expr& expr) {
    expr.type = substitutions_.apply(expr.type, true);
    for (const ExprPtr& arg : expr.args) finish(*arg);
  }

 private:
  void refuse(Expr& expr, std::string message, std::string suggestion = {}) {
    reporter_.add(expr.offset, std::move(message), std::move(suggestion));
    expr.type = Type::error();
  }
  Type known(const Type& type) const { return substitutions_.apply(type, false); }
  static bool wild(const Type& type) {
    return type.is(TypeKind::kDyn) || type.is(TypeKind::kError) || type.is(TypeKind::kParameter);
  }

  bool named(Expr& expr) {
    if (expr.named == Named::kVariable) {
      expr.type = *environment_.find_variable(expr.variable);
      return true;
    }
    if (expr.named == Named::kType) {
      expr.type = Type::type(*find_type_name(expr.variable));
      return true;
    }
    return false;
  }

  void ident(Expr& expr) {
    if (named(expr)) return;
    for (auto local = locals_.rbegin(); local != locals_.rend(); ++local) {
      if (local->first != expr.name) continue;
      expr.type = local->second;
      return;
    }
    std::vector<std::string> names = environment_.variable_names();
    for (const auto& local : locals_) names.push_back(local.first);
    std::string close = field_called(expr.name);
    if (close.empty()) close = nearest(expr.name, names);
    refuse(expr, "undeclared name \"" + expr.name + "\"", std::move(close));
  }

  // `tool` is written for `action.tool` easily.
  std::string field_called(std::string_view name) const {
    for (const std::string& variable : environment_.variable_names()) {
      const Type& type = *environment_.find_variable(variable);
      if (type.is(TypeKind::kObject) && type.field(name) != nullptr) {
        return variable + "." + std::string(name);
      }
    }
    return "";
  }

  void select(Expr& expr) {
    if (!expr.test_only && named(expr)) return;
    visit(*expr.args[0]);
    const Type operand = known(expr.args[0]->type);
    const bool optional = operand.is_optional();
    const Type container = optional ? known(operand.parameter_at(0)) : operand;
    Type field = field_type(expr, container);
    if (expr.test_only && !field.is(TypeKind::kError)) field = Type::boolean();
    if (optional && !expr.test_only) field = Type::optional(field);
    expr.type = field;
  }

  Type field_type(Expr& expr, const Type& container) {
    if (container.is(TypeKind::kMap)) return known(container.parameter_at(1));
    if (container.is(TypeKind::kParameter)) {
      substitutions_.assignable(Type::dyn(), container);
      return Type::dyn();
    }
    if (container.is(TypeKind::kDyn)) return Type::dyn();
    if (container.is(TypeKind::kError)) return Type::error();
    if (!container.is(TypeKind::kObject)) {
      refuse(expr, "a value of type " + to_text(container) + " has no field \"" + expr.name + "\"");
      return Type::error();
    }
    if (const Type* type = container.field(expr.name)) return *type;
    if (container.open()) return Type::dyn();
    const std::string path = qualified_name(*expr.args[0]);
    const std::string owner = path.empty() ? to_text(container) : path;
    std::vector<std::string> names;
    for (const Field& f : container.fields()) names.push_back(f.name);
    std::string close = nearest(expr.name, names);
    if (!close.empty() && !path.empty()) close = path + "." + close;
    refuse(expr, "unknown field \"" + expr.name + "\" of " + owner, close);
    return Type::error();
  }

  void call(Expr& expr) {
    for (const ExprPtr& arg : expr.args) visit(*arg);
    if (expr.name == "_?._") return optional_select(expr);
    const Function* function = environment_.find_function(expr.name);
    if (function == nullptr) {
      return refuse(expr, "undeclared function \"" + expr.name + "\"",
                    nearest(expr.name, environment_.function_names()));
    }
    std::vector<Type> types;
    types.reserve(expr.args.size());
    for (const ExprPtr& arg : expr.args) types.push_back(known(arg->type));
    resolve_overload(expr, *function, types);
  }

  void optional_select(Expr& expr) {
    Expr as_field;
    as_field.offset = expr.offset;
    as_field.name = std::string(expr.args[1]->literal.text());
    Type operand = known(expr.args[0]->type);
    if (operand.is_optional()) operand = known(operand.parameter_at(0));
    as_field.args.push_back(std::move(expr.args[0]));
    const Type field = field_type(as_field, operand);
    expr.args[0] = std::move(as_field.args[0]);
    expr.type = field.is(TypeKind::kError) ? field : Type::optional(field);
    expr.overloads = {"select_optional_field"};
  }

  void resolve_overload(Expr& expr, const Function& function, const std::vector<Type>& types) {
    bool found = false;
    Type result;
    for (const Overload& overload : function.overloads) {
      if (overload.member != expr.member || overload.parameters.size() != types.size()) continue;
      std::map<std::string, Type, std::less<>> renamed;
      std::vector<Type> wanted;
      wanted.reserve(overload.parameters.size());
      for (const Type& p : overload.parameters) {
        wanted.push_back(substitutions_.instantiate(p, renamed));
      }
      const Type returns = substitutions_.instantiate(overload.result, renamed);
      if (!substitutions_.assignable(types, wanted)) continue;
      expr.overloads.push_back(overload.id);
      const Type type = known(returns);
      if (!found) {
        result = type;
      } else if (!result.is(TypeKind::kDyn) && !(type == result)) {
        result = Type::dyn();
      }
      found = true;
      if (types == overload.parameters) break;  // nothing else can be meant
    }
    if (found) {
      expr.type = result;
    } else {
      no_overload(expr, function, types);
    }
  }

  // What may have been meant by an operator between these.
  static std::string conversion(std::string_view name, const std::vector<Type>& types) {
    if (types.size() != 2) return "";
    const auto one_is = [&](TypeKind kind) { return types[0].is(kind) || types[1].is(kind); };
    if (name == "==" || name == "!=") {
      return one_is(TypeKind::kList) ? "ELEMENT in LIST" : "";
    }
    if (name == "+" && one_is(TypeKind::kString)) return "string(...) + ...";
    if (name == "in") return "ELEMENT in LIST, or KEY in MAP";
    if (name == "&&" || name == "||") return "comparisons on both sides";
    const bool ordered = name == "<" || name == "<=" || name == ">" || name == ">=";
    if (!ordered) return "";
    if (one_is(TypeKind::kTimestamp)) return "timestamp(\"2026-01-31T00:00:00Z\")";
    if (one_is(TypeKind::kDuration)) return "duration(\"1h\")";
    if (one_is(TypeKind::kList)) return "size(LIST)";
    return "";
  }

  void no_overload(Expr& expr, const Function& function, const std::vector<Type>& types) {
    for (const Type& type : types) {
      if (type.is(TypeKind::kError)) {
        expr.type = Type::error();
        return;
      }
    }
    std::string applied;
    for (const Type& type : types) {
      applied += (applied.empty() ? "" : ", ") + to_text(substitutions_.apply(type, true));
    }
    const std::string name = shown(function.name);
    std::string suggestion = conversion(name, types);
    const bool other_style =
        std::any_of(function.overloads.begin(), function.overloads.end(), [&](const Overload& o) {
          return o.member != expr.member && o.parameters.size() == types.size();
        });
    const bool same_style =
        std::any_of(function.overloads.begin(), function.overloads.end(), [&](const Overload& o) {
          return o.member == expr.member && o.parameters.size() == types.size();
        });
    if (other_style && !same_style) {
      suggestion = expr.member ? name + "(x, ...)" : "x." + name + "(...)";
    }
    refuse(expr, "\"" + name + "\" does not take (" + applied + ")", suggestion);
  }

  // The type of elements so far, joined with one more: dyn when they do not go together.
  Type join(const Type* before, const Type& next) {
    if (before == nullptr) return next;
    if (substitutions_.assignable(*before, next)) return most_general(*before, next);
    return Type::dyn();
  }

  // The type of an optional item's inside.
  Type item_type(Expr& item, bool optional) {
    const Type type = known(item.type);
    if (!optional) return type;
    if (type.is_optional()) return known(type.parameter_at(0));
    if (!wild(type)) {
      refuse(item, "an item after \"?\" must be optional, not " + to_text(type),
             "optional.of(...)");
    }
    return Type::dyn();
  }

  static bool is_optional_item(const Expr& expr, std::size_t i) {
    return i < expr.optional_items.size() && expr.optional_items[i];
  }

  void list(Expr& expr) {
    Type element;
    for (std::size_t i = 0; i < expr.args.size(); ++i) {
      visit(*expr.args[i]);
      const Type item = item_type(*expr.args[i], is_optional_item(expr, i));
      element = join(i == 0 ? nullptr : &element, item);
    }
    expr.type = Type::list(expr.args.empty() ? substitutions_.fresh_parameter() : element);
  }

  void map(Expr& expr) {
    Type key;
    Type value;
    for (std::size_t i = 0; i < expr.args.size(); i += 2) {
      visit(*expr.args[i]);
      visit(*expr.args[i + 1]);
      const Type k = known(expr.args[i]->type);
      const Type v = item_type(*expr.args[i + 1], is_optional_item(expr, i / 2));
      key = join(i == 0 ? nullptr : &key, k);
      value = join(i == 0 ? nullptr : &value, v);
    }
    if (expr.args.empty()) {
      key = substitutions_.fresh_parameter();
      value = substitutions_.fresh_parameter();
    }
    expr.type = Type::map(key, value);
  }

  void range_types(Expr& expr, Type& first, Type& second) {
    Expr& range = *expr.args[kRange];
    const Type type = known(range.type);
    const bool two = !expr.iter_var2.empty();
    if (type.is(TypeKind::kList)) {
      first = two ? Type::integer() : type.parameter_at(0);
      second = type.parameter_at(0);
    } else if (type.is(TypeKind::kMap)) {
      first = type.parameter_at(0);
      second = type.parameter_at(1);
    } else if (type.is(TypeKind::kObject)) {
      first = Type::string();
    } else if (wild(type)) {
      substitutions_.assignable(Type::dyn(), type);
    } else {
      refuse(range,
             "only a list or a map can be gone through, not a value of type " + to_text(type));
      first = Type::error();
    }
  }

  void comprehension(Expr& expr) {
    visit(*expr.args[kRange]);
    visit(*expr.args[kInit]);
    Type first;
    Type second;
    range_types(expr, first, second);
    const std::size_t outer = locals_.size();
    const Type accumulator = expr.args[kInit]->type;
    locals_.emplace_back(expr.name, accumulator);
    locals_.emplace_back(expr.iter_var, first);
    if (!expr.iter_var2.empty()) locals_.emplace_back(expr.iter_var2, second);
    visit(*expr.args[kCondition]);
    visit(*expr.args[kStep]);
    const Type step = known(expr.args[kStep]->type);
    if (!step.is(TypeKind::kError) && !substitutions_.assignable(step, accumulator)) {
      refuse(*expr.args[kStep], "found " + to_text(step) + " where " +
                                    to_text(substitutions_.apply(accumulator, true)) +
                                    " is expected");
    }
    locals_.resize(outer + 1);
    visit(*expr.args[kResult]);
    locals_.resize(outer);
    expr.type = known(expr.args[kResult]->type);
  }

  const Environment& environment_;
  Reporter& reporter_;
  Substitutions substitutions_;
  std::vector<std::pair<std::string, Type>> locals_;
};

}  // namespace

Type check(Expr& expr, const Environment& environment, Reporter& reporter) {
  Checker checker(environment, reporter);
  checker.visit(expr);
  checker.finish(expr);
  return expr.type;
}

}  // namespace keyturn::cel
