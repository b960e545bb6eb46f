#include "cel/estimate.h"

namespace keyturn::cel {
namespace {

bool is_simple(const Value& v) {
  return v.is_null() || v.is_bool() || v.is_int() || v.is_uint() || v.is_double() || v.is_string();
}

Amount texts(std::span<const Extent> args) {
  Amount sum = 0;
  for (const Extent& a : args) sum = plus(sum, a.text);
  return sum;
}

Extent all_of(std::span<const Extent> args) {
  Extent out{0, 0, 0, true, true};
  for (const Extent& a : args) out = both(out, a);
  return out;
}

Extent object_extent(const Type& type, const SizeMax& max) {
  Extent out{0, type.fields().size(), 1, false, true};
  for (const Field& field : type.fields()) {
    const Extent of = Extent::of(field.type, max);
    out.text = std::max({out.text, of.text, Amount{field.name.size()}});
    out.items = std::max(out.items, of.items);
    out.values = plus(out.values, plus(1, of.values));
    out.simple_items = out.simple_items && of.simple;
  }
  return out;
}

}  // namespace

bool is_simple(const Type& t) {
  switch (t.kind()) {
    case TypeKind::kNull:
    case TypeKind::kBool:
    case TypeKind::kInt:
    case TypeKind::kUint:
    case TypeKind::kDouble:
    case TypeKind::kString:
      return true;
    default:
      return false;
  }
}

Extent either(const Extent& a, const Extent& b) {
  return {std::max(a.text, b.text), std::max(a.items, b.items), std::max(a.values, b.values),
          a.simple && b.simple, a.simple_items && b.simple_items};
}

Extent both(const Extent& a, const Extent& b) {
  Extent out = either(a, b);
  out.values = plus(a.values, b.values);
  return out;
}

Extent Extent::of(const Value& value) {
  Extent out{0, 0, 1, is_simple(value), false};
  if (value.is_string() || value.is_bytes() || value.kind() == Kind::kType) {
    out.text = value.text().size();
  } else if (value.is_list()) {
    Extent inside{0, value.size(), 1, true, false};
    for (const Value& item : value.items()) inside = both(inside, of(item));
    out = {inside.text, inside.items, inside.values, false, inside.simple};
  } else if (value.is_map()) {
    Extent inside{0, value.size(), 1, true, false};
    for (const MapEntry& e : value.entries()) inside = both(both(inside, of(e.key)), of(e.value));
    out = {inside.text, inside.items, inside.values, false, inside.simple};
  } else if (value.kind() == Kind::kOptional && value.has_value()) {
    out = of(value.unwrapped());
    ++out.values;
    out.simple = out.simple_items = false;
  }
  return out;
}

Extent Extent::of(const Type& type, const SizeMax& max) {
  if (is_simple(type)) {
    Extent out = scalar();
    if (type.is(TypeKind::kString)) out.text = max.text_bytes;
    return out;
  }
  if (type.is(TypeKind::kTimestamp) || type.is(TypeKind::kDuration)) return {};
  if (type.is(TypeKind::kBytes)) return {max.text_bytes, 0, 1, false, false};
  if (type.is(TypeKind::kList) || type.is(TypeKind::kMap)) {
    const Extent first = of(type.parameter_at(0), max);
    Extent inside = first;
    if (type.is(TypeKind::kMap)) inside = both(first, of(type.parameter_at(1), max));
    return {inside.text, std::max(max.items, inside.items),
            std::min(max.values, plus(1, times(max.items, inside.values))), false, inside.simple};
  }
  if (type.is(TypeKind::kObject) && !type.open()) {
    Extent out = object_extent(type, max);
    out.values = std::min(out.values, max.values);
    return out;
  }
  return {max.text_bytes, max.items, std::max(max.values, Amount{1}), false, false};
}

Extent Extent::element() const {
  return {text, items, values > 1 ? values - 1 : 1, simple_items, false};
}

Amount equality_cost(const Extent& a, const Extent& b) {
  if (a.simple || b.simple) return 1;
  return times(std::min(a.values, b.values), plus(1, std::max(a.text, b.text) / 64));
}

Amount search_cost(const Extent& item, const Extent& container) {
  return times(container.items, plus(1, equality_cost(item, container.element())));
}

CallBound bound_of_any(std::span<const Extent> args) {
  Extent of = all_of(args);
  const Amount text = texts(args);
  const Amount most = plus(plus(2, times(3, text) / 16), of.items);
  of.text = plus(times(2, text), 64);
  of.values = plus(of.values, 1);
  of.simple = of.simple_items = false;
  return {most, of};
}

CallBound bound_of_number(std::span<const Extent>) {
  return {0, Extent::scalar()};
}

CallBound bound_of_test(std::span<const Extent> args) {
  return {text_cost(args[0].text), Extent::scalar()};
}

CallBound bound_of_text(std::span<const Extent> args) {
  Extent of = Extent::scalar();
  of.text = args[0].text;
  return {text_cost(times(2, args[0].text)), of};
}

CallBound bound_of_part(std::span<const Extent> args) {
  Extent of = all_of(args);
  of.values = plus(of.values, 1);
  of.simple = of.simple_items = false;
  return {0, of};
}

}  // namespace keyturn::cel
