#include "cel/program.h"

#include <algorithm>
#include <array>

#include "cel/activation_impl.h"
#include "cel/checker.h"
#include "cel/parser.h"
#include "cel/planner.h"
#include "cel/resolve.h"
#include "cel/unify.h"

namespace keyturn::cel {

class Program::Impl {
 public:
  std::string source;
  Type type;
  Plan plan;
  std::shared_ptr<const PathTable> table;
  std::uint64_t cost_limit = 0;
  std::optional<Value> constant;

  Value run(Activation::Impl* input, std::uint64_t limit, std::uint64_t* cost_used) const {
    std::array<const Value*, 8> few{};
    std::vector<const Value*> many;
    Frame frame;
    frame.input = input;
    frame.limit = limit;
    frame.locals = few.data();
    if (plan.locals_max > few.size()) {
      many.resize(plan.locals_max);
      frame.locals = many.data();
    }
    Value scratch;
    const Value& result = plan.root->eval(frame, scratch);
    if (cost_used != nullptr) *cost_used = frame.steps;
    if (frame.exhausted()) return over_limit();
    if (&result == &scratch) return scratch;
    return result;
  }
};

bool AttributePath::depends_on(std::string_view root) const {
  const std::string_view shorter = text.size() < root.size() ? std::string_view(text) : root;
  const std::string_view longer = text.size() < root.size() ? root : std::string_view(text);
  return longer.starts_with(shorter) &&
         (longer.size() == shorter.size() || longer[shorter.size()] == '.');
}

Value Program::evaluate(const Activation& input, std::uint64_t* cost_used,
                        std::uint64_t cost_limit) const {
  if (input.impl().paths() != impl_->table.get()) {
    return Value::error("the activation belongs to another environment");
  }
  return impl_->run(&input.impl(), cost_limit == 0 ? impl_->cost_limit : cost_limit, cost_used);
}

const Type& Program::result_type() const {
  return impl_->type;
}
std::span<const AttributePath> Program::paths() const {
  return impl_->plan.paths;
}
const std::optional<Value>& Program::constant() const {
  return impl_->constant;
}
const std::string& Program::source() const {
  return impl_->source;
}

namespace {

// The hint for a path: its own, or that of the nearest path it is below.
const SizeMax& size_max(const SizeHints& hints, std::string_view path) {
  while (!path.empty()) {
    if (const auto found = hints.paths.find(path); found != hints.paths.end()) return found->second;
    const std::size_t dot = path.rfind('.');
    path = path.substr(0, dot == std::string_view::npos ? 0 : dot);
  }
  return hints.otherwise;
}

}  // namespace

CostBounds Program::cost_bounds(const SizeHints& hints) const {
  Estimate estimate(hints.otherwise);
  const auto paths = this->paths();
  for (std::size_t i = 0; i < paths.size(); ++i) {
    estimate.set_path(impl_->plan.slots[i],
                      Extent::of(paths[i].type, size_max(hints, paths[i].text)));
  }
  const Bound bound = impl_->plan.root->bound(estimate);
  return {bound.least, bound.most};
}

bool Program::depends_on(std::string_view root) const {
  const auto paths = this->paths();
  return std::any_of(paths.begin(), paths.end(),
                     [root](const AttributePath& path) { return path.depends_on(root); });
}

namespace {

bool has_custom_functions(const Expr& expr, const Environment& environment) {
  const Function* function =
      expr.kind == ExprKind::kCall ? environment.find_function(expr.name) : nullptr;
  if (function != nullptr && function->body) return true;
  return std::any_of(expr.args.begin(), expr.args.end(),
                     [&](const ExprPtr& arg) { return has_custom_functions(*arg, environment); });
}

void check_result(const Expr& expr, const std::optional<Type>& expected, Reporter& reporter) {
  if (!expected || expr.type.is(TypeKind::kError)) return;
  if (Substitutions().assignable(expr.type, *expected)) return;
  const bool test = expected->is(TypeKind::kBool);
  reporter.add(0,
               "the result is of type " + to_text(expr.type) + ", expected " + to_text(*expected),
               test ? "a comparison of it, such as == or <" : "");
}

}  // namespace

std::expected<Program, Diagnostics> compile(std::string_view expression,
                                            const Environment& environment, const Limits& limits,
                                            const std::optional<Type>& expected,
                                            Checking checking) {
  Reporter reporter(expression, limits.diagnostics_max);
  const ExprPtr expr = parse(expression, limits, reporter);
  if (!expr) return std::unexpected(reporter.take());
  resolve_names(*expr, environment);
  if (checking == Checking::kOn) {
    check(*expr, environment, reporter);
    check_result(*expr, expected, reporter);
    if (reporter.failed()) return std::unexpected(reporter.take());
  }
  auto impl = std::make_shared<Program::Impl>();
  impl->plan = plan(*expr, environment, limits, reporter);
  if (reporter.failed() && checking == Checking::kOn) return std::unexpected(reporter.take());
  impl->source = std::string(expression);
  impl->type = expr->type;
  impl->table = environment.paths();
  impl->cost_limit = limits.cost_limit;
  if (impl->plan.paths.empty() && !has_custom_functions(*expr, environment)) {
    impl->constant = impl->run(nullptr, limits.cost_limit, nullptr);
  }
  return Program(std::move(impl));
}

}  // namespace keyturn::cel
