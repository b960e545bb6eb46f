// tools.yaml into tools.
#include "catalog/tool.h"
#include "catalog/tool_reader.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::catalog {
namespace {

using doc::ObjectReader;
using doc::Problems;

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
      Tool tool = ToolReader(member.value, pointer, options, found).read(member.key);
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
