// int(), uint(), double(), string(), bytes(), bool(), dyn(), type(), timestamp(), duration().
#include <array>
#include <charconv>
#include <cmath>

#include "base/bytes.h"
#include "cel/address.h"
#include "cel/builtins.h"
#include "cel/clip.h"
#include "cel/literal.h"
#include "cel/number_text.h"
#include "cel/time_text.h"

namespace keyturn::cel {
namespace {

Value range_error(const char* type) {
  return Value::error(std::string("range error: it does not fit in ") + type);
}

Value unreadable(const char* type, const Value& text) {
  return Value::error("\"" + clip(text.text()) + "\" is no " + type);
}

template <class T>
Value from_digits(const Value& text, const char* type, Value (*make)(T)) {
  const std::string_view digits = text.text();
  T value{};
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc() || stop != end) return unreadable(type, text);
  return make(value);
}

Value to_int(Frame&, Arguments args) {
  const Value& a = *args[0];
  switch (a.kind()) {
    case Kind::kInt:
      return a;
    case Kind::kUint:
      return a.as_int() < 0 ? range_error("int") : Value::integer(a.as_int());
    case Kind::kDouble: {
      const double d = a.as_double();
      const bool fits = d > -9223372036854775808.0 && d < 9223372036854775808.0;
      return fits ? Value::integer(static_cast<std::int64_t>(d)) : range_error("int");
    }
    case Kind::kString:
      return from_digits<std::int64_t>(a, "int", Value::integer);
    case Kind::kTimestamp:
      return Value::integer(a.as_timestamp().seconds);
    case Kind::kDuration: {
      const auto nanos = to_nanos(a.as_duration());
      return nanos ? Value::integer(*nanos) : range_error("int");
    }
    default:
      return no_overload("int", args);
  }
}

Value to_uint(Frame&, Arguments args) {
  const Value& a = *args[0];
  switch (a.kind()) {
    case Kind::kUint:
      return a;
    case Kind::kInt:
      return a.as_int() < 0 ? range_error("uint") : Value::uinteger(a.as_uint());
    case Kind::kDouble: {
      const double d = a.as_double();
      const bool fits = d >= 0 && d < 18446744073709551616.0;
      return fits ? Value::uinteger(static_cast<std::uint64_t>(d)) : range_error("uint");
    }
    case Kind::kString:
      return from_digits<std::uint64_t>(a, "uint", Value::uinteger);
    default:
      return no_overload("uint", args);
  }
}

Value to_double(Frame&, Arguments args) {
  const Value& a = *args[0];
  switch (a.kind()) {
    case Kind::kDouble:
      return a;
    case Kind::kInt:
      return Value::number(static_cast<double>(a.as_int()));
    case Kind::kUint:
      return Value::number(static_cast<double>(a.as_uint()));
    case Kind::kString: {
      std::string_view text = a.text();
      if (text.starts_with('+')) text.remove_prefix(1);
      const auto value = parse_double(text);
      return value ? Value::number(*value) : unreadable("double", a);
    }
    default:
      return no_overload("double", args);
  }
}

Value to_string(Frame& frame, Arguments args) {
  const Value& a = *args[0];
  switch (a.kind()) {
    case Kind::kString:
      return a;
    case Kind::kBool:
      return Value::string(a.as_bool() ? "true" : "false");
    case Kind::kInt:
      return Value::string(std::to_string(a.as_int()));
    case Kind::kUint:
      return Value::string(std::to_string(a.as_uint()));
    case Kind::kDouble:
      return Value::string(double_text(a.as_double()));
    case Kind::kBytes:
      if (!frame.charge_text(a.text().size())) return over_limit();
      if (first_invalid_utf8(a.text())) return Value::error("invalid UTF-8 in bytes");
      return Value::string(a.text());
    case Kind::kTimestamp:
      return Value::string(to_rfc3339(a.as_timestamp()));
    case Kind::kDuration:
      return Value::string(to_seconds_text(a.as_duration()));
    case Kind::kAddress:
      return Value::string(to_text(address_of(a)));
    case Kind::kNetwork:
      return Value::string(to_text(network_of(a)));
    default:
      return no_overload("string", args);
  }
}

Value to_bytes(Frame& frame, Arguments args) {
  const Value& a = *args[0];
  if (a.is_bytes()) return a;
  if (!a.is_string()) return no_overload("bytes", args);
  return frame.charge_text(a.text().size()) ? Value::bytes(a.text()) : over_limit();
}

Value to_bool(Frame&, Arguments args) {
  const Value& a = *args[0];
  if (a.is_bool()) return a;
  if (!a.is_string()) return no_overload("bool", args);
  for (const std::string_view word : {"1", "t", "true", "TRUE", "True"}) {
    if (a.text() == word) return Value::boolean(true);
  }
  for (const std::string_view word : {"0", "f", "false", "FALSE", "False"}) {
    if (a.text() == word) return Value::boolean(false);
  }
  return unreadable("bool", a);
}

Value to_dyn(Frame&, Arguments args) {
  return *args[0];
}
Value type_of(Frame&, Arguments args) {
  return Value::type(name_of(args[0]->kind()));
}

Value to_timestamp(Frame&, Arguments args) {
  const Value& a = *args[0];
  if (a.kind() == Kind::kTimestamp) return a;
  if (a.is_int()) {
    const Timestamp time{a.as_int(), 0};
    return in_range(time) ? Value::timestamp(time) : range_error("timestamp");
  }
  if (!a.is_string()) return no_overload("timestamp", args);
  const auto time = parse_timestamp(a.text());
  return time ? Value::timestamp(*time) : unreadable("timestamp (RFC 3339)", a);
}

Value to_duration(Frame&, Arguments args) {
  const Value& a = *args[0];
  if (a.kind() == Kind::kDuration) return a;
  if (a.is_int()) return Value::duration(from_nanos(a.as_int()));
  if (!a.is_string()) return no_overload("duration", args);
  const auto duration = parse_duration(a.text());
  return duration ? Value::duration(*duration) : unreadable("duration", a);
}

constexpr BuiltinEntry kConversionTable[] = {{"int", to_int, 1, 1, bound_of_number},
                                             {"uint", to_uint, 1, 1, bound_of_number},
                                             {"double", to_double, 1, 1, bound_of_number},
                                             {"string", to_string, 1, 1},
                                             {"bytes", to_bytes, 1, 1},
                                             {"bool", to_bool, 1, 1, bound_of_number},
                                             {"dyn", to_dyn, 1, 1, bound_of_part},
                                             {"type", type_of, 1, 1},
                                             {"timestamp", to_timestamp, 1, 1},
                                             {"duration", to_duration, 1, 1}};

}  // namespace

std::span<const BuiltinEntry> conversion_builtins() {
  return kConversionTable;
}

}  // namespace keyturn::cel
