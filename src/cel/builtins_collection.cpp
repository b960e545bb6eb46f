// size(), indexing, optionals.
#include <cmath>

#include "cel/builtins.h"
#include "cel/select.h"

namespace keyturn::cel {
namespace {

Value size(Frame& frame, Arguments args) {
  const Value& a = *args[0];
  if (!a.is_string() && !a.is_bytes() && !a.is_list() && !a.is_map()) {
    return no_overload("size", args);
  }
  if (a.is_string() && !frame.charge_text(a.text().size())) return over_limit();
  return Value::integer(static_cast<std::int64_t>(a.size()));
}

// An index of a list from any number that is integral. False: it is none.
bool integral(const Value& key, std::int64_t& index) {
  if (key.is_int() || (key.is_uint() && key.as_int() >= 0)) {
    index = key.as_int();
    return true;
  }
  if (!key.is_double() || std::trunc(key.as_double()) != key.as_double()) return false;
  if (std::fabs(key.as_double()) > 9e15) return false;
  index = static_cast<std::int64_t>(key.as_double());
  return true;
}

// The element, or null pointer: there is none (`problem` says why).
const Value* element(const Value& container, const Value& key, Value& problem) {
  if (container.is_map()) {
    const Value* found = container.find(key);
    if (found == nullptr) {
      problem = Value::no_such_key(key.is_string() ? std::string(key.text()) : to_text(key));
    }
    return found;
  }
  std::int64_t index = 0;
  if (!integral(key, index)) {
    problem = Value::error("invalid index: " + to_text(key));
    return nullptr;
  }
  if (index < 0 || static_cast<std::size_t>(index) >= container.items().size()) {
    problem = Value::error("index out of range: " + std::to_string(index));
    return nullptr;
  }
  return &container.items()[static_cast<std::size_t>(index)];
}

bool has_elements(const Value& v) {
  return v.is_list() || v.is_map();
}

Value optional_element(const Value& container, const Value& key) {
  Value problem;
  const Value* found = element(container, key, problem);
  return found == nullptr ? Value::no_optional() : Value::optional(*found);
}

Value index(Frame&, Arguments args) {
  const Value& container = *args[0];
  if (container.kind() == Kind::kOptional) {
    if (!container.has_value()) return container;
    if (!has_elements(container.unwrapped())) return no_overload("[]", args);
    return optional_element(container.unwrapped(), *args[1]);
  }
  if (!has_elements(container)) return no_overload("[]", args);
  Value problem;
  const Value* found = element(container, *args[1], problem);
  return found == nullptr ? std::move(problem) : Value(*found);
}

Value optional_index(Frame&, Arguments args) {
  const Value& container = *args[0];
  const bool wrapped = container.kind() == Kind::kOptional;
  if (wrapped && !container.has_value()) return container;
  const Value& inner = wrapped ? container.unwrapped() : container;
  if (!has_elements(inner)) return no_overload("[?]", args);
  return optional_element(inner, *args[1]);
}

Value optional_select(Frame&, Arguments args) {
  const Value& container = *args[0];
  const bool wrapped = container.kind() == Kind::kOptional;
  if (wrapped && !container.has_value()) return container;
  const Value& inner = wrapped ? container.unwrapped() : container;
  if (!inner.is_map()) return no_overload(".?", args);
  return optional_element(inner, *args[1]);
}

bool is_zero(const Value& v) {
  switch (v.kind()) {
    case Kind::kNull:
      return true;
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kUint:
      return v.as_uint() == 0;
    case Kind::kDouble:
      return v.as_double() == 0;
    case Kind::kString:
    case Kind::kBytes:
      return v.text().empty();
    case Kind::kDuration:
      return v.as_duration() == Duration{};
    case Kind::kTimestamp:
      return v.as_timestamp() == Timestamp{};
    case Kind::kList:
    case Kind::kMap:
      return v.size() == 0;
    case Kind::kOptional:
      return !v.has_value();
    case Kind::kAddress:
    case Kind::kNetwork:
    case Kind::kType:
    case Kind::kError:
      return false;
  }
  return false;
}

Value optional_of(Frame&, Arguments args) {
  return Value::optional(*args[0]);
}
Value optional_of_non_zero(Frame&, Arguments args) {
  return is_zero(*args[0]) ? Value::no_optional() : Value::optional(*args[0]);
}
Value optional_none(Frame&, Arguments) {
  return Value::no_optional();
}

Value optional_value(Frame&, Arguments args) {
  if (args[0]->kind() != Kind::kOptional) return no_overload("value", args);
  return args[0]->has_value() ? Value(args[0]->unwrapped())
                              : Value::error("optional.none() has no value");
}
Value has_value(Frame&, Arguments args) {
  if (args[0]->kind() != Kind::kOptional) return no_overload("hasValue", args);
  return Value::boolean(args[0]->has_value());
}
Value optional_or(Frame&, Arguments args) {
  if (args[0]->kind() != Kind::kOptional || args[1]->kind() != Kind::kOptional) {
    return no_overload("or", args);
  }
  return args[0]->has_value() ? *args[0] : *args[1];
}
Value optional_or_value(Frame&, Arguments args) {
  if (args[0]->kind() != Kind::kOptional) return no_overload("orValue", args);
  return args[0]->has_value() ? Value(args[0]->unwrapped()) : *args[1];
}

CallBound bound_of_index(std::span<const Extent> args) {
  CallBound out = bound_of_part(args);
  out.of.simple = args[0].simple_items;
  return out;
}

constexpr BuiltinEntry kCollectionTable[] = {
    {"size", size, 1, 1, bound_of_test},
    {"_[_]", index, 2, 2, bound_of_index},
    {"_[?_]", optional_index, 2, 2, bound_of_part},
    {"_?._", optional_select, 2, 2, bound_of_part},
    {"optional.of", optional_of, 1, 1, bound_of_part},
    {"optional.ofNonZeroValue", optional_of_non_zero, 1, 1, bound_of_part},
    {"optional.none", optional_none, 0, 0, bound_of_part},
    {"value", optional_value, 1, 1, bound_of_part},
    {"hasValue", has_value, 1, 1, bound_of_number},
    {"or", optional_or, 2, 2, bound_of_part},
    {"orValue", optional_or_value, 2, 2, bound_of_part}};

}  // namespace

std::span<const BuiltinEntry> collection_builtins() {
  return kCollectionTable;
}

}  // namespace keyturn::cel
