// Reads types and overloads from text: "map(string, A)", "size_list .(list(A)) int".
#pragma once

#include <string_view>

#include "cel/environment.h"
#include "cel/type.h"

namespace keyturn::cel {

// One capital letter is a type parameter; a name that is none of CEL's is an opaque type. For
// tables written by ourselves: text that does not parse ends the program.
Type parse_type(std::string_view text);

// "id (parameters) result", with "." before the bracket for a member function.
Overload parse_overload(std::string_view text);

}  // namespace keyturn::cel
