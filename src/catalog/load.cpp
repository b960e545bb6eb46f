// tools.yaml into tools and MCP servers.
#include <algorithm>

#include "catalog/credentials.h"
#include "catalog/documents.h"
#include "catalog/runbook_reader.h"
#include "catalog/tool.h"
#include "catalog/tool_reader.h"
#include "catalog/upstream_reader.h"
#include "crypto/crypto.h"
#include "doc/json.h"
#include "doc/yaml.h"

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

// "runbook.NAME" starts a run.
void check_reserved(const doc::Value& tools, Problems& found) {
  for (const doc::Member& member : tools.as_object()) {
    if (!member.key.starts_with(kRunbookPrefix)) continue;
    found.push_back({"reserved_name",
                     "tool \"" + member.key + "\" has the name of a runbook; choose another name",
                     "/tools/" + doc::pointer_escape(member.key), member.key_position});
  }
}

void check_version(ObjectReader& in) {
  if (const auto version = in.string("apiVersion"); version && *version != "keyturn/v1")
    in.problem("unknown_version", "apiVersion must be keyturn/v1", "apiVersion");
}

// A document of the text, with positions of the whole.
std::optional<doc::Value> parse_part(const DocumentPart& part, Problems& found) {
  std::string padded(part.first_line - 1, '\n');
  padded += part.text;
  return doc::parse_yaml(padded, {}, found);
}

std::string_view kind_of(const doc::Value& tree) {
  const doc::Value* kind = tree.is_object() ? tree.find("kind") : nullptr;
  return kind != nullptr && kind->is_string() ? std::string_view(kind->as_string()) : "Tools";
}

}  // namespace

// Reads documents, one after the other, into one catalog.
class Catalog::Loader {
 public:
  Loader(const LoadOptions& options, Problems& found) : options_(options), found_(found) {}

  void read(const doc::Value& tree) {
    const std::string_view kind = kind_of(tree);
    if (kind == "Runbook") return read_runbook(tree);
    if (kind == "Credentials") return read_credentials(tree);
    read_tools_document(tree);
  }

  // Of one that cannot be parsed it is not known what it says: its problems are those of its text.
  void leave_out() { has_tools_ = true; }

  std::optional<Catalog> finish() {
    if (!has_tools_ && catalog_.credentials_.is_null() && runbooks_.empty()) {
      found_.push_back({"missing_field", kNothing, "", {}});
    }
    for (Tool& tool : runbooks_) catalog_.tools_.push_back(std::move(tool));
    check_credentials();
    seal();
    if (doc::has_errors(found_)) return std::nullopt;
    return std::move(catalog_);
  }

 private:
  static constexpr const char* kNothing =
      "needs tools: {NAME: {exec: […]}} or upstreams: {NAME: {url: https://…}}";

  void read_tools_document(const doc::Value& tree) {
    ObjectReader in(tree, "", found_);
    check_version(in);
    if (const auto kind = in.string("kind"); kind && *kind != "Tools")
      in.problem("unknown_kind", "kind must be Tools, Credentials or Runbook", "kind");
    if (has_tools_)
      in.problem("duplicate_document",
                 "there is one document of kind Tools only; a runbook says kind: Runbook");
    has_tools_ = true;
    const doc::Value* tools = in.object("tools");
    const doc::Value* upstreams = in.object("upstreams");
    if (tools != nullptr) catalog_.tools_ = read_tools(*tools, options_, found_);
    if (tools != nullptr) check_reserved(*tools, found_);
    if (upstreams != nullptr) catalog_.upstreams_ = read_upstreams(*upstreams, options_, found_);
    if (tools != nullptr) check_names(*tools, catalog_.upstreams_, found_);
    if (tree.is_object() && tree.find("tools") == nullptr && tree.find("upstreams") == nullptr)
      in.problem("missing_field", kNothing);
    in.finish();
  }

  void read_credentials(const doc::Value& tree) {
    if (!catalog_.credentials_.is_null()) {
      found_.push_back({"duplicate_document", "there is one document of kind Credentials only", "",
                        tree.position()});
    }
    catalog_.credentials_ = tree;
  }

  void check_credentials() {
    if (!options_.check_credentials) return;
    std::vector<CredentialUse> uses;
    for (const Tool& tool : catalog_.tools_) {
      for (CredentialUse use : credential_uses(tool)) {
        use.pointer = "/tools/" + doc::pointer_escape(tool.name) + use.pointer;
        uses.push_back(std::move(use));
      }
    }
    options_.check_credentials(catalog_.credentials_, uses, found_);
  }

  void read_runbook(const doc::Value& tree) {
    ObjectReader in(tree, "", found_);
    check_version(in);
    Tool tool = RunbookReader(tree, options_, found_).read();
    if (std::ranges::find(runbooks_, tool.name, &Tool::name) != runbooks_.end()) {
      found_.push_back(
          {"duplicate_name",
           "there are two runbooks of the name \"" + tool.name.substr(kRunbookPrefix.size()) + "\"",
           "/metadata/name", tree.position()});
    }
    const auto text =
        doc::canonical(doc::object({{"v", 1}, {"name", tool.name}, {"definition", tree}}));
    if (text)
      tool.digest = crypto::sha256_text(*text);
    else
      found_.push_back({text.error().code, text.error().message, "", tree.position()});
    runbooks_.push_back(std::move(tool));
  }

  void seal() {
    doc::Value digests = doc::Object{}, servers = doc::Object{};
    for (const Tool& tool : catalog_.tools_) digests.set(tool.name, tool.digest);
    for (const auto& upstream : catalog_.upstreams_) servers.set(upstream->name, upstream->digest);
    doc::Value whole = doc::object({{"v", 1}, {"tools", std::move(digests)}});
    if (!catalog_.upstreams_.empty()) whole.set("upstreams", std::move(servers));
    if (!catalog_.credentials_.is_null()) whole.set("credentials", catalog_.credentials_);
    if (const auto text = doc::canonical(whole); text)
      catalog_.digest_ = crypto::sha256_text(*text);
    else
      found_.push_back({text.error().code, text.error().message, "", {}});
  }

  const LoadOptions& options_;
  Problems& found_;
  Catalog catalog_;
  std::vector<Tool> runbooks_;
  bool has_tools_ = false;
};

std::optional<Catalog> Catalog::load(const doc::Value& tree, doc::Problems& problems,
                                     const LoadOptions& options) {
  Problems found;
  Loader loader(options, found);
  loader.read(tree);
  std::optional<Catalog> catalog = loader.finish();
  problems.insert(problems.end(), found.begin(), found.end());
  return catalog;
}

std::optional<Catalog> Catalog::load_text(std::string_view text, doc::Problems& problems,
                                          const LoadOptions& options) {
  Problems found;
  Loader loader(options, found);
  for (const DocumentPart& part : split_documents(text)) {
    if (const std::optional<doc::Value> tree = parse_part(part, found))
      loader.read(*tree);
    else
      loader.leave_out();
  }
  std::optional<Catalog> catalog = loader.finish();
  problems.insert(problems.end(), found.begin(), found.end());
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