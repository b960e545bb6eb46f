#include "scim/messages.h"

#include <algorithm>
#include <array>

#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::scim {
namespace {

constexpr std::array<std::string_view, 10> kScimTypes{
    "invalidFilter", "tooMany",  "uniqueness",   "mutability",  "invalidSyntax",
    "invalidPath",   "noTarget", "invalidValue", "invalidVers", "sensitive"};

bool is_scim_type(std::string_view code) {
  return !code.empty() && std::ranges::find(kScimTypes, code) != kScimTypes.end();
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> elements(std::string_view list) {
  std::vector<std::string_view> out;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    if (const std::string_view one = trimmed(list.substr(0, end)); !one.empty()) out.push_back(one);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return out;
}

bool is_kept_always(std::string_view name) {
  return name == "id" || name == "schemas" || name == "meta";
}

bool is_about(const AttributePath& path, const Schema& schema, std::string_view name) {
  return schema.is_own(path.schema) && same_name(path.name, name);
}

// Keeps of an object, or of each object in a list, the parts that `wanted` says.
template <class Wanted>
void keep_parts(doc::Value& value, const Wanted& wanted) {
  if (value.is_array()) {
    for (doc::Value& element : value.as_array()) keep_parts(element, wanted);
  } else if (value.is_object()) {
    std::erase_if(value.as_object(), [&](const doc::Member& one) { return !wanted(one.key); });
  }
}

std::string_view type_name(Type type) {
  switch (type) {
    case Type::kString:
      return "string";
    case Type::kBoolean:
      return "boolean";
    case Type::kDateTime:
      return "dateTime";
    case Type::kReference:
      return "reference";
    case Type::kComplex:
      return "complex";
  }
  return "";
}

doc::Value attribute_document(const Attribute& attribute) {
  doc::Value out = doc::object({{"name", attribute.name},
                                {"type", type_name(attribute.type)},
                                {"multiValued", attribute.multi},
                                {"description", attribute.description},
                                {"required", attribute.required},
                                {"caseExact", attribute.case_exact},
                                {"mutability", attribute.read_only ? "readOnly" : "readWrite"},
                                {"returned", "default"},
                                {"uniqueness", attribute.unique ? "server" : "none"}});
  if (attribute.type == Type::kReference)
    out.set("referenceTypes", doc::array_of({"User", "Group"}));
  if (attribute.sub.empty()) return out;
  doc::Array sub;
  for (const Attribute& one : attribute.sub) sub.push_back(attribute_document(one));
  out.set("subAttributes", std::move(sub));
  return out;
}

doc::Value supported(bool is_supported) {
  return doc::object({{"supported", is_supported}});
}

}  // namespace

int status_of(std::string_view code) {
  if (!is_scim_type(code)) return 0;
  return code == "uniqueness" ? 409 : 400;
}

doc::Value error(int status, const Refusal& refusal) {
  doc::Value out =
      doc::object({{"schemas", doc::array_of({"urn:ietf:params:scim:api:messages:2.0:Error"})},
                   {"status", std::to_string(status)}});
  if (is_scim_type(refusal.code)) out.set("scimType", refusal.code);
  out.set("detail", refusal.message);
  return out;
}

doc::Value shown(const Schema& schema, const Shown& about, const doc::Value& resource,
                 std::string_view base_url) {
  doc::Value out =
      doc::object({{"schemas", doc::array_of({std::string(schema.urn)})}, {"id", about.id}});
  for (const doc::Member& one : resource.as_object()) out.set(one.key, one.value);
  doc::Value meta = doc::object(
      {{"resourceType", schema.name},
       {"created", to_rfc3339(about.created)},
       {"lastModified", to_rfc3339(about.last_modified)},
       {"location", std::string(base_url) + std::string(schema.endpoint) + "/" + about.id}});
  out.set("meta", meta);
  const std::string digest = crypto::sha256_text(doc::canonical_or_die(out));
  meta.set("version", "W/\"" + digest.substr(digest.size() - 16) + "\"");
  out.set("meta", std::move(meta));
  return out;
}

std::string version_of(const doc::Value& shown) {
  const doc::Value* meta = shown.find("meta");
  return meta == nullptr ? std::string() : std::string(meta->text("version"));
}

bool names_version(std::string_view header, std::string_view version) {
  const auto bare = [](std::string_view tag) {
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    return tag;
  };
  return std::ranges::any_of(elements(header), [&](std::string_view one) {
    return one == "*" || bare(one) == bare(version);
  });
}

Result<Projection> parse_projection(std::string_view attributes, std::string_view excluded) {
  if (!trimmed(attributes).empty() && !trimmed(excluded).empty())
    return refuse("invalidValue", "give attributes or excludedAttributes, not both");
  Projection out;
  for (const auto& [text, to] : {std::pair(attributes, &out.only), {excluded, &out.without}}) {
    for (const std::string_view one : elements(text)) {
      Result<AttributePath> path = parse_attribute(one);
      if (!path) return std::unexpected(path.error());
      to->push_back(std::move(*path));
    }
  }
  return out;
}

bool leaves_out(const Projection& projection, const Schema& schema, std::string_view attribute) {
  const auto names = [&](const AttributePath& path) { return is_about(path, schema, attribute); };
  if (!projection.only.empty()) return std::ranges::none_of(projection.only, names);
  return std::ranges::any_of(projection.without, [&](const AttributePath& path) {
    return names(path) && path.sub.empty();
  });
}

doc::Value projected(const Projection& projection, const Schema& schema, doc::Value resource) {
  std::erase_if(resource.as_object(), [&](const doc::Member& one) {
    return !is_kept_always(one.key) && leaves_out(projection, schema, one.key);
  });
  for (doc::Member& one : resource.as_object()) {
    if (is_kept_always(one.key)) continue;
    const auto wanted = [&](std::string_view part) {
      if (projection.only.empty())
        return std::ranges::none_of(projection.without, [&](const AttributePath& path) {
          return is_about(path, schema, one.key) && same_name(path.sub, part);
        });
      return std::ranges::any_of(projection.only, [&](const AttributePath& path) {
        return is_about(path, schema, one.key) && (path.sub.empty() || same_name(path.sub, part));
      });
    };
    keep_parts(one.value, wanted);
  }
  return resource;
}

doc::Value list_response(doc::Array resources, std::uint64_t total, std::uint64_t start) {
  const std::uint64_t size = resources.size();
  return doc::object(
      {{"schemas", doc::array_of({"urn:ietf:params:scim:api:messages:2.0:ListResponse"})},
       {"totalResults", total},
       {"startIndex", start},
       {"itemsPerPage", size},
       {"Resources", std::move(resources)}});
}

doc::Value service_provider_config(std::string_view base_url) {
  return doc::object(
      {{"schemas", doc::array_of({"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"})},
       {"patch", supported(true)},
       {"bulk", doc::object({{"supported", false}, {"maxOperations", 0}, {"maxPayloadSize", 0}})},
       {"filter",
        doc::object({{"supported", true}, {"maxResults", static_cast<std::uint64_t>(kPageMax)}})},
       {"changePassword", supported(false)},
       {"sort", supported(false)},
       {"etag", supported(true)},
       {"authenticationSchemes",
        doc::Array{doc::object({{"type", "oauthbearertoken"},
                                {"name", "Bearer token"},
                                {"description", "The token of the section in identity.yaml."},
                                {"specUri", "https://www.rfc-editor.org/rfc/rfc6750"},
                                {"primary", true}})}},
       {"meta", doc::object({{"resourceType", "ServiceProviderConfig"},
                             {"location", std::string(base_url) + "/ServiceProviderConfig"}})}});
}

doc::Value resource_type(const Schema& schema, std::string_view base_url) {
  return doc::object(
      {{"schemas", doc::array_of({"urn:ietf:params:scim:schemas:core:2.0:ResourceType"})},
       {"id", schema.name},
       {"name", schema.name},
       {"description", schema.description},
       {"endpoint", schema.endpoint},
       {"schema", schema.urn},
       {"schemaExtensions", doc::Array{}},
       {"meta", doc::object({{"resourceType", "ResourceType"},
                             {"location", std::string(base_url) + "/ResourceTypes/" +
                                              std::string(schema.name)}})}});
}

doc::Value schema_document(const Schema& schema, std::string_view base_url) {
  doc::Array attributes;
  for (const Attribute& one : schema.attributes) attributes.push_back(attribute_document(one));
  return doc::object({{"schemas", doc::array_of({"urn:ietf:params:scim:schemas:core:2.0:Schema"})},
                      {"id", schema.urn},
                      {"name", schema.name},
                      {"description", schema.description},
                      {"attributes", std::move(attributes)},
                      {"meta", doc::object({{"resourceType", "Schema"},
                                            {"location", std::string(base_url) + "/Schemas/" +
                                                             std::string(schema.urn)}})}});
}

}  // namespace keyturn::scim
