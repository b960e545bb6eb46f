// A tool's parameters as JSON Schema, for those who are not Keyturn.
#include "catalog/schema.h"
#include "catalog/tool.h"

namespace keyturn::catalog {
namespace {

// What RE2 writes as ECMAScript does.
bool is_common(std::string_view pattern) {
  for (const std::string_view own :
       {"(?", "\\A", "\\z", "\\C", "\\Q", "\\p", "\\P", "\\x{", "[["}) {
    if (pattern.contains(own)) return false;
  }
  return true;
}

// `is_param`: a parameter itself, whose `required` says something about it.
doc::Value plain_schema(const doc::Value& schema, bool is_param) {
  doc::Value out = doc::Object{};
  for (const doc::Member& member : schema.as_object()) {
    const std::string& word = member.key;
    if (word == "leading_dash" || word == "bytes_max") continue;
    if (word == "required" && is_param && member.value.is_bool()) continue;
    if (word == "secret") {
      if (schema.flag("secret")) out.set("writeOnly", true);
    } else if (word == "pattern") {
      if (member.value.is_string() && is_common(member.value.as_string()))
        out.set(word, member.value);
    } else if (word == "items" && member.value.is_object()) {
      out.set(word, plain_schema(member.value, false));
    } else if (word == "properties" && member.value.is_object()) {
      doc::Value properties = doc::Object{};
      for (const doc::Member& property : member.value.as_object()) {
        if (property.value.is_object())
          properties.set(property.key, plain_schema(property.value, false));
      }
      out.set(word, std::move(properties));
    } else {
      out.set(word, member.value);
    }
  }
  return out;
}

}  // namespace

doc::Value json_schema_of(const Tool& tool) {
  doc::Value properties = doc::Object{};
  std::vector<std::string> required;
  for (const Param& param : tool.params) {
    properties.set(param.name, plain_schema(param.schema, true));
    if (param.required) required.push_back(param.name);
  }
  return doc::object({{"type", "object"},
                      {"properties", std::move(properties)},
                      {"required", doc::array_of(required)},
                      {"additionalProperties", false}});
}

}  // namespace keyturn::catalog
