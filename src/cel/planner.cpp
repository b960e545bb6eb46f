#include "cel/planner.h"

#include <algorithm>
#include <functional>

#include "cel/address.h"
#include "cel/builtins.h"
#include "cel/clip.h"
#include "cel/nodes.h"
#include "cel/paths.h"
#include "cel/resolve.h"

namespace keyturn::cel {
namespace {

constexpr std::uint64_t kFoldingSteps = 10'000;

class Planner {
 public:
  Planner(const Environment& environment, const Limits& limits, Reporter& reporter)
      : environment_(environment),
        limits_(limits),
        paths_(*environment.paths()),
        reporter_(reporter) {}

  Plan run(const Expr& expr) {
    Plan out;
    out.root = node(expr);
    out.locals_max = locals_max_;
    out.paths = std::move(read_);
    out.slots = std::move(slots_);
    return out;
  }

 private:
  NodePtr constant(Value value) { return std::make_unique<ConstantNode>(std::move(value)); }
  NodePtr error(std::string message) { return constant(Value::error(message)); }

  NodePtr node(const Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kLiteral:
        return constant(expr.literal);
      case ExprKind::kIdent:
        return ident(expr);
      case ExprKind::kSelect:
        return select(expr);
      case ExprKind::kCall:
        return call(expr);
      case ExprKind::kList:
        return folded(list_node(nodes(expr.args), expr.optional_items));
      case ExprKind::kMap:
        return folded(map_node(nodes(expr.args), expr.optional_items));
      case ExprKind::kMessage:
        return error("messages cannot be built here: " + expr.name);
      case ExprKind::kComprehension:
        return comprehension(expr);
    }
    return error("unreachable");
  }

  std::vector<NodePtr> nodes(const std::vector<ExprPtr>& exprs) {
    std::vector<NodePtr> out;
    all_constant_ = true;
    bool constants = true;
    for (const ExprPtr& e : exprs) {
      out.push_back(node(*e));
      constants = constants && out.back()->constant() != nullptr;
    }
    all_constant_ = constants;
    return out;
  }

  // A node over constants is evaluated now; one that fails stays, and fails when it is reached.
  NodePtr folded(NodePtr made) {
    if (!all_constant_) return made;
    Frame frame;
    frame.limit = kFoldingSteps;
    Value scratch;
    Value value(made->eval(frame, scratch));
    all_constant_ = false;
    if (value.is_error() || frame.exhausted()) return made;
    return constant(std::move(value));
  }

  // Slots. A chain of fields from a declared variable, as far as it is one.
  Slot slot_of(const Expr& expr) {
    if (expr.named == Named::kVariable) return paths_.root(expr.variable);
    if (expr.kind == ExprKind::kSelect && !expr.test_only) {
      const Slot parent = slot_of(*expr.args[0]);
      return parent == kNoSlot ? kNoSlot : paths_.child(parent, expr.name);
    }
    return kNoSlot;
  }

  void reads(Slot slot, const Expr& at, const Type& type) {
    std::string text = path_text(paths_, slot);
    for (const AttributePath& known : read_) {
      if (known.text == text) return;
    }
    read_.push_back({std::move(text), start_of(at), type});
    slots_.push_back(slot);
  }

  static std::size_t start_of(const Expr& expr) {
    return expr.kind == ExprKind::kSelect ? start_of(*expr.args[0]) : expr.offset;
  }

  NodePtr ident(const Expr& expr) {
    if (expr.named == Named::kType) return constant(Value::type(expr.variable));
    if (const Slot slot = slot_of(expr); slot != kNoSlot) {
      reads(slot, expr, expr.type);
      return path_node(slot);
    }
    for (std::size_t i = locals_.size(); i-- > 0;) {
      if (locals_[i] == expr.name) return local_node(i);
    }
    return error("undeclared name \"" + expr.name + "\"");
  }

  NodePtr select(const Expr& expr) {
    if (!expr.test_only && expr.named == Named::kType) return ident(expr);
    if (!expr.test_only) {
      if (const Slot slot = slot_of(expr); slot != kNoSlot) {
        reads(slot, expr, expr.type);
        return path_node(slot);
      }
      return select_node(node(*expr.args[0]), expr.name, is_simple(expr.type));
    }
    if (const Slot parent = slot_of(*expr.args[0]); parent != kNoSlot) {
      if (const Slot slot = paths_.child(parent, expr.name); slot != kNoSlot) {
        reads(slot, expr, Type::dyn());
        return has_path_node(slot);
      }
    }
    return has_node(node(*expr.args[0]), expr.name);
  }

  void flatten(const Expr& expr, std::vector<NodePtr>& terms, const std::string& op) {
    for (const ExprPtr& arg : expr.args) {
      if (arg->kind == ExprKind::kCall && arg->name == op) {
        flatten(*arg, terms, op);
      } else {
        terms.push_back(node(*arg));
      }
    }
  }

  NodePtr call(const Expr& expr) {
    const std::string& name = expr.name;
    if (name == "_&&_" || name == "_||_") {
      std::vector<NodePtr> terms;
      flatten(expr, terms, name);
      return name == "_&&_" ? and_node(std::move(terms)) : or_node(std::move(terms));
    }
    if (name == "_?_:_") {
      NodePtr condition = node(*expr.args[0]);
      NodePtr yes = node(*expr.args[1]);
      return conditional_node(std::move(condition), std::move(yes), node(*expr.args[2]));
    }
    const Function* function = environment_.find_function(name);
    std::vector<NodePtr> args = nodes(expr.args);
    const bool constants = all_constant_;
    NodePtr made = function != nullptr && function->body
                       ? custom_call_node(function->body, std::move(args))
                       : standard_call(expr, std::move(args));
    all_constant_ = constants;
    return folded(std::move(made));
  }

  NodePtr standard_call(const Expr& expr, std::vector<NodePtr> args) {
    const std::string& name = expr.name;
    if (name == "!_") return not_node(std::move(args[0]));
    if (name == "_==_" || name == "_!=_") {
      if (args[0]->constant() != nullptr) std::swap(args[0], args[1]);
      return equal_node(std::move(args[0]), std::move(args[1]), name == "_!=_");
    }
    if (name == "_<_") return relation(args, Relation::kLess);
    if (name == "_<=_") return relation(args, Relation::kLessEqual);
    if (name == "_>_") return relation(args, Relation::kGreater);
    if (name == "_>=_") return relation(args, Relation::kGreaterEqual);
    if (name == "@in") return in_node(std::move(args[0]), std::move(args[1]));
    if (name == "matches" && args.size() == 2) return matches(expr, args);
    if (const auto field = time_field(name)) return time_call(expr, args, *field);
    return general_call(expr, std::move(args));
  }

  static NodePtr relation(std::vector<NodePtr>& args, Relation relation) {
    return relation_node(std::move(args[0]), std::move(args[1]), relation);
  }

  NodePtr general_call(const Expr& expr, std::vector<NodePtr> args) {
    const BuiltinEntry* entry = find_builtin(expr.name);
    if (entry == nullptr) return error("undeclared function \"" + expr.name + "\"");
    if (args.size() < entry->least || args.size() > entry->most || !style_exists(expr)) {
      return error("no such overload: " + expr.name + " with " + std::to_string(args.size()) +
                   " arguments");
    }
    check_network(expr, args);
    return call_node(*entry, std::move(args));
  }

  // The text of an address or a network that is constant is read now.
  void check_network(const Expr& expr, std::vector<NodePtr>& args) {
    const std::string& name = expr.name;
    const bool network = name == "cidr" || name == "containsCIDR";
    if (!network && name != "ip" && name != "ip.isCanonical" && name != "containsIP") return;
    const Value* value = args.back()->constant();
    if (value == nullptr || !value->is_string()) return;
    const std::string_view text = value->text();
    const auto as_address = parse_address(text);
    const auto as_network = parse_network(text);
    if (network ? as_network.has_value() : as_address.has_value()) {
      if (name == "containsCIDR") args.back() = constant(to_value(*as_network));
      if (name == "containsIP") args.back() = constant(to_value(*as_address));
      return;
    }
    std::string suggestion;
    if (as_address)
      suggestion = "\"" + to_text(*as_address) + (as_address->size == 4 ? "/32\"" : "/128\"");
    if (as_network) suggestion = "\"" + to_text(as_network->address) + "\"";
    reporter_.add(expr.args.back()->offset,
                  "\"" + clip(text, 60) + (network ? "\" is no network" : "\" is no IP address"),
                  suggestion);
  }

  // Whether the function may be called in this way at all, as a member or not.
  bool style_exists(const Expr& expr) const {
    const Function* function = environment_.find_function(expr.name);
    return function != nullptr &&
           std::any_of(function->overloads.begin(), function->overloads.end(),
                       [&](const Overload& o) { return o.member == expr.member; });
  }

  void must_be_constant(const Expr& call, const std::string& what, std::string suggestion) {
    if (!limits_.constant_patterns) return;
    reporter_.add(start_of(*call.args[1]), what + " must be a constant text",
                  std::move(suggestion));
  }

  NodePtr matches(const Expr& expr, std::vector<NodePtr>& args) {
    const Value* pattern = args[1]->constant();
    if (pattern == nullptr || !pattern->is_string()) {
      must_be_constant(expr, "the pattern of matches()",
                       "\"^prod-\", or contains() and startsWith()");
      return general_call(expr, std::move(args));
    }
    RE2::Options options;
    options.set_log_errors(false);
    const std::string_view text = pattern->text();
    auto compiled =
        std::make_shared<const RE2>(re2::StringPiece(text.data(), text.size()), options);
    if (!compiled->ok()) {
      reporter_.add(expr.args[1]->offset, "invalid regular expression: " + compiled->error());
    }
    return matches_node(std::move(args[0]), std::move(compiled));
  }

  NodePtr time_call(const Expr& expr, std::vector<NodePtr>& args, TimeField field) {
    if (args.size() == 1) return time_field_node(std::move(args[0]), field, TimeZone::utc());
    const Value* name = args.size() == 2 ? args[1]->constant() : nullptr;
    if (name == nullptr || !name->is_string()) {
      must_be_constant(expr, "a time zone", "\"Europe/Berlin\"");
      return general_call(expr, std::move(args));
    }
    auto zone = TimeZone::find(name->text());
    if (!zone) {
      reporter_.add(expr.args[1]->offset, "unknown time zone \"" + std::string(name->text()) + "\"",
                    "an IANA name such as \"Europe/Berlin\", or \"+01:00\"");
      return general_call(expr, std::move(args));
    }
    return time_field_node(std::move(args[0]), field, std::move(zone));
  }

  // Comprehensions. What the macros expanded to is taken apart again.
  void bind_local(const std::string& name) {
    locals_.push_back(name);
    locals_max_ = std::max(locals_max_, locals_.size());
  }

  NodePtr comprehension(const Expr& expr) {
    if (expr.macro == Macro::kBind) {
      NodePtr value = node(*expr.args[kInit]);
      const std::size_t depth = locals_.size();
      bind_local(expr.name);
      NodePtr body = node(*expr.args[kResult]);
      locals_.resize(depth);
      return bind_node(depth, std::move(value), std::move(body));
    }
    Loop loop;
    loop.range = node(*expr.args[kRange]);
    loop.depth = locals_.size();
    loop.two = !expr.iter_var2.empty();
    bind_local(expr.iter_var);
    if (loop.two) bind_local(expr.iter_var2);
    const std::size_t depth = loop.depth;
    NodePtr made = loop_node(expr, std::move(loop));
    locals_.resize(depth);
    return made;
  }

  NodePtr loop_node(const Expr& expr, Loop loop) {
    const Expr& step = *expr.args[kStep];
    switch (expr.macro) {
      case Macro::kAll:
      case Macro::kExists:
        return quantifier_node(std::move(loop), node(*step.args[1]), expr.macro == Macro::kAll);
      case Macro::kExistsOne:
        return exists_one_node(std::move(loop), node(*step.args[0]));
      case Macro::kCollect:
      case Macro::kCollectMap:
      case Macro::kCollectEntry:
        return collector(expr, std::move(loop));
      case Macro::kBind:
      case Macro::kNone:
        break;
    }
    return error("this comprehension is not supported");
  }

  // The step is `add`, or `condition ? add : accumulator`.
  NodePtr collector(const Expr& expr, Loop loop) {
    const Expr& step = *expr.args[kStep];
    const bool filtered = step.name == "_?_:_";
    const Expr& add = filtered ? *step.args[1] : step;
    NodePtr filter = filtered ? node(*step.args[0]) : nullptr;
    if (expr.macro == Macro::kCollect) {
      return collect_node(std::move(loop), std::move(filter), node(*add.args[1]->args[0]));
    }
    if (expr.macro == Macro::kCollectMap) {
      return collect_map_node(std::move(loop), std::move(filter), node(*add.args[2]));
    }
    return collect_entries_node(std::move(loop), std::move(filter), node(*add.args[1]));
  }

  const Environment& environment_;
  const Limits& limits_;
  PathTable& paths_;
  Reporter& reporter_;
  std::vector<std::string> locals_;
  std::size_t locals_max_ = 0;
  std::vector<AttributePath> read_;
  std::vector<Slot> slots_;
  bool all_constant_ = false;
};

}  // namespace

Plan plan(const Expr& expr, const Environment& environment, const Limits& limits,
          Reporter& reporter) {
  return Planner(environment, limits, reporter).run(expr);
}

}  // namespace keyturn::cel
