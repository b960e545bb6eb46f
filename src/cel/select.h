// Field selection at run time.
#pragma once

#include <string_view>

#include "cel/value.h"

namespace keyturn::cel {

// operand.field: a reference into `operand`, or to `scratch` which then holds the result or an
// error. `scratch` may be `operand` itself.
const Value& select_field(const Value& operand, std::string_view field, Value& scratch);

// has(operand.field): a bool, or an error.
Value has_field(const Value& operand, std::string_view field);

}  // namespace keyturn::cel
