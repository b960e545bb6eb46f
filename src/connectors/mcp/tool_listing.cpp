#include "connectors/mcp/tool_listing.h"

#include <algorithm>
#include <string>

namespace keyturn::connectors::mcp {
namespace {

constexpr std::size_t kNameMax = 128;

bool is_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == '/';
  };
  return !name.empty() && name.size() <= kNameMax && std::ranges::all_of(name, fits);
}

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

doc::Value text_schema(std::string_view description) {
  return doc::object({{"type", "string"}, {"description", description}});
}

doc::Value seconds_schema(std::string_view description) {
  return doc::object(
      {{"type", "integer"}, {"minimum", 0}, {"maximum", 50}, {"description", description}});
}

doc::Value own_tool(std::string_view name, std::string_view description, doc::Value properties,
                    const std::vector<std::string>& required, bool reads) {
  return doc::object(
      {{"name", name},
       {"description", description},
       {"inputSchema", doc::object({{"type", "object"},
                                    {"properties", std::move(properties)},
                                    {"required", doc::array_of(required)},
                                    {"additionalProperties", false}})},
       {"annotations", doc::object({{"readOnlyHint", reads}, {"openWorldHint", false}})}});
}

constexpr std::string_view kAction = "the id of the action, act_…";

}  // namespace

bool is_listed(const catalog::Tool& tool) {
  return tool.kind != catalog::ToolKind::kMcp && is_name(tool.name) &&
         !tool.name.starts_with("keyturn_") && !tool.name.starts_with("keyturn.");
}

doc::Value input_schema(const catalog::Tool& tool) {
  doc::Value properties = doc::Object{};
  std::vector<std::string> required;
  for (const catalog::Param& param : tool.params) {
    properties.set(param.name, plain_schema(param.schema, true));
    if (param.required) required.push_back(param.name);
  }
  return doc::object({{"type", "object"},
                      {"properties", std::move(properties)},
                      {"required", doc::array_of(required)},
                      {"additionalProperties", false}});
}

doc::Value listed(const catalog::Tool& tool) {
  std::string words = tool.description;
  if (words.empty()) {
    words = "Does \"" + tool.operation + "\" on " + tool.resource.kind + " " + tool.resource.name;
    if (!tool.resource.env.empty()) words += " of " + tool.resource.env;
  }
  if (!words.ends_with('.')) words += '.';
  if (tool.mode == catalog::Mode::kGrant)
    words += " Gives a grant for " + tool.enforcement_point + ", which does it.";
  words += " People may have to agree before it runs.";
  return doc::object({{"name", tool.name},
                      {"description", std::move(words)},
                      {"inputSchema", input_schema(tool)},
                      {"annotations", doc::object({{"readOnlyHint", tool.operation == "read"}})}});
}

doc::Array own_tools() {
  doc::Value request = doc::object(
      {{"tool", text_schema("its name as Keyturn has it, also \"SERVER.TOOL\" of an MCP server "
                            "behind Keyturn")},
       {"args", doc::object({{"type", "object"}, {"description", "its arguments"}})},
       {"reason", text_schema("why, for the people who decide")},
       {"wait_s", seconds_schema("how long to wait for the outcome; default: 50")}});
  doc::Value wait =
      doc::object({{"action", text_schema(kAction)},
                   {"timeout_s", seconds_schema("how long to wait at most; default: 50")}});
  doc::Array out;
  out.push_back(own_tool("keyturn_request",
                         "Asks Keyturn to run one of its tools. If people have to agree first, it "
                         "runs by itself when they did; keyturn_wait waits for that.",
                         std::move(request), {"tool"}, false));
  out.push_back(own_tool("keyturn_wait",
                         "Waits until an action is decided, or done, and says how it stands. Call "
                         "it again while it is pending.",
                         std::move(wait), {"action"}, true));
  out.push_back(own_tool("keyturn_status", "Says at once how an action stands.",
                         doc::object({{"action", text_schema(kAction)}}), {"action"}, true));
  return out;
}

}  // namespace keyturn::connectors::mcp
