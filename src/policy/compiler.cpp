#include "policy/compiler.h"

#include <algorithm>

#include "base/ascii.h"
#include "policy/scalar_place.h"
#include "policy/types.h"

namespace keyturn::policy {
namespace {

constexpr std::string_view kVariables = "variables.";

std::string_view variable_name(std::string_view path) {
  if (!path.starts_with(kVariables)) return {};
  path.remove_prefix(kVariables.size());
  return path.substr(0, path.find('.'));
}

bool is_variable_name(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::ranges::all_of(name, [](char c) { return is_alphanumeric(c) || c == '_'; });
}

std::string as_name(std::string name) {
  std::ranges::replace_if(name, [](char c) { return !is_variable_name(std::string{'a', c}); }, '_');
  return is_variable_name(name) ? name : "v_" + name;
}

}  // namespace

Compiler::Compiler(Document::Rep& document, std::string_view source, const catalog::Catalog* tools,
                   doc::Problems& problems)
    : document_(document), source_(source), tools_(tools), problems_(problems) {
  limits_.cost_limit = document.cost_limit;
  limits_.constant_patterns = true;
}

void Compiler::problem(std::string code, std::string message, const doc::Value& value,
                       const std::string& pointer, std::string_view text, std::size_t offset) {
  const doc::Position at = place_in_scalar(source_, value.position(), text, offset);
  problems_.push_back({std::move(code), std::move(message), pointer, at});
}

std::optional<cel::Program> Compiler::checked(const doc::Value& value, const std::string& text,
                                              const std::string& pointer, const std::string& what,
                                              const cel::Environment& environment,
                                              const cel::Type& expected) {
  auto program = cel::compile(text, environment, limits_, expected);
  if (program) return std::move(*program);
  for (const cel::Diagnostic& diagnostic : program.error()) {
    std::string message = what + ": " + diagnostic.message;
    if (!diagnostic.suggestion.empty()) message += " (did you mean " + diagnostic.suggestion + "?)";
    problem("invalid_expression", std::move(message), value, pointer, text, diagnostic.offset);
  }
  return std::nullopt;
}

const cel::Environment& Compiler::environment_for(std::string_view tool) {
  const catalog::Tool* known = tools_ == nullptr || tool.empty() ? nullptr : tools_->find(tool);
  if (known == nullptr || known->kind == catalog::ToolKind::kMcp) return document_.environment;
  auto found = typed_.find(tool);
  if (found == typed_.end()) {
    found = typed_.emplace(std::string(tool), document_.environment).first;
    found->second.variable("action", action_type(arguments_type(*known)));
  }
  return found->second;
}

std::optional<Condition> Compiler::compile(const doc::Value& value, const std::string& pointer,
                                           const std::string& what, const cel::Type& expected,
                                           std::string_view tool) {
  std::string text;
  if (value.is_bool()) {
    text = value.as_bool() ? "true" : "false";
  } else if (value.is_string()) {
    text = value.as_string();
  } else {
    problem("wrong_type", what + ": must be a CEL expression, as text", value, pointer, "", 0);
    return std::nullopt;
  }
  // Checked with the tool's own types; kept for the common environment, so that one activation
  // serves all.
  const cel::Environment& typed = environment_for(tool);
  if (&typed != &document_.environment && !checked(value, text, pointer, what, typed, expected)) {
    return std::nullopt;
  }
  auto program = checked(value, text, pointer, what, document_.environment, expected);
  if (!program) return std::nullopt;
  return Condition{std::move(text), std::move(*program), value.position()};
}

const Variable* Compiler::variable_of(std::string_view path) const {
  const std::string_view name = variable_name(path);
  if (name.empty()) return nullptr;
  for (const Variable& variable : document_.variables) {
    if (variable.name == name) return &variable;
  }
  return nullptr;
}

void Compiler::declare_variables(std::vector<cel::Field> fields) {
  document_.environment.variable("variables", cel::Type::object("variables", std::move(fields)));
}

// Twice: first with all variables dyn, to learn who needs whom; then in that order, with their
// types.
void Compiler::variables(const doc::Value& value, const std::string& pointer) {
  struct Draft {
    std::string name;
    const doc::Value* value;
    std::string pointer;
    std::vector<std::string> needs;
    bool done = false;
  };
  std::vector<Draft> drafts;
  std::vector<cel::Field> fields;
  for (const doc::Member& member : value.as_object()) {
    const std::string at = pointer + "/" + doc::pointer_escape(member.key);
    if (!is_variable_name(member.key)) {
      problem("invalid_name",
              "\"" + member.key + "\" is no variable name: letters, digits and _, such as " +
                  as_name(member.key),
              member.value, at, "", 0);
      continue;
    }
    drafts.push_back({member.key, &member.value, at, {}, false});
    fields.push_back({member.key, cel::Type::dyn()});
  }
  declare_variables(std::move(fields));
  for (Draft& draft : drafts) {
    const auto condition =
        compile(*draft.value, draft.pointer, "variable \"" + draft.name + "\"", cel::Type::dyn());
    draft.done = !condition;  // reported; not looked at again
    if (!condition) continue;
    for (const cel::AttributePath& path : condition->program.paths()) {
      const std::string_view needed = variable_name(path.text);
      if (!needed.empty()) draft.needs.emplace_back(needed);
    }
  }
  std::vector<cel::Field> known;
  for (const Draft& draft : drafts) {
    if (draft.done) known.push_back({draft.name, cel::Type::dyn()});
  }
  const auto ready = [&](const Draft& draft) {
    return !draft.done && std::ranges::all_of(draft.needs, [&](const std::string& need) {
      return std::ranges::any_of(known, [&](const cel::Field& f) { return f.name == need; });
    });
  };
  declare_variables(known);
  for (auto next = std::ranges::find_if(drafts, ready); next != drafts.end();
       next = std::ranges::find_if(drafts, ready)) {
    next->done = true;
    auto condition =
        compile(*next->value, next->pointer, "variable \"" + next->name + "\"", cel::Type::dyn());
    known.push_back({next->name, condition ? condition->program.result_type() : cel::Type::dyn()});
    declare_variables(known);
    if (condition) document_.variables.push_back({next->name, std::move(*condition)});
  }
  for (const Draft& draft : drafts) {
    if (draft.done) continue;
    problem("cyclic_variable",
            "variable \"" + draft.name + "\" depends on itself, through " + draft.needs[0],
            *draft.value, draft.pointer, "", 0);
    known.push_back({draft.name, cel::Type::dyn()});
  }
  declare_variables(known);
}

}  // namespace keyturn::policy
