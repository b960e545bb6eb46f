#include "policy/types.h"

#include "catalog/schema.h"

namespace keyturn::policy {
namespace {

using cel::Type;

Type texts() {
  return Type::list(Type::string());
}

// What facts/ produces, field by field: facts_types_test.cpp holds the two against each other.
Type facts_type() {
  const Type relation = Type::object(
      "facts.sql.relation",
      {{"schema", Type::string()}, {"name", Type::string()}, {"access", Type::string()}});
  const Type statement = Type::object("facts.sql.statement", {{"verb", Type::string()},
                                                              {"object", Type::string()},
                                                              {"operation", Type::string()},
                                                              {"relations", Type::list(relation)},
                                                              {"functions", texts()},
                                                              {"has_where", Type::boolean()},
                                                              {"has_limit", Type::boolean()},
                                                              {"nested", Type::boolean()}});
  const Type sql = Type::object("facts.sql", {{"statements", Type::list(statement)},
                                              {"count", Type::integer()},
                                              {"functions", texts()},
                                              {"relations", Type::list(relation)}});
  const Type shell = Type::object(
      "facts.shell",
      {{"programs", texts()}, {"inline", Type::boolean()}, {"uninspectable", Type::boolean()}});
  const Type http = Type::object("facts.http", {{"method", Type::string()},
                                                {"scheme", Type::string()},
                                                {"host", Type::string()},
                                                {"port", Type::integer()},
                                                {"path", Type::string()},
                                                {"query", texts()},
                                                {"content_type", Type::string()},
                                                {"body_bytes", Type::integer()}});
  const Type kubernetes = Type::object("facts.kubernetes", {{"verb", Type::string()},
                                                            {"group", Type::string()},
                                                            {"version", Type::string()},
                                                            {"resource", Type::string()},
                                                            {"subresource", Type::string()},
                                                            {"namespace", Type::string()},
                                                            {"name", Type::string()},
                                                            {"dry_run", Type::boolean()}});
  return Type::object("facts", {{"sql", sql},
                                {"shell", shell},
                                {"http", http},
                                {"kubernetes", kubernetes},
                                {"argv", texts()},
                                {"uninspectable", Type::boolean()},
                                {"why", texts()}});
}

Type calendar_type(const Calendar& calendar) {
  std::vector<cel::Field> fields;
  for (const std::string& name : calendar.names()) {
    fields.push_back({"in_" + name, Type::boolean()});
    fields.push_back({name + "_ends", Type::timestamp()});
  }
  return Type::object("calendar", std::move(fields));
}

Type schema_type(const catalog::Schema& schema, const std::string& name) {
  switch (schema.type) {
    case catalog::ValueType::kString:
      return Type::string();
    case catalog::ValueType::kInteger:
      return Type::integer();
    case catalog::ValueType::kNumber:
      return Type::number();
    case catalog::ValueType::kBoolean:
      return Type::boolean();
    case catalog::ValueType::kArray:
      return Type::list(schema.items ? schema_type(*schema.items, name + "[]") : Type::string());
    case catalog::ValueType::kObject: {
      std::vector<cel::Field> fields;
      fields.reserve(schema.properties.size());
      for (const auto& property : schema.properties) {
        fields.push_back(
            {property.name, schema_type(*property.schema, name + "." + property.name)});
      }
      return Type::object(name, std::move(fields));
    }
  }
  return Type::dyn();
}

}  // namespace

cel::Type action_type(cel::Type args) {
  return Type::object("action", {{"tool", Type::string()},
                                 {"operation", Type::string()},
                                 {"args", std::move(args)},
                                 {"reason", Type::string()}});
}

cel::Type arguments_type(const catalog::Tool& tool) {
  std::vector<cel::Field> fields;
  fields.reserve(tool.params.size());
  for (const catalog::Param& param : tool.params) {
    fields.push_back({param.name, schema_type(*param.checked, "action.args." + param.name)});
  }
  return Type::object("action.args", std::move(fields));
}

cel::Environment base_environment(const Calendar& calendar) {
  cel::Environment env;
  env.variable("action", action_type(Type::dyn()));
  env.variable("resource",
               Type::object("resource", {{"kind", Type::string()},
                                         {"name", Type::string()},
                                         {"env", Type::string()},
                                         {"labels", Type::map(Type::string(), Type::string())}}));
  env.variable("actor", Type::object("actor", {{"id", Type::string()},
                                               {"owner", Type::string()},
                                               {"groups", texts()},
                                               {"delegated_by", texts()}}));
  env.variable("request", Type::object("request", {{"time", Type::timestamp()},
                                                   {"channel", Type::string()},
                                                   {"taint", texts()},
                                                   {"incident", Type::string()},
                                                   {"break_glass", Type::string()},
                                                   {"runbook", Type::string()},
                                                   {"step", Type::string()},
                                                   {"repeats_of_denied", Type::integer()}}));
  env.variable("facts", facts_type());
  env.variable("risk", Type::object("risk", {{"score", Type::integer()}, {"why", texts()}}));
  env.variable("history", Type::object("history", {{"count_1h", Type::integer()},
                                                   {"count_24h", Type::integer()},
                                                   {"count_7d", Type::integer()},
                                                   {"denied_24h", Type::integer()},
                                                   {"first_time", Type::boolean()}}));
  env.variable("calendar", calendar_type(calendar));
  env.variable("claims", Type::object("claims",
                                      {{"session", Type::dyn()},
                                       {"model", Type::dyn()},
                                       {"on_behalf_of", Type::dyn()},
                                       {"reason", Type::dyn()}},
                                      true));
  return env;
}

bool is_claim(std::string_view path) {
  return path == "claims" || path.starts_with("claims.") || path == "action.reason" ||
         path == "action";
}

}  // namespace keyturn::policy
