#include "cel/select.h"

#include <string>

namespace keyturn::cel {
namespace {

Value no_fields(const Value& operand, std::string_view field) {
  return Value::error("no such overload: a value of type " + std::string(name_of(operand.kind())) +
                      " has no field " + std::string(field));
}

Value select_in_optional(const Value& operand, std::string_view field) {
  if (!operand.has_value()) return Value::no_optional();
  const Value& inner = operand.unwrapped();
  if (!inner.is_map()) return no_fields(inner, field);
  const Value* found = inner.find(field);
  return found == nullptr ? Value::no_optional() : Value::optional(*found);
}

}  // namespace

const Value& select_field(const Value& operand, std::string_view field, Value& scratch) {
  if (operand.is_map()) {
    const Value* found = operand.find(field);
    if (found == nullptr) {
      scratch = Value::no_such_key(field);
    } else if (&operand == &scratch) {
      scratch = Value(*found);  // the map goes with the scratch
    } else {
      return *found;
    }
    return scratch;
  }
  if (operand.is_error()) return operand;
  scratch = operand.kind() == Kind::kOptional ? select_in_optional(operand, field)
                                              : no_fields(operand, field);
  return scratch;
}

Value has_field(const Value& operand, std::string_view field) {
  if (operand.is_error()) return operand;
  if (operand.is_map()) return Value::boolean(operand.find(field) != nullptr);
  if (operand.kind() != Kind::kOptional) return no_fields(operand, field);
  const Value found = select_in_optional(operand, field);
  return found.is_error() ? found : Value::boolean(found.has_value());
}

}  // namespace keyturn::cel
