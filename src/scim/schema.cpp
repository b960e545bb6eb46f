#include "scim/schema.h"

#include <algorithm>

#include "base/ascii.h"

namespace keyturn::scim {
namespace {

Attribute text(std::string_view name, std::string_view description) {
  return {.name = name, .description = description};
}

Attribute read_only(Attribute attribute) {
  attribute.read_only = true;
  attribute.case_exact = true;
  for (Attribute& sub : attribute.sub) sub.read_only = true;
  return attribute;
}

Attribute flag(std::string_view name, std::string_view description) {
  return {.name = name, .type = Type::kBoolean, .description = description};
}

Attribute complex(std::string_view name, bool multi, std::string_view description,
                  std::vector<Attribute> sub) {
  return {.name = name,
          .type = Type::kComplex,
          .multi = multi,
          .description = description,
          .sub = std::move(sub)};
}

Attribute reference(std::string_view name, std::string_view description) {
  return {.name = name,
          .type = Type::kReference,
          .read_only = true,
          .case_exact = true,
          .description = description};
}

std::vector<Attribute> common_attributes() {
  Attribute schemas = read_only(text("schemas", "URNs of the schemas of the resource."));
  schemas.multi = true;
  Attribute external = text("externalId", "The client's own name of the resource.");
  external.case_exact = external.unique = true;
  const auto time = [](std::string_view name) {
    return Attribute{.name = name, .type = Type::kDateTime};
  };
  return {schemas, read_only(text("id", "Keyturn's name of the resource; it never changes.")),
          external,
          read_only(complex("meta", false, "About the resource.",
                            {text("resourceType", ""), time("created"), time("lastModified"),
                             text("location", ""), text("version", "")}))};
}

Schema make_user() {
  Schema out{.urn = kUserUrn,
             .name = "User",
             .description = "A person",
             .endpoint = "/Users",
             .attributes = {},
             .common = common_attributes(),
             .not_kept = {}};
  Attribute user_name = text("userName", "Unique within the section, without regard to case.");
  user_name.required = user_name.unique = true;
  out.attributes = {
      user_name,
      complex("name", false, "The parts of the person's name.",
              {text("formatted", "The whole name, as shown."), text("familyName", "Family name."),
               text("givenName", "Given name.")}),
      text("displayName", "The name that people are shown."),
      flag("active", "Whether the person may sign in, vote, and be asked."),
      complex("emails", true, "Mail addresses. The primary one is the person's.",
              {text("value", "The address."), text("type", "work, home, other."),
               text("display", "As shown."), flag("primary", "Whether it is the preferred one.")}),
      read_only(complex("groups", true, "The Groups that the person is a member of.",
                        {text("value", "The id of the Group."), reference("$ref", "Its address."),
                         text("display", "Its name."), text("type", "Always \"direct\".")})),
  };
  out.not_kept = {
      "nickName", "profileUrl",        "title",        "userType",     "locale",
      "timezone", "preferredLanguage", "password",     "phoneNumbers", "ims",
      "photos",   "addresses",         "entitlements", "roles",        "x509Certificates"};
  return out;
}

Schema make_group() {
  Schema out{.urn = kGroupUrn,
             .name = "Group",
             .description = "A group of people",
             .endpoint = "/Groups",
             .attributes = {},
             .common = common_attributes(),
             .not_kept = {}};
  Attribute name = text("displayName", "Unique within the section. What the map goes by.");
  name.required = name.unique = true;
  Attribute members = complex(
      "members", true, "Who is in it.",
      {text("value", "The id of a User of the same section."), reference("$ref", "Its address."),
       text("type", "Always \"User\"."), text("display", "The userName.")});
  members.sub[0].case_exact = true;
  members.sub[3].read_only = true;
  out.attributes = {name, members};
  return out;
}

std::unexpected<Refusal> wrong(const Attribute& attribute, std::string_view expected) {
  return refuse("invalidValue", std::string(attribute.name) + " must be " + std::string(expected));
}

Result<doc::Value> accept_boolean(const Attribute& attribute, const doc::Value& value) {
  if (value.is_bool()) return value;
  if (value.is_string() && same_name(value.as_string(), "true")) return doc::Value(true);
  if (value.is_string() && same_name(value.as_string(), "false")) return doc::Value(false);
  return wrong(attribute, "true or false");
}

Result<doc::Value> accept_object(const Attribute& attribute, const doc::Value& value) {
  if (!value.is_object()) return wrong(attribute, "an object");
  doc::Value out = doc::Object{};
  for (const doc::Member& member : value.as_object()) {
    const Attribute* sub = attribute.find(member.key);
    if (sub == nullptr || sub->read_only) continue;
    if (out.find(sub->name) != nullptr)
      return refuse("invalidSyntax", std::string(attribute.name) + "." + std::string(sub->name) +
                                         " stands there twice");
    Result<doc::Value> part = accept_value(*sub, member.value);
    if (!part) return part;
    if (!part->is_null()) out.set(std::string(sub->name), std::move(*part));
  }
  return out;
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && lower(a) == lower(b);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = to_lower(c);
  }
  return out;
}

const Attribute* Attribute::find(std::string_view sub_name) const {
  const auto found =
      std::ranges::find_if(sub, [&](const Attribute& a) { return same_name(a.name, sub_name); });
  return found == sub.end() ? nullptr : &*found;
}

const Attribute* Schema::find(std::string_view attribute) const {
  for (const std::vector<Attribute>* list : {&attributes, &common}) {
    const auto found = std::ranges::find_if(
        *list, [&](const Attribute& a) { return same_name(a.name, attribute); });
    if (found != list->end()) return &*found;
  }
  return nullptr;
}

bool Schema::drops(std::string_view attribute) const {
  return std::ranges::any_of(not_kept,
                             [&](std::string_view name) { return same_name(name, attribute); });
}

bool Schema::is_own(std::string_view urn_or_nothing) const {
  return urn_or_nothing.empty() || same_name(urn_or_nothing, urn);
}

const Schema& user_schema() {
  static const Schema schema = make_user();
  return schema;
}

const Schema& group_schema() {
  static const Schema schema = make_group();
  return schema;
}

Result<doc::Value> accept_element(const Attribute& attribute, const doc::Value& value) {
  switch (attribute.type) {
    case Type::kBoolean:
      return accept_boolean(attribute, value);
    case Type::kComplex:
      return accept_object(attribute, value);
    case Type::kString:
    case Type::kDateTime:
    case Type::kReference:
      break;
  }
  if (!value.is_string()) return wrong(attribute, "a text");
  if (value.as_string().size() > kTextBytesMax)
    return wrong(attribute, "at most " + std::to_string(kTextBytesMax) + " bytes");
  return value;
}

Result<doc::Value> accept_value(const Attribute& attribute, const doc::Value& value) {
  if (value.is_null()) return doc::Value();
  if (!attribute.multi) return accept_element(attribute, value);
  const bool is_list = value.is_array();
  if (!is_list && !value.is_object()) return wrong(attribute, "a list");
  const std::size_t size = is_list ? value.as_array().size() : 1;
  const std::size_t most = same_name(attribute.name, "members") ? kMembersMax : kValuesMax;
  if (size > most) return wrong(attribute, "a list of at most " + std::to_string(most));
  doc::Array out;
  for (std::size_t i = 0; i < size; ++i) {
    Result<doc::Value> one = accept_element(attribute, is_list ? value.as_array()[i] : value);
    if (!one) return one;
    out.push_back(std::move(*one));
  }
  return doc::Value(std::move(out));
}

Result<doc::Value> accept(const Schema& schema, const doc::Value& body) {
  if (!body.is_object()) return refuse("invalidSyntax", "a resource is one JSON object");
  doc::Value out = doc::Object{};
  for (const doc::Member& member : body.as_object()) {
    std::string_view name = member.key;
    if (name.size() > schema.urn.size() && name[schema.urn.size()] == ':' &&
        same_name(name.substr(0, schema.urn.size()), schema.urn))
      name.remove_prefix(schema.urn.size() + 1);
    const Attribute* attribute = schema.find(name);
    if (attribute == nullptr || attribute->read_only) continue;
    if (out.find(attribute->name) != nullptr)
      return refuse("invalidSyntax", std::string(attribute->name) + " stands there twice");
    Result<doc::Value> value = accept_value(*attribute, member.value);
    if (!value) return value;
    if (!value->is_null()) out.set(std::string(attribute->name), std::move(*value));
  }
  return out;
}

Result<void> check_complete(const Schema& schema, const doc::Value& resource) {
  for (const Attribute& attribute : schema.attributes) {
    if (attribute.required && resource.text(attribute.name).empty())
      return refuse("invalidValue",
                    "a " + std::string(schema.name) + " needs a " + std::string(attribute.name));
  }
  return {};
}

}  // namespace keyturn::scim
