// What an sql tool says; and references to secrets, which exec tools have too.
#include "base/ascii.h"
#include "catalog/schema.h"
#include "catalog/template.h"
#include "catalog/tool_reader.h"

namespace keyturn::catalog {

using doc::ObjectReader;

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
  } else if (!tool_.dsn.empty() && options_.check_dsn) {
    if (const Result<void> good = options_.check_dsn(tool_.dsn); !good)
      sql.problem(good.error().code, good.error().message, "dsn");
  }
  tool_.credential = sql.string("credential").value_or("");
  if (const doc::Value* written = sql.value().find("credential"))
    tool_.credential_position = written->position();
  if (!tool_.credential.empty() && sql.value().find("password") != nullptr)
    sql.problem("conflict", "a credential brings its own password; remove one of them", "password");
  if (const doc::Value* password = sql.any("password")) {
    tool_.password = read_secret(*password, sql.pointer_to("password"));
    if (tool_.password && tool_.password->as_file) {
      add("without_effect",
          "as: file has no effect for a database password, which goes to the server alone; remove "
          "it",
          *password->find("as"), sql.pointer_to("password") + "/as");
    }
  }
  read_statement(sql);
  for (std::string name : sql.strings("harmless_functions").value_or(std::vector<std::string>{})) {
    for (char& c : name) c = to_lower(c);
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
  std::optional<SecretRef> ref;
  if (const doc::Value* written = in.any("secret"); written == nullptr) {
    in.problem("missing_field", "needs a reference: {secret: \"env:NAME\"}");
  } else if (auto parsed = secrets::parse_reference(*written, in.pointer_to("secret"))) {
    ref = SecretRef{.reference = std::move(*parsed)};
  } else {
    add(parsed.error().code, parsed.error().message, *written, parsed.error().where);
  }
  const auto as = in.string("as");
  if (as && *as != "file") in.problem("unknown_choice", "as: file is the only choice", "as");
  if (ref) ref->as_file = as == "file";
  in.finish();
  return ref;
}

}  // namespace keyturn::catalog
