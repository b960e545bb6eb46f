// A kubernetes tool: a request to a Kubernetes API, said in its own words (API concepts: resources,
// verbs, patch types).
#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "catalog/http_call.h"
#include "catalog/http_words.h"
#include "catalog/tool_reader.h"

namespace keyturn::catalog {

using doc::ObjectReader;

namespace {

struct Verb {
  std::string_view word, method;
  bool named;
};
constexpr std::array<Verb, 7> kVerbs{{{"get", "GET", true},
                                      {"list", "GET", false},
                                      {"create", "POST", false},
                                      {"update", "PUT", true},
                                      {"patch", "PATCH", true},
                                      {"delete", "DELETE", true},
                                      {"deletecollection", "DELETE", false}}};

struct PatchType {
  std::string_view word, media;
};
constexpr std::array<PatchType, 4> kPatchTypes{
    {{"merge", "application/merge-patch+json"},
     {"strategic", "application/strategic-merge-patch+json"},
     {"json", "application/json-patch+json"},
     {"apply", "application/apply-patch+yaml"}}};

bool is_api_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_lower(c) || is_digit(c) || c == '-' || c == '.' || c == '/';
  });
}

}  // namespace

std::string ToolReader::read_api_word(ObjectReader& in, std::string_view key, bool needed) {
  const std::string word = needed ? in.require_string(key) : in.string(key).value_or("");
  const bool slash = word.contains('/') && key != "subresource";
  if (!word.empty() && (!is_api_word(word) || slash || word.contains("..")))
    in.problem("invalid_name",
               std::string(key) +
                   " is a word of the API: lower case letters, digits, \"-\" and \".\"; parameters "
                   "stand in namespace, name and the object",
               key);
  return word;
}

// A piece of the path that parameters may fill.
std::string ToolReader::read_object_name(ObjectReader& in, std::string_view key) {
  const std::string name = in.string(key).value_or("");
  const doc::Value* place = in.value().find(key);
  if (place == nullptr) return "";
  const std::string pointer = in.pointer_to(key);
  if (name.empty() || name.contains('/') || !wrong_with_path("/" + name).empty())
    add("invalid_name", std::string(key) + " is one name, such as web or \"{{name}}\"", *place,
        pointer);
  else
    check_http_template(name, *place, pointer, HttpPlace::kPath);
  return name;
}

void ToolReader::read_kubernetes_path(ObjectReader& in, bool named, HttpCall& call) {
  const std::string group = read_api_word(in, "group", false);
  const std::string version = read_api_word(in, "version", true);
  const std::string resource = read_api_word(in, "resource", true);
  const std::string subresource = read_api_word(in, "subresource", false);
  const std::string name_space = read_object_name(in, "namespace");
  const std::string name = read_object_name(in, "name");
  const bool wants_name = named || !subresource.empty();
  if (wants_name && name.empty())
    in.problem("missing_field", "needs the name of the object: name: \"{{name}}\"");
  if (!wants_name && !name.empty())
    in.problem("without_effect",
               "name has no effect for this verb; what is created says it in its object", "name");
  call.path = group.empty() ? "/api/" + version : "/apis/" + group + "/" + version;
  if (!name_space.empty()) call.path += "/namespaces/" + name_space;
  call.path += "/" + resource;
  if (wants_name) call.path += "/" + name;
  if (!subresource.empty()) call.path += "/" + subresource;
}

void ToolReader::read_kubernetes_body(ObjectReader& in, const std::string& verb, HttpCall& call) {
  const bool patches = verb == "patch";
  const bool deletes = verb.starts_with("delete");
  for (const std::string_view key : {"object", "patch", "options"}) {
    const bool fits = key == "patch" ? patches : key == "options" ? deletes : !patches && !deletes;
    const doc::Value* body = in.any(key);
    if (body == nullptr) continue;
    if (!fits || call.is_safe()) {
      in.problem("without_effect", std::string(key) + " has no effect for the verb " + verb, key);
      continue;
    }
    call.body.kind = HttpBody::Kind::kJson;
    call.body.json = *body;
    call.body.type = "application/json";
    check_json_template(*body, in.pointer_to(key));
  }
  if (deletes && call.body.kind == HttpBody::Kind::kNone) {
    call.body = {.kind = HttpBody::Kind::kJson, .json = doc::Object{}, .type = "application/json"};
  }
  if (deletes && call.body.json.is_object()) {  // DeleteOptions (meta.k8s.io)
    call.body.json.set("apiVersion", "v1");
    call.body.json.set("kind", "DeleteOptions");
  } else if (deletes) {
    in.problem("wrong_type", "options is an object, such as {propagationPolicy: Foreground}",
               "options");
  }
  if ((patches || verb == "create" || verb == "update") && call.body.kind == HttpBody::Kind::kNone)
    in.problem("missing_field", patches ? "needs patch: {…}" : "needs object: {…}");
  const std::string type = in.string("patch_type").value_or("merge");
  const auto known = std::ranges::find(kPatchTypes, type, &PatchType::word);
  if (known == kPatchTypes.end())
    in.problem("unknown_choice", "patch_type is merge, strategic, json or apply", "patch_type");
  else if (patches)
    call.body.type = known->media;
  if (!patches && in.value().find("patch_type") != nullptr)
    in.problem("without_effect", "patch_type has no effect for the verb " + verb, "patch_type");
  const std::string owner = in.string("field_manager").value_or("keyturn");
  const auto says = [](const auto& pair) { return pair.first == "fieldManager"; };
  if (!call.is_safe() && !deletes && std::ranges::none_of(call.query, says))
    call.query.emplace_back("fieldManager", owner);
}

void ToolReader::read_kubernetes() {
  const doc::Value* value = in_.object("kubernetes");
  if (value == nullptr) return;
  ObjectReader in(*value, in_.pointer_to("kubernetes"), problems_);
  HttpCall call;
  call.kubernetes = true;
  call.written_as = "kubernetes";
  read_http_server(in, call);
  const std::string verb = in.require_string("verb");
  auto known = std::ranges::find(kVerbs, verb, &Verb::word);
  if (known == kVerbs.end()) {
    in.problem("unknown_choice",
               "verb is get, list, create, update, patch, delete or deletecollection", "verb");
    known = kVerbs.begin();
  }
  call.method = known->method;
  read_kubernetes_path(in, known->named, call);
  call.query = read_http_pairs(in, "query", HttpPlace::kQuery);
  read_http_headers(in, call);
  const auto accepts = [](const HttpHeaderField& field) {
    return lower_case(field.name) == "accept";
  };
  if (std::ranges::none_of(call.headers, accepts))
    call.headers.push_back({.name = "Accept", .text = "application/json"});
  read_kubernetes_body(in, verb, call);
  read_http_answer(in, call);
  read_http_preview(call);
  in.finish();
  finish_http(std::move(call), "kubernetes");
}

}  // namespace keyturn::catalog
