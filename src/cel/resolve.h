// What names mean (cel-spec "Name Resolution"): local variables, declared variables, types,
// namespaced functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cel/ast.h"
#include "cel/environment.h"

namespace keyturn::cel {

// Marks every ident and select chain with what it names, and turns math.greatest(x), parsed as a
// member call, into a call of the function "math.greatest".
void resolve_names(Expr& expr, const Environment& environment);

// "a.b.c" of an ident or select chain, or "".
std::string qualified_name(const Expr& expr);

// The names to try for `name` in a container, in order.
std::vector<std::string> candidate_names(std::string_view container, std::string_view name);

// The type that a name stands for: "int" is type(int). Null pointer: no type's name.
const Type* find_type_name(std::string_view name);

}  // namespace keyturn::cel
