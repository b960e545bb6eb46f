#include "catalog/schema.h"

#include <array>

#include "base/bytes.h"

namespace keyturn::catalog {
namespace {

constexpr std::array<std::pair<std::string_view, ValueType>, 6> kTypes{{
    {"string", ValueType::kString},
    {"integer", ValueType::kInteger},
    {"number", ValueType::kNumber},
    {"boolean", ValueType::kBoolean},
    {"array", ValueType::kArray},
    {"object", ValueType::kObject},
}};

constexpr std::int64_t kSizeMax = 1 << 30;

std::size_t code_points(std::string_view text) {
  std::size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

void read_size(doc::ObjectReader& in, std::string_view key, std::size_t& out) {
  if (const auto n = in.integer(key, 0, kSizeMax)) out = static_cast<std::size_t>(*n);
}

void only_for(doc::ObjectReader& in, const Schema& schema, std::string_view key, bool fits) {
  if (in.value().find(key) == nullptr || fits) return;
  in.problem(
      "wrong_word",
      "\"" + std::string(key) + "\" means nothing for type " + std::string(to_text(schema.type)),
      key);
}

void read_type(doc::ObjectReader& in, Schema& schema) {
  const std::string name = in.require_string("type");
  for (const auto& [text, type] : kTypes) {
    if (text == name) {
      schema.type = type;
      return;
    }
  }
  if (name.empty()) return;
  std::array<std::string_view, kTypes.size()> names;
  for (std::size_t i = 0; i < kTypes.size(); ++i) names[i] = kTypes[i].first;
  const std::string_view nearest = nearest_word(name, names.data(), names.size());
  in.problem(
      "unknown_type",
      "unknown type \"" + name + "\"" +
          (nearest.empty() ? std::string(": string, integer, number, boolean, array or object")
                           : " (did you mean \"" + std::string(nearest) + "\"?)"),
      "type");
}

void read_pattern(doc::ObjectReader& in, Schema& schema) {
  const auto pattern = in.string("pattern");
  if (!pattern) return;
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto compiled = std::make_shared<const re2::RE2>(*pattern, options);
  if (!compiled->ok()) {
    in.problem("invalid_pattern", "not a valid RE2 pattern: " + compiled->error(), "pattern");
    return;
  }
  schema.pattern = std::move(compiled);
}

void read_properties(doc::ObjectReader& in, Schema& schema, doc::Problems& problems) {
  const doc::Value* properties = in.object("properties");
  std::vector<std::string> required;
  if (schema.type == ValueType::kObject) {
    required = in.strings("required").value_or(std::vector<std::string>{});
  }
  if (properties == nullptr) return;
  for (const doc::Member& member : properties->as_object()) {
    const std::string at = in.pointer_to("properties") + "/" + doc::pointer_escape(member.key);
    Schema::Property property{member.key, load_schema(member.value, at, problems, nullptr), false};
    for (const std::string& name : required) property.required |= name == member.key;
    schema.properties.push_back(std::move(property));
  }
  for (const std::string& name : required) {
    if (properties->find(name) == nullptr) {
      in.problem("unknown_property", "requires the property \"" + name + "\", which is not defined",
                 "required");
    }
  }
}

void read_bounds(doc::ObjectReader& in, Schema& schema) {
  const bool text = schema.type == ValueType::kString;
  const bool number = schema.type == ValueType::kInteger || schema.type == ValueType::kNumber;
  const bool list = schema.type == ValueType::kArray;
  for (const std::string_view key : {"pattern", "minLength", "maxLength", "bytes_max"}) {
    only_for(in, schema, key, text);
  }
  for (const std::string_view key : {"minimum", "maximum"}) only_for(in, schema, key, number);
  for (const std::string_view key : {"items", "minItems", "maxItems"})
    only_for(in, schema, key, list);
  only_for(in, schema, "properties", schema.type == ValueType::kObject);
  schema.minimum = in.number("minimum");
  schema.maximum = in.number("maximum");
  read_size(in, "minLength", schema.length_min);
  read_size(in, "maxLength", schema.length_max);
  read_size(in, "bytes_max", schema.bytes_max);
  read_size(in, "minItems", schema.items_min);
  read_size(in, "maxItems", schema.items_max);
  const bool crossed = schema.length_min > schema.length_max ||
                       schema.items_min > schema.items_max ||
                       (schema.minimum && schema.maximum && *schema.minimum > *schema.maximum);
  if (crossed) in.problem("out_of_range", "the least is greater than the most: nothing would pass");
}

void read_choices(doc::ObjectReader& in, Schema& schema) {
  if (const doc::Value* only = in.any("const")) {
    if (const auto ok = check_value(schema, *only, ""); !ok)
      in.problem("wrong_type", "the constant does not fit: " + ok.error().message, "const");
    schema.allowed = {*only};
  }
  if (const doc::Value* allowed = in.array("enum")) {
    Schema without = schema;
    without.allowed.clear();
    for (const doc::Value& choice : allowed->as_array()) {
      if (const auto ok = check_value(without, choice, ""); !ok) {
        in.problem("wrong_type", "a choice does not fit: " + ok.error().message, "enum");
      }
    }
    if (allowed->as_array().empty()) in.problem("out_of_range", "enum allows nothing", "enum");
    schema.allowed = allowed->as_array();
  }
  if (const doc::Value* value = in.any("default")) {
    if (const auto ok = check_value(schema, *value, ""); !ok) {
      in.problem("wrong_type", "the default does not fit: " + ok.error().message, "default");
    }
    schema.default_value = *value;
  }
}

std::unexpected<Refusal> violation(std::string message, const std::string& pointer) {
  return refuse("invalid_args", std::move(message), pointer);
}

Result<void> check_text(const Schema& schema, const std::string& text, const std::string& pointer) {
  if (text.find('\0') != std::string::npos) {
    return violation("contains a NUL byte; remove it", pointer);
  }
  if (text.size() > schema.bytes_max) {
    return violation("is " + std::to_string(text.size()) + " bytes long; at most " +
                         std::to_string(schema.bytes_max) + " are allowed",
                     pointer);
  }
  const std::size_t length = code_points(text);
  if (length < schema.length_min || length > schema.length_max) {
    return violation("has " + std::to_string(length) + " characters; " +
                         std::to_string(schema.length_min) + " to " +
                         (schema.length_max == SIZE_MAX ? std::string("any number")
                                                        : std::to_string(schema.length_max)) +
                         " are allowed",
                     pointer);
  }
  if (schema.pattern && !re2::RE2::PartialMatch(text, *schema.pattern)) {
    return violation("does not match the pattern " + schema.pattern->pattern(), pointer);
  }
  return {};
}

std::string number_text(double d) {
  std::string text = std::to_string(d);
  while (text.ends_with('0')) text.pop_back();
  if (text.ends_with('.')) text.pop_back();
  return text;
}

Result<void> check_number(const Schema& schema, const doc::Value& value,
                          const std::string& pointer) {
  const std::optional<double> number = value.as_double();
  if (!number) return violation("is too large a number", pointer);
  if (schema.minimum && *number < *schema.minimum) {
    return violation("is below " + number_text(*schema.minimum), pointer);
  }
  if (schema.maximum && *number > *schema.maximum) {
    return violation("is above " + number_text(*schema.maximum), pointer);
  }
  return {};
}

Result<void> check_items(const Schema& schema, const doc::Array& items,
                         const std::string& pointer) {
  if (items.size() < schema.items_min || items.size() > schema.items_max) {
    return violation("has " + std::to_string(items.size()) + " items; " +
                         std::to_string(schema.items_min) + " to " +
                         std::to_string(schema.items_max) + " are allowed",
                     pointer);
  }
  static const Schema any_text;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Schema& item = schema.items ? *schema.items : any_text;
    if (auto ok = check_value(item, items[i], pointer + "/" + std::to_string(i)); !ok) return ok;
  }
  return {};
}

Result<void> check_properties(const Schema& schema, const doc::Value& value,
                              const std::string& pointer) {
  for (const doc::Member& member : value.as_object()) {
    const std::string at = pointer + "/" + doc::pointer_escape(member.key);
    const Schema::Property* known = nullptr;
    for (const Schema::Property& p : schema.properties) {
      if (p.name == member.key) known = &p;
    }
    if (known == nullptr) return violation("is not a known property; remove it", at);
    if (auto ok = check_value(*known->schema, member.value, at); !ok) return ok;
  }
  for (const Schema::Property& p : schema.properties) {
    if (p.required && value.find(p.name) == nullptr) {
      return violation("lacks the property \"" + p.name + "\"", pointer);
    }
  }
  return {};
}

bool has_type(const doc::Value& value, ValueType type) {
  switch (type) {
    case ValueType::kString:
      return value.is_string();
    case ValueType::kInteger:
      return value.as_int64().has_value();
    case ValueType::kNumber:
      return value.is_number();
    case ValueType::kBoolean:
      return value.is_bool();
    case ValueType::kArray:
      return value.is_array();
    case ValueType::kObject:
      return value.is_object();
  }
  return false;
}

bool same(const doc::Value& a, const doc::Value& b) {
  if (a.is_number() && b.is_number()) return a.as_double() == b.as_double();
  return a == b;
}

Result<void> check_inside(const Schema& schema, const doc::Value& value,
                          const std::string& pointer) {
  switch (schema.type) {
    case ValueType::kString:
      return check_text(schema, value.as_string(), pointer);
    case ValueType::kInteger:
    case ValueType::kNumber:
      return check_number(schema, value, pointer);
    case ValueType::kBoolean:
      return {};
    case ValueType::kArray:
      return check_items(schema, value.as_array(), pointer);
    case ValueType::kObject:
      return check_properties(schema, value, pointer);
  }
  return {};
}

}  // namespace

std::string_view to_text(ValueType type) {
  for (const auto& [text, known] : kTypes) {
    if (known == type) return text;
  }
  return "";
}

std::shared_ptr<const Schema> load_schema(const doc::Value& value, const std::string& pointer,
                                          doc::Problems& problems, ParamWords* words) {
  auto schema = std::make_shared<Schema>();
  doc::ObjectReader in(value, pointer, problems);
  if (!value.is_object()) return schema;
  read_type(in, *schema);
  for (const std::string_view text : {"description", "title", "format", "$schema"})
    (void)in.string(text);
  (void)in.any("examples");
  read_pattern(in, *schema);
  read_bounds(in, *schema);
  if (const doc::Value* items = in.object("items")) {
    schema->items = load_schema(*items, in.pointer_to("items"), problems, nullptr);
  }
  read_properties(in, *schema, problems);
  read_choices(in, *schema);
  if (words != nullptr) {
    if (schema->type != ValueType::kObject) {
      words->required = in.boolean("required").value_or(true);
    }
    words->required = words->required && !schema->default_value;
    words->secret = in.boolean("secret").value_or(false);
    schema->leading_dash = in.boolean("leading_dash").value_or(false);
  }
  in.finish();
  return schema;
}

Result<void> check_value(const Schema& schema, const doc::Value& value,
                         const std::string& pointer) {
  if (!has_type(value, schema.type)) {
    return violation("must be of type " + std::string(to_text(schema.type)), pointer);
  }
  if (auto ok = check_inside(schema, value, pointer); !ok) return ok;
  if (schema.allowed.empty()) return {};
  for (const doc::Value& choice : schema.allowed) {
    if (same(choice, value)) return {};
  }
  return violation("is none of the choices that its enum lists", pointer);
}

}  // namespace keyturn::catalog
