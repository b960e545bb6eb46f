#include "cli/bridge/headers.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/ascii.h"
#include "base/bytes.h"

namespace keyturn::cli::bridge {
namespace {

constexpr std::string_view kMark = "x-mcp-header";
constexpr std::string_view kBegin = "=?base64?", kEnd = "?=";
constexpr std::size_t kToolsMax = 10'000;

bool is_plain(std::string_view text) {
  if (text.empty() || (text.starts_with(kBegin) && text.ends_with(kEnd))) return false;
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  if (is_space(text.front()) || is_space(text.back())) return false;
  return std::ranges::all_of(text, [](char c) { return c == '\t' || (c >= ' ' && c <= '~'); });
}

// RFC 9110 §5.6.2
bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return is_alphanumeric(c) || kOthers.contains(c);
  });
}

std::string_view name_source(std::string_view method) {
  if (method == "tools/call" || method == "prompts/get") return "name";
  if (method == "resources/read") return "uri";
  if (method.starts_with("tasks/")) return "taskId";
  return {};
}

// As the specification's conversions of types say; nothing for what is no primitive.
std::optional<std::string> text_of(const doc::Value& value) {
  if (value.is_string()) return value.as_string();
  if (value.is_bool()) return value.as_bool() ? "true" : "false";
  if (const auto number = value.as_int64()) return std::to_string(*number);
  return std::nullopt;
}

}  // namespace

std::string header_value(const std::string& text) {
  if (is_plain(text)) return text;
  return std::string(kBegin) + to_base64(text) + std::string(kEnd);
}

void add_standard_headers(const rpc::Message& message, net::Headers& headers) {
  const doc::Value* meta = message.meta();
  const doc::Value* version = meta == nullptr ? nullptr : meta->find(rpc::kVersionKey);
  if (version == nullptr || !version->is_string()) return;
  headers.set("MCP-Protocol-Version", header_value(version->as_string()));
  headers.set("Mcp-Method", header_value(message.method));
  const std::string_view source = name_source(message.method);
  const doc::Value* name = source.empty() ? nullptr : message.params()->find(source);
  if (name != nullptr && name->is_string() && !name->as_string().empty())
    headers.set("Mcp-Name", header_value(name->as_string()));
}

// False: a mark that the rules do not allow; the tool has none then.
bool ParameterHeaders::collect(const doc::Value& schema, std::vector<std::string>& path,
                               std::vector<Mark>& out) {
  constexpr std::size_t kDepthMax = 32;
  if (!schema.is_object() || path.size() > kDepthMax) return true;
  if (const doc::Value* mark = schema.find(kMark)) {
    const std::string_view type = schema.text("type");
    const bool is_primitive = type == "string" || type == "integer" || type == "boolean";
    if (path.empty() || !mark->is_string() || !is_token(mark->as_string()) || !is_primitive)
      return false;
    out.push_back({mark->as_string(), path});
  }
  const doc::Value* properties = schema.find("properties");
  if (properties == nullptr || !properties->is_object()) return true;
  for (const doc::Member& member : properties->as_object()) {
    path.push_back(member.key);
    const bool is_right = collect(member.value, path, out);
    path.pop_back();
    if (!is_right) return false;
  }
  return true;
}

void ParameterHeaders::learn(const doc::Value& result) {
  const doc::Value* tools = result.find("tools");
  if (tools == nullptr || !tools->is_array()) return;
  for (const doc::Value& tool : tools->as_array()) {
    const doc::Value* schema = tool.find("inputSchema");
    std::vector<std::string> path;
    std::vector<Mark> marks;
    if (schema == nullptr || !collect(*schema, path, marks)) marks.clear();
    const std::scoped_lock lock(mutex_);
    const std::string name(tool.text("name"));
    marks_.erase(name);
    if (!marks.empty() && marks_.size() < kToolsMax) marks_.emplace(name, std::move(marks));
  }
}

void ParameterHeaders::add(const rpc::Message& call, net::Headers& headers) const {
  const doc::Value* params = call.params();
  const doc::Value* arguments = params == nullptr ? nullptr : params->find("arguments");
  if (call.method != "tools/call" || arguments == nullptr) return;
  const std::scoped_lock lock(mutex_);
  const auto found = marks_.find(std::string(params->text("name")));
  if (found == marks_.end()) return;
  for (const Mark& mark : found->second) {
    const doc::Value* value = arguments;
    for (const std::string& key : mark.path) value = value == nullptr ? nullptr : value->find(key);
    if (value == nullptr) continue;
    if (const std::optional<std::string> text = text_of(*value))
      headers.set("Mcp-Param-" + mark.name, header_value(*text));
  }
}

}  // namespace keyturn::cli::bridge
