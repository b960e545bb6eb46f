#include "catalog/pins.h"

#include <algorithm>

#include "base/ascii.h"
#include "catalog/tool.h"
#include "catalog/upstream.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::catalog {
namespace {

constexpr std::size_t kNameMax = 128;
constexpr std::string_view kCall = "tools/call";

const Definition* find(const Pins::Tools& tools, std::string_view name) {
  const auto found = tools.find(name);
  return found == tools.end() ? nullptr : &found->second;
}

bool says_read_only(const doc::Value& definition) {
  const doc::Value* annotations = definition.find("annotations");
  return annotations != nullptr && annotations->flag("readOnlyHint");
}

std::string operation_of(const Upstream& upstream, std::string_view name,
                         const doc::Value& definition) {
  for (const auto& [glob, operation] : upstream.operations) {
    if (matches_glob(glob, name)) return operation;
  }
  return upstream.trust_annotations && says_read_only(definition) ? "read" : "execute";
}

Tool plain_tool(const std::shared_ptr<const Upstream>& upstream, std::string_view method,
                std::string_view name, std::string_view definition_digest) {
  Tool tool;
  tool.name = upstream->name + "." + std::string(name);
  tool.kind = ToolKind::kMcp;
  tool.resource = upstream->resource;
  tool.timeout = upstream->timeout;
  tool.output_bytes_max = upstream->result_bytes_max;
  tool.upstream = upstream;
  tool.method = method;
  tool.digest =
      crypto::sha256_text(doc::canonical_or_die(doc::object({{"v", 1},
                                                             {"name", tool.name},
                                                             {"method", method},
                                                             {"upstream", upstream->digest},
                                                             {"definition", definition_digest}})));
  return tool;
}

Tool method_tool(const std::shared_ptr<const Upstream>& upstream, const std::string& method) {
  Tool tool = plain_tool(upstream, method, method, "");
  tool.description = "The method " + method + " of the MCP server " + upstream->name;
  tool.operation = "read";
  return tool;
}

Tool call_tool(const std::shared_ptr<const Upstream>& upstream, const std::string& name,
               const Definition& pinned) {
  Tool tool = plain_tool(upstream, kCall, name, pinned.digest);
  tool.description = pinned.value.text("description");
  tool.operation = operation_of(*upstream, name, pinned.value);
  tool.mcp_name = name;
  tool.definition = pinned.value;
  return tool;
}

}  // namespace

bool can_be_offered(const Upstream& upstream, std::string_view tool) {
  return is_mcp_tool_name(tool) && std::ranges::find(upstream.gates, tool) == upstream.gates.end();
}

bool is_mcp_tool_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameMax && std::ranges::all_of(name, [](char c) {
    return is_alphanumeric(c) || c == '_' || c == '.' || c == '/' || c == '-';
  });
}

Result<std::string> definition_digest(const doc::Value& definition) {
  if (!definition.is_object())
    return refuse("invalid_definition", "the definition of a tool is an object");
  doc::Value shown = definition;
  std::erase_if(shown.as_object(), [](const doc::Member& member) {
    return member.key == "icons" || member.key == "_meta";
  });
  const Result<std::string> text = doc::canonical(shown);
  if (!text)
    return refuse("invalid_definition",
                  "the definition of a tool has no canonical form: " + text.error().message,
                  text.error().where);
  return crypto::sha256_text(*text);
}

const Definition* Pins::pinned(std::string_view upstream, std::string_view tool) const {
  return find(all_pinned(upstream), tool);
}

const Definition* Pins::offered(std::string_view upstream, std::string_view tool) const {
  return find(all_offered(upstream), tool);
}

const Pins::Tools& Pins::all_pinned(std::string_view upstream) const {
  static const Tools kNone;
  const auto found = upstreams_.find(upstream);
  return found == upstreams_.end() ? kNone : found->second.pinned;
}

const Pins::Tools& Pins::all_offered(std::string_view upstream) const {
  static const Tools kNone;
  const auto found = upstreams_.find(upstream);
  return found == upstreams_.end() ? kNone : found->second.offered;
}

bool Pins::knows(std::string_view upstream) const {
  return upstreams_.contains(upstream);
}

bool Pins::evolve(const Event& event) {
  const bool pins = event.type == "upstream.pinned";
  if (!pins && event.type != "upstream.offered") return false;
  const doc::Value* tools = event.body.find("tools");
  if (tools == nullptr || !tools->is_object()) return false;
  One& one = upstreams_[std::string(event.body.text("upstream"))];
  const doc::Value* definitions =
      event.private_part ? event.private_part->find("definitions") : nullptr;
  for (const doc::Member& member : tools->as_object()) {
    Definition said{.digest = member.value.is_string() ? member.value.as_string() : "",
                    .since = event.time};
    const doc::Value* value = definitions == nullptr ? nullptr : definitions->find(member.key);
    if (value != nullptr) said.value = *value;
    const Definition* before = find(one.pinned, member.key);
    one.offered.erase(member.key);
    if (!pins && said.digest == (before == nullptr ? "" : before->digest)) continue;
    Tools& into = pins ? one.pinned : one.offered;
    if (pins && said.digest.empty())
      into.erase(member.key);
    else
      into.insert_or_assign(member.key, std::move(said));
  }
  return pins;
}

std::shared_ptr<const Catalog> with_pins(const Catalog& configured, const Pins& pins) {
  auto out = std::make_shared<Catalog>(configured);
  std::erase_if(out->tools_, [](const Tool& tool) { return tool.kind == ToolKind::kMcp; });
  for (const auto& upstream : configured.upstreams()) {
    for (const std::string& method : upstream->gates)
      out->tools_.push_back(method_tool(upstream, method));
    for (const auto& [name, definition] : pins.all_pinned(upstream->name)) {
      if (can_be_offered(*upstream, name))
        out->tools_.push_back(call_tool(upstream, name, definition));
    }
  }
  return out;
}

}  // namespace keyturn::catalog
