#include "cel/unify.h"

#include <functional>

namespace keyturn::cel {
namespace {

bool is_parameter(const Type& t) {
  return t.is(TypeKind::kParameter);
}
bool is_wild(const Type& t) {
  return t.is(TypeKind::kDyn) || t.is(TypeKind::kError);
}

bool nullable(const Type& t) {
  switch (t.kind()) {
    case TypeKind::kNull:
    case TypeKind::kObject:
    case TypeKind::kOpaque:
    case TypeKind::kTimestamp:
    case TypeKind::kDuration:
      return true;
    default:
      return false;
  }
}

bool less_or_equally_specific(const Type& a, const Type& b) {
  if (a.is(TypeKind::kDyn) || is_parameter(a)) return true;
  if (b.is(TypeKind::kDyn) || is_parameter(b)) return false;
  if (b.is(TypeKind::kNull) && nullable(a)) return true;
  if (a.kind() != b.kind()) return false;
  if (a.is(TypeKind::kType)) return true;
  if (a.name() != b.name() || a.parameters().size() != b.parameters().size()) return false;
  for (std::size_t i = 0; i < a.parameters().size(); ++i) {
    if (!less_or_equally_specific(a.parameter_at(i), b.parameter_at(i))) return false;
  }
  return true;
}

// The type with `change` applied to each of its parameters.
Type rebuilt(const Type& type, const std::function<Type(const Type&)>& change) {
  std::vector<Type> parameters;
  for (const Type& p : type.parameters()) parameters.push_back(change(p));
  switch (type.kind()) {
    case TypeKind::kType:
      return Type::type(parameters[0]);
    case TypeKind::kList:
      return Type::list(parameters[0]);
    case TypeKind::kMap:
      return Type::map(parameters[0], parameters[1]);
    case TypeKind::kOpaque:
      return Type::opaque(std::string(type.name()), std::move(parameters));
    default:
      return type;
  }
}

}  // namespace

Type most_general(const Type& a, const Type& b) {
  return less_or_equally_specific(a, b) ? a : b;
}

bool Substitutions::assignable(const Type& from, const Type& to) {
  Map before = map_;
  if (matches(from, to)) return true;
  map_ = std::move(before);
  return false;
}

bool Substitutions::assignable(const std::vector<Type>& from, const std::vector<Type>& to) {
  Map before = map_;
  if (all_match(from, to)) return true;
  map_ = std::move(before);
  return false;
}

bool Substitutions::all_match(const std::vector<Type>& from, const std::vector<Type>& to) {
  if (from.size() != to.size()) return false;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (!matches(from[i], to[i])) return false;
  }
  return true;
}

bool Substitutions::matches(const Type& from, const Type& to) {
  bool known = false;
  if (is_parameter(to)) {
    if (substitute(from, to, known)) return true;
    if (known) return false;
  }
  if (is_parameter(from)) return substitute(to, from, known);
  if (is_wild(from) || is_wild(to)) return true;
  if (from.is(TypeKind::kNull)) return nullable(to);
  if (to.is(TypeKind::kNull)) return nullable(from);
  // An object is a map from strings to anything, at run time and where a map is wanted.
  if (from.is(TypeKind::kObject) && to.is(TypeKind::kMap)) {
    return matches(Type::string(), to.parameter_at(0)) && matches(Type::dyn(), to.parameter_at(1));
  }
  if (from.is(TypeKind::kMap) && to.is(TypeKind::kObject)) return matches(to, from);
  if (from.kind() != to.kind()) return false;
  switch (from.kind()) {
    case TypeKind::kType:
      return true;
    case TypeKind::kList:
    case TypeKind::kMap:
    case TypeKind::kOpaque:
      return from.name() == to.name() && all_match(from.parameters(), to.parameters());
    case TypeKind::kObject:
      return from.name() == to.name();
    default:
      return true;
  }
}

// Whether `type` may stand for `parameter`; `known` when the parameter has a substitution already.
bool Substitutions::substitute(const Type& type, const Type& parameter, bool& known) {
  known = true;
  if (type == parameter) return true;
  if (const auto found = map_.find(parameter.name()); found != map_.end()) {
    const Type current = found->second;
    if (type == current) return true;
    if (!assignable(type, current)) return false;
    Type general = most_general(type, current);
    if (!occurs(parameter, general)) map_.insert_or_assign(std::string(parameter.name()), general);
    return true;
  }
  known = false;
  if (occurs(parameter, type)) return false;
  map_.insert_or_assign(std::string(parameter.name()), type);
  return true;
}

bool Substitutions::occurs(const Type& parameter, const Type& in) const {
  if (is_parameter(in)) {
    if (in.name() == parameter.name()) return true;
    const auto found = map_.find(in.name());
    return found != map_.end() && occurs(parameter, found->second);
  }
  for (const Type& p : in.parameters()) {
    if (occurs(parameter, p)) return true;
  }
  return false;
}

Type Substitutions::apply(const Type& type, bool unknown_to_dyn) const {
  if (is_parameter(type)) {
    if (const auto found = map_.find(type.name()); found != map_.end()) {
      return apply(found->second, unknown_to_dyn);
    }
    return unknown_to_dyn ? Type::dyn() : type;
  }
  if (type.parameters().empty()) return type;
  return rebuilt(type, [&](const Type& p) { return apply(p, unknown_to_dyn); });
}

Type Substitutions::fresh_parameter() {
  return Type::parameter("_" + std::to_string(next_++));
}

Type Substitutions::instantiate(const Type& type, Map& renamed) {
  if (is_parameter(type)) {
    const auto found = renamed.find(type.name());
    if (found != renamed.end()) return found->second;
    return renamed.emplace(std::string(type.name()), fresh_parameter()).first->second;
  }
  if (type.parameters().empty()) return type;
  return rebuilt(type, [&](const Type& p) { return instantiate(p, renamed); });
}

}  // namespace keyturn::cel
