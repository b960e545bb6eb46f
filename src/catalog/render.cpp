// From a tool and checked arguments to exactly what runs.
#include <stdexcept>

#include "catalog/http_call.h"
#include "catalog/schema.h"
#include "catalog/template.h"
#include "catalog/tool.h"
#include "doc/json.h"

namespace keyturn::catalog {
namespace {

std::string fill(const std::vector<Piece>& pieces, const doc::Value& args) {
  std::string out;
  for (const Piece& piece : pieces) {
    if (!piece.parameter) {
      out += piece.text;
    } else if (const doc::Value* value = args.find(piece.text)) {
      out += argument_text(*value);
    }
  }
  return out;
}

// The elements that one element of the template becomes.
std::vector<std::string> fill_element(const std::vector<Piece>& pieces, const doc::Value& args) {
  const std::string whole = whole_parameter(pieces);
  if (whole.empty()) return {fill(pieces, args)};
  const doc::Value* value = args.find(whole);
  if (value == nullptr) return {};
  if (!value->is_array()) return {argument_text(*value)};
  std::vector<std::string> out;
  for (const doc::Value& item : value->as_array()) out.push_back(argument_text(item));
  return out;
}

const Param* find_param(const Tool& tool, std::string_view name) {
  for (const Param& param : tool.params) {
    if (param.name == name) return &param;
  }
  return nullptr;
}

std::unexpected<Refusal> invalid(std::string_view name, std::string message) {
  return refuse("invalid_args", "parameter \"" + std::string(name) + "\" " + std::move(message),
                "/args/" + doc::pointer_escape(name));
}

// An argument must not turn into an option of the program that runs, or of one that looks.
Result<void> check_leading_dash(const Tool& tool, const std::vector<std::string>& argv,
                                const doc::Value& args) {
  bool options_over = false;
  for (const std::string& element : argv) {
    options_over |= element == "--";
    if (options_over) return {};
    const std::vector<Piece> pieces = pieces_of(element);
    if (pieces.empty() || !pieces[0].parameter) continue;
    const Param* param = find_param(tool, pieces[0].text);
    if (param == nullptr || (param->checked && param->checked->leading_dash)) continue;
    for (const std::string& filled : fill_element(pieces, args)) {
      if (filled.starts_with('-')) {
        return invalid(
            param->name,
            "starts with \"-\" and would be read as an option; it must not have a leading dash");
      }
    }
  }
  return {};
}

// What cannot be said in an HTTP request is refused before anybody is asked.
Result<void> check_message(const Tool& tool, const doc::Value& args) {
  if (tool.kind != ToolKind::kHttp) return {};
  if (auto ok = render_http(tool, args); !ok) return std::unexpected(ok.error());
  if (!tool.http->look) return {};
  if (auto ok = render_look(tool, args); !ok) return std::unexpected(ok.error());
  return {};
}

}  // namespace

std::string argument_text(const doc::Value& value) {
  switch (value.kind()) {
    case doc::Kind::kString:
      return value.as_string();
    case doc::Kind::kNumber:
      return value.as_number().text;
    case doc::Kind::kBool:
      return value.as_bool() ? "true" : "false";
    case doc::Kind::kNull:
      return "";
    case doc::Kind::kArray:
    case doc::Kind::kObject:
      return doc::write_json(value);
  }
  return "";
}

Result<doc::Value> check_args(const Tool& tool, const doc::Value& args) {
  if (!args.is_object()) return refuse("invalid_args", "args must be an object", "/args");
  if (tool.kind == ToolKind::kMcp) return args;
  for (const doc::Member& member : args.as_object()) {
    if (find_param(tool, member.key) == nullptr) {
      return invalid(member.key, "is not one of tool \"" + tool.name + "\"; remove it");
    }
  }
  doc::Value checked = doc::Object{};
  for (const Param& param : tool.params) {
    const doc::Value* value = args.find(param.name);
    if (value == nullptr && param.checked && param.checked->default_value) {
      value = &*param.checked->default_value;
    }
    if (value == nullptr) {
      if (param.required) return invalid(param.name, "is missing");
      continue;
    }
    if (param.checked) {
      const std::string pointer = "/args/" + doc::pointer_escape(param.name);
      if (auto ok = check_value(*param.checked, *value, pointer); !ok) {
        return refuse(ok.error().code, "parameter \"" + param.name + "\" " + ok.error().message,
                      ok.error().where);
      }
    }
    checked.set(param.name, *value);
  }
  std::vector<const std::vector<std::string>*> argvs{&tool.exec};
  if (tool.preview && tool.kind == ToolKind::kExec)
    argvs.insert(argvs.end(), {&tool.preview->shows, &tool.preview->state});
  for (const auto* argv : argvs) {
    if (auto ok = check_leading_dash(tool, *argv, checked); !ok) return std::unexpected(ok.error());
  }
  if (auto ok = check_message(tool, checked); !ok) return std::unexpected(ok.error());
  return checked;
}

std::vector<std::string> render_argv(const Tool& tool, const doc::Value& args) {
  std::vector<std::string> argv;
  for (const std::string& element : tool.exec) {
    for (std::string& filled : fill_element(pieces_of(element), args)) {
      argv.push_back(std::move(filled));
    }
  }
  return argv;
}

std::map<std::string, std::string> render_env(const Tool& tool, const doc::Value& args) {
  std::map<std::string, std::string> env;
  for (const auto& [variable, param] : tool.param_env) {
    if (const doc::Value* value = args.find(param)) env[variable] = argument_text(*value);
  }
  return env;
}

namespace {

// The parameters of a statement in the order of their first place, so that $n is names[n-1].
std::vector<std::string> bind_names(const std::vector<Piece>& pieces) {
  std::vector<std::string> names;
  for (const Piece& piece : pieces) {
    bool known = !piece.parameter;
    for (const std::string& name : names) known |= name == piece.text;
    if (!known) names.push_back(piece.text);
  }
  return names;
}

}  // namespace

std::string render_sql(const Tool& tool, const doc::Value& args) {
  const std::vector<Piece> pieces = pieces_of(tool.statement);
  if (const std::string whole = whole_parameter(pieces); !whole.empty()) return fill(pieces, args);
  const std::vector<std::string> names = bind_names(pieces);
  std::string sql;
  for (const Piece& piece : pieces) {
    if (!piece.parameter) {
      sql += piece.text;
      continue;
    }
    std::size_t n = 0;
    while (names[n] != piece.text) ++n;
    sql += "$" + std::to_string(n + 1);
  }
  return sql;
}

std::vector<std::optional<std::string>> sql_parameters(const Tool& tool, const doc::Value& args) {
  const std::vector<Piece> pieces = pieces_of(tool.statement);
  if (!whole_parameter(pieces).empty()) return {};
  std::vector<std::optional<std::string>> values;
  for (const std::string& name : bind_names(pieces)) {
    const doc::Value* value = args.find(name);
    values.push_back(value == nullptr ? std::nullopt : std::optional(argument_text(*value)));
  }
  return values;
}

}  // namespace keyturn::catalog
