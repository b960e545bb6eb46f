// Assignability of types, and the substitutions of type parameters that it implies.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cel/type.h"

namespace keyturn::cel {

class Substitutions {
 public:
  // Whether the first can stand where the second is wanted; if so, remembers what that says about
  // parameters.
  bool assignable(const Type& from, const Type& to);
  bool assignable(const std::vector<Type>& from, const std::vector<Type>& to);
  // With parameters replaced by what is known of them; those unknown stay, or become dyn.
  Type apply(const Type& type, bool unknown_to_dyn) const;
  Type fresh_parameter();
  // The type with each parameter renamed to a fresh one (the same for equal names within one map).
  Type instantiate(const Type& type, std::map<std::string, Type, std::less<>>& renamed);

 private:
  using Map = std::map<std::string, Type, std::less<>>;
  bool matches(const Type& from, const Type& to);
  bool all_match(const std::vector<Type>& from, const std::vector<Type>& to);
  bool substitute(const Type& type, const Type& parameter, bool& known);
  bool occurs(const Type& parameter, const Type& in) const;

  Map map_;
  std::size_t next_ = 0;
};

// The more general of two types that are assignable to one another.
Type most_general(const Type& a, const Type& b);

}  // namespace keyturn::cel
