// Between documents (JSON, YAML) and CEL values.
//
// JSON has one number; CEL has three. A JSON number whose text is integral and fits becomes int
// (CEL's own JSON mapping would make it double: policies compare amounts and counts, and those are
// integers), 2^63..2^64-1 uint, everything else double. With a type given, the type decides: an int
// where double is declared becomes double.
#pragma once

#include "base/result.h"
#include "cel/type.h"
#include "cel/value.h"
#include "doc/value.h"

namespace keyturn::cel {

enum class Strings : bool {
  kCopy,
  kBorrow,  // the document must outlive the value and every copy of its parts
};

// A number that no double holds (1e400) becomes an error value in its place, so that reading it
// fails.
Value from_doc(const doc::Value& value, Strings strings = Strings::kCopy);

// As declared: double from integers, uint from integers, timestamp from RFC 3339 text, duration
// from "3.5s", bytes from base64. What does not fit its type becomes an error value in its place,
// naming the type.
Value from_doc(const doc::Value& value, const Type& type, Strings strings = Strings::kCopy);

// int, uint, double: numbers (NaN and infinities are refused, code not_json); bytes: base64;
// timestamp: RFC 3339; duration: "3.5s"; type: its name; map keys: as text; optional: its value or
// null. Errors are refused, code cel_error.
[[nodiscard]] Result<doc::Value> to_doc(const Value& value);

}  // namespace keyturn::cel
