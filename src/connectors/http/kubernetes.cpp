#include "connectors/http/kubernetes.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/percent.h"
#include "crypto/crypto.h"
#include "doc/json.h"
#include "facts/classify.h"
#include "net/http.h"

namespace keyturn::connectors::http {
namespace {

constexpr std::size_t kNamedMax = 100;
// Of the API itself; custom resources have the first two.
constexpr std::array<std::string_view, 9> kDryRuns{
    "",       "status",  "scale", "eviction", "binding", "approval", "ephemeralcontainers",
    "resize", "finalize"};
constexpr std::array<std::string_view, 5> kCounted{
    "/metadata/managedFields", "/metadata/resourceVersion", "/metadata/generation", "/metadata/uid",
    "/metadata/creationTimestamp"};

std::string_view path_of(const catalog::HttpMessage& message) {
  return std::string_view(message.target).substr(0, message.target.find('?'));
}

std::string header(const catalog::HttpMessage& message, std::string_view wanted) {
  for (const auto& [name, value] : message.headers) {
    if (net::equal_ignoring_case(name, wanted)) return value;
  }
  return "";
}

// What the classifier says of it: the same that policy and reviewers were told.
doc::Value api_of(const catalog::HttpMessage& message) {
  const Facts facts = facts::classify_kubernetes({.method = message.method, .url = message.url()});
  const doc::Value* api = facts.tree.find("kubernetes");
  return api == nullptr ? doc::Value(doc::Object{}) : *api;
}

catalog::HttpMessage get_of(const catalog::HttpMessage& message, std::string target) {
  catalog::HttpMessage out{.method = "GET", .server = message.server, .target = std::move(target)};
  for (const auto& [name, value] : message.headers) {
    if (!net::equal_ignoring_case(name, "content-type") &&
        !net::equal_ignoring_case(name, "accept"))
      out.headers.emplace_back(name, value);
  }
  out.headers.emplace_back("Accept", "application/json");
  return out;
}

doc::Value delete_options(const catalog::HttpMessage& message) {
  const auto body = doc::parse_json(message.body);
  doc::Value options = body && body->is_object() ? *body : doc::Value(doc::Object{});
  options.set("apiVersion", "v1");
  options.set("kind", "DeleteOptions");
  return options;
}

void set_body(catalog::HttpMessage& message, const doc::Value& body) {
  message.body = doc::write_json(body);
  if (header(message, "content-type").empty())
    message.headers.emplace_back("Content-Type", "application/json");
}

std::string metadata_text(const doc::Value& object, std::string_view key) {
  const doc::Value* metadata = object.find("metadata");
  return metadata == nullptr ? "" : std::string(metadata->text(key));
}

// The items of a list; null of an object, which has a uid.
const doc::Array* items_of(const doc::Value& object) {
  const doc::Value* items = object.find("items");
  const bool is_list =
      items != nullptr && items->is_array() && metadata_text(object, "uid").empty();
  return is_list ? &items->as_array() : nullptr;
}

// A name within a line: control characters as JSON writes them.
std::string in_line(std::string_view name) {
  const std::string quoted = doc::write_json(doc::Value(name));
  return quoted.substr(1, quoted.size() - 2);
}

// {"a": {"b": 1}} as "/a/b": 1.
using Leaves = std::map<std::string, doc::Value>;

void add_leaves(const doc::Value& value, const std::string& path, Leaves& out) {
  if (std::ranges::find(kCounted, path) != kCounted.end()) return;
  if (value.is_object() && !value.as_object().empty()) {
    for (const doc::Member& member : value.as_object())
      add_leaves(member.value, path + "/" + doc::pointer_escape(member.key), out);
  } else if (value.is_array() && !value.as_array().empty()) {
    for (std::size_t i = 0; i < value.as_array().size(); ++i)
      add_leaves(value.as_array()[i], path + "/" + std::to_string(i), out);
  } else if (!value.is_null()) {
    out.emplace(path, value);
  }
}

bool is_secret(const doc::Value& object, std::string_view path) {
  return object.text("kind") == "Secret" &&
         (path.starts_with("/data/") || path.starts_with("/stringData/") ||
          path.starts_with("/metadata/annotations/kubectl"));
}

doc::Value shown_leaf(const doc::Value& object, const std::string& path, const doc::Value& leaf) {
  return is_secret(object, path) ? doc::Value("<secret>") : leaf;
}

doc::Value state_value(const ObjectState& state) {
  return doc::object({{"uid", state.uid}, {"resourceVersion", state.resource_version}});
}

void set_in_metadata(doc::Value& body, const ObjectState& state, bool uid) {
  const doc::Value* given = body.find("metadata");
  doc::Value metadata = given != nullptr && given->is_object() ? *given : doc::Value(doc::Object{});
  if (uid) metadata.set("uid", state.uid);
  metadata.set("resourceVersion", state.resource_version);
  body.set("metadata", std::move(metadata));
}

doc::Value test_of(std::string_view path, const std::string& value) {
  return doc::object({{"op", "test"}, {"path", path}, {"value", value}});
}

}  // namespace

catalog::HttpMessage dry_run_of(const catalog::HttpMessage& message) {
  catalog::HttpMessage out = message;
  out.target += (out.target.contains('?') ? "&" : "?") + std::string("dryRun=All");
  if (message.method != "DELETE") return out;
  doc::Value options = delete_options(message);
  options.set("dryRun", doc::array_of({"All"}));
  set_body(out, options);
  return out;
}

std::string without_dry_run(const catalog::HttpMessage& message) {
  const doc::Value api = api_of(message);
  const std::string_view sub = api.text("subresource");
  if (api.text("verb").empty()) return "its path is that of no object of the API";
  if (std::ranges::find(kDryRuns, sub) != kDryRuns.end()) return "";
  return std::string(api.text("resource")) + "/" + std::string(sub) +
         " is not known to have a dry run: the server could do it";
}

std::vector<catalog::HttpMessage> live_of(const catalog::HttpMessage& message) {
  const doc::Value api = api_of(message);
  const std::string path(path_of(message));
  std::vector<catalog::HttpMessage> out;
  if (!api.text("subresource").empty()) {
    const bool has_form = message.method != "POST";  // scale and status; eviction is none to GET
    if (has_form) out.push_back(get_of(message, path));
    out.push_back(get_of(message, path.substr(0, path.rfind('/'))));
  } else if (message.method == "POST") {
    const auto body = doc::parse_json(message.body);
    const std::string name = body ? metadata_text(*body, "name") : "";
    if (!name.empty()) out.push_back(get_of(message, path + "/" + percent_encoded(name)));
  } else if (api.text("verb") == "deletecollection") {
    out.push_back(get_of(message, message.target));
  } else {
    out.push_back(get_of(message, path));
  }
  return out;
}

Result<std::vector<ObjectState>> states_of(const doc::Value& object) {
  const auto state = [](const doc::Value& one) {
    return ObjectState{metadata_text(one, "uid"), metadata_text(one, "resourceVersion")};
  };
  std::vector<ObjectState> out;
  if (const doc::Array* items = items_of(object)) {
    for (const doc::Value& item : *items) out.push_back(state(item));
  } else {
    out.push_back(state(object));
  }
  const bool good = !object.text("kind").empty() && !object.text("apiVersion").empty() &&
                    std::ranges::none_of(out, [](const ObjectState& one) {
                      return one.uid.empty() || one.resource_version.empty();
                    });
  if (!good)
    return refuse("not_kubernetes",
                  "what came is no object of a Kubernetes API: it has no kind, "
                  "uid or resourceVersion");
  return out;
}

std::string fingerprint_of(std::vector<ObjectState> states) {
  std::ranges::sort(states, {}, &ObjectState::uid);
  doc::Value all{doc::Array{}};
  for (const ObjectState& state : states) all.push(state_value(state));
  return crypto::sha256_text(
      doc::canonical_or_die(doc::object({{"v", 1}, {"objects", std::move(all)}})));
}

catalog::HttpMessage with_precondition(catalog::HttpMessage message, const ObjectState& state) {
  if (message.method == "DELETE") {
    doc::Value options = delete_options(message);
    options.set("preconditions", state_value(state));
    set_body(message, options);
    return message;
  }
  auto body = doc::parse_json(message.body);
  if (!body) return message;
  const std::string type = header(message, "content-type");
  if (body->is_array() && type.starts_with("application/json-patch+json")) {
    doc::Value patch = doc::Array{test_of("/metadata/uid", state.uid),
                                  test_of("/metadata/resourceVersion", state.resource_version)};
    for (const doc::Value& operation : body->as_array()) patch.push(operation);
    set_body(message, patch);
  } else if (body->is_object() && (message.method == "PUT" || message.method == "PATCH")) {
    set_in_metadata(*body, state, !type.starts_with("application/apply-patch"));
    set_body(message, *body);
  } else if (body->is_object() && body->text("kind") == "Eviction") {
    const doc::Value* given = body->find("deleteOptions");
    doc::Value options =
        given != nullptr && given->is_object() ? *given : doc::Value(doc::Object{});
    options.set("preconditions", state_value(state));
    body->set("deleteOptions", std::move(options));
    set_body(message, *body);
  }
  return message;
}

bool takes_precondition(const catalog::HttpMessage& message) {
  const bool is_one = api_of(message).text("verb") != "deletecollection";
  return is_one && with_precondition(message, {"u", "1"}).body != message.body;
}

doc::Value changes(const doc::Value& before, const doc::Value& after, std::size_t most,
                   std::size_t& left_out) {
  Leaves old, fresh;
  add_leaves(before, "", old);
  add_leaves(after, "", fresh);
  std::map<std::string, std::pair<const doc::Value*, const doc::Value*>> both;
  for (const auto& [path, leaf] : old) both[path].first = &leaf;
  for (const auto& [path, leaf] : fresh) both[path].second = &leaf;
  doc::Value out{doc::Array{}};
  left_out = 0;
  for (const auto& [path, pair] : both) {
    const auto [was, is] = pair;
    if (was != nullptr && is != nullptr && *was == *is) continue;
    if (out.as_array().size() >= most) {
      ++left_out;
      continue;
    }
    doc::Value change = doc::object({{"path", path}});
    if (was != nullptr) change.set("before", shown_leaf(before, path, *was));
    if (is != nullptr) change.set("after", shown_leaf(after, path, *is));
    out.push(std::move(change));
  }
  return out;
}

std::string diff_of(const doc::Value& object, const doc::Value& changes) {
  constexpr std::size_t kLeafMax = 500;
  std::string out;
  const auto add = [&](std::string_view sign, const doc::Value& change, std::string_view key) {
    const doc::Value* leaf = change.find(key);
    if (leaf == nullptr) return;
    std::string text = doc::write_json(*leaf);
    std::size_t end = std::min(text.size(), kLeafMax);
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    if (end < text.size()) text = text.substr(0, end) + "…";
    out += std::string(sign) + " " + in_line(change.text("path")) + ": " + text + "\n";
  };
  for (const doc::Value& change : changes.as_array()) {
    add("-", change, "before");
    add("+", change, "after");
  }
  if (out.empty()) return out;
  const std::string where = metadata_text(object, "namespace");
  return "@@ " + in_line(object.text("kind")) + " " +
         in_line((where.empty() ? "" : where + "/") + metadata_text(object, "name")) + " @@\n" +
         out;
}

doc::Value named(const doc::Value& object) {
  doc::Value out = doc::object({{"kind", object.text("kind")}});
  if (const doc::Array* items = items_of(object)) {
    doc::Value names{doc::Array{}};
    for (const doc::Value& item : *items) {
      if (names.as_array().size() < kNamedMax) names.push(metadata_text(item, "name"));
    }
    out.set("count", static_cast<std::int64_t>(items->size()));
    out.set("names", std::move(names));
    return out;
  }
  for (const std::string_view key : {"namespace", "name", "uid", "resourceVersion"}) {
    if (const std::string text = metadata_text(object, key); !text.empty())
      out.set(std::string(key), text);
  }
  return out;
}

}  // namespace keyturn::connectors::http
