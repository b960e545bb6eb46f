// Filters asked of resources.
#include <algorithm>

#include "base/time.h"
#include "scim/filter.h"

namespace keyturn::scim {
namespace {

std::unexpected<Refusal> senseless(const Filter& filter, std::string_view why) {
  return refuse("invalidFilter", to_text(filter) + ": " + std::string(why));
}

template <class T>
Result<bool> ordered(Comparison comparison, const T& a, const T& b) {
  switch (comparison) {
    case Comparison::kEq:
      return a == b;
    case Comparison::kNe:
      return a != b;
    case Comparison::kGt:
      return a > b;
    case Comparison::kGe:
      return a >= b;
    case Comparison::kLt:
      return a < b;
    case Comparison::kLe:
      return a <= b;
    case Comparison::kCo:
    case Comparison::kSw:
    case Comparison::kEw:
    case Comparison::kPr:
      break;
  }
  return false;
}

Result<bool> compare_texts(const Filter& filter, const Attribute& attribute, std::string a,
                           std::string b) {
  if (!attribute.case_exact) {
    a = lower(a);
    b = lower(b);
  }
  if (filter.comparison == Comparison::kCo) return a.find(b) != std::string::npos;
  if (filter.comparison == Comparison::kSw) return a.starts_with(b);
  if (filter.comparison == Comparison::kEw) return a.ends_with(b);
  if (attribute.type == Type::kDateTime) {
    const auto at = from_rfc3339(a), than = from_rfc3339(b);
    if (!than) return senseless(filter, "a time like 2026-11-21T05:04:43Z was expected");
    return at ? ordered(filter.comparison, *at, *than) : Result<bool>(false);
  }
  return ordered(filter.comparison, a, b);
}

// One present, simple value.
Result<bool> compare_value(const Filter& filter, const Attribute& attribute,
                           const doc::Value& has) {
  const doc::Value& wanted = filter.value;
  if (has.is_string() && wanted.is_string())
    return compare_texts(filter, attribute, has.as_string(), wanted.as_string());
  if (has.is_bool()) {
    // Entra asks for booleans as texts.
    const bool yes = wanted.is_bool() ? wanted.as_bool()
                                      : wanted.is_string() && same_name(wanted.as_string(), "true");
    const bool no = wanted.is_bool() ? !wanted.as_bool()
                                     : wanted.is_string() && same_name(wanted.as_string(), "false");
    if (filter.comparison == Comparison::kEq)
      return (has.as_bool() && yes) || (!has.as_bool() && no);
    if (filter.comparison == Comparison::kNe)
      return !((has.as_bool() && yes) || (!has.as_bool() && no));
    return senseless(filter, "true and false have no order");
  }
  return filter.comparison == Comparison::kNe;  // another kind of value: it is not equal
}

bool is_present(const doc::Value* value) {
  if (value == nullptr || value->is_null()) return false;
  if (value->is_string()) return !value->as_string().empty();
  if (value->is_array()) return !value->as_array().empty();
  if (value->is_object()) return !value->as_object().empty();
  return true;
}

// What is found of `owner` by the filter's attribute and sub-attribute.
Result<bool> compare(const Filter& filter, const Attribute& attribute, const doc::Value* value,
                     std::string_view sub_name) {
  if (attribute.type == Type::kComplex) {
    // "emails co x" asks for emails.value (RFC 7644 §3.4.2.2).
    const bool asks_presence = filter.comparison == Comparison::kPr && sub_name.empty();
    if (!asks_presence) {
      const Attribute* sub = attribute.find(sub_name.empty() ? "value" : sub_name);
      if (sub == nullptr) return senseless(filter, "there is no such attribute");
      if (!attribute.multi)
        return compare(filter, *sub, value == nullptr ? nullptr : value->find(sub->name), "");
      bool any = false;
      bool is_some = false;
      if (value != nullptr && value->is_array()) {
        for (const doc::Value& element : value->as_array()) {
          Result<bool> one = compare(filter, *sub, element.find(sub->name), "");
          if (!one) return one;
          is_some = true;
          any = any || *one;
        }
      }
      if (!is_some && filter.comparison == Comparison::kNe) return true;
      return any;
    }
  } else if (!sub_name.empty()) {
    return senseless(filter, "there is no such attribute");
  }
  if (filter.comparison == Comparison::kPr) return is_present(value);
  if (filter.value.is_null()) {
    if (filter.comparison == Comparison::kEq) return !is_present(value);
    if (filter.comparison == Comparison::kNe) return is_present(value);
    return senseless(filter, "null has no order");
  }
  if (value == nullptr || value->is_null()) return filter.comparison == Comparison::kNe;
  if (value->is_array()) {
    return std::ranges::any_of(value->as_array(), [&](const doc::Value& element) {
      const Result<bool> one = compare_value(filter, attribute, element);
      return one && *one;
    });
  }
  return compare_value(filter, attribute, *value);
}

// Both kinds of owner: a resource with its schema, an element with its attribute.
struct Owner {
  const Schema* schema;
  const Attribute* element;
  const doc::Value& value;

  const Attribute* find(const AttributePath& path) const {
    if (schema == nullptr) return path.schema.empty() ? element->find(path.name) : nullptr;
    return schema->is_own(path.schema) ? schema->find(path.name) : nullptr;
  }
};

Result<bool> ask(const Filter& filter, const Owner& owner);

Result<bool> ask_value_path(const Filter& filter, const Attribute& attribute,
                            const doc::Value* value) {
  if (attribute.type != Type::kComplex || !attribute.multi)
    return senseless(filter, "only a list of objects is asked in brackets");
  bool any = false;
  if (value == nullptr || !value->is_array()) return any;
  for (const doc::Value& element : value->as_array()) {
    Result<bool> one = matches_element(filter.parts.front(), attribute, element);
    if (!one) return one;
    any = any || *one;
  }
  return any;
}

Result<bool> ask(const Filter& filter, const Owner& owner) {
  switch (filter.kind) {
    case Filter::Kind::kNot: {
      Result<bool> inner = ask(filter.parts.front(), owner);
      if (inner) *inner = !*inner;
      return inner;
    }
    case Filter::Kind::kAnd:
    case Filter::Kind::kOr: {
      const bool is_and = filter.kind == Filter::Kind::kAnd;
      bool out = is_and;
      for (const Filter& part : filter.parts) {
        Result<bool> one = ask(part, owner);
        if (!one) return one;
        out = is_and ? out && *one : out || *one;
      }
      return out;
    }
    case Filter::Kind::kCompare:
    case Filter::Kind::kValuePath:
      break;
  }
  const Attribute* attribute = owner.find(filter.attribute);
  if (attribute == nullptr) {
    const bool may_be =
        owner.schema != nullptr && (!owner.schema->is_own(filter.attribute.schema) ||
                                    owner.schema->drops(filter.attribute.name));
    if (!may_be) return senseless(filter, "there is no such attribute");
    return filter.comparison == Comparison::kNe;  // never there: Keyturn does not keep it
  }
  const doc::Value* value = owner.value.find(attribute->name);
  if (filter.kind == Filter::Kind::kValuePath) return ask_value_path(filter, *attribute, value);
  return compare(filter, *attribute, value, filter.attribute.sub);
}

}  // namespace

Result<bool> matches(const Filter& filter, const Schema& schema, const doc::Value& resource) {
  return ask(filter, {&schema, nullptr, resource});
}

Result<bool> matches_element(const Filter& filter, const Attribute& attribute,
                             const doc::Value& element) {
  return ask(filter, {nullptr, &attribute, element});
}

}  // namespace keyturn::scim
