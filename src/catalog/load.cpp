// tools.yaml into tools, with every problem in its place.
#include <array>
#include <set>

#include "base/bytes.h"
#include "catalog/schema.h"
#include "catalog/template.h"
#include "catalog/tool.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::catalog {
namespace {

using doc::ObjectReader;
using doc::Problems;

constexpr std::int64_t kRowsMax = 1'000'000;
constexpr std::int64_t kOutputMax = 64 << 20;

bool is_identifier(std::string_view text, bool dots) {
  if (text.empty() || text.size() > 100) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                      (i > 0 && ((c >= '0' && c <= '9') || c == '-' || (dots && c == '.')));
    const bool digit_first = dots && i == 0 && c >= '0' && c <= '9';
    if (!word && !digit_first) return false;
  }
  return true;
}

bool is_absolute(std::string_view path) {
  return path.starts_with('/') && path.find('\0') == std::string_view::npos;
}

// Reads one tool. Keeps count of which parameters the definition uses.
class ToolReader {
 public:
  ToolReader(const doc::Value& value, std::string pointer, Problems& problems)
      : in_(value, std::move(pointer), problems), problems_(problems) {}

  Tool read(const std::string& name) {
    tool_.name = name;
    tool_.description = in_.string("description").value_or("");
    read_params();
    read_resource();
    read_operation();
    read_exec();
    read_sql();
    read_env();
    read_limits();
    read_sandbox();
    read_mode();
    check_params_used();
    in_.finish();
    return std::move(tool_);
  }

 private:
  void read_params();
  void read_resource();
  void read_operation();
  void read_exec();
  void check_exec_element(const std::string& element, std::size_t index);
  void read_sql();
  void read_statement(ObjectReader& sql);
  void read_env();
  void read_env_entry(const std::string& variable, const doc::Value& value,
                      const std::string& pointer);
  std::optional<SecretRef> read_secret(const doc::Value& value, const std::string& pointer);
  void read_limits();
  void read_sandbox();
  void read_mode();
  void check_params_used();

  const Param* param(const std::string& name) const {
    for (const Param& p : tool_.params) {
      if (p.name == name) return &p;
    }
    return nullptr;
  }
  // A parameter that a template names: ticked off, or a problem. `where` words the place.
  const Param* use(const std::string& name, const doc::Value& place, const std::string& pointer);
  void add(std::string code, std::string message, const doc::Value& at, std::string pointer) {
    problems_.push_back({std::move(code), std::move(message), std::move(pointer), at.position()});
  }

  ObjectReader in_;
  Problems& problems_;
  Tool tool_;
  std::set<std::string> used_;
};

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

void ToolReader::read_params() {
  const doc::Value* params = in_.object("params");
  if (params == nullptr) return;
  for (const doc::Member& member : params->as_object()) {
    const std::string pointer = in_.pointer_to("params") + "/" + doc::pointer_escape(member.key);
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

void ToolReader::check_exec_element(const std::string& element, std::size_t index) {
  const doc::Value& place = in_.value().find("exec")->as_array()[index];
  const std::string pointer = in_.pointer_to("exec") + "/" + std::to_string(index);
  const auto pieces = split_template(element);
  if (!pieces) {
    add(pieces.error().code, pieces.error().message, place, pointer);
    return;
  }
  for (const Piece& piece : *pieces) {
    if (!piece.parameter) continue;
    const Param* p = use(piece.text, place, pointer);
    if (p == nullptr) continue;
    if (p->secret) {
      add("secret_in_argv",
          "{{" + p->name +
              "}} is secret, and every process of the machine can read an argv; hand it over "
              "in env: {NAME: {param: " +
              p->name + "}}",
          place, pointer);
    }
    const ValueType type = p->checked->type;
    const bool alone = pieces->size() == 1;
    if (type == ValueType::kObject || (type == ValueType::kArray && !alone)) {
      add("wrong_type",
          "{{" + p->name + "}} is of type " + std::string(to_text(type)) +
              (type == ValueType::kObject ? ", which has no form in an argv"
                                          : ": an array must be an element of its own"),
          place, pointer);
    }
  }
}

void ToolReader::read_exec() {
  const auto exec = in_.strings("exec");
  if (!exec) return;
  tool_.kind = ToolKind::kExec;
  tool_.exec = *exec;
  if (exec->empty()) {
    in_.problem("missing_field", "exec needs at least the program: [/usr/bin/…]", "exec");
    return;
  }
  if (!is_absolute(exec->front()) || exec->front().find("{{") != std::string::npos) {
    const doc::Value& place = in_.value().find("exec")->as_array()[0];
    add("not_absolute",
        "exec[0] is \"" + exec->front() +
            "\": the program must be an absolute path without parameters, such as /usr/bin/env",
        place, in_.pointer_to("exec") + "/0");
  }
  for (std::size_t i = 0; i < exec->size(); ++i) check_exec_element((*exec)[i], i);
}

void ToolReader::read_statement(ObjectReader& sql) {
  tool_.statement = sql.string("statement").value_or("{{sql}}");
  const doc::Value* written = sql.value().find("statement");
  const doc::Value& place = written != nullptr ? *written : sql.value();
  const std::string pointer = sql.pointer_to("statement");
  const auto pieces = split_template(tool_.statement);
  if (!pieces) {
    add(pieces.error().code, pieces.error().message, place, pointer);
    return;
  }
  const bool whole = !whole_parameter(*pieces).empty();
  for (const Piece& piece : *pieces) {
    if (!piece.parameter) continue;
    const Param* p = use(piece.text, place, pointer);
    if (p == nullptr) continue;
    const ValueType type = p->checked->type;
    if (whole && (type != ValueType::kString || p->secret)) {
      add("wrong_type",
          "{{" + p->name + "}} is the whole statement: it must be a string, and not secret", place,
          pointer);
    } else if (!whole && (type == ValueType::kArray || type == ValueType::kObject)) {
      add("wrong_type", "{{" + p->name + "}} becomes a bind parameter and must be a scalar", place,
          pointer);
    }
  }
  if (whole) return;
  if (const std::string name = quoted_parameter(tool_.statement); !name.empty()) {
    add("quoted_param",
        "{{" + name +
            "}} stands inside quotes or a comment; it becomes a bind parameter ($n): write it bare",
        place, pointer);
  }
  if (has_own_bind_parameters(tool_.statement)) {
    add("own_bind_param", "the statement has $1 of its own; name the parameter: {{name}}", place,
        pointer);
  }
}

void ToolReader::read_sql() {
  const doc::Value* value = in_.object("sql");
  if (value == nullptr) return;
  if (in_.value().find("exec") != nullptr) {
    in_.problem("conflict", "a tool is exec or sql, not both", "sql");
  }
  tool_.kind = ToolKind::kSql;
  ObjectReader sql(*value, in_.pointer_to("sql"), problems_);
  tool_.dsn = sql.require_string("dsn");
  if (tool_.dsn.find("password") != std::string::npos ||
      (tool_.dsn.find("://") != std::string::npos && tool_.dsn.find('@') != std::string::npos)) {
    sql.problem(
        "literal_secret",
        "dsn must not hold a password; write password: {secret: \"file:/path\"}, and the dsn as "
        "\"host=… dbname=… user=…\"",
        "dsn");
  }
  if (const doc::Value* password = sql.any("password")) {
    tool_.password = read_secret(*password, sql.pointer_to("password"));
  }
  read_statement(sql);
  for (std::string name : sql.strings("harmless_functions").value_or(std::vector<std::string>{})) {
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    tool_.harmless_functions.push_back(std::move(name));
  }
  sql.finish();
}

std::optional<SecretRef> ToolReader::read_secret(const doc::Value& value,
                                                 const std::string& pointer) {
  if (!value.is_object()) {
    add("literal_secret",
        "must be a reference, never the secret itself: {secret: \"env:NAME\"} or {secret: "
        "\"file:/path\"}",
        value, pointer);
    return std::nullopt;
  }
  ObjectReader in(value, pointer, problems_);
  SecretRef ref;
  const doc::Value* reference = in.any("secret");
  if (reference == nullptr) {
    in.problem("missing_field", "needs a reference: {secret: \"env:NAME\"}");
  } else {
    ref.reference = *reference;
    const std::string text = reference->is_string() ? reference->as_string() : "";
    bool fits = text.starts_with("env:") || text.starts_with("vault:") ||
                (text.starts_with("file:") && is_absolute(std::string_view(text).substr(5)));
    if (reference->is_array() && reference->as_array().size() >= 2) {
      fits = true;
      for (const doc::Value& part : reference->as_array()) fits = fits && part.is_string();
      fits = fits && reference->as_array()[0].as_string() == "exec" &&
             is_absolute(reference->as_array()[1].as_string());
    }
    if (!fits) {
      in.problem(
          "invalid_reference",
          "a secret is \"env:NAME\", \"file:/absolute/path\", \"vault:…\" or [exec, /program, …]",
          "secret");
    }
  }
  const std::string as = in.string("as").value_or("");
  ref.as_file = as == "file";
  if (!as.empty() && as != "file")
    in.problem("unknown_choice", "as: file is the only choice", "as");
  in.finish();
  return ref;
}

void ToolReader::read_env_entry(const std::string& variable, const doc::Value& value,
                                const std::string& pointer) {
  if (!is_identifier(variable, false) || variable.find('-') != std::string::npos) {
    add("invalid_name", "\"" + variable + "\" is no variable name", value, pointer);
  }
  if (value.is_string()) {
    tool_.env[variable] = value.as_string();
    const auto pieces = split_template(value.as_string());
    if (!pieces || pieces->size() > 1 || (pieces->size() == 1 && (*pieces)[0].parameter)) {
      add("invalid_template",
          "parameters do not work inside env; write " + variable + ": {param: NAME}", value,
          pointer);
    }
    return;
  }
  if (value.is_object() && value.find("param") != nullptr) {
    ObjectReader in(value, pointer, problems_);
    const std::string name = in.require_string("param");
    in.finish();
    const Param* p = use(name, value, pointer);
    if (p != nullptr &&
        (p->checked->type == ValueType::kObject || p->checked->type == ValueType::kArray)) {
      add("wrong_type", "a parameter in a variable must be a scalar", value, pointer);
    }
    if (variable.starts_with("LD_") || variable == "PATH" || variable == "IFS") {
      add("unsafe_variable",
          "the request must not choose " + variable + ": it decides what code runs", value,
          pointer);
    }
    tool_.param_env[variable] = name;
    return;
  }
  if (value.is_object()) {
    if (auto ref = read_secret(value, pointer)) tool_.secret_env[variable] = std::move(*ref);
    return;
  }
  add("wrong_type", "must be text (quote numbers), {secret: …} or {param: …}", value, pointer);
}

void ToolReader::read_env() {
  const doc::Value* env = in_.object("env");
  if (env == nullptr) return;
  if (tool_.kind != ToolKind::kExec) {
    in_.problem("wrong_word", "env is for exec tools", "env");
  }
  for (const doc::Member& member : env->as_object()) {
    read_env_entry(member.key, member.value,
                   in_.pointer_to("env") + "/" + doc::pointer_escape(member.key));
  }
}

void ToolReader::read_limits() {
  tool_.rows_max = in_.integer("rows_max", 1, kRowsMax).value_or(tool_.rows_max);
  tool_.output_bytes_max =
      in_.integer("output_bytes_max", 1024, kOutputMax).value_or(tool_.output_bytes_max);
  tool_.timeout = in_.duration("timeout").value_or(tool_.timeout);
  if (const auto cwd = in_.string("cwd")) {
    tool_.cwd = *cwd;
    if (!is_absolute(*cwd)) in_.problem("not_absolute", "cwd must be an absolute path", "cwd");
  }
}

void ToolReader::read_sandbox() {
  const doc::Value* value = in_.any("sandbox");
  if (value == nullptr) return;
  if (value->is_string()) {
    tool_.sandbox.enabled = value->as_string() != "none";
    if (tool_.sandbox.enabled) {
      in_.problem("unknown_choice",
                  "sandbox is `none` or {network: …, read_only: […], read_write: […]}", "sandbox");
    }
    return;
  }
  ObjectReader in(*value, in_.pointer_to("sandbox"), problems_);
  tool_.sandbox.network = in.boolean("network").value_or(false);
  tool_.sandbox.read_only = in.strings("read_only").value_or(std::vector<std::string>{});
  tool_.sandbox.read_write = in.strings("read_write").value_or(std::vector<std::string>{});
  for (const auto& [key, paths] : {std::pair{"read_only", &tool_.sandbox.read_only},
                                   std::pair{"read_write", &tool_.sandbox.read_write}}) {
    for (const std::string& path : *paths) {
      if (!is_absolute(path))
        in.problem("not_absolute", "\"" + path + "\" is no absolute path", key);
    }
  }
  in.finish();
}

void ToolReader::read_mode() {
  const std::string mode = in_.string("mode").value_or("execute");
  if (mode != "execute" && mode != "grant") {
    in_.problem("unknown_choice", "mode is execute or grant", "mode");
  }
  tool_.mode = mode == "grant" ? Mode::kGrant : Mode::kExecute;
  tool_.enforcement_point = in_.string("enforcement_point").value_or("");
  const bool runs = in_.value().find("exec") != nullptr || in_.value().find("sql") != nullptr;
  if (tool_.mode == Mode::kGrant) {
    tool_.kind = ToolKind::kGrantOnly;
    if (tool_.enforcement_point.empty()) {
      in_.problem("missing_field",
                  "mode: grant needs enforcement_point: the agent that may consume the grant",
                  "mode");
    }
    if (runs) {
      in_.problem("conflict", "with mode: grant the enforcement point executes; remove exec or sql",
                  "mode");
    }
    return;
  }
  if (!tool_.enforcement_point.empty()) {
    in_.problem("conflict", "enforcement_point is for mode: grant", "enforcement_point");
  }
  if (!runs) {
    in_.problem("missing_field",
                "tool \"" + tool_.name + "\" needs exec: […], sql: {…} or mode: grant");
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

// The digest of a definition, over its RFC 8785 form.
std::string definition_digest(const std::string& name, const doc::Member& member,
                              const std::string& pointer, Problems& problems) {
  const auto text =
      doc::canonical(doc::object({{"v", 1}, {"name", name}, {"definition", member.value}}));
  if (text) return crypto::sha256_text(*text);
  problems.push_back({text.error().code, text.error().message, pointer, member.value.position()});
  return "";
}

}  // namespace

std::optional<Catalog> Catalog::load(const doc::Value& tree, doc::Problems& problems) {
  Problems found;
  ObjectReader in(tree, "", found);
  if (const auto version = in.string("apiVersion"); version && *version != "keyturn/v1") {
    in.problem("unknown_version", "apiVersion must be keyturn/v1", "apiVersion");
  }
  if (const auto kind = in.string("kind"); kind && *kind != "Tools") {
    in.problem("unknown_kind", "kind must be Tools", "kind");
  }
  Catalog catalog;
  doc::Value digests = doc::Object{};
  if (const doc::Value* tools = in.object("tools")) {
    for (const doc::Member& member : tools->as_object()) {
      const std::string pointer = "/tools/" + doc::pointer_escape(member.key);
      if (!is_identifier(member.key, true)) {
        found.push_back(
            {"invalid_name",
             "\"" + member.key +
                 "\" is no tool name: letters, digits, \".\", \"_\" and \"-\", at most 100",
             pointer, member.key_position});
      }
      if (catalog.find(member.key) != nullptr) {
        found.push_back({"duplicate_name", "tool \"" + member.key + "\" is defined twice", pointer,
                         member.key_position});
      }
      Tool tool = ToolReader(member.value, pointer, found).read(member.key);
      tool.digest = definition_digest(member.key, member, pointer, found);
      digests.set(member.key, tool.digest);
      catalog.tools_.push_back(std::move(tool));
    }
  } else if (tree.is_object() && tree.find("tools") == nullptr) {
    in.problem("missing_field", "needs tools: {NAME: {exec: […]}}");
  }
  in.finish();
  catalog.digest_ = crypto::sha256_text(
      doc::canonical_or_die(doc::object({{"v", 1}, {"tools", std::move(digests)}})));
  const bool failed = doc::has_errors(found);
  problems.insert(problems.end(), found.begin(), found.end());
  if (failed) return std::nullopt;
  return catalog;
}

const Tool* Catalog::find(std::string_view name) const {
  for (const Tool& tool : tools_) {
    if (tool.name == name) return &tool;
  }
  return nullptr;
}

}  // namespace keyturn::catalog
