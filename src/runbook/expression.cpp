#include "runbook/expression.h"

#include <algorithm>
#include <set>

#include "cel/convert.h"
#include "doc/json.h"

namespace keyturn::runbook {
namespace {

constexpr std::string_view kOpen = "{{", kClose = "}}";

std::shared_ptr<const cel::Environment> make_environment() {
  using cel::Type;
  auto out = std::make_shared<cel::Environment>();
  const Type any = Type::map(Type::string(), Type::dyn());
  out->variable("inputs", any);
  out->variable("steps", any);
  out->variable("item", Type::dyn());
  out->variable("index", Type::integer());
  out->variable("result", Type::dyn());
  out->variable("run", Type::object("run", {{"id", Type::string()},
                                            {"runbook", Type::string()},
                                            {"started_by", Type::string()}}));
  return out;
}

std::shared_ptr<const cel::Environment> make_trigger_environment() {
  auto out = std::make_shared<cel::Environment>();
  out->variable("event", cel::Type::map(cel::Type::string(), cel::Type::dyn()));
  return out;
}

std::string trimmed(std::string_view text) {
  const std::size_t from = text.find_first_not_of(" \t\n");
  if (from == std::string_view::npos) return "";
  return std::string(text.substr(from, text.find_last_not_of(" \t\n") - from + 1));
}

// What is told last of a step is what holds.
doc::Value steps_of(const Scope& scope) {
  doc::Object out;
  std::set<std::string_view> seen;
  for (const Before* one = scope.steps.get(); one != nullptr; one = one->rest.get()) {
    if (seen.insert(one->id).second) out.push_back({one->id, one->shown});
  }
  return out;
}

Result<std::string> as_text(const doc::Value& value) {
  switch (value.kind()) {
    case doc::Kind::kString:
      return value.as_string();
    case doc::Kind::kNumber:
      return value.as_number().text;
    case doc::Kind::kBool:
      return std::string(value.as_bool() ? "true" : "false");
    case doc::Kind::kNull:
    case doc::Kind::kArray:
    case doc::Kind::kObject:
      break;
  }
  return refuse("expression",
                "only a text, a number or a truth value can stand inside a longer text, not " +
                    doc::write_json(value).substr(0, 60));
}

}  // namespace

// Only what it reads is handed over: inputs may be large.
Result<doc::Value> Expression::value_of(const Scope& scope) const {
  cel::Activation input(*environment_);
  if (scope.inputs && depends_on("inputs")) input.set("inputs", cel::from_doc(*scope.inputs));
  if (depends_on("steps")) input.set("steps", cel::from_doc(steps_of(scope)));
  if (scope.run && depends_on("run")) input.set("run", cel::from_doc(*scope.run));
  if (!scope.event.is_null()) input.set("event", cel::from_doc(scope.event));
  if (!scope.item.is_null()) input.set("item", cel::from_doc(scope.item));
  if (!scope.index.is_null()) input.set("index", cel::from_doc(scope.index));
  if (!scope.result.is_null()) input.set("result", cel::from_doc(scope.result));
  Result<doc::Value> out = cel::to_doc(program_.evaluate(input));
  if (!out) return refuse("expression", text() + ": " + out.error().message);
  return out;
}

Result<doc::Value> Expression::evaluate(const Scope& scope) const {
  Result<doc::Value> out = value_of(scope);
  if (!out || out->is_string() || out->is_bool()) return out;
  if (const Result<std::string> exact = doc::canonical(*out); !exact)
    return refuse("expression", text() + ": " + exact.error().message);
  return out;
}

Result<bool> Expression::holds(const Scope& scope) const {
  const Result<doc::Value> value = value_of(scope);
  if (!value) return std::unexpected(value.error());
  if (!value->is_bool()) return refuse("expression", text() + ": is neither true nor false");
  return value->as_bool();
}

Result<doc::Array> Expression::items(const Scope& scope) const {
  Result<doc::Value> value = value_of(scope);
  if (!value) return std::unexpected(value.error());
  if (!value->is_array()) return refuse("expression", text() + ": is no list");
  return std::move(value->as_array());
}

std::vector<std::string> Expression::paths() const {
  std::vector<std::string> out;
  for (const cel::AttributePath& path : program_.paths()) out.push_back(path.text);
  return out;
}

std::vector<std::string> Template::inside_texts() const {
  std::vector<std::string> out;
  for (const auto& [text, pieces] : texts_) {
    for (const Piece& piece : pieces) {
      if (pieces.size() > 1 && piece.expression) out.push_back(piece.expression->text());
    }
  }
  return out;
}

Result<doc::Value> Template::fill(const Scope& scope) const {
  return fill(source_, scope);
}

Result<doc::Value> Template::fill_text(const Pieces& pieces, const Scope& scope) {
  if (pieces.size() == 1 && pieces.front().expression)
    return pieces.front().expression->evaluate(scope);
  std::string out;
  for (const Piece& piece : pieces) {
    if (!piece.expression) {
      out += piece.text;
      continue;
    }
    const Result<doc::Value> value = piece.expression->evaluate(scope);
    if (!value) return value;
    Result<std::string> text = as_text(*value);
    if (!text)
      return refuse("expression",
                    piece.expression->text() + ": " + text.error().message +
                        (value->is_array() ? "; of a list of texts write " +
                                                 piece.expression->text() + ".join(', ')"
                                           : ""));
    out += *text;
  }
  return doc::Value(std::move(out));
}

Result<doc::Value> Template::fill(const doc::Value& value, const Scope& scope) const {
  if (value.is_string()) {
    const auto found = texts_.find(value.as_string());
    return found == texts_.end() ? Result<doc::Value>(value) : fill_text(found->second, scope);
  }
  if (value.is_array()) {
    doc::Array out;
    for (const doc::Value& one : value.as_array()) {
      Result<doc::Value> filled = fill(one, scope);
      if (!filled) return filled;
      out.push_back(std::move(*filled));
    }
    return doc::Value(std::move(out));
  }
  if (!value.is_object()) return value;
  doc::Value out = doc::Object{};
  for (const doc::Member& member : value.as_object()) {
    Result<doc::Value> filled = fill(member.value, scope);
    if (!filled) return filled;
    out.set(member.key, std::move(*filled));
  }
  return out;
}

bool Template::depends_on(std::string_view path) const {
  return std::ranges::any_of(texts_, [&](const auto& text) {
    return std::ranges::any_of(text.second, [&](const Piece& piece) {
      return piece.expression && piece.expression->depends_on(path);
    });
  });
}

std::vector<std::string> Template::paths() const {
  std::vector<std::string> out;
  for (const auto& [text, pieces] : texts_) {
    for (const Piece& piece : pieces) {
      if (!piece.expression) continue;
      for (std::string& path : piece.expression->paths()) out.push_back(std::move(path));
    }
  }
  return out;
}

Expressions::Expressions(Of of)
    : environment_(of == Of::kSteps ? make_environment() : make_trigger_environment()) {}

std::optional<Expression> Expressions::compile_text(std::string_view text, const doc::Value& at,
                                                    const std::string& pointer,
                                                    const cel::Type& wanted,
                                                    doc::Problems& problems) const {
  auto program = cel::compile(text, *environment_, {}, wanted);
  if (program) return Expression(environment_, std::move(*program));
  for (const cel::Diagnostic& one : program.error())
    problems.push_back(
        {"expression", std::string(text) + ": " + one.message, pointer, at.position()});
  return std::nullopt;
}

std::optional<Expression> Expressions::compile(const doc::Value& value, const std::string& pointer,
                                               const cel::Type& wanted,
                                               doc::Problems& problems) const {
  if (value.is_bool())
    return compile_text(value.as_bool() ? "true" : "false", value, pointer, wanted, problems);
  if (value.is_string()) return compile_text(value.as_string(), value, pointer, wanted, problems);
  problems.push_back(
      {"wrong_type", "must be an expression (CEL), as a text", pointer, value.position()});
  return std::nullopt;
}

Template Expressions::compile_template(const doc::Value& value, const std::string& pointer,
                                       doc::Problems& problems) const {
  Template out;
  out.source_ = value;
  compile_texts(value, pointer, out, problems);
  return out;
}

void Expressions::compile_texts(const doc::Value& value, const std::string& pointer, Template& out,
                                doc::Problems& problems) const {
  if (value.is_string() && value.as_string().find(kOpen) != std::string::npos) {
    out.texts_.insert_or_assign(value.as_string(), compile_pieces(value, pointer, problems));
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.as_array().size(); ++i)
      compile_texts(value.as_array()[i], pointer + "/" + std::to_string(i), out, problems);
  } else if (value.is_object()) {
    for (const doc::Member& member : value.as_object())
      compile_texts(member.value, pointer + "/" + doc::pointer_escape(member.key), out, problems);
  }
}

Template::Pieces Expressions::compile_pieces(const doc::Value& text, const std::string& pointer,
                                             doc::Problems& problems) const {
  Template::Pieces out;
  std::string_view rest = text.as_string();
  while (!rest.empty()) {
    const std::size_t open = rest.find(kOpen);
    if (open != 0) out.push_back({std::string(rest.substr(0, open)), std::nullopt});
    if (open == std::string_view::npos) break;
    rest.remove_prefix(open + kOpen.size());
    const std::size_t close = rest.find(kClose);
    if (close == std::string_view::npos) {
      problems.push_back({"expression", "\"{{\" without \"}}\"", pointer, text.position()});
      break;
    }
    const std::string source = trimmed(rest.substr(0, close));
    out.push_back({"", compile_text(source, text, pointer, cel::Type::dyn(), problems)});
    rest.remove_prefix(close + kClose.size());
  }
  return out;
}

}  // namespace keyturn::runbook
