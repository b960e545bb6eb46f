// The macros of cel-spec ("Macros") and of cel-go's extensions (bindings, two-variable
// comprehensions, optionals), expanded to the comprehensions that define them.
#include <array>
#include <optional>
#include <string_view>

#include "cel/parser.h"

namespace keyturn::cel {
namespace {

class Expansion {
 public:
  Expansion(ExprPtr call, ExprFactory& make)
      : call_(std::move(call)), make_(make), offset_(call_->offset) {}

  ExprPtr run(Syntax syntax) {
    const std::string& name = call_->name;
    if (!call_->member) return name == "has" && argc() == 1 ? has() : std::move(call_);
    if (syntax == Syntax::kExtended && is_namespace("cel")) {
      return name == "bind" && argc() == 4 ? bind() : block_name();
    }
    if (name == "all" && argc() == 3) return quantifier(Macro::kAll, 1);
    if (name == "exists" && argc() == 3) return quantifier(Macro::kExists, 1);
    if ((name == "exists_one" || name == "existsOne") && argc() == 3) return exists_one(1);
    if (name == "map" && (argc() == 3 || argc() == 4)) return collect(1, argc() == 4);
    if (name == "filter" && argc() == 3) return filter();
    return syntax == Syntax::kExtended ? extended() : std::move(call_);
  }

 private:
  // Optionals, and comprehensions over two variables.
  ExprPtr extended() {
    const std::string& name = call_->name;
    if (name == "optMap" && argc() == 3) return opt_map(true);
    if (name == "optFlatMap" && argc() == 3) return opt_map(false);
    if (name == "all" && argc() == 4) return quantifier(Macro::kAll, 2);
    if (name == "exists" && argc() == 4) return quantifier(Macro::kExists, 2);
    if ((name == "exists_one" || name == "existsOne") && argc() == 4) return exists_one(2);
    if (name == "transformList" && (argc() == 4 || argc() == 5)) return collect(2, argc() == 5);
    if (name == "transformMap" && (argc() == 4 || argc() == 5)) {
      return collect_map(Macro::kCollectMap, argc() == 5);
    }
    if (name == "transformMapEntry" && (argc() == 4 || argc() == 5)) {
      return collect_map(Macro::kCollectEntry, argc() == 5);
    }
    return std::move(call_);
  }

  std::size_t argc() const { return call_->args.size(); }
  ExprPtr arg(std::size_t i) { return std::move(call_->args[i]); }
  bool is_namespace(std::string_view name) const {
    return call_->args[0]->kind == ExprKind::kIdent && call_->args[0]->name == name;
  }
  ExprPtr accumulator() { return make_.ident(offset_, kAccumulator); }
  ExprPtr boolean(bool b) { return make_.literal(offset_, Value::boolean(b)); }
  ExprPtr integer(std::int64_t i) { return make_.literal(offset_, Value::integer(i)); }
  ExprPtr operation(const char* name, ExprPtr a, ExprPtr b) {
    return make_.call(offset_, name, exprs(std::move(a), std::move(b)));
  }
  ExprPtr operation(const char* name, ExprPtr a) {
    return make_.call(offset_, name, exprs(std::move(a)));
  }
  ExprPtr choose(ExprPtr condition, ExprPtr yes, ExprPtr no) {
    return make_.call(offset_, "_?_:_", exprs(std::move(condition), std::move(yes), std::move(no)));
  }

  // cel.index(2) and cel.iterVar(0, 1) are names that optimisers write: @index2, @it:0:1.
  ExprPtr block_name() {
    std::string name;
    if (call_->name == "index" && argc() == 2) {
      name = "@index";
    } else if (call_->name == "iterVar" && argc() == 3) {
      name = "@it";
    } else if (call_->name == "accuVar" && argc() == 3) {
      name = "@ac";
    } else if (call_->name == "block" && argc() == 3) {
      return block();
    } else {
      return std::move(call_);
    }
    for (std::size_t i = 1; i < argc(); ++i) {
      const Expr& number = *call_->args[i];
      if (!number.literal.is_int() || number.literal.as_int() < 0) {
        return refuse(number, "cel." + call_->name + " needs literal numbers");
      }
      if (argc() > 2) name += ':';
      name += std::to_string(number.literal.as_int());
    }
    return make_.ident(offset_, std::move(name));
  }

  // cel.block([a, b], e): each item is bound to @index0, @index1, ... for the items after it and
  // for e.
  ExprPtr block() {
    if (call_->args[1]->kind != ExprKind::kList) {
      return refuse(*call_->args[1], "cel.block needs a literal list first");
    }
    ExprPtr list = arg(1);
    ExprPtr body = arg(2);
    for (std::size_t i = list->args.size(); i-- > 0;) {
      body = bound("@index" + std::to_string(i), std::move(list->args[i]), std::move(body));
    }
    return body;
  }

  ExprPtr refuse(const Expr& at, std::string message) {
    make_.error(at.offset, std::move(message));
    return nullptr;
  }

  // Takes the names of `count` iteration variables; false when one is no plain name.
  bool variables(Expr& comprehension, std::size_t count) {
    for (std::size_t i = 1; i <= count; ++i) {
      const Expr& name = *names_[i - 1];
      if (name.kind != ExprKind::kIdent || name.name.starts_with('.')) {
        make_.error(name.offset, "a variable of ." + call_->name + "() must be a plain name");
        return false;
      }
      if (name.name == kAccumulator || name.name == "__result__") {
        make_.error(name.offset, "this name is reserved");
        return false;
      }
      (i == 1 ? comprehension.iter_var : comprehension.iter_var2) = name.name;
    }
    if (count == 2 && comprehension.iter_var == comprehension.iter_var2) {
      make_.error(names_[1]->offset, "the two variables need different names");
      return false;
    }
    return true;
  }

  ExprPtr loop(Macro macro, std::size_t variable_count, ExprPtr init, ExprPtr condition,
               ExprPtr step, ExprPtr result) {
    names_[0] = arg(1);
    if (variable_count == 2) names_[1] = arg(2);
    ExprPtr expr = make_.comprehension(
        offset_, macro,
        exprs(arg(0), std::move(init), std::move(condition), std::move(step), std::move(result)));
    return variables(*expr, variable_count) ? std::move(expr) : nullptr;
  }

  ExprPtr has() {
    Expr& operand = *call_->args[0];
    if (operand.kind != ExprKind::kSelect || operand.test_only) {
      return refuse(operand, "has() needs a field, as in has(a.b)");
    }
    operand.test_only = true;
    return arg(0);
  }

  ExprPtr quantifier(Macro macro, std::size_t variable_count) {
    const bool all = macro == Macro::kAll;
    ExprPtr go_on = all ? accumulator() : operation("!_", accumulator());
    ExprPtr condition = operation("@not_strictly_false", std::move(go_on));
    ExprPtr step = operation(all ? "_&&_" : "_||_", accumulator(), arg(1 + variable_count));
    return loop(macro, variable_count, boolean(all), std::move(condition), std::move(step),
                accumulator());
  }

  ExprPtr exists_one(std::size_t variable_count) {
    ExprPtr step =
        choose(arg(1 + variable_count), operation("_+_", accumulator(), integer(1)), accumulator());
    return loop(Macro::kExistsOne, variable_count, integer(0), boolean(true), std::move(step),
                operation("_==_", accumulator(), integer(1)));
  }

  ExprPtr append(ExprPtr item) {
    return operation("_+_", accumulator(), make_.list(offset_, exprs(std::move(item))));
  }

  // map(x, e), map(x, condition, e), transformList(i, x, [condition,] e)
  ExprPtr collect(std::size_t variable_count, bool filtered) {
    ExprPtr step = append(arg(argc() - 1));
    if (filtered) step = choose(arg(1 + variable_count), std::move(step), accumulator());
    return loop(Macro::kCollect, variable_count, make_.list(offset_), boolean(true),
                std::move(step), accumulator());
  }

  ExprPtr filter() {
    ExprPtr item = make_.ident(call_->args[1]->offset, call_->args[1]->name);
    ExprPtr step = choose(arg(2), append(std::move(item)), accumulator());
    return loop(Macro::kCollect, 1, make_.list(offset_), boolean(true), std::move(step),
                accumulator());
  }

  ExprPtr collect_map(Macro macro, bool filtered) {
    std::vector<ExprPtr> insert = exprs(accumulator());
    if (macro == Macro::kCollectMap) {
      insert.push_back(make_.ident(call_->args[1]->offset, call_->args[1]->name));
    }
    insert.push_back(arg(argc() - 1));
    ExprPtr step = make_.call(offset_, "cel.@mapInsert", std::move(insert));
    if (filtered) step = choose(arg(3), std::move(step), accumulator());
    return loop(macro, 2, make_.map(offset_), boolean(true), std::move(step), accumulator());
  }

  // One value under one name: a comprehension over nothing whose accumulator is the name.
  ExprPtr bound(std::string name, ExprPtr value, ExprPtr body) {
    ExprPtr again = make_.ident(offset_, name);
    ExprPtr expr = make_.comprehension(offset_, Macro::kBind,
                                       exprs(make_.list(offset_), std::move(value), boolean(false),
                                             std::move(again), std::move(body)));
    expr->iter_var = "#unused";
    expr->name = std::move(name);
    return expr;
  }

  std::optional<std::string> plain_name(const Expr& name) {
    if (name.kind == ExprKind::kIdent && !name.name.starts_with('.')) return name.name;
    make_.error(name.offset, "a variable of " + call_->name + "() must be a plain name");
    return std::nullopt;
  }

  ExprPtr bind() {
    auto name = plain_name(*call_->args[1]);
    return name ? bound(std::move(*name), arg(2), arg(3)) : nullptr;
  }

  // o.optMap(v, e): o.hasValue() ? optional.of(bind(v, o.value(), e)) : optional.none()
  ExprPtr opt_map(bool wrap) {
    auto name = plain_name(*call_->args[1]);
    if (!name) return nullptr;
    ExprPtr again = make_.clone(*call_->args[0]);
    if (!again) return nullptr;
    ExprPtr has = make_.call(offset_, "hasValue", exprs(arg(0)), true);
    ExprPtr value = make_.call(offset_, "value", exprs(std::move(again)), true);
    ExprPtr inner = bound(std::move(*name), std::move(value), arg(2));
    if (wrap) inner = operation("optional.of", std::move(inner));
    return choose(std::move(has), std::move(inner), make_.call(offset_, "optional.none", {}));
  }

  ExprPtr call_;
  ExprFactory& make_;
  std::uint32_t offset_;
  std::array<ExprPtr, 2> names_;
};

}  // namespace

ExprPtr expand_macro(ExprPtr call, ExprFactory& factory, Syntax syntax) {
  return Expansion(std::move(call), factory).run(syntax);
}

}  // namespace keyturn::cel
