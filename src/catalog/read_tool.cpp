// What every tool says, whatever its kind.
#include <array>

#include "base/ascii.h"
#include "base/bytes.h"
#include "catalog/schema.h"
#include "catalog/tool_reader.h"

namespace keyturn::catalog {
namespace {

using doc::ObjectReader;

constexpr std::int64_t kRowsMax = 1'000'000;
constexpr std::int64_t kOutputMax = 64 << 20;

// Words that mean something for some kinds of tool only. Elsewhere they would promise what does not
// happen.
struct KindWord {
  std::string_view word;
  bool exec, sql, http;
  std::string_view advice;
};
constexpr std::array<KindWord, 9> kKindWords{{
    {"env", true, false, false, "remove it"},
    {"cwd", true, false, false, "remove it"},
    {"sandbox", true, false, false,
     "remove it: what a statement may do is up to the rights of the database role"},
    {"limits", true, false, false,
     "remove it: what runs elsewhere is bounded by timeout and output_bytes_max"},
    {"rows_max", false, true, false, "remove it"},
    {"preview", true, true, true, "remove it: there is nothing that Keyturn could look at"},
    {"state", true, true, false, "remove it: there is nothing that Keyturn could look at"},
    {"timeout", true, true, true, "remove it: the enforcement point executes"},
    {"output_bytes_max", true, true, true, "remove it: the enforcement point executes"},
}};

std::string_view kind_text(ToolKind kind) {
  switch (kind) {
    case ToolKind::kExec:
      return "an exec tool";
    case ToolKind::kSql:
      return "an sql tool";
    case ToolKind::kGrantOnly:
      return "a tool with mode: grant";
    case ToolKind::kMcp:
      return "a tool of an MCP server";
    case ToolKind::kHttp:
      return "an http tool";
    case ToolKind::kRunbook:
      return "a runbook";
  }
  return "";
}

}  // namespace

bool is_identifier(std::string_view text, bool dots) {
  if (text.empty() || text.size() > 100) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool word =
        is_letter(c) || c == '_' || (i > 0 && (is_digit(c) || c == '-' || (dots && c == '.')));
    const bool digit_first = dots && i == 0 && c >= '0' && c <= '9';
    if (!word && !digit_first) return false;
  }
  return true;
}

bool is_absolute(std::string_view path) {
  return path.starts_with('/') && path.find('\0') == std::string_view::npos;
}

Tool ToolReader::read(const std::string& name) {
  tool_.name = name;
  tool_.description = in_.string("description").value_or("");
  if (const doc::Value* params = in_.object("params"))
    read_params(*params, in_.pointer_to("params"));
  read_input_schema();
  read_resource();
  read_operation();
  read_exec();
  read_sql();
  read_http();
  read_kubernetes();
  read_mode();
  read_env();
  read_cwd();
  read_output();
  read_sandbox();
  read_limits();
  read_preview();
  refuse_misfits();
  check_params_used();
  in_.finish();
  return std::move(tool_);
}

const Param* ToolReader::param(const std::string& name) const {
  for (const Param& p : tool_.params) {
    if (p.name == name) return &p;
  }
  return nullptr;
}

const Param* ToolReader::use(const std::string& name, const doc::Value& place,
                             const std::string& pointer) {
  used_.insert(name);
  if (const Param* known = param(name)) return known;
  std::vector<std::string_view> names;
  names.reserve(tool_.params.size());
  for (const Param& p : tool_.params) names.push_back(p.name);
  const std::string_view nearest = nearest_word(name, names.data(), names.size());
  add("unknown_param",
      "{{" + name + "}} is no parameter of this tool" +
          (nearest.empty() ? std::string("; define it under params")
                           : " (did you mean {{" + std::string(nearest) + "}}?)"),
      place, pointer);
  return nullptr;
}

// An MCP tool's inputSchema as `tools/list` gives it: its properties are the parameters.
void ToolReader::read_input_schema() {
  const doc::Value* schema = in_.object("input_schema");
  if (schema == nullptr) return;
  if (in_.value().find("params") != nullptr)
    in_.problem("conflicting_fields", "say params or input_schema, not both", "input_schema");
  ObjectReader in(*schema, in_.pointer_to("input_schema"), problems_);
  if (in.require_string("type") != "object")
    in.problem("wrong_type", "the schema of a tool's arguments has the type object", "type");
  for (const std::string_view text : {"description", "title", "$schema"}) (void)in.string(text);
  if (in.boolean("additionalProperties").value_or(false)) {
    in.problem("wrong_word",
               "arguments that the schema does not name are refused: write additionalProperties: "
               "false, and name what may come",
               "additionalProperties");
  }
  const std::vector<std::string> required =
      in.strings("required").value_or(std::vector<std::string>{});
  if (const doc::Value* properties = in.object("properties")) {
    read_params(*properties, in.pointer_to("properties"));
    for (Param& p : tool_.params)
      p.required = std::ranges::find(required, p.name) != required.end();
  }
  for (const std::string& name : required) {
    if (param(name) == nullptr)
      in.problem("unknown_property", "requires \"" + name + "\", which is not defined", "required");
  }
  in.finish();
}

void ToolReader::read_params(const doc::Value& params, const std::string& place) {
  for (const doc::Member& member : params.as_object()) {
    const std::string pointer = place + "/" + doc::pointer_escape(member.key);
    if (!is_identifier(member.key, false)) {
      add("invalid_name", "\"" + member.key + "\" is no parameter name: letters, digits, _ and -",
          member.value, pointer);
    }
    ParamWords words;
    Param p{.name = member.key, .schema = member.value};
    p.checked = load_schema(member.value, pointer, problems_, &words);
    p.required = words.required;
    p.secret = words.secret;
    if (p.secret && p.checked->default_value) {
      add("secret_default",
          "a secret parameter has no default: write a {secret: …} reference instead", member.value,
          pointer);
    }
    tool_.params.push_back(std::move(p));
  }
}

void ToolReader::read_resource() {
  tool_.resource = Resource{.kind = "tool", .name = tool_.name};
  const doc::Value* value = in_.object("resource");
  if (value == nullptr) return;
  ObjectReader in(*value, in_.pointer_to("resource"), problems_);
  tool_.resource.kind = in.require_string("kind");
  tool_.resource.name = in.require_string("name");
  tool_.resource.env = in.string("env").value_or("");
  if (const doc::Value* labels = in.object("labels")) {
    ObjectReader each(*labels, in.pointer_to("labels"), problems_);
    for (const doc::Member& label : labels->as_object()) {
      tool_.resource.labels[label.key] = each.string(label.key).value_or("");
    }
  }
  in.finish();
}

void ToolReader::read_operation() {
  const auto operation = in_.string("operation");
  if (!operation) return;
  if (!is_identifier(*operation, true)) {
    in_.problem("invalid_name",
                "an operation is one word: read, write, execute, export, rollback, …", "operation");
  }
  tool_.operation = *operation;
}

void ToolReader::read_output() {
  tool_.rows_max = in_.integer("rows_max", 1, kRowsMax).value_or(tool_.rows_max);
  tool_.output_bytes_max =
      in_.integer("output_bytes_max", 1024, kOutputMax).value_or(tool_.output_bytes_max);
  tool_.timeout = in_.duration("timeout").value_or(tool_.timeout);
}

void ToolReader::read_mode() {
  const std::string mode = in_.string("mode").value_or("execute");
  if (mode != "execute" && mode != "grant") {
    in_.problem("unknown_choice", "mode is execute or grant", "mode");
  }
  tool_.mode = mode == "grant" ? Mode::kGrant : Mode::kExecute;
  tool_.enforcement_point = in_.string("enforcement_point").value_or("");
  const auto has = [&](std::string_view word) { return in_.value().find(word) != nullptr; };
  const bool runs = has("exec") || has("sql") || has("http") || has("kubernetes");
  if (tool_.mode == Mode::kGrant) {
    tool_.kind = ToolKind::kGrantOnly;
    if (tool_.enforcement_point.empty()) {
      in_.problem("missing_field",
                  "mode: grant needs enforcement_point: the agent that may consume the grant",
                  "mode");
    }
    if (runs) {
      in_.problem(
          "conflict",
          "with mode: grant the enforcement point executes; remove exec, sql, http or kubernetes",
          "mode");
    }
    return;
  }
  if (!tool_.enforcement_point.empty()) {
    in_.problem("conflict", "enforcement_point is for mode: grant", "enforcement_point");
  }
  if (!runs) {
    in_.problem("missing_field",
                "tool \"" + tool_.name +
                    "\" needs exec: […], sql: {…}, http: {…}, kubernetes: {…} or mode: grant");
  }
}

void ToolReader::refuse_misfits() {
  for (const KindWord& word : kKindWords) {
    if (in_.value().find(word.word) == nullptr) continue;
    const bool fits = tool_.kind == ToolKind::kExec   ? word.exec
                      : tool_.kind == ToolKind::kSql  ? word.sql
                      : tool_.kind == ToolKind::kHttp ? word.http
                                                      : false;
    if (fits) continue;
    in_.problem("without_effect",
                std::string(word.word) + " has no effect for " +
                    std::string(kind_text(tool_.kind)) + "; " + std::string(word.advice),
                word.word);
  }
  if (tool_.kind == ToolKind::kSql && in_.value().find("operation") != nullptr) {
    in_.problem("without_effect",
                "operation has no effect for an sql tool; remove it: what a statement does is read "
                "from the statement itself",
                "operation");
  }
}

void ToolReader::check_params_used() {
  if (tool_.kind == ToolKind::kGrantOnly) return;
  for (const Param& p : tool_.params) {
    if (used_.contains(p.name)) continue;
    add("unused_param",
        "parameter \"" + p.name +
            "\" is used nowhere: reviewers would agree to something without effect; "
            "use {{" +
            p.name + "}} or remove it",
        p.schema, in_.pointer_to("params") + "/" + doc::pointer_escape(p.name));
  }
}

}  // namespace keyturn::catalog
