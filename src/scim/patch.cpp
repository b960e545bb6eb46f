#include "scim/patch.h"

#include <algorithm>
#include <set>
#include <utility>

#include "scim/filter.h"

namespace keyturn::scim {
namespace {

enum class Op { kAdd, kReplace, kRemove };

doc::Value* member(doc::Value& object, std::string_view name) {
  for (doc::Member& one : object.as_object()) {
    if (one.key == name) return &one.value;
  }
  return nullptr;
}

void unset(doc::Value& object, std::string_view name) {
  std::erase_if(object.as_object(), [&](const doc::Member& one) { return one.key == name; });
}

// Sets it; null and nothing take it away (RFC 7643 §2.5).
void assign(doc::Value& object, std::string_view name, doc::Value value) {
  const bool is_nothing = value.is_null() || (value.is_array() && value.as_array().empty());
  if (is_nothing) return unset(object, name);
  object.set(std::string(name), std::move(value));
}

bool is_same_element(const doc::Value& a, const doc::Value& b) {
  return a == b;
}

// Members of a group are the same by their value alone: display and $ref are words.
bool is_same_member(const doc::Value& a, const doc::Value& b) {
  return a.is_object() && b.is_object() && a.text("value") == b.text("value");
}

bool is_members(const Attribute& attribute) {
  return attribute.name == "members";
}

bool is_same(const Attribute& attribute, const doc::Value& a, const doc::Value& b) {
  return is_members(attribute) ? is_same_member(a, b) : is_same_element(a, b);
}

// At most one element of a list is primary: the one that came last (RFC 7644 §3.5.2.1).
void keep_one_primary(doc::Array& elements, std::size_t latest) {
  if (!elements[latest].flag("primary")) return;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (i != latest && elements[i].flag("primary")) unset(elements[i], "primary");
  }
}

// The values of a list's elements. Worth its making where many are looked for.
std::set<std::string, std::less<>> values_of(const doc::Array& elements) {
  std::set<std::string, std::less<>> out;
  for (const doc::Value& one : elements) {
    if (one.is_object()) out.emplace(one.text("value"));
  }
  return out;
}

constexpr std::size_t kFew = 16;

void add_members(doc::Array& members, doc::Array more) {
  std::set<std::string, std::less<>> known = values_of(members);
  for (doc::Value& one : more) {
    if (known.emplace(one.text("value")).second) members.push_back(std::move(one));
  }
}

void add_elements(const Attribute& attribute, doc::Value& owner, doc::Value more) {
  doc::Value* list = member(owner, attribute.name);
  if (list == nullptr) {
    owner.set(std::string(attribute.name), doc::Array{});
    list = member(owner, attribute.name);
  }
  if (is_members(attribute) && more.as_array().size() > kFew) {
    add_members(list->as_array(), std::move(more.as_array()));
    return;
  }
  for (doc::Value& one : more.as_array()) {
    doc::Array& elements = list->as_array();
    const auto found = std::ranges::find_if(
        elements, [&](const doc::Value& has) { return is_same(attribute, has, one); });
    if (found != elements.end()) continue;
    elements.push_back(std::move(one));
    keep_one_primary(elements, elements.size() - 1);
  }
  if (list->as_array().empty()) unset(owner, attribute.name);
}

// The sub-attributes of one object, over those that are there.
void merge(doc::Value& object, const doc::Value& from) {
  for (const doc::Member& one : from.as_object()) object.set(one.key, one.value);
}

// {type: "work"} for type eq "work" and its conjunctions; null where the filter asks for more.
doc::Value element_of(const Filter& filter, const Attribute& attribute) {
  if (filter.kind == Filter::Kind::kAnd) {
    doc::Value out = doc::Object{};
    for (const Filter& part : filter.parts) {
      const doc::Value one = element_of(part, attribute);
      if (one.is_null()) return {};
      merge(out, one);
    }
    return out;
  }
  if (filter.kind != Filter::Kind::kCompare || filter.comparison != Comparison::kEq ||
      !filter.attribute.sub.empty())
    return {};
  const Attribute* sub = attribute.find(filter.attribute.name);
  if (sub == nullptr || sub->read_only) return {};
  Result<doc::Value> value = accept_value(*sub, filter.value);
  if (!value || value->is_null()) return {};
  doc::Value out = doc::Object{};
  out.set(std::string(sub->name), std::move(*value));
  return out;
}

class Patching {
 public:
  Patching(const Schema& schema, doc::Value resource)
      : schema_(schema), resource_(std::move(resource)) {}

  Result<void> apply(const doc::Value& operation) {
    if (!operation.is_object()) return refuse("invalidSyntax", "an operation is an object");
    std::string op;
    std::optional<std::string> path;
    const doc::Value* value = nullptr;
    for (const doc::Member& one : operation.as_object()) {
      if (same_name(one.key, "op") && one.value.is_string()) op = lower(one.value.as_string());
      if (same_name(one.key, "path") && one.value.is_string()) path = one.value.as_string();
      if (same_name(one.key, "value")) value = &one.value;
    }
    if (path && (path->empty() || same_name(*path, schema_.urn))) path.reset();
    if (op == "remove") {
      if (!path) return refuse("noTarget", "a removal needs a path");
      return at(Op::kRemove, *path, value);
    }
    if (op != "add" && op != "replace")
      return refuse("invalidSyntax", "op is add, replace or remove, not \"" + op + "\"");
    if (value == nullptr) return refuse("invalidValue", op + " needs a value");
    const Op kind = op == "add" ? Op::kAdd : Op::kReplace;
    return path ? at(kind, *path, value) : each(kind, *value);
  }

  doc::Value take() { return std::move(resource_); }

 private:
  // A value without path: an object of attributes, or of paths.
  Result<void> each(Op op, const doc::Value& value) {
    if (!value.is_object())
      return refuse("invalidValue", "without path, value is an object of attributes");
    for (const doc::Member& one : value.as_object()) {
      const Attribute* attribute = schema_.find(one.key);
      if (attribute != nullptr && attribute->read_only) continue;
      if (same_name(one.key, schema_.urn) && one.value.is_object()) {
        if (Result<void> ok = each(op, one.value); !ok) return ok;
        continue;
      }
      Result<void> ok = at(op, one.key, &one.value);
      if (!ok && ok.error().code == "invalidPath" && one.key.find('[') == std::string::npos)
        continue;  // RFC 7644 §3.5.2: attributes that are not known may be ignored
      if (!ok) return ok;
    }
    return {};
  }

  Result<void> at(Op op, std::string_view text, const doc::Value* value) {
    Result<Path> path = parse_path(text);
    if (!path) return std::unexpected(path.error());
    const AttributePath& to = path->attribute;
    if (!schema_.is_own(to.schema) || schema_.drops(to.name)) return {};  // not kept
    const Attribute* attribute = schema_.find(to.name);
    if (attribute == nullptr)
      return refuse("invalidPath",
                    "a " + std::string(schema_.name) + " has no \"" + to.name + "\"");
    if (attribute->read_only)
      return refuse("mutability", std::string(attribute->name) + " is read-only");
    if (path->filter) return at_elements(op, *attribute, *path, value);
    if (!to.sub.empty()) return at_sub(op, *attribute, to.sub, value);
    return at_whole(op, *attribute, value);
  }

  Result<void> at_whole(Op op, const Attribute& attribute, const doc::Value* value) {
    if (op == Op::kRemove) return remove(attribute, value);
    Result<doc::Value> accepted = accept_value(attribute, *value);
    if (!accepted) return std::unexpected(accepted.error());
    const bool is_nothing =
        accepted->is_null() || (accepted->is_string() && accepted->as_string().empty());
    if (is_nothing && attribute.required)
      return refuse("invalidValue", std::string(attribute.name) + " cannot be empty");
    if (attribute.multi && op == Op::kAdd) {
      if (!accepted->is_null()) add_elements(attribute, resource_, std::move(*accepted));
      return check_size(attribute);
    }
    if (attribute.multi && !accepted->is_null()) {
      unset(resource_, attribute.name);
      add_elements(attribute, resource_, std::move(*accepted));  // each of them once
      return {};
    }
    doc::Value* has = member(resource_, attribute.name);
    if (attribute.type == Type::kComplex && has != nullptr && accepted->is_object()) {
      merge(*has, *accepted);
      return {};
    }
    assign(resource_, attribute.name, std::move(*accepted));
    return {};
  }

  Result<void> check_size(const Attribute& attribute) const {
    const doc::Value* list = resource_.find(attribute.name);
    const std::size_t most = is_members(attribute) ? kMembersMax : kValuesMax;
    if (list == nullptr || list->as_array().size() <= most) return {};
    return refuse("tooMany",
                  std::string(attribute.name) + " holds at most " + std::to_string(most));
  }

  Result<void> remove(const Attribute& attribute, const doc::Value* value) {
    if (attribute.required)
      return refuse("mutability", std::string(attribute.name) + " is required and stays");
    if (!attribute.multi || value == nullptr || value->is_null()) {
      unset(resource_, attribute.name);
      return {};
    }
    Result<doc::Value> listed = accept_value(attribute, *value);
    if (!listed) return std::unexpected(listed.error());
    doc::Value* has = member(resource_, attribute.name);
    if (has == nullptr) return {};
    if (is_members(attribute)) {
      const std::set<std::string, std::less<>> leaving = values_of(listed->as_array());
      std::erase_if(has->as_array(), [&](const doc::Value& element) {
        return leaving.contains(element.text("value"));
      });
    }
    std::erase_if(has->as_array(), [&](const doc::Value& element) {
      return !is_members(attribute) &&
             std::ranges::any_of(listed->as_array(), [&](const doc::Value& one) {
               const bool by_value = !one.text("value").empty();
               return by_value ? is_same_member(one, element) : one == element;
             });
    });
    if (has->as_array().empty()) unset(resource_, attribute.name);
    return {};
  }

  // name.givenName; emails.value, of all elements.
  Result<void> at_sub(Op op, const Attribute& attribute, std::string_view name,
                      const doc::Value* value) {
    Result<std::pair<const Attribute*, doc::Value>> sub = sub_value(op, attribute, name, value);
    if (!sub) return std::unexpected(sub.error());
    if (sub->first == nullptr) return {};
    doc::Value* has = member(resource_, attribute.name);
    if (attribute.multi) {
      if (has == nullptr && op != Op::kRemove)
        return refuse("noTarget", "there are no " + std::string(attribute.name) +
                                      "; say which with a filter in brackets");
      if (has == nullptr) return {};
      for (doc::Value& element : has->as_array()) assign(element, sub->first->name, sub->second);
      return {};
    }
    if (has == nullptr) {
      if (op == Op::kRemove || sub->second.is_null()) return {};
      resource_.set(std::string(attribute.name), doc::Object{});
      has = member(resource_, attribute.name);
    }
    assign(*has, sub->first->name, std::move(sub->second));
    if (has->as_object().empty()) unset(resource_, attribute.name);
    return {};
  }

  // The sub-attribute and its value (null: to be removed); nothing where it is not kept.
  Result<std::pair<const Attribute*, doc::Value>> sub_value(Op op, const Attribute& attribute,
                                                            std::string_view name,
                                                            const doc::Value* value) const {
    using Out = std::pair<const Attribute*, doc::Value>;
    const Attribute* sub = attribute.find(name);
    if (sub == nullptr && attribute.type == Type::kComplex) return Out{nullptr, {}};
    if (sub == nullptr) return refuse("invalidPath", std::string(attribute.name) + " has no parts");
    if (sub->read_only)
      return refuse("mutability",
                    std::string(attribute.name) + "." + std::string(sub->name) + " is read-only");
    if (op == Op::kRemove) return Out{sub, {}};
    Result<doc::Value> accepted = accept_value(*sub, *value);
    if (!accepted) return std::unexpected(accepted.error());
    return Out{sub, std::move(*accepted)};
  }

  // The elements of a list that a filter names.
  Result<void> at_elements(Op op, const Attribute& attribute, const Path& path,
                           const doc::Value* value) {
    if (!attribute.multi || attribute.type != Type::kComplex)
      return refuse("invalidPath", std::string(attribute.name) + " is no list of objects");
    Result<std::vector<std::size_t>> found = find(attribute, *path.filter);
    if (!found) return std::unexpected(found.error());
    doc::Value* has = member(resource_, attribute.name);
    if (op == Op::kRemove && path.attribute.sub.empty()) {
      for (auto at = found->rbegin(); at != found->rend(); ++at)
        has->as_array().erase(has->as_array().begin() + static_cast<std::ptrdiff_t>(*at));
      if (has != nullptr && has->as_array().empty()) unset(resource_, attribute.name);
      return {};
    }
    Result<doc::Value> part = part_of(op, attribute, path, value);
    if (!part) return std::unexpected(part.error());
    if (part->is_null()) return {};
    if (found->empty()) {
      if (op == Op::kRemove) return {};
      return make_element(attribute, *path.filter, *part);
    }
    for (const std::size_t at : *found) {
      doc::Array& elements = has->as_array();
      for (const doc::Member& one : part->as_object()) assign(elements[at], one.key, one.value);
      keep_one_primary(elements, at);
    }
    return {};
  }

  // Of members[value eq "x"], which is asked often and of long lists: x. Else "".
  static std::string_view value_in(const Filter& filter) {
    const bool is_plain = filter.kind == Filter::Kind::kCompare &&
                          filter.comparison == Comparison::kEq && filter.attribute.sub.empty() &&
                          same_name(filter.attribute.name, "value") && filter.value.is_string();
    return is_plain ? std::string_view(filter.value.as_string()) : std::string_view();
  }

  Result<std::vector<std::size_t>> find(const Attribute& attribute, const Filter& filter) {
    std::vector<std::size_t> out;
    // Asked of nothing too: a filter that makes no sense is refused in an empty list as well.
    if (Result<bool> sane = matches_element(filter, attribute, doc::Value(doc::Object{})); !sane)
      return std::unexpected(sane.error());
    const doc::Value* has = resource_.find(attribute.name);
    if (has == nullptr) return out;
    const std::string_view value = is_members(attribute) ? value_in(filter) : std::string_view();
    steps_ += has->as_array().size() * (value.empty() ? terms_of(filter) * kFew : 1);
    if (steps_ > kStepsMax)
      return refuse("tooMany", "too much to look for in one PATCH: send it in parts");
    for (std::size_t i = 0; i < has->as_array().size(); ++i) {
      if (!value.empty()) {
        if (has->as_array()[i].text("value") == value) out.push_back(i);
        continue;
      }
      Result<bool> one = matches_element(filter, attribute, has->as_array()[i]);
      if (!one) return std::unexpected(one.error());
      if (*one) out.push_back(i);
    }
    return out;
  }

  // What an operation with a filter changes of an element: its sub-attributes, null those that go.
  Result<doc::Value> part_of(Op op, const Attribute& attribute, const Path& path,
                             const doc::Value* value) const {
    if (path.attribute.sub.empty()) return accept_element(attribute, *value);
    auto sub = sub_value(op, attribute, path.attribute.sub, value);
    if (!sub) return std::unexpected(sub.error());
    if (sub->first == nullptr) return doc::Value();
    doc::Value out = doc::Object{};
    out.set(std::string(sub->first->name), std::move(sub->second));
    return out;
  }

  Result<void> make_element(const Attribute& attribute, const Filter& filter,
                            const doc::Value& part) {
    doc::Value element = is_members(attribute) ? doc::Value() : element_of(filter, attribute);
    if (element.is_null())
      return refuse("noTarget",
                    "none of " + std::string(attribute.name) + " is " + to_text(filter));
    for (const doc::Member& one : part.as_object()) assign(element, one.key, one.value);
    doc::Array one;
    one.push_back(std::move(element));
    add_elements(attribute, resource_, std::move(one));
    return check_size(attribute);
  }

  static constexpr std::size_t kStepsMax = 20'000'000;
  const Schema& schema_;
  doc::Value resource_;
  std::size_t steps_ = 0;
};

}  // namespace

Result<doc::Value> patched(const Schema& schema, doc::Value resource, const doc::Value& message) {
  const doc::Value* operations = nullptr;
  bool is_patch = false;
  if (message.is_object()) {
    for (const doc::Member& one : message.as_object()) {
      if (same_name(one.key, "operations") && one.value.is_array()) operations = &one.value;
      if (!same_name(one.key, "schemas") || !one.value.is_array()) continue;
      is_patch = std::ranges::any_of(one.value.as_array(), [](const doc::Value& urn) {
        return urn.is_string() && same_name(urn.as_string(), kPatchUrn);
      });
    }
  }
  if (!is_patch || operations == nullptr || operations->as_array().empty())
    return refuse("invalidSyntax", "a PATCH has schemas [\"" + std::string(kPatchUrn) +
                                       "\"] and Operations, a list that is not empty");
  if (operations->as_array().size() > kOperationsMax)
    return refuse("tooMany",
                  "a PATCH has at most " + std::to_string(kOperationsMax) + " Operations");
  Patching patching(schema, std::move(resource));
  for (std::size_t i = 0; i < operations->as_array().size(); ++i) {
    if (Result<void> ok = patching.apply(operations->as_array()[i]); !ok) {
      Refusal refusal = ok.error();
      refusal.message = "Operations[" + std::to_string(i) + "]: " + refusal.message;
      return std::unexpected(std::move(refusal));
    }
  }
  return patching.take();
}

}  // namespace keyturn::scim
