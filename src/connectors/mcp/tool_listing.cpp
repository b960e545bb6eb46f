#include "connectors/mcp/tool_listing.h"

#include <algorithm>
#include <string>

#include "base/ascii.h"
#include "catalog/schema.h"

namespace keyturn::connectors::mcp {
namespace {

constexpr std::size_t kNameMax = 128;

bool is_name(std::string_view name) {
  const auto fits = [](char c) {
    return is_alphanumeric(c) || c == '_' || c == '-' || c == '.' || c == '/';
  };
  return !name.empty() && name.size() <= kNameMax && std::ranges::all_of(name, fits);
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
                      {"inputSchema", catalog::json_schema_of(tool)},
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
