// tools.yaml into tools and MCP servers.
#include <algorithm>

#include "catalog/tool.h"
#include "catalog/tool_reader.h"
#include "catalog/upstream_reader.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::catalog {
namespace {

using doc::ObjectReader;
using doc::Problems;

// The digest of a definition, over its RFC 8785 form.
std::string digest_of(const std::string& name, const doc::Member& member,
                      const std::string& pointer, Problems& problems) {
  const auto text =
      doc::canonical(doc::object({{"v", 1}, {"name", name}, {"definition", member.value}}));
  if (text) return crypto::sha256_text(*text);
  problems.push_back({text.error().code, text.error().message, pointer, member.value.position()});
  return "";
}

std::vector<Tool> read_tools(const doc::Value& tools, const LoadOptions& options, Problems& found) {
  std::vector<Tool> out;
  for (const doc::Member& member : tools.as_object()) {
    const std::string pointer = "/tools/" + doc::pointer_escape(member.key);
    if (!is_identifier(member.key, true)) {
      found.push_back(
          {"invalid_name",
           "\"" + member.key +
               "\" is no tool name: letters, digits, \".\", \"_\" and \"-\", at most 100",
           pointer, member.key_position});
    }
    if (std::ranges::find(out, member.key, &Tool::name) != out.end()) {
      found.push_back({"duplicate_name", "tool \"" + member.key + "\" is defined twice", pointer,
                       member.key_position});
    }
    Tool tool = ToolReader(member.value, pointer, options, found).read(member.key);
    tool.digest = digest_of(member.key, member, pointer, found);
    out.push_back(std::move(tool));
  }
  return out;
}

using Upstreams = std::vector<std::shared_ptr<const Upstream>>;

Upstreams read_upstreams(const doc::Value& upstreams, const LoadOptions& options, Problems& found) {
  Upstreams out;
  for (const doc::Member& member : upstreams.as_object()) {
    const std::string pointer = "/upstreams/" + doc::pointer_escape(member.key);
    const auto problem = [&](std::string code, std::string message) {
      found.push_back({std::move(code), std::move(message), pointer, member.key_position});
    };
    if (!is_upstream_name(member.key))
      problem("invalid_name", "\"" + member.key +
                                  "\" is no name of an MCP server: lower case letters, digits and "
                                  "\"-\", at most 40");
    if (member.key == "keyturn")
      problem("reserved_name", "keyturn is the built-in server; choose another name");
    Upstream one = UpstreamReader(member.value, pointer, options, found).read(member.key);
    one.digest = digest_of(member.key, member, pointer, found);
    out.push_back(std::make_shared<const Upstream>(std::move(one)));
  }
  return out;
}

// "files.read" under tools and a server "files" with a tool "read" would be one name for two
// things.
void check_names(const doc::Value& tools, const Upstreams& upstreams, Problems& found) {
  for (const doc::Member& member : tools.as_object()) {
    const std::string_view first = std::string_view(member.key).substr(0, member.key.find('.'));
    if (first.size() == member.key.size()) continue;
    for (const auto& upstream : upstreams) {
      if (upstream->name != first) continue;
      found.push_back({"duplicate_name",
                       "tool \"" + member.key + "\" has the name of a tool of the MCP server \"" +
                           upstream->name + "\" (upstreams); rename one of them",
                       "/tools/" + doc::pointer_escape(member.key), member.key_position});
    }
  }
}

}  // namespace

std::optional<Catalog> Catalog::load(const doc::Value& tree, doc::Problems& problems,
                                     const LoadOptions& options) {
  Problems found;
  ObjectReader in(tree, "", found);
  if (const auto version = in.string("apiVersion"); version && *version != "keyturn/v1") {
    in.problem("unknown_version", "apiVersion must be keyturn/v1", "apiVersion");
  }
  if (const auto kind = in.string("kind"); kind && *kind != "Tools") {
    in.problem("unknown_kind", "kind must be Tools", "kind");
  }
  Catalog catalog;
  const doc::Value* tools = in.object("tools");
  const doc::Value* upstreams = in.object("upstreams");
  if (tools != nullptr) catalog.tools_ = read_tools(*tools, options, found);
  if (upstreams != nullptr) catalog.upstreams_ = read_upstreams(*upstreams, options, found);
  if (tools != nullptr) check_names(*tools, catalog.upstreams_, found);
  if (tree.is_object() && tree.find("tools") == nullptr && tree.find("upstreams") == nullptr)
    in.problem("missing_field",
               "needs tools: {NAME: {exec: […]}} or upstreams: {NAME: {url: https://…}}");
  in.finish();
  doc::Value digests = doc::Object{}, servers = doc::Object{};
  for (const Tool& tool : catalog.tools_) digests.set(tool.name, tool.digest);
  for (const auto& upstream : catalog.upstreams_) servers.set(upstream->name, upstream->digest);
  doc::Value whole = doc::object({{"v", 1}, {"tools", std::move(digests)}});
  if (!catalog.upstreams_.empty()) whole.set("upstreams", std::move(servers));
  catalog.digest_ = crypto::sha256_text(doc::canonical_or_die(whole));
  const bool failed = doc::has_errors(found);
  problems.insert(problems.end(), found.begin(), found.end());
  if (failed) return std::nullopt;
  return catalog;
}

std::shared_ptr<const Upstream> Catalog::upstream(std::string_view name) const {
  for (const auto& one : upstreams_) {
    if (one->name == name) return one;
  }
  return nullptr;
}

const Tool* Catalog::find(std::string_view name) const {
  for (const Tool& tool : tools_) {
    if (tool.name == name) return &tool;
  }
  return nullptr;
}

}  // namespace keyturn::catalog
